"""The measured figure of every hazard: the last column of SAFETY.md, from what the campaign, mutation and soak wrote.

Usage: python -m campaign.hazard_figures, after `make faults`, `make mutation` and `make soak`.

A cell of the column begins with names in backquotes: faults of the campaign (live or simulated), files of the safety
core, files of tests, or `soak`. What follows is written from the figures, which are kept in docs/measured.json. A test
compares, so that no figure stands in the document that was not measured.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from campaign.core_files import ROOT

OUT, KEPT, DOCUMENT = ROOT / "out", ROOT / "docs" / "measured.json", ROOT / "SAFETY.md"
COLUMNS = 5
MEASURED = 4
"""Columns of the table of hazards, and which of them holds the figures."""

Measured = dict[str, Any]


class FigureError(ValueError):
    """A name stands for nothing that was measured; the text says which and what to run."""


def main() -> int:
    """Collect the figures, keep them, rewrite the column; 2 if something is missing."""
    text = DOCUMENT.read_text(encoding="utf-8")
    try:
        measured = collect(OUT, names_in(text))
        rewritten = rewrite(text, measured)
    except (FigureError, OSError, KeyError) as error:
        sys.stderr.write(f"hazard figures: {error}; run make faults, make mutation and make soak first\n")
        return 2
    KEPT.write_text(json.dumps(measured, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    DOCUMENT.write_text(rewritten, encoding="utf-8")
    print(f"written: {KEPT.relative_to(ROOT)}, the last column of {DOCUMENT.name}")
    return 0


def collect(out: Path, names: Iterable[str]) -> Measured:
    """What is kept of the results in a folder: totals, and the figures of the names.

    Raises:
        OSError: a result is not there.
        KeyError: it is of another version.
    """
    faults, mutation, soak = (
        json.loads((out / f"{name}.json").read_text(encoding="utf-8")) for name in ("faults", "mutation", "soak")
    )
    missed: dict[str, int] = {}
    for row in faults["failures"]:
        missed[row["fault"]] = missed.get(row["fault"], 0) + 1
    totals = ("injections", "live", "simulated", "undetected", "unexplained", "unrecovered", "wild", "seed")
    return {
        "faults": {name: faults[name] for name in totals},
        "live": {name: _kept(figures) for name, figures in faults["by_fault"].items()},
        "simulated": {name: figures["n"] for name, figures in faults["by_fault_simulated"].items()},
        "missed": missed,
        "mutation": {name: mutation[name] for name in ("mutants", "killed", "survived", "equivalent")},
        "files": {name: [figures["mutants"], figures["survived"]] for name, figures in mutation["files"].items()},
        "soak": {
            name: soak[name] for name in ("duration_s", "spurious_holds", "permits_missed", "rss_growth_fraction")
        },
        "cases": {name: _cases(name) for name in sorted(set(names)) if name.startswith("test/")},
    }


def rewrite(text: str, measured: Measured) -> str:
    """The document with its figures replaced.

    Raises:
        FigureError: a name was not measured.
    """
    return "\n".join(_rewritten(line, measured) for line in text.split("\n"))


def names_in(text: str) -> list[str]:
    """Names in the column, in order."""
    return [name for line in text.split("\n") for name in _names(_cells(line))]


def figure(names: Sequence[str], measured: Measured) -> str:
    """What was measured under some names, in words.

    Raises:
        FigureError: a name was not measured.
    """
    texts = [_of_faults([name for name in names if _is_fault(name, measured)], measured)]
    for name in names:
        if name in measured["files"]:
            mutants, survived = measured["files"][name]
            texts.append(f"{mutants} mutants, {survived} survive")
        elif name in measured["cases"]:
            texts.append(f"{measured['cases'][name]} cases")
        elif name == "soak":
            soak = measured["soak"]
            texts.append(f"{soak['spurious_holds']} spurious holds in {soak['duration_s'] / 60.0:.0f} min")
        elif not _is_fault(name, measured):
            raise FigureError(f"{DOCUMENT.name}: `{name}` was not measured")
    return "; ".join(filter(None, texts))


def _is_fault(name: str, measured: Measured) -> bool:
    return name in measured["live"] or name in measured["simulated"]


def _of_faults(names: Sequence[str], measured: Measured) -> str:
    if not names:
        return ""
    live = [measured["live"][name] for name in names if name in measured["live"]]
    counts = [(sum(row["n"] for row in live), "live")]
    counts.append((sum(measured["simulated"].get(name, 0) for name in names), "simulated"))
    missed = sum(measured["missed"].get(name, 0) for name in names)
    text = " + ".join(f"{count} {kind}" for count, kind in counts if count) + f", {missed} missed"
    stops = [row["stop_in_motion_ms"] for row in live if row["stop_in_motion_ms"]["max"] is not None]
    if stops:
        text += f", motion ends p99 {max(stop['p99'] for stop in stops):.0f} ms"
    return text


def _kept(figures: dict[str, Any]) -> dict[str, Any]:
    return {name: figures[name] for name in ("n", "detect_ms", "stop_in_motion_ms")}


def _cases(file: str) -> int:
    """How many tests a file holds, each parameter counted."""
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider", file]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return sum("::" in line for line in listed.splitlines())


def _cells(line: str) -> list[str]:
    """Cells of a row of the table of hazards; none of any other line."""
    cells = [cell.strip() for cell in line.strip().strip("|").split(" | ")]
    return cells if line.startswith("| ") and len(cells) == COLUMNS and "::" in cells[MEASURED - 1] else []


def _names(cells: list[str]) -> list[str]:
    return re.findall(r"`([^`]+)`", cells[MEASURED]) if cells else []


def _rewritten(line: str, measured: Measured) -> str:
    cells = _cells(line)
    if not cells:
        return line
    names = _names(cells)
    listed = ", ".join(f"`{name}`" for name in names)
    return f"| {' | '.join(cells[:MEASURED])} | {listed}: {figure(names, measured)} |"


if __name__ == "__main__":
    sys.exit(main())
