"""Rows of a campaign in a file, one JSON object a line, so that a campaign that was interrupted can be resumed."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from campaign.plan import Planned

Row = dict[str, Any]


def append(path: Path, row: Row) -> None:
    """Add a row at once."""
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(row) + "\n")


def read(path: Path) -> list[Row]:
    """All rows; a last line that was cut off is left out."""
    if not path.is_file():
        return []
    rows = []
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            rows.append(json.loads(line))
        except ValueError:
            continue
    return rows


def done(rows: Iterable[Row], plan: list[Planned], seed: int) -> list[Row]:
    """Rows that belong to the plan of this seed."""
    keys = {planned.key for planned in plan}
    return [row for row in rows if row["seed"] == seed and (row["number"], row["fault"], row["phase"]) in keys]
