"""What the observer wrote down, in memory, and questions about it."""

from __future__ import annotations

import threading
from bisect import bisect_left
from dataclasses import dataclass, field
from typing import Any

KEEP = 60.0
"""Older rows are forgotten [s]."""


@dataclass(frozen=True)
class Sample:
    """Joints of one arm at one instant: monotonic time [s], positions [rad, m]."""

    at: float
    q: tuple[float, ...]


@dataclass(frozen=True)
class Sign:
    """Something that the suite said: time [s], kind (alarm, hold, limit, counter, pair, permit, text), name or text."""

    at: float
    kind: str
    name: str


@dataclass
class Newest:
    """The newest row of everything, for the campaign to find its way; not for its judgement."""

    state: int | None = None
    permitted: bool = False
    alarms: list[list[Any]] = field(default_factory=list)
    pairs: list[int] = field(default_factory=list)
    operating: dict[str, tuple[str, bool]] = field(default_factory=dict)
    hold: dict[str, str] = field(default_factory=dict)
    owner: dict[str, str] = field(default_factory=dict)
    arrival: dict[str, float] = field(default_factory=dict)


class Trace:
    """Rows of the observer, from any thread."""

    def __init__(self) -> None:
        """Empty."""
        self._lock = threading.Lock()
        self._samples: dict[str, list[Sample]] = {}
        self._signs: list[Sign] = []
        self._alarms: set[str] = set()
        self._counters: dict[tuple[str, str], int] = {}
        self.newest = Newest()

    def add(self, row: list[Any]) -> None:
        """Take one row of the observer."""
        kind, at, *content = row
        with self._lock:
            self.newest.arrival[kind] = at
            getattr(self, f"_add_{kind}", self._ignore)(at, *content)

    def window(self, begin: float, end: float) -> tuple[dict[str, list[Sample]], list[Sign]]:
        """Samples and signs from `begin` to `end` [s]."""
        with self._lock:
            samples = {}
            for arm, all_samples in self._samples.items():
                first = bisect_left(all_samples, begin, key=lambda sample: sample.at)
                samples[arm] = [sample for sample in all_samples[first:] if sample.at <= end]
            first = bisect_left(self._signs, begin, key=lambda sign: sign.at)
            return samples, [sign for sign in self._signs[first:] if sign.at <= end]

    def standing(self) -> frozenset[str]:
        """Alarms and hold reasons that are in force now, however long they have been."""
        with self._lock:
            return frozenset(self._alarms) | frozenset(filter(None, self.newest.hold.values()))

    def _add_p(self, at: float, arm: str, q: list[float | None]) -> None:
        rows = self._samples.setdefault(arm, [])
        rows.append(Sample(at, tuple(float("nan") if value is None else value for value in q)))
        if rows[-1].at - rows[0].at > 2.0 * KEEP:
            del rows[: bisect_left(rows, at - KEEP, key=lambda sample: sample.at)]

    def _add_s(self, at: float, state: int, permitted: bool, alarms: list[list[Any]]) -> None:
        names = {f"{alarm[0]}" for alarm in alarms}
        for name in names - self._alarms:
            self._sign(at, "alarm", name)
        self._alarms = names
        if self.newest.permitted and not permitted:
            self._sign(at, "permit", "withdrawn")
        self.newest.state, self.newest.permitted, self.newest.alarms = state, permitted, alarms

    def _add_g(
        self, at: float, arm: str, hold: str, reasons: dict[str, float], counters: dict[str, int], owner: str
    ) -> None:
        if hold != self.newest.hold.get(arm, "") and hold:
            self._sign(at, "hold", hold)
        self.newest.hold[arm], self.newest.owner[arm] = hold, owner
        for reason in reasons:
            self._sign(at, "limit", reason)
        self._count(at, arm, {name: counters[name] for name in ("permits_refused", "unauthenticated")})

    def _add_f(self, at: float, pairs: list[int], reasons: list[str], counters: dict[str, int]) -> None:
        before = self.newest.pairs
        if before and any(old >= 2 > new for old, new in zip(before, pairs, strict=False)):
            self._sign(at, "pair", "let go")
        self.newest.pairs = pairs
        for reason in reasons:
            self._sign(at, "limit", reason)
        self._count(at, "kinematics", {name: value for name, value in counters.items() if name != "accepted"})

    def _add_o(self, _at: float, arm: str, state: str, homed: bool) -> None:
        self.newest.operating[arm] = (state, homed)

    def _add_w(self, at: float, _arm: str, text: str) -> None:
        self._sign(at, "text", text)

    def _count(self, at: float, source: str, counters: dict[str, int]) -> None:
        for name, value in counters.items():
            before = self._counters.get((source, name))
            self._counters[source, name] = value
            if before is not None and value > before:
                self._sign(at, "counter", name)

    def _sign(self, at: float, kind: str, name: str) -> None:
        self._signs.append(Sign(at, kind, name))
        if self._signs[-1].at - self._signs[0].at > 2.0 * KEEP:
            del self._signs[: bisect_left(self._signs, at - KEEP, key=lambda sign: sign.at)]

    def _ignore(self, at: float, *content: Any) -> None:
        """Rows that are only told."""
