"""Instrument arm: forward and inverse kinematics against known poses, the table, and each other."""

from __future__ import annotations

import math

import numpy as np
import pytest

from teleop_core import psm_kinematics, se3

# Joint values, tip position [m] and rotation, printed to six digits, computed by hand from the table.
VECTORS = [
    ([0.0, 0.0, 0.12, 0.0, 0.0, 0.0], (0.0, 0.0, -0.1135), [[0, 1, 0], [1, 0, 0], [0, 0, -1]]),
    (
        [0.2, -0.1, 0.12, 0.3, 0.2, -0.1],
        (0.021911, 0.009594, -0.110780),
        [[0.304558, 0.951421, 0.045203], [0.951450, -0.301660, -0.061194], [-0.044586, 0.061645, -0.997102]],
    ),
    (
        [0.5, 0.3, 0.2, -1.0, 0.5, 0.4],
        (0.091003, -0.059106, -0.158922),
        [[-0.361298, 0.266438, 0.893574], [0.311302, 0.937790, -0.153753], [-0.878951, 0.222621, -0.421764]],
    ),
]


def random_configurations(count: int, seed: int) -> np.ndarray:
    """Return joint values (count, 6) all over the limits, the shaft's end at least 1 mm past the remote centre."""
    lower = psm_kinematics.JOINT_LIMITS.lower.copy()
    lower[psm_kinematics.INSERTION_INDEX] = psm_kinematics.INSERTION_AT_RCM + psm_kinematics.DEPTH_DEGENERATE
    return np.random.default_rng(seed).uniform(lower, psm_kinematics.JOINT_LIMITS.upper, (count, 6))


@pytest.mark.parametrize(("q", "position", "rotation"), VECTORS)
def test_forward_gives_the_known_poses(q: list[float], position: tuple[float, ...], rotation: list[list[float]]):
    """The closed form reproduces the known poses to every printed digit."""
    computed_position, computed_rotation = psm_kinematics.forward(q)
    np.testing.assert_allclose(computed_position, position, atol=0.5000001e-6)
    np.testing.assert_allclose(computed_rotation, rotation, atol=0.5000001e-6)


def test_forward_equals_the_table_multiplied_out():
    """The closed form and the product of the table's rows are the same to rounding."""
    for q in random_configurations(500, seed=2):
        frame_6 = psm_kinematics.chain_of_frames(q)[-1]
        position, rotation = psm_kinematics.forward(q)
        np.testing.assert_allclose(position, frame_6[:3, 3], atol=1e-15)
        np.testing.assert_allclose(rotation, frame_6[:3, :3] @ psm_kinematics.ROTATION_TIP_IN_WRIST, atol=5e-15)


def test_inverse_is_exact_on_ten_thousand_poses():
    """The inverse puts the tip back within 1e-9 m and finds the very joint values, everywhere within the limits."""
    worst_position, worst_joint = 0.0, 0.0
    for q in random_configurations(10_000, seed=3):
        position, rotation = psm_kinematics.forward(q)
        found = psm_kinematics.inverse(position, rotation, q)
        worst_joint = max(worst_joint, float(np.abs(found - q).max()))
        worst_position = max(worst_position, math.dist(psm_kinematics.forward(found)[0], position))
    assert worst_position <= 1e-9
    assert worst_joint <= 1e-9


@pytest.mark.parametrize("turns", [-2, -1, 0, 1, 2])
def test_roll_stays_on_the_branch_of_the_previous_configuration(turns: int):
    """Whole turns of the roll are resolved towards the previous configuration, so a path never jumps by a turn."""
    q = np.array([0.2, -0.1, 0.15, 2.9 + 2 * math.pi * turns, 0.3, -0.4])
    previous = q + np.array([0.0, 0.0, 0.0, 0.5, 0.0, 0.0])
    np.testing.assert_allclose(psm_kinematics.inverse(*psm_kinematics.forward(q), previous), q, atol=1e-12)


def test_inverse_does_not_clamp():
    """A pose outside the limits gets its exact joint values; limiting is the caller's decision."""
    q = np.array([0.1, 0.2, 0.300, 0.0, 1.45, -1.5])
    assert not (q <= psm_kinematics.JOINT_LIMITS.upper).all()
    np.testing.assert_allclose(psm_kinematics.inverse(*psm_kinematics.forward(q), q), q, atol=1e-12)


def test_wrist_centre_at_the_remote_centre_is_refused_with_data():
    """Within 1 mm of the remote centre there is no answer, and the error says where and how close."""
    q = np.array([0.3, 0.1, psm_kinematics.INSERTION_AT_RCM + 0.0005, 0.0, 0.2, 0.0])
    with pytest.raises(psm_kinematics.InverseKinematicsError, match="remote centre") as caught:
        psm_kinematics.inverse(*psm_kinematics.forward(q), q)
    assert caught.value.distance == pytest.approx(0.0005)
    assert caught.value.minimum == 0.001
    np.testing.assert_allclose(caught.value.position, psm_kinematics.forward(q)[0])


def test_tip_at_the_remote_centre_is_refused():
    """The origin itself has no direction."""
    with pytest.raises(psm_kinematics.InverseKinematicsError):
        psm_kinematics.inverse(np.zeros(3), np.eye(3), np.zeros(6))


def test_tip_along_the_wrist_yaw_axis_is_refused():
    """A tip seen from the remote centre along the wrist yaw axis leaves the roll open, so it is refused."""
    rotation = np.array([[0.0, 1.0, 0.0], [0.0, 0.0, 1.0], [1.0, 0.0, 0.0]])
    with pytest.raises(psm_kinematics.InverseKinematicsError, match="wrist yaw axis"):
        psm_kinematics.inverse([0.0, 0.0, -0.1], rotation, np.zeros(6))


@pytest.mark.parametrize("bad", [math.nan, math.inf])
@pytest.mark.parametrize("place", ["position", "rotation", "q_previous"])
def test_numbers_that_are_not_finite_are_refused(bad: float, place: str):
    """NaN and infinity never come out as joint values, wherever they go in."""
    q = np.array([0.1, 0.1, 0.12, 0.0, 0.1, 0.1])
    position, rotation = psm_kinematics.forward(q)
    for index in range(9 if place == "rotation" else 3):
        arguments = {"position": position.copy(), "rotation": rotation.copy(), "q_previous": q.copy()}
        arguments[place].flat[index if place != "q_previous" else 3] = bad
        with pytest.raises(psm_kinematics.InverseKinematicsError):
            psm_kinematics.inverse(**arguments)
    with pytest.raises(ValueError, match="q must be finite"):
        psm_kinematics.forward([0.0, 0.0, bad, 0.0, 0.0, 0.0])
    with pytest.raises(ValueError, match="q must have 6 values"):
        psm_kinematics.forward([0.0, 0.0, 0.1])


def test_pose_functions_are_the_matrix_functions():
    """The functions on poses give what those on position and matrix give."""
    q = np.array([0.2, -0.1, 0.12, 0.3, 0.2, -0.1])
    pose = psm_kinematics.forward_pose(q)
    position, rotation = psm_kinematics.forward(q)
    np.testing.assert_allclose(pose.position, position)
    np.testing.assert_allclose(se3.matrix_from_quaternion(pose.quaternion), rotation, atol=1e-15)
    np.testing.assert_allclose(psm_kinematics.inverse_pose(pose, q), q, atol=1e-14)


def test_depth_is_measured_from_the_remote_centre():
    """The end of the shaft is past the remote centre by insertion minus 15.6 mm, as the table's frame 4 shows."""
    q = np.array([0.3, -0.2, 0.12, 0.5, 0.1, 0.2])
    assert psm_kinematics.rcm_depth(q) == pytest.approx(0.12 - 0.0156)
    assert np.linalg.norm(psm_kinematics.chain_of_frames(q)[3][:3, 3]) == pytest.approx(psm_kinematics.rcm_depth(q))


def test_shaft_passes_through_the_remote_centre():
    """The shaft's line, from the full chain of transforms, stays within 1e-12 m of the remote centre."""
    assert max(psm_kinematics.shaft_deviation_from_rcm(q) for q in random_configurations(200, seed=4)) <= 1e-12


def test_line_deviation_is_the_distance_to_the_origin():
    """A line that passes 3 mm beside the origin is reported as such, whatever point of it is given."""
    for along in (-0.2, 0.0, 0.5):
        deviation = psm_kinematics.line_deviation_from_rcm(np.array([0.003, along, 0.0]), np.array([0.0, -2.0, 0.0]))
        assert deviation == pytest.approx(0.003)


def test_limits_are_one_for_each_joint():
    """Every limit has a value for each joint, in order and positive where it must be."""
    limits = psm_kinematics.JOINT_LIMITS
    assert all(values.shape == (6,) for values in (limits.lower, limits.upper, limits.velocity, limits.acceleration))
    assert (limits.lower < limits.upper).all()
    assert (np.concatenate([limits.velocity, limits.acceleration, limits.effort]) > 0.0).all()
    assert len(psm_kinematics.JOINT_NAMES) == len(psm_kinematics.DH_TABLE) == 6
