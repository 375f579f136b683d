"""What somebody lays into the folder of a record holds up neither who writes it nor who takes something out of it."""

from __future__ import annotations

import errno
import os
import stat
import threading
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from audit import reading
from audit import redact as redact_module
from audit.chain_check import check_chain
from audit.checkpoint import CHECKPOINT, RunningHash
from audit.checkpoint_maker import CheckpointMaker
from audit.file_marks import FileMarks
from audit.reading import ChainTail, records
from audit.redact import RedactionError, Selection, redact
from audit.signing import Signer
from audit.verify import verify
from teleop_core import audit_segment
from teleop_core.audit_record import LONGEST_TEXT, canonical, check_record, plain
from teleop_core.audit_segment import being_written
from teleop_core.audit_writer import AuditWriter
from teleop_core.authentication import KeyFileError
from teleop_core.record_folder import RecordFolderError, open_session

BAG = "bag/bag_1.mcap"


@pytest.fixture
def made(make_record_folder: Callable[..., Any], tmp_path: Path) -> Any:
    return make_record_folder(tmp_path / "record")


def redact_some(folder: Path, signer: Signer) -> None:
    redact(folder, Selection(chain="recorder", types=["engagement"]), "officer", "law", signer)


@pytest.mark.timeout(30)
@pytest.mark.parametrize("kind", ["pipe", "link"])
def test_what_is_no_file_holds_up_nobody_who_writes(tmp_path: Path, kind: str) -> None:
    """A pipe would be waited for, and what a link shows is not of the record."""
    (tmp_path / "elsewhere").write_bytes(b"{}\n")
    for name in ("monitor.000.audit.jsonl", "x.jsonl", "public_key.pem"):
        if kind == "pipe":
            os.mkfifo(tmp_path / name)
        else:
            (tmp_path / name).symlink_to("elsewhere")
    for refused in (
        lambda: being_written(tmp_path / "monitor.000.audit.jsonl"),
        lambda: ChainTail(tmp_path, "monitor").new(),
        lambda: RunningHash(tmp_path / "x.jsonl").follow(),
    ):
        with pytest.raises(OSError, match=r"monitor|x\.jsonl|link"):
            refused()
    with pytest.raises(KeyFileError, match="public_key"):
        Signer().leave_public_key(tmp_path)
    assert "cannot be opened" in AuditWriter(tmp_path, "monitor", "ab").failure
    marks = FileMarks(tmp_path)
    marks.read_on(1 << 20)
    assert set(marks.unread) == {"x.jsonl"}


def test_a_checkpoint_of_another_form_ends_no_checkpoints(tmp_path: Path) -> None:
    """One that was laid into the chain while no recorder ran; the verification tells of it."""
    log = AuditWriter(tmp_path, "recorder", "ab")
    odd = ({}, {"chains": 3}, {"chains": {"recorder": 3, "x": {"n": "y"}}}, {"chains": {"recorder": {"n": 0}}})
    for payload in odd:
        log.append(CHECKPOINT, payload)
    log.close()
    lines = log.path.read_bytes().splitlines()
    blank = canonical({**check_record(lines[1]), "payload": None})
    log.path.write_bytes(b"\n".join([lines[0], blank, *lines[2:]]) + b"\n")
    head = CheckpointMaker(tmp_path, Signer()).make({})["chains"]["recorder"]
    assert head["n"] == len(odd)


def test_a_line_is_what_ends_with_a_line_feed_for_everybody(tmp_path: Path) -> None:
    """A carriage return parts nothing: what is signed is what is verified."""
    log = AuditWriter(tmp_path, "recorder", "ab")
    log.append("state", {})
    log.close()
    first, second = log.path.read_bytes().splitlines()
    log.path.write_bytes(first + b"\nx\r" + second + b"\n")
    assert [record["n"] for _, record in ChainTail(tmp_path, "recorder").new()] == [0]
    assert [record["n"] for record in records(tmp_path)] == [0]


def test_rubbish_of_any_length_takes_no_memory(tmp_path: Path) -> None:
    """Lines that are no records are hashed, not kept, and still told by the record behind them."""
    log = AuditWriter(tmp_path, "recorder", "ab")
    rubbish = b"x\n" * 50_000 + b"y"
    with log.path.open("ab") as file:
        file.write(rubbish)
    log._file.broken = rubbish
    log._untold = 1
    log.append("state", {})
    log.close()
    tracemalloc.start()
    found = check_chain("recorder", [log.path], "ab")
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert found.problem is None
    assert len(found.hashes) == 3
    assert most < 2_000_000


def test_a_text_is_cut_before_it_holds_up_who_logs_it(tmp_path: Path) -> None:
    """A stop request may come with any text; it says how long it was, and cutting it again changes nothing."""
    cut = plain("x" * 20_000_000)
    assert len(cut) == LONGEST_TEXT
    assert cut.endswith("x... (20000000 characters)")
    assert plain(cut) == cut
    assert plain("x" * LONGEST_TEXT) == "x" * LONGEST_TEXT
    assert len(next(iter(plain({"k" * 100_000: 1})))) == LONGEST_TEXT
    log = AuditWriter(tmp_path, "monitor", "ab")
    assert log.append("stop_request", {"reason": "x" * 20_000_000}, "nurse" * 100_000).written
    log.close()
    assert verify_lines(log.path) == 2
    assert [len(record["actor"]) for record in records(tmp_path)] == [len("monitor"), LONGEST_TEXT]


def verify_lines(path: Path) -> int:
    """Valid records of a segment that holds nothing else."""
    found = check_chain("monitor", [path], "ab")
    assert found.problem is None
    return len(found.hashes)


def test_what_has_no_text_is_named_by_its_type() -> None:
    """Whoever logs something is not to fail of it."""

    class Silent:
        def __str__(self) -> str:
            raise RuntimeError("no")

        __repr__ = __str__

    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    assert plain({Silent(): Silent()}) == {"a Silent": "a Silent"}
    canonical(plain(deep))
    while deep:  # to take it apart at once would overflow the stack
        deep = deep[0]


def test_no_line_is_written_that_nobody_would_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is lost, and told; a redaction that would be too long takes nothing out."""
    monkeypatch.setattr(audit_segment, "LONGEST", 2000)
    log = AuditWriter(tmp_path, "monitor", "ab")
    assert log.append("state", {"text": "x" * 1000}).written
    assert not log.append("state", {"text": "x" * 2000}).written
    assert "too long" in log.failure
    assert log.append("state", {}).written
    log.close()
    assert [record["type"] for record in records(tmp_path)] == ["segment", "state", "gap", "state"]
    assert verify_lines(log.path) == 4


def test_a_line_may_be_as_long_as_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """To the byte."""
    log = AuditWriter(tmp_path, "monitor", "ab")
    log.append("state", {"text": "x" * 1000})
    length = len(log.path.read_bytes().splitlines(keepends=True)[-1])
    monkeypatch.setattr(audit_segment, "LONGEST", length + 11)
    monkeypatch.setattr(reading, "LONGEST", length + 11)
    assert log.append("state", {"text": "x" * 1010}).written
    assert not log.append("state", {"text": "x" * 1011}).written
    log.close()
    states = [record["payload"]["text"] for record in records(tmp_path) if record["type"] == "state"]
    assert [len(text) for text in states] == [1000, 1010]


def test_a_long_redaction_takes_nothing_out(made: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was taken out would be told by a line that no verifier reads."""
    monkeypatch.setattr(audit_segment, "LONGEST", 1000)
    with pytest.raises(RedactionError, match=r"nothing was taken out.*too long"):
        redact_some(made.folder, made.signer)
    assert verify(made.folder).ok


def test_nothing_is_taken_out_of_a_chain_with_a_line_that_is_not_read_whole(
    made: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What stands behind it would not be written again."""
    monkeypatch.setattr(reading, "LONGEST", 20_000)
    path = made.folder / "recorder.001.audit.jsonl"
    with path.open("ab") as file:
        file.write(b"x" * 50_000 + b"\n")
    before = path.read_bytes()
    with pytest.raises(RedactionError, match=r"recorder\.001.*longer than"):
        redact_some(made.folder, made.signer)
    assert path.read_bytes() == before
    assert not list(made.folder.glob("redactions*"))


def test_a_link_laid_where_a_chain_is_written_anew_is_not_followed(made: Any, tmp_path: Path) -> None:
    """Nor is what a redaction that was killed has left in the way."""
    mine = tmp_path / "mine"
    mine.write_text("mine")
    (made.folder / ".recorder.000.audit.jsonl.part").symlink_to(mine)
    (made.folder / ".recorder.001.audit.jsonl.part").write_text("left")
    redact_some(made.folder, made.signer)
    assert mine.read_text() == "mine"
    assert verify(made.folder).ok


def test_who_may_read_a_chain_is_the_same_behind_a_redaction(made: Any) -> None:
    """No others, and no fewer."""
    path = made.folder / "recorder.000.audit.jsonl"
    path.chmod(0o640)
    redact_some(made.folder, made.signer)
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


def test_a_redaction_for_which_there_is_no_room_leaves_nothing_behind(
    made: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It can be run again; until then the payloads are there, and the record verifies."""

    def full(_: int, __: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(redact_module.os, "fchmod", full)
    with pytest.raises(OSError, match="No space"):
        redact_some(made.folder, made.signer)
    monkeypatch.undo()
    assert not list(made.folder.glob(".*"))
    assert verify(made.folder).ok
    redact_some(made.folder, made.signer)
    assert verify(made.folder).ok


def test_a_folder_that_is_a_link_is_not_of_the_record(made: Any, tmp_path: Path) -> None:
    """What it shows may be somebody else's, and is not taken out."""
    elsewhere = tmp_path / "elsewhere"
    (made.folder / "bag").rename(elsewhere)
    (made.folder / "bag").symlink_to(elsewhere)
    with pytest.raises(RedactionError, match="is a link"):
        redact(made.folder, Selection(files=[BAG]), "officer", "law", made.signer)
    assert (elsewhere / "bag_1.mcap").exists()


@pytest.mark.parametrize(
    "text",
    [
        "[" * 100_000,
        '{"format":1,"session":"a","site":"robot","case":"","roles":[],"started_utc_ns":1,"versions":[]}',
        '{"format":1,"session":"a","site":"robot","case":"","roles":[],"started_utc_ns":1e999,"versions":{}}',
        '{"format":1,"session":"a","site":"robot","case":"","roles":[],"started_utc_ns":NaN,"versions":{}}',
        '{"format":1,"session":"a","site":"robot","case":"","roles":5,"started_utc_ns":1,"versions":{}}',
    ],
)
def test_a_session_file_of_any_form_is_an_error_of_the_folder(tmp_path: Path, text: str) -> None:
    """Which a node tells by its parameter, and does not crash of."""
    (tmp_path / "session.json").write_text(text)
    with pytest.raises(RecordFolderError, match="is not that of a record"):
        open_session(tmp_path, "robot")


def test_a_computer_that_starts_no_more_threads_crashes_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The log fails, and says why."""

    def none_left(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", none_left)
    log = AuditWriter(tmp_path, "monitor", "ab")
    monkeypatch.undo()
    assert "can't start new thread" in log.failure
    assert not log.append("state", {}).written
    began = time.monotonic()
    log.close()
    assert time.monotonic() - began < 5.0
