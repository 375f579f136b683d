"""What the monitor has seen of each stream: arrivals on its own clock, publishers, events of the middleware."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from safety_monitor.inputs import StreamHealth

RECENT = 0.5
"""Commands that arrived within this time count as arriving [s]."""


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


class PictureWatch:
    """For how long an eye has been showing one and the same picture, whatever stamps it carries.

    No two pictures of a working camera are alike, not even of a scene that stands still: its sensor makes noise.
    """

    def __init__(self) -> None:
        """No picture yet."""
        self._shown: tuple[int, float] | None = None
        self.unchanged_for = 0.0

    def arrived(self, now: float, content: int) -> None:
        """A picture arrived at `now` [s]; `content` is a check sum of it."""
        if self._shown is None or content != self._shown[0]:
            self._shown = (content, now)
        self.unchanged_for = now - self._shown[1]


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
        return max(0.0, command.arrival - self._accepted_at) if now - command.arrival <= RECENT else 0.0


class Rises:
    """How far a counter of another node has risen within a window of time."""

    def __init__(self, window: float) -> None:
        """Watch over `window` [s]; what the counter stood at when it was first heard does not count."""
        self._window = window
        self._total: int | None = None
        self._rises: deque[tuple[float, int]] = deque()

    def told(self, now: float, total: int) -> int:
        """The counter stands at `total` at `now` [s]; returns by how much it rose. A restarted node counts anew."""
        rise = 0 if self._total is None else total - self._total
        self._total = total
        if rise > 0:
            self._rises.append((now, rise))
        return max(0, rise)

    def within(self, now: float) -> int:
        """Rise within the window that ends at `now` [s]."""
        while self._rises and now - self._rises[0][0] > self._window:
            self._rises.popleft()
        return sum(rise for _when, rise in self._rises)


class ClockWatch:
    """Jumps of the wall clock against the monotonic one."""

    def __init__(self, most_apart: float = 0.005) -> None:
        """Two readings further apart than `most_apart` [s] were interrupted and say nothing."""
        self._most_apart = most_apart
        self._offset: float | None = None
        self.step = 0.0

    def read(self, before: float, wall: float, after: float) -> None:
        """Take in a reading of the wall clock between two of the monotonic one, all [s]; sets `step`."""
        self.step = 0.0
        if not after - before <= self._most_apart:
            return
        offset = wall - 0.5 * (before + after)
        if self._offset is not None:
            self.step = offset - self._offset
        self._offset = offset


class Control:
    """Which packets speak for the operator: those of the session in control, near the newest one that was accepted.

    Nothing that arrives moves this window, only what the kinematics say that they accepted: one packet with a leading
    number cannot make the monitor deaf, and one that was recorded earlier cannot release the deadman or press a pedal.
    """

    BEHIND, AHEAD = 40, 500
    """Packets around the newest accepted one; feedback may be a few periods old."""

    def __init__(self) -> None:
        """Nobody is in control: every packet speaks."""
        self._newest: tuple[int, int] | None = None

    def told(self, session: int, sequence: int) -> None:
        """The kinematics follow this session, 0 for none, and this is the newest number that they accepted."""
        self._newest = (session, sequence) if session else None

    def believes(self, session: int, sequence: int) -> bool:
        """The packet speaks for the operator."""
        if self._newest is None:
            return True
        accepted_session, accepted_sequence = self._newest
        return session == accepted_session and -self.BEHIND <= sequence - accepted_sequence <= self.AHEAD
