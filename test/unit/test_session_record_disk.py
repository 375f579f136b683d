"""A record on a disk that is slow, or that cannot be read: it stays one that verifies, and it says what is wrong."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

import pytest

from audit import session_record
from audit.bag_file import Channel
from audit.bag_writer import BagWriter
from audit.bulk_queue import Sample
from audit.checkpoint_maker import CheckpointMaker
from audit.reading import ChainTail, records
from audit.session_record import RecordLimits, SessionRecord
from audit.signing import Signer
from audit.verify import verify
from teleop_core.audit_writer import AuditWriter
from teleop_core.record_folder import RecordFolderError, open_session

CHANNELS = [Channel("/joints", "std_msgs/msg/String", "string data\n", "", {"history": "keep_last", "depth": 1})]
LIMITS = RecordLimits(10**9, 1e9, 10**7, video_rate=1000.0, disk_low=0, disk_reserve=0)


def record_in(folder: Path, signer: Signer | None = None) -> SessionRecord:
    signer = signer or Signer()
    session = open_session(folder, "robot")
    signer.leave_public_key(folder)
    record = SessionRecord(folder, session, signer, CHANNELS, LIMITS, "test", {"security": "none"})
    end = time.monotonic() + 20.0
    while not record.health(time.monotonic()).writing:
        assert time.monotonic() < end, record.health(time.monotonic())
        time.sleep(0.01)
    return record


def sample(sequence: int, stamp: int | None = None) -> Sample:
    now = time.time_ns()
    return Sample(0, now, now if stamp is None else stamp, sequence, bytes(10))


def end_of(folder: Path) -> dict[str, Any]:
    (last,) = [record["payload"] for record in records(folder, "recorder") if record["type"] == "end"]
    return last


def signed_files(folder: Path) -> list[set[str]]:
    found = [record["payload"] for record in records(folder, "recorder") if record["type"] == "checkpoint"]
    return [set(payload["files"]) for payload in found]


def test_a_log_that_stalls_gets_one_checkpoint_for_the_same_records(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While one waits for the disk no other is made; the root is told when it is written."""
    record = record_in(tmp_path / "record")
    goes_on, file = threading.Event(), record.log._file
    real = file.write

    def stalled(*arguments: Any) -> Any:
        goes_on.wait(30)
        return real(*arguments)

    now = time.monotonic()
    monkeypatch.setattr(file, "write", stalled)
    for second in range(1, 4):
        record.tick(now + second)
    assert not any(record.health(now + 3).root)
    goes_on.set()
    until = time.monotonic() + 20.0
    while record.log.append("state", {}, wait=0.1).written is False:
        assert time.monotonic() < until
    record.tick(now + 4)
    assert any(record.health(now + 4).root)
    record.close()
    finding = verify(tmp_path / "record")
    assert not finding.problems, finding.problems


def test_the_end_waits_for_a_checkpoint_that_waits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is not made twice at the end either."""
    record = record_in(tmp_path / "record")
    file, real = record.log._file, record.log._file.write

    def slow(type: str, *arguments: Any) -> Any:
        if type == "checkpoint":
            time.sleep(1.0)
        return real(type, *arguments)

    assert record._bulk.close(20.0)  # what the bag tells at its end would wait for the log too
    monkeypatch.setattr(file, "write", slow)
    record.tick(time.monotonic())
    record.close()
    finding = verify(tmp_path / "record")
    assert not finding.problems, finding.problems
    assert len(signed_files(tmp_path / "record")) == 2


def test_a_record_that_is_not_signed_any_more_is_told(tmp_path: Path) -> None:
    """A chain that cannot be read ends the checkpoints, and the status says so; the end is signed without it."""
    folder = tmp_path / "record"
    record = record_in(folder)
    now = time.monotonic()
    record.tick(now - 7)
    (folder / "other.000.audit.jsonl").symlink_to("nowhere")
    assert not record.others_write()
    for second in range(1, 8):
        record.tick(now - 7 + second)
    health = record.health(now)
    assert not health.writing
    assert health.reason.startswith("nothing has been signed for 7 s: ")
    assert "other.000.audit.jsonl" in health.reason
    record.close()
    assert set(end_of(folder)["unread"]) == {"other"}


def test_what_cannot_be_read_hides_nobody_who_writes(tmp_path: Path) -> None:
    """Else the session would be ended by a signature while the monitor writes on."""
    folder = tmp_path / "record"
    record = record_in(folder)
    for name in ("a.000.audit.jsonl", "z.000.audit.jsonl"):
        (folder / name).symlink_to("nowhere")
    assert not record.others_write()
    monitor = AuditWriter(folder, "monitor", open_session(folder, "robot").session)
    assert record.others_write()
    monitor.close()
    assert not record.others_write()
    record.close()


def test_a_disk_that_hangs_is_waited_for_once_and_not_for_each_event(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who feeds the record has messages to take; all events are written when the disk goes on."""
    record = record_in(tmp_path / "record")
    goes_on, file = threading.Event(), record.log._file
    real = file.write

    def stalled(*arguments: Any) -> Any:
        goes_on.wait(30)
        return real(*arguments)

    monkeypatch.setattr(file, "write", stalled)
    began = time.monotonic()
    for number in range(300):  # with a wait for each this takes six seconds
        record.event("clutch", {"number": number})
    assert time.monotonic() - began < 3.0
    goes_on.set()
    assert record.log.append("state", {}, wait=20.0).written
    record.event("clutch", {"number": 300})
    assert record.log.head.n == 303 + [r["type"] for r in records(tmp_path / "record")].count("bag_opened")
    record.close()
    told = [r["payload"]["number"] for r in records(tmp_path / "record") if r["type"] == "clutch"]
    assert told == list(range(301))


def test_a_session_file_that_was_altered_is_found_where_the_recorder_was_killed(tmp_path: Path) -> None:
    """The record names it from its start on, not only at its end."""
    folder = tmp_path / "record"
    record = record_in(folder)
    record.tick(time.monotonic() + 2.0)
    file = folder / "session.json"
    genuine = file.read_bytes()
    assert verify(folder).intact
    file.write_bytes(genuine.replace(b'"case": ""', b'"case": "another"'))
    assert [p.file for p in verify(folder).problems if p.kind == "altered"] == ["session.json"]
    file.unlink()
    assert [p.why for p in verify(folder).problems if p.kind == "altered"] == [
        "the file is missing; record 1 tells of it"
    ]
    file.symlink_to("nowhere")
    assert "is a link" in verify(folder).problems[0].why
    file.unlink()
    file.write_bytes(genuine)
    record.close()
    assert verify(folder).ok


def test_a_file_that_cannot_be_read_costs_neither_the_checkpoints_nor_the_end(tmp_path: Path) -> None:
    """It is told at once, and everything else is signed."""
    folder = tmp_path / "record"
    record = record_in(folder)
    (folder / "x.decisions.jsonl").mkdir()
    now = time.monotonic()
    record.tick(now)
    health = record.health(now)
    assert any(health.root)
    assert "cannot be signed" in health.reason
    assert "x.decisions.jsonl" in health.reason
    record.close()
    assert end_of(folder)["bag_finished"] is True


def test_a_chain_is_not_covered_in_part_when_a_segment_cannot_be_read(tmp_path: Path) -> None:
    """What was read before it counts when all of it can be read again."""
    folder, signer = tmp_path / "record", Signer()
    session = open_session(folder, "robot")
    signer.leave_public_key(folder)
    log = AuditWriter(folder, "recorder", session.session)
    AuditWriter(folder, "monitor", session.session).close()
    maker = CheckpointMaker(folder, signer)
    link = folder / "monitor.001.audit.jsonl"
    link.symlink_to("nowhere")
    with pytest.raises(OSError, match=r"monitor\.001"):
        maker.make({})
    link.unlink()
    assert set(maker.make({})["chains"]) == {"recorder", "monitor"}
    log.close()


def test_a_second_recorder_in_the_folder_is_refused_and_disturbs_nothing(tmp_path: Path) -> None:
    """It makes no file of the bag, and the first one goes on."""
    folder, signer = tmp_path / "record", Signer()
    record = record_in(folder, signer)
    with pytest.raises(RecordFolderError, match="another process writes recorder"):
        record_in(folder, signer)
    time.sleep(0.5)
    record.take(time.monotonic(), sample(1))
    record.close()
    finding = verify(folder)
    assert (finding.problems, finding.bags) == ([], 1)


def test_a_message_that_cannot_be_written_is_told_in_the_end(tmp_path: Path) -> None:
    """The thread of the bag goes on, in a new file."""
    folder = tmp_path / "record"
    record = record_in(folder)
    record.take(time.monotonic(), sample(1, stamp=-1))
    end = time.monotonic() + 20.0
    while record.health(time.monotonic()).writing:
        assert time.monotonic() < end
        time.sleep(0.01)
    assert "error" in record.health(time.monotonic()).reason
    while not record.health(time.monotonic()).writing:
        assert time.monotonic() < end
        time.sleep(0.01)
    record.take(time.monotonic(), sample(2))
    record.close()
    assert (end_of(folder)["bag_finished"], end_of(folder)["lost"]) == (True, {"/joints": 1})
    finding = verify(folder)
    assert not finding.problems, finding.problems
    assert finding.messages["/joints"]["recorded"] == 1


def test_the_log_of_earlier_recorders_is_read_little_by_little(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No tick reads more than its portion; the first checkpoint comes when all is read, and follows on the last one."""
    folder, signer = tmp_path / "record", Signer()
    monitor = AuditWriter(folder, "safety_monitor", open_session(folder, "robot").session)  # the session goes on
    first = record_in(folder, signer)
    for number in range(300):
        monitor.append("state", {"number": number})
        first.event("clutch", {"number": number}, "operator")
    first.tick(time.monotonic())
    first.close()
    monkeypatch.setattr(session_record, "CHAIN_PORTION", 20_000)
    second = record_in(folder, signer)
    before, most, real = len(signed_files(folder)), [], ChainTail.new

    def counted(tail: ChainTail, portion: int | None = None) -> Any:
        found = real(tail, portion)
        most.append(len(found))
        return found

    monkeypatch.setattr(ChainTail, "new", counted)
    now = time.monotonic()
    ticks = 0
    while len(signed_files(folder)) == before:
        ticks += 1
        second.tick(now + 0.1 * ticks)
        assert ticks < 100
    assert ticks > 5
    assert max(most) < 60
    assert "is being read" not in second.health(now + 0.1 * ticks).reason
    monitor.close()
    second.close()
    finding = verify(folder)
    assert not finding.problems, finding.problems


def test_what_earlier_recorders_left_is_read_little_by_little(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The bag is open at once; a file is signed again when it has been read, at the end every one."""
    folder, signer = tmp_path / "record", Signer()
    monitor = AuditWriter(folder, "safety_monitor", open_session(folder, "robot").session)  # the session goes on
    first = record_in(folder, signer)
    (folder / "safety_monitor.decisions.jsonl").write_bytes(bytes(3 << 20))
    first.take(time.monotonic(), sample(1))
    first.close()
    may_read = threading.Event()
    real = BagWriter.catch_up
    monkeypatch.setattr(BagWriter, "catch_up", lambda bag, until: may_read.is_set() and real(bag, until))
    before = len(signed_files(folder))
    second = record_in(folder, signer)
    now = time.monotonic()
    second.take(now, sample(2))
    for turn in range(5):
        second.tick(now + 1.1 * turn)
    may_read.set()
    monitor.close()
    second.close()
    old = {"bag/bag_0.mcap", "safety_monitor.decisions.jsonl"}
    signed = [names & old for names in signed_files(folder)[before:]]
    assert signed[0] == set()
    assert {"safety_monitor.decisions.jsonl"} in signed
    assert signed[-1] == old
    finding = verify(folder)
    assert not finding.problems, finding.problems
    metadata = (folder / "bag" / "metadata.yaml").read_text()
    assert metadata.index("bag_0.mcap") < metadata.index("bag_1.mcap")
