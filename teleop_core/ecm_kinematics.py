"""Kinematics of the endoscopic camera manipulator: da Vinci Classic ECM, four joints, straight endoscope.

Base frame: the remote centre of motion (RCM); at joint zero the endoscope points along -z. Tip frame: the optical axes
in display form (CRTK): x left as seen on the display, y up, z along the view.

Four joints place the tip anywhere and turn the picture about the view. The view itself goes from the RCM through the
tip, so an orientation can be had only in part: the inverse keeps the place and turns the picture as near as it gets.

Source of the figures: the open da Vinci Research Kit (jhu-dvrk/sawIntuitiveResearchKit 2.4.0), share/kinematic/ECM.json
and, for the speeds and the least insertion, core/components/code/mtsIntuitiveResearchKitECM.cpp.
"""

from __future__ import annotations

import math

import numpy as np

from teleop_core.psm_kinematics import DhRow, InverseKinematicsError, JointLimits
from teleop_core.se3 import ArrayLike, FloatArray, Pose, as_floats

ECM_JOINT_NAMES = ("yaw", "pitch", "insertion", "roll")
MIN_INSERTION = 0.040
"""Least insertion at which the tip may be steered in space [m]."""

_RCM_TO_FRAME_3 = -0.3822  # Of the insertion's frame at insertion zero, along the endoscope [m].
_FRAME_3_TO_TIP = 0.3829  # From the insertion's frame to the tip [m].
TIP_PAST_RCM = _RCM_TO_FRAME_3 + _FRAME_3_TO_TIP
"""Distance of the tip from the RCM at insertion zero [m]: 0.7 mm."""

_DEPTH_DEGENERATE = 1e-4  # A tip closer to the RCM than this gives no direction of the view [m].
_ROLL_UNDEFINED = 1e-12  # The view points the other way: every roll is as far off as any other.

_QUARTER = math.pi / 2.0
ECM_DH_TABLE = (
    DhRow(_QUARTER, 0.0, _QUARTER, 0.0),
    DhRow(-_QUARTER, 0.0, -_QUARTER, 0.0),
    DhRow(_QUARTER, 0.0, 0.0, _RCM_TO_FRAME_3, prismatic=True),
    DhRow(0.0, 0.0, 0.0, _FRAME_3_TO_TIP),
)
# Velocities and accelerations: those of the controller's own trajectories.
ECM_LIMITS = JointLimits(
    lower=np.array([math.radians(-90.0), math.radians(-44.0), 0.0, math.radians(-88.0)]),
    upper=np.array([math.radians(90.0), math.radians(65.0), 0.255, math.radians(88.0)]),
    velocity=np.array([math.radians(30.0), math.radians(30.0), 0.06, math.radians(30.0)]),
    acceleration=np.array([math.radians(90.0), math.radians(90.0), 0.06, math.radians(90.0)]),
    effort=np.array([20.0, 20.0, 30.0, 2.0]),
)


def forward(q: ArrayLike) -> tuple[FloatArray, FloatArray]:
    """Return where the tip is and how the picture stands.

    Args:
        q: (4,) joint values in the order of `ECM_JOINT_NAMES` [rad, m].

    Returns:
        Position (3,) [m] and rotation matrix (3, 3) of the display frame in the RCM base.

    Raises:
        ValueError: q is not four finite numbers.
    """
    yaw, pitch, insertion, roll = _four(q)
    x3, y3, view = _frame_3(yaw, pitch)
    sine, cosine = math.sin(roll), math.cos(roll)
    up = cosine * x3 + sine * y3
    right = cosine * y3 - sine * x3
    return (insertion + TIP_PAST_RCM) * view, np.column_stack((-right, up, view))


def forward_pose(q: ArrayLike) -> Pose:
    """Return the pose of the display frame in the RCM base at joint values q (4,) [rad, m]; errors as `forward`."""
    position, rotation = forward(q)
    return Pose.from_rotation(position, rotation)


def inverse(position: ArrayLike, rotation: FloatArray, q_previous: ArrayLike) -> FloatArray:
    """Return the joint values that put the tip at a place, the picture turned as near to an orientation as it gets.

    Exact in closed form, not clamped to any limit. Of the whole turns of the roll the nearest to q_previous is taken.

    Args:
        position: (3,) tip in the RCM base [m].
        rotation: (3, 3) display frame in the RCM base, orthonormal.
        q_previous: (4,) joint values before; only the roll is used [rad, m].

    Returns:
        (4,) joint values in the order of `ECM_JOINT_NAMES` [rad, m].

    Raises:
        InverseKinematicsError: the tip is within 0.1 mm of the RCM, or the input is no pose (NaN, no rotation matrix).
    """
    px, py, pz = as_floats(position)
    roll_previous = as_floats(q_previous)[3]
    # Entries of a rotation are at most 1; NaN fails the comparison.
    if not (float(np.abs(rotation).sum()) <= 9.0 and math.isfinite(roll_previous)):
        raise InverseKinematicsError("rotation must be a rotation matrix and the previous roll finite", (px, py, pz))
    depth = math.sqrt(px * px + py * py + pz * pz)
    if not _DEPTH_DEGENERATE <= depth < math.inf:
        raise InverseKinematicsError("tip is too close to the remote centre", (px, py, pz), depth, _DEPTH_DEGENERATE)
    yaw, pitch = math.atan2(px, -pz), -math.atan2(py, math.hypot(px, pz))
    x3, y3, _ = _frame_3(yaw, pitch)
    left, up = rotation[:, 0], rotation[:, 1]
    # The roll that brings -y4 nearest to `left` and x4 nearest to `up`.
    sine, cosine = float(left @ x3 + up @ y3), float(up @ x3 - left @ y3)
    roll = roll_previous
    if math.hypot(sine, cosine) > _ROLL_UNDEFINED:
        # The IEEE remainder is the signed way from the nearest whole turn.
        roll -= math.remainder(roll_previous - math.atan2(sine, cosine), 2.0 * math.pi)
    return np.array((yaw, pitch, depth - TIP_PAST_RCM, roll))


def nearest_insertion(position: ArrayLike, yaw: float, pitch: float) -> float:
    """Return the insertion [m] with which the tip is nearest to a position (3,) [m], the view held at yaw and pitch."""
    view = _frame_3(yaw, pitch)[2]
    return float(np.asarray(position) @ view) - TIP_PAST_RCM


def _frame_3(yaw: float, pitch: float) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return the x, y and z axes of frame 3, before the roll, in the RCM base: z is the view."""
    s1, c1, s2, c2 = math.sin(yaw), math.cos(yaw), math.sin(pitch), math.cos(pitch)
    return np.array((-s1 * s2, -c2, c1 * s2)), np.array((-c1, 0.0, -s1)), np.array((s1 * c2, -s2, -c1 * c2))


def _four(q: ArrayLike) -> tuple[float, float, float, float]:
    values = as_floats(q)
    if len(values) != 4:
        raise ValueError(f"q must have 4 values, got {len(values)}")
    yaw, pitch, insertion, roll = values
    if not math.isfinite(yaw + pitch + insertion + roll):
        raise ValueError(f"q must be finite, got {list(values)}")
    return yaw, pitch, insertion, roll
