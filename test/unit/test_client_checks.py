"""What clients send, before it means anything: sizes, names, numbers, frames; and how often they are told."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from robot_driver.crtk import checks
from robot_driver.crtk.frames import DISPLAY_FRAME, Frames
from robot_driver.crtk.period_watch import PeriodWatch
from robot_driver.crtk.refusal import CommandRefusedError
from teleop_core import cart, se3
from teleop_core.arm_model import arm_model
from teleop_core.contract import ARMS, CAMERA_ARM, INSTRUMENT_ARMS
from teleop_core.se3 import Pose
from teleop_core.teller import Teller

NAMES = ("yaw", "pitch", "insertion")
READY = tuple(cart.ready_configuration(CAMERA_ARM).tolist())


def test_joint_values_come_in_order_or_not_at_all() -> None:
    """Without names as they are, with names sorted; wrong sizes and names are named."""
    assert checks.joint_values((), [1.0, 2.0, 3.0], NAMES) == (1.0, 2.0, 3.0)
    assert checks.joint_values(["insertion", "yaw", "pitch"], [3.0, 1.0, 2.0], NAMES) == (1.0, 2.0, 3.0)
    with pytest.raises(CommandRefusedError, match="has 2 values, the arm has 3 joints"):
        checks.joint_values((), [1.0, 2.0], NAMES)
    with pytest.raises(CommandRefusedError, match="elbow"):
        checks.joint_values(["yaw", "pitch", "elbow"], [1.0, 2.0, 3.0], NAMES)
    with pytest.raises(CommandRefusedError, match="name"):
        checks.joint_values(["yaw", "yaw", "pitch"], [1.0, 2.0, 3.0], NAMES)


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_numbers_that_are_none_are_named(bad: float) -> None:
    """Of joints, jaws, poses and twists."""
    with pytest.raises(CommandRefusedError, match=f"pitch is {bad}"):
        checks.joint_values((), [1.0, bad, 3.0], NAMES)
    with pytest.raises(CommandRefusedError, match="jaw"):
        checks.one_value([bad], "jaw")
    with pytest.raises(CommandRefusedError, match="position"):
        checks.pose(Pose(np.array([0.0, bad, 0.0]), np.array([0.0, 0.0, 0.0, 1.0])))
    with pytest.raises(CommandRefusedError, match="quaternion"):
        checks.pose(Pose(np.zeros(3), np.array([0.0, bad, 0.0, 1.0])))
    with pytest.raises(CommandRefusedError, match="twist"):
        checks.twist((0.0, 0.0, 0.0), (0.0, bad, 0.0))


def test_a_quaternion_has_to_be_one() -> None:
    """The zero of an unset message is refused, as is a length of 1.01."""
    for quaternion in ([0.0] * 4, [0.0, 0.0, 0.0, 1.01]):
        with pytest.raises(CommandRefusedError, match="no unit quaternion"):
            checks.pose(Pose(np.zeros(3), np.array(quaternion)))
    with pytest.raises(CommandRefusedError, match="2 values, the jaw has one"):
        checks.one_value([0.0, 0.0], "jaw")


@given(values=st.lists(st.floats(), max_size=8), names=st.lists(st.sampled_from([*NAMES, "", "x"]), max_size=8))
def test_whatever_comes_is_finite_and_complete_or_refused(values: list[float], names: list[str]) -> None:
    """Never a crash, never a number that is none."""
    try:
        q = checks.joint_values(names, values, NAMES)
    except CommandRefusedError:
        return
    assert len(q) == len(NAMES)
    assert all(map(math.isfinite, q))


@pytest.mark.parametrize("name", ARMS)
def test_frames_go_there_and_back(name: str) -> None:
    """A pose in the plain frame, the base's own name and the empty one mean what they say."""
    model = arm_model(name)
    frames = Frames(model, lambda: READY)
    assert frames.plain == (model.base_frame if name == CAMERA_ARM else DISPLAY_FRAME)
    pose = model.forward(cart.ready_configuration(name))
    plain = frames.to_plain(pose)
    for given_pose, frame in ((plain, ""), (plain, frames.plain), (plain, f"/{frames.plain}"), (pose, frames.base)):
        back = frames.to_base(given_pose, frame, frames.plain)
        np.testing.assert_allclose(back.position, pose.position, atol=1e-12)
        assert se3.quaternion_angle(back.quaternion, pose.quaternion) <= 1e-9
    assert frames.to_base(pose, "", frames.base) is pose
    with pytest.raises(CommandRefusedError, match="'cart' is not"):
        frames.to_base(pose, "cart", frames.plain)
    with pytest.raises(CommandRefusedError, match="'cart' is not"):
        frames.twist_to_base(np.zeros(6), "cart")


@pytest.mark.parametrize("name", INSTRUMENT_ARMS)
def test_the_plain_frame_follows_the_camera(name: str) -> None:
    """A tool that stands still moves in the frame of a camera that moves; a twist turns with it."""
    camera = [READY]
    frames = Frames(arm_model(name), lambda: camera[0])
    pose = arm_model(name).forward(cart.ready_configuration(name))
    before = frames.to_plain(pose)
    camera[0] = (0.2, 0.4, 0.1, 0.3)
    expected = se3.compose(se3.inverse(cart.display_in_base(name, camera[0])), pose)
    after = frames.to_plain(pose)
    np.testing.assert_allclose(after.position, expected.position, atol=1e-12)
    assert math.dist(before.position, after.position) > 0.01
    twist = np.array([0.1, 0.2, 0.3, 0.4, 0.5, 0.6])
    in_base = frames.twist_to_base(twist, "")
    np.testing.assert_allclose(in_base[:3], cart.rotation_display_in_base(name, camera[0]) @ twist[:3], atol=1e-12)
    np.testing.assert_allclose(frames.twist_to_plain(in_base), twist, atol=1e-12)
    np.testing.assert_allclose(frames.twist_to_base(twist, frames.base), twist)


def test_a_client_is_told_once_a_second_and_how_much_was_left_out() -> None:
    """Every refusal counts; of one kind one text a second, other kinds at once."""
    teller = Teller()
    for step in range(200):
        teller.refuse(10.0 + 0.005 * step, "servo_jp", "too far")
    teller.refuse(10.0, "move_jp", "no permit")
    assert teller.take() == ["servo_jp refused: too far", "move_jp refused: no permit"]
    assert teller.refused == {"servo_jp": 200, "move_jp": 1}
    teller.refuse(11.1, "servo_jp", "too far")
    assert teller.take() == ["servo_jp refused: too far (and 199 more)"]
    assert teller.take() == []


def test_period_statistics_are_those_of_the_interval() -> None:
    """Mean, spread, ends, overruns; the next interval begins anew."""
    watch = PeriodWatch(0.005)
    empty = watch.take()
    assert (empty.samples, empty.overruns) == (0, 0)
    assert all(math.isnan(value) for value in (*empty.period, *empty.compute, empty.interval))
    for began in (1.0, 1.005, 1.010, 1.020):
        watch.note(began, began + 0.001)
    found = watch.take()
    assert found.period == pytest.approx((0.02 / 3, math.sqrt(1e-4 / 18), 0.005, 0.010))
    assert found.compute == pytest.approx((0.001, 0.0, 0.001, 0.001), abs=1e-7)
    assert (found.samples, found.overruns) == (3, 1)
    assert found.interval == pytest.approx(0.02)
    watch.note(1.025, 1.026)
    assert watch.take().samples == 1
