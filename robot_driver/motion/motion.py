"""What every kind of motion has in common: how the driver asks it for positions, how it refuses, how its time goes."""

from __future__ import annotations

import math
from typing import Protocol

LONGEST_STEP = 0.05
"""The command gate makes no longer step [s]: a driver that was late goes on from where it was, it does not catch up."""
SHARE_CHANGE = 8.0
"""How fast the share of full speed changes [1/s]: at full speed within the gate's acceleration."""


class MotionRefused(ValueError):  # noqa: N818, a refusal is an answer
    """A motion cannot be done; the text names the arm, what is out of its limit, and by how much."""


class Motion(Protocol):
    """One motion of one arm. The driver makes it, and asks it once in each servo period for the next position.

    Attributes:
        busy: True for moves; by CRTK an arm that servoes or interpolates is not busy.
        goal: Joint positions at the end of a move; of a stream, the newest ones asked for [rad, m].
        notes: What limits kept it from doing all that was asked, with amounts; empty where nothing did.
    """

    @property
    def busy(self) -> bool:
        """See the attributes."""

    @property
    def goal(self) -> tuple[float, ...]:
        """See the attributes."""

    @property
    def notes(self) -> tuple[str, ...]:
        """See the attributes."""

    def sample(self, now: float, share: float = 1.0) -> tuple[float, ...] | None:
        """Joint positions to command next.

        Args:
            now: Monotonic time [s].
            share: Share of full speed that the safety monitor permits, 0..1; a motion slows down and speeds up by it.

        Returns:
            Joint positions [rad, m]; None once the motion is over.
        """


class MotionClock:
    """Time of one motion, on the driver's monotonic clock; it goes slower where less than full speed is permitted.

    Attributes:
        time: How far the motion has got [s].
        share: Share of full speed that it uses, 0..1; it follows what is permitted, but not at once.
    """

    def __init__(self, now: float, standing: bool, period: float) -> None:
        """Start.

        Args:
            now: When the arm was commanded to where the motion begins [s]; of an arm that stands, the present time.
            standing: The arm stands. The command gate takes its first step for one of a servo period.
            period: Nominal servo period [s].
        """
        self.time = 0.0
        self.share = 1.0
        self._standing = standing
        self._at = now
        self._longest = period if standing else LONGEST_STEP

    def advance(self, now: float, share: float) -> float:
        """Let time go on.

        Args:
            now: Monotonic time [s].
            share: Share of full speed that is permitted; what is not within 0 to 1 counts as 0.

        Returns:
            Time since the last call [s], never more than the gate's longest step; 0 if the clock ran backwards.
        """
        elapsed = now - self._at
        if not 0.0 <= elapsed < math.inf:
            return 0.0
        step = min(elapsed, self._longest)
        self._at, self._longest = now, LONGEST_STEP
        permitted = share if 0.0 <= share <= 1.0 else 0.0
        change = math.inf if self._standing else SHARE_CHANGE * step
        self.share = min(self.share + change, max(self.share - change, permitted))
        self._standing = False
        self.time += self.share * step
        return step
