"""Between the middleware and the disk: a queue bounded in bytes that gives up pictures first."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass

VIDEO_SHARE = 0.5
"""Pictures may fill this part of the queue; the rest of the messages all of it."""
LATEST = 2**63 - 1
"""Latest time that all readers of a bag can hold, unix [ns]."""


@dataclass(frozen=True)
class Sample:
    """One message as it came.

    Attributes:
        channel: Index of its topic.
        log_time: When it arrived, unix [ns].
        publish_time: When it was published, unix [ns], clock of the sender.
        sequence: Its number at its publisher, from 1.
        data: Its serialized bytes.
    """

    channel: int
    log_time: int
    publish_time: int
    sequence: int
    data: bytes

    @classmethod
    def arrived(cls, channel: int, data: bytes, info: Mapping[str, int]) -> Sample:
        """A message as the middleware gave it, with what it tells of it.

        The clock of a sender can be anywhere; a time that a bag cannot hold is brought to the nearest one that it can.
        """
        log_time, publish_time = (
            min(max(info[name], 0), LATEST) for name in ("received_timestamp", "source_timestamp")
        )
        return cls(channel, log_time, publish_time, info["publication_sequence_number"], data)


class BulkQueue:
    """Messages that wait for the disk; used from two threads.

    Args:
        limit: Bytes that may wait.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._lock = threading.Lock()
        self._waiting: list[Sample] = []
        self._bytes = 0

    def put(self, sample: Sample, is_video: bool) -> bool:
        """Let a message wait; False if there is no room for it, and it is dropped."""
        with self._lock:
            limit = self._limit * VIDEO_SHARE if is_video else self._limit
            if not self._bytes + len(sample.data) <= limit:
                return False
            self._waiting.append(sample)
            self._bytes += len(sample.data)
            return True

    def take(self) -> list[Sample]:
        """Everything that waits, in the order in which it came."""
        with self._lock:
            taken, self._waiting, self._bytes = self._waiting, [], 0
            return taken
