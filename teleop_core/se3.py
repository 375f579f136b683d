"""Rigid motions: poses, unit quaternions and rotation matrices.

Quaternions are in ROS order x, y, z, w, as in geometry_msgs, so no border of the suite ever reorders them. The small
vectors here are handled as plain Python floats: for three or four numbers that is several times faster than numpy, and
this code runs for every command of every arm. Libraries with another order (transforms3d: w, x, y, z) are used in the
tests, as an independent check.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
ArrayLike = FloatArray | Sequence[float]

# Below this angle the sine of a slerp loses its digits, and a straight line is exact to double precision [1 - cosine].
_SLERP_LINEAR_BELOW = 1e-10


@dataclass(frozen=True, eq=False, slots=True)
class Pose:
    """A rigid pose of one frame in another.

    Attributes:
        position: (3,) origin of the frame [m].
        quaternion: (4,) unit quaternion x, y, z, w of the frame's rotation.
    """

    position: FloatArray
    quaternion: FloatArray

    @staticmethod
    def identity() -> Pose:
        """Return the pose of a frame in itself."""
        return Pose(np.zeros(3), np.array([0.0, 0.0, 0.0, 1.0]))

    @staticmethod
    def from_rotation(position: ArrayLike, rotation: FloatArray) -> Pose:
        """Return the pose with this position (3,) [m] and rotation matrix (3, 3)."""
        return Pose(np.array(position, dtype=np.float64), quaternion_from_matrix(rotation))

    def rotation(self) -> FloatArray:
        """Return the rotation matrix (3, 3) of the pose."""
        return matrix_from_quaternion(self.quaternion)

    def matrix(self) -> FloatArray:
        """Return the homogeneous transform (4, 4) of the pose."""
        transform = np.eye(4)
        transform[:3, :3] = self.rotation()
        transform[:3, 3] = self.position
        return transform


def as_floats(values: ArrayLike) -> Sequence[float]:
    """Return a vector as plain Python floats (numpy scalars make every later operation several times slower)."""
    if isinstance(values, np.ndarray):
        floats: list[float] = values.tolist()
        return floats
    return values


def is_unit_quaternion(quaternion: ArrayLike, tolerance: float = 1e-3) -> bool:
    """Tell whether four numbers are finite and their norm is 1 within the tolerance [1]; NaN is refused."""
    if len(quaternion) != 4:
        return False
    x, y, z, w = as_floats(quaternion)
    return 1.0 - tolerance <= math.sqrt(x * x + y * y + z * z + w * w) <= 1.0 + tolerance


def unit(quaternion: ArrayLike) -> FloatArray:
    """Return the unit quaternion of the same rotation, x, y, z, w.

    Raises:
        ValueError: the quaternion is zero or not finite.
    """
    return np.array(_normalised(*as_floats(quaternion)))


def matrix_from_quaternion(quaternion: ArrayLike) -> FloatArray:
    """Return the rotation matrix (3, 3) of a quaternion x, y, z, w.

    The quaternion is normalised first, so small rounding errors do not scale the matrix.

    Raises:
        ValueError: the quaternion is zero or not finite.
    """
    x, y, z, w = _normalised(*as_floats(quaternion))
    xx, yy, zz = x * x, y * y, z * z
    xy, xz, yz = x * y, x * z, y * z
    wx, wy, wz = w * x, w * y, w * z
    return np.array(
        [
            [1.0 - 2.0 * (yy + zz), 2.0 * (xy - wz), 2.0 * (xz + wy)],
            [2.0 * (xy + wz), 1.0 - 2.0 * (xx + zz), 2.0 * (yz - wx)],
            [2.0 * (xz - wy), 2.0 * (yz + wx), 1.0 - 2.0 * (xx + yy)],
        ]
    )


def quaternion_from_matrix(rotation: FloatArray) -> FloatArray:
    """Return the unit quaternion x, y, z, w with w >= 0 of a rotation matrix (3, 3).

    Of the four equivalent formulas the one with the largest divisor is used (Shepperd 1978), so it is accurate for
    every angle including 180 degrees. Noisy matrices go through `rotation_matrix_nearest` first.
    """
    (m00, m01, m02), (m10, m11, m12), (m20, m21, m22) = rotation.tolist()
    if m00 + m11 + m22 >= max(m00, m11, m22):
        x, y, z, w = m21 - m12, m02 - m20, m10 - m01, 1.0 + m00 + m11 + m22
    elif m00 >= m11 and m00 >= m22:
        x, y, z, w = 1.0 + m00 - m11 - m22, m01 + m10, m02 + m20, m21 - m12
    elif m11 >= m22:
        x, y, z, w = m01 + m10, 1.0 - m00 + m11 - m22, m12 + m21, m02 - m20
    else:
        x, y, z, w = m02 + m20, m12 + m21, 1.0 - m00 - m11 + m22, m10 - m01
    if w < 0.0:
        x, y, z, w = -x, -y, -z, -w
    return np.array(_normalised(x, y, z, w))


def multiplied(first: Sequence[float], second: Sequence[float]) -> tuple[float, float, float, float]:
    """Return the Hamilton product first * second of plain floats x, y, z, w: for several products in a row."""
    x0, y0, z0, w0 = first
    x1, y1, z1, w1 = second
    return (
        w0 * x1 + x0 * w1 + y0 * z1 - z0 * y1,
        w0 * y1 - x0 * z1 + y0 * w1 + z0 * x1,
        w0 * z1 + x0 * y1 - y0 * x1 + z0 * w1,
        w0 * w1 - x0 * x1 - y0 * y1 - z0 * z1,
    )


def quaternion_multiply(first: ArrayLike, second: ArrayLike) -> FloatArray:
    """Return the Hamilton product first * second (apply `second`, then `first`), x, y, z, w."""
    return np.array(multiplied(as_floats(first), as_floats(second)))


def quaternion_conjugate(quaternion: ArrayLike) -> FloatArray:
    """Return the conjugate, which is the inverse rotation of a unit quaternion x, y, z, w."""
    x, y, z, w = as_floats(quaternion)
    return np.array([-x, -y, -z, w])


def quaternion_angle(first: ArrayLike, second: ArrayLike) -> float:
    """Return the angle of the rotation from one unit quaternion to another [rad], 0 to pi.

    q and -q are the same rotation. The arc tangent keeps full accuracy at 0, where an arc cosine has none.
    """
    x0, y0, z0, w0 = as_floats(first)
    x, y, z, w = multiplied((-x0, -y0, -z0, w0), as_floats(second))
    return 2.0 * math.atan2(math.sqrt(x * x + y * y + z * z), abs(w))


def rotated(quaternion: Sequence[float], vector: Sequence[float]) -> tuple[float, float, float]:
    """Return a vector x, y, z turned by a unit quaternion x, y, z, w, all of them plain floats."""
    x, y, z, w = quaternion
    vx, vy, vz = vector
    # v + 2 w (u x v) + 2 u x (u x v) with u the vector part: fewer multiplications than the matrix.
    tx, ty, tz = 2.0 * (y * vz - z * vy), 2.0 * (z * vx - x * vz), 2.0 * (x * vy - y * vx)
    return (vx + w * tx + y * tz - z * ty, vy + w * ty + z * tx - x * tz, vz + w * tz + x * ty - y * tx)


def rotate(quaternion: ArrayLike, vector: ArrayLike) -> FloatArray:
    """Return a vector (3,) turned by a unit quaternion x, y, z, w."""
    return np.array(rotated(as_floats(quaternion), as_floats(vector)))


def slerp(start: ArrayLike, end: ArrayLike, fraction: float) -> FloatArray:
    """Interpolate between two unit quaternions at constant angular speed along the shorter arc.

    Args:
        start: (4,) unit quaternion at fraction 0.
        end: (4,) unit quaternion at fraction 1.
        fraction: 0 to 1.

    Returns:
        (4,) unit quaternion x, y, z, w.

    Raises:
        ValueError: the fraction is outside 0 to 1.
    """
    if not 0.0 <= fraction <= 1.0:
        raise ValueError(f"fraction must be within 0 to 1, got {fraction}")
    x0, y0, z0, w0 = as_floats(start)
    x1, y1, z1, w1 = as_floats(end)
    cosine = x0 * x1 + y0 * y1 + z0 * z1 + w0 * w1
    sign = -1.0 if cosine < 0.0 else 1.0
    cosine = min(abs(cosine), 1.0)
    if 1.0 - cosine < _SLERP_LINEAR_BELOW:
        weight_start, weight_end = 1.0 - fraction, sign * fraction
    else:
        angle = math.acos(cosine)
        sine = math.sin(angle)
        weight_start = math.sin((1.0 - fraction) * angle) / sine
        weight_end = sign * math.sin(fraction * angle) / sine
    return np.array(
        _normalised(
            weight_start * x0 + weight_end * x1,
            weight_start * y0 + weight_end * y1,
            weight_start * z0 + weight_end * z1,
            weight_start * w0 + weight_end * w1,
        )
    )


def compose(outer: Pose, inner: Pose) -> Pose:
    """Chain two poses: `outer` of B in A and `inner` of C in B give the pose of C in A."""
    quaternion = as_floats(outer.quaternion)
    px, py, pz = as_floats(outer.position)
    x, y, z = rotated(quaternion, as_floats(inner.position))
    turned = multiplied(quaternion, as_floats(inner.quaternion))
    # Renormalised here, so that a long chain cannot drift away from a rotation.
    return Pose(np.array((px + x, py + y, pz + z)), np.array(_normalised(*turned)))


def inverse(pose: Pose) -> Pose:
    """Return the inverse: the pose of B in A gives the pose of A in B."""
    x, y, z, w = as_floats(pose.quaternion)
    conjugate = (-x, -y, -z, w)
    px, py, pz = rotated(conjugate, as_floats(pose.position))
    return Pose(np.array((-px, -py, -pz)), np.array(conjugate))


def rotation_matrix_nearest(matrix: FloatArray) -> FloatArray:
    """Return the rotation matrix nearest to a noisy one in the least-squares sense (Kabsch).

    Args:
        matrix: (3, 3), for instance recorded with a few digits only.

    Returns:
        (3, 3) proper rotation matrix.

    Raises:
        ValueError: the matrix is not (3, 3) and finite, or so degenerate or mirrored that no one rotation is nearest.
    """
    if matrix.shape != (3, 3) or not np.isfinite(matrix).all():
        raise ValueError(f"matrix must be (3, 3) and finite, got {matrix.tolist()}")
    left, singular_values, right = np.linalg.svd(matrix)
    handedness = np.sign(np.linalg.det(left) * np.linalg.det(right))
    # The nearest rotation is unique only if the two smallest singular values, the last one signed, do not cancel out.
    if not singular_values[1] + handedness * singular_values[2] > 1e-6 * singular_values[0]:
        raise ValueError(f"matrix has no nearest rotation: singular values {singular_values.tolist()}")
    left[:, 2] *= handedness
    nearest: FloatArray = left @ right
    return nearest


def _normalised(x: float, y: float, z: float, w: float) -> tuple[float, float, float, float]:
    norm = math.sqrt(x * x + y * y + z * z + w * w)
    if not 0.0 < norm < math.inf:
        raise ValueError(f"quaternion must be finite and not zero, got ({x}, {y}, {z}, {w})")
    return x / norm, y / norm, z / norm, w / norm
