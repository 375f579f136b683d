"""Reads the bag of a session in the order of time, from any time on, by the index of each file.

A file that broke off (the recorder was killed) has no index: it is scanned from its beginning, as far as it goes.
"""

from __future__ import annotations

import struct
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from mcap.exceptions import McapError
from mcap.reader import SeekingReader
from mcap.records import Channel, Schema

from audit.bag_scan import BagError, BagScan, Entry, bag_files
from audit.regular import open_regular
from audit.replay_clock import Item

_UNREADABLE = (McapError, struct.error, EOFError, LookupError, OverflowError, RuntimeError, ValueError)
"""What mcap raises where a file is not what it should be."""


@dataclass
class Topic:
    """A recorded topic.

    Attributes:
        name: As recorded.
        type: ``package/msg/Name``.
        definition: Text of the type with all that it is made of.
        type_hash: Hash of the type; empty where the file does not say.
        qos: What its publisher offered, in the words of rosbag2; empty where the file does not say.
        messages: How many there are in the files that have an index.
    """

    name: str
    type: str
    definition: str
    type_hash: str = ""
    qos: str = ""
    messages: int = 0


@dataclass
class _File:
    path: Path
    start: int
    end: int
    indexed: bool


@dataclass
class Bag:
    """The bag of a session.

    Attributes:
        files: In the order of time.
        topics: By name.
        broken: Names of files that broke off.
    """

    files: list[_File] = field(default_factory=list)
    topics: dict[str, Topic] = field(default_factory=dict)
    broken: list[str] = field(default_factory=list)

    @property
    def start(self) -> int:
        """Arrival of the first message, unix [ns]."""
        return min(file.start for file in self.files)

    @property
    def end(self) -> int:
        """Arrival of the last message, unix [ns]."""
        return max(file.end for file in self.files)

    def since(self, time: int, topics: Collection[str]) -> Iterator[Item]:
        """Messages of these topics from `time` [ns] on, in the order of time.

        Raises:
            BagError: a file is damaged.
            OSError: it cannot be read.
        """
        for file in self.files:
            if file.end >= time:
                yield from _messages(file, topics, time)

    def newest_before(self, time: int, topics: Collection[str]) -> list[Item]:
        """Newest message of each of these topics before `time` [ns]; only the chunks that hold them are read.

        Raises:
            BagError: a file is damaged.
            OSError: it cannot be read.
        """
        found: dict[str, Item] = {}
        for file in reversed(self.files):
            wanted = set(topics) - found.keys()
            if wanted and file.start < time:
                found.update(_newest(file, wanted, time))
        return list(found.values())


def open_bag(folder: Path) -> Bag:
    """The bag in a session folder, or in a bag folder.

    Args:
        folder: Holds `bag/`, or the MCAP files themselves.

    Raises:
        BagError: there is none, or a file is damaged.
        OSError: it cannot be read.
    """
    paths = bag_files(folder)
    if not paths:
        raise BagError(f"{folder}: holds no MCAP file; give the folder of a session")
    bag = Bag()
    for path in paths:
        _look_into(path, bag)
    bag.files = [file for file in bag.files if file.end]
    if not bag.files:
        raise BagError(f"{folder}: holds no message")
    return bag


def _look_into(path: Path, bag: Bag) -> None:
    """Topics and times of one file."""
    with open_regular(path) as stream:
        try:
            summary = SeekingReader(stream).get_summary()
        except (*_UNREADABLE, OSError):
            summary = None
    if summary is not None and summary.statistics is not None and summary.chunk_indexes:
        statistics = summary.statistics
        for channel in summary.channels.values():
            topic = _note(bag, channel, summary.schemas.get(channel.schema_id))
            topic.messages += statistics.channel_message_counts.get(channel.id, 0)
        bag.files.append(_File(path, statistics.message_start_time, statistics.message_end_time, True))
        return
    found = _File(path, 0, 0, False)
    scan = BagScan(path.parent)
    for entry in _in_order(scan, path):
        if entry.topic not in bag.topics:
            _note(bag, *scan.described(entry))
        found.start = min(found.start, entry.time) if found.end else entry.time
        found.end = max(found.end, entry.time)
    bag.files.append(found)
    bag.broken.append(path.name)


def _note(bag: Bag, channel: Channel, schema: Schema | None) -> Topic:
    metadata = channel.metadata
    return bag.topics.setdefault(
        channel.topic,
        Topic(
            channel.topic,
            schema.name if schema else "",
            schema.data.decode("utf-8", "replace") if schema else "",
            metadata.get("topic_type_hash", ""),
            metadata.get("offered_qos_profiles", ""),
        ),
    )


def _messages(file: _File, topics: Collection[str], time: int) -> Iterator[Item]:
    if not file.indexed:
        for entry in _in_order(BagScan(file.path.parent), file.path):
            if entry.topic in topics and entry.time >= time:
                yield Item(entry.time, entry.topic, entry.data)
        return
    with open_regular(file.path) as stream:
        try:
            for _schema, channel, message in SeekingReader(stream, validate_crcs=True).iter_messages(
                topics=list(topics), starting_at=time
            ):
                yield Item(message.log_time, channel.topic, message.data)
        except _UNREADABLE as error:
            raise _damaged(file.path, error) from error


def _newest(file: _File, topics: Collection[str], time: int) -> dict[str, Item]:
    found: dict[str, Item] = {}
    if not file.indexed:
        for entry in _in_order(BagScan(file.path.parent), file.path):
            if entry.topic in topics and entry.time < time:
                found[entry.topic] = Item(entry.time, entry.topic, entry.data)
        return found
    with open_regular(file.path) as stream:
        try:
            reader = SeekingReader(stream, validate_crcs=True)
            for topic in topics:
                for _schema, _channel, message in reader.iter_messages(topics=topic, ending_before=time, reverse=True):
                    found[topic] = Item(message.log_time, topic, message.data)
                    break
        except _UNREADABLE as error:
            raise _damaged(file.path, error) from error
    return found


def _in_order(scan: BagScan, path: Path) -> Iterator[Entry]:
    """Every message of a file that has no index, up to where it breaks off; sorted within each chunk."""
    for entries in scan.chunks(path):
        if scan.damage:
            return
        yield from sorted(entries, key=lambda entry: entry.time)


def _damaged(path: Path, error: Exception) -> BagError:
    text = " ".join(str(error).split()) or type(error).__name__
    return BagError(f"{path}: damaged: {text}; `telesurgery audit verify` tells how far the record is sound")
