"""One view of all arms of the cart: names, limits, forward and inverse kinematics, Jacobian.

Every pose is one of the arm's tip in the arm's base, its remote centre of motion (RCM). The tip of an instrument arm is
the wrist yaw axis, that of the camera arm the optical tip in display axes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cache
from types import ModuleType

import numpy as np

from teleop_core import ecm_kinematics, psm_kinematics
from teleop_core.contract import ARMS, CAMERA_ARM
from teleop_core.psm_kinematics import INSERTION_INDEX, DhRow, InverseKinematicsError, JointLimits
from teleop_core.se3 import ArrayLike, FloatArray, Pose, as_floats, quaternion_angle

MIN_DEPTH = 0.045
"""Least length of an instrument's shaft past the RCM [m]: the da Vinci Research Kit's safe distance."""

_SHAFT_END = 3
"""Row of the tables whose frame is at the end of the shaft, z along it."""
EXACT = 1e-9
"""A pose is met exactly when what is left is no more than this [m, rad]."""


@dataclass(frozen=True)
class Inverse:
    """Joint values for a pose, and what of the pose they leave out.

    Attributes:
        q: (n,) joint values within the limits [rad, m].
        position_error: Distance from the tip to the place asked for [m]; 0 where it is exact.
        rotation_error: Angle from the tip's orientation to the one asked for [rad]; 0 where it is exact.
    """

    q: tuple[float, ...]
    position_error: float
    rotation_error: float


@dataclass(frozen=True, eq=False)
class ArmModel:
    """An arm of the cart.

    Attributes:
        name: Name of the arm.
        joint_names: In the order of the kinematics.
        limits: Of what may be commanded: the joint range, the least insertion past the RCM included [rad, m].
        slides: Which joints slide; the others turn.
        jaw: Limits of the jaw; None where there is none.
        base_frame: Frame of the RCM.
        tip_frame: Frame of the tip.
    """

    name: str
    joint_names: tuple[str, ...]
    limits: JointLimits
    slides: tuple[bool, ...]
    jaw: JointLimits | None
    base_frame: str
    tip_frame: str
    _table: tuple[DhRow, ...]
    _kinematics: ModuleType

    def __deepcopy__(self, memo: dict[int, object]) -> ArmModel:
        """Return itself: it does not change, and there is one for each arm."""
        return self

    def forward(self, q: ArrayLike) -> Pose:
        """Return the pose of the tip in the base at joint values q (n,) [rad, m].

        Raises:
            ValueError: q is not n finite numbers.
        """
        pose: Pose = self._kinematics.forward_pose(q)
        return pose

    def tip(self, q: ArrayLike) -> FloatArray:
        """Return the place of the tip (3,) in the base [m] at q (n,); errors as `forward`."""
        position: FloatArray = self._kinematics.forward(q)[0]
        return position

    def link(self, q: ArrayLike) -> Pose:
        """Return the frame of the last of the first joints in the base, at their values q (k,), 1 <= k <= n [rad, m].

        That of the joint itself, as the table of the arm has it: with all joints it is not yet the tip's.

        Raises:
            ValueError: q is not 1 to n values.
        """
        values, most = as_floats(q), len(self._table)
        if not 1 <= len(values) <= most:
            raise ValueError(f"q must be 1 to {most} values, got {len(values)}")
        transform = psm_kinematics.chain_of_frames(values, self._table[: len(values)])[-1]
        return Pose.from_rotation(transform[:3, 3], transform[:3, :3])

    def shaft_deviation(self, q: ArrayLike) -> float:
        """Return how far the line of the shaft passes from the RCM [m] at q (n,), from the full chain of transforms."""
        shaft_end = psm_kinematics.chain_of_frames(q, self._table)[_SHAFT_END]
        return psm_kinematics.line_deviation_from_rcm(shaft_end[:3, 3], shaft_end[:3, 2])

    def inverse(self, pose: Pose, q_previous: ArrayLike) -> Inverse:
        """Return the joint values for a pose of the tip in the base: exact where reachable, else clamped and told.

        Args:
            pose: Tip in the arm's base.
            q_previous: (n,) joint values before; whole turns of the roll are resolved towards them [rad, m].

        Raises:
            InverseKinematicsError: no joint values can be computed at all, or the input is not finite.
        """
        rotation = _rotation(pose)
        exact: tuple[float, ...] = tuple(self._kinematics.inverse(pose.position, rotation, q_previous).tolist())
        q = tuple(self._clamp(index, value) for index, value in enumerate(exact))
        if q == exact and self.name != CAMERA_ARM:
            return Inverse(q, 0.0, 0.0)
        if q != exact:
            q = self._keep_place(pose.position, q)
        reached = self.forward(q)
        position_error = math.dist(reached.position.tolist(), pose.position.tolist())
        rotation_error = quaternion_angle(reached.quaternion, pose.quaternion)
        # What is left after rounding is no shortfall.
        return Inverse(q, _unless_rounding(position_error), _unless_rounding(rotation_error))

    def jacobian(self, q: ArrayLike) -> FloatArray:
        """Return the geometric Jacobian (6, n) of the tip in base axes at q (n,): rows x, y, z, then about x, y, z.

        Raises:
            ValueError: q has not one value for each joint.
        """
        frames = psm_kinematics.chain_of_frames(q, self._table)
        tip = frames[-1][:3, 3]
        jacobian = np.zeros((6, len(self._table)))
        for index, (row, frame) in enumerate(zip(self._table, frames, strict=True)):
            # A joint turns or slides along the z axis of its own frame.
            axis = frame[:3, 2]
            if row.prismatic:
                jacobian[:3, index] = axis
            else:
                jacobian[:3, index] = np.cross(axis, tip - frame[:3, 3])
                jacobian[3:, index] = axis
        return jacobian

    def body_jacobian(self, q: ArrayLike) -> FloatArray:
        """Return the same Jacobian (6, n) in the tip's own axes; errors as `jacobian`."""
        rotation = self.forward(q).rotation()
        spatial = self.jacobian(q)
        return np.vstack((rotation.T @ spatial[:3], rotation.T @ spatial[3:]))

    def within(self, q: ArrayLike) -> bool:
        """Tell whether q is one finite value for each joint, all within the limits."""
        values = as_floats(q)
        return len(values) == len(self.joint_names) and all(
            low <= value <= high for low, value, high in zip(self.limits.lower, values, self.limits.upper, strict=True)
        )

    def _clamp(self, index: int, value: float) -> float:
        return min(float(self.limits.upper[index]), max(float(self.limits.lower[index]), value))

    def _keep_place(self, position: FloatArray, q: tuple[float, ...]) -> tuple[float, ...]:
        """Give up orientation before place: with the clamped wrist, the tip as near to the position as it gets."""
        if self.name == CAMERA_ARM:
            insertion = ecm_kinematics.nearest_insertion(position, q[0], q[1])
            return (*q[:INSERTION_INDEX], self._clamp(INSERTION_INDEX, insertion), *q[INSERTION_INDEX + 1 :])
        try:
            place = psm_kinematics.position_joints(position, q[3], q[4])
        except InverseKinematicsError:
            return q
        return (*(self._clamp(index, value) for index, value in enumerate(place)), *q[len(place) :])


@cache
def arm_model(name: str) -> ArmModel:
    """Return the model of an arm by its name.

    Raises:
        ValueError: no arm of this name stands on the cart.
    """
    if name not in ARMS:
        raise ValueError(f"arm must be one of {', '.join(ARMS)}, got {name!r}")
    names: tuple[str, ...] = ecm_kinematics.ECM_JOINT_NAMES if name == CAMERA_ARM else psm_kinematics.JOINT_NAMES
    table: tuple[DhRow, ...] = ecm_kinematics.ECM_DH_TABLE if name == CAMERA_ARM else psm_kinematics.DH_TABLE
    return ArmModel(
        name=name,
        joint_names=names,
        limits=_ecm_limits() if name == CAMERA_ARM else _psm_limits(),
        slides=tuple(row.prismatic for row in table),
        jaw=None if name == CAMERA_ARM else psm_kinematics.JAW_LIMITS,
        base_frame=f"{name}_base_link",
        tip_frame=f"{name}_display" if name == CAMERA_ARM else f"{name}_tool_tip",
        _table=table,
        _kinematics=ecm_kinematics if name == CAMERA_ARM else psm_kinematics,
    )


def _ecm_limits() -> JointLimits:
    return _from_insertion(ecm_kinematics.ECM_LIMITS, ecm_kinematics.MIN_INSERTION)


def _psm_limits() -> JointLimits:
    return _from_insertion(psm_kinematics.JOINT_LIMITS, MIN_DEPTH + psm_kinematics.INSERTION_AT_RCM)


def _from_insertion(limits: JointLimits, insertion: float) -> JointLimits:
    """The same limits with no insertion less than this [m]."""
    lower = limits.lower.copy()
    lower[INSERTION_INDEX] = max(lower[INSERTION_INDEX], insertion)
    return replace(limits, lower=lower)


def _rotation(pose: Pose) -> FloatArray:
    try:
        return pose.rotation()
    except ValueError as error:
        x, y, z = pose.position.tolist()
        raise InverseKinematicsError(str(error), (x, y, z)) from error


def _unless_rounding(error: float) -> float:
    return error if error > EXACT else 0.0
