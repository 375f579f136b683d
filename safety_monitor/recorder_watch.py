"""Is the session being recorded? From what the recorder says of itself; silence is a no."""

from __future__ import annotations

SILENT_AFTER = 1.0
"""A recorder speaks ten times a second; without a word for this long it does not write [s]."""
NEVER_HEARD, SILENT = "no recorder has been heard", "the recorder is silent"


class RecorderWatch:
    """Newest word of the recorder.

    Args:
        expected: There has to be one: one that has never been heard does not write.
    """

    def __init__(self, expected: bool) -> None:
        self._expected = expected
        self._heard_at: float | None = None
        self._problem = ""

    def told(self, now: float, writing: bool, reason: str) -> None:
        """The recorder says at `now` [s] whether it writes, and why not."""
        self._heard_at = now
        self._problem = "" if writing else reason or "it does not say why"

    def problem(self, now: float) -> str | None:
        """Why the session is not recorded at `now` [s]; empty if it is, None where none is wanted or heard."""
        if self._heard_at is None:
            return NEVER_HEARD if self._expected else None
        return self._problem if now - self._heard_at <= SILENT_AFTER else SILENT
