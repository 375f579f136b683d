"""The writer of the audit log against the end of the process and of the disk: killed at random, full, read-only."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from audit.chain_check import check_chain
from audit.checkpoint import CHECKPOINT, END, RunningHash, end_payload
from audit.checkpoint_maker import CheckpointMaker
from audit.reading import chains, records
from audit.signing import Signer
from audit.verify import verify
from teleop_core.audit_writer import AuditWriter
from teleop_core.record_folder import open_session

KILLS = 24
SESSION = "ab" * 16

CHILD = """
import os, sys, threading
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from audit.checkpoint import CHECKPOINT
from audit.checkpoint_maker import CheckpointMaker
from audit.signing import Signer
from teleop_core.audit_writer import AuditWriter
folder, session = Path(sys.argv[2]), sys.argv[3]
writer = AuditWriter(folder, "recorder", session, sync_every=0.01)
maker = CheckpointMaker(folder, Signer.load(folder.parent / "record.key"))

def append(who):
    for i in range(10**9):
        receipt = writer.append("state", {"i": i, "text": "x" * (i % 500)}, who, durable=i % 7 == 0)
        os.write(1, f"{receipt.n} {receipt.hash} {writer.failure}\\n".encode())

threading.Thread(target=append, args=("one",), daemon=True).start()
threading.Thread(target=append, args=("two",), daemon=True).start()
while True:
    receipt = writer.append(CHECKPOINT, maker.make({}))
    os.write(1, f"{receipt.n} {receipt.hash} {writer.failure}\\n".encode())
"""


def killed(command: list[str], after: float) -> list[tuple[int, str]]:
    """Run a child, kill it so long after its first record [s]; number and hash of every record it had a receipt for."""
    child = subprocess.Popen(command, stdout=subprocess.PIPE)
    assert child.stdout is not None
    told = child.stdout.readline()
    deadline = time.monotonic() + after
    os.set_blocking(child.stdout.fileno(), False)
    while time.monotonic() < deadline:
        told += child.stdout.read() or b""
        time.sleep(0.001)
    child.send_signal(signal.SIGKILL)
    child.wait(30)
    os.set_blocking(child.stdout.fileno(), True)
    told += child.stdout.read()
    child.stdout.close()
    whole = [line.split() for line in told.decode().split("\n")[:-1]]
    assert all(len(words) == 2 for words in whole), whole[-3:]
    return [(int(n), digest) for n, digest in whole]


@pytest.mark.slow
def test_no_record_that_was_acknowledged_is_lost_by_kill_9(tmp_path: Path, root: Path) -> None:
    """Two dozen times at random instants, each time taken up by the next: one chain that verifies up to its tail."""
    folder = tmp_path / "record"
    session = open_session(folder, "robot").session
    signer = Signer.load_or_make(tmp_path)
    signer.leave_public_key(folder)
    chance = random.Random(7)
    acknowledged: dict[int, str] = {}
    for _ in range(KILLS):
        command = [sys.executable, "-c", CHILD, str(root), str(folder), session]
        told = dict(killed(command, chance.uniform(0.0, 0.12)))
        assert told
        assert not told.keys() & acknowledged.keys()
        acknowledged.update(told)
    found = {record["n"]: record["hash"] for record in records(folder)}
    lost = {n for n, digest in acknowledged.items() if found.get(n) != digest}
    assert not lost, f"{len(lost)} of {len(acknowledged)}"
    assert sorted(found) == list(range(len(found)))
    verdict = verify(folder)
    assert (verdict.intact, verdict.truncated) == (True, True), verdict.lines()
    assert verdict.segments == KILLS

    writer = AuditWriter(folder, "recorder", session)
    files = {name: RunningHash(folder / name).follow() for name in ("session.json", "public_key.pem")}
    writer.append(CHECKPOINT, CheckpointMaker(folder, signer).make(files))
    writer.append(END, end_payload(signer, writer.head, {}))
    writer.close()
    assert verify(folder).ok, verify(folder).lines()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 1 MiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounting = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)], capture_output=True, check=False
    )
    if mounting.returncode:
        pytest.skip("mounting a small disk is not allowed here")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def fill(disk: Path) -> Path:
    """Leave nothing for anybody else."""
    path = disk / "bulk"
    with path.open("wb", buffering=0) as file:
        try:
            while file.write(b"x" * 4096):
                pass
        except OSError:
            return path
    raise AssertionError("the disk was not full")


def test_the_log_goes_on_when_others_have_filled_the_disk(small_disk: Path) -> None:
    """From its reserve; then it fails; then there is space again. Each is told, and at last what is missing."""
    folder = small_disk / "record"
    folder.mkdir()
    writer = AuditWriter(folder, "recorder", SESSION)
    assert writer.append("state", {}).written
    bulk = fill(small_disk)
    reserved = 0
    while (receipt := writer.append("state", {"text": "x" * 600}, durable=True)).written and reserved < 2000:
        assert receipt.durable
        assert writer.failure == ""
        reserved += 1
    assert reserved >= 100, "the reserve is for at least a hundred records"
    assert "cannot be written: " in writer.failure
    assert "writes on from its reserve" in writer.warning
    lost = 1 + sum(not writer.append("state", {"text": "x" * 600}).written for _ in range(5))
    assert writer.lost == lost

    bulk.unlink()
    assert writer.append("state", {"to": "HOLD"}, durable=True).durable
    assert (writer.failure, writer.warning) == ("", "")
    writer.close()
    checked = check_chain("recorder", chains(folder)["recorder"], SESSION)
    assert checked.problem is None
    assert checked.broken is None
    told = [entry.record["payload"] for entry in checked.of_type("disk")]
    assert [item["full"] for item in told] == [True, False]
    assert told[0]["reserve_bytes"] > 100_000
    assert sum(entry.record["payload"]["count"] for entry in checked.of_type("gap")) == lost


def test_a_disk_that_is_full_at_the_start_is_told(small_disk: Path) -> None:
    """Nothing is raised, nothing is acknowledged; with space a new writer begins, and what broke off is vouched for."""
    folder = small_disk / "record"
    folder.mkdir()
    bulk = fill(small_disk)
    writer = AuditWriter(folder, "recorder", SESSION)
    assert "cannot be opened: No space left on device" in writer.failure
    assert not writer.append("state", {}, durable=True).written
    writer.close()
    bulk.unlink()
    again = AuditWriter(folder, "recorder", SESSION)
    assert again.append("state", {}).written
    again.close()
    checked = check_chain("recorder", chains(folder)["recorder"], SESSION)
    assert checked.problem is None
    assert len(checked.hashes) == 2


def test_a_read_only_disk_is_told(small_disk: Path) -> None:
    """From the start on."""
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    writer = AuditWriter(small_disk, "recorder", SESSION)
    assert "cannot be opened: Read-only file system" in writer.failure
    assert not writer.append("state", {}, durable=True, wait=0.005).written
    writer.close()


def test_a_folder_that_is_none_is_told(tmp_path: Path) -> None:
    """A file has its name."""
    path = tmp_path / "record"
    path.write_text("")
    writer = AuditWriter(path, "recorder", SESSION)
    assert "cannot be opened: Not a directory" in writer.failure
    writer.close()
