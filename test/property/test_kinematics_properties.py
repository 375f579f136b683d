"""Properties of poses and of the instrument arm's kinematics that hold for every input."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from teleop_core import psm_kinematics, se3

LIMITS = psm_kinematics.JOINT_LIMITS
SMALLEST_INSERTION = psm_kinematics.INSERTION_AT_RCM + 1.1 * psm_kinematics.DEPTH_DEGENERATE


@st.composite
def configurations(draw: st.DrawFn) -> np.ndarray:
    """Joint values within the limits with the shaft's end past the remote centre."""
    lower = [*LIMITS.lower[:2], SMALLEST_INSERTION, *LIMITS.lower[3:]]
    return np.array([draw(st.floats(low, high)) for low, high in zip(lower, LIMITS.upper, strict=True)])


@st.composite
def unit_quaternions(draw: st.DrawFn) -> np.ndarray:
    """Any rotation, as a unit quaternion x, y, z, w."""
    axis_angles = [draw(st.floats(-math.pi, math.pi)) for _ in range(3)]
    half = [0.5 * angle for angle in axis_angles]
    turns = [np.append(np.eye(3)[axis] * math.sin(half[axis]), math.cos(half[axis])) for axis in range(3)]
    return se3.quaternion_multiply(se3.quaternion_multiply(turns[0], turns[1]), turns[2])


@given(configurations())
def test_inverse_undoes_forward(q: np.ndarray):
    """Joint values within the limits come back from their pose, and the rotation is proper."""
    position, rotation = psm_kinematics.forward(q)
    np.testing.assert_allclose(rotation @ rotation.T, np.eye(3), atol=1e-14)
    np.testing.assert_allclose(psm_kinematics.inverse(position, rotation, q), q, atol=1e-9)


@given(configurations(), st.floats(-50.0, 50.0))
def test_any_solution_reaches_the_pose(q: np.ndarray, roll_before: float):
    """Whatever roll came before, the answer is within half a turn of it and reaches the same pose."""
    position, rotation = psm_kinematics.forward(q)
    previous = np.array([*q[:3], roll_before, *q[4:]])
    found = psm_kinematics.inverse(position, rotation, previous)
    assert abs(found[3] - roll_before) <= math.pi + 1e-9
    reached_position, reached_rotation = psm_kinematics.forward(found)
    np.testing.assert_allclose(reached_position, position, atol=1e-12)
    np.testing.assert_allclose(reached_rotation, rotation, atol=1e-9)


@given(configurations())
def test_commanded_shaft_stays_in_the_cannula(q: np.ndarray):
    """For all joint values the shaft's line passes the remote centre within a picometre."""
    assert psm_kinematics.shaft_deviation_from_rcm(q) <= 1e-12


@given(st.lists(st.floats(allow_nan=True, allow_infinity=True), min_size=12, max_size=12))
def test_rubbish_never_becomes_joint_values(numbers: list[float]):
    """Whatever numbers come in as a pose, the answer is finite or a refusal."""
    try:
        found = psm_kinematics.inverse(numbers[:3], np.array(numbers[3:]).reshape(3, 3), np.zeros(6))
    except psm_kinematics.InverseKinematicsError:
        return
    assert np.isfinite(found).all()


@given(unit_quaternions(), unit_quaternions(), st.floats(0.0, 1.0))
def test_slerp_divides_the_angle(start: np.ndarray, end: np.ndarray, fraction: float):
    """The interpolated rotation has turned by the fraction of the angle between the ends."""
    angle = se3.quaternion_angle(start, end)
    between = se3.slerp(start, end, fraction)
    assert math.isclose(se3.quaternion_angle(start, between), fraction * angle, abs_tol=1e-7)
    assert se3.is_unit_quaternion(between, 1e-12)


@given(unit_quaternions())
def test_quaternion_and_matrix_are_one_rotation(quaternion: np.ndarray):
    """The way to a matrix and back changes nothing but perhaps the sign."""
    back = se3.quaternion_from_matrix(se3.matrix_from_quaternion(quaternion))
    assert se3.quaternion_angle(quaternion, back) <= 1e-14
