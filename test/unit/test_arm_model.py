"""One view of all arms: exact where reachable, clamped and told where not, and Jacobians that are true derivatives."""

from __future__ import annotations

import copy
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from teleop_core import cart, se3
from teleop_core.arm_model import MIN_DEPTH, ArmModel, arm_model
from teleop_core.contract import ARMS, CAMERA_ARM, INSTRUMENT_ARMS
from teleop_core.psm_kinematics import InverseKinematicsError, rcm_depth

ROLL = 3
ANY_NUMBER = st.floats(allow_nan=True, allow_infinity=True, width=64)


def random_configurations(model: ArmModel, count: int, seed: int) -> np.ndarray:
    """Return joint values (count, n) all over the limits."""
    shape = (count, len(model.joint_names))
    return np.random.default_rng(seed).uniform(model.limits.lower, model.limits.upper, shape)


@pytest.mark.parametrize("name", ARMS)
def test_inverse_is_exact_on_ten_thousand_poses(name: str):
    """The inverse finds the very joint values within 1e-9, and the tip within 1e-9 m, all over the limits."""
    model = arm_model(name)
    worst_joint, worst_position = 0.0, 0.0
    for q in random_configurations(model, 10_000, seed=11):
        pose = model.forward(q)
        found = model.inverse(pose, q)
        assert (found.position_error, found.rotation_error) == (0.0, 0.0)
        worst_joint = max(worst_joint, float(np.abs(np.array(found.q) - q).max()))
        worst_position = max(worst_position, math.dist(model.forward(found.q).position, pose.position))
    assert worst_joint <= 1e-9
    assert worst_position <= 1e-9


@pytest.mark.parametrize("name", ARMS)
def test_the_frames_of_the_joints_lead_to_the_tip(name: str):
    """The last is at the tip, the shaft's pass through the remote centre; too many joints and none are refused."""
    model = arm_model(name)
    for q in random_configurations(model, 50, seed=13):
        assert math.dist(model.link(q).position, model.tip(q)) <= 1e-9
        shaft = model.link(q[:3])
        along, wrist = shaft.rotation()[:, 2], model.link(q[:4]).position
        np.testing.assert_allclose(np.cross(wrist - shaft.position, along), 0.0, atol=1e-12)
        assert np.linalg.norm(np.cross(shaft.position, along)) <= 1e-9  # through the remote centre
    for wrong in ([], [0.0] * (len(model.joint_names) + 1)):
        with pytest.raises(ValueError, match="q must be 1 to"):
            model.link(wrong)


@pytest.mark.parametrize("name", ARMS)
def test_jacobian_is_the_derivative_of_the_pose(name: str):
    """Each column is the finite difference of place and orientation, in base axes and in the tip's own."""
    model, step = arm_model(name), 1e-6
    for q in random_configurations(model, 200, seed=12):
        spatial, rotation = model.jacobian(q), model.forward(q).rotation()
        differences = np.empty_like(spatial)
        for index in range(len(q)):
            offset = np.zeros(len(q))
            offset[index] = step
            before, after = model.forward(q - offset), model.forward(q + offset)
            differences[:3, index] = (after.position - before.position) / (2.0 * step)
            turn = (after.rotation() - before.rotation()) / (2.0 * step) @ rotation.T
            differences[3:, index] = turn[2, 1], turn[0, 2], turn[1, 0]
        np.testing.assert_allclose(spatial, differences, atol=1e-7)
        in_tip = np.vstack((rotation.T @ differences[:3], rotation.T @ differences[3:]))
        np.testing.assert_allclose(model.body_jacobian(q), in_tip, atol=1e-7)


def test_camera_arm_agrees_with_the_placement_of_the_cart():
    """The closed form and the table of the camera's frames, multiplied out, are the same display frame."""
    model = arm_model(CAMERA_ARM)
    for q in random_configurations(model, 200, seed=13):
        expected, found = cart.display_in_base(CAMERA_ARM, q), model.forward(q)
        np.testing.assert_allclose(found.position, expected.position, atol=1e-12)
        assert se3.quaternion_angle(found.quaternion, expected.quaternion) <= 1e-12


@pytest.mark.parametrize("name", ARMS)
def test_what_lies_outside_is_clamped_and_told(name: str):
    """A pose with one joint beyond its range comes back within the limits, and the errors are the real ones."""
    model = arm_model(name)
    for q in random_configurations(model, 100, seed=14):
        for index in range(len(q)):
            if model.name != CAMERA_ARM and index == ROLL:
                continue  # a whole turn less is within the range and the same pose
            beyond = q.copy()
            beyond[index] = model.limits.upper[index] + 0.05
            pose = model.forward(beyond)
            found = model.inverse(pose, q)
            assert model.within(found.q)
            reached = model.forward(found.q)
            assert found.position_error == pytest.approx(math.dist(reached.position, pose.position), abs=1e-9)
            assert found.rotation_error == pytest.approx(
                se3.quaternion_angle(reached.quaternion, pose.quaternion), abs=1e-9
            )
            assert found.position_error + found.rotation_error > 1e-3


@pytest.mark.parametrize("name", INSTRUMENT_ARMS)
def test_wrist_gives_way_before_the_place(name: str):
    """A wrist that cannot turn as far as wanted costs orientation; the tip stays where it was asked for."""
    model = arm_model(name)
    q = np.array([0.1, 0.2, 0.15, 0.3, math.radians(80.0) + 0.2, 0.0])
    found = model.inverse(model.forward(q), q)
    assert found.position_error == 0.0
    assert found.rotation_error == pytest.approx(0.2, rel=0.1)


def test_camera_keeps_the_place_and_turns_the_picture():
    """An orientation the camera arm has no joints for: the place is exact, and no roll is nearer to it."""
    model = arm_model(CAMERA_ARM)
    q = np.array([0.2, -0.1, 0.12, 0.3])
    pose = model.forward(q)
    turned = se3.Pose(pose.position, se3.quaternion_multiply(pose.quaternion, (math.sin(0.1), 0.0, 0.0, math.cos(0.1))))
    found = model.inverse(turned, q)
    assert found.position_error == 0.0
    assert found.rotation_error == pytest.approx(0.2, abs=1e-9)
    for offset in np.linspace(-0.5, 0.5, 21):
        other = model.forward((*found.q[:3], found.q[3] + offset))
        assert se3.quaternion_angle(other.quaternion, turned.quaternion) >= found.rotation_error - 1e-9


def test_camera_that_looks_back_keeps_its_roll():
    """Where every roll is as far off as any other the camera does not turn."""
    model = arm_model(CAMERA_ARM)
    q = np.array([0.2, -0.1, 0.12, 0.3])
    pose = model.forward(q)
    back = se3.Pose(pose.position, se3.quaternion_multiply(pose.quaternion, (0.0, 1.0, 0.0, 0.0)))
    found = model.inverse(back, q)
    assert found.rotation_error == pytest.approx(math.pi)
    assert found.position_error == 0.0


def test_least_insertion_is_part_of_the_limits():
    """No command takes a shaft closer than its least depth to the remote centre."""
    for name in INSTRUMENT_ARMS:
        assert rcm_depth(arm_model(name).limits.lower) == pytest.approx(MIN_DEPTH)
    assert arm_model(CAMERA_ARM).limits.lower[2] == 0.04
    shallow = arm_model(CAMERA_ARM).forward((0.0, 0.0, 0.03, 0.0))
    assert arm_model(CAMERA_ARM).inverse(shallow, (0.0,) * 4).position_error == pytest.approx(0.01)


@pytest.mark.parametrize("name", ARMS)
def test_within_refuses_what_is_no_configuration(name: str):
    """Wrong sizes, NaN and infinity are never within, nor is a value just beyond a limit."""
    model = arm_model(name)
    middle = 0.5 * (model.limits.lower + model.limits.upper)
    assert model.within(middle)
    assert model.within(model.limits.lower)
    assert not model.within(middle[:-1])
    assert not model.within((*middle, 0.0))
    for index in range(len(middle)):
        for bad in (math.nan, math.inf, -math.inf, model.limits.upper[index] + 1e-9, model.limits.lower[index] - 1e-9):
            values = middle.copy()
            values[index] = bad
            assert not model.within(values)


@pytest.mark.parametrize("name", ARMS)
@given(numbers=st.lists(ANY_NUMBER, min_size=7, max_size=7))
def test_any_pose_gives_an_answer_within_the_limits_or_a_refusal(name: str, numbers: list[float]):
    """Whatever seven numbers arrive as a pose, the answer is within the limits, or an error says why there is none."""
    model = arm_model(name)
    ready = cart.ready_configuration(name)
    try:
        found = model.inverse(se3.Pose(np.array(numbers[:3]), np.array(numbers[3:])), ready)
    except InverseKinematicsError:
        return
    assert model.within(found.q)
    assert 0.0 <= found.position_error < math.inf
    assert 0.0 <= found.rotation_error <= math.pi + 1e-9


def test_models_are_one_for_each_arm():
    """The same object every time, with a frame of its own; an unknown name is refused by name."""
    assert arm_model("PSM1") is arm_model("PSM1")
    assert copy.deepcopy(arm_model("PSM1")) is arm_model("PSM1")
    assert [arm_model(name).base_frame for name in ARMS] == [f"{name}_base_link" for name in ARMS]
    assert [arm_model(name).tip_frame for name in ARMS] == [
        "PSM1_tool_tip", "PSM2_tool_tip", "PSM3_tool_tip", "ECM_display",
    ]  # fmt: skip
    assert [len(arm_model(name).joint_names) for name in ARMS] == [6, 6, 6, 4]
    assert [arm_model(name).jaw is None for name in ARMS] == [False, False, False, True]
    with pytest.raises(ValueError, match="PSM9"):
        arm_model("PSM9")
