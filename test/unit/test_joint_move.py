"""Moves in joint space: where they end, how they go, what they refuse."""

from __future__ import annotations

import math

import numpy as np
import pytest

from robot_driver.motion.bounds import motion_bounds
from robot_driver.motion.joint_move import JointMove
from robot_driver.motion.motion import MotionRefused
from robot_driver.motion.trajectory import trajectory
from teleop_core.arm_model import arm_model

PERIOD = 0.005
PSM, ECM = arm_model("PSM1"), arm_model("ECM")
HOME, STILL = (0.0, 0.0, 0.12, 0.0, 0.0, 0.0), (0.0,) * 6
GOAL = (0.4, -0.3, 0.15, 1.0, 0.3, -0.2)


def played(move: JointMove, now: float = 0.0) -> np.ndarray:
    """All positions of a move at the servo rate, (samples, n)."""
    positions = []
    while (q := move.sample(now := now + PERIOD)) is not None:
        positions.append(q)
        assert len(positions) < 20_000
    return np.array(positions)


def test_move_starts_at_the_setpoint_and_rests_at_the_goal() -> None:
    """The goal exactly, and then nothing more; the arm is busy."""
    move = JointMove(PSM, HOME, STILL, GOAL, 0.0, 1.0, PERIOD)
    assert move.busy
    assert move.goal == GOAL
    path = played(move)
    assert np.abs(path[0] - HOME).max() < 1e-6
    assert tuple(path[-1]) == GOAL
    assert move.sample(100.0) is None
    assert np.abs(path[-1] - path[-2]).max() / PERIOD < 1e-2


def test_speed_acceleration_and_jerk_are_limited_and_used() -> None:
    """One joint far away reaches its full speed; nothing is faster or more sudden than the bounds."""
    bounds = motion_bounds(PSM)
    path = np.vstack([HOME, played(JointMove(PSM, HOME, STILL, (1.3, 0.0, 0.12, 4.0, 0.0, 0.0), 0.0, 1.0, PERIOD))])
    velocity = np.diff(path, axis=0) / PERIOD
    acceleration = np.diff(velocity, axis=0) / PERIOD
    jerk = np.diff(acceleration, axis=0) / PERIOD
    assert (np.abs(velocity).max(axis=0) <= np.array(bounds.speed) * (1 + 1e-9)).all()
    assert (np.abs(acceleration).max(axis=0) <= np.array(bounds.acceleration) * (1 + 1e-6)).all()
    assert np.abs(jerk[:, 0]).max() <= bounds.acceleration[0] / 0.1 * 1.01
    assert np.abs(acceleration[:, 0]).max() > 0.95 * bounds.acceleration[0]


def test_from_rest_the_way_is_straight() -> None:
    """The joints keep step."""
    path = played(JointMove(PSM, HOME, STILL, GOAL, 0.0, 1.0, PERIOD))
    share = (path[:, 0] - HOME[0]) / (GOAL[0] - HOME[0])
    straight = np.array(HOME) + share[:, None] * (np.array(GOAL) - HOME)
    assert np.abs(path - straight).max() < 1e-9


def test_ratio_scales_the_move() -> None:
    """Half of speed, acceleration and jerk takes longer; a ratio that is none is refused."""
    whole, half = (len(played(JointMove(PSM, HOME, STILL, GOAL, 0.0, ratio, PERIOD))) for ratio in (1.0, 0.5))
    assert 1.3 * whole < half < 2.0 * whole
    for ratio in (0.0, -1.0, 1.01, math.nan, math.inf):
        with pytest.raises(MotionRefused, match=f"PSM1: trajectory ratio {ratio} must be above 0 and at most 1"):
            JointMove(PSM, HOME, STILL, GOAL, 0.0, ratio, PERIOD)


def test_move_of_no_length_gives_its_goal_once() -> None:
    """So that an arm is busy and then is not."""
    move = JointMove(PSM, HOME, STILL, HOME, 0.0, 1.0, PERIOD)
    assert move.sample(PERIOD) == HOME
    assert move.sample(2 * PERIOD) is None


def test_move_of_no_length_is_over_at_its_start() -> None:
    """Asked in the moment in which it begins it has arrived, and has nothing more to say."""
    move = JointMove(PSM, HOME, STILL, HOME, 0.0, 1.0, PERIOD)
    assert move.sample(0.0) == HOME
    assert move.sample(PERIOD) is None


def test_arm_at_exactly_full_speed_is_not_too_fast() -> None:
    """It goes on at it, and does not brake first."""
    full = motion_bounds(PSM).speed[0]
    move = JointMove(PSM, (-1.0, *HOME[1:]), (full, *STILL[1:]), (1.0, *HOME[1:]), 0.0, 1.0, PERIOD)
    path = [move.sample(tick * PERIOD) for tick in range(1, 6)]
    assert np.diff([q[0] for q in path if q]) / PERIOD == pytest.approx(full)


@pytest.mark.parametrize(("insertion", "brakes"), [(0.23, False), (0.23065, True)])
def test_way_that_leaves_the_range_for_a_moment_is_not_taken(insertion: float, brakes: bool) -> None:
    """By 0.02 mm, soon after the start: there it brakes first, at the rate of an arm that follows."""
    bounds, velocity = motion_bounds(PSM), (0.0, 0.0, 0.05, 0.0, 0.0, 0.0)
    move = JointMove(PSM, (0.0, 0.0, insertion, *HOME[3:]), velocity, (1.3, 0.0, 0.1, *HOME[3:]), 0.0, 1.0, PERIOD)
    first = move.sample(PERIOD)
    assert first is not None
    change = 0.05 - (first[2] - insertion) / PERIOD
    assert change == pytest.approx(bounds.follow_acceleration[2] * PERIOD if brakes else 0.0, abs=1e-3)


def test_arm_in_motion_goes_on() -> None:
    """The speed is continuous where a move takes over."""
    velocity = (0.5, 0.2, -0.05, 1.0, 0.0, 0.5)
    path = np.vstack([HOME, played(JointMove(PSM, HOME, velocity, GOAL, 0.0, 1.0, PERIOD))])
    first = (path[1] - path[0]) / PERIOD
    assert np.abs((first - velocity) / motion_bounds(PSM).acceleration).max() <= PERIOD
    assert tuple(path[-1]) == GOAL


@pytest.mark.parametrize(
    ("q", "velocity", "ratio"),
    [
        ((1.53, 0.0, 0.12, 0.0, 0.0, 0.0), (1.0, 0.0, 0.0, 0.0, 0.0, 0.0), 1.0),
        ((0.5, 0.0, 0.12, 0.0, 0.0, 0.0), (1.5, 0.0, 0.0, 5.0, 0.0, 0.0), 0.05),
        ((0.9, 0.8, 0.0625, 0.0, 0.0, 0.0), (1.2, 0.9, -0.1, 0.0, 0.0, 0.0), 1.0),
    ],
)
def test_arm_that_is_too_fast_brakes_first(q: tuple, velocity: tuple, ratio: float) -> None:
    """Towards the end of a range, faster than the ratio allows, or towards the edge of the workspace."""
    bounds = motion_bounds(PSM)
    start = (q[0] - 0.25, *q[1:])
    path = np.vstack([start, played(JointMove(PSM, start, velocity, HOME, 0.0, ratio, PERIOD))])
    speed = np.diff(path, axis=0) / PERIOD
    change = np.abs(np.diff(speed, axis=0, prepend=[velocity])) / PERIOD
    assert (change <= np.array(bounds.brake_acceleration) * (1 + 1e-6)).all()
    way = np.square(velocity) / (2.0 * np.array(bounds.follow_acceleration))
    assert (np.sign(velocity) * (path - start) <= way + 1e-9).all()
    assert (path >= np.array(bounds.lower)).all()
    assert (path <= np.array(bounds.upper)).all()
    assert tuple(path[-1]) == HOME


@pytest.mark.parametrize(
    ("goal", "text"),
    [
        ((1.7, 0.0, 0.12, 0.0, 0.0, 0.0), r"PSM1 yaw: 1.7000 rad is 0.1118 rad beyond its limit 1.5882 rad"),
        ((0.0, 0.0, 0.05, 0.0, 0.0, 0.0), r"PSM1 insertion: 0.0500 m is 0.0106 m beyond .* past the remote centre"),
        ((0.0, 0.0, 0.25, 0.0, 0.0, 0.0), r"PSM1 insertion: 0.2500 m is 0.0100 m beyond its limit 0.2400 m$"),
        ((1.4, 0.5, 0.12, 0.0, 0.0, 0.0), r"PSM1: tilt of the shaft .* rad is .* rad beyond its limit 1.3863 rad"),
        ((0.0, 0.0, 0.12, 0.0, math.nan, 0.0), "PSM1 wrist_pitch: goal nan is not finite"),
        ((0.0, 0.0, 0.12, 0.0, math.inf, 0.0), "PSM1 wrist_pitch: goal inf is not finite"),
        ((0.0, 0.0, 0.12), "PSM1: goal has 3 values"),
        ((), "PSM1: goal has 0 values"),
    ],
)
def test_goal_that_cannot_be_is_refused(goal: tuple, text: str) -> None:
    """The joint, its value, the limit and the amount are named."""
    with pytest.raises(MotionRefused, match=text):
        JointMove(PSM, HOME, STILL, goal, 0.0, 1.0, PERIOD)


def test_trajectory_that_there_is_not_is_refused() -> None:
    """With Ruckig's reason, whether it returns or raises it."""
    for goal in ([math.nan], [1e300]):
        with pytest.raises(MotionRefused, match="no trajectory: "):
            trajectory([0.0], [0.0], goal, [1.0], [1.0])
    with pytest.raises(MotionRefused, match=r"^no trajectory: it would take too long$"):
        trajectory([0.0, 0.0], [0.0, 0.0], [1.0, 1.0], [1e-6, 1e-6], [1.0, 1.0])


def test_setpoint_that_is_none_is_refused() -> None:
    """The caller's own values are checked too."""
    with pytest.raises(MotionRefused, match="setpoint has 1 values"):
        JointMove(PSM, (0.0,), STILL, HOME, 0.0, 1.0, PERIOD)
    with pytest.raises(MotionRefused, match="speed of the setpoint nan"):
        JointMove(PSM, HOME, (math.nan, *STILL[1:]), HOME, 0.0, 1.0, PERIOD)


def test_arm_outside_its_range_may_stay_and_come_back_but_go_no_farther_out() -> None:
    """As for the command gate."""
    out = (0.0, 0.0, 0.03, 0.0, 0.0, 0.0)
    assert JointMove(PSM, out, STILL, out, 0.0, 1.0, PERIOD).goal == out
    path = played(JointMove(PSM, out, STILL, HOME, 0.0, 1.0, PERIOD))
    assert (np.diff(path[:, 2]) >= 0.0).all()
    with pytest.raises(MotionRefused, match="insertion"):
        JointMove(PSM, out, STILL, (0.0, 0.0, 0.02, 0.0, 0.0, 0.0), 0.0, 1.0, PERIOD)


def test_late_and_backward_clocks_do_not_make_it_jump() -> None:
    """A driver that was late goes on from where it was; a clock that runs backwards moves nothing."""
    move = JointMove(PSM, HOME, STILL, GOAL, 0.0, 1.0, PERIOD)
    before = None
    for tick in range(1, 100):
        before = move.sample(tick * PERIOD)
    assert before is not None
    for wrong in (0.1, math.nan, math.inf, -math.inf):
        assert move.sample(wrong) == before
    after = move.sample(100.0)
    assert (np.abs(np.subtract(after, before)) <= 0.05 * np.array(motion_bounds(PSM).speed)).all()
    assert after != GOAL


def test_share_of_full_speed_that_is_permitted_slows_it_down_on_the_same_way() -> None:
    """By as much, from the start; one that changes on the way changes the speed without a jump."""
    whole, half = (JointMove(PSM, HOME, STILL, GOAL, 0.0, 1.0, PERIOD) for _ in range(2))
    path = played(whole)
    slow = [half.sample(tick * PERIOD, 0.5) for tick in range(1, 2 * len(path))]
    assert np.abs(np.array(slow[1::2][: len(path) - 1]) - path[: len(path) - 1]).max() < 1e-9
    changed, speeds = JointMove(PSM, HOME, STILL, GOAL, 0.0, 1.0, PERIOD), []
    for tick in range(1, 200):
        speeds.append(changed.sample(tick * PERIOD, 1.0 if tick < 100 else 0.2))
    change = np.abs(np.diff(np.vstack([HOME, speeds]), n=2, axis=0)).max(axis=0) / PERIOD**2
    assert (change <= np.array(motion_bounds(PSM).brake_acceleration)).all()


@pytest.mark.parametrize("share", [0.0, -1.0, 1.5, math.nan, math.inf])
def test_share_that_is_none_stops_it(share: float) -> None:
    """It stands where it is."""
    move = JointMove(PSM, HOME, STILL, GOAL, 0.0, 1.0, PERIOD)
    assert move.sample(PERIOD, share) == HOME
    assert move.sample(2 * PERIOD, share) == HOME


def test_camera_arm_moves_too() -> None:
    """Four joints, its own limits."""
    path = played(JointMove(ECM, (0.0, 0.0, 0.1, 0.0), (0.0,) * 4, (0.3, -0.2, 0.15, 0.5), 0.0, 1.0, PERIOD))
    assert tuple(path[-1]) == (0.3, -0.2, 0.15, 0.5)
    with pytest.raises(MotionRefused, match="ECM pitch"):
        JointMove(ECM, (0.0, 0.0, 0.1, 0.0), (0.0,) * 4, (0.0, -0.9, 0.1, 0.0), 0.0, 1.0, PERIOD)
