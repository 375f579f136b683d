"""One segment of a chain as a file: opened anew, chained to the segment before, grown line by line.

Not thread-safe, and waits for the disk; `teleop_core.audit_writer` stands before it.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from teleop_core.audit_clock import clock_source
from teleop_core.audit_disk import broken_off, keep_space, parse_segment, segment_name, segments, tail
from teleop_core.audit_record import FORMAT, GENESIS, LONGEST, RecordError, Stamp, canonical, make_record, salted

RESERVE = 256 * 1024
"""Space on the disk that is kept for the log alone [bytes]; some four hundred records."""


@dataclass(frozen=True)
class Head:
    """Newest record of a chain.

    Attributes:
        segment: File name.
        n: Its number; -1 if there is none yet.
        hash: Its hash; GENESIS if there is none yet.
    """

    segment: str
    n: int
    hash: str


class SegmentFile:
    """A segment that grows.

    Attributes:
        path: Its file.
        head: Newest record of the chain.
        broken: What was written of a line that broke off; the next record begins on a fresh line behind it.
        full: Why there is no space to set aside for the log; empty while there is.
    """

    def __init__(self, folder: Path, chain: str, session: str, *, reserve: bool = True) -> None:
        """Nothing is opened yet.

        Args:
            folder: Of the session.
            chain: Name of the chain.
            session: Identity of the session, hexadecimal.
            reserve: Keep space for more records.
        """
        self.path = folder / segment_name(chain, 0)
        self.head = Head(self.path.name, -1, GENESIS)
        self.broken = b""
        self.full = ""
        self._chain, self._session, self._reserve = chain, session, reserve
        self._size = self._kept = 0
        self._descriptor = -1

    def open(self, facts: Mapping[str, Any], stamp: Stamp) -> None:
        """Make the file behind the newest segment there is, and write its first record.

        Args:
            facts: More for that record.
            stamp: Of now.

        Raises:
            OSError: the file cannot be made or written.
            RecordError: another process writes the chain, or the folder is of another session.
        """
        folder = self.path.parent
        previous, broken = self._take_up(folder)
        self.path = folder / self.head.segment
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC
        self._descriptor = os.open(self.path, flags, 0o640)
        fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        _sync_folder(folder)
        opening = {
            **facts,
            "broken": broken,
            "chain": self._chain,
            "clock_source": clock_source(),
            "format": FORMAT,
            "previous": previous,
        }
        self.write("segment", salted(opening), self._chain, stamp)
        self.keep_reserve(stamp)

    def _take_up(self, folder: Path) -> tuple[str | None, dict[str, Any]]:
        """Find where the segments before left the chain: the newest of them, and what broke off behind its record."""
        if parse_segment(segment_name(self._chain, 0)) is None:
            raise RecordError(f"{self._chain!r} is no name of a chain: use small letters, digits, underscores")
        there = segments(folder, self._chain)
        if not there:
            return None, {}
        if being_written(there[-1]):
            raise RecordError(f"another process writes {there[-1].name}; end it first")
        number = (parse_segment(there[-1].name) or ("", 0))[1] + 1
        tails = [tail(path) for path in there]
        last = next((found.record for found in reversed(tails) if found.record is not None), None)
        if last is not None and last["session"] != self._session:
            raise RecordError(f"{folder} holds session {last['session']}, not {self._session}; use a folder of its own")
        n, prev = (last["n"], last["hash"]) if last is not None else (-1, GENESIS)
        self.head = Head(segment_name(self._chain, number), n, prev)
        behind = next((i for i in reversed(range(len(tails))) if tails[i].record is not None), 0)
        found = {path.name: broken_off(end.broken) for path, end in zip(there[behind:], tails[behind:], strict=True)}
        return there[-1].name, {name: told for name, told in found.items() if told is not None}

    def write(self, type: str, payload: dict[str, Any], actor: str, stamp: Stamp) -> Head:
        """One record, one line, one write.

        Returns:
            The new head of the chain.

        Raises:
            OSError: it cannot be written, or broke off.
            RecordError: it makes no valid record.
        """
        head = self.head
        record = make_record(head.n + 1, self._chain, head.hash, stamp, self._session, actor, type, payload)
        line = canonical(record) + b"\n"
        if len(line) >= LONGEST:
            raise RecordError(f"a {type!r} record of {len(line)} bytes is too long; a line has less than {LONGEST}")
        line = (b"\n" if self.broken else b"") + line
        written = os.write(self._descriptor, line)
        self._size += written
        if written < len(line):
            self.broken += line[:written]
            why = f"the disk took {written} of {len(line)} bytes of a line: it is full, or a limit was hit"
            raise OSError(errno.ENOSPC, why)
        self.broken = b""
        self.head = Head(head.segment, record["n"], record["hash"])
        return self.head

    def keep_reserve(self, stamp: Stamp) -> None:
        """See to it that the disk has space for the log even when others fill it; tell in a record when it has not."""
        if not self._reserve or self._kept - self._size > RESERVE // 2:
            return
        try:
            supported = keep_space(self._descriptor, self._size, RESERVE)
            # Where the file system cannot do that there is nothing to tell, and nothing to try at every record.
            self._kept = self._size + (RESERVE if supported else 2 * RESERVE)
            full = ""
        except OSError as error:
            full = f"{error.strerror}; the log writes on from its reserve"
        if bool(full) != bool(self.full):
            self.full = full
            disk = os.fstatvfs(self._descriptor)
            told = {
                "free_bytes": disk.f_bavail * disk.f_frsize,
                "full": bool(full),
                "reserve_bytes": max(0, self._kept - self._size),
                "why": full,
            }
            self.write("disk", salted(told), self._chain, stamp)

    def sync(self) -> None:
        """Return when all that was written survives a power failure.

        Raises:
            OSError: nobody can tell whether it does.
        """
        os.fdatasync(self._descriptor)

    def in_place(self) -> bool:
        """Whether the file is still where it was made."""
        try:
            there = self.path.stat()
        except OSError:
            return False
        here = os.fstat(self._descriptor)
        return (there.st_dev, there.st_ino) == (here.st_dev, here.st_ino)

    def discard(self) -> None:
        """Take the segment back, as if it had never been begun.

        Raises:
            OSError: the file cannot be removed.
        """
        if self._descriptor >= 0:  # else the file is not of our making
            self.path.unlink(missing_ok=True)

    def close(self) -> None:
        """Give the space back that was kept for more records, and let go of the file."""
        if self._descriptor < 0:
            return
        with contextlib.suppress(OSError):
            os.ftruncate(self._descriptor, os.fstat(self._descriptor).st_size)
        descriptor, self._descriptor = self._descriptor, -1
        os.close(descriptor)


def being_written(path: Path) -> bool:
    """Whether a writer is at work on a segment.

    Raises:
        OSError: the file cannot be read, or is a link or no file.
    """
    # A pipe would wait for a writer, for ever.
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, "is no file", str(path))
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
