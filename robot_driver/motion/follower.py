"""Joints that follow targets as closely as their speed, acceleration and range allow.

Each joint goes to its target in one step where that needs no more than it may have. Otherwise it goes as fast as it may
and still comes to rest, or to the speed of its target, when it gets there. It brakes in time for the end of its range,
and the two joints that tilt the shaft brake in time for the edge of the workspace that they share.
"""

from __future__ import annotations

import math

from robot_driver.arm_limits import MAX_TILT, TILT_INDICES
from robot_driver.motion.bounds import TILT_MARGIN, MotionBounds


class JointFollower:
    """The joints of one arm.

    Attributes:
        q: Where they are told to be [rad, m].
        velocity: Their speeds on the way there [rad/s, m/s].
    """

    def __init__(self, bounds: MotionBounds, q: tuple[float, ...], velocity: tuple[float, ...]) -> None:
        """Begin at positions q with their speeds."""
        self.q, self.velocity = q, velocity
        self._bounds = bounds
        self._target = q

    def step(self, target: tuple[float, ...], dt: float, share: float) -> tuple[float, ...]:
        """Follow for one step.

        Args:
            target: Where the joints shall be, within the bounds [rad, m].
            dt: Time of the step, more than 0 [s].
            share: Share of full speed that may be used, 0..1.

        Returns:
            Where they are told to be [rad, m].
        """
        reached, speeds = list(self.q), list(self.velocity)
        outer, inner = TILT_INDICES
        other = {outer: inner, inner: outer}
        for index in range(len(reached)):
            room = math.inf
            if index in other:
                beside = other[index]
                room = _room_beside(self._farthest(beside, reached[beside], speeds[beside]))
            lead = (target[index] - self._target[index]) / dt
            full = share * self._bounds.speed[index]
            reached[index], speeds[index] = self._joint(index, target[index], lead, full, room, dt)
        self.q, self.velocity, self._target = tuple(reached), tuple(speeds), target
        return self.q

    def _joint(
        self, index: int, target: float, lead: float, full: float, room: float, dt: float
    ) -> tuple[float, float]:
        """Position and speed of one joint after a step; its target moves with speed `lead`, itself at most `full`."""
        here, before = self.q[index], self.velocity[index]
        low = min(here, max(self._bounds.lower[index], -room))
        high = max(here, min(self._bounds.upper[index], room))
        change = self._bounds.follow_acceleration[index] * dt
        wanted = (min(high, max(low, target)) - here) / dt
        size = abs(wanted)
        if not (size <= full and abs(wanted - before) <= change):
            # Brakes to the speed of the target, changing speed once in each step.
            meets = math.sqrt(2.0 * change * size + 0.25 * change * change) - 0.5 * change
            meets += max(0.0, math.copysign(lead, lead * wanted))
            limit = min(full, size, meets)
            wanted = min(before + change, max(before - change, min(limit, max(-limit, wanted))))
        left = high - here if wanted > 0.0 else here - low
        stops = _still_stops(left, self._bounds.follow_acceleration[index], dt)
        if not abs(wanted) <= stops:
            hardest = abs(before) - self._bounds.brake_acceleration[index] * dt
            wanted = math.copysign(max(stops, hardest), wanted)
        reached = min(high, max(low, here + wanted * dt))
        return reached, (reached - here) / dt

    def _farthest(self, index: int, here: float, speed: float) -> float:
        """Farthest from zero that a joint gets while it brakes."""
        way = 0.5 * speed * abs(speed) / self._bounds.follow_acceleration[index]
        return max(abs(here), abs(here + way))


def _still_stops(left: float, acceleration: float, dt: float) -> float:
    """Largest speed v of a step after which the rest of the way suffices to stop: v^2 / (2 a) + v dt = left."""
    change = acceleration * dt
    return 2.0 * acceleration * left / (math.sqrt(change * change + 2.0 * acceleration * left) + change)


def _room_beside(other: float) -> float:
    """Angle of one tilting joint at the edge of the workspace, with the other one at angle `other` [rad]."""
    edge, cosine = math.cos(MAX_TILT - TILT_MARGIN), math.cos(min(other, 0.5 * math.pi))
    return math.acos(edge / cosine) if cosine > edge else 0.0
