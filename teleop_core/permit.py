"""Holding a permit: it ends by itself, on the holder's own clock."""

from __future__ import annotations

import math
from collections import deque

USUAL_LEASE = 0.1
"""How long a permit lasts from its arrival, where nobody sets it otherwise [s]."""
LONGEST_LEASE = 1.0
"""A permit that claims to last longer than this is refused [s]."""
LEAD_AT_ONCE, LEAD_PER_SECOND = 100, 1000.0
"""A number may lead the newest one by so many, and by so many more for each second since then: a forged number far
ahead would make the genuine ones look old."""
MOST_USED_SESSIONS = 256
"""So many sessions of the monitor are remembered; the oldest is forgotten first."""
STAMP_TOLERANCE = 0.5
"""Stamp of a permit and clock of its receiver may differ by this [s]; the patient-side hosts share one clock."""


def stamp_is_fresh(stamp: float, now: float) -> bool:
    """Whether a permit was made just now: a recorded one, however well signed, permits nothing.

    Args:
        stamp: When it was made [s].
        now: Present time [s], by the clock that makes the stamps, not the monotonic one.
    """
    return -STAMP_TOLERANCE <= now - stamp <= STAMP_TOLERANCE


class PermitHolder:
    """The newest permit of the safety monitor, as a node that commands motion holds it.

    Attributes:
        permit_session: Session of the monitor whose permits are taken; 0 = none yet.
        permit_sequence: Number of the newest permit taken, or of the newest refusal of one.
        velocity_ratio: Share of full speed that it permits, 0..1.
    """

    def __init__(self) -> None:
        """No permit at first."""
        self._used_sessions: deque[int] = deque(maxlen=MOST_USED_SESSIONS)
        self._taken_at = math.inf
        self._until = -math.inf
        self.permit_session = 0
        self.permit_sequence = 0
        self.velocity_ratio = 0.0

    def take(self, now: float, granted: bool, session: int, sequence: int, lease: float, velocity_ratio: float) -> bool:
        """A permit arrived. One that is dropped changes nothing.

        Within a session the number has to rise, but no faster than permits can come. Another session may begin while
        nothing is permitted, once: whoever holds the permit cannot be talked out of it, and no old session comes back.

        Args:
            now: Monotonic time of its arrival [s].
            granted: Motion is permitted; otherwise the permit of this session is withdrawn.
            session: Random number of the monitor's session; not 0.
            sequence: Number of the permit in its session, from 1.
            lease: How long it lasts from now [s].
            velocity_ratio: Share of full speed that it permits, 0..1.

        Returns:
            False if the permit was dropped.
        """
        if not (session > 0 and sequence > 0 and 0.0 < lease <= LONGEST_LEASE and 0.0 <= velocity_ratio <= 1.0):
            return False
        if session == self.permit_session:
            lead = LEAD_AT_ONCE + LEAD_PER_SECOND * (now - self._taken_at)
            if not 1 <= sequence - self.permit_sequence <= lead:
                return False
        elif session in self._used_sessions or self.valid(now):
            return False
        else:
            self._used_sessions.append(session)
            self.permit_session = session
        self.permit_sequence = sequence
        self.velocity_ratio = velocity_ratio
        self._taken_at = now
        self._until = now + lease if granted else -math.inf
        return True

    def valid(self, now: float) -> bool:
        """Motion is permitted at `now` [s]. What has ended stays ended, whatever the clock does then."""
        if not self._taken_at <= now <= self._until:
            self._until = -math.inf
            return False
        return True
