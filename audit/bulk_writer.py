"""The thread that brings messages from the queue into the bag, as long as the disk has room.

A disk that is slow fills the queue, a full one ends the bag while there is room left for the audit log; both are told,
and neither holds up who puts messages into the queue.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from audit.bag_file import Channel
from audit.bag_writer import BagWriter
from audit.bulk_queue import BulkQueue, Sample
from audit.gaps import GapBook

WRITE_EVERY = 0.1
"""What waits is written, and its chunk closed, after so long [s]."""
SYNC_EVERY = 1.0
"""The disk is made to take what is written after so long [s]."""
TRY_AGAIN_AFTER = 2.0
"""After a failure no new file is made for so long [s]."""
STUCK_AFTER = 1.0
"""A turn that takes so long [s] means that the disk hangs."""


@dataclass(frozen=True)
class BulkState:
    """How the bag does.

    Attributes:
        writing: What arrives is written.
        reason: Why not, empty where it is.
        free: Room on the disk [bytes]; None where it is not known.
    """

    writing: bool
    reason: str
    free: int | None


class BulkWriter:
    """Writes the queue into a bag until it is closed.

    Args:
        queue: Messages that wait.
        make_bag: Makes the bag; called in the thread, as it reads what an earlier recorder left.
        folder: Folder whose disk is watched.
        channels: Topics, for the names of what is lost.
        gaps: Takes what is lost.
        reserve: Room that is left to the audit log [bytes].
    """

    def __init__(
        self,
        queue: BulkQueue,
        make_bag: Callable[[], BagWriter],
        folder: Path,
        channels: Sequence[Channel],
        gaps: GapBook,
        reserve: int,
    ) -> None:
        self._queue = queue
        self._make_bag = make_bag
        self._folder = folder
        self._topics = [channel.topic for channel in channels]
        self._gaps = gaps
        self._reserve = reserve
        self._bag: BagWriter | None = None
        self._free: int | None = None
        self._failure = "the bag is not open yet"
        self._retry_at = 0.0
        self._synced_at = 0.0
        self._turn_at = time.monotonic()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="bag", daemon=True)
        self._thread.start()

    def state(self, now: float) -> BulkState:
        """How the bag does at `now` [s]."""
        reason = self._failure
        if not now - self._turn_at <= STUCK_AFTER:
            reason = f"the disk has not taken the bag for {now - self._turn_at:.1f} s"
        return BulkState(not reason, reason, self._free)

    def marks(self) -> dict[str, tuple[int, str]]:
        """Bytes and SHA-256 of every file of the bag."""
        return {} if self._bag is None else self._bag.marks()

    def close(self, patience: float) -> bool:
        """Write what waits, finish the bag; False if that takes longer than `patience` [s]."""
        self._closing.set()
        self._thread.join(patience)
        return not self._thread.is_alive()

    def _run(self) -> None:
        closing = False
        while not closing:
            closing = self._closing.wait(WRITE_EVERY)
            self._turn_at = now = time.monotonic()
            self._turn(now)
        if self._bag is not None:
            try:
                self._bag.close()
            except OSError as error:
                self._failure = f"the bag was not finished: {error.strerror or error}"
        self._turn_at = float("inf")

    def _turn(self, now: float) -> None:
        self._watch_disk()
        samples = self._queue.take()
        try:
            if self._may_write(now):
                if self._bag is None:
                    self._bag = self._make_bag()
                self._bag.write(now, samples)
                self._failure = ""
                if now - self._synced_at >= SYNC_EVERY:
                    self._synced_at = now
                    self._bag.sync()
                return
        except OSError as error:
            self._failure = f"the bag cannot be written: {error.strerror or error}"
            self._retry_at = now + TRY_AGAIN_AFTER
        self._lose(now, samples)

    def _may_write(self, now: float) -> bool:
        if self._free is not None and not self._free >= self._reserve:
            self._failure = f"the disk is full: {self._free / 1e6:.0f} MB left, kept for the audit log"
            if self._bag is not None:
                self._bag.close()
            return False
        return now >= self._retry_at

    def _watch_disk(self) -> None:
        try:
            found = os.statvfs(self._folder)
            self._free = found.f_bavail * found.f_frsize
        except OSError:
            self._free = None

    def _lose(self, now: float, samples: Sequence[Sample]) -> None:
        for sample in samples:
            self._gaps.lost(now, self._topics[sample.channel], sample.sequence, 1, self._failure)
