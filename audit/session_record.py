"""The record of one site's session: the audit log, the bag, and what ties both together. It knows no ROS.

Fed from one thread with messages and events, asked by it how it does. What waits for the disk does so in threads.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from audit.bag_file import Channel
from audit.bag_writer import BagWriter
from audit.bulk_queue import BulkQueue, Sample
from audit.bulk_writer import BulkWriter
from audit.checkpoint import END, end_payload, start_facts
from audit.checkpoint_maker import CheckpointMaker
from audit.checkpoint_writer import CheckpointWriter
from audit.file_marks import FileMarks
from audit.gaps import LOST_BEFORE, GapBook, SequenceWatch
from audit.signing import Signer
from audit.video_ceiling import VideoCeiling
from teleop_core.audit_disk import parse_segment, segments, tail
from teleop_core.audit_segment import being_written
from teleop_core.audit_writer import AuditWriter, Receipt
from teleop_core.record_folder import RecordedSession, RecordFolderError

CHAIN = "recorder"
QUEUE_FULL, CEILING = "the disk was too slow", "more video than the ceiling"
LONGEST_APPEND = 0.02
"""Feeding waits for the audit log at most this long [s]; the record is written all the same."""
CHECKPOINT_EVERY = 1.0
"""[s]"""
LONGEST_CLOSE = 10.0
"""The end waits for the disk at most this long [s], for each thing that it writes."""
PORTION = 1 << 20
"""Of a file that somebody else has written so much is read in a tick [bytes]."""
CHAIN_PORTION = 1 << 19
"""Of each chain that was there before so much is read in a tick [bytes]; it takes ten times as long as of a file."""


@dataclass(frozen=True)
class RecordLimits:
    """How much is recorded, and how.

    Attributes:
        split_bytes: A file of the bag is closed when it is so large.
        split_seconds: A file of the bag is closed when it is so old [s].
        queue_bytes: Messages that may wait for the disk.
        video_rate: Video recorded at most [bytes/s].
        disk_low: With less room left the record says that it will not go on for long [bytes].
        disk_reserve: Room that is left to the audit log [bytes].
    """

    split_bytes: int
    split_seconds: float
    queue_bytes: int
    video_rate: float
    disk_low: int
    disk_reserve: int


@dataclass(frozen=True)
class Health:
    """How the record does.

    Attributes:
        writing: Log and bag are written, and there is room for more.
        reason: Why not; empty where all is well.
        records: Records of this recorder.
        dropped: Messages that were not recorded.
        free: Room on the disk [bytes]; 0 where it is not known.
        size: Size of the bag [bytes].
        root: Newest signed Merkle root; zeros before there is one.
        root_n: Number of the record that holds it.
    """

    writing: bool
    reason: str
    records: int
    dropped: int
    free: int
    size: int
    root: bytes
    root_n: int


class SessionRecord:
    """Writes one session's folder.

    Args:
        folder: Of the session; it is there.
        session: What identifies it.
        signer: Signs the checkpoints; its public key is in the folder.
        channels: Topics of the bag.
        limits: How much is recorded.
        library: Who writes it.
        facts: What the session runs with, for its `start`.

    Raises:
        OSError: session.json or the public key cannot be read.
        RecordFolderError: the audit log cannot be written, another recorder writes it, or the session has ended.
    """

    def __init__(
        self,
        folder: Path,
        session: RecordedSession,
        signer: Signer,
        channels: Sequence[Channel],
        limits: RecordLimits,
        library: str,
        facts: Mapping[str, Any],
    ) -> None:
        self._folder = folder
        self._signer = signer
        self._channels = channels
        self._limits = limits
        _refuse_ended(folder)
        self.log = AuditWriter(folder, CHAIN, session.session, facts={"versions": dict(session.versions)})
        if self.log.failure:
            # Whoever goes on without its log takes files of the bag from the one that has it.
            self.log.close()
            raise RecordFolderError(self.log.failure)
        self._first = self.log.head.n
        self.log.append("start", {**facts, **start_facts(folder)}, durable=True, wait=LONGEST_CLOSE)
        self._checkpoints = CheckpointWriter(self.log, CheckpointMaker(folder, signer), time.monotonic())
        self._checkpoint_at = 0.0
        self._caught_up = False
        self._newest: Receipt | None = None
        self._files = FileMarks(folder)
        self._gaps = GapBook()
        self._watches = [SequenceWatch() for _ in channels]
        self._ceiling = VideoCeiling(limits.video_rate, time.monotonic())
        self._queue = BulkQueue(limits.queue_bytes)

        def make_bag() -> BagWriter:
            return BagWriter(
                folder / "bag",
                channels,
                library,
                self._tell,
                split_bytes=limits.split_bytes,
                split_seconds=limits.split_seconds,
            )

        self._bulk = BulkWriter(self._queue, make_bag, folder, channels, self._gaps, limits.disk_reserve)

    def take(self, now: float, sample: Sample) -> None:
        """Record a message that was read at `now` [s]; never waits for the disk."""
        channel = self._channels[sample.channel]
        missing = self._watches[sample.channel].see(sample.sequence)
        if missing is not None and channel.sole:
            self._gaps.lost(now, channel.topic, *missing, LOST_BEFORE)
        if channel.is_video and not self._ceiling.admits(now, len(sample.data)):
            self._gaps.lost(now, channel.topic, sample.sequence, 1, CEILING)
        elif not self._queue.put(sample, channel.is_video):
            self._gaps.lost(now, channel.topic, sample.sequence, 1, QUEUE_FULL)

    def event(self, type: str, payload: Mapping[str, Any], actor: str = "") -> None:
        """Record what happened in the audit log."""
        # While one waits for the disk the next is not waited for: many at once would hold up who feeds the record.
        behind = self._newest is not None and not self._settled(self._newest)
        self._newest = self.log.append(type, payload, actor, wait=0.0 if behind else LONGEST_APPEND)

    def _settled(self, receipt: Receipt) -> bool:
        return self.log.look_again(receipt, 0.0).written or self.log.is_lost(receipt)

    def tick(self, now: float) -> None:
        """Tell what has been lost, sign what has been written; a few times a second."""
        for gap in self._gaps.due(now):
            self.event("gap", gap)
        self._files.read_on(PORTION)
        if not self._caught_up:
            self._caught_up = self._checkpoints.catch_up(CHAIN_PORTION)
        # A log that fails is tried again by this.
        if self._caught_up and now - self._checkpoint_at >= CHECKPOINT_EVERY:
            self._checkpoint_at = now
            self._checkpoints.sign(now, {**self._bag_marks(), **self._files.growing()}, LONGEST_APPEND)

    def health(self, now: float) -> Health:
        """How the record does at `now` [s]."""
        bulk = self._bulk.state(now)
        reasons = [self.log.failure, bulk.reason, self.log.warning, self._checkpoints.problem(now)]
        reasons += [f"cannot be signed: {why}" for why in self._files.unread.values()]
        if bulk.free is not None and not bulk.free >= self._limits.disk_low:
            reasons.append(f"the disk is nearly full: {bulk.free / 1e6:.0f} MB left")
        reason = next(filter(None, reasons), "")
        return Health(
            writing=not reason,
            reason=reason,
            records=self.log.head.n - self._first,
            dropped=self._gaps.total,
            free=bulk.free or 0,
            size=sum(size for size, _ in self._bulk.marks().values()),
            root=self._checkpoints.root,
            root_n=self._checkpoints.root_n,
        )

    def others_write(self) -> bool:
        """Another process still writes a chain of this record; one that cannot be read is not waited for."""
        with contextlib.suppress(OSError):
            names = [(path, parse_segment(path.name)) for path in self._folder.iterdir()]
            return any(_is_written(path) for path, parsed in names if parsed is not None and parsed[0] != CHAIN)
        return False

    def close(self) -> None:
        """Write what waits, finish the bag and the log; what cannot be read any more is told in the log's end.

        While somebody still writes the session has not ended, and nothing signed may say so: whoever has a signed end
        can cut off what came after it. A recorder that is started again goes on in a new segment then.
        """
        finished = self._bulk.close(LONGEST_CLOSE)
        now = time.monotonic()
        for gap in self._gaps.due(now, after=0.0):
            self.event("gap", gap)
        bag = self._bag_marks()
        marks = {**bag, **self._files.all_but(bag)}
        unread: dict[str, str] = {}
        covered = self._checkpoints.sign(now, marks, LONGEST_CLOSE, unread)
        if covered is not None and not self.others_write():
            facts = {
                "bag_finished": finished,
                "lost": self._gaps.by_topic(),
                "unread": {**self._files.unread, **unread},
            }
            self.log.append(END, end_payload(self._signer, covered, facts), durable=True, wait=LONGEST_CLOSE)
        self.log.close()

    def _bag_marks(self) -> dict[str, tuple[int, str]]:
        return {f"bag/{name}": mark for name, mark in self._bulk.marks().items()}

    def _tell(self, type: str, payload: dict[str, Any]) -> None:
        self.log.append(type, payload)


def _is_written(path: Path) -> bool:
    try:
        return being_written(path)
    except OSError:
        return False


def _refuse_ended(folder: Path) -> None:
    """A session that has a signed end stays as it is.

    Raises:
        RecordFolderError: it has ended, or its log cannot be read.
    """
    earlier = segments(folder, CHAIN)
    try:
        newest = tail(earlier[-1]).record if earlier else None
    except OSError as error:
        raise RecordFolderError(f"{folder}: the audit log cannot be read: {error.strerror}") from error
    if newest is not None and newest["type"] == END:
        raise RecordFolderError(f"{folder}: the session recorded here has ended; record into a new folder")
