"""Is the session being recorded? From what the recorder says of itself; silence is a no."""

from __future__ import annotations

from collections.abc import Iterable

SILENT_AFTER = 1.0
"""A recorder speaks ten times a second; without a word for this long it does not write [s]."""
NEVER_HEARD, SILENT = "no recorder has been heard", "the recorder is silent"
UNEXPLAINED = "it does not say why"


class RecorderWatch:
    """Newest word of the recorder.

    Args:
        expected: There has to be one: one that has never been heard does not write.
    """

    def __init__(self, expected: bool) -> None:
        self._expected = expected
        self._heard: tuple[float, str] | None = None

    def told(self, now: float, writing: bool, reason: str) -> None:
        """The recorder says at `now` [s] whether it writes, and why not."""
        self._heard = (now, "" if writing else reason or UNEXPLAINED)

    def problem(self, now: float) -> str | None:
        """Why the session is not recorded at `now` [s]; empty if it is, None where none is wanted or heard."""
        if self._heard is None:
            return NEVER_HEARD if self._expected else None
        heard_at, problem = self._heard
        return problem if now - heard_at <= SILENT_AFTER else SILENT


def summed_up(problems: Iterable[str | None]) -> tuple[bool | None, str]:
    """Whether all that write the record do so, and the first problem; None where nobody has been heard.

    Args:
        problems: Of each, as `RecorderWatch.problem` says it.
    """
    heard = [problem for problem in problems if problem is not None]
    first = next(filter(None, heard), "")
    return (not first if heard else None), first
