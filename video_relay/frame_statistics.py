"""How the relay is doing: frame rate, age and cost of the frames."""

from __future__ import annotations

import math
from collections import deque

_WINDOW = 2.0  # Over which the frame rate is measured [s].
_SMOOTHING = 0.1  # Weight of the newest frame in the mean cost [1].


class FrameStatistics:
    """Counts frames.

    Attributes:
        frames: Frames published so far.
        render_time: Mean time to get a frame from the source [s].
        encode_time: Mean time to compress both eyes [s].
    """

    def __init__(self) -> None:
        """Start at nothing."""
        self.frames = 0
        self.render_time = 0.0
        self.encode_time = 0.0
        self._captured_at = -math.inf
        self._first_at = math.inf
        self._published: deque[float] = deque()

    def add(self, captured_at: float, published_at: float, render_time: float, encode_time: float) -> None:
        """Count a frame; times in [s], monotonic."""
        weight = _SMOOTHING if self.frames else 1.0
        self.render_time += weight * (render_time - self.render_time)
        self.encode_time += weight * (encode_time - self.encode_time)
        self.frames += 1
        self._first_at = min(self._first_at, published_at)
        self._captured_at = captured_at
        self._published.append(published_at)
        self._forget(published_at)

    def rate(self, now: float) -> float:
        """Return frames per second over the last two seconds [Hz]; it falls to 0 when frames stay away."""
        self._forget(now)
        return len(self._published) / _WINDOW if now - self._first_at >= _WINDOW else self._starting_rate()

    def age(self, now: float) -> float:
        """Return how old the newest frame is [s]; infinite before the first."""
        return now - self._captured_at

    def _starting_rate(self) -> float:
        if len(self._published) < 2:
            return 0.0
        return (len(self._published) - 1) / max(self._published[-1] - self._published[0], 1e-9)

    def _forget(self, now: float) -> None:
        while self._published and self._published[0] < now - _WINDOW:
            self._published.popleft()
