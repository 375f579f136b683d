"""Where reports, exports and scores are written: never into a record, which would no longer be what was recorded."""

from __future__ import annotations

import argparse
import json
import shutil
from pathlib import Path
from types import ModuleType

import pytest

from audit.export import command as export
from audit.report import command as report
from audit.scores import command as scores


def call(command: ModuleType, *words: str) -> int:
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    return int(command.run(parser.parse_args(words)))


@pytest.fixture
def record(recorded: Path, tmp_path: Path) -> Path:
    """A record that may be changed."""
    shutil.copytree(recorded, tmp_path / "record")
    (tmp_path / "record" / "session.json").write_text(json.dumps({"case": "7"}))
    return tmp_path / "record"


@pytest.mark.parametrize("command", [report, export, scores])
@pytest.mark.parametrize("there", ["", "bag"])
def test_a_command_inside_a_record_leaves_it_alone(
    record: Path,
    command: ModuleType,
    there: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Run in the folder as one does after a `cd`, without --out."""
    before = sorted(record.rglob("*"))
    monkeypatch.chdir(record / there)
    assert call(command, str(record)) == 2
    said = capsys.readouterr().err
    assert "lies in the record" in said
    assert f"--out {record.parent}/" in said
    assert said.count("\n") == 1
    assert sorted(record.rglob("*")) == before


def test_an_output_in_another_record_is_refused_too(record: Path, recorded: Path) -> None:
    """The audit log alone makes a folder a record, and the record itself is no place either."""
    assert call(export, str(recorded), "--out", str(record)) == 2
    (record / "session.json").rename(record / "recorder.000.audit.jsonl")
    assert call(scores, str(recorded), "--out", str(record / "a" / "b")) == 2
    assert not (record / "a").exists()
