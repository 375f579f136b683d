"""The commands that verify and redact: exit codes, one line for each failure, JSON."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from audit import redact_command, replay_command, verify_command
from teleop_cli import audit_commands
from teleop_cli.main import main


@pytest.fixture
def made(make_record_folder: Callable[..., Any], tmp_path: Path) -> Any:
    return make_record_folder(tmp_path / "record")


def call(command: ModuleType, *words: str) -> int:
    """Run a command as the command line does."""
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    return int(command.run(parser.parse_args(words)))


def test_a_good_record_and_a_bad_one(made: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """0 and 1, in words and as JSON; the place is in the first lines."""
    assert call(verify_command, str(made.folder)) == 0
    said = capsys.readouterr().out
    assert said.startswith("ok: complete")
    assert "vouched for by nobody outside this folder" in said
    (made.folder / "bag" / "bag_1.mcap").unlink()
    assert call(verify_command, str(made.folder), "--json") == 1
    said = json.loads(capsys.readouterr().out)
    assert said["first_bad"]["file"] == "bag/bag_1.mcap"
    assert call(verify_command, str(made.folder)) == 1
    assert "altered: bag/bag_1.mcap: the file is missing" in capsys.readouterr().out


def test_what_cannot_be_used_is_told_in_one_line(made: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 2: no folder, a key that is none, a witness that is not there."""
    for words in (
        [str(made.folder / "none")],
        [str(made.folder), "--key", str(made.folder / "session.json")],
        [str(made.folder), "--witness", str(made.folder / "none")],
        [str(made.folder), "--witness", str(made.folder / "bag")],
    ):
        assert call(verify_command, *words) == 2
        said = capsys.readouterr()
        assert said.out == ""
        assert said.err.startswith("telesurgery: ")
        assert said.err.count("\n") == 1


@pytest.mark.parametrize("command", [name for name, _, _ in audit_commands.COMMANDS])
def test_a_path_that_cannot_be_looked_at_is_told_in_one_line(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    """No file system has such names; a folder of somebody else ends in the same way."""
    why = ["--who", "o", "--why", "w"] if command == "redact" else []
    assert main(["audit", command, "x" * 300, *why]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("telesurgery: ")
    assert said.err.count("\n") == 1


def test_who_no_longer_listens_is_no_bad_path() -> None:
    """`telesurgery audit verify DIR | head` is no failure to read."""

    def closed(_arguments: argparse.Namespace) -> int:
        raise BrokenPipeError

    with pytest.raises(BrokenPipeError):
        audit_commands._guarded(closed)(argparse.Namespace())


def test_anchors_reach_the_verification(made: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Each of them vouches, or refuses."""
    key = tmp_path / "trusted.pem"
    key.write_bytes(made.signer.public_pem)
    assert call(verify_command, str(made.folder), "--key", str(key), "--root", made.roots[-1][0]) == 0
    said = capsys.readouterr().out
    assert f"vouched for by the key {key}, the root that was shown" in said
    assert call(verify_command, str(made.folder), "--root", "00" * 32) == 1
    with pytest.raises(SystemExit, match="2"):
        call(verify_command, str(made.folder), "--root", "")
    with pytest.raises(SystemExit, match="2"):
        call(verify_command, str(made.folder), "--root", made.roots[-1][0][:15])
    assert "16 to 64 hexadecimal digits" in capsys.readouterr().err
    assert call(verify_command, str(made.folder), "--root", made.roots[-1][0][:16]) == 0


def test_redaction_by_command(made: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Signed with a key in a file; the record verifies with it."""
    key, public = tmp_path / "record.key", tmp_path / "record.pub"
    key.touch(mode=0o600)
    key.write_bytes(made.signer.private_pem)
    public.write_bytes(made.signer.public_pem)
    words = ["--who", "officer", "--why", "law", "--type", "engagement", "--file", "bag/bag_0.mcap", "--key", str(key)]
    assert call(redact_command, str(made.folder), *words) == 0
    assert capsys.readouterr().out == "taken out: 4 payloads, 1 files bag/bag_0.mcap; signed\n"
    assert call(verify_command, str(made.folder), "--key", str(public)) == 0
    assert "redacted by officer (law)" in capsys.readouterr().out


def test_options_that_may_come_again_leave_the_folder_alone(made: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """The folder may stand at the end, behind any of them."""
    who = ["--who", "o", "--why", "w"]
    assert call(redact_command, *who, "--type", "engagement", "--type", "state", str(made.folder)) == 0
    assert "taken out: 10 payloads" in capsys.readouterr().out
    parser = argparse.ArgumentParser()
    replay_command.add_arguments(parser)
    given = parser.parse_args(["--exclude", "a", "--topics", "b", "--topics", "c", "folder"])
    assert (given.folder, given.topics, given.exclude) == (Path("folder"), ["b", "c"], ["a"])


def test_the_help_tells_which_command_ends_how(capsys: pytest.CaptureFixture[str]) -> None:
    """An altered record is 1 of `verify`, and no failure of `report`."""
    with pytest.raises(SystemExit):
        main(["audit", "--help"])
    said = capsys.readouterr().out
    assert "1    verify: the record is bad; decisions: " in said
    assert "report, export and scores tell of a damaged record in what they write" in said


def test_redaction_that_is_refused(made: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 2 and one line."""
    for words in (["--type", "checkpoint"], ["--type", "nothing"], ["--actor", "x", "--key", "/none/record.key"]):
        assert call(redact_command, str(made.folder), "--who", "o", "--why", "w", *words) == 2
        said = capsys.readouterr()
        assert said.err.count("\n") == 1
        assert said.out == ""
