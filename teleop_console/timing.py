"""How punctual a periodic loop is."""

from __future__ import annotations

LATE_PERIODS = 1.5
"""A turn counts as late when it comes more than this many periods after the one before [1]."""


class Punctuality:
    """Watches the time between the turns of a loop.

    Attributes:
        late: Turns that came late.
    """

    def __init__(self, period: float) -> None:
        """Watch a loop with this period [s]."""
        self._period = period
        self._turned_at: float | None = None
        self.late = 0
        self._longest = 0.0

    def turn(self, now: float) -> None:
        """The loop turns at the monotonic time `now` [s]."""
        if self._turned_at is not None:
            gap = now - self._turned_at
            self._longest = max(self._longest, gap)
            self.late += gap > LATE_PERIODS * self._period
        self._turned_at = now

    def take_longest(self) -> float:
        """Longest time between two turns since this was last asked [s]."""
        longest, self._longest = self._longest, 0.0
        return longest
