"""What the monitor has seen of each stream: arrivals on its own clock, publishers, events of the middleware."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from safety_monitor.conditions import StreamHealth
from teleop_core.psm_kinematics import forward

COMPARE_AT_LEAST_EVERY = 0.5
"""Without a pair of measured and commanded joints of one instant for this long the error is unknown [s]."""


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


class TrackingError:
    """Distance of measured and commanded tip of one arm, worked out from joints of the same instant."""

    def __init__(self) -> None:
        """Nothing compared yet."""
        self._error = 0.0
        self._compared_at: float | None = None

    def compare(self, now: float, setpoint: Any, measured: Any) -> None:
        """Take in two joint states (stamp and positions [rad, m]) at `now` [s]; of different instants they say nothing.

        Positions that are no joint positions make the error unknown, not small.
        """
        if self._compared_at is None:
            self._compared_at = now
        if setpoint.header.stamp != measured.header.stamp:
            return
        self._compared_at = now
        try:
            self._error = math.dist(forward(setpoint.position)[0], forward(measured.position)[0])
        except ValueError:
            self._error = math.nan

    def value(self, now: float) -> float:
        """Error at `now` [s]; in m: 0 before the arm was seen, NaN when it is not known any more."""
        if self._compared_at is not None and now - self._compared_at > COMPARE_AT_LEAST_EVERY:
            return math.nan
        return self._error


class Acceptance:
    """Whether what the console says is accepted, as the kinematics tell it."""

    def __init__(self) -> None:
        """Nothing told yet."""
        self._accepted_at: float | None = None

    def told(self, now: float, session: int, command_hold: float) -> None:
        """Feedback of the kinematics at `now` [s]: session in control, 0 for none; age of its newest command [s]."""
        if session:
            self._accepted_at = now - command_hold

    def refused_for(self, now: float, command: StreamObservation) -> float:
        """How long commands have been arriving without one being accepted [s]; 0 while none arrive.

        That none arrive is told as silence, and that feedback stays away as a fault of the kinematics.
        """
        if self._accepted_at is None or command.arrival is None:
            return 0.0
        return max(0.0, command.arrival - self._accepted_at) if now - command.arrival <= COMPARE_AT_LEAST_EVERY else 0.0
