"""The writer of the audit log: acknowledged is written, broken off is told, never in the way."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from teleop_core.audit_disk import tail
from teleop_core.audit_record import GENESIS, RecordError, check_record
from teleop_core.audit_segment import SegmentFile, being_written
from teleop_core.audit_writer import SILENT_AFTER, AuditWriter

SESSION = "ab" * 16


def records(path: Path) -> list[dict[str, Any]]:
    """Records of a segment that is whole."""
    text = path.read_bytes()
    assert text.endswith(b"\n")
    return [check_record(line) for line in text[:-1].split(b"\n")]


def chained(found: list[dict[str, Any]], prev: str = GENESIS, n: int = 0) -> bool:
    for record in found:
        if (record["n"], record["prev"]) != (n, prev):
            return False
        n, prev = n + 1, record["hash"]
    return True


def test_what_is_acknowledged_is_in_the_file(tmp_path: Path) -> None:
    """With number and hash as told, chained, and its first record says what it is."""
    writer = AuditWriter(tmp_path, "recorder", SESSION, facts={"versions": {"telesurgery": "1"}})
    receipts = [writer.append("state", {"i": i}, "someone") for i in range(5)]
    found = records(tmp_path / "recorder.000.audit.jsonl")
    writer.close()
    assert [(r.n, r.hash) for r in receipts] == [(r["n"], r["hash"]) for r in found[1:]]
    assert chained(found)
    assert found[0]["type"] == "segment"
    assert found[0]["payload"]["versions"] == {"telesurgery": "1"}
    assert found[0]["payload"]["previous"] is None
    assert [r["mono_ns"] for r in found] == sorted(r["mono_ns"] for r in found)
    assert writer.failure == ""


def test_a_durable_record_is_synced_before_append_returns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And not only written."""
    synced: list[int] = []
    real = os.fdatasync
    monkeypatch.setattr(os, "fdatasync", lambda fd: (real(fd), synced.append(os.fstat(fd).st_size)))
    writer = AuditWriter(tmp_path, "recorder", SESSION, sync_every=60.0)
    assert not writer.append("state", {}).durable
    assert writer.append("state", {}, durable=True, wait=20.0).durable, "and not only with the next sync of all"
    assert synced[-1] == writer.path.stat().st_size
    assert writer.everything_durable
    writer.close()


def test_everything_is_synced_after_a_while(tmp_path: Path) -> None:
    """Whether anybody waits for it or not."""
    writer = AuditWriter(tmp_path, "recorder", SESSION, sync_every=0.02)
    writer.append("state", {})
    until = time.monotonic() + 10
    while not writer.everything_durable:
        assert time.monotonic() < until
        time.sleep(0.01)
    writer.close()


def test_many_threads_write_one_chain(tmp_path: Path) -> None:
    """No record is torn, doubled or lost."""
    writer = AuditWriter(tmp_path, "recorder", SESSION)
    threads = [
        threading.Thread(target=lambda k=k: [writer.append("state", {"thread": k, "i": i}) for i in range(50)])
        for k in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    writer.close()
    found = records(writer.path)
    assert chained(found)
    assert len(found) == 1 + 8 * 50
    for k in range(8):
        mine = [r["payload"]["i"] for r in found if r["payload"].get("thread") == k]
        assert mine == list(range(50))


def test_a_restart_continues_the_chain_in_a_new_segment(tmp_path: Path) -> None:
    """Also behind a line that broke off, for whose bytes it vouches."""
    first = AuditWriter(tmp_path, "recorder", SESSION)
    last = first.append("state", {})
    first.close()
    with first.path.open("ab") as file:
        file.write(b'{"actor":"br')
    second = AuditWriter(tmp_path, "recorder", SESSION)
    second.append("state", {})
    second.close()
    found = records(tmp_path / "recorder.001.audit.jsonl")
    assert chained(found, last.hash, last.n + 1)
    assert found[0]["payload"]["previous"] == "recorder.000.audit.jsonl"
    digest = hashlib.sha256(b'{"actor":"br').hexdigest()
    assert found[0]["payload"]["broken"] == {"recorder.000.audit.jsonl": {"bytes": 12, "sha256": digest}}


def test_a_segment_without_a_record_is_vouched_for(tmp_path: Path) -> None:
    """A process that was killed before its first record was written."""
    first = AuditWriter(tmp_path, "recorder", SESSION)
    first.close()
    (tmp_path / "recorder.001.audit.jsonl").write_bytes(b"{")
    third = AuditWriter(tmp_path, "recorder", SESSION)
    third.close()
    found = records(tmp_path / "recorder.002.audit.jsonl")
    assert chained(found, first.head.hash, 1)
    assert found[0]["payload"]["previous"] == "recorder.001.audit.jsonl"
    assert found[0]["payload"]["broken"].keys() == {"recorder.001.audit.jsonl"}


def test_two_writers_of_one_chain_are_refused(tmp_path: Path) -> None:
    """The second says so, and hurts nothing."""
    first = AuditWriter(tmp_path, "recorder", SESSION)
    assert being_written(first.path)
    second = AuditWriter(tmp_path, "recorder", SESSION)
    assert "another process writes recorder.000.audit.jsonl" in second.failure
    assert not second.append("state", {}).written
    assert second.lost == 1
    second.close()
    first.close()
    assert not being_written(first.path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["recorder.000.audit.jsonl"]


def test_a_folder_of_another_session_is_refused(tmp_path: Path) -> None:
    """Two sessions are never spliced by the writer."""
    AuditWriter(tmp_path, "recorder", SESSION).close()
    other = AuditWriter(tmp_path, "recorder", "cd" * 16)
    assert f"holds session {SESSION}" in other.failure


@pytest.mark.parametrize("chain", ["", "Big", "a.b", "../x"])
def test_a_name_that_is_none_is_refused(tmp_path: Path, chain: str) -> None:
    """In `failure`, with the way out."""
    writer = AuditWriter(tmp_path, chain, SESSION)
    assert "use small letters" in writer.failure
    writer.close()


def test_a_missing_folder_is_told_and_not_raised(tmp_path: Path) -> None:
    """Every record is lost, and counted."""
    writer = AuditWriter(tmp_path / "none", "recorder", SESSION)
    assert writer.failure.endswith("cannot be opened: No such file or directory")
    assert not writer.append("state", {}, durable=True).written
    assert writer.lost == 1
    writer.close()


@pytest.mark.parametrize("how", ["remove", "replace", "remove folder"])
def test_a_file_that_was_taken_away_is_noticed(tmp_path: Path, how: str) -> None:
    """Writing into a file without a name would look like success."""
    folder = tmp_path / "session"
    folder.mkdir()
    writer = AuditWriter(folder, "recorder", SESSION, sync_every=0.02)
    writer.path.unlink()
    if how == "replace":
        writer.path.write_bytes(b"")
    if how == "remove folder":
        folder.rmdir()
    until = time.monotonic() + 10
    while not writer.failure:
        assert time.monotonic() < until
        time.sleep(0.01)
    assert "was removed or replaced; start anew" in writer.failure
    assert not writer.append("state", {}).written
    writer.close()


def test_a_failed_sync_is_never_believed_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After an input/output error the kernel forgets what it could not write."""

    def broken(_descriptor: int) -> None:
        raise OSError(5, "Input/output error")

    writer = AuditWriter(tmp_path, "recorder", SESSION)
    assert writer.append("state", {}, durable=True).durable
    monkeypatch.setattr(os, "fdatasync", broken)
    assert not writer.append("state", {}, durable=True).durable
    monkeypatch.undo()
    assert "cannot be synced: Input/output error" in writer.failure
    assert not writer.append("state", {}, durable=True).written
    writer.close()


def test_a_payload_that_makes_no_record_is_lost_and_told(tmp_path: Path) -> None:
    """The chain goes on."""
    writer = AuditWriter(tmp_path, "recorder", SESSION)
    assert not writer.append("state", {"salt": "bad"}).written
    assert "salt" in writer.failure
    assert writer.append("state", {}).written
    assert writer.failure == ""
    writer.close()
    found = records(writer.path)
    assert chained(found)
    assert [r["type"] for r in found] == ["segment", "gap", "state"]
    assert found[1]["payload"]["count"] == 1
    assert "salt" in found[1]["payload"]["why"]


def test_nothing_is_written_after_the_end(tmp_path: Path) -> None:
    """Closing twice is allowed."""
    writer = AuditWriter(tmp_path, "recorder", SESSION)
    writer.close()
    writer.close()
    assert not writer.append("state", {}).written


def test_the_space_that_was_kept_is_given_back(tmp_path: Path) -> None:
    """While it writes some blocks are set aside; afterwards the file takes what it holds."""
    writer = AuditWriter(tmp_path, "recorder", SESSION)
    kept = writer.path.stat().st_blocks
    writer.close()
    size = writer.path.stat()
    assert size.st_blocks * 512 <= size.st_size + 2 * size.st_blksize
    assert kept >= size.st_blocks
    assert size.st_size < 4096


def test_the_tail_of_rubbish_is_rubbish(tmp_path: Path) -> None:
    """No valid record at all."""
    path = tmp_path / "x"
    path.write_bytes(b"one\ntwo\nthree")
    found = tail(path)
    assert (found.record, found.size, found.broken) == (None, 13, b"one\ntwo\nthree")


CHILD = """
import sys, resource, json
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from teleop_core.audit_writer import AuditWriter
writer = AuditWriter(Path(sys.argv[2]), "recorder", "ab" * 16)
soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
told = []
for i in range(40):
    if i == 5:
        resource.setrlimit(resource.RLIMIT_FSIZE, (writer.path.stat().st_size + 900, hard))
    if i == 20:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    receipt = writer.append("state", {"i": i}, durable=i % 2 == 0)
    told.append((receipt.n, receipt.durable, writer.failure))
writer.close()
print(json.dumps([told, writer.lost, writer.failure]))
"""


def test_a_limit_that_is_hit_is_told_and_survived(tmp_path: Path, root: Path) -> None:
    """A line breaks off for real; what follows is on a fresh line behind a record that tells of the gap."""
    import json

    command = [sys.executable, "-c", CHILD, str(root), str(tmp_path)]
    out = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout
    told, lost, failure = json.loads(out)
    assert failure == ""
    failed = [i for i, (n, _, _) in enumerate(told) if n < 0]
    assert failed == list(range(failed[0], 20))
    assert lost == len(failed) > 0
    assert all("cannot be written" in why for n, _, why in told if n < 0)
    assert all(durable for i, (n, durable, _) in enumerate(told) if n >= 0 and i % 2 == 0)

    text = (tmp_path / "recorder.000.audit.jsonl").read_bytes()
    good, bad = [], []
    for line in text.split(b"\n")[:-1]:
        try:
            good.append(check_record(line))
        except RecordError:
            bad.append(line)
    assert chained(good)
    assert len(bad) == 1, "the line that broke off stays, alone on its line"
    gap = next(r for r in good if r["type"] == "gap")["payload"]
    assert gap["count"] == lost
    assert gap["broken"] == {"bytes": len(bad[0]), "sha256": hashlib.sha256(bad[0]).hexdigest()}
    assert [r["payload"]["i"] for r in good if r["type"] == "state"] == [i for i in range(40) if i not in failed]


def test_a_disk_that_does_not_answer_holds_nobody_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file is a pipe that nobody reads, so a write really blocks; append returns, and `failure` says why."""
    writer = AuditWriter(tmp_path, "recorder", SESSION)
    reading, writing = os.pipe()
    file: SegmentFile = writer._file
    os.dup2(writing, file._descriptor)
    monkeypatch.setattr(file, "in_place", lambda: True)
    monkeypatch.setattr(file, "sync", lambda: None)
    waits = []
    for i in range(300):  # 64 KiB fit into the pipe
        begin = time.monotonic()
        receipt = writer.append("state", {"i": i}, durable=True, wait=0.005)
        waits.append(time.monotonic() - begin)
    assert not receipt.written
    assert sorted(waits)[len(waits) // 2] < 0.05
    assert max(waits) < 1.0
    time.sleep(SILENT_AFTER + 0.1)
    assert "has not answered" in writer.failure

    text = bytearray()  # now somebody reads: every record is there, in its order
    os.set_blocking(reading, True)
    os.close(writing)
    drain = threading.Thread(target=lambda: [text.extend(part) for part in iter(lambda: os.read(reading, 65536), b"")])
    drain.start()
    writer.close()
    drain.join(10)
    os.close(reading)
    found = [check_record(line) for line in bytes(text).split(b"\n")[:-1]]
    assert [r["payload"]["i"] for r in found if r["type"] == "state"] == list(range(300))
    assert writer.lost == 0


def held_back(writer: AuditWriter, monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Let the disk take nothing until the event is set."""
    file: SegmentFile = writer._file
    go_on, real = threading.Event(), file.write

    def slow(*arguments: Any) -> Any:
        go_on.wait(30)
        return real(*arguments)

    monkeypatch.setattr(file, "write", slow)
    return go_on


def test_what_has_become_of_a_record_can_be_asked_later(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither written nor lost while the disk has it in hand; then one of them."""
    writer = AuditWriter(tmp_path, "recorder", SESSION)
    go_on = held_back(writer, monkeypatch)
    good, bad = (writer.append("state", payload, wait=0.0) for payload in ({}, {"salt": "bad"}))
    assert not writer.look_again(good, 0.01).written
    assert (writer.is_lost(good), writer.is_lost(bad)) == (False, False)
    go_on.set()
    assert (writer.look_again(good, 10).n, writer.look_again(bad, 10).written) == (1, False)
    assert (writer.is_lost(good), writer.is_lost(bad)) == (False, True)
    writer.close()
    refused = writer.append("state", {})
    assert not writer.look_again(refused, None).written
    assert writer.is_lost(refused)


def test_a_queue_that_is_full_loses_and_tells(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory is bounded; the count stands in the chain."""
    monkeypatch.setattr("teleop_core.audit_writer.MOST_WAITING", 10)
    writer = AuditWriter(tmp_path, "recorder", SESSION)
    go_on = held_back(writer, monkeypatch)
    for i in range(25):
        writer.append("state", {"i": i}, wait=0.0)
    assert writer.lost == 15
    go_on.set()
    until = time.monotonic() + 10
    while writer.head.n < 10:
        assert time.monotonic() < until
        time.sleep(0.01)
    writer.append("state", {"i": 99})
    writer.close()
    found = records(writer.path)
    assert chained(found)
    assert sum(r["payload"]["count"] for r in found if r["type"] == "gap") == 15
    assert [r["payload"]["i"] for r in found if r["type"] == "state"] == [*range(10), 99]


def test_what_became_of_a_record_can_be_asked_later(tmp_path: Path) -> None:
    """One that was not waited for is told to survive once it does; one that was refused is lost."""
    writer = AuditWriter(tmp_path, "monitor", "ab" * 16, sync_every=60.0)
    receipt = writer.append("state", {}, durable=True, wait=0.0)
    deadline = time.monotonic() + 20.0
    while not writer.survives(receipt):
        assert time.monotonic() < deadline
        time.sleep(0.001)
    assert not writer.is_lost(receipt)
    later = writer.append("alarm", {})
    assert later.written
    assert not writer.survives(later)  # nobody has synced it
    assert writer.survives(receipt)
    writer.close()
    refused = writer.append("state", {})
    assert (writer.survives(refused), writer.is_lost(refused)) == (False, True)
