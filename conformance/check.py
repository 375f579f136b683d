"""One check: what the contract says, who says so, how it is looked at, and who judges what was seen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any

from conformance.session import Session
from conformance.verdict import NotCheckedError, Verdict, noted


class Kind(Enum):
    """What a check does to the arm."""

    LOOK = "look"
    """It listens, and asks services."""
    COMMAND = "command"
    """It changes the operating state or a setting."""
    MOVE = "move"
    """It moves the arm."""


@dataclass(frozen=True)
class Check:
    """A row of the table.

    Attributes:
        name: Short name, for ``--only`` and JSON.
        says: What the contract says.
        source: Who says so.
        how: How it is checked.
        kind: What it does to the arm.
        needs: Topics and services without which it is not checked: what CRTK leaves to the server may be absent.
        probe: Gathers the arguments of `judge`.
        judge: Pure: from what was observed to a verdict.
    """

    name: str
    says: str
    source: str
    how: str
    kind: Kind
    needs: tuple[str, ...]
    probe: Callable[[Session], tuple[Any, ...]]
    judge: Callable[..., Verdict]

    def run(self, session: Session) -> Verdict:
        """Gather and judge; what is not offered is not checked."""
        absent = [name for name in self.needs if not session.graph.offers(name)]
        if absent:
            return noted(f"not offered: {', '.join(absent)}")
        silent = [name for name in self.needs if session.is_silent(name)]
        if silent:
            return noted(f"silent, as a hand without motors may be: {', '.join(silent)}")
        try:
            return self.judge(*self.probe(session))
        except NotCheckedError as reason:
            return noted(str(reason))
        except (ArithmeticError, IndexError, ValueError) as error:
            return Verdict(False, f"what arrived could not be judged: {type(error).__name__}: {error}")
