"""A move to joint positions (move_jp, move_jr): limited in jerk, at rest at the end, from any state of motion."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from ruckig import Trajectory

from robot_driver.motion.bounds import MotionBounds, checked_ratio, motion_bounds
from robot_driver.motion.brake import Brake, stands
from robot_driver.motion.motion import MotionClock
from robot_driver.motion.trajectory import trajectory
from teleop_core.arm_model import ArmModel

PROBES = 100
"""A move that begins in motion is looked at in so many places, whether it stays within the bounds."""


class JointMove:
    """One move.

    From rest the joints keep step: the way is straight in joint space, so it is within the bounds as its ends are. From
    motion they go on and turn towards the goal. Where that would lead out of the bounds, or the arm is faster than the
    move may be, it brakes first.

    Attributes:
        busy: True.
        goal: Where the move ends [rad, m].
        notes: Empty: a move does all that was asked, or is refused.
    """

    busy = True
    notes: tuple[str, ...] = ()

    def __init__(
        self,
        model: ArmModel,
        q: Sequence[float],
        velocity: Sequence[float],
        goal: Sequence[float],
        now: float,
        ratio: float,
        period: float,
    ) -> None:
        """Plan the move.

        Args:
            model: The arm.
            q: Joint positions commanded last (n,) [rad, m].
            velocity: Their speeds (n,) [rad/s, m/s].
            goal: Joint positions at the end (n,) [rad, m].
            now: When q was commanded, if the arm moves; else the present monotonic time [s].
            ratio: Share of full speed, acceleration and jerk, above 0 and at most 1.
            period: Servo period [s].

        Raises:
            MotionRefused: wrong number of values, not finite, out of range, too little depth, too much tilt, or the
                ratio is none; names joint, value, limit and amount.
        """
        self._bounds = motion_bounds(model)
        ratio = checked_ratio(model.name, ratio)
        start = self._bounds.checked("setpoint", q)
        speed = self._bounds.checked("speed of the setpoint", velocity)
        self.goal = self._bounds.required(self._bounds.checked("goal", goal), start)
        self._clock = MotionClock(now, stands(speed), period)
        self._start, self._over = start, False
        self._brake: Brake | None = None
        if _slow(self._bounds, speed, ratio):
            self._trajectory = _joint_trajectory(self._bounds, start, speed, self.goal, ratio)
            if stands(speed) or _fits(self._bounds, self._trajectory, start):
                return
        self._brake = Brake(self._bounds, start, speed, period)
        rest = (0.0,) * len(start)
        self._trajectory = _joint_trajectory(self._bounds, self._brake.rest, rest, self.goal, ratio)

    def sample(self, now: float, share: float = 1.0) -> tuple[float, ...] | None:
        """Joint positions to command next, as `Motion.sample`; the goal once, and then None."""
        if self._over:
            return None
        self._clock.advance(now, share)
        time = self._clock.time
        if self._brake is not None:
            if time < self._brake.duration:
                return self._brake.at(time)
            time -= self._brake.duration
        if time >= self._trajectory.duration:
            self._over = True
            return self.goal
        positions: list[float] = self._trajectory.at_time(time)[0]
        return self._bounds.kept(tuple(positions), self._start)


def _joint_trajectory(
    bounds: MotionBounds, start: tuple[float, ...], velocity: tuple[float, ...], goal: tuple[float, ...], ratio: float
) -> Trajectory:
    speed = [ratio * value for value in bounds.speed]
    acceleration = [ratio * value for value in bounds.acceleration]
    return trajectory(start, velocity, goal, speed, acceleration)


def _slow(bounds: MotionBounds, velocity: tuple[float, ...], ratio: float) -> bool:
    """No joint is faster than the move may be."""
    return all(abs(value) <= ratio * limit for value, limit in zip(velocity, bounds.speed, strict=True))


def _fits(bounds: MotionBounds, found: Trajectory, start: tuple[float, ...]) -> bool:
    # Ruckig's own extrema leave out the way that it brakes at first (0.19.4).
    places = np.array([found.at_time(time)[0] for time in np.linspace(0.0, found.duration, PROBES)])
    return bounds.holds(places.min(axis=0).tolist(), places.max(axis=0).tolist(), start)
