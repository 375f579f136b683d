"""When to make the next picture: at a rate, within a share of one core, and never to catch up.

Control has priority over video. The governor therefore spaces the frames so far apart that the work stays within its
share, and a frame that took longer than its period is followed by the next one at once, not by several.
"""

from __future__ import annotations

# How much of a period must lie between the starts of two frames [1]: a start delayed by the scheduler does not shift
# all later ones, but never are two frames made in a burst.
_SMALLEST_SPACING = 0.8


class RateGovernor:
    """Decides when the next frame is due.

    Attributes:
        missed: Frames that the rate would have allowed but that were left out.
    """

    def __init__(self, rate: float, share: float, minimum_rate: float) -> None:
        """Set the limits.

        Args:
            rate: Largest frame rate [Hz].
            share: Largest share of one core [1], 0 < share <= 1.
            minimum_rate: Frame rate that is kept even if the share is exceeded [Hz]; `rate` where that is lower.

        Raises:
            ValueError: names the limit and its value.
        """
        if not 0.0 < rate < float("inf"):
            raise ValueError(f"rate: {rate} Hz is not a positive number")
        if not 0.0 < share <= 1.0:
            raise ValueError(f"share: {share} is not within 0 to 1")
        if not 0.0 < minimum_rate < float("inf"):
            raise ValueError(f"minimum_rate: {minimum_rate} Hz is not a positive number")
        self.missed = 0
        self._shortest = 1.0 / rate
        self._longest = max(1.0 / minimum_rate, self._shortest)
        self._share = share
        self._due_at: float | None = None
        self._last_start: float | None = None

    def delay(self, now: float) -> float:
        """Return how long to wait for the next frame [s]; 0 when it is due."""
        return 0.0 if self._due_at is None else max(0.0, self._due_at - now)

    def finished(self, started: float, ended: float, busy: float) -> None:
        """Plan the next frame after one was made.

        Args:
            started: When the work on the frame began [s], monotonic.
            ended: When it was done [s].
            busy: Processor time spent since the frame before [s].
        """
        if self._last_start is not None:
            self.missed += max(0, round((started - self._last_start) / self._shortest) - 1)
        self._last_start = started
        period = min(max(self._shortest, busy / self._share), self._longest)
        planned = started if self._due_at is None else self._due_at
        self._due_at = max(planned + period, started + _SMALLEST_SPACING * period, ended)

    def restart(self) -> None:
        """Forget the plan after an interruption: a frame is due at once, and the gap counts no missed frames."""
        self._due_at = self._last_start = None
