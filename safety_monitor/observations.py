"""What the monitor has seen of each stream: arrivals on its own clock, publishers, events of the middleware."""

from __future__ import annotations

from dataclasses import dataclass

from safety_monitor.conditions import StreamHealth


@dataclass
class StreamObservation:
    """One expected stream.

    Attributes:
        source: Node or arm that speaks, as people know it.
        kind: What it counts as for the conditions.
        arrival: When the newest message arrived, monotonic [s]; None if never.
        transit: How old it was then [s].
        publishers: How many nodes publish it, by the last census.
        qos_mismatch: A publisher offered less than is asked for.
        liveliness_lost: Its publisher is no longer alive, says the middleware.
    """

    source: str
    kind: str
    arrival: float | None = None
    transit: float = 0.0
    publishers: int = 0
    qos_mismatch: bool = False
    liveliness_lost: bool = False

    def arrived(self, now: float, transit: float = 0.0) -> None:
        """A message arrived at `now` [s] and was `transit` [s] old; a stamp of the future counts as fresh."""
        self.arrival = now
        self.transit = max(0.0, transit)
        self.liveliness_lost = False

    def health(self, now: float) -> StreamHealth:
        """Age and census at `now` [s]."""
        age = None if self.arrival is None else now - self.arrival + self.transit
        return StreamHealth(self.source, self.kind, age, self.publishers, self.qos_mismatch, self.liveliness_lost)
