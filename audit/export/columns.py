"""The columns of an export: what each one is, its unit, and how it was brought onto the common time base.

Nothing is extrapolated. Where a column has no value it holds NaN (text columns: nothing), and its mask, a column of its
own, is false.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from audit.series.model import SILENCE, STATES, Arm, Floats, Poses, Series, Session
from audit.series.resample import hold, linear, slerp

LINEAR, SLERP, HOLD, EXACT = "linear", "slerp", "zero-order hold", "exact"
LONGEST_GAP = 0.1
"""Positions and orientations are not interpolated across longer gaps [s]."""
LONGEST_HOLD = SILENCE
"""What is told again and again is not held for longer than this [s]."""
MOST_ROWS = 100_000_000
"""Eleven hours at the highest rate take less; a clock that was set makes decades of nothing."""
_LINK = ("rtt_s", "jitter_s", "one_way_up_s", "one_way_down_s", "loss_up", "loss_down", "level")


class ExportError(ValueError):
    """Nothing is exported; says why, and what to do."""


@dataclass(frozen=True, eq=False)
class Column:
    """One column.

    Attributes:
        name: Ends with the unit where there is one.
        unit: SI unit; empty where it has none.
        rule: LINEAR, SLERP, HOLD or EXACT.
        text: What it is.
        topic: Relative topic it comes from.
        values: (m,) values.
        mask: Name of the column that tells where there are values; empty where there are always.
    """

    name: str
    unit: str
    rule: str
    text: str
    topic: str
    values: NDArray[Any]
    mask: str = ""


def time_base(session: Session, rate: float, start: float = 0.0, duration: float | None = None) -> Floats:
    """(m,) times of the export: multiples of the period [s].

    Args:
        session: The session.
        rate: Rows per second [Hz].
        start: Begin there [s after the first message].
        duration: So much of the session [s]; None for all that follows.

    Raises:
        ExportError: there is no row, or there are more than MOST_ROWS.
    """
    end = session.duration if duration is None else min(session.duration, start + duration)
    first, last = int(np.ceil(start * rate)), int(np.floor(end * rate))
    if last < first:
        raise ExportError(f"--start: no row from {start:g} s on: the session is {session.duration:.3f} s long")
    if last - first >= MOST_ROWS:
        before, after = _longest_silence(session)
        raise ExportError(
            f"{end - start:.0f} s at {rate:g} Hz are {last - first + 1} rows, and more than {MOST_ROWS} are not"
            f" written. Nothing arrived from {before:.3f} to {after:.3f} s: if the clock stepped there, export one side"
            f" of it with --duration {np.ceil(before):.0f} or --start {np.floor(after):.0f}; or lower --rate"
        )
    return np.arange(first, last + 1) / rate


def _longest_silence(session: Session) -> tuple[float, float]:
    """Where no commands, feedback and poses arrived for the longest time, from and to [s]."""
    tools = [arm.tool.time for arm in session.arms.values()]
    known: list[Floats] = [np.array([0.0, session.duration]), session.commands.time, session.control.time, *tools]
    times = np.unique(np.concatenate(known))
    at = int(np.argmax(np.diff(times)))
    return float(times[at]), float(times[at + 1])


def columns(session: Session, base: Floats) -> list[Column]:
    """All columns of a session on a time base (m,) [s]."""
    utc = session.zero_ns + np.round(base * 1e9).astype(np.int64)
    found = [
        Column("time_s", "s", EXACT, "time since the first recorded message", "", base),
        Column("utc_ns", "ns", EXACT, "the same as UTC since 1970", "", utc),
    ]
    found += _safety(session, base)
    found += _operator(session, base)
    for name, arm in session.arms.items():
        found += _arm(name, arm, base)
    for name, hand in session.hands.items():
        found += _poses(name, f"hand {name} in the display frame", f"{name}/measured_cp", hand, base)
    for eye, frames in session.frames.items():
        ages = Series(np.array([frame.time for frame in frames]), np.array([frame.age for frame in frames]))
        column = ("picture_age_s", "s", "age of the newest picture when it arrived")
        topic = f"endoscope/{eye}/image_raw/compressed"
        found += _held(f"{eye}_eye", topic, [column], ages, base, LONGEST_HOLD)
    if len(session.link):
        names = [(name, "s" if name.endswith("_s") else "", "of the link") for name in _LINK]
        found += _held("link", "link/status", names, session.link, base, LONGEST_HOLD)
    return found


def _safety(session: Session, base: Floats) -> Iterator[Column]:
    states = ", ".join(f"{value} {name}" for value, name in enumerate(STATES))
    for name, text, series in (
        ("state", f"safety state: {states}", session.state),
        ("motion_permitted", "1 while motion is permitted", session.permitted),
        ("velocity_ratio", "permitted share of full speed", session.ratio),
    ):
        yield from _held("safety", "safety/state", [(name, "", text)], series, base, np.inf, end=session.duration)
    level = np.full(len(base), -1, dtype=np.int64)
    for alarm in session.alarms:
        until = session.duration if alarm.ended is None else alarm.ended
        inside = (base >= alarm.began) & (base < until)
        level[inside] = np.maximum(level[inside], alarm.level)
    text = "highest level of the alarms: -1 none, 0 inform, 1 degrade, 2 hold, 3 paused, 4 fault, 5 protective stop"
    yield Column("safety_alarm_level", "", HOLD, text, "safety/state", level, "safety_state_valid")


def _operator(session: Session, base: Floats) -> Iterator[Column]:
    commands, control = session.commands, session.control
    if len(commands):
        names = [
            ("present", "", "1 while someone means to operate"),
            ("clutch", "", "1 while the clutch is pressed"),
            ("camera", "", "1 while the camera pedal is pressed"),
            ("motion_scale", "", "instrument motion per hand motion"),
        ]
        pedals = Series(commands.time, commands.pedals)
        yield from _held("operator", "teleop/command", names, pedals, base, LONGEST_HOLD)
    if len(control):
        names = [
            (name, "", f"commands {name} since the kinematics started")
            for name in ("accepted", "stale", "duplicate", "reordered", "malformed", "foreign", "unauthenticated")
        ]
        counts = Series(control.time, control.counts)
        yield from _held("commands", "teleop/feedback", names, counts, base, LONGEST_HOLD)
        index = hold(
            control.time, np.arange(len(control), dtype=np.float64), base, float(control.time[-1]), LONGEST_HOLD
        )
        sessions = [str(control.session[int(at)]) if np.isfinite(at) else "" for at in index]
        text = "console session in control, decimal; 0 for none"
        values = np.array(sessions, dtype=object)
        yield Column("commands_session", "", HOLD, text, "teleop/feedback", values, "commands_accepted_valid")


def _arm(name: str, arm: Arm, base: Floats) -> Iterator[Column]:
    frame = f"in {name}_base_link"
    yield from _poses(f"{name}_tip", f"measured tool tip {frame}", f"{name}/local/measured_cp", arm.tool, base)
    yield from _poses(
        f"{name}_setpoint", f"commanded tool tip {frame}", f"{name}/local/setpoint_cp", arm.setpoint, base
    )
    if len(arm.jaw):
        values = linear(arm.jaw.time, arm.jaw.value, base, LONGEST_GAP)
        yield from _masked(
            [
                Column(
                    f"{name}_jaw_rad", "rad", LINEAR, "measured opening of the jaw", f"{name}/jaw/measured_js", values
                )
            ],
            f"{name}_jaw",
        )
    report = f"{name}/servo_report"
    for label, unit, text, series in (
        ("latency", "s", "hand sample to setpoint, of the newest report", arm.latency),
        ("error", "m", "measured and commanded tip apart, of the newest report", arm.error),
    ):
        times, middle, largest = of_reports(series)
        names = [(f"{label}_median_{unit}", unit, f"{text}, median"), (f"{label}_max_{unit}", unit, f"{text}, largest")]
        both = Series(times, np.column_stack((middle, largest)))
        yield from _held(name, report, names, both, base, LONGEST_HOLD)
    held = [("gate_holding", "", "1 while the command gate holds the arm")]
    yield from _held(name, report, held, arm.holding, base, LONGEST_HOLD)
    pair = [("teleop_state", "", "hand-arm pair: 0 disabled, 1 aligning, 2 following, 3 clutched")]
    yield from _held(name, "teleop/feedback", pair, arm.teleop, base, LONGEST_HOLD)


def of_reports(series: Series) -> tuple[Floats, Floats, Floats]:
    """Time, median and largest value of each report; all values of a report carry its time."""
    if not len(series):
        return np.empty(0), np.empty(0), np.empty(0)
    times, starts = np.unique(series.time, return_index=True)
    groups = np.split(series.value, starts[1:])
    return times, np.array([np.median(group) for group in groups]), np.array([group.max() for group in groups])


def _poses(prefix: str, text: str, topic: str, poses: Poses, base: Floats) -> Iterator[Column]:
    if not len(poses):
        return
    position = linear(poses.time, poses.position, base, LONGEST_GAP)
    turn = slerp(poses.time, poses.quaternion, base, LONGEST_GAP)
    found = [
        Column(f"{prefix}_{axis}_m", "m", LINEAR, f"{text}, position {axis}", topic, position[:, index])
        for index, axis in enumerate("xyz")
    ]
    found += [
        Column(f"{prefix}_q{axis}", "", SLERP, f"{text}, quaternion {axis}", topic, turn[:, index])
        for index, axis in enumerate("xyzw")
    ]
    yield from _masked(found, prefix)


def _held(
    prefix: str,
    topic: str,
    names: list[tuple[str, str, str]],
    series: Series,
    base: Floats,
    longest: float,
    end: float | None = None,
) -> Iterator[Column]:
    """Columns (name, unit, text) of a series that holds its value, one for each of its columns."""
    if not len(series):
        return
    until = float(series.time[-1]) + min(longest, 1e9) if end is None else end
    values = hold(series.time, series.value, base, until, longest).reshape(len(base), -1)
    found = [
        Column(f"{prefix}_{name}", unit, HOLD, text, topic, values[:, index])
        for index, (name, unit, text) in enumerate(names)
    ]
    yield from _masked(found, f"{prefix}_{names[0][0]}")


def _masked(found: list[Column], prefix: str) -> Iterator[Column]:
    """The columns, and the mask that is theirs."""
    mask = f"{prefix}_valid"
    valid = np.all([np.isfinite(column.values) for column in found], axis=0)
    for column in found:
        yield Column(column.name, column.unit, column.rule, column.text, column.topic, column.values, mask)
    yield Column(mask, "", EXACT, f"whether {found[0].name} and its like have a value", found[0].topic, valid)
