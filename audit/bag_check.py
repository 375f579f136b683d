"""Reads the bags of a record: their own checksums, and which messages are missing by the publishers' numbers."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from pathlib import Path

from mcap.records import Channel, Message
from mcap.stream_reader import StreamReader

from audit.regular import open_regular

_LARGEST_STEP = 1_000_000
"""A number so much larger than the last one is that of another publisher."""
_REMEMBERED = 10_000
"""Missing numbers that may still come late."""
_LARGEST_RECORD = 1 << 30


class SequenceCount:
    """Counts what is missing among the numbers of a topic, whose publishers count from 1 and are not named.

    A number belongs to the publisher whose newest one is nearest below it. One that is below all of them is late, or
    that of a new publisher. With one publisher at a time the count is exact; the numbers of several at once can be
    taken for each other's.

    Attributes:
        lost: Numbers that never came.
    """

    def __init__(self) -> None:
        """Nothing heard yet."""
        self.lost = 0
        self._newest: list[int] = []
        self._missing: set[int] = set()

    @property
    def publishers(self) -> int:
        """How many there were, at once or one after the other."""
        return len(self._newest)

    def see(self, number: int) -> None:
        """Take the next number of the topic."""
        if number in self._missing:
            self._missing.discard(number)
            self.lost -= 1
            return
        below = max((last for last in self._newest if last < number <= last + _LARGEST_STEP), default=None)
        if below is None:
            self._newest.append(number)
            return
        self._newest[self._newest.index(below)] = number
        self.lost += number - below - 1
        if len(self._missing) < _REMEMBERED:
            self._missing.update(range(below + 1, min(number, below + _REMEMBERED)))


class BagReading:
    """Reads bags one after the other, in the order in which they were written.

    Attributes:
        recorded: Messages by topic.
        sequences: What is missing, by topic.
    """

    def __init__(self) -> None:
        """Nothing is read yet."""
        self.recorded: Counter[str] = Counter()
        self.sequences: dict[str, SequenceCount] = defaultdict(SequenceCount)

    def read(self, path: Path) -> tuple[dict[str, int], str]:
        """Messages by topic in one file, and what is wrong with it; empty if nothing is.

        Checksums of chunks and of the data section are compared.

        Raises:
            OSError: the file cannot be read.
        """
        counts: Counter[str] = Counter()
        topics: dict[int, str] = {}
        wrong = ""
        with open_regular(path) as file:
            try:
                reader = StreamReader(file, validate_crcs=True, record_size_limit=_LARGEST_RECORD)
                for record in reader.records:
                    if isinstance(record, Channel):
                        topics[record.id] = record.topic
                    elif isinstance(record, Message):
                        topic = topics[record.channel_id]
                        counts[topic] += 1
                        if record.sequence:
                            self.sequences[topic].see(record.sequence)
            except Exception as error:  # a file that somebody altered can break a decompressor in any way
                wrong = f"{type(error).__name__} {error}".strip()
        self.recorded.update(counts)
        return dict(counts), wrong


def in_order(names: Iterable[str]) -> list[str]:
    """Names of bag files in the order in which they were written: by the number in them."""
    return sorted(names, key=lambda name: (int("".join(filter(str.isdigit, Path(name).stem)) or 0), name))
