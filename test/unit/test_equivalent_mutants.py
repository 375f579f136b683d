"""The table of mutants that do the same as the original: every row is about code that is there, and says why."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from campaign.core_files import CORE_PARTS, part_of, sources, unit_tests
from campaign.equivalent_mutants import ANY, Equivalent, Mutant, read_table, stale_rows

MUTANT = Mutant("a.py", "A.f", 3, "x = low < value < high", "x = low < value <= high")


def row(before: str, after: str, file: str = "a.py", function: str = "A.f") -> Equivalent:
    return Equivalent(file, function, before, after, "because")


def functions(path: Path) -> set[str]:
    """Names of the functions of a file, those of classes with the class in front."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    inside = {
        f"{node.name}.{item.name}"
        for node in tree.body
        if isinstance(node, ast.ClassDef)
        for item in node.body
        if isinstance(item, ast.FunctionDef)
    }
    return inside | {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


def test_the_parts_of_the_core_exist_and_have_tests() -> None:
    """Every pattern finds a file, and every part has unit tests of its own."""
    files = sources()
    assert len(set(files)) == len(files)
    for part in CORE_PARTS:
        assert unit_tests((part,))
    assert part_of("teleop_core/jaw.py").name == "mapping"
    with pytest.raises(ValueError, match="contract"):
        part_of("teleop_core/contract.py")


def test_every_row_is_about_a_function_of_the_core(root: Path) -> None:
    """File and function of every row exist, the piece that is replaced too, and no row is there twice."""
    table, files = read_table(), sources()
    assert len({(item.file, item.function, item.before, item.after) for item in table}) == len(table)
    for item in table:
        assert item.reason.endswith(".")
        if item.file != ANY:
            assert item.file in files
            assert item.function in functions(root / item.file)
            assert item.before in " ".join((root / item.file).read_text(encoding="utf-8").split())


def test_a_row_covers_its_change_and_no_other() -> None:
    """The replacement has to be the whole change, at any one place of the line, in the file and function of the row."""
    assert row("value < high", "value <= high").covers(MUTANT)
    assert row("<", "<=").covers(MUTANT)
    assert row("<", "<=", ANY, ANY).covers(MUTANT)
    assert not row("low < value", "low <= value").covers(MUTANT)
    assert not row("<", ">").covers(MUTANT)
    assert not row("<", "<=", file="b.py").covers(MUTANT)
    assert not row("<", "<=", function="A.g").covers(MUTANT)


def test_a_row_that_nothing_needs_is_stale() -> None:
    """A row of a judged file without a living mutant is told; rules and rows of other files are not."""
    needed, idle = row("<", "<="), row("x", "y")
    elsewhere, rule = row("x", "y", file="b.py"), row("x", "y", file=ANY)
    assert stale_rows((needed, idle, elsewhere, rule), (MUTANT,), ("a.py",)) == (idle,)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("- {file: a.py, function: f, before: x, after: y}", "reason"),
        ("- {file: a.py, function: f, before: '', after: y, reason: so.}", "before"),
        ("- {file: a.py, function: f, before: x, after: y, reason: so., line: 3}", "line"),
    ],
)
def test_a_row_that_is_not_whole_is_refused(tmp_path: Path, text: str, named: str) -> None:
    """A missing, empty or unknown field is named."""
    path = tmp_path / "table.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=f"row 1: .*{named}"):
        read_table(path)
