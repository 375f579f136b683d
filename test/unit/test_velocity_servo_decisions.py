"""A tool that is told its speed: the decisions at their edges, and what is said in whole words."""

from __future__ import annotations

import math

import numpy as np
import pytest

from robot_driver.motion.bounds import motion_bounds
from robot_driver.motion.motion import LONGEST_STEP, MotionRefused
from robot_driver.motion.velocity_servo import ACCELERATION, SILENCE, VelocityServo
from teleop_core.arm_model import arm_model

PERIOD = 0.005
PSM = arm_model("PSM1")
BOUNDS = motion_bounds(PSM)
HOME, STILL = (0.0, 0.0, 0.12, 0.0, 0.0, 0.0), (0.0,) * 6
SLOW = [0.01, 0.0, 0.0, 0.0, 0.0, 0.0]


def driven(servo: VelocityServo, twist: list[float], steps: int, start: float = 0.0) -> np.ndarray:
    """Positions while a twist is told in each period (steps, n)."""
    path = []
    for number in range(1, steps + 1):
        servo.take(start + (number - 1) * PERIOD, twist)
        path.append(servo.sample(start + number * PERIOD))
    return np.array(path)


def test_a_twist_counts_until_it_has_been_silent_for_that_long() -> None:
    """Up to then the tool goes on at its speed; after it, it slows down."""
    servo = VelocityServo(PSM, HOME, 0.0)
    path = [HOME, *driven(servo, SLOW, 20)]
    heard_at = 19 * PERIOD
    for number in range(21, 50):
        path.append(servo.sample(number * PERIOD) or path[-1])
    speed = np.diff([PSM.tip(q)[0] for q in path]) / PERIOD
    until = math.floor((heard_at + SILENCE) / PERIOD + 1e-6)
    assert speed[10 : until - 1] == pytest.approx(0.01, rel=1e-4)
    assert speed[until + 1] < 0.005


def test_a_twist_of_later_than_now_does_not_move_it() -> None:
    """No clock runs so."""
    servo = VelocityServo(PSM, HOME, 0.0)
    servo.take(1.0, SLOW)
    assert servo.sample(PERIOD) is None


def test_a_late_first_sample_of_an_arm_that_stands_is_no_longer_than_one_period() -> None:
    """The one that was told; one that moves went on meanwhile."""
    for period in (PERIOD, 0.002):
        late, prompt = (VelocityServo(PSM, HOME, 0.0, period=period) for _ in range(2))
        for servo in (late, prompt):
            servo.take(0.0, SLOW)
        assert late.sample(LONGEST_STEP) == prompt.sample(period)
    default, told = VelocityServo(PSM, HOME, 0.0), VelocityServo(PSM, HOME, 0.0, period=0.005)
    for servo in (default, told):
        servo.take(0.0, SLOW)
    assert default.sample(LONGEST_STEP) == told.sample(LONGEST_STEP)


def test_share_of_full_speed_that_is_permitted_slows_the_tool_down() -> None:
    """By as much, in its direction."""
    servo, path = VelocityServo(PSM, HOME, 0.0), []
    for number in range(40):
        servo.take(number * PERIOD, SLOW)
        path.append(servo.sample((number + 1) * PERIOD, 0.25))
    tips = np.array([PSM.tip(q) for q in path if q])
    assert np.diff(tips, axis=0)[-1] / PERIOD == pytest.approx([0.0025, 0.0, 0.0], abs=1e-6)


def test_both_parts_of_the_twist_change_within_their_own_acceleration() -> None:
    """The tool turns up to its speed as the table says, whatever its place does."""
    servo = VelocityServo(PSM, HOME, 0.0)
    path = np.vstack([HOME, driven(servo, [0.0, 0.0, 0.0, 0.0, 0.0, 3.0], 8)])
    roll = np.abs(np.diff(path[:, 3])) / PERIOD
    assert roll[:4] == pytest.approx([ACCELERATION[1] * PERIOD * n for n in range(1, 5)], rel=1e-6)
    assert roll[5:] == pytest.approx(3.0, rel=1e-6)


def test_too_fast_parts_are_each_told_with_their_amount() -> None:
    """In order; a twist exactly at its limit is not too fast."""
    servo = VelocityServo(PSM, HOME, 0.0)
    driven(servo, [0.3, 0.0, 0.0, 0.0, 0.0, 20.0], 1)
    assert servo.notes == (
        "PSM1: 0.300 m/s is 0.100 m/s too fast",
        "PSM1: 20.000 rad/s is 5.000 rad/s too fast",
    )
    driven(servo, [0.2, 0.0, 0.0, 0.0, 0.0, 15.0], 1, start=PERIOD)
    assert servo.notes == ()
    driven(servo, [0.3, 0.0, 0.0, 0.0, 0.0, 0.0], 1, start=2 * PERIOD)
    servo.sample(1.0)
    assert servo.notes == (), "what is silent is not too fast any more"


def test_ends_of_ranges_are_told_with_what_is_left_out() -> None:
    """Every joint that is at one, and no other."""
    end = (0.0, 0.0, BOUNDS.upper[2], 0.0, 0.0, 0.0)
    servo = VelocityServo(PSM, end, 0.0)
    driven(servo, [0.0, 0.0, -0.05, 0.0, 0.0, 0.0], 20)
    assert servo.notes == ("PSM1 insertion at the end of the range: 0.0498 m/s and 0.0000 rad/s are left out",)
    corner = (0.0, 0.0, BOUNDS.upper[2], 0.0, BOUNDS.upper[4], 0.0)
    outward = (PSM.jacobian(corner) @ (0.0, 0.0, 0.05, 0.0, 0.5, 0.0)).tolist()
    servo = VelocityServo(PSM, corner, 0.0)
    driven(servo, outward, 20)
    assert servo.notes[0].startswith("PSM1 insertion, wrist_pitch at the end of the range: 0.0")


def test_what_cannot_be_a_start_is_refused_by_its_name() -> None:
    """Setpoint and its speed; a twist with its values."""
    with pytest.raises(MotionRefused, match=r"^PSM1: setpoint has 5 values"):
        VelocityServo(PSM, HOME[:5], 0.0)
    with pytest.raises(MotionRefused, match=r"^PSM1 yaw: speed of the setpoint nan is not finite$"):
        VelocityServo(PSM, HOME, 0.0, (math.nan, *STILL[1:]))
    with pytest.raises(MotionRefused, match=r"^PSM1: twist \(0\.0, 0\.0\) is not six finite numbers$"):
        VelocityServo(PSM, HOME, 0.0).take(0.0, [0, 0])


def test_an_arm_that_stands_and_is_told_nothing_is_over() -> None:
    """Nothing is commanded, and nothing is said."""
    servo = VelocityServo(PSM, HOME, 0.0)
    assert (servo.busy, servo.goal, servo.notes) == (False, HOME, ())
    assert servo.sample(PERIOD) is None
    assert servo.notes == ()
