"""Kinematics of the patient side manipulator: da Vinci Classic PSM with a large needle driver.

Base frame: the remote centre of motion (RCM), the point that the instrument's shaft always passes through. At joint
zero the shaft points along -z of the base. Tool frame: origin on the wrist yaw axis, rotation after the last row of the
table and `ROTATION_TIP_IN_WRIST`.

Source of the figures: the open da Vinci Research Kit (jhu-dvrk/sawIntuitiveResearchKit 2.4.0), share/kinematic/PSM.json
and share/tool/LARGE_NEEDLE_DRIVER_400006.json, with the rounded 1.5708 taken as exactly pi/2.
The closed forms follow from multiplying out the table; `chain_of_frames` is that table term by term.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from teleop_core.se3 import ArrayLike, FloatArray, Pose, as_floats

JOINT_NAMES = ("yaw", "pitch", "insertion", "roll", "wrist_pitch", "wrist_yaw")
JAW_NAME = "jaw"
INSERTION_INDEX = 2

LENGTH_RCC = 0.4318  # From the insertion's origin back to the RCM [m].
LENGTH_TOOL = 0.4162  # From the insertion's frame to the wrist pitch axis, the end of the shaft [m].
LENGTH_PITCH_TO_YAW = 0.0091  # From the wrist pitch axis to the wrist yaw axis, which is the tip frame's origin [m].
LENGTH_JAW = 0.0102  # From the wrist yaw axis to the tip of the jaws [m].
INSERTION_AT_RCM = LENGTH_RCC - LENGTH_TOOL  # Insertion with the end of the shaft exactly at the RCM [m]: 0.0156.
DEPTH_DEGENERATE = 0.001  # A wrist centre closer to the RCM than this gives no direction of the shaft [m].

# Closer to the RCM than this, the line of the wrist yaw axis counts as meeting it [m]: wrist pitch of 90 degrees.
_OFF_AXIS_DEGENERATE = 1e-6

ROTATION_TIP_IN_WRIST = np.array([[0.0, -1.0, 0.0], [0.0, 0.0, 1.0], [-1.0, 0.0, 0.0]])


@dataclass(frozen=True)
class DhRow:
    """One row of the modified (Craig) table: T = Rx(alpha) Tx(a) Rz(theta) Tz(d).

    Attributes:
        alpha: twist about x [rad].
        a: length along x [m].
        theta: angle about z at joint value zero [rad].
        d: offset along z at joint value zero [m].
        prismatic: True if the joint value adds to d, False if it adds to theta.
    """

    alpha: float
    a: float
    theta: float
    d: float
    prismatic: bool = False


_QUARTER = math.pi / 2.0
DH_TABLE = (
    DhRow(_QUARTER, 0.0, _QUARTER, 0.0),
    DhRow(-_QUARTER, 0.0, -_QUARTER, 0.0),
    DhRow(_QUARTER, 0.0, 0.0, -LENGTH_RCC, prismatic=True),
    DhRow(0.0, 0.0, 0.0, LENGTH_TOOL),
    DhRow(-_QUARTER, 0.0, -_QUARTER, 0.0),
    DhRow(-_QUARTER, LENGTH_PITCH_TO_YAW, -_QUARTER, 0.0),
)


@dataclass(frozen=True, eq=False)
class JointLimits:
    """Limits of a group of joints, all (n,), in the order of the joints; rad and m.

    Attributes:
        lower: smallest position [rad, m].
        upper: largest position [rad, m].
        velocity: largest speed [rad/s, m/s].
        acceleration: largest acceleration [rad/s^2, m/s^2].
        effort: largest torque or force [N m, N].
    """

    lower: FloatArray
    upper: FloatArray
    velocity: FloatArray
    acceleration: FloatArray
    effort: FloatArray


# Positions and efforts: the controller's limits in the two files named above. Velocities and accelerations: those of
# its own trajectories: 90 deg/s and 90 deg/s^2, 0.2 m/s and 0.2 m/s^2, for the instrument 3 turns/s and 2 turns/s^2.
_REVOLUTION = 2.0 * math.pi
JOINT_LIMITS = JointLimits(
    lower=np.array(
        [math.radians(-91.0), math.radians(-53.0), 0.0, math.radians(-260.0), math.radians(-80.0), math.radians(-80.0)]
    ),
    upper=np.array(
        [math.radians(91.0), math.radians(53.0), 0.240, math.radians(260.0), math.radians(80.0), math.radians(80.0)]
    ),
    velocity=np.array(
        [math.radians(90.0), math.radians(90.0), 0.2, 3.0 * _REVOLUTION, 3.0 * _REVOLUTION, 3.0 * _REVOLUTION]
    ),
    acceleration=np.array(
        [math.radians(90.0), math.radians(90.0), 0.2, 2.0 * _REVOLUTION, 2.0 * _REVOLUTION, 2.0 * _REVOLUTION]
    ),
    effort=np.array([3.316, 3.316, 9.878, 0.33, 0.25, 0.20]),
)
JAW_LIMITS = JointLimits(
    lower=np.array([math.radians(-40.0)]),
    upper=np.array([math.radians(80.0)]),
    velocity=np.array([3.0 * _REVOLUTION]),
    acceleration=np.array([2.0 * _REVOLUTION]),
    effort=np.array([0.16]),
)


class InverseKinematicsError(ValueError):
    """No joint values can be computed for a pose.

    Attributes:
        reason: what is degenerate, in words.
        position: (3,) position asked for, in the RCM base [m].
        distance: the distance that is too small [m]; NaN where the input itself was no pose.
        minimum: the smallest distance accepted [m].
    """

    def __init__(
        self, reason: str, position: tuple[float, float, float], distance: float = math.nan, minimum: float = math.nan
    ) -> None:
        self.reason = reason
        self.position = position
        self.distance = distance
        self.minimum = minimum
        measured = "" if math.isnan(distance) else f": {distance:.3g} m, at least {minimum:.3g} m needed"
        super().__init__(f"{reason}{measured}; tip position {position} m")


def forward(q: ArrayLike) -> tuple[FloatArray, FloatArray]:
    """Return where the tip is.

    Args:
        q: (6,) joint values in the order of `JOINT_NAMES` [rad, m].

    Returns:
        Position (3,) [m] and rotation matrix (3, 3) of the tool frame in the RCM base.

    Raises:
        ValueError: q is not six finite numbers.
    """
    position, (ax, ay, az), (bx, by, bz), (cx, cy, cz) = _tip(q)
    return np.array(position), np.array([[ax, bx, cx], [ay, by, cy], [az, bz, cz]])


def forward_pose(q: ArrayLike) -> Pose:
    """Return the pose of the tool frame in the RCM base at joint values q (6,) [rad, m]; errors as `forward`."""
    position, rotation = forward(q)
    return Pose.from_rotation(position, rotation)


def inverse(position: ArrayLike, rotation: FloatArray, q_previous: ArrayLike) -> FloatArray:
    """Return the joint values that put the tip at a pose: exact, in closed form, not clamped to any limit.

    The end of the shaft is taken to be past the RCM and the tip farther out than the wrist, so the solution is unique
    but for whole turns of the roll; of these the one nearest to q_previous is returned: a path never jumps by a turn.

    Args:
        position: (3,) tip in the RCM base [m].
        rotation: (3, 3) tool frame in the RCM base, orthonormal.
        q_previous: (6,) joint values before; only the roll is used [rad, m].

    Returns:
        (6,) joint values in the order of `JOINT_NAMES` [rad, m].

    Raises:
        InverseKinematicsError: the wrist centre is within 1 mm of the RCM, or the tip lies along the wrist yaw axis as
            seen from the RCM (wrist pitch of 90 degrees), or the input is no pose (NaN, no rotation matrix).
    """
    px, py, pz = as_floats(position)
    (tx0, ty0, tz0), (tx1, ty1, tz1), (tx2, ty2, tz2) = rotation.tolist()
    roll_previous = as_floats(q_previous)[3]
    # Entries of a rotation are at most 1. One sum finds every NaN too, also in the third column, which is not used.
    size = abs(tx0) + abs(tx1) + abs(tx2) + abs(ty0) + abs(ty1) + abs(ty2) + abs(tz0) + abs(tz1) + abs(tz2)
    if not (size <= 9.0 and math.isfinite(roll_previous)):
        raise InverseKinematicsError("rotation must be a rotation matrix and the previous roll finite", (px, py, pz))
    # Undo the tip rotation: z6 = -x_tip, x6 = -y_tip, y6 = z_tip. The table makes z6 = y5, and the shaft, x5 and z6 lie
    # in one plane with the RCM: so x5 is along the part of the tip's position at right angles to z6.
    zx, zy, zz = -tx0, -tx1, -tx2
    along = px * zx + py * zy + pz * zz
    ex, ey, ez = px - along * zx, py - along * zy, pz - along * zz
    off_axis = math.sqrt(ex * ex + ey * ey + ez * ez)
    if not _OFF_AXIS_DEGENERATE <= off_axis < math.inf:
        raise InverseKinematicsError(
            "tip lies along the wrist yaw axis through the remote centre", (px, py, pz), off_axis, _OFF_AXIS_DEGENERATE
        )
    ex, ey, ez = ex / off_axis, ey / off_axis, ez / off_axis
    wx, wy, wz = px - LENGTH_PITCH_TO_YAW * ex, py - LENGTH_PITCH_TO_YAW * ey, pz - LENGTH_PITCH_TO_YAW * ez
    depth = math.sqrt(wx * wx + wy * wy + wz * wz)
    if not DEPTH_DEGENERATE <= depth < math.inf:
        raise InverseKinematicsError(
            "wrist centre is too close to the remote centre", (px, py, pz), depth, DEPTH_DEGENERATE
        )
    horizontal = math.hypot(wx, wz)
    yaw = math.atan2(wx, -wz)
    pitch = -math.atan2(wy, horizontal)
    sin_yaw, cos_yaw = math.sin(yaw), math.cos(yaw)
    sin_pitch, cos_pitch = -wy / depth, horizontal / depth

    # Axes of frame 3 (before the roll) in the base, then y4 = z5 = x5 cross z6 seen from frame 3 gives the roll.
    x3x, x3y, x3z = -sin_yaw * sin_pitch, -cos_pitch, cos_yaw * sin_pitch
    y4x, y4y, y4z = ey * zz - ez * zy, ez * zx - ex * zz, ex * zy - ey * zx
    sin_roll = -(y4x * x3x + y4y * x3y + y4z * x3z)
    cos_roll = -(y4x * cos_yaw + y4z * sin_yaw)
    roll = math.atan2(sin_roll, cos_roll)
    # The IEEE remainder is the signed way from the nearest whole turn.
    roll = roll_previous - math.remainder(roll_previous - roll, _REVOLUTION)

    # z4 is the shaft's direction; x5 = sin(q5) x4 + cos(q5) z4 and z6 = cos(q5) x4 - sin(q5) z4.
    wrist_pitch = math.atan2(-(zx * wx + zy * wy + zz * wz), ex * wx + ey * wy + ez * wz)
    # x6 = sin(q6) x5 + cos(q6) z5 with x6 = -y_tip, and z5 = y4.
    wrist_yaw = math.atan2(-(ty0 * ex + ty1 * ey + ty2 * ez), -(ty0 * y4x + ty1 * y4y + ty2 * y4z))
    return np.array((yaw, pitch, depth + INSERTION_AT_RCM, roll, wrist_pitch, wrist_yaw))


def inverse_pose(pose: Pose, q_previous: ArrayLike) -> FloatArray:
    """Return the joint values (6,) for a tool pose in the RCM base; see `inverse`."""
    return inverse(pose.position, pose.rotation(), q_previous)


def position_joints(position: ArrayLike, roll: float, wrist_pitch: float) -> tuple[float, float, float]:
    """Return yaw, pitch and insertion that put the tip at a position with the wrist as it is: exact, not clamped.

    For a wrist that cannot turn as far as wanted: the tool's place is then still the one that was asked for.

    Args:
        position: (3,) tip in the RCM base [m].
        roll: Roll joint [rad].
        wrist_pitch: Wrist pitch joint [rad].

    Raises:
        InverseKinematicsError: the tip is too close to the RCM for this wrist, or the input is not finite.
    """
    px, py, pz = as_floats(position)
    # Seen from frame 3 the tip is at (a, b, h), h along the shaft.
    a = LENGTH_PITCH_TO_YAW * math.sin(wrist_pitch) * math.cos(roll)
    b = LENGTH_PITCH_TO_YAW * math.sin(wrist_pitch) * math.sin(roll)
    along_squared = px * px + py * py + pz * pz - a * a - b * b
    if not DEPTH_DEGENERATE**2 <= along_squared < math.inf:
        distance = math.sqrt(max(0.0, along_squared))
        raise InverseKinematicsError("tip is too close to the remote centre", (px, py, pz), distance, DEPTH_DEGENERATE)
    h = math.sqrt(along_squared)
    pitch = math.asin(max(-1.0, min(1.0, -py / math.hypot(a, h)))) - math.atan2(a, h)
    k = h * math.cos(pitch) - a * math.sin(pitch)
    yaw = math.atan2(px, -pz) + math.atan2(b, k)
    return yaw, pitch, h - LENGTH_PITCH_TO_YAW * math.cos(wrist_pitch) + INSERTION_AT_RCM


def rcm_depth(q: ArrayLike) -> float:
    """Return how far the end of the shaft (the wrist pitch axis) is past the RCM at q (6,) [m]; negative: not yet."""
    return float(q[INSERTION_INDEX]) - INSERTION_AT_RCM


def chain_of_frames(q: ArrayLike, table: tuple[DhRow, ...] = DH_TABLE) -> list[FloatArray]:
    """Return the homogeneous transforms (4, 4) of all frames in the base, multiplied out row by row of the table.

    Args:
        q: (n,) joint values, one for each row [rad, m].
        table: rows of the arm; by default this arm's own.

    Raises:
        ValueError: q has not one value for each row.
    """
    frames = []
    transform = np.eye(4)
    for row, value in zip(table, as_floats(q), strict=True):
        transform = transform @ _row_transform(row, value)
        frames.append(transform)
    return frames


def line_deviation_from_rcm(point: FloatArray, direction: FloatArray) -> float:
    """Return how far a straight line passes from the RCM [m].

    Args:
        point: (3,) any point of the line in the RCM base [m].
        direction: (3,) direction of the line, any length but zero.
    """
    return float(np.linalg.norm(np.cross(point, direction)) / np.linalg.norm(direction))


def shaft_deviation_from_rcm(q: ArrayLike) -> float:
    """Return how far the line of the shaft passes from the RCM [m], for commanded or for measured joint values q (6,).

    The line is taken from the full chain of transforms, not from the design's promise that it is zero.
    """
    shaft_end = chain_of_frames(q)[3]
    return line_deviation_from_rcm(shaft_end[:3, 3], shaft_end[:3, 2])


_Vector = tuple[float, float, float]


def _tip(q: ArrayLike) -> tuple[_Vector, _Vector, _Vector, _Vector]:
    """Return the tip's position [m] and the x, y and z axes of the tool frame in the RCM base."""
    q1, q2, insertion, q4, q5, q6 = _six(q)
    s1, c1, s2, c2 = math.sin(q1), math.cos(q1), math.sin(q2), math.cos(q2)
    s4, c4, s5, c5 = math.sin(q4), math.cos(q4), math.sin(q5), math.cos(q5)
    s6, c6 = math.sin(q6), math.cos(q6)
    # Columns of frame 3: x3 = (-s1 s2, -c2, c1 s2), y3 = (-c1, 0, -s1), z3 = shaft direction = z4.
    x3x, x3y, x3z = -s1 * s2, -c2, c1 * s2
    z4x, z4y, z4z = s1 * c2, -s2, -c1 * c2
    x4x, x4y, x4z = c4 * x3x - s4 * c1, c4 * x3y, c4 * x3z - s4 * s1
    y4x, y4y, y4z = -s4 * x3x - c4 * c1, -s4 * x3y, -s4 * x3z - c4 * s1
    x5x, x5y, x5z = s5 * x4x + c5 * z4x, s5 * x4y + c5 * z4y, s5 * x4z + c5 * z4z
    depth = insertion - INSERTION_AT_RCM
    position = (
        depth * z4x + LENGTH_PITCH_TO_YAW * x5x,
        depth * z4y + LENGTH_PITCH_TO_YAW * x5y,
        depth * z4z + LENGTH_PITCH_TO_YAW * x5z,
    )
    # Frame 6 has z6 = y5, and the tip rotation makes x_tip = -z6, y_tip = -x6, z_tip = y6.
    x_axis = (s5 * z4x - c5 * x4x, s5 * z4y - c5 * x4y, s5 * z4z - c5 * x4z)
    y_axis = (-s6 * x5x - c6 * y4x, -s6 * x5y - c6 * y4y, -s6 * x5z - c6 * y4z)
    z_axis = (c6 * x5x - s6 * y4x, c6 * x5y - s6 * y4y, c6 * x5z - s6 * y4z)
    return position, x_axis, y_axis, z_axis


def _six(q: ArrayLike) -> tuple[float, float, float, float, float, float]:
    values = as_floats(q)
    if len(values) != 6:
        raise ValueError(f"q must have 6 values, got {len(values)}")
    q1, q2, q3, q4, q5, q6 = values
    if not math.isfinite(q1 + q2 + q3 + q4 + q5 + q6):
        raise ValueError(f"q must be finite, got {list(values)}")
    return q1, q2, q3, q4, q5, q6


def _row_transform(row: DhRow, value: float) -> FloatArray:
    theta = row.theta + (0.0 if row.prismatic else value)
    d = row.d + (value if row.prismatic else 0.0)
    sin_alpha, cos_alpha = math.sin(row.alpha), math.cos(row.alpha)
    sin_theta, cos_theta = math.sin(theta), math.cos(theta)
    return np.array(
        [
            [cos_theta, -sin_theta, 0.0, row.a],
            [cos_alpha * sin_theta, cos_alpha * cos_theta, -sin_alpha, -sin_alpha * d],
            [sin_alpha * sin_theta, sin_alpha * cos_theta, cos_alpha, cos_alpha * d],
            [0.0, 0.0, 0.0, 1.0],
        ]
    )
