"""How punctual a periodic loop is."""

from __future__ import annotations

LATE_PERIODS = 1.5


class Punctuality:
    """Watches the time between the turns of a loop.

    Attributes:
        late: Turns that came more than 1.5 periods after the one before.
        longest: Longest time between two turns since `take_longest` [s].
    """

    def __init__(self, period: float) -> None:
        """Watch a loop with this period [s]."""
        self._period = period
        self._turned_at: float | None = None
        self.late = 0
        self.longest = 0.0

    def turn(self, now: float) -> None:
        """The loop turns at the monotonic time `now` [s]."""
        if self._turned_at is not None:
            gap = now - self._turned_at
            self.longest = max(self.longest, gap)
            self.late += gap > LATE_PERIODS * self._period
        self._turned_at = now

    def take_longest(self) -> float:
        """Longest time between two turns since this was last asked [s]."""
        longest, self.longest = self.longest, 0.0
        return longest
