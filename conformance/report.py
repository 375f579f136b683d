"""What is shown: a table for people, JSON for machines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from conformance.verdict import Verdict

WORDS = {True: ("pass", "green"), False: ("FAIL", "bold red"), None: ("note", "yellow")}


@dataclass
class Report:
    """Verdicts of one arm, in the order of the checks."""

    arm: str
    verdicts: dict[str, Verdict] = field(default_factory=dict)

    @property
    def passed(self) -> int:
        """Checks that were passed."""
        return sum(verdict.ok is True for verdict in self.verdicts.values())

    @property
    def failed(self) -> int:
        """Checks that failed."""
        return sum(verdict.ok is False for verdict in self.verdicts.values())

    def as_json(self) -> dict[str, Any]:
        """The report as plain values; `ok` is null where something was not checked or is not required."""
        return {
            "arm": self.arm,
            "checks": [
                {"name": name, "ok": verdict.ok, "detail": verdict.detail} for name, verdict in self.verdicts.items()
            ],
            "passed": self.passed,
            "failed": self.failed,
        }


def as_json(reports: Sequence[Report]) -> Any:
    """One object for one arm, a list for several."""
    return reports[0].as_json() if len(reports) == 1 else [report.as_json() for report in reports]


def show(report: Report, console: Console) -> None:
    """Print the table of one arm."""
    table = Table(title=f"CRTK conformance of {report.arm}", title_justify="left")
    table.add_column("check", no_wrap=True)
    table.add_column("")
    table.add_column("seen", overflow="fold")
    for name, verdict in report.verdicts.items():
        word, style = WORDS[verdict.ok]
        table.add_row(name, Text(word, style=style), Text(verdict.detail))  # words of a server are no markup
    console.print(table)
    notes = len(report.verdicts) - report.passed - report.failed
    console.print(f"{report.arm}: {report.passed} passed, {report.failed} failed, {notes} noted", markup=False)
