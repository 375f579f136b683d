"""The MCAP files of a session: where they are, and what they hold, read from the front.

What is whole is handed out, what is not is told.

The index at the end of a file is not used, since the file of a recorder that was killed has none.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from mcap.reader import make_reader
from mcap.records import Channel, Chunk, McapRecord, Message, Schema
from mcap.stream_reader import StreamReader, breakup_chunk
from mcap_ros2.decoder import DecoderFactory

from audit.regular import open_regular

LARGEST_RECORD = 256 * 1024 * 1024
"""A length beyond this is damage, not a record [byte]."""
LATEST = (1 << 63) - 1
"""No message arrived later, in the year 2262 [ns since 1970]; what says so is damage."""


class BagError(ValueError):
    """The folder holds no session that can be read; one line that names what, and says what to do."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a message stands: its file, and the byte at which its chunk (or the message itself) begins."""

    file: Path
    offset: int


@dataclass(frozen=True, slots=True)
class Entry:
    """One recorded message.

    Attributes:
        topic: Full topic name.
        time: Arrival at the recorder, UTC since 1970 [ns].
        published: Source time stamp, UTC since 1970 [ns].
        sequence: Publication sequence number of the middleware; 0 where it is unknown.
        data: The message, CDR.
        place: Where it stands.
        channel: Channel of its file, for `BagScan.decode`.
    """

    topic: str
    time: int
    published: int
    sequence: int
    data: bytes
    place: Place
    channel: tuple[Path, int]


def bag_files(folder: Path) -> list[Path]:
    """MCAP files in a session folder, or in a bag folder, in the order in which they were written."""
    found = [*(folder / "bag").glob("*.mcap"), *folder.glob("*.mcap")]
    return sorted(found, key=lambda path: [int(run) if run.isdigit() else run for run in _runs(path.name)])


@dataclass
class BagScan:
    """Reads the MCAP files of one session from the front.

    Args:
        folder: A session folder, its bag folder, or any folder with .mcap files.

    Attributes:
        damage: One line for each thing that could not be read, filled while reading.
        may_be_empty: There need not be any file.
        bytes: Of all files together.

    Raises:
        BagError: there is no such file.
    """

    folder: Path
    damage: list[str] = field(default_factory=list)
    may_be_empty: bool = False

    def __post_init__(self) -> None:
        """Find the files, in the order in which they were written."""
        if not self.folder.is_dir():
            raise BagError(f"{self.folder}: there is no such folder; give the folder of a recorded session")
        self.files = bag_files(self.folder)
        if not self.files and not self.may_be_empty:
            raise BagError(f"{self.folder}: no bag/*.mcap in it; give the folder of a recorded session")
        self._begins: dict[Path, int] = {}
        self.bytes = 0
        for path in self.files:
            self._begins[path] = self.bytes
            with contextlib.suppress(OSError):  # told when it is read
                self.bytes += path.stat().st_size
        self._channels: dict[tuple[Path, int], Channel] = {}
        self._schemas: dict[tuple[Path, int], Schema] = {}
        self._decoders: dict[tuple[Path, int], Any] = {}
        self._undecoded: dict[str, int] = {}

    def bytes_before(self, place: Place) -> int:
        """How many bytes stand before a place, in this file and those before it."""
        return self._begins[place.file] + place.offset

    def entries(self) -> Iterator[Entry]:
        """Every message that is whole, file by file; `damage` tells the rest."""
        for path in self.files:
            try:
                for entries in self.chunks(path):
                    yield from entries
            except OSError as error:
                self.damage.append(f"{path.name}: cannot be read: {error.strerror or error}")

    def chunks(self, path: Path) -> Iterator[list[Entry]]:
        """Messages of each chunk of one file, as they stand in it; none for a chunk that is damaged.

        Raises:
            OSError: the file cannot be read.
        """
        with open_regular(path) as file:
            for record, place in self._records(path, file):
                yield list(self._entries(record, place))

    def described(self, entry: Entry) -> tuple[Channel, Schema | None]:
        """What the file says of the topic and the type of an entry."""
        channel = self._channels[entry.channel]
        return channel, self._schemas.get((entry.channel[0], channel.schema_id))

    def at(self, place: Place) -> Iterator[Entry]:
        """The messages of one chunk again, e.g. to get a picture that was left behind while reading."""
        with open_regular(place.file) as file:
            file.seek(place.offset)
            record = next(StreamReader(file, skip_magic=True, emit_chunks=True).records)
            yield from self._entries(record, place)

    def decode(self, entry: Entry) -> Any:
        """The message of an entry, by the schema in its file; None (and a line in `damage`) if that fails."""
        try:
            decoder = self._decoders.get(entry.channel)
            if decoder is None:
                decoder = self._decoders[entry.channel] = self._decoder(entry)
            return decoder(entry.data)
        except Exception as error:  # rubbish can make the decoder raise anything
            if entry.topic not in self._undecoded:
                self.damage.append(f"{entry.topic}: a message cannot be decoded: {type(error).__name__}: {error}")
            self._undecoded[entry.topic] = self._undecoded.get(entry.topic, 0) + 1
            return None

    def _decoder(self, entry: Entry) -> Any:
        channel, schema = self.described(entry)
        decoder = DecoderFactory().decoder_for(channel.message_encoding, schema)
        if decoder is None:
            encoding = schema.encoding if schema else "none"
            raise BagError(f"message encoding {channel.message_encoding}, schema {encoding}; cdr, ros2msg are read")
        return decoder

    def tell_once(self, line: str) -> None:
        """Add a line to `damage`, unless it is there."""
        if line not in self.damage:
            self.damage.append(line)

    def _describe(self, path: Path, file: IO[bytes]) -> None:
        """Take channels and schemas from the index where there is one: the chunk that holds them may be damaged."""
        with contextlib.suppress(Exception):  # no index, or a damaged one: what stands before the messages is used
            summary = make_reader(file).get_summary()
            if summary is not None:
                self._schemas.update({(path, number): schema for number, schema in summary.schemas.items()})
                self._channels.update({(path, number): channel for number, channel in summary.channels.items()})
        file.seek(0)

    def _records(self, path: Path, file: IO[bytes]) -> Iterator[tuple[McapRecord, Place]]:
        self._describe(path, file)
        records = StreamReader(file, emit_chunks=True, record_size_limit=LARGEST_RECORD).records
        while True:
            place = Place(path, file.tell())
            try:
                record = next(records, None)
            except Exception as error:  # a damaged file can make the reader raise anything
                if place.offset > 0 and file.tell() >= path.stat().st_size:
                    self.damage.append(
                        f"{path.name}: breaks off at byte {file.tell()}, as when a recorder is killed; "
                        f"what is whole, the first {place.offset} bytes, was read"
                    )
                    return
                self.damage.append(f"{path.name}: damaged at byte {place.offset}, not read from there on: {error}")
                return
            if record is None:
                return
            yield record, place

    def _entries(self, record: McapRecord, place: Place) -> Iterator[Entry]:
        if isinstance(record, Chunk):
            try:
                parts = breakup_chunk(record, validate_crc=True)
            except Exception as error:  # as above
                self.damage.append(
                    f"{place.file.name}: chunk at byte {place.offset} is damaged, "
                    f"{(record.message_end_time - record.message_start_time) * 1e-9:.2f} s left out: {error}"
                )
                return
            for part in parts:
                yield from self._entries(part, place)
        elif isinstance(record, Schema):
            self._schemas[place.file, record.id] = record
        elif isinstance(record, Channel):
            self._channels[place.file, record.id] = record
        elif isinstance(record, Message):
            key = (place.file, record.channel_id)
            channel = self._channels.get(key)
            if channel is None:
                self.tell_once(
                    f"{place.file.name}: messages of channel {record.channel_id}, described nowhere, left out"
                )
                return
            if record.log_time > LATEST:
                self.tell_once(f"{place.file.name}: messages that would have arrived behind the year 2262, left out")
                return
            yield Entry(channel.topic, record.log_time, record.publish_time, record.sequence, record.data, place, key)


def _runs(name: str) -> list[str]:
    """Digits and the rest of a name apart, so that bag_10 comes after bag_9."""
    return re.split(r"(\d+)", name)
