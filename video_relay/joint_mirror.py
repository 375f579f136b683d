"""The newest joint positions of the robot, for the simulated endoscope to look at."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence


class JointMirror:
    """Keeps the newest message only; positions of joints it does not name stay as they were."""

    def __init__(self, stale_after: float) -> None:
        """Start empty.

        Args:
            stale_after: Age from which the positions no longer show the robot as it is [s].
        """
        self.refused = 0
        self._stale_after = stale_after
        self._positions: dict[str, float] = {}
        self._updated_at: float | None = None

    def update(self, names: Sequence[str], positions: Sequence[float], now: float) -> bool:
        """Take over a message; as a whole or, if any of it is unusable, not at all.

        Args:
            names: Names of the joints.
            positions: Their positions, in the same order [rad, m].
            now: Time of arrival [s], monotonic.

        Returns:
            False if it was refused: lengths differ, or a position is not finite.
        """
        if not names or len(names) != len(positions) or not all(map(math.isfinite, positions)):
            self.refused += 1
            return False
        self._positions.update(zip(names, positions, strict=True))
        self._updated_at = now
        return True

    def age(self, now: float) -> float:
        """Return how old the positions are [s]; infinite if there never were any."""
        return math.inf if self._updated_at is None else now - self._updated_at

    def fresh(self, now: float) -> Mapping[str, float] | None:
        """Return position by joint name [rad, m]; None if there are none or they are stale."""
        return self._positions if self.age(now) <= self._stale_after else None
