"""The answer of a check."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Verdict:
    """Passed, failed, or (None) not checked or not required, with the reason; `detail` has the figures."""

    ok: bool | None
    detail: str

    def __post_init__(self) -> None:
        """Comparisons of numpy give its own truth values, which are no bool."""
        if self.ok is not None:
            object.__setattr__(self, "ok", bool(self.ok))


class NotCheckedError(Exception):
    """The check cannot be carried out on this arm; the text says why."""


def judged(faults: Sequence[str], good: str) -> Verdict:
    """Failed if there are faults (the first few are told), else passed with a line that says what was seen."""
    if not faults:
        return Verdict(True, good)
    shown = "; ".join(faults[:SHOWN])
    more = f"; and {len(faults) - SHOWN} more" if len(faults) > SHOWN else ""
    return Verdict(False, shown + more)


def noted(reason: str) -> Verdict:
    """Not checked, or seen and not required."""
    return Verdict(None, reason)


SHOWN = 4
"""Faults told in one line."""
