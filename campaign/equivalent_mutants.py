"""Mutants that no test can kill because they do the same as the original, each with the reason.

The table is equivalent_mutants.yaml. A mutant is known by what it changes, not by a number, so the table outlives any
edit of the rest of the file.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import yaml

TABLE = Path(__file__).with_suffix(".yaml")
ANY = "*"


@dataclass(frozen=True)
class Mutant:
    """One change of the code.

    Attributes:
        file: Path from the root of the checkout.
        function: Name, with its class in front where it has one.
        line: Where it is in the file, from 1.
        before: Lines that it takes away, without their indentation, joined by a blank.
        after: Lines that it puts in their place, likewise.
    """

    file: str
    function: str
    line: int
    before: str
    after: str


@dataclass(frozen=True)
class Equivalent:
    """A row of the table; file and function may be "*" for a rule of the language.

    Attributes:
        file: Path from the root of the checkout.
        function: As in Mutant.
        before: Piece of the line that the mutation replaces.
        after: What it puts there; may be empty.
        reason: Why this changes nothing that anybody could see.
    """

    file: str
    function: str
    before: str
    after: str
    reason: str

    def covers(self, mutant: Mutant) -> bool:
        """True if the mutant is this replacement, made at one place."""
        if self.file not in (ANY, mutant.file) or self.function not in (ANY, mutant.function):
            return False
        at = mutant.before.find(self.before)
        while at >= 0:
            if mutant.before[:at] + self.after + mutant.before[at + len(self.before) :] == mutant.after:
                return True
            at = mutant.before.find(self.before, at + 1)
        return False


def read_table(path: Path = TABLE) -> tuple[Equivalent, ...]:
    """The table.

    Raises:
        ValueError: a row lacks a field, has one too many, or says nothing in one.
    """
    rows = yaml.safe_load(path.read_text(encoding="utf-8")) or []
    table = []
    for number, row in enumerate(rows, start=1):
        fields = {key: " ".join(str(value).split()) for key, value in row.items()}
        missing = [name for name in Equivalent.__dataclass_fields__ if not fields.get(name, "") and name != "after"]
        foreign = [name for name in fields if name not in Equivalent.__dataclass_fields__]
        if missing or foreign:
            raise ValueError(f"{path.name}, row {number}: missing {missing}, unknown {foreign}")
        table.append(Equivalent(**{"after": "", **fields}))
    return tuple(table)


def stale_rows(
    table: Iterable[Equivalent], survivors: Iterable[Mutant], files: Iterable[str]
) -> tuple[Equivalent, ...]:
    """Rows of these files that no living mutant needs: the code has changed, or a test kills the mutant after all."""
    alive, judged = tuple(survivors), set(files)
    return tuple(row for row in table if row.file in judged and not any(row.covers(mutant) for mutant in alive))
