"""How much video is recorded at most: beyond it frames are skipped, and the skipped ones are counted."""

from __future__ import annotations

BURST = 1.0
"""What a second may bring can come at once [s]."""


class VideoCeiling:
    """A bucket that fills with time.

    Args:
        rate: Video recorded at most [bytes/s].
        now: Time at which it begins [s].
    """

    def __init__(self, rate: float, now: float) -> None:
        self._rate = rate
        self._room = rate * BURST
        self._newest = now

    def admits(self, now: float, size: int) -> bool:
        """Whether a frame of so many bytes may be recorded at `now` [s]; if so, it is counted as recorded."""
        passed = max(0.0, now - self._newest)
        self._newest = max(self._newest, now)
        self._room = min(self._rate * BURST, self._room + passed * self._rate)
        if not size <= self._room:
            return False
        self._room -= size
        return True
