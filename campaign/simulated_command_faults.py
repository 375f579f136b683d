"""Faults of the stream of commands: silence, loss, delays, order, replays, clocks, a console that ends."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

from campaign.simulated_faults import MARGIN, TOLD_TO_MONITOR, FaultMaker, Injection, Outcome, Scene, dropped, nothing

COMMAND = "teleop/command"
SILENT = ("alarm COMMAND_SILENCE", "alarm COMMAND_LOST", "gate no commands", "alarm COMMAND_REFUSED")
"""What people are told when commands stay away."""
MOST_REPLAYS = 20
"""More in a second are a flood."""


def command_silence(scene: Scene) -> Injection:
    """No packet arrives for a time."""
    duration = scene.duration(0.005, 1.6)
    return Injection(
        lambda: scene.tap(COMMAND, dropped),
        scene.untap(COMMAND),
        duration,
        scene.silence(duration, scene.hold),
        scene.hold,
        SILENT,
        f"no command for {duration * 1000.0:.0f} ms",
    )


def command_loss(scene: Scene) -> Injection:
    """Packets are lost at random."""
    share, duration = scene.random.uniform(0.05, 0.6), scene.random.uniform(0.2, 0.6)
    draw = scene.random.random
    return Injection(
        lambda: scene.tap(COMMAND, lambda message: [] if draw() < share else [(message, 0.0)]),
        scene.untap(COMMAND),
        duration,
        Outcome.EITHER,
        scene.hold,
        SILENT,
        f"{share:.0%} of the commands lost for {duration * 1000.0:.0f} ms",
    )


def console_dead(scene: Scene) -> Injection:
    """The console is killed, and started again."""
    room, duration = scene.room, scene.random.uniform(0.15, 0.5)
    console = room.nodes["console"]

    def start() -> None:
        console.dead = True
        scene.later(0.1, lambda: room.publishers.update({COMMAND: 0}))
        scene.later(0.1, room.nodes["monitor"].on_console_lost)

    def end() -> None:
        console.dead = False
        room.publishers[COMMAND] = 1
        console.restart()

    threshold = scene.hold + scene.link_delay
    return Injection(start, end, duration, Outcome.STOP, threshold, SILENT, f"console dead {duration:.2f} s")


def console_hung(scene: Scene) -> Injection:
    """The console hangs, and goes on."""
    duration = scene.duration(0.005, 1.5)
    console = scene.room.nodes["console"]

    def start() -> None:
        console.hung = True

    return Injection(
        start,
        lambda: scene.room.resume("console"),
        duration,
        scene.silence(duration, scene.hold),
        scene.hold + scene.link_delay,
        SILENT,
        f"console hung {duration * 1000.0:.0f} ms",
    )


def operator_absent(scene: Scene) -> Injection:
    """The operator lets go of the deadman."""
    console = scene.room.nodes["console"]

    def present(value: bool) -> Callable[[], None]:
        return lambda: setattr(console, "present", value)

    duration = scene.random.uniform(0.05, 0.3)
    return Injection(
        present(False),
        present(True),
        duration,
        Outcome.STOP,
        scene.link_delay,
        ("alarm OPERATOR_ABSENT",),
        f"deadman released for {duration:.2f} s",
    )


def _recorder(scene: Scene) -> tuple[list[Any], Callable[[Any], list[tuple[Any, float]]]]:
    kept: list[Any] = []

    def tap(message: Any) -> list[tuple[Any, float]]:
        kept.append(message)
        return [(message, 0.0)]

    return kept, tap


def _again(scene: Scene, kept: list[Any], index: int) -> None:
    scene.room.inject(COMMAND, kept[index])


def command_replay(scene: Scene) -> Injection:
    """Recorded packets of this session come again: a few are refused and told, a flood holds."""
    count = scene.random.choice((1, 3, 10, 15, 60, 200))
    kept, tap = _recorder(scene)

    def start() -> None:
        scene.tap(COMMAND, tap)
        for index in range(count):
            scene.later(0.1 + 0.002 * index, partial(_again, scene, kept, index % 10))

    flood = count > MOST_REPLAYS + 5
    duration = 0.12 + 0.002 * count
    threshold = scene.link_delay + 0.1 + 0.002 * MOST_REPLAYS + TOLD_TO_MONITOR
    told = ("alarm REPLAY_FLOOD",) if flood else ("refused duplicate", "refused reordered", "alarm SEQUENCE_REPLAY")
    return Injection(
        start,
        scene.untap(COMMAND),
        duration,
        Outcome.STOP if flood else Outcome.REFUSED,
        threshold,
        told,
        f"{count} recorded packets replayed",
    )


def old_session_replay(scene: Scene) -> Injection:
    """Packets of another, older session with all numbers right."""
    count, session = scene.random.choice((1, 5, 15)), scene.random.getrandbits(63)

    def start() -> None:
        def tap(message: Any) -> list[tuple[Any, float]]:
            kept.append((replace(message[0], session=session), True))
            return [(message, 0.0)]

        kept: list[Any] = []
        scene.tap(COMMAND, tap)
        for index in range(count):
            scene.later(0.05 + 0.004 * index, partial(_again, scene, kept, index % 5))

    return Injection(
        start,
        scene.untap(COMMAND),
        0.1 + 0.004 * count,
        Outcome.REFUSED,
        0.0,
        ("refused foreign",),
        f"{count} packets of another session",
    )


def command_reorder(scene: Scene) -> Injection:
    """Every few packets one is overtaken by those after it."""
    late, every = scene.random.uniform(0.006, 0.04), scene.random.choice((10, 20, 40))
    duration, number = scene.random.uniform(0.2, 0.5), [0]

    def tap(message: Any) -> list[tuple[Any, float]]:
        number[0] += 1
        if number[0] % every:
            return [(message, 0.0)]
        scene.later(late, lambda: scene.room.inject(COMMAND, message, scene.link_delay))
        return []

    return Injection(
        lambda: scene.tap(COMMAND, tap),
        scene.untap(COMMAND),
        duration,
        Outcome.HARMLESS,
        0.0,
        (),
        f"every {every}th packet {late * 1000.0:.0f} ms late",
    )


def command_duplicate(scene: Scene) -> Injection:
    """Some packets arrive twice."""
    every, number = scene.random.choice((20, 40)), [0]
    duration = scene.random.uniform(0.2, 0.5)

    def tap(message: Any) -> list[tuple[Any, float]]:
        number[0] += 1
        return [(message, 0.0)] * (1 if number[0] % every else 2)

    return Injection(
        lambda: scene.tap(COMMAND, tap),
        scene.untap(COMMAND),
        duration,
        Outcome.REFUSED,
        0.0,
        ("refused duplicate", "alarm SEQUENCE_REPLAY"),
        f"every {every}th packet twice",
    )


def console_clock(scene: Scene) -> Injection:
    """The console's wall clock jumps, and stays there."""
    step = scene.random.choice((-1.0, 1.0)) * scene.duration(0.002, 30.0)
    offsets = scene.room.clock_offset

    def start() -> None:
        offsets["console"] += step

    if step > 0.0:
        outcome = Outcome.BOUNDED
    elif -step < scene.hold - 0.02:
        outcome = Outcome.EITHER
    else:
        outcome = Outcome.STOP if -step > scene.hold + 0.02 else Outcome.EITHER
    return Injection(
        start,
        nothing,
        0.3,
        outcome,
        scene.hold + scene.link_delay,
        ("refused stale", "gate command too old", *SILENT) if outcome is Outcome.STOP else (),
        f"console clock {step:+.3f} s",
    )


def growing_delay(scene: Scene) -> Injection:
    """Packets take longer and longer, then stay as late as that."""
    most, ramp = scene.duration(0.01, 0.8), scene.random.uniform(0.05, 0.4)
    begun = [math.inf]

    def start() -> None:
        begun[0] = scene.room.now
        scene.tap(COMMAND, lambda message: [(message, most * min(1.0, (scene.room.now - begun[0]) / ramp))])

    too_late = most > scene.hold + 0.02
    outcome = Outcome.STOP if too_late else Outcome.HARMLESS if most < scene.hold - 0.03 else Outcome.EITHER
    # A packet of age `hold` is the last one accepted; silence follows it.
    threshold = ramp * min(1.0, scene.hold / most) + 2.0 * scene.hold + scene.link_delay
    return Injection(
        start,
        scene.untap(COMMAND),
        max(ramp, threshold) + MARGIN,
        outcome,
        threshold,
        ("refused stale", *SILENT),
        f"delay grows to {most * 1000.0:.0f} ms in {ramp * 1000.0:.0f} ms",
    )


COMMAND_FAULTS: dict[str, FaultMaker] = {
    maker.__name__: maker
    for maker in (
        command_silence,
        command_loss,
        console_dead,
        console_hung,
        operator_absent,
        command_replay,
        old_session_replay,
        command_reorder,
        command_duplicate,
        console_clock,
        growing_delay,
    )
}
"""Name -> what draws it."""
