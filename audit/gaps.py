"""What is missing in the record: found from the publishers' numbers, or dropped here; told as gaps."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Any

GATHERED_FOR = 1.0
"""What is lost on a topic for one reason within this time [s] is one gap."""
MOST_LANES = 8
"""Publishers of one topic that are told apart."""
LARGEST_STEP = 1_000_000
"""A number so much larger than the last one is that of another publisher."""

LOST_BEFORE = "lost on its way to the recorder"


class SequenceWatch:
    """Follows the numbers of a topic's publishers, which the middleware does not name.

    Each publisher counts from 1. A number belongs to the publisher whose last one is nearest below it; one that is
    below all of them is that of a new publisher, or of one that was started again.
    """

    def __init__(self) -> None:
        """Nothing heard yet."""
        self._last: list[int] = []

    def see(self, sequence: int) -> tuple[int, int] | None:
        """Take a number; returns the first missing number and how many are missing, None if none is."""
        nearest = max((last for last in self._last if last < sequence <= last + LARGEST_STEP), default=None)
        if nearest is None:
            self._last = [*self._last[-MOST_LANES + 1 :], sequence]
            return None
        self._last[self._last.index(nearest)] = sequence
        missing = sequence - nearest - 1
        return (nearest + 1, missing) if missing else None


@dataclass
class _Gap:
    since: float
    first: int
    last: int
    count: int


class GapBook:
    """Gathers what is lost until it is told; used from several threads.

    Attributes:
        total: Messages lost so far.
    """

    def __init__(self) -> None:
        """Nothing lost."""
        self.total = 0
        self._lock = threading.Lock()
        self._open: dict[tuple[str, str], _Gap] = {}
        self._lost: dict[str, int] = {}

    def lost(self, now: float, topic: str, first: int, count: int, why: str) -> None:
        """Messages of a topic are lost: the number of the first one, how many, and why."""
        with self._lock:
            self.total += count
            self._lost[topic] = self._lost.get(topic, 0) + count
            gap = self._open.setdefault((topic, why), _Gap(now, first, first, 0))
            gap.last = max(gap.last, first + count - 1)
            gap.count += count

    def due(self, now: float, after: float = GATHERED_FOR) -> list[dict[str, Any]]:
        """Gaps that were gathered for `after` [s] or longer at `now` [s], as payloads; they are told once."""
        with self._lock:
            due = [key for key, gap in self._open.items() if now - gap.since >= after]
            closed = [(key, self._open.pop(key)) for key in due]
        return [
            {"topic": topic, "first": gap.first, "last": gap.last, "count": gap.count, "why": why}
            for (topic, why), gap in closed
        ]

    def by_topic(self) -> dict[str, int]:
        """Messages lost so far by topic."""
        with self._lock:
            return dict(self._lost)
