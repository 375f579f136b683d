"""An arm in motion that has to stand first: each joint brakes on its own, to a place that is known before."""

from __future__ import annotations

import math

from robot_driver.motion.bounds import MotionBounds

STANDING = 1e-9
"""A joint slower than this stands [rad/s, m/s]."""


class Brake:
    """The way to rest from a speed.

    Attributes:
        duration: How long it takes [s].
        rest: Where the joints come to rest [rad, m].
    """

    rest: tuple[float, ...]

    def __init__(self, bounds: MotionBounds, q: tuple[float, ...], velocity: tuple[float, ...], period: float) -> None:
        """Choose the gentler of two decelerations, if it ends within the bounds.

        Args:
            bounds: Bounds of the arm.
            q: Where the joints were commanded last [rad, m].
            velocity: Their speed on the way there [rad/s, m/s].
            period: Servo period [s].
        """
        self._bounds, self._q, self._velocity = bounds, q, velocity
        self._use(bounds.follow_acceleration, period)
        if not bounds.holds(tuple(map(min, q, self.rest)), tuple(map(max, q, self.rest)), q):
            self._use(bounds.brake_acceleration, period)
        self.rest = bounds.kept(self.rest, q)

    def at(self, time: float) -> tuple[float, ...]:
        """Joint positions `time` after the start [s]."""
        return self._bounds.kept(self._positions(time), self._q)

    def _use(self, acceleration: tuple[float, ...], period: float) -> None:
        # The speed given is the mean of the last period. It falls by a full step in the next one, as for the gate.
        self._joints = tuple(
            (place, math.copysign(max(0.0, abs(speed) - 0.5 * limit * period), speed), limit)
            for place, speed, limit in zip(self._q, self._velocity, acceleration, strict=True)
        )
        self.duration = max(abs(speed) / limit for _place, speed, limit in self._joints)
        self.rest = self._positions(self.duration)

    def _positions(self, time: float) -> tuple[float, ...]:
        return tuple(place + _way(speed, limit, time) for place, speed, limit in self._joints)


def _way(speed: float, acceleration: float, time: float) -> float:
    braked = min(time, abs(speed) / acceleration)
    return speed * braked - math.copysign(0.5 * acceleration * braked * braked, speed)


def stands(velocity: tuple[float, ...]) -> bool:
    """True if no joint moves."""
    return all(abs(speed) <= STANDING for speed in velocity)
