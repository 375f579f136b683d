"""Straight lines of the tip: whatever line is taken on is driven to its end, within every limit on the way."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
from hypothesis import Phase, assume, given, settings
from hypothesis import strategies as st

from robot_driver.motion.bounds import JERK_TIME, TIP_SPEEDS, motion_bounds, tilt
from robot_driver.motion.cartesian_move import CartesianMove
from robot_driver.motion.motion import MotionRefused
from robot_driver.motion.straight_line import StraightLine
from teleop_core.arm_model import ArmModel, arm_model
from teleop_core.se3 import Pose, quaternion_angle, quaternion_multiply

PERIOD = 0.01
ARMS = [arm_model("PSM1"), arm_model("ECM")]
LARGEST_TILT = 1.386
ROUNDING = 1e-6
MARGIN = 0.1
"""Share of each range that a line inside it keeps to both of its ends."""
small = st.sampled_from([0.002, 0.01, 0.05, 0.15])
directions = st.tuples(*[st.floats(-1.0, 1.0)] * 3)


@st.composite
def places(draw: st.DrawFn, model: ArmModel, margin: float) -> tuple[float, ...]:
    """Joint positions; with no margin those at the ends of the ranges and at the edge of the workspace too."""
    bounds, shares = motion_bounds(model), st.one_of(st.just(0.0), st.just(1.0), st.floats(0.0, 1.0))
    q = [
        low + (margin + (1.0 - 2.0 * margin) * draw(shares)) * (high - low)
        for low, high in zip(bounds.lower, bounds.upper, strict=True)
    ]
    while tilt(q[0], q[1]) > LARGEST_TILT - margin:
        q[0], q[1] = 0.97 * q[0], 0.97 * q[1]
    return tuple(q)


@st.composite
def lines(draw: st.DrawFn, margin: float) -> tuple[ArmModel, tuple[float, ...], Pose]:
    """An arm, where it stands, and a pose: towards another place, or a way and a turn of any direction."""
    model = draw(st.sampled_from(ARMS))
    start = draw(places(model, margin))
    if draw(st.booleans()):
        other, share = draw(places(model, margin)), draw(st.floats(0.0, 1.0))
        return model, start, model.forward([a + share * (b - a) for a, b in zip(start, other, strict=True)])
    pose, way, axis = model.forward(start), np.array(draw(directions)), np.array(draw(directions))
    assume(np.linalg.norm(axis) > 0.1)
    angle = draw(st.floats(0.0, 1.0))
    turn = [*(math.sin(0.5 * angle) * axis / np.linalg.norm(axis)).tolist(), math.cos(0.5 * angle)]
    return model, start, Pose(pose.position + draw(small) * way, quaternion_multiply(turn, pose.quaternion))


def driven(model: ArmModel, start: tuple[float, ...], goal: Pose, ratio: float) -> np.ndarray:
    """All joint positions of the move at an even rate, at rest at both ends, (samples, n)."""
    try:
        move = CartesianMove(model, start, (0.0,) * len(start), goal, 0.0, ratio, PERIOD)
    except MotionRefused:
        assume(False)
    path, now = [start] * 3, 0.0
    while (q := move.sample(now := now + PERIOD)) is not None:
        path.append(q)
        assert len(path) < 20_000
    return np.array(path + [move.goal] * 3)


@settings(deadline=None, max_examples=15, phases=[Phase.generate])
@given(lines(margin=0.0), st.floats(0.3, 1.0))
def test_line_that_is_taken_on_is_driven_to_its_end(
    line: tuple[ArmModel, tuple[float, ...], Pose], ratio: float
) -> None:
    """Along the ends of the ranges and the edge of the workspace too: never an error, never a place out of bounds."""
    model, start, goal = line
    path, bounds = driven(model, start, goal, ratio), motion_bounds(model)
    assert (path >= np.minimum(bounds.lower, start)).all()
    assert (path <= np.maximum(bounds.upper, start)).all()
    assert math.dist(model.tip(path[-1]), goal.position.tolist()) < 1e-5
    speed = np.abs(np.diff(path, axis=0)).max(axis=0) / PERIOD
    assert (speed <= ratio * np.array(bounds.speed) * (1.0 + ROUNDING)).all()


@settings(deadline=None, max_examples=15, phases=[Phase.generate])
@given(lines(margin=MARGIN), st.floats(0.1, 1.0))
def test_joints_and_tip_keep_speed_acceleration_and_jerk(
    line: tuple[ArmModel, tuple[float, ...], Pose], ratio: float
) -> None:
    """At every ratio, of every joint, and of the tip along its line."""
    model, start, goal = line
    path, bounds = driven(model, start, goal, ratio), motion_bounds(model)
    acceleration = ratio * np.array(bounds.acceleration)
    for order, limit in enumerate([ratio * np.array(bounds.speed), acceleration, acceleration / JERK_TIME], start=1):
        assert (np.abs(np.diff(path, n=order, axis=0)).max(axis=0) / PERIOD**order <= limit * (1.0 + ROUNDING)).all(), (
            order
        )
    poses = [model.forward(q) for q in path]
    tips = np.array([pose.position for pose in poses])
    turns = [quaternion_angle(a.quaternion, b.quaternion) for a, b in pairwise(poses)]
    found = StraightLine(model, bounds, start, goal)
    _speed, along = found.pace(ratio)
    assert max(turns) / PERIOD <= ratio * TIP_SPEEDS[1] * (1.0 + ROUNDING)
    limits = [ratio * TIP_SPEEDS[0], found.length * along, found.length * along / JERK_TIME]
    for order, largest in enumerate(limits, start=1):
        size = np.linalg.norm(np.diff(tips, n=order, axis=0), axis=1).max() / PERIOD**order
        assert size <= largest * (1.0 + ROUNDING) + 1e-12 / PERIOD**order, order
