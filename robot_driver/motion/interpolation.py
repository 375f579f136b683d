"""Streams of targets at a low, irregular rate (interpolate_jp, interpolate_cp), for use from far away.

Targets go through the jitter buffer of `playout`. Where a curve begins, the arm is elsewhere: the way between the two
is added to the curve and fades out, no faster than a move would be. Last, the joints follow within speed, acceleration,
range, depth past the remote centre and workspace. So whatever arrives, in whatever order, no setpoint leaps.

A pose is turned into joint positions when it arrives; between two poses the tip goes as the joints do, off the straight
line by less than a tenth of a millimetre where poses are 5 mm apart.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from robot_driver.motion.bounds import MotionBounds, motion_bounds
from robot_driver.motion.brake import stands
from robot_driver.motion.follower import JointFollower
from robot_driver.motion.motion import MotionClock, MotionRefused
from robot_driver.motion.playout import Playout, PlayoutCounts
from robot_driver.motion.pose_goal import checked_pose
from teleop_core.arm_model import ArmModel
from teleop_core.psm_kinematics import InverseKinematicsError
from teleop_core.se3 import Pose

IDLE = 0.5
"""A stream that was silent for this long, with the arm at rest at its last target, is over [s]."""
SHORTEST_FADE = 0.1
"""The way from the arm to the curve fades out in this time at least [s]."""


class JointInterpolation:
    """One stream of joint positions.

    Attributes:
        busy: False.
        goal: The newest target [rad, m]; where the arm was before the first.
        notes: What of the newest target was out of a limit, with amounts; empty where nothing was.
    """

    busy = False

    def __init__(
        self,
        model: ArmModel,
        q: Sequence[float],
        now: float,
        period: float,
        velocity: Sequence[float] | None = None,
    ) -> None:
        """Begin at joint positions.

        Args:
            model: The arm.
            q: Joint positions commanded last (n,) [rad, m].
            now: When q was commanded, if the arm moves; else the present monotonic time [s].
            period: Servo period [s].
            velocity: Their speeds (n,) [rad/s, m/s]; None for an arm that stands.

        Raises:
            MotionRefused: wrong number of values, or not finite.
        """
        self.model, self._bounds = model, motion_bounds(model)
        start = self._bounds.checked("setpoint", q)
        speed = self._bounds.checked("speed of the setpoint", velocity or (0.0,) * len(start))
        self._clock = MotionClock(now, velocity is None, period)
        self._follower = JointFollower(self._bounds, start, speed)
        self._playout = Playout()
        self._curve = 0
        self._fade = _Fade(self._bounds, start, speed, start)
        self.notes: tuple[str, ...] = ()

    @property
    def goal(self) -> tuple[float, ...]:
        """See the attributes."""
        return self._playout.newest or self._follower.q

    @property
    def counts(self) -> PlayoutCounts:
        """What became of the targets since the start."""
        return self._playout.counts

    @property
    def delay(self) -> float:
        """How much later than after the shortest transit targets are played [s]."""
        return self._playout.delay

    def take(self, now: float, stamp: float, target: Sequence[float]) -> None:
        """Take a target; out of range it is moved to the nearest place that is allowed, and `notes` tell.

        Args:
            now: Monotonic time of its arrival [s].
            stamp: Its stamp on the sender's clock [s]; 0 where it has none.
            target: Joint positions (n,) [rad, m].

        Raises:
            MotionRefused: wrong number of values, or not finite; the stream goes on without it.
        """
        values = self._bounds.checked("target", target)
        if not math.isfinite(stamp):
            raise MotionRefused(f"{self.model.name}: stamp {stamp} of the target is not finite")
        inside, notes = self._bounds.clamped(values, self._follower.q)
        if self._playout.take(now, stamp, inside):
            self.notes = notes

    def sample(self, now: float, share: float = 1.0) -> tuple[float, ...] | None:
        """Joint positions to command next, as `Motion.sample`; None if it stands before the first, and at the end."""
        dt = self._clock.advance(now, share)
        if dt <= 0.0:
            return self._follower.q
        if not self._playout.newest:
            return (
                None
                if stands(self._follower.velocity)
                else self._follower.step(self._follower.q, dt, self._clock.share)
            )
        curve = self._playout.at(now)
        if self._playout.curves != self._curve:
            self._curve = self._playout.curves
            self._fade = _Fade(self._bounds, self._follower.q, self._follower.velocity, curve)
        away = self._fade.step(dt)
        wanted = tuple(value + way for value, way in zip(curve, away, strict=True))
        target, _notes = self._bounds.clamped(wanted, self._follower.q)
        self._follower.step(target, dt, self._clock.share)
        arrived = math.dist(self._follower.q, self._playout.newest) <= 1e-9
        if arrived and stands(self._follower.velocity) and self._playout.silent(now) > IDLE:
            return None
        return self._follower.q


class CartesianInterpolation:
    """One stream of poses of the tip in the arm's base; attributes as `JointInterpolation`."""

    busy = False

    def __init__(
        self,
        model: ArmModel,
        q: Sequence[float],
        now: float,
        period: float,
        velocity: Sequence[float] | None = None,
    ) -> None:
        """Begin at joint positions; arguments and errors as `JointInterpolation`."""
        self._joints = JointInterpolation(model, q, now, period, velocity)
        self.notes: tuple[str, ...] = ()

    @property
    def goal(self) -> tuple[float, ...]:
        """See the attributes."""
        return self._joints.goal

    @property
    def counts(self) -> PlayoutCounts:
        """What became of the targets since the start."""
        return self._joints.counts

    @property
    def delay(self) -> float:
        """How much later than after the shortest transit targets are played [s]."""
        return self._joints.delay

    def take(self, now: float, stamp: float, target: Pose) -> None:
        """Take a target; what of it is out of reach is left out, and `notes` tell.

        Args:
            now: Monotonic time of its arrival [s].
            stamp: Its stamp on the sender's clock [s]; 0 where it has none.
            target: Tip in the arm's base.

        Raises:
            MotionRefused: no pose, or the arm has no joint positions for it; the stream goes on without it.
        """
        model = self._joints.model
        pose = checked_pose(model.name, "target", target)
        try:
            found = model.inverse(pose, self.goal)
        except InverseKinematicsError as error:
            raise MotionRefused(f"{model.name}: {error}") from error
        self._joints.take(now, stamp, found.q)
        left_out = f"{model.name}: {1e3 * found.position_error:.2f} mm and {found.rotation_error:.4f} rad out of reach"
        short = found.position_error > 0.0 or found.rotation_error > 0.0
        self.notes = self._joints.notes + ((left_out,) if short else ())

    def sample(self, now: float, share: float = 1.0) -> tuple[float, ...] | None:
        """Joint positions to command next; see `JointInterpolation`."""
        return self._joints.sample(now, share)


class _Fade:
    """The way from where a curve begins to where the arm is: it shrinks to nothing."""

    def __init__(
        self, bounds: MotionBounds, q: tuple[float, ...], velocity: tuple[float, ...], curve: tuple[float, ...]
    ) -> None:
        self._way = tuple(here - there for here, there in zip(q, curve, strict=True))
        self._speed = velocity
        self._time = 0.0
        # A cubic from rest to rest has 1.5 times its mean speed, and 6 / T^2 times its way as acceleration.
        self._length = max(
            SHORTEST_FADE,
            *(1.5 * abs(way) / limit for way, limit in zip(self._way, bounds.speed, strict=True)),
            *(math.sqrt(6.0 * abs(way) / limit) for way, limit in zip(self._way, bounds.acceleration, strict=True)),
        )

    def step(self, dt: float) -> tuple[float, ...]:
        """What is left of the way, `dt` later."""
        self._time += dt
        u = min(1.0, self._time / self._length)
        left, moved = (1.0 - u) * (1.0 - u) * (1.0 + 2.0 * u), self._length * u * (1.0 - u) * (1.0 - u)
        return tuple(left * way + moved * speed for way, speed in zip(self._way, self._speed, strict=True))
