"""The permit of the safety monitor as the command gate holds it: it ends by itself, and no old one comes back."""

from __future__ import annotations

LONGEST_LEASE = 1.0
"""A permit that claims to last longer is refused [s]."""
NUMBERS_PER_SECOND = 1000.0
NUMBERS_AT_ONCE = 100
"""A number may lead the newest one by this many, and by so many more for each second that passed: a forged number far
ahead is dropped, and genuine ones are still heard."""
MOST_SESSIONS = 1024
"""So many sessions are remembered as used; the oldest is forgotten first."""


class GatePermit:
    """The newest permit, or refusal of one, of one session of the monitor.

    Attributes:
        session: Session of the monitor it came from; 0 before the first.
        sequence: Its number in that session; 0 before the first.
        velocity_ratio: Share of full speed that it permits, 0..1.
        until: When it ends [s]; -inf if it was withheld or never given.
    """

    def __init__(self) -> None:
        """No permit."""
        self.session = 0
        self.sequence = 0
        self.velocity_ratio = 0.0
        self.until = float("-inf")
        self._taken_at = float("inf")
        self._used: dict[int, None] = {}

    def take(self, now: float, granted: bool, session: int, sequence: int, lease: float, velocity_ratio: float) -> bool:
        """Take a message of the monitor; one that is dropped changes nothing.

        Args:
            now: Monotonic time of its arrival [s]; finite, and never less than before.
            granted: Motion is permitted; otherwise the permit of this session is withdrawn.
            session: Random number of the monitor's session; 0 is none. Another one than before may begin only while
                nothing is permitted, and only once.
            sequence: Number in the session, from 1; it has to rise, but not faster than numbers can be given.
            lease: How long it lasts from now [s].
            velocity_ratio: Share of full speed, 0..1.

        Returns:
            False if it was dropped.
        """
        if not (session > 0 and 0.0 < lease <= LONGEST_LEASE and 0.0 <= velocity_ratio <= 1.0):
            return False
        follows = self._follows(now, sequence) if session == self.session else self._begins(now, session, sequence)
        if not follows:
            return False
        self._remember(session)
        self.sequence = sequence
        self.velocity_ratio = velocity_ratio
        self.until = now + lease if granted else float("-inf")
        self._taken_at = now
        return True

    def valid(self, now: float) -> bool:
        """Motion is permitted at `now` [s]."""
        return self._taken_at <= now <= self.until

    def _follows(self, now: float, sequence: int) -> bool:
        lead = NUMBERS_AT_ONCE + NUMBERS_PER_SECOND * (now - self._taken_at)
        return 1 <= sequence - self.sequence <= lead

    def _begins(self, now: float, session: int, sequence: int) -> bool:
        return sequence >= 1 and session not in self._used and not self.valid(now)

    def _remember(self, session: int) -> None:
        self.session = session
        self._used.setdefault(session)
        if len(self._used) > MOST_SESSIONS:
            del self._used[next(iter(self._used))]
