"""The tables of the page: rows of ready words, made from the series."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from audit.merit import Merit
from audit.merit_definitions import ARM_DEFINITIONS, SESSION_DEFINITIONS, Definition
from audit.report.words import NOTHING, count, lasting, milliseconds, number, offset, whole
from audit.series.model import LEVELS, AlarmSpan, Series, Session
from audit.series.topics import stream_of
from audit.stops import Stop
from teleop_core.contract import STREAMS

SHORTEST_GAP = 0.25
"""A periodic topic that was silent for longer than this, and than ten of its periods, has a gap [s]."""


@dataclass(frozen=True)
class Table:
    """A table with a header row; the first column names the row.

    Attributes:
        caption: What it holds.
        head: Names of the columns.
        rows: Cells in words.
        numeric: Columns that hold numbers, from 0.
        note: Below the table; empty for none.
    """

    caption: str
    head: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]
    numeric: tuple[int, ...] = ()
    note: str = field(default="")


def stop_table(stops: list[Stop]) -> Table:
    """Each stop with cause and reaction."""
    rows = []
    for stop in stops:
        hold = milliseconds(stop.to_hold) if stop.to_hold is not None else "stood still"
        again = NOTHING if stop.permitted_again is None else lasting(stop.permitted_again - stop.withdrawn)
        follow = NOTHING if stop.followed_again is None else lasting(stop.followed_again - stop.withdrawn)
        cause = f"{_plain(stop.causes[0]) if stop.causes else 'cause not recorded'}: {stop.text}".rstrip(": ")
        rows.append(
            (str(stop.number), offset(stop.withdrawn), cause, _plain(stop.worst), stop.onset_is,
             milliseconds(stop.to_withdrawal), hold, again, follow)
        )  # fmt: skip
    return Table(
        "Stops: every loss of the permission to move",
        ("no.", "at", "cause", "worst state", "onset taken from", "onset to withdrawal",
         "onset to last commanded motion", "until permitted again", "until the arms followed again"),
        rows,
        (0, 1, 5, 6, 7, 8),
        "Onset to withdrawal holds the time for which a cause is tolerated on purpose (for instance a picture may be"
        " 400 ms old). The arms' setpoints are recorded every 10 ms: that is how exact the last commanded motion is.",
    )  # fmt: skip


def alarm_table(session: Session) -> Table:
    """Alarms by cause."""
    by_cause: dict[str, list[AlarmSpan]] = {}
    for alarm in session.alarms:
        by_cause.setdefault(alarm.id, []).append(alarm)
    rows = []
    for name, alarms in sorted(by_cause.items(), key=lambda item: (-max(a.level for a in item[1]), item[1][0].began)):
        level = max(alarm.level for alarm in alarms)
        effect = _plain(LEVELS[level]) if level < len(LEVELS) else NOTHING
        spans = [(alarm.began, session.duration if alarm.ended is None else alarm.ended) for alarm in alarms]
        sources = ", ".join(dict.fromkeys(alarm.source for alarm in alarms))
        rows.append(
            (_plain(name), sources, effect, str(len(union(spans))), lasting(sum(b - a for a, b in union(spans))),
             offset(alarms[0].began), alarms[-1].text, alarms[-1].remedy)
        )  # fmt: skip
    head = ("cause", "source", "effect", "times", "in all", "first at", "told last", "what to do")
    return Table("Alarms: every cause that was told", head, rows, (3, 4, 5))


def union(spans: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """Spans of time (from, to) joined where they overlap or touch."""
    joined: list[tuple[float, float]] = []
    for since, until in sorted(spans):
        if joined and since <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(joined[-1][1], until))
        else:
            joined.append((since, until))
    return joined


def control_table(session: Session) -> Table:
    """Which console session was in control, from when to when."""
    control = session.control
    rows = []
    if len(control):
        starts = np.flatnonzero(np.concatenate(([True], control.session[1:] != control.session[:-1])))
        for start, end in zip(starts, [*starts[1:], len(control) - 1], strict=True):
            who = int(control.session[start])
            accepted = control.counts[end, 0] - control.counts[start, 0]
            since, until = float(control.time[start]), float(control.time[end])
            name = f"console session {who}" if who else "nobody"
            rows.append((name, offset(since), offset(until), lasting(until - since), whole(accepted)))
    head = ("in control", "from", "to", "for", "commands accepted")
    return Table("Who held control", head, rows, (1, 2, 3, 4))


def limit_table(session: Session) -> Table:
    """Limits hit, by arm."""
    rows = [
        (name, limit.reason, limit.by, str(limit.times), lasting(limit.seconds), offset(limit.first),
         NOTHING if np.isnan(limit.amount) else f"{number(limit.amount)} {limit.unit}".strip())
        for name, arm in session.arms.items()
        for limit in arm.limits
    ]  # fmt: skip
    head = ("arm", "limit", "applied by", "times", "in all", "first at", "largest excess")
    return Table("Limits that changed or refused a motion", head, rows, (3, 4, 5, 6))


def distribution_table(session: Session) -> Table:
    """Latency, tracking error and age of the pictures in percentiles."""
    rows = []
    for name, arm in session.arms.items():
        rows.append(_percentiles(f"{name}: hand sample to setpoint [ms]", arm.latency, 1e3))
    for name, arm in session.arms.items():
        rows.append(_percentiles(f"{name}: measured and commanded tip apart [mm]", arm.error, 1e3))
    for eye, frames in session.frames.items():
        ages = Series(np.array([frame.time for frame in frames]), np.array([frame.age for frame in frames]))
        rows.append(_percentiles(f"{eye} eye: age of the picture at arrival [ms]", ages, 1e3))
    head = ("what", "samples", "median", "95 %", "99 %", "largest")
    return Table("Latency and tracking error, every recorded sample", head, rows, (1, 2, 3, 4, 5))


def merit_tables(merit: Merit) -> tuple[Table, Table]:
    """Figures of merit of the session, and of each arm."""
    session_rows = [(d.name, _figure(getattr(merit, d.key), d)) for d in SESSION_DEFINITIONS]
    arm_rows = [(d.name, *(_figure(getattr(arm, d.key), d) for arm in merit.arms.values())) for d in ARM_DEFINITIONS]
    return (
        Table("Figures of merit of the session", ("figure", "value"), session_rows, (1,)),
        Table("Figures of merit of each instrument", ("figure", *merit.arms), arm_rows, tuple(range(1, 9))),
    )


def definitions() -> list[tuple[str, str, str]]:
    """Name, definition and source of every figure of merit."""
    return [(d.name, d.text, d.source) for d in (*SESSION_DEFINITIONS, *ARM_DEFINITIONS)]


def gap_table(session: Session) -> Table:
    """Topics with missing messages or long silences."""
    rows = []
    for topic, counted in session.topics.items():
        found = stream_of(topic)
        rate = STREAMS[found.stream].rate if found else 0.0
        silent = rate > 0.0 and counted.longest_silence > max(SHORTEST_GAP, 10.0 / rate)
        if counted.lost or silent:
            lost = NOTHING if counted.lost is None else str(counted.lost)
            rows.append((topic, lost, lasting(counted.longest_silence) if silent else NOTHING))
    head = ("topic", "messages missing", "longest silence")
    return Table(
        "Gaps in the recorded topics", head, rows, (1, 2),
        "Missing messages are provable: their publication numbers are absent. A silence may also be a sender that had"
        " nothing to say, such as commands while the console was away.",
    )  # fmt: skip


def topic_table(session: Session) -> Table:
    """Everything that was recorded."""
    rows = [
        (topic, whole(c.recorded), NOTHING if c.lost is None else str(c.lost), offset(c.first), offset(c.last),
         number(c.recorded / (c.last - c.first), 3) if c.last > c.first else NOTHING)
        for topic, c in session.topics.items()
    ]  # fmt: skip
    head = ("topic", "recorded", "missing", "first at", "last at", "per second")
    return Table(f"Everything recorded: {count(len(rows), 'topic')}", head, rows, (1, 2, 3, 4, 5))


def _percentiles(name: str, series: Series, scale: float) -> tuple[str, ...]:
    value = series.value[np.isfinite(series.value)]
    if not len(value):
        return (name, "0", *(NOTHING,) * 4)
    figures = (*np.percentile(value, (50.0, 95.0, 99.0)), value.max())
    return (name, whole(len(value)), *(number(scale * float(figure)) for figure in figures))


def _figure(value: float, definition: Definition) -> str:
    shown = number(value * definition.scale)
    return shown if shown == NOTHING or not definition.unit else f"{shown} {definition.unit}"


def _plain(name: str) -> str:
    return name.replace("_", " ").lower()
