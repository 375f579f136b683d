"""Brings checkpoints into the recorder's chain, one after the other, on a disk that may be slow or fail."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from audit.checkpoint import CHECKPOINT
from audit.checkpoint_maker import CheckpointMaker
from teleop_core.audit_segment import Head
from teleop_core.audit_writer import AuditWriter, Receipt

Marks = Mapping[str, tuple[int, str]]
"""Bytes and SHA-256 of files, by name."""
UNSIGNED_AFTER = 5.0
"""The newest checkpoint should not be older [s]."""
NO_ROOT = bytes(32)
CATCHING_UP = "the log that was there before is being read"


@dataclass(frozen=True)
class _HandedOver:
    """A checkpoint that the log has, and may not have written yet."""

    receipt: Receipt
    root: bytes
    at: float


class CheckpointWriter:
    """Makes a checkpoint only when the one before is written or has failed: two over the same records would not verify.

    Args:
        log: The recorder's.
        maker: Makes the checkpoints.
        now: Monotonic time [s].

    Attributes:
        root: Of the newest checkpoint that is written; zeros before there is one.
        root_n: Number of the record that holds it.
    """

    def __init__(self, log: AuditWriter, maker: CheckpointMaker, now: float) -> None:
        self.root, self.root_n = NO_ROOT, 0
        self._log, self._maker = log, maker
        self._signed_at = now
        self._failure = ""
        self._handed: _HandedOver | None = None

    def problem(self, now: float) -> str:
        """What has kept checkpoints from being written for too long at `now` [s]; empty while well."""
        age = now - self._signed_at
        if age <= UNSIGNED_AFTER:
            return ""
        return f"nothing has been signed for {age:.0f} s" + (f": {self._failure}" if self._failure else "")

    def catch_up(self, most: int) -> bool:
        """Read so many bytes of each chain that earlier recorders and others have left; whether all has been read."""
        try:
            caught_up = self._maker.catch_up(most)
        except OSError as error:
            self._failure = str(error)
            return False
        self._failure = "" if caught_up else CATCHING_UP
        return caught_up

    def sign(self, now: float, marks: Marks, wait: float, unread: dict[str, str] | None = None) -> Head | None:
        """Sign what has been written.

        Args:
            now: Monotonic time [s].
            marks: Of all files that are no chains.
            wait: The log is waited for at most this long [s], each for the checkpoint before and for this one.
            unread: As for CheckpointMaker.make.

        Returns:
            The record of it; None where it could not be made, or is not written yet.
        """
        self._settle(wait)
        if self._handed is not None:
            return None
        try:
            payload = self._maker.make(marks, unread)
        except OSError as error:
            self._failure = str(error)
            return None
        receipt = self._log.append(CHECKPOINT, payload, wait=wait)
        self._handed = _HandedOver(receipt, bytes.fromhex(payload["root"]), now)
        return self._settle(0.0)

    def _settle(self, wait: float) -> Head | None:
        """What has become of the checkpoint that was handed over."""
        handed = self._handed
        if handed is None:
            return None
        receipt = self._log.look_again(handed.receipt, wait)
        if not receipt.written:
            self._failure = self._log.failure
            # Not written is not lost: a log that has failed may be writing it at this moment.
            self._handed = None if self._log.is_lost(receipt) else handed
            return None
        self._handed, self._failure = None, ""
        self.root, self.root_n, self._signed_at = handed.root, receipt.n, handed.at
        return Head(self._log.path.name, receipt.n, receipt.hash)
