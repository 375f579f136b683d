"""How many operator commands were sent, accepted, dropped: from the counters of the receiver, packet by packet."""

from __future__ import annotations

from dataclasses import dataclass, field

LOST = "lost"
"""Never arrived, or replaced by a newer command before it was read."""
SENT_AND_DROPPED = ("stale", "reordered", "malformed", "unauthenticated")
"""Reasons under which a command of this console is counted once; duplicates and foreign packets come on top."""


@dataclass(frozen=True)
class Counters:
    """Counters of telesurgery/msg/TeleopFeedback since the receiving node started.

    Attributes:
        session: Console session in control, 0 = none.
        last_sequence: Newest accepted command of that session; commands are numbered from 1.
        accepted: Commands accepted.
        dropped: Commands refused, by reason.
    """

    session: int
    last_sequence: int
    accepted: int
    dropped: dict[str, int] = field(default_factory=dict)

    @property
    def received(self) -> int:
        """All commands that arrived."""
        return self.accepted + sum(self.dropped.values())


class CommandCount:
    """Counts the commands of a session from the moment the measurement begins.

    What was sent is known from the sequence numbers, so that commands sent before the robot's side was up do not
    count as dropped. What was sent after the last accepted command is known from the sender.
    """

    def __init__(self) -> None:
        self._newest: Counters | None = None
        self._base: Counters | None = None
        self._sent = 0
        self._sent_base = 0
        self._sessions: set[int] = set()
        self._reported_sent = 0
        self._first_arrival: tuple[float, int] | None = None
        self._last_arrival: tuple[float, int] | None = None

    def update(self, now: float, counters: Counters) -> None:
        """Take the counters of a feedback that arrived at `now` [s]."""
        newest = self._newest
        if newest is not None and newest.session == counters.session:
            self._sent += max(0, counters.last_sequence - newest.last_sequence)
        elif counters.session:
            self._sessions.add(counters.session)
            self._sent += counters.last_sequence
        if newest is None or counters.received != newest.received:
            self._last_arrival = (now, counters.received)
            self._first_arrival = self._first_arrival or self._last_arrival
        self._newest = counters

    def sender_says(self, sent: int) -> None:
        """Take the sender's own count."""
        self._reported_sent = sent

    def begin(self) -> None:
        """Count from here."""
        self._base = self._newest
        self._sent_base = self._sent
        self._first_arrival = self._last_arrival

    def sent(self) -> int | None:
        """Commands sent; None if no feedback was seen."""
        if self._newest is None:
            return None
        unseen = self._reported_sent - self._newest.last_sequence if len(self._sessions) == 1 else 0
        return self._sent + max(0, unseen) - self._sent_base

    def accepted(self) -> int | None:
        """Commands accepted; None if no feedback was seen."""
        if self._newest is None:
            return None
        return self._newest.accepted - (self._base.accepted if self._base else 0)

    def dropped(self) -> dict[str, int]:
        """Commands dropped, by reason; empty if no feedback was seen."""
        if self._newest is None:
            return {}
        base = self._base.dropped if self._base else {}
        found = {reason: count - base.get(reason, 0) for reason, count in self._newest.dropped.items()}
        arrived = (self.accepted() or 0) + sum(found.get(reason, 0) for reason in SENT_AND_DROPPED)
        return {**found, LOST: max(0, (self.sent() or 0) - arrived)}

    def rate(self) -> float | None:
        """Commands that arrived per second [Hz], between the first and the last that did."""
        if self._first_arrival is None or self._last_arrival is None:
            return None
        elapsed = self._last_arrival[0] - self._first_arrival[0]
        return (self._last_arrival[1] - self._first_arrival[1]) / elapsed if elapsed > 0.0 else None
