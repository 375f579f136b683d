"""Moves of the tip: the line is straight, within the joints' limits, or refused with the place and the amount."""

from __future__ import annotations

import math

import numpy as np
import pytest

from robot_driver.motion.bounds import TIP_SPEEDS, motion_bounds
from robot_driver.motion.cartesian_move import CartesianMove
from robot_driver.motion.motion import MotionRefused
from teleop_core.arm_model import ArmModel, arm_model
from teleop_core.se3 import Pose, quaternion_angle, quaternion_multiply, slerp

PERIOD = 0.005
PSM, ECM = arm_model("PSM1"), arm_model("ECM")
HOME, STILL = (0.0, 0.0, 0.12, 0.0, 0.0, 0.0), (0.0,) * 6
AWAY = (0.4, -0.3, 0.15, 1.0, 0.3, -0.2)
SIDE = Pose(PSM.forward(HOME).position + np.array([0.06, 0.0, 0.0]), PSM.forward(HOME).quaternion)


def made(model: ArmModel, q: tuple, goal: Pose, velocity: tuple | None = None, ratio: float = 1.0) -> CartesianMove:
    return CartesianMove(model, q, velocity or (0.0,) * len(q), goal, 0.0, ratio, PERIOD)


def played(move: CartesianMove) -> np.ndarray:
    """All positions of a move at the servo rate, (samples, n)."""
    positions, now = [], 0.0
    while (q := move.sample(now := now + PERIOD)) is not None:
        positions.append(q)
        assert len(positions) < 20_000
    return np.array(positions)


def test_tip_moves_straight_and_turns_evenly() -> None:
    """Every place is on the line, every orientation on the arc, and both have got equally far."""
    start, goal = PSM.forward(HOME), PSM.forward(AWAY)
    move = made(PSM, HOME, goal)
    path = played(move)
    assert move.busy
    assert move.notes == ()
    assert tuple(path[-1]) == move.goal
    assert np.abs(np.array(move.goal) - AWAY).max() < 1e-9
    way = goal.position - start.position
    for q in path:
        pose = PSM.forward(q)
        share = float((pose.position - start.position) @ way / (way @ way))
        assert np.abs(pose.position - (start.position + share * way)).max() < 1e-9
        expected = slerp(start.quaternion, goal.quaternion, min(1.0, max(0.0, share)))
        assert quaternion_angle(pose.quaternion, expected) < 1e-6


@pytest.mark.parametrize("ratio", [1.0, 0.3])
@pytest.mark.parametrize("goal", [PSM.forward(AWAY), SIDE, PSM.forward((-0.9, 0.5, 0.2, 2.0, 0.8, -0.7))])
def test_joints_and_tip_keep_their_limits_along_the_line(goal: Pose, ratio: float) -> None:
    """Speed and acceleration of each joint, speed of the tip; and one of them is used well."""
    bounds = motion_bounds(PSM)
    path = np.vstack([HOME, played(made(PSM, HOME, goal, ratio=ratio))])
    speed = np.abs(np.diff(path, axis=0)).max(axis=0) / PERIOD / (ratio * np.array(bounds.speed))
    change = np.abs(np.diff(path, n=2, axis=0)).max(axis=0) / PERIOD**2 / (ratio * np.array(bounds.acceleration))
    tips = np.array([PSM.forward(q).position for q in path])
    tip = np.linalg.norm(np.diff(tips, axis=0), axis=1).max() / PERIOD / (ratio * TIP_SPEEDS[0])
    assert max(*speed, *change, tip) <= 1.001
    assert max(*speed, *change, tip) > 0.4


@pytest.mark.parametrize("ratio", [1.0, 0.5, 0.2, 0.1, 0.05])
@pytest.mark.parametrize("yaw", [True, False])
def test_tip_keeps_its_speed_limit_across(yaw: bool, ratio: float) -> None:
    """Sideways, deep in: no joint would hold the tip back; a slow move reaches its limit, a fast one has no room to."""
    side = (0.5, 0.0) if yaw else (0.0, 0.5)
    start = (*(-value for value in side), 0.22, 0.0, 0.0, 0.0)
    goal = Pose(PSM.tip((*side, 0.22, 0.0, 0.0, 0.0)), PSM.forward(start).quaternion)
    tips = np.array([PSM.tip(q) for q in [start, *played(made(PSM, start, goal, ratio=ratio))]])
    speed = np.linalg.norm(np.diff(tips, axis=0), axis=1).max() / PERIOD
    assert speed <= ratio * 0.2 * (1.0 + 1e-6)
    assert speed > ratio * 0.2 * (0.999 if ratio <= 0.2 else 0.6)


@pytest.mark.parametrize("ratio", [1.0, 0.3, 0.05, 0.03])
def test_tip_keeps_its_limit_of_turning(ratio: float) -> None:
    """About the shaft, in its place: the roll alone would be faster; a slow move reaches the limit."""
    start, end = (0.0, 0.0, 0.12, -1.5, 0.0, 0.0), (0.0, 0.0, 0.12, 1.5, 0.0, 0.0)
    path = [start, *played(made(PSM, start, PSM.forward(end), ratio=ratio))]
    speed = np.abs(np.diff(path, axis=0))[:, 3].max() / PERIOD
    assert speed <= ratio * 15.0 * (1.0 + 1e-6)
    assert speed > ratio * 15.0 * (0.999 if ratio <= 0.05 else 0.2)


def test_line_of_an_arm_outside_its_range_is_refused_and_does_not_leap() -> None:
    """Its way back is a move of the joints: a line would begin at the end of the range, 1.6 mm off."""
    start = (0.0, 0.0, 0.059, 0.0, 0.0, 0.0)
    pose = PSM.forward(start)
    with pytest.raises(MotionRefused, match=r"after 0.0 mm of 50.0 mm by 1.60 mm and .* \(insertion at the end"):
        made(PSM, start, Pose(pose.position - np.array([0.0, 0.0, 0.05]), pose.quaternion))


def test_roll_of_the_camera_arm_does_not_stop_dead_at_the_end_of_its_range() -> None:
    """Though the picture cannot turn as far as asked: the roll goes evenly to where it is nearest at the end."""
    start, roll_acceleration = (1.2794, -0.6255, 0.2361, -1.5358), motion_bounds(ECM).acceleration[3]
    quaternion = np.array([0.42152138, 0.66238969, 0.58005704, 0.21701024])
    goal = Pose(np.array([0.04951502, -0.12623925, -0.0624701]), quaternion / np.linalg.norm(quaternion))
    move = made(ECM, start, goal)
    path = np.vstack([start, played(move)])
    assert np.abs(np.diff(path[:, 3], n=2)).max() / PERIOD**2 <= roll_acceleration
    assert np.ptp(path[:, 3]) > 0.1
    assert path[-1][3] == pytest.approx(ECM.inverse(goal, path[-2]).q[3], abs=1e-5)


def test_line_to_the_end_of_a_range_ends_a_hair_before_it() -> None:
    """Where the gate still has room to stop."""
    end = (0.0, 0.0, float(PSM.limits.upper[2]), 0.0, 0.0, 0.0)
    path = played(made(PSM, (0.0, 0.0, 0.2, 0.0, 0.0, 0.0), PSM.forward(end)))
    assert path[:, 2].max() == motion_bounds(PSM).upper[2] < end[2]


def test_move_of_no_length_gives_its_goal_once() -> None:
    """So that an arm is busy and then is not."""
    move = made(PSM, HOME, PSM.forward(HOME))
    assert np.abs(np.subtract(move.sample(PERIOD), HOME)).max() < 1e-12
    assert move.sample(2 * PERIOD) is None


def test_arm_in_motion_brakes_and_then_goes_straight() -> None:
    """The speed is continuous, and the line begins where the arm came to rest."""
    velocity = (0.8, -0.5, 0.05, 2.0, 0.0, 1.0)
    bounds = motion_bounds(PSM)
    move = made(PSM, HOME, SIDE, velocity)
    path = np.vstack([HOME, played(move)])
    speed = np.diff(path, axis=0, prepend=[np.subtract(HOME, np.array(velocity) * PERIOD)]) / PERIOD
    assert (np.abs(np.diff(speed, axis=0)) / PERIOD <= np.array(bounds.follow_acceleration) * (1 + 1e-6)).all()
    rest = int(np.argmin(np.abs(speed[2:20]).sum(axis=1))) + 2
    start = PSM.forward(path[rest]).position
    way = SIDE.position - start
    offs = [np.linalg.norm(np.cross(PSM.forward(q).position - start, way)) / np.linalg.norm(way) for q in path[rest:]]
    assert max(offs) < 1e-6
    assert np.abs(PSM.forward(path[-1]).position - SIDE.position).max() < 1e-9


def test_line_that_leaves_the_range_is_refused_with_place_and_amount() -> None:
    """Too far in; too little depth; turned too far."""
    pose = PSM.forward(HOME)
    with pytest.raises(MotionRefused, match=r"out of reach after .* mm of 200.0 mm by .* mm and .* rad \(insertion at"):
        made(PSM, HOME, Pose(pose.position + np.array([0.0, 0.0, -0.2]), pose.quaternion))
    with pytest.raises(MotionRefused, match=r"PSM1: .* after .* mm of 70.0 mm by .* \(insertion at the end"):
        made(PSM, HOME, Pose(pose.position + np.array([0.0, 0.0, 0.07]), pose.quaternion))
    with pytest.raises(MotionRefused, match="wrist_pitch at the end"):
        made(PSM, HOME, Pose(pose.position, _turned_about_x(pose, 2.0)))


def test_line_through_the_remote_centre_is_refused_though_its_end_is_reachable() -> None:
    """Both ends are deep enough; the way between them is not."""
    start, end = (1.0, 0.0, 0.07, 0.0, 0.0, 0.0), (-1.0, 0.0, 0.07, 0.0, 0.0, 0.0)
    with pytest.raises(MotionRefused, match="insertion at the end of the range"):
        made(PSM, start, Pose(PSM.forward(end).position, PSM.forward(start).quaternion))


def test_line_that_leaves_the_workspace_is_refused() -> None:
    """The shaft would tilt too far."""
    start = (1.2, 0.0, 0.12, 0.0, 0.0, 0.0)
    with pytest.raises(MotionRefused, match=r"out of reach .*: PSM1: tilt of the shaft 1\.\d+ rad is .* beyond"):
        made(PSM, start, PSM.forward((1.5, 0.0, 0.12, 0.0, 0.0, 0.0)))


def test_line_at_the_remote_centre_is_refused() -> None:
    """Where the arm has no joint values at all: an instrument that is not in yet."""
    start = (0.0, 0.0, 0.0159, 0.0, 0.0, 0.0)
    pose = PSM.forward(start)
    with pytest.raises(MotionRefused, match=r"after 0.0 mm of 0.1 mm: wrist centre is too close to the remote centre"):
        made(PSM, start, Pose(pose.position + np.array([0.0, 0.0, -0.0001]), pose.quaternion))


@pytest.mark.parametrize(
    ("position", "quaternion", "text"),
    [
        ([math.nan, 0.0, -0.1], [0.0, 0.0, 0.0, 1.0], "position .*nan.* is not finite"),
        ([0.0, math.inf, -0.1], [0.0, 0.0, 0.0, 1.0], "position .*inf.* is not finite"),
        ([0.0, -0.1], [0.0, 0.0, 0.0, 1.0], "position .* is not finite"),
        ([0.0, 0.0, -0.1], [0.0, 0.0, 0.0, 0.0], "no unit quaternion"),
        ([0.0, 0.0, -0.1], [0.0, 0.0, math.nan, 1.0], "no unit quaternion"),
    ],
)
def test_goal_that_is_no_pose_is_refused(position: list, quaternion: list, text: str) -> None:
    """With the value."""
    with pytest.raises(MotionRefused, match=f"PSM1: .*{text}"):
        made(PSM, HOME, Pose(np.array(position), np.array(quaternion)))


def test_ratio_that_is_none_is_refused() -> None:
    """As for moves of joints."""
    with pytest.raises(MotionRefused, match="ratio nan"):
        made(PSM, HOME, SIDE, ratio=math.nan)


def test_camera_arm_keeps_its_place_and_says_what_orientation_it_leaves_out() -> None:
    """Four joints: the view goes through the remote centre, whatever was asked."""
    q = (0.1, 0.2, 0.1, 0.3)
    pose = ECM.forward(q)
    goal = Pose(pose.position + np.array([0.02, 0.0, 0.0]), pose.quaternion)
    move = made(ECM, q, goal)
    path = played(move)
    assert np.abs(ECM.forward(path[-1]).position - goal.position).max() < 1e-9
    assert "ECM: orientation" in move.notes[0]
    start, way = pose.position, goal.position - pose.position
    for reached in path:
        off = np.cross(ECM.forward(reached).position - start, way) / np.linalg.norm(way)
        assert np.linalg.norm(off) < 1e-9


def _turned_about_x(pose: Pose, angle: float) -> np.ndarray:
    return quaternion_multiply([math.sin(angle / 2.0), 0.0, 0.0, math.cos(angle / 2.0)], pose.quaternion)
