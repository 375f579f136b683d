"""A tool that is told its speed (servo_cv): the twist is integrated, and silence is a stop.

The twist is that of the tip in the axes of the arm's base. It changes by no more than an acceleration; the joints keep
their own limits, and brake before the ends of their ranges and before the remote centre of motion.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from robot_driver.motion.bounds import TIP_SPEEDS, motion_bounds
from robot_driver.motion.brake import stands
from robot_driver.motion.follower import JointFollower
from robot_driver.motion.motion import MotionClock, MotionRefused
from teleop_core.arm_model import ArmModel, Inverse
from teleop_core.psm_kinematics import InverseKinematicsError
from teleop_core.se3 import FloatArray, Pose, quaternion_multiply

SILENCE = 0.1
"""Without a twist for this long the tool stops [s]."""
ACCELERATION = (2.0, 150.0)
"""Largest acceleration [m/s^2] and angular acceleration [rad/s^2] of the twist: full speed within 0.1 s."""
_UNITS = ("m/s", "rad/s")


class VelocityServo:
    """The tool of one arm.

    Attributes:
        busy: False.
        goal: Joint positions commanded last [rad, m].
        notes: What kept the tool from the twist asked for in the last sample, with amounts; empty where nothing did.
    """

    busy = False

    def __init__(
        self,
        model: ArmModel,
        q: Sequence[float],
        now: float,
        velocity: Sequence[float] | None = None,
        period: float = 0.005,
    ) -> None:
        """Begin at joint positions.

        Args:
            model: The arm.
            q: Joint positions commanded last (n,) [rad, m].
            now: When q was commanded, if the arm moves; else the present monotonic time [s].
            velocity: Their speeds (n,) [rad/s, m/s]; None for an arm that stands.
            period: Servo period [s].

        Raises:
            MotionRefused: wrong number of values, or not finite.
        """
        self._model, self._bounds = model, motion_bounds(model)
        start = self._bounds.checked("setpoint", q)
        speed = self._bounds.checked("speed of the setpoint", velocity or (0.0,) * len(start))
        self._follower = JointFollower(self._bounds, start, speed)
        self._clock = MotionClock(now, velocity is None, period)
        self._wanted: tuple[float, ...] = (0.0,) * 6
        self._wanted_at = -math.inf
        self._excess: tuple[str, ...] = ()
        tip = model.jacobian(start) @ speed
        self._twist: tuple[float, ...] = tuple(tip.tolist())
        self.notes: tuple[str, ...] = ()

    @property
    def goal(self) -> tuple[float, ...]:
        """See the attributes."""
        return self._follower.q

    def take(self, now: float, twist: Sequence[float]) -> None:
        """Take the newest twist; one that is too fast is slowed down, in its direction.

        Args:
            now: Monotonic time of its arrival [s].
            twist: Speed (3,) [m/s] and angular speed (3,) [rad/s] of the tip, in the axes of the arm's base.

        Raises:
            MotionRefused: it is not six finite numbers; the one before counts on.
        """
        values = tuple(float(value) for value in twist)
        if len(values) != 6 or not all(map(math.isfinite, values)):
            raise MotionRefused(f"{self._model.name}: twist {values} is not six finite numbers")
        notes, limited = [], []
        for part, largest, unit in zip((values[:3], values[3:]), TIP_SPEEDS, _UNITS, strict=True):
            size = math.hypot(*part)
            share = 1.0 if size <= largest else largest / size
            if share < 1.0:
                notes.append(f"{self._model.name}: {size:.3f} {unit} is {size - largest:.3f} {unit} too fast")
            limited += [share * value for value in part]
        self._wanted, self._wanted_at, self._excess = tuple(limited), now, tuple(notes)

    def sample(self, now: float, share: float = 1.0) -> tuple[float, ...] | None:
        """Joint positions to command next, as `Motion.sample`; None once it has been silent and the tool stands."""
        dt = self._clock.advance(now, share)
        if dt <= 0.0:
            return self._follower.q
        heard = 0.0 <= now - self._wanted_at <= SILENCE
        self._steer(tuple(self._clock.share * value for value in self._wanted) if heard else (0.0,) * 6, dt)
        if not heard and not any(self._twist) and stands(self._follower.velocity):
            self.notes = ()
            return None
        target, left_out = self._target(dt)
        self.notes = (self._excess if heard else ()) + left_out
        return self._follower.step(target, dt, self._clock.share)

    def _steer(self, wanted: tuple[float, ...], dt: float) -> None:
        """Change the twist towards the one wanted, within the acceleration."""
        turned: list[float] = []
        for first, acceleration in zip((0, 3), ACCELERATION, strict=True):
            old, new = self._twist[first : first + 3], wanted[first : first + 3]
            distance = math.dist(old, new)
            share = 1.0 if distance <= acceleration * dt else acceleration * dt / distance
            turned += [b if share == 1.0 else a + share * (b - a) for a, b in zip(old, new, strict=True)]
        self._twist = tuple(turned)

    def _target(self, dt: float) -> tuple[tuple[float, ...], tuple[str, ...]]:
        """Joint positions one step along the twist, and what of it they leave out."""
        here = self._follower.q
        if not any(self._twist):
            return here, ()
        try:
            found = self._model.inverse(self._moved(self._model.forward(here), dt), here)
        except InverseKinematicsError as error:
            return here, (f"{self._model.name}: {error}",)
        q, notes = self._bounds.clamped(self._bounds.kept(found.q, here), here)
        return q, notes + self._left_out(found, dt)

    def _moved(self, pose: Pose, dt: float) -> Pose:
        moved: FloatArray = pose.position + [value * dt for value in self._twist[:3]]
        rate = math.hypot(*self._twist[3:])
        if rate == 0.0:
            return Pose(moved, pose.quaternion)
        sine = math.sin(0.5 * rate * dt) / rate
        turn = (*(value * sine for value in self._twist[3:]), math.cos(0.5 * rate * dt))
        return Pose(moved, quaternion_multiply(turn, pose.quaternion))

    def _left_out(self, found: Inverse, dt: float) -> tuple[str, ...]:
        stopped = [
            name
            for name, value, low, high in zip(
                self._model.joint_names, found.q, self._bounds.lower, self._bounds.upper, strict=True
            )
            if not low < value < high
        ]
        if not stopped:
            return ()
        return (
            f"{self._model.name} {', '.join(stopped)} at the end of the range: {found.position_error / dt:.4f} m/s and "
            f"{found.rotation_error / dt:.4f} rad/s are left out",
        )
