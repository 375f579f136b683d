"""The recorder in trouble: killed, without room on the disk, on a disk that hangs."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("rclpy", reason="ROS is not installed here")

from mcap.exceptions import EndOfFile, McapError
from mcap.records import Channel, Message
from mcap.stream_reader import StreamReader

from audit.reading import records
from audit.verify import verify

pytestmark = [pytest.mark.dds, pytest.mark.slow]
ROOM = {"disk_low": "1000000", "disk_reserve": "100000"}
ROUNDS = 4
COMMANDS = "/teleop/command"


def numbers_in(bag: Path, topic: str) -> list[int]:
    """Numbers of a topic's messages in a file that may break off."""
    found: list[int] = []
    topics: dict[int, str] = {}
    with bag.open("rb") as file:
        reader = iter(StreamReader(file, validate_crcs=True).records)
        try:
            while True:
                record = next(reader)
                if isinstance(record, Channel):
                    topics[record.id] = record.topic
                elif isinstance(record, Message) and topics[record.channel_id] == topic:
                    found.append(record.sequence)
        except (EndOfFile, McapError, StopIteration):
            return found


def start(room: Any, folder: Path, **parameters: str) -> None:
    room.console.newest.pop("record_status", None)
    room.nodes.start("recorder", folder=str(folder), **{**ROOM, **parameters})
    room.until(lambda: getattr(room.console.newest.get("record_status"), "writing", False), 30.0, "it writes")


def test_kill_at_any_moment_loses_a_moment_of_the_bag_and_nothing_of_the_log(room: Any, tmp_path: Path) -> None:
    """Judged against what was published when it died; the next recorder goes on in a new segment and a new file."""
    folder = tmp_path / "record"
    random.seed(os.getpid())
    lost = []
    for turn in range(ROUNDS):
        start(room, folder)
        room.console.clutch, room.console.epoch = not room.console.clutch, room.console.epoch + 1
        room.spin(1.2 + random.uniform(0.0, 0.5))
        status = room.console.newest["record_status"]
        room.nodes.kill("recorder")
        published = room.console.sequence
        assert room.nodes.processes["recorder"].wait(10) == -signal.SIGKILL
        kept = list(records(folder, "recorder"))
        assert kept[-1]["n"] >= status.root_n
        segment = [n for n, record in enumerate(kept) if record["type"] == "segment"][-1]
        assert len(kept) - 1 - segment >= status.records
        assert kept[status.root_n]["payload"]["root"] == bytes(status.root).hex()
        bags = sorted((folder / "bag").glob("bag_*.mcap"))
        assert len(bags) == turn + 1
        numbers = numbers_in(bags[-1], COMMANDS)
        assert numbers == list(range(numbers[0], numbers[-1] + 1))
        lost.append((published - numbers[-1]) / 200.0)
    print(f"lost of the bag at kill -9: {', '.join(f'{seconds:.3f}' for seconds in lost)} s")
    # 0.2 s is what is promised; a machine that is busy may have left the recorder waiting for its turn.
    assert sorted(lost)[ROUNDS // 2] <= 0.2 + 0.1
    assert max(lost) <= 2.0
    start(room, folder)
    room.spin(0.3)
    assert room.nodes.end("recorder") == 0
    finding = verify(folder)
    assert not finding.problems, finding.problems
    closed = [record["payload"] for record in records(folder, "recorder") if record["type"] == "bag_closed"]
    assert {payload["file"]: payload["state"] for payload in closed} == {
        **{f"bag/bag_{turn}.mcap": "broken off" for turn in range(ROUNDS)},
        f"bag/bag_{ROUNDS}.mcap": "finished",
    }


def test_a_second_recorder_in_the_folder_ends_at_once(room: Any, tmp_path: Path) -> None:
    """As with any parameter that cannot be used; the first one goes on."""
    folder = tmp_path / "record"
    start(room, folder)
    first = room.nodes.processes["recorder"]
    room.nodes.start("recorder", folder=str(folder), **ROOM)
    room.nodes.processes["second"], room.nodes.processes["recorder"] = room.nodes.processes["recorder"], first
    assert room.nodes.processes["second"].wait(60) == 2
    room.spin(0.3)
    assert room.nodes.end("recorder") == 0
    finding = verify(folder)
    assert (finding.problems, finding.bags) == ([], 1)


def mounted(place: Path, *arguments: str) -> None:
    place.mkdir(parents=True)
    if os.geteuid() or subprocess.run(["mount", *arguments, str(place)], check=False, capture_output=True).returncode:
        pytest.skip("mounting a disk of its own needs root")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 16 MB."""
    place = tmp_path / "small"
    mounted(place, "-t", "tmpfs", "-o", "size=16m", "tmpfs")
    yield place
    subprocess.run(["umount", "-l", place], check=True)


def test_a_full_disk_is_told_early_and_keeps_the_log(room: Any, small_disk: Path) -> None:
    """First that room is short, then the bag ends, in order; what people do is still written down."""
    folder = small_disk / "record"
    start(room, folder, disk_low="8000000", disk_reserve="3000000", split_size="1000000")
    ballast = small_disk / "ballast"
    ballast.write_bytes(bytes(small_disk_free(small_disk) - 6_000_000))
    room.until(lambda: "nearly full" in room.console.newest["record_status"].reason, what="told early")
    with ballast.open("ab") as file:
        file.write(bytes(small_disk_free(small_disk) - 2_000_000))
    room.until(lambda: "kept for the audit log" in room.console.newest["record_status"].reason, what="the bag ended")
    dropped = room.console.newest["record_status"].dropped
    room.console.clutch, room.console.epoch = True, 77
    room.until(lambda: room.console.newest["record_status"].dropped > dropped + 100, what="what is lost is counted")
    pressed = [record for record in records(folder, "recorder") if record["payload"].get("epoch") == 77]
    assert [record["payload"]["pressed"] for record in pressed] == [True]
    ballast.unlink()
    room.until(lambda: room.console.newest["record_status"].writing, what="with room it goes on")
    assert room.nodes.end("recorder") == 0
    gaps = [record["payload"] for record in records(folder, "recorder") if record["type"] == "gap"]
    assert any(gap["topic"] == COMMANDS and "full" in gap["why"] for gap in gaps)
    assert not verify(folder).problems


def test_the_decision_log_ends_while_the_audit_log_has_room(room: Any, small_disk: Path) -> None:
    """The monitor says so at once and in its log, which goes on; the record verifies."""
    folder = small_disk / "record"
    log = folder / "safety_monitor.decisions.jsonl"
    monitor = {"record_folder": str(folder), "decision_log": str(log), "decision_reserve": "8000000"}
    start(room, folder, disk_reserve="3000000")
    room.nodes.start("safety_monitor", **monitor)
    room.until(lambda: log.exists() and log.stat().st_size > 0, what="decisions are written")
    (small_disk / "ballast").write_bytes(bytes(small_disk_free(small_disk) - 7_000_000))
    room.until(lambda: "DECISIONS_LOST" in room.console.alarms, what="told")
    size = log.stat().st_size
    room.spin(1.0)
    assert log.stat().st_size == size
    assert room.nodes.end("safety_monitor") == 0
    assert room.nodes.end("recorder") == 0
    gaps = [r["payload"] for r in records(folder, "safety_monitor") if r["type"] == "gap"]
    assert {gap["topic"] for gap in gaps} == {"decisions"}
    assert gaps[0]["first"] == len(log.read_bytes().splitlines()) - 1
    assert sum(gap["count"] for gap in gaps) > 20
    assert "kept for the audit log" in gaps[0]["why"]
    assert not verify(folder).problems


def small_disk_free(place: Path) -> int:
    found = os.statvfs(place)
    return found.f_bavail * found.f_frsize


@pytest.fixture
def disk_that_hangs(tmp_path: Path) -> Iterator[Path]:
    """A file system that can be frozen: whoever writes to it waits."""
    image = tmp_path / "image"
    with image.open("wb") as file:
        file.truncate(64 << 20)
    if subprocess.run(["mkfs.ext4", "-q", image], check=False, capture_output=True).returncode:
        pytest.skip("mkfs.ext4 is not installed here")
    place = tmp_path / "record" / "bag"
    mounted(place, "-o", "loop", str(image))
    yield place
    subprocess.run(["fsfreeze", "-u", place], check=False, capture_output=True)
    subprocess.run(["umount", "-l", place], check=True)


def test_a_disk_that_hangs_costs_messages_and_neither_the_log_nor_the_control(room: Any, disk_that_hangs: Path) -> None:
    """The queue fills and then drops, counted; the log and the topics of the loop go on as before."""
    folder = disk_that_hangs.parent
    start(room, folder, queue="1000000")
    room.nodes.start("kinematics")
    room.until(lambda: "feedback" in room.console.newest, what="the kinematics speak")
    accepted, began = room.console.newest["feedback"].accepted, room.console.sequence
    room.spin(2.0)
    before = (room.console.newest["feedback"].accepted - accepted) / (room.console.sequence - began)
    if subprocess.run(["fsfreeze", "-f", disk_that_hangs], check=False).returncode:
        pytest.skip("this file system cannot be frozen here")
    try:
        room.until(lambda: "has not taken the bag" in room.console.newest["record_status"].reason, what="it is told")
        accepted, began = room.console.newest["feedback"].accepted, room.console.sequence
        written = room.console.newest["record_status"].records
        limit = time.monotonic() + 20.0
        while not room.console.newest["record_status"].dropped and time.monotonic() < limit:
            room.console.clutch, room.console.epoch = not room.console.clutch, room.console.epoch + 1
            room.spin(0.3)
        assert room.console.newest["record_status"].dropped
        assert room.console.newest["record_status"].records > written + 3
        during = (room.console.newest["feedback"].accepted - accepted) / (room.console.sequence - began)
        assert during >= before - 0.05
    finally:
        subprocess.run(["fsfreeze", "-u", disk_that_hangs], check=True)
    room.until(lambda: room.console.newest["record_status"].writing, what="the disk takes the bag again")
    assert room.nodes.end("recorder") == 0
    gaps = [record["payload"] for record in records(folder, "recorder") if record["type"] == "gap"]
    assert any("too slow" in gap["why"] for gap in gaps)
