"""Reads the chains of a record: line by line, with their places, tolerant of what broke off."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from audit.regular import open_regular
from teleop_core.audit_disk import parse_segment, segments
from teleop_core.audit_record import LONGEST, RecordError, check_record


@dataclass(frozen=True)
class Line:
    """A line of a segment.

    Attributes:
        file: Name of the segment.
        number: Of the line, from 1.
        offset: Of its first byte.
        text: Its bytes, the line end included.
        record: What it says; None if it is no valid record.
        error: Why it is none; empty if it is one.
        cut: It is too long: this is its beginning, and what stands behind that was not read.
    """

    file: str
    number: int
    offset: int
    text: bytes
    record: dict[str, Any] | None
    error: str
    cut: bool = False


def chains(folder: Path) -> dict[str, list[Path]]:
    """Segments of every chain in a folder, in order; chains sorted by name.

    Raises:
        OSError: the folder cannot be read.
    """
    names = {parsed[0] for path in folder.iterdir() if (parsed := parse_segment(path.name)) is not None}
    return {name: segments(folder, name) for name in sorted(names)}


def lines(path: Path) -> Iterator[Line]:
    """Lines of a segment; one without a line end at the end of the file broke off and is no record.

    Raises:
        OSError: the file cannot be read.
    """
    offset = 0
    with open_regular(path) as file:
        for number, text in enumerate(iter(lambda: file.readline(LONGEST), b""), start=1):
            record, error = None, "the line broke off"
            if len(text) == LONGEST:
                why = f"the line is longer than {LONGEST - 1} bytes"
                yield Line(path.name, number, offset, text, None, why, cut=True)
                return
            if text.endswith(b"\n"):
                try:
                    record, error = check_record(text[:-1]), ""
                except RecordError as refused:
                    error = str(refused)
            yield Line(path.name, number, offset, text, record, error)
            offset += len(text)


def records(folder: Path, chain: str | None = None) -> Iterator[dict[str, Any]]:
    """Valid records in order, chain by chain; whatever is none is passed over (`verify` tells of it).

    Args:
        folder: Of a record.
        chain: Only this one.

    Raises:
        OSError: a file cannot be read.
    """
    for name, paths in chains(folder).items():
        if chain in (None, name):
            yield from (line.record for path in paths for line in lines(path) if line.record is not None)


class ChainTail:
    """Follows a chain that others write, through all its segments.

    Attributes:
        reached_end: The last call of `new` read to the end of the newest segment.
    """

    def __init__(self, folder: Path, chain: str) -> None:
        """Begin at the first record there is."""
        self.reached_end = False
        self._folder, self._chain = folder, chain
        self._read: defaultdict[str, int] = defaultdict(int)

    def new(self, most: int | None = None) -> list[tuple[str, dict[str, Any]]]:
        """File name and record of every valid record that is new since the last call; a line that is unfinished waits.

        Args:
            most: Read at most so many bytes, or one line if that is longer; None: all.

        Raises:
            OSError: a file cannot be read.
        """
        found: list[tuple[str, dict[str, Any]]] = []
        read: dict[str, int] = {}
        more, left = False, most
        for path in segments(self._folder, self._chain):
            if more:
                break
            with open_regular(path) as file:
                file.seek(self._read[path.name])
                added = file.read(-1 if left is None else left)
                # A line that is longer than what may be read is read whole: else none behind it ever would be.
                added += file.readline() if b"\n" not in added else b""
                more = bool(file.read(1))
            whole = added[: added.rfind(b"\n") + 1]
            read[path.name] = self._read[path.name] + len(whole)
            left = None if left is None else max(0, left - len(whole))
            for line in whole.split(b"\n")[:-1]:
                try:
                    found.append((path.name, check_record(line)))
                except RecordError:
                    continue  # broke off; the record behind it tells so
        # Only now: what was read before a segment that cannot be read is not passed over the next time.
        self._read.update(read)
        self.reached_end = not more
        return found
