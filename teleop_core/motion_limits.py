"""From the tool pose that the hand asks for to joint positions the arm can take, with every shortfall named.

This is what the operator is told while operating. It is not the last guard: the command gate in the driver checks
again, by rules of its own.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

import numpy as np

from teleop_core.psm_kinematics import (
    INSERTION_AT_RCM,
    INSERTION_INDEX,
    JOINT_LIMITS,
    JOINT_NAMES,
    InverseKinematicsError,
    forward_pose,
    inverse_pose,
    position_joints,
)
from teleop_core.se3 import FloatArray, Pose, as_floats, quaternion_angle, slerp

PLACE = (0, 1, 2)
"""Joints that place the tip: yaw, pitch, insertion."""
WRIST = (3, 4, 5)
"""Joints that turn it: roll, wrist pitch, wrist yaw."""
Vector = tuple[float, float, float]

ENGAGE_TOLERANCE = 0.003
"""An arm that stands this much nearer to the cannula than following allows may still be engaged [m]."""


SHORTENINGS = 5
"""A step of the joints that is too long for the tool is shortened so often: each time its curve counts for less."""


class LimitReason(str, Enum):
    """Why an instrument did not do all that the hand asked, in the operator's words."""

    SPEED = "tool speed"
    ACCELERATION = "tool acceleration"
    ROTATION_SPEED = "tool rotation speed"
    UNREACHABLE = "pose not reachable"
    JOINT_SPEED = "joint speed"
    RCM_DEPTH = "instrument too close to the cannula"


def joint_limit_reason(joint: str) -> str:
    """Reason text for a joint at the end of its range."""
    return f"{joint} at its limit"


@dataclass(frozen=True)
class MotionLimits:
    """Limits of the motion of one instrument that follows a hand.

    Attributes:
        tool_speed: Largest speed of the tip [m/s].
        tool_acceleration: Largest acceleration of the tip [m/s^2]: less than the command gate allows, so that the tool
            does not fall behind its commands there.
        tool_rotation_speed: Largest angular speed of the tip [rad/s].
        joint_margin: Kept to the end of each rotary joint's range [rad].
        joint_speed_share: Share of each joint's largest speed that following may use, 0..1.
        min_depth: Least length of shaft past the remote centre of motion [m].
    """

    tool_speed: float = 0.2
    tool_acceleration: float = 3.0
    tool_rotation_speed: float = 15.0
    joint_margin: float = math.radians(1.0)
    joint_speed_share: float = 0.9
    min_depth: float = 0.047


@dataclass(frozen=True)
class Reachable:
    """What of a wanted pose can be done now.

    Attributes:
        q: Joint positions, 6 values in the order of JOINT_NAMES [rad, m].
        reasons: Why the tool falls short of the wanted pose; empty when it does not.
    """

    q: tuple[float, ...]
    reasons: tuple[str, ...]


class MotionLimiter:
    """Turns wanted poses into joint positions within the limits."""

    def __init__(self, limits: MotionLimits) -> None:
        """Work out the joint ranges once."""
        self._limits = limits
        margins = [limits.joint_margin] * len(JOINT_NAMES)
        margins[INSERTION_INDEX] = 0.0
        self._lower = [float(low) + margin for low, margin in zip(JOINT_LIMITS.lower, margins, strict=True)]
        self._upper = [float(high) - margin for high, margin in zip(JOINT_LIMITS.upper, margins, strict=True)]
        self._min_insertion = max(self._lower[INSERTION_INDEX], limits.min_depth + INSERTION_AT_RCM)
        self._speed = [float(speed) * limits.joint_speed_share for speed in JOINT_LIMITS.velocity]

    def deep_enough(self, q: tuple[float, ...]) -> bool:
        """True if the instrument is far enough past the cannula for a hand to have a sure hold on it."""
        return q[INSERTION_INDEX] >= self._min_insertion - ENGAGE_TOLERANCE

    def toward(
        self, wanted: Pose, present: Pose, velocity: FloatArray, dt: float
    ) -> tuple[Pose, FloatArray, tuple[str, ...]]:
        """Pose on the way from `present` to `wanted` that is reached in `dt` at limited speed and acceleration.

        Args:
            wanted: Where the hand wants the tool.
            present: Where it was told to be last.
            velocity: How fast it went there, shape (3,) [m/s].
            dt: Time for the step, above 0 [s].

        Returns:
            The pose, the velocity of the tip on the way to it, shape (3,) [m/s], and why it is not the wanted one.
        """
        reasons: list[str] = []
        (x, y, z), (x0, y0, z0) = as_floats(wanted.position), as_floats(present.position)
        way = (x - x0, y - y0, z - z0)
        vx, vy, vz = self._allowed_velocity(way, as_floats(velocity), dt, reasons)
        position = np.array((x0 + vx * dt, y0 + vy * dt, z0 + vz * dt)) if reasons else wanted.position
        quaternion = wanted.quaternion
        angle = quaternion_angle(wanted.quaternion, present.quaternion)
        largest = self._limits.tool_rotation_speed * dt
        if not angle <= largest:
            quaternion = slerp(present.quaternion, wanted.quaternion, largest / angle)
            reasons.append(LimitReason.ROTATION_SPEED.value)
        return (Pose(position, quaternion) if reasons else wanted), np.array((vx, vy, vz)), tuple(reasons)

    def _allowed_velocity(self, way: Vector, before: Sequence[float], dt: float, reasons: list[str]) -> Vector:
        """Velocity that respects both limits; where it has to be limited it also brakes in time for the target."""
        change = self._limits.tool_acceleration * dt
        x, y, z = wanted = (way[0] / dt, way[1] / dt, way[2] / dt)
        speed = math.hypot(x, y, z)
        too_fast = not speed <= self._limits.tool_speed
        too_sudden = not math.dist(wanted, before) <= change
        if not (too_fast or too_sudden):
            return wanted
        reasons.extend([LimitReason.SPEED.value] * too_fast + [LimitReason.ACCELERATION.value] * too_sudden)
        # Largest speed from which the rest of the way suffices to stop, when speed changes once in each step.
        braking = math.sqrt(2.0 * change * speed + 0.25 * change * change) - 0.5 * change
        share = min(self._limits.tool_speed, braking, speed) / speed if speed > 0.0 else 1.0
        bx, by, bz = before
        dx, dy, dz = share * x - bx, share * y - by, share * z - bz
        size = math.hypot(dx, dy, dz)
        part = 1.0 if size <= change else change / size
        return bx + part * dx, by + part * dy, bz + part * dz

    def reach(self, pose: Pose, q_present: tuple[float, ...], dt: float) -> Reachable:
        """Joint positions for a pose, clamped to range and speed; the present ones where the pose has none.

        Joints of which some fall short lead the tool beside the way to the pose: no faster than it may go, either.

        Args:
            pose: Tool tip in the arm's base (remote centre of motion).
            q_present: Joint positions commanded last [rad, m].
            dt: Time since they were commanded [s].
        """
        try:
            wanted = tuple(inverse_pose(pose, q_present).tolist())
            reasons: dict[str, None] = {}
            wrist = tuple(self._joint(index, wanted[index], q_present, dt, reasons) for index in WRIST)
            place: tuple[float, ...] = wanted[: len(PLACE)]
            if wrist != wanted[len(PLACE) :]:
                # The wrist falls short; the tip need not.
                place = position_joints(pose.position, wrist[0], wrist[1])
        except InverseKinematicsError:
            return Reachable(q_present, (LimitReason.UNREACHABLE.value,))
        reached = tuple(self._joint(index, place[index], q_present, dt, reasons) for index in PLACE)
        q = reached + wrist
        return Reachable(self._shortened(q, q_present, dt) if reasons else q, tuple(reasons))

    def _shortened(self, q: tuple[float, ...], q_present: tuple[float, ...], dt: float) -> tuple[float, ...]:
        """What of a step of the joints the tool can go in `dt` [s] within its speed and its speed of turning."""
        present = forward_pose(q_present)
        for _ in range(SHORTENINGS):
            pose = forward_pose(q)
            moved = math.dist(as_floats(pose.position), as_floats(present.position))
            turned = quaternion_angle(pose.quaternion, present.quaternion)
            excess = max(moved / self._limits.tool_speed, turned / self._limits.tool_rotation_speed) / dt
            if excess > 1.0:
                q = tuple(old + (new - old) / excess for new, old in zip(q, q_present, strict=True))
        return q

    def _joint(
        self, index: int, wanted: float, q_present: tuple[float, ...], dt: float, reasons: dict[str, None]
    ) -> float:
        """What of a wanted joint position can be done in `dt` [s]; says why not all of it."""
        value, present = wanted, q_present[index]
        inserts = index == INSERTION_INDEX
        low, high = self._min_insertion if inserts else self._lower[index], self._upper[index]
        if not low <= value <= high:
            too_shallow = inserts and value < low
            reasons[LimitReason.RCM_DEPTH.value if too_shallow else joint_limit_reason(JOINT_NAMES[index])] = None
            # A joint outside its range stands there until the hand brings it back: it never moves by itself.
            value = min(max(high, present), max(min(low, present), value))
        step = self._speed[index] * dt
        if not abs(value - present) <= step:
            value = present + math.copysign(step, value - present)
            reasons[LimitReason.JOINT_SPEED.value] = None
        return value
