"""The line of a move of the tip: looked at closely enough, as fast as the joints allow, and refused in whole words."""

from __future__ import annotations

import contextlib
import math
import random

import numpy as np
import pytest

from robot_driver.motion.bounds import TIP_SPEEDS, motion_bounds
from robot_driver.motion.cartesian_move import CartesianMove
from robot_driver.motion.motion import LONGEST_STEP, MotionRefused
from robot_driver.motion.straight_line import StraightLine
from teleop_core.arm_model import arm_model
from teleop_core.se3 import Pose, quaternion_multiply

PERIOD = 0.005
PSM = arm_model("PSM1")
BOUNDS = motion_bounds(PSM)
HOME, STILL = (0.0, 0.0, 0.12, 0.0, 0.0, 0.0), (0.0,) * 6
SIDE = Pose(PSM.forward(HOME).position + np.array([0.06, 0.0, 0.0]), PSM.forward(HOME).quaternion)


def moved(q: tuple[float, ...], way: tuple[float, float, float]) -> Pose:
    """Pose of the tip at q, moved without turning [m]."""
    pose = PSM.forward(q)
    return Pose(pose.position + np.array(way), pose.quaternion)


def refusal(q: tuple[float, ...], goal: Pose) -> str:
    with pytest.raises(MotionRefused) as refused:
        CartesianMove(PSM, q, STILL, goal, 0.0, 1.0, PERIOD)
    return str(refused.value)


def test_a_short_stretch_out_of_reach_is_found_on_a_long_line() -> None:
    """5 mm of 54 mm, less than a tenth of it, lie too near to the remote centre; both ends do not."""
    start = (-0.59383, 0.0, 0.07171, 0.0, 0.0, 0.0)
    assert "insertion at the end of the range" in refusal(start, moved(start, (0.05394, 0.0, 0.0)))


def test_a_short_stretch_out_of_reach_is_found_on_a_short_line_that_turns_far() -> None:
    """4 mm and half a turn; the wrist has no room on a part of it."""
    start = (1.093, -0.773, 0.196, -0.885, -0.046, -0.728)
    quaternion = np.array([-0.968039, 0.069057, 0.172983, 0.167952])
    goal = Pose(np.array([0.1195, 0.1283, -0.0637]), quaternion / np.linalg.norm(quaternion))
    assert "wrist_pitch at the end of the range" in refusal(start, goal)


def test_refusal_says_how_far_it_gets_and_what_is_missing() -> None:
    """Two metres in: 0.12 m are left, and probes are 50 mm apart."""
    assert refusal(HOME, moved(HOME, (0.0, 0.0, -2.0))) == (
        "PSM1: the straight line is out of reach after 150.0 mm of 2000.0 mm by 30.00 mm and 0.0000 rad "
        "(insertion at the end of the range)"
    )


def test_refusal_names_every_joint_that_is_in_the_way() -> None:
    """Deeper than the insertion goes, and turned farther than the wrist does."""
    start = (0.0, 0.0, 0.239, 0.0, 1.38, 0.0)
    place, before, here = PSM.tip(start), PSM.forward((*start[:4], 1.0, 0.0)).quaternion, PSM.forward(start).quaternion
    turn = quaternion_multiply(here, before * np.array([-1.0, -1.0, -1.0, 1.0]))
    goal = Pose(place + np.array([0.0, 0.0, -0.05]), quaternion_multiply(turn, here))
    assert refusal(start, goal).endswith("(insertion, wrist_pitch at the end of the range)")


def test_what_cannot_be_a_move_is_refused_by_its_name() -> None:
    """Setpoint, its speed, goal and ratio."""
    for q, velocity, goal, ratio, text in (
        (HOME[:5], STILL, SIDE, 1.0, r"^PSM1: setpoint has 5 values"),
        (HOME, (math.nan, *STILL[1:]), SIDE, 1.0, r"^PSM1 yaw: speed of the setpoint nan is not finite$"),
        (HOME, STILL, Pose(np.full(3, math.nan), SIDE.quaternion), 1.0, r" of the goal is not finite$"),
        (HOME, STILL, SIDE, 2.0, r"^PSM1: trajectory ratio 2.0 must be above 0 and at most 1$"),
    ):
        with pytest.raises(MotionRefused, match=text):
            CartesianMove(PSM, q, velocity, goal, 0.0, ratio, PERIOD)


def test_a_late_first_sample_of_an_arm_that_stands_is_no_longer_than_one_period() -> None:
    """As for the gate; one that moves is where it would be by then."""
    late, prompt = (CartesianMove(PSM, HOME, STILL, SIDE, 0.0, 1.0, PERIOD) for _ in range(2))
    assert late.sample(LONGEST_STEP) == prompt.sample(PERIOD)
    velocity = (0.5, *STILL[1:])
    late, prompt = (CartesianMove(PSM, HOME, velocity, SIDE, 0.0, 1.0, PERIOD) for _ in range(2))
    assert late.sample(2 * PERIOD) != prompt.sample(PERIOD)


def test_a_move_is_over_at_the_very_moment_of_its_end() -> None:
    """It says its goal then, and nothing more."""
    move = CartesianMove(PSM, HOME, STILL, PSM.forward(HOME), 0.0, 1.0, PERIOD)
    end = move._trajectory.duration
    assert 0.0 < end < PERIOD
    assert move.sample(end) == move.goal
    assert move.sample(end + PERIOD) is None


def test_the_last_nanoseconds_of_a_move_do_not_lead_past_its_end() -> None:
    """Rounding makes a few shares larger than the whole way; there is no orientation for that."""
    for number in range(1, 41):
        move = CartesianMove(PSM, HOME, STILL, SIDE, 0.0, 0.025 * number, PERIOD)
        now, end = PERIOD, move._trajectory.duration
        move.sample(now)
        while now + LONGEST_STEP < end - 1e-3:
            move.sample(now := now + LONGEST_STEP)
        for left in (1e-5, 1e-6, 1e-7, 1e-8, 1e-9):
            q = move.sample(end - left)
            assert q is not None
            assert np.abs(np.subtract(q, move.goal)).max() < 1e-9


def _lines() -> list[tuple[tuple[float, ...], Pose]]:
    """Short and long lines from anywhere."""
    chance, found = random.Random(5), []
    low, high = np.maximum(BOUNDS.lower, -1.0), np.minimum(BOUNDS.upper, 1.0)
    low[2], high[2] = 0.08, 0.2
    for _ in range(36):
        start = tuple(chance.uniform(a, b) for a, b in zip(low, high, strict=True))
        share = chance.random()
        end = tuple(q + share * (chance.uniform(a, b) - q) for q, a, b in zip(start, low, high, strict=True))
        with contextlib.suppress(MotionRefused):
            StraightLine(PSM, BOUNDS, start, PSM.forward(end))
            found.append((start, PSM.forward(end)))
    assert len(found) > 10
    return found


def test_pace_is_as_fast_as_tip_and_joints_allow() -> None:
    """Compared with the line's own joint positions, at two hundred places: to five percent."""
    for start, goal in _lines():
        line = StraightLine(PSM, BOUNDS, start, goal)
        q, path = start, []
        for number in range(201):
            path.append(q := line.joints(number / 200, q))
        slope = np.abs(np.diff(path, axis=0)).max(axis=0) * 200
        bend = np.abs(np.diff(path, n=2, axis=0)).max(axis=0) * 200 * 200
        for ratio in (1.0, 0.1):
            half = 0.5 * ratio * np.array(BOUNDS.acceleration)
            speed = min(
                float((ratio * np.array(BOUNDS.speed) / slope).min()),
                ratio * TIP_SPEEDS[0] / line.length,
                ratio * TIP_SPEEDS[1] / line.angle,
                math.sqrt(float((half / bend).min())),
            )
            assert line.pace(ratio) == pytest.approx((speed, float((half / slope).min())), rel=0.05)
