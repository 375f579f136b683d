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
from audit.bag_writer import BagWriter, said
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
CATCH_UP_FOR = 0.03
"""In a turn what earlier recorders left is read for so long [s]."""
NO_TIME_LEFT = "the disk had not taken it at the end"


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
        make_bag: Makes the bag; called in the thread.
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
        self._in_hand: list[Sample] = []
        self._finished = False
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
        """Write what waits, finish the bag; what the disk does not take within `patience` [s] is lost.

        To read what earlier recorders left can take longer, and is waited for as long as it goes on.

        Returns:
            The bag was finished; not so if that took longer, or failed.
        """
        began = time.monotonic()
        self._closing.set()
        while self._thread.is_alive() and time.monotonic() - max(began, self._turn_at) <= patience:
            self._thread.join(WRITE_EVERY)
        finished = self._finished
        if self._thread.is_alive():
            self._lose(time.monotonic(), self._in_hand, NO_TIME_LEFT)
        self._lose(time.monotonic(), self._queue.take(), self._failure or NO_TIME_LEFT)
        return finished

    def _run(self) -> None:
        closing = False
        while not closing:
            closing = self._closing.wait(WRITE_EVERY)
            self._turn_at = now = time.monotonic()
            self._turn(now)
        try:
            if self._bag is not None:
                self._bag.close()
                while not self._bag.catch_up(time.monotonic() + CATCH_UP_FOR):
                    self._turn_at = time.monotonic()
                self._finished = True
        except Exception as error:
            self._failure = f"the bag was not finished: {said(error)}"
        self._turn_at = float("inf")

    def _turn(self, now: float) -> None:
        self._watch_disk()
        self._in_hand = self._queue.take()
        try:
            written = self._may_write(now)
            if written:
                self._write(now, self._in_hand)
        except Exception as error:
            # Whatever it is: without this thread nothing would be written any more, and nothing told.
            written = False
            self._failure = f"the bag cannot be written: {said(error)}"
            self._retry_at = now + TRY_AGAIN_AFTER
        if not written:
            self._lose(now, self._in_hand, self._failure)
        self._in_hand = []

    def _write(self, now: float, samples: Sequence[Sample]) -> None:
        if self._bag is None:
            self._bag = self._make_bag()
        self._bag.write(now, samples)
        self._failure = ""
        if now - self._synced_at >= SYNC_EVERY:
            self._synced_at = now
            self._bag.sync()
        self._bag.catch_up(time.monotonic() + CATCH_UP_FOR)

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

    def _lose(self, now: float, samples: Sequence[Sample], why: str) -> None:
        for sample in samples:
            self._gaps.lost(now, self._topics[sample.channel], sample.sequence, 1, why)
