"""When did it happen, by my clock? Two clocks that nobody synchronises, and stamps of one seen at the other.

A packet can be late but never early, so the smallest (arrival - stamp) of the last seconds is the clock offset plus the
shortest transit. What a packet takes beyond that is its excess delay: an age that needs no synchronisation. The echo of
our own stamps gives the round trip, half of whose smallest value estimates the shortest transit; the error of that
estimate is at most half the smallest round trip.
"""

from __future__ import annotations


class SlidingMinimum:
    """Smallest value of the last `window` to 2 `window` seconds, in constant space."""

    def __init__(self, window: float) -> None:
        """`window` [s]: how long a value counts at least."""
        self._window = window
        self._current = float("inf")
        self._previous = float("inf")
        self._turn = float("-inf")

    def add(self, now: float, value: float) -> None:
        """Take a value in at time `now` [s]."""
        if now - self._turn > 2.0 * self._window:
            self._previous = self._current = float("inf")
            self._turn = now
        elif now - self._turn > self._window:
            self._previous, self._current = self._current, float("inf")
            self._turn = now
        if value < self._current:
            self._current = value

    @property
    def value(self) -> float:
        """Smallest value; infinity where there is none."""
        return min(self._current, self._previous)


class ClockAlignment:
    """Relates the stamps of one sender to the monotonic clock of this host."""

    def __init__(self, window: float = 10.0) -> None:
        """`window` [s]: how long the shortest transit is remembered; clock drift within it is an error."""
        self._offset = SlidingMinimum(window)
        self._round_trip = SlidingMinimum(window)

    def excess_delay(self, arrival: float, stamp: float) -> float:
        """Delay beyond the shortest transit seen lately [s]; 0 for the first packet, NaN for a stamp that is none.

        Args:
            arrival: Arrival on this host's monotonic clock [s].
            stamp: Stamp of the packet on the sender's clock [s].
        """
        excess = arrival - stamp - self._offset.value
        return 0.0 if excess < 0.0 else excess

    def observe(self, arrival: float, stamp: float, round_trip: float | None) -> None:
        """Learn from an accepted packet.

        Args:
            arrival: Arrival on this host's monotonic clock [s].
            stamp: Stamp of the packet on the sender's clock [s].
            round_trip: Time for our feedback to get there and this packet to get back [s]; None where unknown.
        """
        self._offset.add(arrival, arrival - stamp)
        if round_trip is not None and 0.0 <= round_trip < float("inf"):
            self._round_trip.add(arrival, round_trip)

    def local_time(self, stamp: float) -> float:
        """Time of a stamp of the sender on this host's monotonic clock [s]; needs one observed packet."""
        round_trip = self._round_trip.value
        shortest_transit = round_trip / 2.0 if round_trip < float("inf") else 0.0
        return stamp + self._offset.value - shortest_transit
