"""Time of a motion: as the command gate counts it, at the share of full speed permitted; and poses from outside."""

from __future__ import annotations

import math

import numpy as np
import pytest

from robot_driver.motion.motion import LONGEST_STEP, SHARE_CHANGE, MotionClock
from robot_driver.motion.pose_goal import checked_pose
from teleop_core.se3 import Pose

PERIOD = 0.005


def test_the_first_step_of_an_arm_that_stands_is_one_of_a_servo_period() -> None:
    """However late it comes, as for the gate; later ones are as long as they were, up to the gate's longest."""
    clock = MotionClock(10.0, True, PERIOD)
    assert clock.advance(10.04, 1.0) == PERIOD
    assert clock.advance(10.07, 1.0) == pytest.approx(0.03)
    assert clock.advance(11.0, 1.0) == LONGEST_STEP
    assert clock.time == pytest.approx(PERIOD + 0.03 + LONGEST_STEP)


def test_the_first_step_of_an_arm_in_motion_is_as_long_as_it_was() -> None:
    """It counts from the last command."""
    assert MotionClock(10.0, False, PERIOD).advance(10.04, 1.0) == pytest.approx(0.04)


def test_a_command_in_the_moment_of_the_start_is_the_first() -> None:
    """It takes no time, and the next one as long as it was."""
    clock = MotionClock(10.0, True, PERIOD)
    assert clock.advance(10.0, 1.0) == 0.0
    assert clock.advance(10.04, 1.0) == pytest.approx(0.04)


@pytest.mark.parametrize("wrong", [9.99, math.nan, math.inf, -math.inf])
def test_a_clock_that_shows_no_time_moves_nothing(wrong: float) -> None:
    """And the next good one counts from the last good one."""
    clock = MotionClock(10.0, False, PERIOD)
    assert clock.advance(wrong, 1.0) == 0.0
    assert clock.time == 0.0
    assert clock.advance(10.01, 1.0) == pytest.approx(0.01)


def test_an_arm_that_stands_begins_at_the_share_that_is_permitted() -> None:
    """And changes it from then on no faster than the gate lets it accelerate; down and up."""
    clock = MotionClock(0.0, True, PERIOD)
    clock.advance(PERIOD, 0.3)
    assert (clock.share, clock.time) == (0.3, pytest.approx(0.3 * PERIOD))
    clock.advance(2 * PERIOD, 1.0)
    assert clock.share == pytest.approx(0.3 + SHARE_CHANGE * PERIOD)
    clock.advance(3 * PERIOD, 0.0)
    assert clock.share == pytest.approx(0.3)
    clock.advance(4 * PERIOD, 0.31)
    assert clock.share == pytest.approx(0.31), "not beyond what is permitted"


@pytest.mark.parametrize("share", [0.0, -0.1, 1.001, math.nan, math.inf])
def test_a_share_that_is_none_brings_it_to_rest(share: float) -> None:
    """As fast as it may; time stands then."""
    clock, now = MotionClock(0.0, False, PERIOD), 0.0
    for _ in range(math.ceil(1.0 / (SHARE_CHANGE * PERIOD)) + 1):
        clock.advance(now := now + PERIOD, share)
    assert clock.share == 0.0
    stood = clock.time
    assert clock.advance(now + PERIOD, share) == pytest.approx(PERIOD)
    assert clock.time == stood


@pytest.mark.parametrize("length", [0.9991, 1.0, 1.0009])
def test_a_quaternion_that_is_nearly_of_length_one_gets_it(length: float) -> None:
    """The place stays as it is."""
    pose = checked_pose("PSM1", "goal", Pose(np.array([0.1, 0.2, 0.3]), length * np.array([0.6, 0.0, 0.0, 0.8])))
    assert pose.position.tolist() == [0.1, 0.2, 0.3]
    assert pose.quaternion == pytest.approx([0.6, 0.0, 0.0, 0.8], abs=1e-15)
