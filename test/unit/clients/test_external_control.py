"""What clients make an arm do: every motion reaches its goal, and what limits or refuses one is told."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from robot_driver.arbitration import Owner
from robot_driver.crtk.refusal import CommandRefusedError
from robot_driver.motion.motion import MotionRefused
from teleop_core.contract import ARMS, CAMERA_ARM, INSTRUMENT_ARMS
from teleop_core.se3 import Pose

PERIOD = 0.005


@pytest.mark.parametrize("name", ARMS)
def test_a_joint_move_reaches_its_goal_and_is_busy_until_then(serve: Any, name: str) -> None:
    """Busy at once, at rest on the goal, then not busy; told once each, with the goal reached."""
    served, goal = serve(name), serve.near(name)
    served.control.move_jp(served.now, goal)
    assert served.states == [("ENABLED", True)]
    assert served.control.goal == goal
    assert served.control.leases.owner(served.now) is Owner.EXTERNAL
    served.until_idle()
    assert served.q == pytest.approx(goal, abs=1e-9)
    assert served.states == [("ENABLED", True), ("ENABLED", False)]
    assert served.goals == [True]
    assert served.control.leases.owner(served.now) is None
    assert served.told == []


@pytest.mark.parametrize("name", ARMS)
def test_a_move_to_where_the_arm_is_is_busy_for_a_moment(serve: Any, name: str) -> None:
    """A client that waits for busy, then for not busy, does not wait for ever."""
    served = serve(name)
    served.control.move_jp(served.now, served.q)
    assert served.states == [("ENABLED", True)]
    served.until_idle(1.0)
    assert served.states == [("ENABLED", True), ("ENABLED", False)]
    if name != CAMERA_ARM:
        served.control.move_jaw(served.now, served.arm.jaw_setpoint)
        assert served.arm.operating.is_busy
        served.until_idle(1.0)


@pytest.mark.parametrize("name", ARMS)
def test_a_cartesian_move_goes_in_a_straight_line(serve: Any, name: str) -> None:
    """The commanded tip stays within 10 micrometres of the line, and ends at the pose."""
    served = serve(name)
    start = served.arm.model.forward(served.q)
    axis = np.array([0.6, -0.5, 0.62]) / np.linalg.norm([0.6, -0.5, 0.62])
    goal = Pose(start.position + 0.015 * axis, start.quaternion)
    served.path.clear()
    served.control.move_cp(served.now, goal)
    served.until_idle()
    tips = np.array([served.arm.model.tip(q) for q in served.path])
    away = tips - start.position
    deviation = np.linalg.norm(away - np.outer(away @ axis, axis), axis=1)
    assert deviation.max() <= 1e-5
    assert math.dist(tips[-1], goal.position) <= 1e-8
    assert served.goals == [True]


def test_a_velocity_lasts_as_long_as_the_client_speaks(serve: Any) -> None:
    """The tip goes with the twist in the axes of the base, and stands soon after the last one."""
    served = serve("PSM1")
    start = served.arm.model.tip(served.q)
    for _ in range(100):
        served.control.servo_cv(served.now, np.array([0.02, 0.0, 0.0, 0.0, 0.0, 0.0]))
        served.run(PERIOD)
    moved = served.arm.model.tip(served.q) - start
    assert moved == pytest.approx([0.01, 0.0, 0.0], abs=5e-4)
    assert not served.arm.operating.is_busy
    served.run(0.5)
    stood = served.q
    served.run(0.5)
    assert served.q == stood
    assert served.control.leases.owner(served.now) is None


@pytest.mark.parametrize("seed", range(5))
def test_an_interpolation_of_rare_and_irregular_targets_is_smooth(serve: Any, seed: int) -> None:
    """At 20 to 50 Hz with 15 ms of jitter and a tenth lost the commanded joints never change speed by a jerk."""
    random = np.random.default_rng(seed)
    served = serve("PSM1")
    start, rate = np.array(served.q), random.uniform(20.0, 50.0)
    times = np.arange(0.0, 3.0, 1.0 / rate)
    packets = sorted((time + abs(random.normal(0.0, 0.015)), time) for time in times if random.random() > 0.1)
    began = served.now
    served.path.clear()
    while served.now - began < 3.5:
        while packets and packets[0][0] <= served.now - began:
            _, stamp = packets.pop(0)
            target = start + np.array([0.2, 0.1, 0.01, 0.0, 0.0, 0.0]) * math.sin(2.0 * stamp)
            served.control.interpolate_jp(served.now, 1000.0 + stamp, target.tolist())
        served.run(PERIOD)
    path = np.array(served.path)
    speed = np.diff(path[:, :3], axis=0) / PERIOD
    acceleration = np.diff(speed, axis=0) / PERIOD
    # Half of what the gate allows, and that only while the arm catches up; the motion itself needs 0.8 rad/s^2.
    assert (np.abs(acceleration).max(axis=0) <= [15.001, 15.001, 2.001]).all(), np.abs(acceleration).max(axis=0)
    assert np.sqrt(np.mean(acceleration**2, axis=0))[0] <= 5.0
    assert np.abs(speed).max(axis=0)[0] <= 0.8
    assert math.dist(served.q, start + np.array([0.2, 0.1, 0.01, 0.0, 0.0, 0.0]) * math.sin(2.0 * times[-1])) <= 0.05


def test_a_servo_command_takes_the_place_of_a_move(serve: Any) -> None:
    """The move ends without its goal, the arm is not busy, and goes where the servo says."""
    served = serve("PSM1")
    served.control.move_jp(served.now, serve.near("PSM1", 0.5))
    served.run(0.2)
    served.control.servo_jp(served.now, served.q, served.now)
    assert served.goals == [False]
    assert served.states[-1] == ("ENABLED", False)
    stood = served.q
    served.run(1.0)
    assert served.q == pytest.approx(stood, abs=0.01)


def test_a_new_move_goes_on_from_the_motion_of_the_last(serve: Any) -> None:
    """No stop between, no step in speed, one more event."""
    served = serve("PSM1")
    goal = serve.near("PSM1", 0.5)
    served.control.move_jp(served.now, goal)
    served.run(0.4)
    served.path.clear()
    back = serve.near("PSM1", 0.0)
    served.control.move_jp(served.now, back)
    served.until_idle()
    assert served.q == pytest.approx(back, abs=1e-9)
    assert served.goals == [False, True]
    assert [busy for _, busy in served.states] == [True, True, False]
    speeds = np.diff(np.array(served.path), axis=0) / PERIOD
    assert max(np.abs(b - a).max() for a, b in pairwise(speeds)) / PERIOD <= 15.0


def test_a_hold_stops_and_the_arm_stays_held(serve: Any) -> None:
    """Nothing moves after it; the next move may begin at once."""
    served = serve("PSM2")
    served.control.move_jp(served.now, serve.near("PSM2", 0.5))
    served.run(0.3)
    served.control.hold(served.now)
    stood = served.q
    served.run(0.5)
    assert served.q == stood
    assert served.goals == [False]
    assert not served.arm.operating.is_busy
    assert any("move_jp ended: hold" in text for text in served.told)
    served.control.move_jp(served.now, serve.near("PSM2", 0.2))
    served.until_idle()
    assert served.goals == [False, True]


def test_a_lost_permit_ends_a_move_for_good(serve: Any) -> None:
    """The arm stands; with a new permit nothing goes on by itself, and the client was told."""
    served = serve("PSM1")
    served.control.move_jp(served.now, serve.near("PSM1", 0.5))
    served.run(0.3)
    served.permitted = False
    served.run(0.3)
    stood = served.q
    assert served.goals == [False]
    assert any("move_jp ended: permit not renewed" in text for text in served.told)
    served.permitted = True
    served.run(0.5)
    assert served.q == stood
    served.permitted = False
    served.run(0.3)
    with pytest.raises(CommandRefusedError, match="permit not renewed"):
        served.control.move_jp(served.now, serve.near("PSM1", 0.5))


def test_a_degraded_session_slows_a_move_down(serve: Any) -> None:
    """At half the speed a move takes twice as long and is limited by nothing."""

    def duration(ratio: float) -> float:
        served = serve("PSM1")
        served.ratio = ratio
        served.run(0.02)
        began = served.now
        served.control.move_jp(served.now, serve.near("PSM1", 0.5))
        served.until_idle()
        assert served.goals == [True]
        assert served.arm.statistics.limit_seconds == {}
        return served.now - began

    assert duration(0.5) == pytest.approx(2.0 * duration(1.0), rel=0.03)


def test_a_ratio_slows_moves_down_and_must_be_one(serve: Any) -> None:
    """trajectory_j/set_ratio: above 0 and at most 1, NaN is refused."""
    served = serve("PSM1")
    for bad in (0.0, -0.1, 1.01, math.nan, math.inf):
        with pytest.raises(CommandRefusedError, match="ratio"):
            served.control.set_ratio(bad)
    served.control.set_ratio(0.25)
    served.control.move_jp(served.now, serve.near("PSM1", 0.3))
    served.until_idle()
    slow = len(served.path)
    fast = serve("PSM1")
    fast.control.move_jp(fast.now, serve.near("PSM1", 0.3))
    fast.until_idle()
    assert slow > 1.5 * len(fast.path)


@pytest.mark.parametrize("name", ARMS)
def test_a_goal_beyond_the_range_is_clamped_and_the_amount_told(serve: Any, name: str) -> None:
    """Each joint stops at its own limit, named with the amount."""
    served = serve(name)
    limits = served.arm.model.limits
    beyond = list(served.q)
    beyond[2] = float(limits.upper[2]) + 0.05
    served.control.move_jp(served.now, beyond)
    served.until_idle()
    assert served.q[2] == pytest.approx(limits.upper[2], abs=1e-5)
    assert any("move_jp out of range" in text and "insertion" in text and "0.05" in text for text in served.told), (
        served.told
    )


def test_a_pose_out_of_reach_is_clamped_and_the_amount_told(serve: Any) -> None:
    """servo_cp beyond the insertion's end: the tip gets as near as it can, and the client knows how near."""
    served = serve("PSM1")
    q = list(served.q)
    q[2] = float(served.arm.model.limits.upper[2]) - 0.002
    served.control.move_jp(served.now, q)
    served.until_idle()
    tip = served.arm.model.forward(served.q)
    outwards = tip.position / np.linalg.norm(tip.position)
    for step in range(1, 100):
        goal = Pose(tip.position + outwards * min(0.005, 1e-4 * step), tip.quaternion)
        served.control.servo_cp(served.now, goal, served.now)
        served.run(PERIOD)
    assert served.q[2] <= served.arm.model.limits.upper[2]
    assert any("servo_cp out of reach: by" in text for text in served.told), served.told


def test_a_jump_is_refused_by_joint_and_amount(serve: Any) -> None:
    """A servo command too far away does nothing; the gate does not even see it."""
    served = serve("PSM1")
    stood, received = served.q, served.arm.received
    with pytest.raises(CommandRefusedError, match=r"pitch jumps by 0\.30"):
        served.control.servo_jp(served.now, [*stood[:1], stood[1] - 0.3, *stood[2:]], served.now)
    assert (served.q, served.arm.received) == (stood, received)


def test_of_commands_faster_than_the_servo_period_the_newest_counts(serve: Any) -> None:
    """A client at 2 kHz is followed, at the pace of the gate, and nothing is refused."""
    served = serve("PSM1")
    q = list(served.q)
    for _ in range(50):
        for part in range(10):
            q[0] += 2e-5
            served.control.servo_jp(served.now + part * PERIOD / 10.0, tuple(q), served.now + part * PERIOD / 10.0)
        served.run(PERIOD)
    served.run(PERIOD)
    assert served.q[0] == pytest.approx(q[0], abs=2e-3)
    assert served.control.teller.refused == {}
    assert served.arm.statistics.limit_seconds == {}


def test_a_command_that_is_refused_ends_no_motion(serve: Any) -> None:
    """A jump is refused, and the move that is under way goes on to its goal."""
    served = serve("PSM1")
    served.control.move_jp(served.now, serve.near("PSM1", 0.3))
    served.run(0.1)
    with pytest.raises(CommandRefusedError, match="jumps"):
        served.control.servo_jp(served.now, [served.q[0] + 1.0, *served.q[1:]], served.now)
    served.until_idle()
    assert served.goals == [True]


def test_a_stream_without_a_permit_is_told(serve: Any) -> None:
    """Interpolation and velocity do not fail in silence."""
    served = serve("PSM1")
    served.permitted = False
    served.run(0.3)
    served.control.interpolate_jp(served.now, 0.0, served.q)
    served.run(0.02)
    served.control.servo_cv(served.now, np.array([0.01, 0.0, 0.0, 0.0, 0.0, 0.0]))
    served.run(0.02)
    assert [text.split(":")[0] for text in served.told] == ["interpolate_jp ended", "servo_cv ended"]
    assert all("permit not renewed" in text for text in served.told)


@pytest.mark.parametrize("command", ["disable", "pause", "unhome"])
def test_an_arm_that_is_not_ready_refuses_with_its_state(serve: Any, command: str) -> None:
    """Every kind of motion, with the way out."""
    served = serve("PSM1")
    served.arm.state_command(command)
    tip = served.arm.model.forward(served.q)
    for ask in (
        lambda: served.control.servo_jp(served.now, served.q, served.now),
        lambda: served.control.servo_cp(served.now, tip, served.now),
        lambda: served.control.servo_cv(served.now, np.zeros(6)),
        lambda: served.control.interpolate_jp(served.now, 0.0, served.q),
        lambda: served.control.interpolate_cp(served.now, 0.0, tip),
        lambda: served.control.move_jp(served.now, served.q),
        lambda: served.control.move_cp(served.now, tip),
        lambda: served.control.servo_jaw(served.now, 0.1),
        lambda: served.control.move_jaw(served.now, 0.1),
        lambda: served.control.hold(served.now),
    ):
        with pytest.raises(CommandRefusedError, match="enable and home it first"):
            ask()


@pytest.mark.parametrize("name", INSTRUMENT_ARMS)
def test_the_jaw_moves_and_turns_without_the_arm(serve: Any, name: str) -> None:
    """A move takes its time and is busy; a servo is quick and not busy; the arm stands; the range is kept and told."""
    served = serve(name)
    stood = served.q
    served.control.move_jaw(served.now, math.radians(60.0))
    assert served.arm.operating.is_busy
    assert served.control.jaw_goal == pytest.approx(math.radians(60.0))
    served.run(0.1)
    assert 0.0 < served.arm.jaw_setpoint < math.radians(20.0)
    served.until_idle()
    assert served.arm.jaw_setpoint == pytest.approx(math.radians(60.0), abs=1e-6)
    served.control.servo_jaw(served.now, -1.0)
    assert not served.arm.operating.is_busy
    served.run(0.3)
    assert served.arm.jaw_setpoint == pytest.approx(math.radians(-40.0), abs=1e-6)
    assert any("jaw/servo_jp out of range" in text for text in served.told)
    assert served.q == pytest.approx(stood, abs=1e-12)


def test_the_camera_arm_has_no_jaw(serve: Any) -> None:
    """It says so."""
    served = serve(CAMERA_ARM)
    with pytest.raises(CommandRefusedError, match="ECM has no jaw"):
        served.control.servo_jaw(served.now, 0.1)


def test_numbers_that_are_none_never_move_an_arm(serve: Any) -> None:
    """NaN and infinity in what the checks before might let through are refused here too, and the arm stands."""
    served = serve("PSM1")
    stood = served.q
    for bad in (math.nan, math.inf):
        for ask in (
            lambda bad=bad: served.control.servo_jp(served.now, (bad, *stood[1:]), served.now),
            lambda bad=bad: served.control.move_jp(served.now, (bad, *stood[1:])),
            lambda bad=bad: served.control.interpolate_jp(served.now, 0.0, (bad, *stood[1:])),
            lambda bad=bad: served.control.servo_cv(served.now, np.array([bad, 0.0, 0.0, 0.0, 0.0, 0.0])),
            lambda bad=bad: served.control.move_cp(
                served.now, Pose(np.array([bad, 0.0, -0.1]), np.array([0.0, 0.0, 0.0, 1.0]))
            ),
        ):
            with pytest.raises((CommandRefusedError, MotionRefused)):
                ask()
    served.run(0.5)
    assert served.q == stood
