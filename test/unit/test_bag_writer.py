"""Bags on a real disk, read by libraries that are not ours."""

from __future__ import annotations

import contextlib
import hashlib
import os
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

mcap_reader = pytest.importorskip("mcap.reader")

from mcap.exceptions import EndOfFile  # noqa: E402
from mcap.stream_reader import StreamReader  # noqa: E402
from rosbags.highlevel import AnyReader  # noqa: E402

from audit.bag_file import CHUNK_BYTES, Channel  # noqa: E402
from audit.bag_writer import BagWriter  # noqa: E402
from audit.bulk_queue import BulkQueue, Sample  # noqa: E402
from audit.bulk_writer import BulkWriter  # noqa: E402
from audit.definitions import DefinitionError, definition, type_hash  # noqa: E402
from audit.gaps import GapBook  # noqa: E402

FOREVER = {"sec": 9223372036, "nsec": 854775807}
QOS: dict[str, Any] = {
    "history": "keep_last",
    "depth": 10,
    "reliability": "reliable",
    "durability": "volatile",
    "deadline": FOREVER,
    "lifespan": FOREVER,
    "liveliness": "automatic",
    "liveliness_lease_duration": FOREVER,
    "avoid_ros_namespace_conventions": False,
}
TEXT = "std_msgs/msg/String"
JOINTS = "sensor_msgs/msg/JointState"
CHANNELS = [
    Channel("/words", TEXT, definition(TEXT), type_hash(TEXT), QOS),
    Channel("/silent", JOINTS, definition(JOINTS), type_hash(JOINTS), QOS),
]
LIMIT = 20.0


def text(content: str) -> bytes:
    """A std_msgs/String as CDR, little endian."""
    data = content.encode() + b"\0"
    return b"\0\1\0\0" + len(data).to_bytes(4, "little") + data


def words(count: int, start: int = 1, size: int = 20) -> list[Sample]:
    now = time.time_ns()
    return [Sample(0, now + 1000 * n, now, n, text("w" * size)) for n in range(start, start + count)]


class Told(list[tuple[str, dict[str, Any]]]):
    """Records that the bag asks to be written."""

    def __call__(self, type: str, payload: dict[str, Any]) -> None:
        self.append((type, payload))

    def closed(self) -> list[dict[str, Any]]:
        return [payload for type, payload in self if type == "bag_closed"]


def bag_in(folder: Path, told: Told, split_bytes: int = 10**9, split_seconds: float = 1e9) -> BagWriter:
    return BagWriter(folder, CHANNELS, "test", told, split_bytes=split_bytes, split_seconds=split_seconds)


def read_back(folder: Path) -> list[str]:
    with AnyReader([folder]) as reader:
        return [str(reader.deserialize(raw, connection.msgtype).data) for connection, _, raw in reader.messages()]


def test_other_libraries_read_all_of_it(tmp_path: Path) -> None:
    """Profile, encodings, numbers, times, quality of service, hash: as rosbag2 writes them."""
    told = Told()
    bag = bag_in(tmp_path / "bag", told)
    samples = words(100)
    bag.write(0.0, samples)
    bag.close()
    with (tmp_path / "bag" / "bag_0.mcap").open("rb") as file:
        reader = mcap_reader.make_reader(file, validate_crcs=True)
        assert reader.get_header().profile == "ros2"
        summary = reader.get_summary()
        assert {(s.name, s.encoding) for s in summary.schemas.values()} == {(TEXT, "ros2msg"), (JOINTS, "ros2msg")}
        channel = next(iter(summary.channels.values()))
        assert channel.message_encoding == "cdr"
        assert yaml.safe_load(channel.metadata["offered_qos_profiles"]) == [QOS]
        found = [(m.sequence, m.log_time, m.publish_time, m.data) for _, _, m in reader.iter_messages()]
    assert found == [(s.sequence, s.log_time, s.publish_time, s.data) for s in samples]
    (closed,) = told.closed()
    content = (tmp_path / closed["file"]).read_bytes()
    assert (closed["bytes"], closed["sha256"]) == (len(content), hashlib.sha256(content).hexdigest())
    assert (closed["state"], closed["messages"]) == ("finished", {"/words": 100})
    assert closed["sequences"] == {"/words": [1, 100]}
    assert len(read_back(tmp_path / "bag")) == 100
    with AnyReader([tmp_path / "bag"]) as reader:
        (word,) = [c for c in reader.connections if c.topic == "/words"]
        assert (word.msgcount, word.ext.offered_qos_profiles[0].depth, word.digest) == (100, 10, type_hash(TEXT))


def test_checksums_are_there_and_chunks_are_small(tmp_path: Path) -> None:
    """Every chunk and the data section have a CRC; no chunk is larger than a small one and a message."""
    bag = bag_in(tmp_path / "bag", Told())
    bag.write(0.0, words(3000, size=300))
    bag.close()
    with (tmp_path / "bag" / "bag_0.mcap").open("rb") as file:
        records = list(StreamReader(file, emit_chunks=True, validate_crcs=True).records)
    chunks = [record for record in records if type(record).__name__ == "Chunk"]
    assert len(chunks) > 10
    assert all(chunk.uncompressed_crc for chunk in chunks)
    assert max(chunk.uncompressed_size for chunk in chunks) <= CHUNK_BYTES
    (end,) = [record for record in records if type(record).__name__ == "DataEnd"]
    assert end.data_section_crc


def test_what_was_written_is_with_the_kernel(tmp_path: Path) -> None:
    """Before anything is closed, a copy of the file holds every message, and the running hash is that of the file."""
    bag = bag_in(tmp_path / "bag", Told())
    bag.write(0.0, words(10))
    content = (tmp_path / "bag" / "bag_0.mcap").read_bytes()
    assert bag.marks() == {"bag_0.mcap": (len(content), hashlib.sha256(content).hexdigest())}
    with (tmp_path / "bag" / "bag_0.mcap").open("rb") as file:
        records, messages = iter(StreamReader(file).records), 0
        with contextlib.suppress(EndOfFile):  # it has no end yet
            while True:
                messages += type(next(records)).__name__ == "Message"
    assert messages == 10
    bag.close()


def test_files_are_split_by_size_and_by_time(tmp_path: Path) -> None:
    """The next file begins when the limit is reached; metadata.yaml has all of them, in order."""
    told = Told()
    bag = bag_in(tmp_path / "bag", told, split_bytes=20_000, split_seconds=10.0)
    bag.write(0.0, words(500))
    bag.write(1.0, words(10, 501))
    bag.write(11.0, words(10, 511))
    bag.write(12.0, words(10, 521))
    bag.close()
    assert [payload["messages"]["/words"] for payload in told.closed()] == [500, 10, 20]
    information = yaml.safe_load((tmp_path / "bag" / "metadata.yaml").read_text())["rosbag2_bagfile_information"]
    assert (information["version"], information["message_count"]) == (9, 530)
    assert information["relative_file_paths"] == ["bag_0.mcap", "bag_1.mcap", "bag_2.mcap"]
    assert len(read_back(tmp_path / "bag")) == 530


def test_a_file_that_broke_off_stays_as_it_is_and_is_told(tmp_path: Path) -> None:
    """A recorder that was killed: the next one writes the next file; other libraries read what is finished."""
    first = bag_in(tmp_path / "bag", Told(), split_bytes=1)
    first.write(0.0, words(5))
    first.write(1.0, words(5, 6))  # closes bag_0, and nothing closes bag_1
    left = (tmp_path / "bag" / "bag_1.mcap").read_bytes()
    told = Told()
    second = bag_in(tmp_path / "bag", told)
    second.write(2.0, words(5, 11))
    assert second.catch_up(float("inf"))
    second.close()
    assert (tmp_path / "bag" / "bag_1.mcap").read_bytes() == left
    assert [(payload["file"], payload["state"]) for payload in told.closed()] == [
        ("bag/bag_0.mcap", "finished"),
        ("bag/bag_1.mcap", "broken off"),
        ("bag/bag_2.mcap", "finished"),
    ]
    assert told.closed()[1]["sha256"] == hashlib.sha256(left).hexdigest()
    assert len(read_back(tmp_path / "bag")) == 10
    assert "bag_1.mcap" in (tmp_path / "bag" / "metadata.yaml").read_text()
    del first


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 4 MB."""
    place = tmp_path / "disk"
    place.mkdir()
    if os.geteuid() or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "t", place], check=False).returncode:
        pytest.skip("mounting a small disk needs root")
    try:
        yield place
    finally:
        subprocess.run(["umount", "-l", place], check=True)


def test_a_full_disk_ends_the_file_and_what_is_in_it_is_told(small_disk: Path) -> None:
    """Nothing crashes; the hash is that of what the disk took; with room again a new file begins."""
    told = Told()
    bag = bag_in(small_disk / "bag", told)
    ballast = small_disk / "ballast"
    ballast.write_bytes(bytes(3_000_000))
    with pytest.raises(OSError, match="No space left"):
        bag.write(0.0, words(10_000, size=1000))
    content = (small_disk / "bag" / "bag_0.mcap").read_bytes()
    (closed,) = told.closed()
    assert (closed["state"], closed["why"]) == ("broken off", "No space left on device")
    assert (closed["bytes"], closed["sha256"]) == (len(content), hashlib.sha256(content).hexdigest())
    ballast.unlink()
    bag.write(0.0, words(10))
    bag.close()
    assert len(read_back(small_disk / "bag")) == 10


def test_a_file_that_cannot_be_begun_leaves_nothing(small_disk: Path) -> None:
    """A full disk: neither an empty file nor a descriptor remains of each try."""
    bag = bag_in(small_disk / "bag", Told())
    with contextlib.suppress(OSError), (small_disk / "ballast").open("wb", buffering=0) as ballast:
        while ballast.write(bytes(1 << 12)):
            pass
    open_files = len(os.listdir("/proc/self/fd"))
    for _ in range(3):
        with pytest.raises(OSError, match="No space left"):
            bag.write(0.0, words(1))
    assert len(os.listdir("/proc/self/fd")) == open_files
    assert not list((small_disk / "bag").glob("*.mcap"))


def bulk(place: Path, queue: BulkQueue, gaps: GapBook, told: Told, reserve: int = 0, bag: Any = None) -> BulkWriter:
    return BulkWriter(queue, bag or (lambda: bag_in(place / "bag", told)), place, CHANNELS, gaps, reserve)


def until(condition: Any) -> None:
    end = time.monotonic() + LIMIT
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_the_bag_ends_early_enough_for_the_audit_log(small_disk: Path) -> None:
    """Below the reserve the bag is finished, not broken; what comes then is lost and counted; with room it goes on."""
    queue, gaps, told = BulkQueue(10**7), GapBook(), Told()
    writer = bulk(small_disk, queue, gaps, told, reserve=2_000_000)
    queue.put(words(1)[0], is_video=False)
    until(lambda: writer.state(time.monotonic()).writing)
    ballast = small_disk / "ballast"
    ballast.write_bytes(bytes(2_500_000))
    until(lambda: not writer.state(time.monotonic()).writing)
    assert "the disk is full" in writer.state(time.monotonic()).reason
    queue.put(words(1, 2)[0], is_video=False)
    until(lambda: gaps.total == 1)
    assert [payload["state"] for payload in told.closed()] == ["finished"]
    ballast.unlink()
    until(lambda: writer.state(time.monotonic()).writing)
    queue.put(words(1, 3)[0], is_video=False)
    assert writer.close(LIMIT)
    assert len(read_back(small_disk / "bag")) == 2


def test_a_disk_that_hangs_holds_up_nobody(tmp_path: Path) -> None:
    """The queue fills, pictures first, and everything else goes on; it is told after a second."""

    class Hanging:
        """A bag whose disk answers when it is allowed to."""

        def __init__(self) -> None:
            self.hangs = True
            self.taken: list[int] = []

        def write(self, _now: float, samples: list[Sample]) -> None:
            while self.hangs:
                time.sleep(0.01)
            self.taken += [item.sequence for item in samples]

        def sync(self) -> None:
            """Nothing to wait for."""

        close = sync

        def catch_up(self, _until: float) -> bool:
            return True

        def marks(self) -> dict[str, tuple[int, str]]:
            return {}

    queue, gaps, bag = BulkQueue(10_000), GapBook(), Hanging()
    writer = bulk(tmp_path, queue, gaps, Told(), bag=lambda: bag)
    until(
        lambda: not writer.state(time.monotonic()).writing and "has not taken" in writer.state(time.monotonic()).reason
    )
    began = time.perf_counter()
    accepted = [queue.put(item, is_video=False) for item in words(1000)]
    assert time.perf_counter() - began < 1.0
    assert any(accepted)
    assert not all(accepted)
    bag.hangs = False
    until(lambda: writer.state(time.monotonic()).writing)
    assert writer.close(LIMIT)
    assert bag.taken == [number for number, taken in enumerate(accepted, start=1) if taken]


class Failing:
    """A bag that takes everything and whose end fails."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    def write(self, _now: float, _samples: list[Sample]) -> None:
        """Take them."""

    def sync(self) -> None:
        """Nothing to wait for."""

    def close(self) -> None:
        raise self._error

    def catch_up(self, _until: float) -> bool:
        return True


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), ValueError("bad")])
def test_a_bag_that_could_not_be_finished_is_not_called_finished(tmp_path: Path, error: Exception) -> None:
    """Whatever the reason, it is told; what comes after the end is counted."""
    queue, gaps = BulkQueue(10_000), GapBook()
    writer = bulk(tmp_path, queue, gaps, Told(), bag=lambda: Failing(error))
    until(lambda: writer.state(time.monotonic()).writing)
    assert not writer.close(LIMIT)
    assert "the bag was not finished" in writer.state(time.monotonic()).reason
    queue.put(words(1)[0], is_video=False)
    assert not writer.close(LIMIT)
    assert gaps.by_topic() == {"/words": 1}


def test_what_a_disk_that_hangs_has_not_taken_at_the_end_is_counted(tmp_path: Path) -> None:
    """What is in its hands, and what waits."""
    goes_on = threading.Event()

    class Hanging(Failing):
        def write(self, _now: float, samples: list[Sample]) -> None:
            assert not samples or goes_on.wait(LIMIT)

    queue, gaps = BulkQueue(10_000), GapBook()
    writer = bulk(tmp_path, queue, gaps, Told(), bag=lambda: Hanging(OSError()))
    queue.put(words(1)[0], is_video=False)
    until(lambda: "has not taken" in writer.state(time.monotonic()).reason)
    queue.put(words(1, 2)[0], is_video=False)
    assert not writer.close(0.2)
    assert gaps.by_topic() == {"/words": 2}
    goes_on.set()


def test_definitions_hold_all_they_are_made_of() -> None:
    """A nested type is spelled out once, with its name, in the form that readers split at."""
    text = definition("telesurgery/msg/TeleopFeedback")
    names = [part.splitlines()[0].removeprefix("MSG: ") for part in text.split("=" * 80 + "\n")[1:]]
    assert len(names) == len(set(names))
    assert {"std_msgs/Header", "builtin_interfaces/Time", "telesurgery/ArmFeedback", "geometry_msgs/Pose"} <= set(names)
    assert type_hash(TEXT).startswith("RIHS01_")
    assert type_hash("no_package/msg/Type") == ""


def test_a_type_that_is_not_installed_is_named() -> None:
    """What, where it was looked for, and what to do."""
    with pytest.raises(DefinitionError, match=r"no_package/msg/Type: no definition at .*; install no_package"):
        definition("no_package/msg/Type")
