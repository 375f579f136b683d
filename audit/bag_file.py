"""One MCAP file of a bag, as ROS tools read it: what is in it is on its way to the disk within a fifth of a second."""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from mcap.writer import CompressionType, Writer

from audit.bulk_queue import Sample

CHUNK_BYTES = 64 * 1024
"""A chunk is no larger, unless a single message is."""
_RECORD_OVERHEAD = 31
"""Of a message in a chunk [bytes]."""
_CHANNEL_OVERHEAD = 256
"""Of a channel and its schema, at most [bytes]."""


@dataclass(frozen=True)
class Channel:
    """A topic of the bag.

    Attributes:
        topic: Full name.
        type: Interface type, ``package/msg/Name``.
        definition: Full text of the type.
        type_hash: Hash of the type.
        qos: Offered quality of service, one profile in the words of rosbag2.
        is_video: Given up first where there is no room.
        sole: One publisher speaks, so its numbers have no gaps.
    """

    topic: str
    type: str
    definition: str
    type_hash: str
    qos: dict[str, Any]
    is_video: bool = False
    sole: bool = True


@dataclass
class TopicCount:
    """Messages of a topic in a file: how many, and the range of their numbers at the publisher."""

    count: int = 0
    first: int = 0
    last: int = 0


@dataclass
class FileCount:
    """What is in a file.

    Attributes:
        topics: By topic.
        start: Arrival of the earliest message, unix [ns].
        end: Arrival of the latest message, unix [ns].
    """

    topics: dict[str, TopicCount] = field(default_factory=dict)
    start: int = 0
    end: int = 0

    @property
    def messages(self) -> int:
        """Messages of all topics."""
        return sum(topic.count for topic in self.topics.values())


class GrowingFile:
    """A file that is only appended to, and its hash up to now; `mark` may be asked from another thread."""

    def __init__(self, path: Path) -> None:
        """Make the file.

        Raises:
            OSError: it is there already, or cannot be made.
        """
        self._descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o644)
        self._hash = hashlib.sha256()
        self._bytes = 0
        self._lock = threading.Lock()

    def write(self, data: bytes) -> int:
        """Append all of it.

        Raises:
            OSError: not all of it could be written; what was is in the hash.
        """
        rest = memoryview(data)
        while rest:
            written = os.write(self._descriptor, rest)
            with self._lock:
                self._hash.update(rest[:written])
                self._bytes += written
            rest = rest[written:]
        return len(data)

    def tell(self) -> int:
        """Bytes written."""
        return self._bytes

    def flush(self) -> None:
        """Nothing is kept back."""

    def mark(self) -> tuple[int, str]:
        """Bytes written, and their SHA-256."""
        with self._lock:
            return self._bytes, self._hash.copy().hexdigest()

    def sync(self) -> None:
        """Wait until the disk has it."""
        os.fdatasync(self._descriptor)

    def close(self) -> None:
        """Let go of the file."""
        os.close(self._descriptor)


class BagFile:
    """One MCAP file.

    Args:
        path: File to make.
        channels: Its topics, in the order of `Sample.channel`.
        library: Who writes it.

    Raises:
        OSError: the file cannot be made, or the disk is full.
    """

    def __init__(self, path: Path, channels: Sequence[Channel], library: str) -> None:
        self.path = path
        self.counts = FileCount({channel.topic: TopicCount() for channel in channels})
        self.file = GrowingFile(path)
        try:
            self._begin(channels, library)
        except BaseException:
            # A full disk would be left with one more empty file, and a descriptor, at every try.
            self.file.close()
            path.unlink(missing_ok=True)
            raise

    def _begin(self, channels: Sequence[Channel], library: str) -> None:
        self._counted = [self.counts.topics[channel.topic] for channel in channels]
        # Images do not shrink, and a plain chunk is still readable where a file breaks off.
        self._writer = Writer(
            self.file,  # type: ignore[arg-type]
            chunk_size=CHUNK_BYTES,
            compression=CompressionType.NONE,
            enable_crcs=True,
            enable_data_crcs=True,
        )
        self._writer.start(profile="ros2", library=library)
        # Topics and definitions are part of the first chunk.
        self._pending = sum(map(_size_in_chunk, channels))
        schemas: dict[str, int] = {}
        for channel in channels:
            if channel.type not in schemas:
                schemas[channel.type] = self._writer.register_schema(
                    channel.type, "ros2msg", channel.definition.encode()
                )
        self._ids = [
            self._writer.register_channel(
                channel.topic,
                "cdr",
                schemas[channel.type],
                {"offered_qos_profiles": qos_yaml(channel.qos), "topic_type_hash": channel.type_hash},
            )
            for channel in channels
        ]

    def add(self, sample: Sample) -> None:
        """Take a message into the chunk; a full chunk is written.

        Raises:
            OSError: it cannot be written.
        """
        size = len(sample.data) + _RECORD_OVERHEAD
        if self._pending and self._pending + size > CHUNK_BYTES:
            self.flush()
        self._writer.add_message(
            self._ids[sample.channel],
            log_time=sample.log_time,
            publish_time=sample.publish_time,
            sequence=sample.sequence & 0xFFFFFFFF,
            data=sample.data,
        )
        self._pending += size
        self._count(sample)

    def flush(self) -> None:
        """Write the chunk as it is.

        Raises:
            OSError: it cannot be written.
        """
        self._writer.flush()  # type: ignore[no-untyped-call]
        self._pending = 0

    def finish(self) -> None:
        """Write the summary, and wait for the disk.

        Raises:
            OSError: it cannot be written.
        """
        self._writer.finish()  # type: ignore[no-untyped-call]
        self.file.sync()

    def _count(self, sample: Sample) -> None:
        counted, whole = self._counted[sample.channel], self.counts
        counted.first = counted.first if counted.count else sample.sequence
        counted.last = sample.sequence
        counted.count += 1
        whole.start = min(whole.start, sample.log_time) if whole.start else sample.log_time
        whole.end = max(whole.end, sample.log_time)


def _size_in_chunk(channel: Channel) -> int:
    """At least what a channel and its schema take [bytes]."""
    texts = (channel.topic, channel.type, channel.definition, channel.type_hash, qos_yaml(channel.qos))
    return sum(map(len, texts)) + _CHANNEL_OVERHEAD


def qos_yaml(qos: dict[str, Any]) -> str:
    """One profile as rosbag2 writes it: a YAML list, in flow style."""
    return str(yaml.safe_dump([qos], sort_keys=False))
