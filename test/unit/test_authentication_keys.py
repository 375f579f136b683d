"""The command that makes keys: private from the start, never overwritten by accident, one line for each failure."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from audit.signing import Signer, is_signed_by, load_public_key
from teleop_cli.main import main
from teleop_core.authentication import KEY_PURPOSES, KEY_SIZE, key_file, load_key

FILES = sorted([*(f"{purpose}.key" for purpose in KEY_PURPOSES), "record.key", "record.pub"])


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
def test_keys_are_made_private(tmp_path: Path, umask: int, capsys: pytest.CaptureFixture[str]) -> None:
    """Folder 0700, files 0600, whatever the umask; they can be loaded; nothing else is left in the folder."""
    folder = tmp_path / "deep" / "keys"
    before = os.umask(umask)
    try:
        assert main(["keys", str(folder)]) == 0
    finally:
        os.umask(before)
    assert mode(folder) == 0o700
    assert sorted(path.name for path in folder.iterdir()) == FILES
    assert {mode(path) for path in folder.iterdir()} == {0o600}
    made = {load_key(folder, purpose) for purpose in KEY_PURPOSES}
    assert len(made) == len(KEY_PURPOSES)
    assert {len(key) for key in made} == {KEY_SIZE}
    said = capsys.readouterr()
    assert str(folder) in said.out
    assert said.err == ""
    assert not any(key.hex() in said.out for key in made)


def test_keys_that_are_there_stay(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 1 and one line with their names; not one of them is touched, nor are the missing ones made."""
    assert main(["keys", str(tmp_path / "keys")]) == 0
    folder = tmp_path / "keys"
    key_file(folder, "permit").unlink()
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    capsys.readouterr()
    assert main(["keys", str(folder)]) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err == (
        f"telesurgery: {folder}: command.key, stop.key, record.key, record.pub there already; "
        "--replace makes new keys\n"
    )
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_the_key_of_the_record_signs_and_its_public_half_checks(tmp_path: Path) -> None:
    """What record.key signs is accepted with record.pub, and with no other."""
    assert main(["keys", str(tmp_path / "one")]) == 0
    assert main(["keys", str(tmp_path / "two")]) == 0
    signer = Signer.load(tmp_path / "one" / "record.key")
    payload = signer.signed({"root": "00"})
    assert is_signed_by(load_public_key(tmp_path / "one" / "record.pub"), payload)
    assert not is_signed_by(load_public_key(tmp_path / "two" / "record.pub"), payload)


def test_replace_makes_new_keys(tmp_path: Path) -> None:
    """All of them, private even where the old ones were not."""
    assert main(["keys", str(tmp_path)]) == 0
    before = {load_key(tmp_path, purpose) for purpose in KEY_PURPOSES}
    key_file(tmp_path, "command").chmod(0o666)
    assert main(["keys", str(tmp_path), "--replace"]) == 0
    assert not before & {load_key(tmp_path, purpose) for purpose in KEY_PURPOSES}
    assert sorted(path.name for path in tmp_path.iterdir()) == FILES


def test_a_link_is_replaced_not_followed(tmp_path: Path) -> None:
    """A dangling link counts as there; with --replace the file behind a link stays as it is."""
    other = tmp_path / "other"
    folder = tmp_path / "keys"
    folder.mkdir(mode=0o700)
    key_file(folder, "stop").symlink_to(other)
    assert main(["keys", str(folder)]) == 1
    other.write_text("mine")
    assert main(["keys", str(folder), "--replace"]) == 0
    assert other.read_text() == "mine"
    assert not key_file(folder, "stop").is_symlink()


@pytest.mark.parametrize("open_to", [0o720, 0o702])
def test_a_folder_that_others_write_into_is_refused(
    tmp_path: Path, open_to: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """They could exchange the keys."""
    folder = tmp_path / "keys"
    folder.mkdir()
    folder.chmod(open_to)
    assert main(["keys", str(folder)]) == 1
    assert f"{folder}: others may write into it" in capsys.readouterr().err
    assert not list(folder.iterdir())


def test_a_place_that_cannot_be_written_is_told_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A file where the folder should be."""
    path = tmp_path / "keys"
    path.write_text("")
    assert main(["keys", str(path)]) == 1
    assert capsys.readouterr().err == f"telesurgery: {path}: File exists\n"
    assert main(["keys", str(path / "below")]) == 1
    assert capsys.readouterr().err == f"telesurgery: {path / 'below'}: Not a directory\n"


def test_a_directory_in_place_of_a_key_leaves_nothing_unfinished(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It cannot be replaced by a file; the half-made file is gone."""
    key_file(tmp_path, "command").mkdir()
    assert main(["keys", str(tmp_path), "--replace"]) == 1
    assert capsys.readouterr().err.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["command.key"]


def test_the_help_says_how_long_keys_live(capsys: pytest.CaptureFixture[str]) -> None:
    """New ones for every session of surgery, and which host needs which."""
    with pytest.raises(SystemExit) as ended:
        main(["keys", "--help"])
    assert ended.value.code == 0
    said = capsys.readouterr().out
    assert "new keys for every session of surgery" in said
    assert all(name in said for name in FILES)
