"""The stops of a recorded session: when, why, and how fast, all from what was recorded.

A stop is every loss of the permission to move. Three instants of it are measured on the recorder's clock: the onset of
its cause, the withdrawal of the permission, and the last motion each arm was still commanded.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from audit.series.model import (
    CLUTCHED,
    FOLLOWING,
    SILENCE,
    SILENT,
    STATES,
    AlarmSpan,
    Arm,
    Floats,
    Poses,
    Session,
    spans,
)

LEVEL_HOLD = 2
"""Lowest level of an alarm that stops the motion."""
STILL_FOR = 0.1
"""An arm stands still after this long without motion of its setpoint [s]."""
MOVED = 2e-6
"""A setpoint that changed by more than this from one sample to the next was in motion [m]."""
TURNED = 2e-5
"""The same for its orientation, as change of the quaternion [1]."""
SETTLING = 0.15
"""Causes that are told this long after the withdrawal still belong to the same stop [s]."""
BURST = 1.0
"""Stop requests are repeated; a pause longer than this parts two of them [s]."""
LONGEST_ONSET = 5.0
"""An onset further back than this is not taken for the onset of this stop [s]."""
SILENT_CAUSE = "SAFETY_SILENT"

_BY_COMMANDS = ("COMMAND_SILENCE", "COMMAND_LOST", "CONSOLE_GONE")
_BY_PICTURES = ("VIDEO_STALE", "VIDEO_LOST")
_BY_REQUEST = ("STOP_REQUEST", "STOP_UNSIGNED")


@dataclass(frozen=True)
class Stop:
    """One stop.

    Attributes:
        number: 1, 2, 3 ...
        withdrawn: When the permission to move was withdrawn [s].
        worst: Name of the worst safety state until it was given again.
        causes: Ids of the causes at the withdrawal, the one that stopped it first.
        text: What was wrong, in the monitor's words.
        remedy: What it said to do.
        onset: When the cause began [s].
        onset_is: How that was measured, in words.
        still: Last motion each arm was commanded [s]; None for an arm that stood still already.
        permitted_again: When the permission was given again [s]; None if it was not.
        followed_again: When every arm that followed before did so again [s]; None if they did not.
    """

    number: int
    withdrawn: float
    worst: str
    causes: tuple[str, ...]
    text: str
    remedy: str
    onset: float
    onset_is: str
    still: dict[str, float | None]
    permitted_again: float | None
    followed_again: float | None

    @property
    def to_withdrawal(self) -> float:
        """From the onset to the withdrawal of the permission [s]."""
        return self.withdrawn - self.onset

    @property
    def to_hold(self) -> float | None:
        """From the onset to the last motion that any arm was commanded [s]; None if all stood still already."""
        moving = [time for time in self.still.values() if time is not None]
        return max(moving) - self.onset if moving else None


def stops(session: Session) -> list[Stop]:
    """All stops of a session, in order."""
    permitted = spans(session.permitted, 1.0, session.duration)
    found: list[Stop] = []
    for index, (since, withdrawn) in enumerate(permitted):
        if withdrawn >= session.duration:
            continue  # the record ends while motion is permitted
        again = permitted[index + 1][0] if index + 1 < len(permitted) else None
        found.append(_stop(session, len(found) + 1, since, withdrawn, again))
    return found


def _stop(session: Session, number: int, since: float, withdrawn: float, again: float | None) -> Stop:
    until = session.duration if again is None else again
    states = session.state.value[(session.state.time >= withdrawn) & (session.state.time < until)]
    silent = bool(len(states)) and states[0] == SILENT
    causes = [] if silent else _causes(session, withdrawn)
    onset, onset_is = _onset(session, causes, withdrawn, silent)
    others = [f"also {cause.id.replace('_', ' ').lower()} ({cause.source})" for cause in causes[1:]]
    return Stop(
        number=number,
        withdrawn=withdrawn,
        worst=_worst(states),
        causes=(SILENT_CAUSE,) if silent else tuple(dict.fromkeys(cause.id for cause in causes)),
        text="no permit arrived: the safety monitor was silent"
        if silent
        else "; ".join([*(cause.text for cause in causes[:1]), *others]),
        remedy="; ".join(dict.fromkeys(cause.remedy for cause in causes)),
        onset=onset,
        onset_is=onset_is,
        still={name: _still(arm, max(onset, since), withdrawn) for name, arm in session.arms.items()},
        permitted_again=again,
        followed_again=_followed_again(session, withdrawn),
    )


def _worst(states: Floats) -> str:
    """The worst state; that nobody said anything any more counts only where nothing else was said."""
    said = states[states != SILENT]
    return STATES[int(said.max())] if len(said) else "SILENT"


def _still(arm: Arm, since: float, withdrawn: float) -> float | None:
    """Last motion commanded, unless it was the operator's clutch that ended it."""
    last = last_motion(arm.setpoint, since, withdrawn)
    if last is None:
        return None
    between = (arm.teleop.time > last - 0.02) & (arm.teleop.time < withdrawn)
    return None if CLUTCHED in arm.teleop.value[between] else last


def _causes(session: Session, withdrawn: float) -> list[AlarmSpan]:
    """What stopped it: causes of level HOLD and above that were there at the withdrawal, worst first, oldest first."""
    there = [
        span
        for span in session.alarms
        if span.level >= LEVEL_HOLD
        and span.began <= withdrawn + SETTLING
        and (span.ended is None or span.ended > withdrawn)
    ]
    at_once = [span for span in there if span.began <= withdrawn + 1e-6]
    return sorted(at_once or there, key=lambda span: (-span.level, span.since))


def _onset(session: Session, causes: list[AlarmSpan], withdrawn: float, silent: bool) -> tuple[float, str]:
    """When the cause began [s], and how that is known."""
    first = causes[0].id if causes else ""
    if silent:
        return withdrawn - SILENCE, "last permit that arrived"
    if first in _BY_REQUEST and (asked := _burst_start(session, withdrawn)) is not None:
        return asked, "first stop request that arrived at the recorder"
    if first in _BY_COMMANDS and (last := _last_before(session.commands.time, withdrawn)) is not None:
        return last, "last command that arrived before the stop"
    if first in _BY_PICTURES:
        eye = causes[0].source.split()[0]
        taken = [frame.time - frame.age for frame in session.frames.get(eye, ()) if frame.time <= withdrawn]
        if taken and withdrawn - LONGEST_ONSET <= max(taken) <= withdrawn:
            return max(taken), f"stamp of the newest picture of the {eye} eye that had arrived"
    if causes and withdrawn - LONGEST_ONSET <= causes[0].since <= withdrawn:
        return causes[0].since, "time since when the safety monitor told the cause"
    return withdrawn, "withdrawal itself; no earlier trace of the cause was recorded"


def _burst_start(session: Session, withdrawn: float) -> float | None:
    start: float | None = None
    for asked in reversed(session.stops_asked):
        if asked.time <= withdrawn and (withdrawn if start is None else start) - asked.time <= BURST:
            start = asked.time
    return start


def _last_before(times: Floats, instant: float) -> float | None:
    index = int(np.searchsorted(times, instant, side="left")) - 1
    return float(times[index]) if index >= 0 and instant - times[index] <= LONGEST_ONSET else None


def last_motion(setpoint: Poses, onset: float, withdrawn: float) -> float | None:
    """Last time at which a setpoint moved before the standstill that covers or follows the withdrawal [s].

    Args:
        setpoint: Commanded poses of an arm.
        onset: Motion before the cause began does not count [s].
        withdrawn: The standstill lasts beyond this [s].

    Returns:
        The time of the last sample that differs from the one before; None if the arm stood still from the onset on.
    """
    step = np.linalg.norm(np.diff(setpoint.position, axis=0), axis=1)
    turn = np.linalg.norm(np.diff(setpoint.quaternion, axis=0), axis=1)
    moving = setpoint.time[1:][(step > MOVED) | ((turn > TURNED) & (turn < 1.0))]
    moving = moving[moving >= onset]
    if not len(moving) or moving[0] > withdrawn + STILL_FOR:
        return None
    for last, next_motion in zip(moving, [*moving[1:], np.inf], strict=False):
        if next_motion > withdrawn and next_motion - last > STILL_FOR:
            return float(last) if last <= withdrawn + 5.0 else None
    return None


def _followed_again(session: Session, withdrawn: float) -> float | None:
    times: list[float] = []
    for arm in session.arms.values():
        before = arm.teleop.value[arm.teleop.time <= withdrawn]
        if not len(before) or FOLLOWING not in before[-50:]:
            continue
        after = arm.teleop.time > withdrawn + STILL_FOR
        again = arm.teleop.time[after][arm.teleop.value[after] == FOLLOWING]
        if not len(again):
            return None
        times.append(float(again[0]))
    return max(times, default=None)
