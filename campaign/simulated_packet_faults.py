"""Faults inside the operator's packets: rubbish in each field, hands that jump, numbers ahead, forgeries."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from campaign.simulated_command_faults import COMMAND, SILENT
from campaign.simulated_faults import TOLD_TO_MONITOR, FaultMaker, Injection, Outcome, Scene
from teleop_core.se3 import Pose
from teleop_core.signals import HandSignal, OperatorSignal

NOT_A_NUMBER = (math.nan, math.inf, -math.inf)
HUGE = (1e300, -1e300, 1e9)


def _changed(scene: Scene, count: int, change: Callable[[OperatorSignal], OperatorSignal]) -> Callable[[], None]:
    """Begin to change the next packets."""
    left = [count]

    def tap(message: Any) -> list[tuple[Any, float]]:
        left[0] -= 1
        signal, authentic = message
        return [((change(signal) if left[0] >= 0 else signal, authentic), 0.0)]

    return lambda: scene.tap(COMMAND, tap)


def _replaced(
    scene: Scene, change: Callable[[OperatorSignal], OperatorSignal], outcome: Outcome, told: tuple[str, ...], text: str
) -> Injection:
    """Some packets in a row are changed; long enough, and it is silence."""
    count = scene.random.choice((1, 1, 2, 3, 5, 8, 40))
    if count * 0.005 > scene.hold - 0.03 and outcome is Outcome.REFUSED:
        outcome = Outcome.STOP if count * 0.005 > scene.hold + 0.03 else Outcome.EITHER
        threshold = scene.hold + scene.link_delay
        told = (*told, *SILENT)
    else:
        threshold = scene.link_delay + TOLD_TO_MONITOR
    return Injection(
        _changed(scene, count, change),
        scene.untap(COMMAND),
        count * 0.005 + 0.05,
        outcome,
        threshold,
        told,
        f"{text} in {count} packets",
    )


def _hand(signal: OperatorSignal, change: Callable[[HandSignal], HandSignal]) -> OperatorSignal:
    return replace(signal, hands=(change(signal.hands[0]), *signal.hands[1:]))


def _moved(hand: HandSignal, axis: int, value: float) -> HandSignal:
    position = np.array(hand.pose.position)
    position[axis] = value
    return replace(hand, pose=Pose(position, hand.pose.quaternion))


def _turned(hand: HandSignal, quaternion: Any) -> HandSignal:
    return replace(hand, pose=Pose(hand.pose.position, np.array(quaternion, dtype=np.float64)))


def _field(name: str, value: Any) -> Callable[[OperatorSignal], OperatorSignal]:
    return lambda signal: replace(signal, **{name: value})


def command_rubbish(scene: Scene) -> Injection:
    """A field is not a number, infinite, or far beyond its range: the packet is refused as malformed."""
    draw = scene.random
    bad = draw.choice((*NOT_A_NUMBER, *HUGE))
    axis = draw.randrange(3)
    quaternion = [0.0, 0.0, 0.0, 1.0]
    quaternion[draw.randrange(4)] = bad
    changes: dict[str, Callable[[OperatorSignal], OperatorSignal]] = {
        "position": lambda signal: _hand(signal, lambda hand: _moved(hand, axis, bad)),
        "orientation": lambda signal: _hand(signal, lambda hand: _turned(hand, quaternion)),
        "gripper": lambda signal: _hand(signal, lambda hand: replace(hand, gripper=bad)),
        "motion_scale": _field("motion_scale", draw.choice((*NOT_A_NUMBER, *HUGE, 0.0, -0.2, 1.0000001))),
        "feedback_age": _field("feedback_age", draw.choice((*NOT_A_NUMBER, 1e300, -1e-9))),
        "linear velocity": lambda signal: _hand(
            signal, lambda hand: replace(hand, linear=(0.0, draw.choice(NOT_A_NUMBER), 0.0))
        ),
        "angular velocity": lambda signal: _hand(
            signal, lambda hand: replace(hand, angular=(draw.choice(NOT_A_NUMBER), 0.0, 0.0))
        ),
    }
    name = draw.choice(sorted(changes))
    told = ("refused malformed", "alarm NON_FINITE")
    return _replaced(scene, changes[name], Outcome.STOP, told, f"{name} rubbish ({bad})")


def command_quaternion(scene: Scene) -> Injection:
    """An orientation that is no unit quaternion."""
    share = scene.random.choice((0.0, 0.5, 0.99, 1.01, 2.0, -1.5))
    return _replaced(
        scene,
        lambda signal: _hand(signal, lambda hand: _turned(hand, np.asarray(hand.pose.quaternion) * share)),
        Outcome.STOP,
        ("refused malformed", "alarm NON_FINITE"),
        f"quaternion of length {abs(share)}",
    )


def command_hands(scene: Scene) -> Injection:
    """A hand that nobody knows, or the same hand twice."""
    name = scene.random.choice(("MTMX", "", "MTML\0", "PSM1"))
    change = scene.random.choice(
        (
            lambda signal: _hand(signal, lambda hand: replace(hand, name=name)),
            lambda signal: replace(signal, hands=(signal.hands[0], signal.hands[0])),
            lambda signal: replace(signal, hands=signal.hands * 3),
        )
    )
    return _replaced(
        scene, change, Outcome.STOP, ("refused malformed", "alarm NON_FINITE"), f"unknown hand {name!r} or one twice"
    )


def command_stamp_rubbish(scene: Scene) -> Injection:
    """A stamp that is not a number, or years away."""
    value = scene.random.choice((*NOT_A_NUMBER, -1e300, 0.0, 1.0))
    told = ("refused stale", "refused malformed")
    return _replaced(scene, _field("stamp", value), Outcome.REFUSED, told, f"stamp {value}")


def command_foreign(scene: Scene) -> Injection:
    """A packet of another session, of none, or numbered far ahead: poison for a receiver that believes it."""
    change = scene.random.choice(
        (
            _field("session", scene.random.getrandbits(63)),
            _field("session", 0),
            lambda signal: replace(signal, sequence=signal.sequence + scene.random.choice((501, 10_000, 2**63))),
            _field("sequence", 2**64 - 1),
        )
    )
    return _replaced(scene, change, Outcome.REFUSED, ("refused foreign",), "foreign session or sequence")


def command_denormal(scene: Scene) -> Injection:
    """Numbers so small that they are hardly numbers: they move nothing."""
    tiny = scene.random.choice((5e-324, -5e-324, 2e-308))
    change: Callable[[OperatorSignal], OperatorSignal] = scene.random.choice(
        (
            lambda signal: _hand(signal, lambda hand: replace(hand, linear=(tiny, tiny, tiny))),
            lambda signal: _hand(signal, lambda hand: _turned(hand, np.asarray(hand.pose.quaternion) + tiny)),
            _field("feedback_age", abs(tiny)),
            _field("feedback_stamp", tiny),
        )
    )
    return _replaced(scene, change, Outcome.HARMLESS, (), f"denormal {tiny}")


def hand_jump(scene: Scene) -> Injection:
    """The hand's place jumps in valid packets: the arm goes after it at limited speed, if at all."""
    axis, far = scene.random.randrange(3), scene.random.choice((-1, 1)) * scene.duration(0.01, 1.5)
    count = scene.random.choice((1, 2, 5, 20))

    def change(signal: OperatorSignal) -> OperatorSignal:
        def jumped(hand: HandSignal) -> HandSignal:
            place = max(-1.99, min(1.99, float(hand.pose.position[axis]) + far))
            return _moved(hand, axis, place)

        return replace(signal, hands=tuple(map(jumped, signal.hands)))

    return Injection(
        _changed(scene, count, change),
        scene.untap(COMMAND),
        count * 0.005 + 0.05,
        Outcome.BOUNDED,
        0.0,
        ("limit ", "gate ") if scene.phase == "motion" and abs(far) > 0.1 and count >= 5 else (),
        f"hands {far:+.3f} m away for {count} packets",
    )


def device_jump(scene: Scene) -> Injection:
    """The input device jumps: the console says that nobody operates it."""
    console = scene.room.nodes["console"]
    device, far = console.device._device, scene.random.uniform(0.1, 1.0)
    duration = scene.random.uniform(0.01, 0.1)
    read = device.read

    def jumping(now: float) -> Any:
        sample = read(now)
        return replace(
            sample, hands=tuple(_moved(hand, 0, float(hand.pose.position[0]) + far) for hand in sample.hands)
        )

    return Injection(
        lambda: setattr(device, "read", jumping),
        lambda: setattr(device, "read", read),
        duration,
        Outcome.STOP,
        scene.link_delay,
        ("alarm OPERATOR_ABSENT",),
        f"device jumps by {far:.2f} m for {duration * 1000.0:.0f} ms",
    )


def leading_poison(scene: Scene) -> Injection:
    """A well-made packet numbered ahead within the window shuts out what follows: the arms hold and people are told."""
    ahead = scene.random.choice((3, 5, 60, 200, 490))

    def start() -> None:
        left = [1]

        def tap(message: Any) -> list[tuple[Any, float]]:
            left[0] -= 1
            signal, authentic = message
            return [((replace(signal, sequence=signal.sequence + ahead) if left[0] >= 0 else signal, authentic), 0.0)]

        scene.tap(COMMAND, tap)

    outcome = scene.silence(ahead * 0.005, scene.hold)
    return Injection(
        start,
        scene.untap(COMMAND),
        0.4,
        outcome,
        scene.hold + scene.link_delay,
        ("refused reordered", *SILENT),
        f"one packet numbered {ahead} ahead",
    )


def command_unauthenticated(scene: Scene) -> Injection:
    """Forged packets whose hash does not fit, ahead of the genuine ones."""
    count = scene.random.choice((1, 3, 20))

    def start() -> None:
        def tap(message: Any) -> list[tuple[Any, float]]:
            left[0] -= 1
            forged = (replace(message[0], sequence=message[0].sequence + 5, clutch=True), False)
            return [(forged, 0.0), (message, 0.0)] if left[0] >= 0 else [(message, 0.0)]

        left = [count]
        scene.tap(COMMAND, tap)

    return Injection(
        start,
        scene.untap(COMMAND),
        0.05 + 0.005 * count,
        Outcome.STOP,
        scene.link_delay + TOLD_TO_MONITOR,
        ("alarm AUTH_FAIL", "refused unauthenticated"),
        f"{count} forged packets",
    )


def hand_missing(scene: Scene) -> Injection:
    """Packets without hands."""
    return Injection(
        _changed(scene, 1000, _field("hands", ())),
        scene.untap(COMMAND),
        scene.random.uniform(0.05, 0.3),
        Outcome.STOP,
        scene.link_delay,
        ("alarm ", "limit ", "gate "),
        "packets without hands",
    )


PACKET_FAULTS: dict[str, FaultMaker] = {
    maker.__name__: maker
    for maker in (
        command_rubbish,
        command_quaternion,
        command_hands,
        command_stamp_rubbish,
        command_foreign,
        command_denormal,
        hand_jump,
        device_jump,
        leading_poison,
        command_unauthenticated,
        hand_missing,
    )
}
"""Name -> what draws it."""
