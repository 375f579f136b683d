"""Keeps a source connected: what fails is told once, closed, and tried again every second."""

from __future__ import annotations

import math
from collections.abc import Callable

from video_relay.source import SourceError, SourceSilentError, StereoFrame, StereoSource

RETRY_AFTER = 1.0
"""Time between two attempts to connect [s]."""


class Connection:
    """A source that may come and go.

    Attributes:
        problem: Why there are no frames; empty while there are.
        connected: The source is open.
    """

    def __init__(self, source: StereoSource, tell: Callable[[str], None], recovered: Callable[[str], None]) -> None:
        """Start unconnected.

        Args:
            source: The source to keep.
            tell: Called with each problem, once until frames come again or the problem is another one.
            recovered: Called with the source's name and renderer when frames come (again).
        """
        self.problem = ""
        self.connected = False
        self._source = source
        self._tell = tell
        self._recovered = recovered
        self._showing = False
        self._next_attempt = -math.inf

    def frame(self, now: float) -> StereoFrame | None:
        """Return the source's newest frame, connecting first where needed; None if there is none.

        Args:
            now: Present time [s], monotonic.
        """
        try:
            if not self.connected and not self._connect(now):
                return None
            frame = self._source.read(now)
        except SourceSilentError as error:
            self._fail(str(error))
            return None
        except SourceError as error:
            self._fail(str(error))
            self.close()
            self._next_attempt = now + RETRY_AFTER
            return None
        if frame is not None and not self._showing:
            self._showing, self.problem = True, ""
            self._recovered(f"{self._source.name}, {self._source.renderer}")
        return frame

    def close(self) -> None:
        """Let go of the source."""
        self.connected = False
        self._source.close()

    def _connect(self, now: float) -> bool:
        if not self._next_attempt <= now:
            return False
        self._source.connect()
        self.connected = True
        return True

    def _fail(self, problem: str) -> None:
        self._showing = False
        if problem != self.problem:
            self.problem = problem
            self._tell(problem)
