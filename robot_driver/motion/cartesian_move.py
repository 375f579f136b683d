"""A move of the tip along a straight line (move_cp, move_cr): limited in jerk, at rest at the end."""

from __future__ import annotations

from collections.abc import Sequence

from robot_driver.motion.bounds import checked_ratio, motion_bounds
from robot_driver.motion.brake import Brake, stands
from robot_driver.motion.motion import MotionClock
from robot_driver.motion.pose_goal import checked_pose
from robot_driver.motion.straight_line import StraightLine
from robot_driver.motion.trajectory import trajectory
from teleop_core.arm_model import ArmModel
from teleop_core.se3 import Pose


class CartesianMove:
    """One move. An arm in motion brakes first: a straight line has to begin somewhere.

    Attributes:
        busy: True.
        goal: Joint positions at the end [rad, m].
        notes: How far the orientation stays behind, for an arm that cannot have every one; else empty.
    """

    busy = True

    def __init__(
        self,
        model: ArmModel,
        q: Sequence[float],
        velocity: Sequence[float],
        pose_goal: Pose,
        now: float,
        ratio: float,
        period: float,
    ) -> None:
        """Plan the move.

        Args:
            model: The arm.
            q: Joint positions commanded last (n,) [rad, m].
            velocity: Their speeds (n,) [rad/s, m/s].
            pose_goal: Tip in the arm's base at the end.
            now: When q was commanded, if the arm moves; else the present monotonic time [s].
            ratio: Share of full speed, acceleration and jerk, above 0 and at most 1.
            period: Servo period [s].

        Raises:
            MotionRefused: the goal is no pose, the line is not reachable from end to end, or the ratio is none; says
                where on the line, what is in the way, and by how much.
        """
        bounds = motion_bounds(model)
        ratio = checked_ratio(model.name, ratio)
        start = bounds.checked("setpoint", q)
        speed = bounds.checked("speed of the setpoint", velocity)
        goal = checked_pose(model.name, "goal", pose_goal)
        self._clock = MotionClock(now, stands(speed), period)
        self._brake = Brake(bounds, start, speed, period)
        self._q = self._brake.rest
        self._line = StraightLine(model, bounds, self._q, goal)
        self._trajectory = trajectory((0.0,), (0.0,), (1.0,), *((value,) for value in self._line.pace(ratio)))
        self.goal = self._line.end
        left = self._line.rotation_error
        self.notes = (f"{model.name}: orientation {left:.4f} rad off at the end of the line",) if left > 0.0 else ()
        self._over = False

    def sample(self, now: float, share: float = 1.0) -> tuple[float, ...] | None:
        """Joint positions to command next, as `Motion.sample`; the goal once, and then None."""
        if self._over:
            return None
        self._clock.advance(now, share)
        time = self._clock.time
        if time < self._brake.duration:
            return self._brake.at(time)
        time -= self._brake.duration
        if time >= self._trajectory.duration:
            self._over = True
            return self.goal
        along = min(1.0, max(0.0, self._trajectory.at_time(time)[0][0]))
        self._q = self._line.joints(along, self._q)
        return self._q
