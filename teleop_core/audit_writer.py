"""Appends records to one chain of the audit log, and never holds up who appends for longer than that one allows.

Two threads stand between the caller and the disk. One writes: a line is one `write` to a file that can only grow, and
is with the kernel when `append` returns, so `kill -9` loses nothing that was acknowledged. One syncs (`fdatasync`), at
once for a record that has to be durable, else every `sync_every` seconds: as much as a power failure may take.

Nothing is ever raised. What could not be written is counted in `lost`, and told by a `gap` record as soon as writing
succeeds again:

- The disk is full: some space is set aside for the log alone, so the log goes on for a while, and says so in a `disk`
  record and in `warning`. When that is used up too: `failure`, until there is space again. A line that broke off stays
  where it is; the `gap` record behind it, on a fresh line, vouches for its bytes.
- The disk is slow: records wait in memory, in order. `failure` while one waits too long.
- A sync fails (input/output error), the file was removed or replaced: `failure` that stays. Start anew, which makes a
  new segment.
- The folder is missing or read-only, another process writes the chain: `failure` from the start on.

A new writer makes a new segment, chained to the last valid record of the segment before. Its first record vouches for
a line that broke off at the end of that one.
"""

from __future__ import annotations

import errno
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from teleop_core.audit_clock import stamp_now
from teleop_core.audit_disk import broken_off
from teleop_core.audit_record import RecordError, Stamp, plain, salted
from teleop_core.audit_segment import Head, SegmentFile

SYNC_EVERY = 0.2
"""Default time between syncs [s]."""
MOST_WAITING = 10_000
"""Records that may wait in memory for a slow disk; more are lost, and counted."""
SILENT_AFTER = 2.0
"""The disk does not answer when a write or a sync takes longer than this [s]."""
LONGEST_CLOSE = 5.0
"""Closing waits for the disk at most this long [s]."""
_COMES_BACK = (errno.ENOSPC, errno.EDQUOT)
"""After other errors of a sync nobody can tell what is on the disk."""


@dataclass(frozen=True)
class Receipt:
    """What became of a record.

    Attributes:
        n: Its number in the chain; -1 if it was not written (or not yet, when the wait was over).
        hash: Its hash; empty if it was not written.
        durable: It survives a power failure.
        entry: For the writer, which can say later what has become of it.
    """

    n: int
    hash: str
    durable: bool
    entry: _Entry | None = field(default=None, repr=False, compare=False)

    @property
    def written(self) -> bool:
        """The kernel has it: it survives the end of this process."""
        return self.n >= 0


NOT_WRITTEN = Receipt(-1, "", False)


@dataclass
class _Entry:
    """A record on its way to the disk."""

    type: str
    payload: dict[str, Any]
    actor: str
    durable: bool
    stamp: Stamp
    since: float
    written: Head | None = None
    failed: bool = False


class AuditWriter:
    """Writes one new segment of a chain; thread-safe.

    Attributes:
        lost: Records that could not be written.
    """

    def __init__(
        self,
        folder: Path | str,
        chain: str,
        session: str,
        *,
        sync_every: float = SYNC_EVERY,
        facts: Mapping[str, Any] | None = None,
        clock: Callable[[], Stamp] = stamp_now,
    ) -> None:
        """Open a new segment; where that fails, `failure` says why and every record is lost.

        Args:
            folder: Of the session.
            chain: Name of the chain: small letters, digits, underscores.
            session: Identity of the session, hexadecimal.
            sync_every: Longest time that a record stays unsynced [s].
            facts: More for the segment's first record, e.g. versions.
            clock: Gives the time stamps.
        """
        self.lost = 0
        self._chain, self._clock, self._sync_every = chain, clock, sync_every
        self._file = SegmentFile(Path(folder), chain, session)
        self._changed = threading.Condition()
        self._waiting: deque[_Entry] = deque()
        self._failure, self._stays = "", False
        self._closing = False
        self._untold = 0
        self._synced, self._sync_wanted, self._syncing_since = -1, False, 0.0
        self._threads: list[threading.Thread] = []
        try:
            self._file.open({**(facts or {}), "sync_every_s": sync_every}, clock())
            for work in (self._write_all, self._sync_all):
                thread = threading.Thread(target=work, name=f"audit {chain}", daemon=True)
                thread.start()
                self._threads.append(thread)
        except (OSError, RecordError, RuntimeError) as error:  # the last: no more threads can be started
            self._fail(f"cannot be opened: {_told(error)}", stays=True)

    @property
    def failure(self) -> str:
        """Why nothing can be written; empty while well."""
        with self._changed:
            now = time.monotonic()
            since = self._waiting[0].since if self._waiting else now
            since = min(since, self._syncing_since or now)
            if not self._failure and now - since > SILENT_AFTER:
                return f"{self.path}: the disk has not answered for {now - since:.1f} s"
            return self._failure

    @property
    def warning(self) -> str:
        """Why records may soon not be written any more; empty while well."""
        return f"{self.path}: {self._file.full}" if self._file.full else ""

    @property
    def path(self) -> Path:
        """File of the segment."""
        return self._file.path

    @property
    def head(self) -> Head:
        """Newest record that the kernel has."""
        return self._file.head

    @property
    def everything_durable(self) -> bool:
        """All that was appended so far survives a power failure, but for what is counted in `lost`."""
        with self._changed:
            return not self._waiting and not self._failure and self._synced >= self.head.n

    def append(
        self,
        type: str,
        payload: Mapping[str, Any],
        actor: str = "",
        *,
        durable: bool = False,
        wait: float | None = None,
    ) -> Receipt:
        """Write a record, stamped now.

        Args:
            type: What happened.
            payload: More about it; what JSON cannot hold is written as text, numbers that are not finite as null.
            actor: Who did it; the chain's name if empty.
            durable: Return only when the record survives a power failure.
            wait: Return after this time at the latest [s] and let it be written later; None: when it is done or failed.

        Returns:
            What became of it by then.
        """
        content = salted(payload)
        with self._changed:
            if self._closing or self._stays or len(self._waiting) >= MOST_WAITING:
                self._lose()
                return NOT_WRITTEN
            entry = _Entry(type, content, plain(actor) or self._chain, durable, self._clock(), time.monotonic())
            self._waiting.append(entry)
            self._changed.notify_all()
            return self._wait_for(entry, wait)

    def look_again(self, receipt: Receipt, wait: float | None) -> Receipt:
        """What has become of a record since its receipt; `wait` is that of `append`."""
        with self._changed:
            return receipt if receipt.entry is None else self._wait_for(receipt.entry, wait)

    def survives(self, receipt: Receipt) -> bool:
        """The record survives a power failure by now, whether or not its append waited for that."""
        with self._changed:
            written = None if receipt.entry is None else receipt.entry.written
            return written is not None and self._synced >= written.n

    def is_lost(self, receipt: Receipt) -> bool:
        """The record could not be written, and will not be."""
        with self._changed:
            return receipt.entry is None or receipt.entry.failed

    def close(self) -> None:
        """Write and sync what is waiting, let go of the file; allowed at any time, takes LONGEST_CLOSE at most."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        until = time.monotonic() + LONGEST_CLOSE
        for thread in self._threads:
            thread.join(max(0.0, until - time.monotonic()))
        if not any(thread.is_alive() for thread in self._threads):
            self._file.close()

    def _wait_for(self, entry: _Entry, wait: float | None) -> Receipt:
        self._changed.wait_for(lambda: self._settled(entry), wait)
        if entry.written is None:
            return Receipt(-1, "", False, entry)
        return Receipt(entry.written.n, entry.written.hash, self._synced >= entry.written.n, entry)

    def _settled(self, entry: _Entry) -> bool:
        if entry.failed or self._stays:
            return True
        return entry.written is not None and (not entry.durable or self._synced >= entry.written.n)

    def _write_all(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or self._closing)
                if not self._waiting:
                    return
                entry = self._waiting[0]
            written = self._write(entry)
            with self._changed:
                self._waiting.popleft()
                entry.written, entry.failed = written, written is None
                if written is None:
                    self._lose()
                self._sync_wanted = self._sync_wanted or entry.durable
                self._changed.notify_all()

    def _write(self, entry: _Entry) -> Head | None:
        if self._stays:
            return None
        try:
            if self._untold or self._file.broken:
                self._tell_gap(entry.stamp)
            self._file.keep_reserve(entry.stamp)
            written = self._file.write(entry.type, entry.payload, entry.actor, entry.stamp)
        except (OSError, RecordError) as error:
            self._fail(f"cannot be written: {_told(error)}")
            return None
        with self._changed:
            self._failure = self._failure if self._stays else ""
        return written

    def _tell_gap(self, stamp: Stamp) -> None:
        untold = self._untold
        told = {
            "topic": f"audit/{self._chain}",
            "first": None,
            "count": untold,
            "why": self._failure or f"more than {MOST_WAITING} records waited for the disk",
            "broken": broken_off(self._file.broken),
        }
        self._file.write("gap", salted(told), self._chain, stamp)
        with self._changed:
            self._untold -= untold

    def _sync_all(self) -> None:
        writing = self._threads[0]
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._sync_wanted or self._closing, self._sync_every)
            if self._closing:
                writing.join(self._sync_every)
            ended = not writing.is_alive()
            with self._changed:
                self._sync_wanted = False
                newest = self.head.n
                self._syncing_since = time.monotonic()
            self._sync(newest)
            if ended:
                return

    def _sync(self, newest: int) -> None:
        synced = self._synced
        try:
            if newest > synced:
                self._file.sync()
            if self._file.in_place():
                synced = newest
            else:
                self._fail("was removed or replaced; start anew", stays=True)
        except OSError as error:
            self._fail(f"cannot be synced: {_told(error)}", stays=error.errno not in _COMES_BACK)
        with self._changed:
            self._synced, self._syncing_since = synced, 0.0
            self._changed.notify_all()

    def _fail(self, text: str, *, stays: bool = False) -> None:
        with self._changed:
            self._failure = f"{self.path}: {text}"
            self._stays = self._stays or stays
            self._changed.notify_all()

    def _lose(self) -> None:
        self.lost += 1
        self._untold += 1


def _told(error: Exception) -> str:
    return (error.strerror or str(error)) if isinstance(error, OSError) else str(error)
