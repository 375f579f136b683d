"""Records that were laid to mislead, hang or crash who verifies them, beside those of the seeded tests."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from audit import chain_check, reading, second_verifier
from audit.finding import Finding, Problem, printable
from audit.reading import Line, lines
from audit.redact import RedactionError, Selection, redact
from audit.report.log_events import read_log
from audit.signing import Signer
from audit.verify import Anchors, verify
from teleop_core.audit_record import (
    DEEPEST,
    GENESIS,
    RecordError,
    Stamp,
    canonical,
    check_record,
    make_record,
)
from teleop_core.audit_writer import AuditWriter

BAG = "bag/bag_1.mcap"


@pytest.fixture
def made(make_record_folder: Callable[..., Any], tmp_path: Path) -> Any:
    return make_record_folder(tmp_path / "record")


def second(folder: Path, *more: str) -> tuple[int, dict[str, Any]]:
    """Exit code and verdict of the second verifier, as a program of its own."""
    command = [sys.executable, second_verifier.__file__, str(folder), *more]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    return run.returncode, json.loads(run.stdout) if run.stdout else {}


def nested(depth: int) -> Any:
    """A list in a list, so many times."""
    return [nested(depth - 1)] if depth else "x"


@pytest.mark.parametrize(
    ("stamp", "payload", "said"),
    [
        (Stamp(10**400, 1, None, "b"), {}, "mono_ns is 1000"),
        (Stamp(1, 1 << 64, None, "b"), {}, "utc_ns is 18446744073709551616"),
        (Stamp(1, 1, None, "b"), {"count": -(1 << 64)}, "more than 64 bits"),
        (Stamp(1, 1, None, "b"), {"topic": nested(DEEPEST + 1)}, "nested more than"),
        (Stamp(1, 1, None, "b"), {"topic": nested(900)}, "nested more than"),
    ],
)
def test_numbers_and_nesting_that_no_writer_writes_are_no_record(
    stamp: Stamp, payload: dict[str, Any], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Readers would have to expect them everywhere; both verifiers refuse them."""
    monkeypatch.setattr("teleop_core.audit_record._check_fields", lambda _: None)
    monkeypatch.setattr("teleop_core.audit_record.plain", lambda value: value)
    line = canonical(make_record(0, "recorder", GENESIS, stamp, "ab", "x", "gap", payload))
    monkeypatch.undo()
    with pytest.raises(RecordError, match=said):
        check_record(line)
    assert second_verifier._parse(line + b"\n") is None


def test_the_deepest_and_largest_that_are_written_are_read() -> None:
    """By both, to the last level and bit."""
    payload = {"a": nested(DEEPEST), "b": (1 << 64) - 1, "c": 1 - (1 << 64)}
    record = make_record(0, "recorder", GENESIS, Stamp(1, 1, None, "b"), "ab", "x", "gap", payload)
    assert check_record(canonical(record)) == record
    assert second_verifier._parse(canonical(record) + b"\n") == record


@pytest.mark.parametrize("actor", ["[" * 900 + "]" * 900, "[]", "{}", "1" + "0" * 400])
def test_a_field_of_another_kind_is_told_whatever_it_holds(actor: str) -> None:
    """Even what cannot be written out."""
    record = make_record(0, "recorder", GENESIS, Stamp(1, 1, None, "b"), "ab", "x", "gap", {})
    with pytest.raises(RecordError, match="actor is"):
        check_record(canonical(record).replace(b'"actor":"x"', b'"actor":' + actor.encode()))


def test_a_line_that_never_ends_is_not_read_to_its_end(made: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory would be what it takes."""
    monkeypatch.setattr(reading, "LONGEST", 4000)
    path = made.folder / "safety_monitor.001.audit.jsonl"
    with path.open("ab") as file:
        file.write(b"x" * 50_000)
    (long,) = [line for line in lines(path) if line.record is None]
    assert (len(long.text), long.error) == (4000, "the line is longer than 3999 bytes")
    assert verify(made.folder).problems[0].file == path.name


@pytest.mark.parametrize("payload", [{"file": []}, {"file": BAG, "bytes": -1, "sha256": ""}, {"file": {"a": 1}}, {}])
def test_payloads_of_other_types_crash_nothing(made: Any, payload: dict[str, Any]) -> None:
    """Both verifiers name the segment that was added."""
    writer = AuditWriter(made.folder, "recorder", made.session)
    writer.append("bag_closed", payload)
    writer.append("gap", {"topic": {"x": []}, "first": "y", "count": [], "why": 3})
    writer.append("start", {"public_key_sha256": 5})
    writer.close()
    found = verify(made.folder)
    assert not found.ok
    json.dumps(found.as_json())
    assert "\n".join(found.lines())
    code, said = second(made.folder)
    assert (code, said["ok"]) == (1, False)


def test_a_claim_of_the_unsigned_end_cannot_stand_for_one_that_is_signed(
    make_record_folder: Callable[..., Any], tmp_path: Path
) -> None:
    """A `bag_closed` record tells of bags, not of session.json."""
    folder = make_record_folder(tmp_path / "record", ended=False).folder
    session = json.loads((folder / "session.json").read_bytes())
    path = folder / "session.json"
    path.write_bytes(path.read_bytes().replace(b"case 7", b"case 8"))
    writer = AuditWriter(folder, "recorder", session["session"])
    digest = second_verifier._hash(path.read_bytes())
    writer.append("bag_closed", {"file": "session.json", "bytes": path.stat().st_size, "sha256": digest})
    writer.close()
    assert verify(folder).problems[0].file == "session.json"
    assert second(folder)[1]["first_bad"] == "session.json"


def test_a_file_that_may_not_be_read_is_a_bad_place(made: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """And not the end of the verification."""

    def closed(path: Path) -> Iterator[Line]:
        if path.name.startswith("safety_monitor.001"):
            raise PermissionError(13, "Permission denied", str(path))
        return lines(path)

    monkeypatch.setattr(chain_check, "lines", closed)
    found = verify(made.folder)
    assert str(found.problems[0]).startswith("safety_monitor.001.audit.jsonl, record")
    assert "cannot be read: Permission denied" in found.problems[0].why


@pytest.mark.parametrize("name", ["bag/x.audit.jsonl.mcap", "bag/recorder.000.audit.jsonl", "Evil.000.audit.jsonl"])
def test_a_name_like_that_of_a_segment_hides_nothing(made: Any, name: str) -> None:
    """Only what is read as a segment is one."""
    (made.folder / name).write_bytes(b"anything")
    assert verify(made.folder).problems[0].file == name
    assert second(made.folder)[1]["first_bad"] == name


def test_the_second_verifier_takes_options_in_every_form_and_no_others(made: Any, tmp_path: Path) -> None:
    """A key that was given and not looked at would be worse than none."""
    key, other = tmp_path / "trusted.pem", tmp_path / "other.pem"
    key.write_bytes(made.signer.public_pem)
    other.write_bytes(Signer().public_pem)
    assert second(made.folder, f"--key={key}") == (0, {"ok": True, "first_bad": None, "why": ""})
    for words in ([f"--key={other}"], ["--key", str(other)]):
        code, said = second(made.folder, *words)
        assert (code, said["first_bad"]) == (1, "public_key.pem")
    for words in (["--kee", str(key)], ["-k", str(key)], [str(key)], ["--key"]):
        assert second(made.folder, *words) == (2, {})


def test_what_is_printed_cannot_write_over_the_verdict(made: Any) -> None:
    """Neither a name of a redaction nor that of a file."""
    redact(made.folder, Selection(types=["engagement"]), "x\n\x1b[2Jok: complete", "y\u202e", made.signer)
    (made.folder / "\x1b[8m\nok").write_bytes(b"")
    said = verify(made.folder).lines()
    assert all(line.isprintable() for line in said)
    assert any("x\\n\\x1b[2Jok: complete (y\\u202e)" in line for line in said)
    assert printable("größer 1 µm") == "größer 1 µm"
    assert Finding(problems=[Problem("altered", "\udcff", "bad")]).lines()[1] == "  altered: \\udcff: bad"


def test_the_report_shows_redactions_as_no_words_of_the_recorder(made: Any) -> None:
    """They are told by the verification, with who vouches for them."""
    writer = AuditWriter(made.folder, "redactions", made.session)
    writer.append("gap", {"topic": "/safety/state", "first": 1, "count": 9, "why": "the surgeon did it"})
    writer.close()
    log = read_log(made.folder)
    assert not [event for event in log.events if event.chain == "redactions"]
    assert not [gap for gap in log.gaps if "surgeon" in gap]
    assert [gap["chain"] for gap in verify(made.folder).gaps] == ["recorder", "recorder"]


def test_a_bag_of_a_recorder_that_was_killed_can_be_taken_out(
    make_record_folder: Callable[..., Any], tmp_path: Path
) -> None:
    """The redaction names as much as the record vouches for, however long the file was."""
    made = make_record_folder(tmp_path / "record", ended=False)
    name = "safety_monitor.decisions.jsonl"
    with (made.folder / name).open("ab") as file:
        file.write(b"{}\n")
    redact(made.folder, Selection(files=[name, BAG]), "officer", "law", made.signer)
    found = verify(made.folder)
    assert found.intact, found.lines()
    assert name not in {problem.file for problem in found.problems}


def test_a_bag_that_was_altered_cannot_be_taken_out(made: Any) -> None:
    """It would be gone before anybody had seen that."""
    (made.folder / BAG).write_bytes(b"nothing of note")
    with pytest.raises(RedactionError, match="is not what record"):
        redact(made.folder, Selection(files=[BAG]), "officer", "law", made.signer)
    assert (made.folder / BAG).exists()
    assert not list(made.folder.glob("redactions*"))


def test_redactors_alone_are_an_anchor_for_redactions(made: Any, tmp_path: Path) -> None:
    """Who names them wants no others."""
    redact(made.folder, Selection(types=["engagement"]), "somebody", "no reason")
    path = tmp_path / "officer.pem"
    path.write_bytes(Signer().public_pem)
    assert verify(made.folder, Anchors(redactors=[path])).problems[0].file == "redactions.000.audit.jsonl"
