"""Something is taken out of a record: what is left verifies, and says who did it; untold it is found."""

from __future__ import annotations

import errno
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from audit import second_verifier
from audit.reading import records
from audit.redact import RedactionError, Selection, redact
from audit.signing import Signer
from audit.verify import Anchors, verify
from teleop_core.audit_record import canonical, check_record
from teleop_core.audit_segment import SegmentFile
from teleop_core.audit_writer import AuditWriter


@pytest.fixture
def made(make_record_folder: Callable[..., Any], tmp_path: Path) -> Any:
    return make_record_folder(tmp_path / "record")


def key_file(made: Any) -> Path:
    path: Path = made.folder.parent / "trusted.pem"
    path.write_bytes(made.signer.public_pem)
    return path


def second(folder: Path, *more: str) -> dict[str, Any]:
    """What the second verifier says, as a program of its own."""
    command = [sys.executable, second_verifier.__file__, str(folder), *more]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    said: dict[str, Any] = json.loads(run.stdout)
    assert run.returncode == (0 if said["ok"] else 1), run.stderr
    return said


@pytest.mark.parametrize(
    ("selection", "count"),
    [
        (Selection(types=["engagement"]), 4),
        (Selection(actors=["operator"]), 4),
        (Selection(chain="safety_monitor", types=["state"]), 6),
        (Selection(chain="safety_monitor", first=2, last=2), 1),
        (Selection(types=["engagement"], first=10), 2),
    ],
)
def test_payloads_are_gone_and_the_rest_verifies(made: Any, selection: Selection, count: int) -> None:
    """By type, actor, chain, numbers; the redaction says who, why and what."""
    before = {(r["chain"], r["n"]): r for r in records(made.folder)}
    done = redact(made.folder, selection, "data protection officer", "asked for by the surgeon", made.signer)
    assert done.records == count
    after = [r for r in records(made.folder) if r["chain"] != "redactions"]
    assert sum(r["payload"] is None for r in after) == count
    assert all(r["hash"] == before[r["chain"], r["n"]]["hash"] for r in after)
    key = key_file(made)
    for anchors, more in ((Anchors(), ()), (Anchors(key=key), ("--key", str(key)))):
        found = verify(made.folder, anchors)
        assert found.ok, found.lines()
        assert second(made.folder, *more)["ok"]
    (told,) = found.redacted
    assert (told["who"], told["why"], told["records"]) == (
        "data protection officer", "asked for by the surgeon", count
    )  # fmt: skip
    assert told["vouched_by"] == "signed by a trusted key"
    assert any("redacted by data protection officer" in line for line in found.lines())


def test_a_whole_bag_is_gone_and_the_rest_verifies(made: Any) -> None:
    """And a decision log; the redaction keeps their hashes."""
    files = ["bag/bag_1.mcap", "safety_monitor.decisions.jsonl"]
    redact(made.folder, Selection(files=files), "officer", "faces in the video", made.signer)
    assert not (made.folder / files[0]).exists()
    found = verify(made.folder)
    assert found.ok, found.lines()
    assert found.redacted[0]["files"] == files
    assert second(made.folder)["ok"]
    redaction = list(records(made.folder, "redactions"))[-1]["payload"]
    assert redaction["files"][0]["bytes"] > 1000


def test_redactions_follow_one_another(made: Any) -> None:
    """Each with a record of its own."""
    redact(made.folder, Selection(types=["engagement"]), "one", "first", made.signer)
    redact(made.folder, Selection(files=["bag/bag_0.mcap"]), "two", "second", made.signer)
    found = verify(made.folder)
    assert found.ok, found.lines()
    assert [told["who"] for told in found.redacted] == ["one", "two"]
    assert second(made.folder)["ok"]


def test_a_redaction_that_nobody_vouches_for_is_named_and_refused_with_an_anchor(made: Any) -> None:
    """Whoever can write to the folder could make one."""
    redact(made.folder, Selection(types=["engagement"]), "somebody", "no reason")
    assert verify(made.folder).redacted[0]["vouched_by"] == "nobody vouches for it"
    key = key_file(made)
    found = verify(made.folder, Anchors(key=key))
    assert not found.ok
    assert found.problems[0].file == "redactions.000.audit.jsonl"
    assert second(made.folder, "--key", str(key))["first_bad"] == "redactions.000.audit.jsonl"


def test_a_key_of_an_officer_can_be_trusted_for_redactions(made: Any) -> None:
    """The key of the session is gone by then."""
    officer, path = Signer(), made.folder.parent / "officer.pem"
    path.write_bytes(officer.public_pem)
    redact(made.folder, Selection(types=["engagement"]), "officer", "reason", officer)
    key = key_file(made)
    assert not verify(made.folder, Anchors(key=key)).ok
    assert verify(made.folder, Anchors(key=key, redactors=[path])).ok


@pytest.mark.parametrize("how", ["payload", "bag", "redactions", "another record"])
def test_what_is_taken_out_untold_is_found(made: Any, how: str) -> None:
    """Also beside a redaction that is told."""
    redact(made.folder, Selection(types=["engagement"], first=10), "officer", "reason", made.signer)
    expected = "recorder.000.audit.jsonl"
    if how == "bag":
        (made.folder / "bag" / "bag_1.mcap").unlink()
        expected = "bag/bag_1.mcap"
    elif how == "redactions":
        (made.folder / "redactions.000.audit.jsonl").unlink()
        expected = "recorder.001.audit.jsonl"
    else:
        blank(made.folder / "recorder.000.audit.jsonl", "engagement" if how == "payload" else "gap")
    found = verify(made.folder)
    assert not found.ok
    assert found.problems[0].file == expected
    assert second(made.folder)["first_bad"] == expected


def blank(path: Path, type: str) -> None:
    texts = path.read_bytes().splitlines(keepends=True)
    for i, text in enumerate(texts):
        if text.endswith(b"\n") and check_record(text[:-1])["type"] == type:
            texts[i] = canonical({**check_record(text[:-1]), "payload": None}) + b"\n"
            break
    path.write_bytes(b"".join(texts))


@pytest.mark.parametrize(
    ("selection", "said"),
    [
        (Selection(types=["checkpoint"]), "a verification needs these"),
        (Selection(types=["permit"]), "nothing there fits"),
        (Selection(), "nothing there fits"),
        (Selection(files=["session.json"]), "only bags"),
        (Selection(files=["../record/bag/bag_0.mcap"]), "only bags"),
        (Selection(files=["bag/bag_9.mcap"]), "is not there"),
    ],
)
def test_what_cannot_be_taken_out_is_refused_and_nothing_changes(made: Any, selection: Selection, said: str) -> None:
    """With the reason."""
    before = {path: path.read_bytes() for path in made.folder.rglob("*") if path.is_file()}
    with pytest.raises(RedactionError, match=said):
        redact(made.folder, selection, "officer", "reason", made.signer)
    assert {path: path.read_bytes() for path in made.folder.rglob("*") if path.is_file()} == before


def test_who_and_why_have_to_be_said(made: Any) -> None:
    """Else nobody answers for it."""
    for who, why in (("", "reason"), ("officer", " ")):
        with pytest.raises(RedactionError, match="Neither may be empty"):
            redact(made.folder, Selection(types=["engagement"]), who, why)


def test_a_record_that_is_being_written_is_left_alone(made: Any) -> None:
    """Two processes would write one file."""
    writer = AuditWriter(made.folder, "recorder", made.session)
    with pytest.raises(RedactionError, match="is being written"):
        redact(made.folder, Selection(types=["engagement"]), "officer", "reason")
    writer.close()


def test_what_is_taken_out_is_nowhere_in_the_folder(made: Any) -> None:
    """Not its content, and not what it could be guessed by without the salt."""
    salt = next(r["payload"]["salt"] for r in records(made.folder) if r["type"] == "engagement")
    redact(made.folder, Selection(types=["engagement"]), "officer", "reason")
    for path in made.folder.rglob("*"):
        if path.is_file():
            assert salt.encode() not in path.read_bytes()
            assert b"MTMR" not in path.read_bytes()


def test_nothing_is_taken_out_that_cannot_be_written_down(made: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a disk that takes nothing, say."""

    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(SegmentFile, "write", full)
    with pytest.raises(RedactionError, match="nothing was taken out"):
        redact(made.folder, Selection(types=["engagement"]), "officer", "reason")
    assert all(r["payload"] is not None for r in records(made.folder))
    assert not list(made.folder.glob("redactions*"))
