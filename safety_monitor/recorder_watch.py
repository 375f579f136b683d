"""Is the session being recorded? From what the recorder says of itself; silence is a no."""

from __future__ import annotations

from collections.abc import Iterable

SILENT_AFTER = 1.0
"""A recorder speaks ten times a second; without a word for this long it does not write [s]."""
FORGOTTEN_AFTER = 10.0
"""One that is not expected counts as gone after so long without a word [s]: a console may leave."""
NEVER_HEARD, SILENT = "no recorder has been heard", "the recorder is silent"
UNEXPLAINED = "it does not say why"
ANOTHER_SESSION = "it records another session"


class RecorderWatch:
    """Newest word of the recorder.

    Args:
        expected: There has to be one: one that has never been heard does not write.
        session: Identity of the session that it has to record; empty where any will do.
    """

    def __init__(self, expected: bool, session: str = "") -> None:
        self._expected = expected
        self._session = session
        self._heard: tuple[float, str] | None = None

    def told(self, now: float, session: str, writing: bool, reason: str) -> None:
        """The recorder says at `now` [s] what it records, whether it writes, and why not."""
        problem = "" if writing else reason or UNEXPLAINED
        if self._session and session != self._session:
            problem = ANOTHER_SESSION
        self._heard = (now, problem)

    def problem(self, now: float) -> str | None:
        """Why the session is not recorded at `now` [s]; empty if it is, None where none is wanted or heard."""
        if self._heard is None:
            return NEVER_HEARD if self._expected else None
        heard_at, problem = self._heard
        if now - heard_at > FORGOTTEN_AFTER and not self._expected:
            return None
        return problem if now - heard_at <= SILENT_AFTER else SILENT


def summed_up(problems: Iterable[str | None]) -> tuple[bool | None, str]:
    """Whether all that write the record do so, and the first problem; None where nobody has been heard.

    Args:
        problems: Of each, as `RecorderWatch.problem` says it.
    """
    heard = [problem for problem in problems if problem is not None]
    first = next(filter(None, heard), "")
    return (not first if heard else None), first
