"""Faults of the permit and of its monitor: dead, hung, late, forged, replayed, failing."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

from campaign.simulated_faults import (
    LEASE,
    REPORTED,
    TOLD_TO_MONITOR,
    FaultMaker,
    Injection,
    Outcome,
    Scene,
    dropped,
    nothing,
)
from campaign.simulated_messages import Permit

PERMIT = "safety/state"
LEASE_OVER = ("gate permit not renewed", "gate no permit to move", "alarm SELF_LAG", "alarm MONITOR_RESTARTED")
"""What people are told when permits stay away."""


def monitor_hung(scene: Scene) -> Injection:
    """The monitor hangs, and goes on."""
    duration = scene.duration(0.01, 1.2)
    monitor = scene.room.nodes["monitor"]
    return Injection(
        lambda: setattr(monitor, "hung", True),
        lambda: scene.room.resume("monitor"),
        duration,
        Outcome.HARMLESS if duration < 0.055 else Outcome.STOP if duration > LEASE + 0.02 else Outcome.EITHER,
        LEASE,
        LEASE_OVER,
        f"monitor hung {duration * 1000.0:.0f} ms",
    )


def monitor_dead(scene: Scene) -> Injection:
    """The monitor is killed, and started again: it finds enabled arms and stops them until a reset."""
    room = scene.room

    def start() -> None:
        room.nodes["monitor"].dead = True

    return Injection(
        start,
        lambda: room.restart("monitor"),
        scene.random.uniform(0.15, 0.4),
        Outcome.STOP,
        LEASE,
        LEASE_OVER,
        "monitor dead",
    )


def monitor_exception(scene: Scene) -> Injection:
    """Something inside the monitor fails."""
    return Injection(
        lambda: scene.room.at(scene.room.now, "monitor", "on_feedback", (None,)),
        nothing,
        0.1,
        Outcome.STOP,
        TOLD_TO_MONITOR,
        ("alarm INTERNAL_FAILURE",),
        "a callback of the monitor raises",
    )


def _lapse_told(scene: Scene, lapse: float, told: tuple[str, ...]) -> tuple[str, ...]:
    """What people are told of a permit that lapsed for so long [s].

    Where no arm follows, all stand anyway: a lapse that begins and ends between two reports of the gate stops
    nothing, and is not told.
    """
    return () if lapse < REPORTED and scene.phase != "motion" else told


def permits_lost(scene: Scene) -> Injection:
    """No permit arrives for a time."""
    duration = scene.duration(0.01, 0.8)
    told = ("gate permit not renewed", "alarm GATE_OPEN", "alarm PERMIT_NOT_TAKEN", "gate no commands", *LEASE_OVER)
    return Injection(
        lambda: scene.tap(PERMIT, dropped),
        scene.untap(PERMIT),
        duration,
        scene.silence(duration, LEASE),
        LEASE,
        _lapse_told(scene, duration - LEASE, told),
        f"no permit for {duration * 1000.0:.0f} ms",
    )


def permits_late(scene: Scene) -> Injection:
    """Every permit takes longer."""
    late, duration = scene.duration(0.005, 0.4), scene.random.uniform(0.2, 0.5)
    return Injection(
        lambda: scene.tap(PERMIT, lambda message: [(message, late)]),
        scene.untap(PERMIT),
        duration,
        scene.silence(late, LEASE),
        LEASE,
        _lapse_told(scene, late - LEASE, ("gate ", "alarm ")),
        f"permits {late * 1000.0:.0f} ms late",
    )


def _with_permits(scene: Scene, change: Callable[[Permit, Permit], list[tuple[Any, float]]]) -> Callable[[], None]:
    """Begin to change permits: from the first of all and the present one to what arrives."""
    first: list[Permit] = []

    def tap(message: Any) -> list[tuple[Any, float]]:
        first.append(message[0])
        return change(first[0], message[0])

    return lambda: scene.tap(PERMIT, tap)


def permit_replay(scene: Scene) -> Injection:
    """Permits that were valid once come again, between the genuine ones."""
    return Injection(
        _with_permits(scene, lambda first, permit: [((permit,), 0.0), ((replace(first, granted=True),), 0.002)]),
        scene.untap(PERMIT),
        scene.random.uniform(0.1, 0.3),
        Outcome.REFUSED,
        0.0,
        ("permits refused",),
        "a recorded permit after each genuine one",
    )


def permit_replay_while_dead(scene: Scene) -> Injection:
    """The monitor is dead and somebody repeats its last permits: nothing moves on after the lease."""
    room, kept = scene.room, list[Any]()

    def tap(message: Any) -> list[tuple[Any, float]]:
        kept.append((replace(message[0], granted=True),))
        return [(message, 0.0)]

    def again(index: int) -> None:
        room.inject(PERMIT, kept[index % len(kept)])

    def die() -> None:
        room.nodes["monitor"].dead = True
        for index in range(30):
            scene.later(0.01 * index, partial(again, index))

    def start() -> None:
        scene.tap(PERMIT, tap)
        scene.later(0.05, die)

    def end() -> None:
        room.taps.pop(PERMIT)
        room.restart("monitor")

    told = ("permits refused", "unauthenticated", *LEASE_OVER)
    return Injection(
        start, end, 0.4, Outcome.STOP, 0.05 + LEASE, told, "old permits repeated while the monitor is dead"
    )


def permit_reorder(scene: Scene) -> Injection:
    """Every third permit is overtaken by the next."""
    number = [0]

    def tap(message: Any) -> list[tuple[Any, float]]:
        number[0] += 1
        if number[0] % 3:
            return [(message, 0.0)]
        scene.later(0.015, lambda: scene.room.inject(PERMIT, message))
        return []

    return Injection(
        lambda: scene.tap(PERMIT, tap),
        scene.untap(PERMIT),
        scene.random.uniform(0.1, 0.4),
        Outcome.REFUSED,
        0.0,
        ("permits refused",),
        "every third permit is overtaken",
    )


def permit_foreign(scene: Scene) -> Injection:
    """Another monitor, or an older session of this one, speaks while a permit is valid: it is not heard."""
    # While nothing is permitted a new session may begin: that is how a restarted monitor is heard.
    session = 0 if scene.phase == "recovering" else scene.random.choice((0, 1, scene.random.getrandbits(63)))
    granted = scene.random.random() < 0.5
    number = [0]

    def change(_first: Permit, permit: Permit) -> list[tuple[Any, float]]:
        number[0] += 1
        foreign = replace(permit, session=session, sequence=number[0], granted=granted, ratio=0.1)
        return [((permit,), 0.0), ((foreign,), 0.003)]

    return Injection(
        _with_permits(scene, change),
        scene.untap(PERMIT),
        scene.random.uniform(0.05, 0.3),
        Outcome.REFUSED,
        0.0,
        ("permits refused",),
        f"permits of session {session}, granted: {granted}",
    )


def permit_rubbish(scene: Scene) -> Injection:
    """A lease or a ratio that is none: the permit is dropped, whatever else it says."""
    bad: dict[str, Any] = scene.random.choice(
        [{"lease": value} for value in (math.nan, math.inf, 0.0, -0.1, 1.1, 1e300)]
        + [{"ratio": value} for value in (math.nan, -0.01, 1.01, math.inf)]
    )

    def change(_first: Permit, permit: Permit) -> list[tuple[Any, float]]:
        return [((permit,), 0.0), ((replace(permit, sequence=permit.sequence + 1, **bad),), 0.003)]

    return Injection(
        _with_permits(scene, change),
        scene.untap(PERMIT),
        scene.random.uniform(0.05, 0.3),
        Outcome.REFUSED,
        0.0,
        ("permits refused",),
        f"permits with {bad}",
    )


def permit_unauthenticated(scene: Scene) -> Injection:
    """Forged permits whose hash does not fit."""

    def change(_first: Permit, permit: Permit) -> list[tuple[Any, float]]:
        return [((permit,), 0.0), ((replace(permit, sequence=permit.sequence + 1000, authentic=False),), 0.003)]

    return Injection(
        _with_permits(scene, change),
        scene.untap(PERMIT),
        scene.random.uniform(0.05, 0.2),
        Outcome.STOP,
        REPORTED + 0.01,
        ("alarm AUTH_FAIL", "unauthenticated"),
        "forged permits",
    )


def monitor_time_backwards(scene: Scene) -> Injection:
    """The monotonic clock of the monitor goes backwards."""
    step = scene.duration(0.02, 5.0)
    monitor = scene.room.nodes["monitor"]

    def start() -> None:
        monitor.monotonic_offset -= step

    return Injection(
        start,
        nothing,
        0.15,
        Outcome.STOP,
        TOLD_TO_MONITOR,
        ("alarm CLOCK_STEP",),
        f"monitor's monotonic clock -{step:.3f} s",
    )


PERMIT_FAULTS: dict[str, FaultMaker] = {
    maker.__name__: maker
    for maker in (
        monitor_hung,
        monitor_dead,
        monitor_exception,
        permits_lost,
        permits_late,
        permit_replay,
        permit_replay_while_dead,
        permit_reorder,
        permit_foreign,
        permit_rubbish,
        permit_unauthenticated,
        monitor_time_backwards,
    )
}
"""Name -> what draws it."""
