"""Rigid motions: conventions against an independent library, exactness, refusal of bad numbers."""

from __future__ import annotations

import math
import pickle

import numpy as np
import pytest
from transforms3d import quaternions

from teleop_core import se3

HALF = math.sqrt(0.5)


def to_transforms3d(quaternion: np.ndarray) -> np.ndarray:
    """Reorder x, y, z, w to w, x, y, z."""
    return np.roll(quaternion, 1)


def random_quaternions(count: int) -> np.ndarray:
    """Return unit quaternions spread over all rotations (count, 4)."""
    values = np.random.default_rng(1).normal(size=(count, 4))
    return values / np.linalg.norm(values, axis=1, keepdims=True)


def test_matrix_agrees_with_transforms3d():
    """A quaternion x, y, z, w gives the matrix that transforms3d gives for w, x, y, z."""
    for quaternion in random_quaternions(200):
        expected = quaternions.quat2mat(to_transforms3d(quaternion))
        np.testing.assert_allclose(se3.matrix_from_quaternion(quaternion), expected, atol=1e-14)


def test_product_agrees_with_transforms3d():
    """The product is Hamilton's, the second factor applied first."""
    for first, second in zip(random_quaternions(100), random_quaternions(200)[100:], strict=True):
        expected = quaternions.qmult(to_transforms3d(first), to_transforms3d(second))
        np.testing.assert_allclose(to_transforms3d(se3.quaternion_multiply(first, second)), expected, atol=1e-14)


@pytest.mark.parametrize("axis", [(1, 0, 0), (0, 1, 0), (0, 0, 1), (1, 1, 0), (-1, 2, 3)])
@pytest.mark.parametrize("angle", [0.0, 1e-9, 1.0, math.pi - 1e-9, math.pi])
def test_matrix_and_back_is_the_same_rotation(axis: tuple[int, int, int], angle: float):
    """Every angle, half a turn included, survives the way to a matrix and back."""
    vector = np.array(axis) / np.linalg.norm(axis)
    quaternion = np.append(vector * math.sin(angle / 2), math.cos(angle / 2))
    back = se3.quaternion_from_matrix(se3.matrix_from_quaternion(quaternion))
    assert se3.quaternion_angle(quaternion, back) < 1e-15
    assert back[3] >= 0.0


def test_angle_is_accurate_when_tiny_and_blind_to_sign():
    """A nanoradian is measured as such, and q and -q are no distance apart."""
    quaternion = np.array([math.sin(0.5e-9), 0.0, 0.0, math.cos(0.5e-9)])
    assert se3.quaternion_angle([0.0, 0.0, 0.0, 1.0], quaternion) == pytest.approx(1e-9, rel=1e-9)
    assert se3.quaternion_angle(quaternion, -quaternion) == pytest.approx(0.0, abs=1e-15)


def test_slerp_takes_the_shorter_arc_at_constant_speed():
    """Half way from 0 to 90 degrees is 45 degrees, even if one end is written as -q."""
    start, end = np.array([0.0, 0.0, 0.0, 1.0]), np.array([0.0, 0.0, -HALF, -HALF])
    half_way = se3.slerp(start, end, 0.5)
    assert se3.quaternion_angle(start, half_way) == pytest.approx(math.pi / 4)
    assert se3.quaternion_angle(half_way, end) == pytest.approx(math.pi / 4)
    np.testing.assert_allclose(se3.slerp(start, start, 0.3), start)


@pytest.mark.parametrize("fraction", [-0.01, 1.01, math.nan])
def test_slerp_refuses_a_fraction_outside(fraction: float):
    """A fraction outside 0 to 1 is refused by name."""
    with pytest.raises(ValueError, match="fraction"):
        se3.slerp([0.0, 0.0, 0.0, 1.0], [0.0, 0.0, 1.0, 0.0], fraction)


def test_compose_and_inverse_agree_with_matrices():
    """Chaining poses is multiplying their homogeneous matrices, and a pose with its inverse is the identity."""
    first = se3.Pose(np.array([0.1, -0.2, 0.3]), random_quaternions(3)[1])
    second = se3.Pose(np.array([-0.4, 0.5, 0.6]), random_quaternions(3)[2])
    np.testing.assert_allclose(se3.compose(first, second).matrix(), first.matrix() @ second.matrix(), atol=1e-15)
    np.testing.assert_allclose(se3.compose(se3.inverse(first), first).matrix(), np.eye(4), atol=1e-15)
    np.testing.assert_allclose(se3.Pose.identity().matrix(), np.eye(4))
    np.testing.assert_allclose(se3.rotate(first.quaternion, second.position), first.rotation() @ second.position)


@pytest.mark.parametrize(
    ("quaternion", "unit"),
    [
        ([0.0, 0.0, 0.0, 1.0], True),
        ([0.0, 0.0, 0.0, 1.0009], True),
        ([0.0, 0.0, 0.0, 1.0011], False),
        ([0.0, 0.0, 0.0, 0.9989], False),
        ([0.0, 0.0, 0.0, 0.0], False),
        ([math.nan, 0.0, 0.0, 1.0], False),
        ([math.inf, 0.0, 0.0, 1.0], False),
        ([0.0, 0.0, 1.0], False),
    ],
)
def test_unit_quaternion(quaternion: list[float], unit: bool):
    """Only four finite numbers of norm 1 within 1e-3 pass."""
    assert se3.is_unit_quaternion(quaternion) is unit


@pytest.mark.parametrize("bad", [[0.0, 0.0, 0.0, 0.0], [math.nan, 0.0, 0.0, 1.0], [math.inf, 0.0, 0.0, 1.0]])
def test_matrix_of_a_degenerate_quaternion_is_refused(bad: list[float]):
    """Zero and non-finite quaternions never become a matrix."""
    with pytest.raises(ValueError, match="quaternion"):
        se3.matrix_from_quaternion(bad)


def test_nearest_rotation_repairs_noise_and_refuses_mirrors():
    """Rounding to three digits is repaired to a proper rotation close by; mirrors, zeros and NaN are refused."""
    exact = se3.matrix_from_quaternion(random_quaternions(1)[0])
    repaired = se3.rotation_matrix_nearest(exact.round(3))
    np.testing.assert_allclose(repaired @ repaired.T, np.eye(3), atol=1e-14)
    assert np.linalg.det(repaired) == pytest.approx(1.0)
    np.testing.assert_allclose(repaired, exact, atol=2e-3)
    for bad in (np.diag([1.0, 1.0, -1.0]), np.zeros((3, 3)), np.full((3, 3), math.nan), np.eye(2)):
        with pytest.raises(ValueError, match="matrix"):
            se3.rotation_matrix_nearest(bad)


def test_pose_travels_between_processes():
    """A pose can be pickled although it is frozen and has slots."""
    pose = se3.Pose(np.array([1.0, 2.0, 3.0]), np.array([0.0, 0.0, HALF, HALF]))
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(pose)).matrix(), pose.matrix())
