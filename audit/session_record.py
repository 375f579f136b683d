"""The record of one site's session: the audit log, the bag, and what ties both together. It knows no ROS.

Fed from one thread with messages and events, asked by it how it does. What waits for the disk does so in threads.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from audit.bag_file import Channel
from audit.bag_writer import BagWriter
from audit.bulk_queue import BulkQueue, Sample
from audit.bulk_writer import BulkWriter
from audit.checkpoint import CHECKPOINT, END, RunningHash, end_payload, start_facts
from audit.checkpoint_maker import CheckpointMaker
from audit.gaps import LOST_BEFORE, GapBook, SequenceWatch
from audit.signing import Signer
from audit.video_ceiling import VideoCeiling
from teleop_core.audit_disk import parse_segment
from teleop_core.audit_segment import Head, being_written
from teleop_core.audit_writer import AuditWriter
from teleop_core.record_folder import RecordedSession

CHAIN = "recorder"
QUEUE_FULL, CEILING = "the disk was too slow", "more video than the ceiling"
LONGEST_APPEND = 0.02
"""Feeding waits for the audit log at most this long [s]; the record is written all the same."""
CHECKPOINT_EVERY = 1.0
"""[s]"""
NO_ROOT = bytes(32)
LONGEST_CLOSE = 10.0
"""The end waits for the disk at most this long [s]."""


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
        self.log = AuditWriter(folder, CHAIN, session.session, facts={"versions": dict(session.versions)})
        self._first = self.log.head.n
        self.log.append("start", {**facts, **start_facts(folder)}, durable=True, wait=LONGEST_CLOSE)
        self._checkpoints = CheckpointMaker(folder, signer)
        self._checkpoint_at = 0.0
        self._growing: dict[str, RunningHash] = {}
        self._root, self._root_n = NO_ROOT, 0
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
        self.log.append(type, payload, actor, wait=LONGEST_APPEND)

    def tick(self, now: float) -> None:
        """Tell what has been lost, sign what has been written; a few times a second."""
        for gap in self._gaps.due(now):
            self.event("gap", gap)
        if now - self._checkpoint_at >= CHECKPOINT_EVERY and not self.log.failure:
            self._checkpoint_at = now
            self._checkpoint(self._growing_files(), LONGEST_APPEND)

    def health(self, now: float) -> Health:
        """How the record does at `now` [s]."""
        bulk = self._bulk.state(now)
        reasons = [self.log.failure, bulk.reason, self.log.warning]
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
            root=self._root,
            root_n=self._root_n,
        )

    def others_write(self) -> bool:
        """Another process still writes a chain of this record."""
        chains = [
            path for path in self._folder.iterdir() if (parsed := parse_segment(path.name)) and parsed[0] != CHAIN
        ]
        return any(map(being_written, chains))

    def close(self) -> None:
        """Write what waits, finish the bag and the log."""
        finished = self._bulk.close(LONGEST_CLOSE)
        for gap in self._gaps.due(time.monotonic(), after=0.0):
            self.event("gap", gap)
        covered = self._checkpoint(self._all_files(), LONGEST_CLOSE)
        if covered is not None:
            facts = {"bag_finished": finished, "lost": self._gaps.by_topic()}
            self.log.append(END, end_payload(self._signer, covered, facts), durable=True, wait=LONGEST_CLOSE)
        self.log.close()

    def _checkpoint(self, files: Mapping[str, tuple[int, str]], wait: float) -> Head | None:
        """Sign what has been written; returns the record of it, None if it could not be written in time."""
        try:
            payload = self._checkpoints.make(files)
        except OSError:
            return None  # the log's own failure tells of a disk that cannot be read any more
        receipt = self.log.append(CHECKPOINT, payload, wait=wait)
        if not receipt.written:
            return None
        self._root, self._root_n = bytes.fromhex(payload["root"]), receipt.n
        return Head(self.log.path.name, receipt.n, receipt.hash)

    def _growing_files(self) -> dict[str, tuple[int, str]]:
        """Files that are only appended to: those of the bag, and what other processes write beside their chains."""
        files = {f"bag/{name}": mark for name, mark in self._bulk.marks().items()}
        for path in self._folder.glob("*.jsonl"):
            if parse_segment(path.name) is None:
                files[path.name] = self._growing.setdefault(path.name, RunningHash(path)).follow()
        return files

    def _all_files(self) -> dict[str, tuple[int, str]]:
        """Every file that is no chain, at the end."""
        files = self._growing_files()
        for path in self._folder.rglob("*"):
            name = str(path.relative_to(self._folder))
            if path.is_file() and name not in files and parse_segment(path.name) is None:
                files[name] = RunningHash(path).follow()
        return files

    def _tell(self, type: str, payload: dict[str, Any]) -> None:
        self.log.append(type, payload)
