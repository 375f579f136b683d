"""Is an arm where it was told to be? Told from the setpoint that it reports, which may lag the commands a little."""

from __future__ import annotations

from collections.abc import Sequence

ARM_LOST_AFTER = 0.25
"""An arm is lost when its setpoint has been elsewhere than commanded for this long [s]."""
FEEDBACK_LAG = 0.05
"""The setpoint that the arm reports may lag the command by this long [s]."""


class SetpointWatch:
    """Watches one arm from the moment on at which it is driven."""

    def __init__(self, velocity: Sequence[float]) -> None:
        """Take the largest speed of each joint [rad/s, m/s]."""
        self._allowed = tuple(speed * FEEDBACK_LAG for speed in velocity)
        self._apart_since: float | None = None

    def lost(self, now: float, command: Sequence[float], setpoint: Sequence[float]) -> bool:
        """True when the setpoint has been kept away from the command for too long.

        Args:
            now: Monotonic time [s].
            command: Joint positions sent last [rad, m].
            setpoint: Joint positions that the arm reports as its setpoint [rad, m].
        """
        trio = zip(command, setpoint, self._allowed, strict=True)
        if all(abs(wanted - held) <= allowed for wanted, held, allowed in trio):
            self._apart_since = None
        elif self._apart_since is None:
            self._apart_since = now
        return self._apart_since is not None and now - self._apart_since >= ARM_LOST_AFTER
