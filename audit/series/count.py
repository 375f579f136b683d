"""Counts what was recorded of a topic, and what is missing by the middleware's sequence numbers."""

from __future__ import annotations

from audit.bag_check import SequenceCount
from audit.series.model import TopicCount


class TopicCounter:
    """One topic.

    Attributes:
        backwards: Longest step back of the arrival times [s]: the clock of the recorder was set.
    """

    def __init__(self) -> None:
        self._count = TopicCount()
        self._sequences = SequenceCount()
        self.backwards = 0.0

    def add(self, time: float, sequence: int) -> None:
        """One message.

        Args:
            time: Its arrival [s].
            sequence: Its publication sequence number; 0 where it is unknown.
        """
        count = self._count
        if count.recorded:
            count.longest_silence = max(count.longest_silence, time - count.last)
            self.backwards = max(self.backwards, count.last - time)
        else:
            count.first = time
        count.recorded += 1
        count.last = time
        if sequence > 0:
            self._sequences.see(sequence)
            count.lost = self._sequences.lost

    def count(self) -> TopicCount:
        """What was counted."""
        return self._count
