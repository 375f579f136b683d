"""In what the robot is doing when a fault strikes; and an attempt to move it that coincides with the fault.

A stop that is only seen while nothing asks for motion proves nothing. So in every phase the operator asks for motion at
the time of the fault: the hands begin to move, the clutch is released, the gesture is completed. After that nothing
more is engaged until the campaign has finished watching. Only in phase "standing" the hands go on standing while the
arms follow them: whatever moves then was moved by somebody else.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from campaign.processes import OrderError
from campaign.rig import INSTRUMENTS, PRESS, Rig
from teleop_core.contract import CAMERA_ARM
from teleop_core.signals import SafetyLevel, TeleopState

SOON = 3.0
"""Longest wait for an ordinary transition [s]."""
SETTLES = 0.33
"""From the end of a hold's cause until motion is permitted again [s]."""


@dataclass(frozen=True)
class Attempt:
    """What asks for motion.

    Attributes:
        after: Called just after the injection.
        over: From the injection until the attempt is over, at most [s].
    """

    after: Callable[[Rig], None]
    over: float


def enter(rig: Rig, phase: str, random: Random) -> Attempt:
    """Bring the arms, which follow moving hands, into the phase; returns at the instant for the injection.

    Raises:
        RigError: the arms do not get there.
    """
    return _ENTER[phase](rig, random)


def _rest(rig: Rig, _random: Random) -> Attempt:
    rig.order("console", "set", moving=False)
    rig.until(lambda: not _moved(rig), SOON, "arms at rest")
    return Attempt(lambda rig: _set(rig, moving=True), 0.0)


def _standing(rig: Rig, _random: Random) -> Attempt:
    rig.until(lambda: rig.following, SOON, "arms follow")
    _rest(rig, _random)
    time.sleep(SETTLES)
    return Attempt(lambda _rig: None, 0.0)


def _motion(rig: Rig, random: Random) -> Attempt:
    rig.until(lambda: rig.following, SOON, "arms follow")
    time.sleep(random.uniform(0.0, 0.1))
    return Attempt(lambda _rig: None, 0.0)


def _clutched(rig: Rig, _random: Random) -> Attempt:
    rig.order("console", "set", clutch=True)
    clutched = [int(TeleopState.CLUTCHED)] * 2
    rig.until(lambda: rig.trace.newest.pairs == clutched, SOON, "arms clutched")
    time.sleep(0.12)
    return Attempt(lambda rig: _set(rig, clutch=False), 0.02)


def _engagement(rig: Rig, random: Random) -> Attempt:
    _let_go(rig)
    rig.order("console", "set", present=True)
    rig.until(lambda: rig.state is SafetyLevel.OPERATING, SOON, "operating")
    rig.order("console", "gesture", after=0.0, press=PRESS)
    pressed = random.uniform(0.5, 1.0) * PRESS
    time.sleep(pressed)
    return Attempt(lambda _rig: None, PRESS - pressed)


def _recovering(rig: Rig, random: Random) -> Attempt:
    _let_go(rig)
    rig.order("console", "set", present=True)
    rig.order("console", "gesture", after=SETTLES, press=PRESS)
    passed = random.uniform(0.0, SETTLES + PRESS)
    time.sleep(passed)
    return Attempt(lambda _rig: None, SETTLES + PRESS - passed)


def _camera(rig: Rig, random: Random) -> Attempt:
    rig.until(lambda: rig.following and not rig.trace.newest.owner[CAMERA_ARM], SOON, "arms follow, endoscope free")
    time.sleep(SETTLES)  # the kinematics have to know it, too: a pedal that is pressed before has to be pressed anew
    rig.order("console", "set", camera=True)
    pressed = time.monotonic()
    rig.until(lambda: rig.moved(CAMERA_ARM, pressed, time.monotonic()), SOON, "endoscope moves")
    time.sleep(random.uniform(0.0, 0.2))
    return Attempt(lambda _rig: None, 0.0)


_ENTER: dict[str, Callable[[Rig, Random], Attempt]] = {
    "rest": _rest,
    "engagement": _engagement,
    "motion": _motion,
    "clutched": _clutched,
    "recovering": _recovering,
    "camera": _camera,
    "standing": _standing,
}


def _let_go(rig: Rig) -> None:
    """The operator leaves, and the arms let go; long enough for the gate to have told that it holds."""
    rig.order("console", "set", present=False)
    rig.until(lambda: "OPERATOR_ABSENT" in rig.alarms and not any(_engaged(rig)), SOON, "arms let go")
    rig.until(lambda: all(rig.trace.newest.hold.get(arm) for arm in INSTRUMENTS), SOON, "gates hold")


def _engaged(rig: Rig) -> list[bool]:
    return [state >= TeleopState.FOLLOWING for state in rig.trace.newest.pairs]


def _moved(rig: Rig) -> bool:
    now = time.monotonic()
    samples, _ = rig.trace.window(now - 0.08, now)
    return any(
        len(rows) < 3 or max(abs(a - b) for a, b in zip(rows[0].q, rows[-1].q, strict=True)) > 1e-4
        for rows in samples.values()
    )


def _set(rig: Rig, **values: bool) -> None:
    with contextlib.suppress(OrderError):  # the fault may have been that the console is gone
        rig.children["console"].order("set", wait=False, **values)
