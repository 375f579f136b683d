"""Sticks become hand poses; a missing gamepad is told."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from teleop_console.devices.device import DeviceError, DeviceLostError
from teleop_console.devices.gamepad import Gamepad, space_mouse_rates, stick_rates
from teleop_console.devices.registry import open_device
from teleop_console.devices.stick_motion import (
    LARGEST_TURN,
    LONGEST_STEP,
    REACH,
    SPEED,
    TURN_SPEED,
    StickMotion,
    Sticks,
)
from teleop_console.devices.workplace import GRIPPER_OPEN
from teleop_core.se3 import quaternion_angle

UPRIGHT = (0.0, 0.0, 0.0, 1.0)
IDLE = Sticks(rates=np.zeros((2, 6)), squeezed=np.zeros(2), deadman=True, clutch=False, camera=False)


def deflected(hand: int, axis: int, value: float) -> Sticks:
    rates = np.zeros((2, 6))
    rates[hand, axis] = value
    return replace(IDLE, rates=rates)


def test_full_deflection_moves_one_hand_at_full_speed_and_says_so() -> None:
    """Pose and twist agree, and the other hand stays."""
    motion = StickMotion()
    first = motion.advance(IDLE, 10.0)
    for tick in range(1, 101):
        sample = motion.advance(deflected(0, 1, 1.0), 10.0 + 0.005 * tick)
    moved = sample.hands[0].pose.position - first.hands[0].pose.position
    assert moved == pytest.approx((0.0, SPEED * 0.5, 0.0), abs=1e-9)
    assert sample.hands[0].linear == pytest.approx((0.0, SPEED, 0.0), abs=1e-9)
    assert np.array_equal(sample.hands[1].pose.position, first.hands[1].pose.position)


def test_full_deflection_turns_a_hand_about_the_display_axis() -> None:
    """Half a second about Z at full deflection."""
    motion = StickMotion()
    motion.advance(IDLE, 0.0)
    for tick in range(1, 101):
        sample = motion.advance(deflected(1, 5, -1.0), 0.005 * tick)
    half = -0.25 * TURN_SPEED
    assert sample.hands[1].pose.quaternion == pytest.approx((0.0, 0.0, math.sin(half), math.cos(half)), abs=1e-9)
    assert sample.hands[1].angular == pytest.approx((0.0, 0.0, -TURN_SPEED), abs=1e-9)


@given(st.lists(st.tuples(st.integers(0, 5), st.floats(-1e6, 1e6), st.floats(-1.0, 100.0)), max_size=40))
def test_hands_stay_in_reach_whatever_the_sticks_and_the_clock_do(steps: list[tuple[int, float, float]]) -> None:
    """Box and cone hold, no step exceeds what full deflection can do in the longest step."""
    motion = StickMotion()
    home = motion.advance(IDLE, 0.0)
    now, before = 0.0, home
    for axis, value, pause in steps:
        now += pause
        sample = motion.advance(deflected(0, axis, value), now)
        hand = sample.hands[0]
        assert np.abs(hand.pose.position - home.hands[0].pose.position).max() <= REACH + 1e-12
        assert quaternion_angle(hand.pose.quaternion, UPRIGHT) <= LARGEST_TURN + 1e-9
        assert math.dist(hand.pose.position, before.hands[0].pose.position) <= SPEED * LONGEST_STEP + 1e-12
        assert math.hypot(*hand.linear) <= SPEED * (1.0 + 1e-9)
        before = sample


def test_at_the_end_of_the_box_the_velocity_is_zero() -> None:
    """A hand that cannot go on does not claim to move."""
    motion = StickMotion()
    for tick in range(1000):
        sample = motion.advance(deflected(0, 0, 1.0), 0.01 * tick)
    assert sample.hands[0].linear == (0.0, 0.0, 0.0)
    for tick in range(1000, 3000):
        sample = motion.advance(deflected(0, 4, 1.0), 0.01 * tick)
    assert sample.hands[0].angular == (0.0, 0.0, 0.0)
    assert quaternion_angle(sample.hands[0].pose.quaternion, UPRIGHT) == pytest.approx(LARGEST_TURN, abs=1e-6)


def test_a_worn_stick_does_not_creep() -> None:
    """Within the dead zone nothing moves; beyond it motion starts from zero speed."""
    motion = StickMotion()
    motion.advance(IDLE, 0.0)
    assert motion.advance(deflected(0, 0, 0.09), 0.01).hands[0].linear == (0.0, 0.0, 0.0)
    assert 0.0 < motion.advance(deflected(0, 0, 0.11), 0.02).hands[0].linear[0] < 0.02 * SPEED


def test_buttons_and_triggers_pass_through() -> None:
    """Deadman is presence; triggers close the grippers; out-of-range triggers are limited."""
    sticks = replace(IDLE, squeezed=np.array((1.0, -0.5)), deadman=False, clutch=True, camera=True)
    sample = StickMotion().advance(sticks, 0.0)
    assert (sample.operator_present, sample.clutch, sample.camera) == (False, True, True)
    assert [hand.gripper for hand in sample.hands] == [0.0, GRIPPER_OPEN]


def test_sticks_move_hands_the_way_they_are_pushed() -> None:
    """Display axes: X is left, Y up, Z away from the operator."""
    assert stick_rates(1.0, 0.0, False, (0, 0)) == [-1.0, 0.0, 0.0, 0.0, 0.0, 0.0]  # right
    assert stick_rates(0.0, -1.0, False, (0, 0)) == [0.0, 1.0, 0.0, 0.0, 0.0, 0.0]  # pushed away: up
    assert stick_rates(0.0, -1.0, True, (0, 0)) == [0.0, 0.0, 1.0, 0.0, 0.0, 0.0]  # pressed and pushed: away
    assert stick_rates(1.0, 0.0, True, (0, 0))[5] == 1.0  # pressed and right: clockwise
    assert space_mouse_rates([1.0, 2.0, 3.0, 4.0, 5.0, 6.0]) == [-1.0, -3.0, -2.0, -4.0, -6.0, -5.0]


def test_without_a_gamepad_connecting_says_what_to_do() -> None:
    """The real pygame finds none; neither the first nor a later attempt breaks anything."""
    pad = open_device("gamepad", 0)
    if list(Path("/dev/input").glob("js*")):
        pytest.skip("a gamepad is plugged in here")
    for _ in range(2):
        with pytest.raises(DeviceError, match="no gamepad found: plug one in"):
            pad.connect()
    assert not pad.performs_gesture
    pad.close()


def test_reading_an_unconnected_gamepad_is_a_lost_device() -> None:
    """As after an unplug."""
    with pytest.raises(DeviceLostError):
        Gamepad().read(0.0)


def test_a_device_without_a_name_is_refused() -> None:
    """An empty parameter is an error of its own, not a file."""
    with pytest.raises(DeviceError, match="device: ''"):
        open_device("", 0)
