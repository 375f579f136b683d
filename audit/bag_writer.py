"""The bag of a session: MCAP files one after the other, split by size and time, and their metadata.yaml.

Files that an earlier recorder left in the folder stay as they are: finished ones are part of the bag again, one that
broke off is told with its size and hash. As they can be large they are read little by little, beside the writing.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from mcap.exceptions import McapError
from mcap.reader import make_reader

from audit.bag_file import BagFile, Channel, FileCount, TopicCount
from audit.bulk_queue import Sample
from audit.checkpoint import RunningHash
from audit.metadata import metadata, write_metadata

Tell = Callable[[str, dict[str, Any]], None]
"""Takes the type and the payload of a record of the audit log."""
_NAME = re.compile(r"bag_(\d+)\.mcap")
FINISHED, BROKEN_OFF = "finished", "broken off"
_PORTION = 1 << 20
"""Read at once of a file of an earlier recorder [bytes]."""


class BagWriter:
    """Writes one bag folder; used from one thread, `marks` from any.

    Args:
        folder: Folder of the bag, made if it is not there.
        channels: Topics of the bag.
        library: Who writes it.
        tell: Takes what happens to files.
        split_bytes: A file is closed when it is so large.
        split_seconds: A file is closed when it is so old [s].

    Raises:
        OSError: the folder cannot be made or read.
    """

    def __init__(
        self,
        folder: Path,
        channels: Sequence[Channel],
        library: str,
        tell: Tell,
        *,
        split_bytes: int,
        split_seconds: float,
    ) -> None:
        folder.mkdir(exist_ok=True)
        self._folder = folder
        self._channels = channels
        self._library = library
        self._tell = tell
        self._split_bytes = split_bytes
        self._split_seconds = split_seconds
        self._file: BagFile | None = None
        self._opened_at = 0.0
        self._finished: dict[str, FileCount] = {}
        self._broken: list[str] = []
        self._closed_marks: dict[str, tuple[int, str]] = {}
        there = sorted(folder.glob("bag_*.mcap"), key=_number)
        self._next = _number(there[-1]) + 1 if there else 0
        self._left = [(path, RunningHash(path)) for path in there]

    @property
    def is_open(self) -> bool:
        """A file is being written."""
        return self._file is not None

    @property
    def bytes(self) -> int:
        """Size of all files of this bag, those of earlier recorders too."""
        return sum(size for size, _ in self.marks().values())

    def marks(self) -> dict[str, tuple[int, str]]:
        """Bytes and SHA-256 of every file, by name; of the open one as far as it is written.

        Files of earlier recorders are in it when they have been read.
        """
        file = self._file
        marks = dict(self._closed_marks)
        if file is not None:
            marks[file.path.name] = file.file.mark()
        return marks

    def write(self, now: float, samples: Sequence[Sample]) -> None:
        """Write messages, in a new file if need be; on return the kernel has them.

        Raises:
            OSError: the disk does not take them; the file is given up, and what is in it is told.
            Exception: a message cannot be written; likewise, as its half may be in the chunk.
        """
        try:
            if self._file is not None and self._is_full(now):
                self.close()
            if self._file is None:
                self._open(now)
            assert self._file is not None
            for sample in samples:
                self._file.add(sample)
            self._file.flush()
        except Exception as error:
            self._give_up(said(error))
            raise

    def sync(self) -> None:
        """Wait until the disk has what is written.

        Raises:
            OSError: it does not take it.
        """
        if self._file is not None:
            self._file.file.sync()

    def close(self) -> None:
        """Finish the open file, if there is one, and bring metadata.yaml up to date.

        Raises:
            OSError: the disk does not take it; what is in the file is told.
        """
        if self._file is None:
            return
        try:
            self._file.finish()
        except Exception as error:
            self._give_up(said(error))
            raise
        file, self._file = self._file, None
        self._finished[file.path.name] = file.counts
        self._closed(file, FINISHED, "")
        self._write_metadata()

    def catch_up(self, until: float) -> bool:
        """Go on reading what earlier recorders left, until a time on the monotonic clock [s]; whether all is read.

        Raises:
            OSError: metadata.yaml cannot be brought up to date.
        """
        while self._left and time.monotonic() < until:
            path, content = self._left[0]
            try:
                if not content.read_on(_PORTION):
                    continue
                self._take_up(path, *content.mark())
            except OSError:
                self._broken.append(path.name)
            del self._left[0]
            if not self._left and self._file is None:
                self._write_metadata()
        return not self._left

    def _write_metadata(self) -> None:
        finished = dict(sorted(self._finished.items(), key=lambda item: _number(Path(item[0]))))
        write_metadata(self._folder, metadata(self._channels, finished, self._broken))

    def _is_full(self, now: float) -> bool:
        assert self._file is not None
        return self._file.file.tell() >= self._split_bytes or now - self._opened_at >= self._split_seconds

    def _open(self, now: float) -> None:
        path = self._folder / f"bag_{self._next}.mcap"
        self._next += 1
        self._file = BagFile(path, self._channels, self._library)
        self._opened_at = now
        self._tell("bag_opened", {"file": f"bag/{path.name}"})

    def _give_up(self, why: str) -> None:
        if self._file is None:
            return
        file, self._file = self._file, None
        self._broken.append(file.path.name)
        self._closed(file, BROKEN_OFF, why)

    def _closed(self, file: BagFile, state: str, why: str) -> None:
        size, digest = file.file.mark()
        file.file.close()
        self._closed_marks[file.path.name] = (size, digest)
        # What a file that broke off holds has to be counted in it.
        counts = file.counts if state == FINISHED else FileCount()
        self._tell(
            "bag_closed",
            {
                "file": f"bag/{file.path.name}",
                "bytes": size,
                "sha256": digest,
                "state": state,
                "why": why,
                "messages": _spoken(counts),
                "sequences": {topic: [item.first, item.last] for topic, item in counts.topics.items() if item.count},
            },
        )

    def _take_up(self, path: Path, size: int, digest: str) -> None:
        """A file of an earlier recorder."""
        self._closed_marks[path.name] = (size, digest)
        counts = _counts_of(path)
        if counts is None:
            self._broken.append(path.name)
        else:
            self._finished[path.name] = counts
        self._tell(
            "bag_closed",
            {
                "file": f"bag/{path.name}",
                "bytes": size,
                "sha256": digest,
                "state": BROKEN_OFF if counts is None else FINISHED,
                "why": "an earlier recorder wrote it",
                "messages": {} if counts is None else _spoken(counts),
                "sequences": {},
            },
        )


def said(error: Exception) -> str:
    """What an error says, in one line."""
    if isinstance(error, OSError):
        return error.strerror or str(error)
    return f"{type(error).__name__} {error}".strip()


def _spoken(counts: FileCount) -> dict[str, int]:
    """Messages of the topics that have any."""
    return {topic: item.count for topic, item in counts.topics.items() if item.count}


def _number(path: Path) -> int:
    found = _NAME.fullmatch(path.name)
    return int(found[1]) if found else -1


def _counts_of(path: Path) -> FileCount | None:
    """What the summary of a finished file says; None where the file broke off."""
    try:
        with path.open("rb") as file:
            summary = make_reader(file).get_summary()
    except (McapError, OSError, ValueError):
        return None
    if summary is None or summary.statistics is None:
        return None
    numbers = summary.statistics.channel_message_counts
    topics = {channel.topic: TopicCount(numbers.get(key, 0)) for key, channel in summary.channels.items()}
    return FileCount(topics, summary.statistics.message_start_time, summary.statistics.message_end_time)
