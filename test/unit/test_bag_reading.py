"""The bag of a session is read from any time on, whole or broken off, and a damaged one is told."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from mcap.writer import CompressionType, Writer

from audit.bag_reading import open_bag
from audit.bag_scan import LATEST, BagError, BagScan
from audit.replay_clock import Player, ReplayClock
from audit.replay_names import ReplayNameError
from audit.replay_plan import BagSource, ReplayPlanError, plan

BEGIN = 1_700_000_000_000_000_000
MILLISECOND = 1_000_000
LATCHED = "- reliability: reliable\n  durability: transient_local\n  depth: 1\n"


def write(path: Path, first: int, count: int, finish: bool = True) -> None:
    """A file of messages a millisecond apart on two topics, and a latched one every 40 ms."""
    path.parent.mkdir(exist_ok=True)
    with path.open("wb") as file:
        writer = Writer(file, chunk_size=1000, compression=CompressionType.NONE, enable_data_crcs=True)
        writer.start(profile="ros2", library="test")
        schema = writer.register_schema("std_msgs/msg/String", "ros2msg", b"string data\n")
        channels = [
            writer.register_channel(name, "cdr", schema, {"offered_qos_profiles": qos, "topic_type_hash": "RIHS01_ab"})
            for name, qos in (("/a", ""), ("/b", "[nonsense"), ("/state", LATCHED))
        ]
        for index in range(first, first + count):
            channel = channels[2] if index % 40 == 0 else channels[index % 2]
            writer.add_message(channel, BEGIN + index * MILLISECOND, str(index).encode(), BEGIN, index)
        if finish:
            writer.finish()
        else:
            writer.flush()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Eleven files, so that their names do not sort as their numbers do; the last one broke off."""
    for number in range(11):
        write(tmp_path / "bag" / f"bag_{number}.mcap", number * 100, 100, finish=number < 10)
    return tmp_path


def test_a_chunk_that_is_damaged_ends_a_file_without_an_index(folder: Path) -> None:
    """For a replay what follows would come as if nothing had been between; a report goes on, and says so."""
    path = folder / "bag" / "bag_10.mcap"
    whole = [[int(entry.data) for entry in entries] for entries in BagScan(folder).chunks(path) if entries]
    place = [entries[0].place for entries in BagScan(folder).chunks(path) if entries][2]
    content = bytearray(path.read_bytes())
    content[place.offset + 300] ^= 1
    path.write_bytes(content)
    assert numbers(open_bag(folder).since(BEGIN + 1000 * MILLISECOND, {"/a", "/b", "/state"})) == whole[0] + whole[1]
    scan = BagScan(folder)
    assert [int(entry.data) for entry in scan.entries() if entry.place.file == path] == [
        number for place, chunk in enumerate(whole) if place != 2 for number in chunk
    ]
    assert "is damaged" in scan.damage[0]


@pytest.mark.timeout(20)
@pytest.mark.parametrize("kind", ["pipe", "link"])
def test_what_is_no_file_is_not_read(folder: Path, kind: str) -> None:
    """A pipe would be waited for."""
    path = folder / "bag" / "bag_11.mcap"
    if kind == "pipe":
        os.mkfifo(path)
    else:
        path.symlink_to(folder / "bag" / "bag_1.mcap")
    with pytest.raises(OSError, match="is a link or no file"):
        open_bag(folder)
    scan = BagScan(folder)
    assert len(list(scan.entries())) == 1100
    assert any("bag_11.mcap: cannot be read: is a link or no file" in line for line in scan.damage)


def test_messages_from_beyond_the_calendar_are_damage(tmp_path: Path) -> None:
    """No number of nanoseconds that tables hold; the others are read."""
    (tmp_path / "bag").mkdir()
    with (tmp_path / "bag" / "bag_0.mcap").open("wb") as file:
        writer = Writer(file)
        writer.start()
        channel = writer.register_channel("/a", "cdr", writer.register_schema("std_msgs/msg/String", "ros2msg", b""))
        for time in (5, LATEST, LATEST + 1, (1 << 64) - 1, 6):
            writer.add_message(channel, time, b"", time)
        writer.finish()
    scan = BagScan(tmp_path)
    assert [entry.time for entry in scan.entries()] == [5, LATEST, 6]
    assert len([line for line in scan.damage if "2262" in line]) == 1


def numbers(items: object) -> list[int]:
    return [int(item.data) for item in items]  # type: ignore[attr-defined]


def test_messages_come_in_order_from_any_time_on(folder: Path) -> None:
    """Through all files, by their numbers; the file without an index is read as far as it goes."""
    bag = open_bag(folder)
    assert [file.path.name for file in bag.files][-2:] == ["bag_9.mcap", "bag_10.mcap"]
    assert bag.broken == ["bag_10.mcap"]
    assert (bag.start, bag.end) == (BEGIN, BEGIN + 1099 * MILLISECOND)
    everything = {"/a", "/b", "/state"}
    assert numbers(bag.since(0, everything)) == list(range(1100))
    for first in (0, 1, 99, 100, 555, 999, 1000, 1050, 1099, 1100):
        assert numbers(bag.since(BEGIN + first * MILLISECOND, everything)) == list(range(first, 1100))
    assert numbers(bag.since(BEGIN + 1090 * MILLISECOND, {"/a"})) == [1090, 1092, 1094, 1096, 1098]


@pytest.mark.parametrize(("before", "newest"), [(0, []), (1, [0]), (40, [0]), (41, [40]), (999, [960]), (1099, [1080])])
def test_what_was_latched_is_found_backwards(folder: Path, before: int, newest: list[int]) -> None:
    """The newest message of a topic before a time, over the borders of files."""
    assert numbers(open_bag(folder).newest_before(BEGIN + before * MILLISECOND, {"/state"})) == newest


def test_a_seek_gives_the_latched_state_first(folder: Path) -> None:
    """Reading, planning and timing together: a start in the middle begins with what was valid then."""
    bag = open_bag(folder)
    topics = plan(bag, "/replay", ["state", "/a"])
    assert [(topic.name, topic.latched) for topic in topics] == [
        ("/replay/a/recorded", False),
        ("/replay/state/recorded", True),
    ]
    clock = ReplayClock(bag.start, bag.end)
    player = Player(BagSource(bag, topics), clock)
    player.seek(5.0, BEGIN + 501 * MILLISECOND)
    assert numbers(player.due(5.0)) == [480]
    clock.run(5.0)
    assert numbers(player.due(5.0055)) == [502, 504, 506]


def test_topics_are_chosen_by_patterns(folder: Path) -> None:
    """With and without the first slash; what is left out is left out; nothing at all is told with what there is."""
    bag = open_bag(folder)
    assert [topic.recorded for topic in plan(bag, "", (), ["s*"])] == ["/a", "/b"]
    with pytest.raises(ReplayPlanError, match="holds /a, /b, /state"):
        plan(bag, "", ["c"])
    bag.topics["/bad name"] = bag.topics["/a"].__class__("/bad name", "x/msg/Y", "")
    with pytest.raises(ReplayNameError, match="bad name"):
        plan(bag, "")


def test_a_file_that_is_cut_anywhere_is_read_up_to_there(tmp_path: Path) -> None:
    """Whole chunks only, never a message too many, never an exception."""
    path = tmp_path / "bag" / "bag_0.mcap"
    write(path, 0, 100)
    content = path.read_bytes()
    most = 0
    for length in range(400, len(content), 97):
        path.write_bytes(content[:length])
        try:
            found = numbers(open_bag(tmp_path).since(0, {"/a", "/b", "/state"}))
        except BagError as error:
            assert "holds no message" in str(error)  # noqa: PT017
            continue
        assert found == list(range(len(found)))
        assert len(found) >= most
        most = len(found)
    assert most > 90


def test_a_flipped_bit_in_a_chunk_is_told(tmp_path: Path) -> None:
    """The checksum of the chunk does not fit: the error names the file and the way out."""
    path = tmp_path / "bag" / "bag_0.mcap"
    write(path, 0, 100)
    content = bytearray(path.read_bytes())
    place = content.index(b"57", 400)
    content[place] ^= 1
    path.write_bytes(content)
    with pytest.raises(BagError, match=r"bag_0.mcap: damaged: .*verify"):
        numbers(open_bag(tmp_path).since(0, {"/a", "/b", "/state"}))


@pytest.mark.parametrize("content", [b"", b"nonsense", b"\x89MCAP0\r\n", b"\x89MCAP0\r\n" + bytes(200)])
def test_what_is_no_bag_is_told(tmp_path: Path, content: bytes) -> None:
    """An empty folder, a file of something else."""
    with pytest.raises(BagError, match="holds no MCAP file"):
        open_bag(tmp_path)
    (tmp_path / "bag_0.mcap").write_bytes(content)
    with pytest.raises(BagError, match="holds no message"):
        open_bag(tmp_path)
