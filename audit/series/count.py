"""Counts what was recorded of a topic, and what is missing by the middleware's sequence numbers."""

from __future__ import annotations

from audit.series.model import TopicCount


class TopicCounter:
    """One topic.

    A number above the next one means lost messages. A number that is not above the last one means another speaker, or
    one that was started anew: it begins a new count.
    """

    def __init__(self) -> None:
        self._count = TopicCount()
        self._last_sequence = 0

    def add(self, time: float, sequence: int) -> None:
        """One message.

        Args:
            time: Its arrival [s].
            sequence: Its publication sequence number; 0 where it is unknown.
        """
        count = self._count
        if count.recorded:
            count.longest_silence = max(count.longest_silence, time - count.last)
        else:
            count.first = time
        count.recorded += 1
        count.last = time
        if sequence > 0:
            missing = sequence - self._last_sequence - 1 if 0 < self._last_sequence < sequence else 0
            count.lost = (count.lost or 0) + missing
            self._last_sequence = sequence

    def count(self) -> TopicCount:
        """What was counted."""
        return self._count
