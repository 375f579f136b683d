"""The audit log as a table: what was written down as it happened, one line an event, in words."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from audit.checkpoint import REDACTIONS
from audit.reading import Line, chains, lines

MOST_EVENTS = 300
LONGEST_TEXT = 300
_SILENT = ("checkpoint",)
"""Types that say nothing of the operation, and come every second."""
_SAFETY = ("state", "permit", "stop_request", "engagement", "control", "reset", "gap", "clock_step")
"""Where there is no room for all, these are shown first."""
MOST_GAPS = 100
"""Of a recorder that lost something every second the first ones are shown; the table counts what is missing of each."""
_HIDDEN = ("salt", "signature")


@dataclass(frozen=True)
class LogEvent:
    """One record of the audit log.

    Attributes:
        utc_ns: When [ns since 1970].
        chain: Who wrote it.
        number: Number in its chain.
        type: Kind of event.
        actor: Who did it.
        text: What it says.
    """

    utc_ns: int
    chain: str
    number: int
    type: str
    actor: str
    text: str


@dataclass(frozen=True)
class Log:
    """The audit log.

    Attributes:
        events: In order of time, no more than MOST_EVENTS.
        listed: Events that there are, shown or not.
        counts: Records of each type, those that are not in `events` too.
        gaps: What the recorder says it lost, in words, no more than MOST_GAPS.
        unreadable: Lines that are no records.
    """

    events: tuple[LogEvent, ...]
    listed: int
    counts: dict[str, int]
    gaps: tuple[str, ...]
    unreadable: int


def read_log(folder: Path) -> Log:
    """Read every chain of a session; what is no record is counted, and left to the verification."""
    events: list[LogEvent] = []
    counts: Counter[str] = Counter()
    gaps: list[str] = []
    unreadable = 0
    for line in _lines(folder):
        event = None if line.record is None else _event(line.record)
        if event is None:
            unreadable += 1
            continue
        counts[event.type] += 1
        if event.type == "gap" and len(gaps) < MOST_GAPS:
            gaps.append(event.text)
        if event.type not in _SILENT:
            events.append(event)
    events.sort(key=lambda event: (event.type not in _SAFETY, event.utc_ns))
    shown = sorted(events[:MOST_EVENTS], key=lambda event: event.utc_ns)
    return Log(tuple(shown), len(events), dict(counts.most_common()), tuple(gaps), unreadable)


def _lines(folder: Path) -> Iterator[Line]:
    for name, paths in chains(folder).items():
        if name == REDACTIONS:
            continue  # not of the operation; the verification tells who took out what
        for path in paths:
            with contextlib.suppress(OSError):
                yield from lines(path)


def _event(record: Any) -> LogEvent | None:
    try:
        payload = record["payload"]
        text = "redacted" if payload is None else _words(payload)
        return LogEvent(
            int(record["utc_ns"]),
            str(record["chain"]),
            int(record["n"]),
            str(record["type"]),
            str(record["actor"]),
            text,
        )
    except (KeyError, TypeError, ValueError, AttributeError):
        return None


def _words(payload: dict[str, Any]) -> str:
    """A payload as "name: value; name: value", long and nested values shortened."""
    parts = []
    for name, value in payload.items():
        if name in _HIDDEN or value in (None, "", [], {}):
            continue
        if isinstance(value, list):
            shown = ", ".join(str(item) if not isinstance(item, dict) else _words(item) for item in value)
        elif isinstance(value, dict):
            shown = f"{len(value)} entries" if len(value) > 3 else _words(value)
        else:
            shown = str(value)
        parts.append(f"{name.replace('_', ' ')}: {shown}")
    text = "; ".join(parts)
    return text if len(text) <= LONGEST_TEXT else f"{text[:LONGEST_TEXT]} ..."
