"""The limits and words of the gate: every reason has one unit, and limits that limit nothing are refused."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from robot_driver.arm_limits import MAX_TILT, MIN_DEPTH, SERVO_ACCELERATION, gate_limits
from robot_driver.gate_limits import Excess, GateLimits, GateReason
from teleop_core.psm_kinematics import INSERTION_AT_RCM, JOINT_LIMITS

LIMITS = GateLimits(
    lower=(-1.0, -1.0, 0.0),
    upper=(1.0, 1.0, 0.5),
    velocity=(1.0, 2.0, 0.25),
    acceleration=(8.0, 16.0, 2.0),
    insertion_index=2,
    min_insertion=0.125,
    tilt_indices=(0, 1),
    max_tilt=1.5,
    servo_period=2.0**-7,
    max_command_age=0.125,
)


def test_every_reason_has_its_unit() -> None:
    """Text and unit of each; what has no unit has no amount."""
    units = {reason.value: reason.unit for reason in GateReason}
    assert units == {
        "arm not enabled": "",
        "protective stop": "",
        "no permit to move": "",
        "permit not renewed": "s",
        "no commands": "",
        "clock ran backwards": "s",
        "command has the wrong number of joints": "",
        "command is not a finite number": "",
        "command too old": "s",
        "commands faster than real time": "s",
        "command jumps": "rad",
        "insertion command jumps": "m",
        "joint range": "rad",
        "insertion range": "m",
        "depth past the remote centre": "m",
        "workspace": "rad",
        "joint velocity": "rad/s",
        "insertion velocity": "m/s",
        "travel in 250 ms": "rad/s",
        "insertion travel in 250 ms": "m/s",
        "braking before a limit": "rad/s",
        "insertion braking before a limit": "m/s",
        "joint acceleration": "rad/s^2",
        "insertion acceleration": "m/s^2",
    }
    assert all(reason == reason.value == GateReason(reason.value) for reason in GateReason)


def test_an_excess_has_the_unit_of_its_reason() -> None:
    """And no amount unless it is given one."""
    assert Excess(GateReason.JUMP, 0.5).unit == "rad"
    assert Excess(GateReason.DISABLED).unit == ""
    assert math.isnan(Excess(GateReason.DISABLED).amount)
    assert Excess(GateReason.DISABLED) == Excess(GateReason.DISABLED)


def test_times_that_need_not_be_given() -> None:
    """Hold after 60 ms of silence; 50 ms at full speed are a jump."""
    assert (LIMITS.silence, LIMITS.jump_time) == (0.06, 0.05)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"lower": (-1.0, math.nan, 0.0)}, "lower: (-1.0, nan, 0.0) must be finite"),
        ({"upper": (1.0, math.inf, 0.5)}, "upper: (1.0, inf, 0.5) must be finite"),
        ({"velocity": (1.0, math.inf, 0.25)}, "velocity: (1.0, inf, 0.25) must be finite"),
        ({"acceleration": (8.0, 16.0, math.nan)}, "acceleration: (8.0, 16.0, nan) must be finite"),
        ({"min_insertion": math.nan}, "min_insertion: nan must be finite"),
        ({"max_tilt": math.nan}, "max_tilt: nan must be finite"),
        ({"servo_period": math.inf}, "servo_period: inf must be finite"),
        ({"max_command_age": math.inf}, "max_command_age: inf must be finite"),
        ({"silence": math.nan}, "silence: nan must be finite"),
        ({"jump_time": math.inf}, "jump_time: inf must be finite"),
        ({"upper": (1.0, 1.0)}, "upper: (1.0, 1.0) must have 3 values, as lower has"),
        ({"velocity": (1.0, 2.0)}, "velocity: (1.0, 2.0) must have 3 values, as lower has"),
        ({"acceleration": (8.0, 16.0)}, "acceleration: (8.0, 16.0) must have 3 values, as lower has"),
        ({"velocity": (1.0, 0.0, 0.25)}, "velocity: (1.0, 0.0, 0.25) must be positive"),
        ({"acceleration": (8.0, 16.0, 0.0)}, "acceleration: (8.0, 16.0, 0.0) must be positive"),
        ({"max_tilt": 0.0}, "max_tilt: 0.0 must be positive"),
        ({"servo_period": 0.0}, "servo_period: 0.0 must be positive"),
        ({"max_command_age": 0.0}, "max_command_age: 0.0 must be positive"),
        ({"silence": 0.0}, "silence: 0.0 must be positive"),
        ({"jump_time": 0.0}, "jump_time: 0.0 must be positive"),
        ({"max_tilt": 1.75}, "max_tilt: 1.75 must be at most a right angle"),
        ({"jump_time": 0.0078}, "jump_time: 0.0078 must be at least servo_period, 0.0078125"),
        ({"lower": (-1.0, 1.0, 0.0)}, "lower: (-1.0, 1.0, 0.0) must be below upper, (1.0, 1.0, 0.5)"),
        ({"insertion_index": 3}, "insertion_index, tilt_indices: 3 is none of the 3 joints"),
        ({"insertion_index": -1}, "insertion_index, tilt_indices: -1 is none of the 3 joints"),
        ({"tilt_indices": (0, 3)}, "insertion_index, tilt_indices: 3 is none of the 3 joints"),
        ({"tilt_indices": (0, 2)}, "tilt_indices: (0, 2) must be two joints that do not insert"),
        ({"tilt_indices": (1, 1)}, "tilt_indices: (1, 1) must be two joints that do not insert"),
        ({"min_insertion": 0.5}, "min_insertion: 0.5 must be below upper, (1.0, 1.0, 0.5)"),
    ],
)
def test_limits_that_limit_nothing_are_refused(change: dict[str, object], message: str) -> None:
    """The error names the field and its value."""
    with pytest.raises(ValueError) as error:  # noqa: PT011 - the whole text is compared
        replace(LIMITS, **change)
    assert str(error.value) == message


@pytest.mark.parametrize(
    "change",
    [
        {"max_tilt": 0.5 * math.pi},
        {"max_tilt": 5e-324},
        {"jump_time": 2.0**-7},
        {"velocity": (5e-324, 2.0, 0.25)},
        {"insertion_index": 0, "tilt_indices": (2, 1)},
        {"min_insertion": math.nextafter(0.5, 0.0)},
        {"min_insertion": -1.0},
    ],
)
def test_the_ends_are_allowed(change: dict[str, object]) -> None:
    """What lies exactly at an end is a limit."""
    replace(LIMITS, **change)


def test_the_limits_of_an_instrument_arm() -> None:
    """The joint limits of the model, 45 mm past the remote centre, a tilt of 80 degrees, and the times it is given."""
    limits = gate_limits(0.005, 0.15, 0.07)
    assert limits.lower == tuple(JOINT_LIMITS.lower)
    assert limits.upper == tuple(JOINT_LIMITS.upper)
    assert limits.velocity == tuple(JOINT_LIMITS.velocity)
    assert limits.acceleration == SERVO_ACCELERATION == (30.0, 30.0, 4.0, 600.0, 600.0, 600.0)
    assert (limits.insertion_index, limits.tilt_indices) == (2, (0, 1))
    assert limits.min_insertion == MIN_DEPTH + INSERTION_AT_RCM == pytest.approx(0.0606)
    assert limits.max_tilt == MAX_TILT == pytest.approx(math.radians(80.0))
    assert (limits.servo_period, limits.max_command_age, limits.silence) == (0.005, 0.15, 0.07)
    assert limits.jump_time == 0.05
