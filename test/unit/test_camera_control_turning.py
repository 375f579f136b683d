"""Both hands turn the picture: when their line has a direction, how fast it may turn, and where its roll ends."""

from __future__ import annotations

import math

import numpy as np
import pytest

from teleop_core.camera_control import (
    AT_ITS_LIMIT,
    JOINT_SPEED_SHARE,
    SHORTEST_LINE,
    TOO_FAST,
    CameraControl,
    CameraLimits,
)
from teleop_core.se3 import quaternion_angle
from test.unit.test_camera_control import LIMITS, MODEL, PERIOD, READY, Held, turn_hands


@pytest.fixture
def held() -> Held:
    made = Held()
    made.step(camera=False)
    made.step()
    return made


def test_hands_one_above_the_other_turn_the_picture_as_well(held: Held) -> None:
    """The line between the hands may be upright, and may go through the half turn at which its angle starts anew."""
    held.step(camera=False)
    held.left, held.right = np.array([0.0, 0.1, 0.2]), np.array([0.0, -0.1, 0.2])
    held.step()
    before = held.tip()
    for number in range(1, 201):
        a = 0.5 * math.pi + 0.004 * number
        held.left = np.array([0.1 * math.cos(a), 0.1 * math.sin(a), 0.2])
        held.right = -held.left + np.array([0.0, 0.0, 0.4])
        held.step()
    for _ in range(400):
        held.step()
    assert quaternion_angle(held.tip().quaternion, before.quaternion) == pytest.approx(0.8, abs=1e-6)


def test_a_line_that_begins_upside_down_turns_the_picture_by_as_much(held: Held) -> None:
    """Its angle starts anew at the half turn: to and fro across it, the picture turns with it."""
    held.step(camera=False)
    held.left, held.right = held.right, held.left
    held.step()
    before = held.tip()
    for number in range(-100, 101):
        a = math.pi + 0.004 * number
        held.left = np.array([0.1 * math.cos(a), 0.1 * math.sin(a), 0.2])
        held.right = -held.left + np.array([0.0, 0.0, 0.4])
        held.step()
    for _ in range(400):
        held.step()
    assert quaternion_angle(held.tip().quaternion, before.quaternion) == pytest.approx(0.4, abs=1e-6)


@pytest.mark.parametrize(("apart", "turned"), [(SHORTEST_LINE, 0.5 * math.pi), (0.9999 * SHORTEST_LINE, 0.0)])
def test_a_line_has_a_direction_from_three_centimetres_on(held: Held, apart: float, turned: float) -> None:
    """From that length on, and including it, the picture turns with it; hands that are nearer do not turn it."""
    assert SHORTEST_LINE == 0.03
    held.step(camera=False)
    held.left, held.right = np.array([apart, 0.0, 0.2]), np.array([0.0, 0.0, 0.2])
    held.step()
    held.left, held.right = np.array([0.5 * apart, 0.5 * apart, 0.2]), np.array([0.5 * apart, -0.5 * apart, 0.2])
    for _ in range(1500):
        held.step()
    assert READY[3] - held.setpoint[3] == pytest.approx(turned, abs=0.04 if turned else 1e-6)


def test_hands_that_come_apart_do_not_turn_the_picture(held: Held) -> None:
    """They were too near to each other to have a direction: it counts from where they have the first one."""
    held.step(camera=False)
    held.left = held.right = np.array([0.0, 0.0, 0.2])
    before = held.tip()
    for _ in range(400):
        apart = 0.0002 * np.array([0.6, 0.8, 0.0])
        held.left, held.right = held.left + apart, held.right - apart
        held.step()
    assert held.tip().position == pytest.approx(before.position, abs=1e-6)
    assert quaternion_angle(held.tip().quaternion, before.quaternion) == pytest.approx(0.0, abs=1e-6)


def test_hands_that_pass_each_other_do_not_turn_the_picture(held: Held) -> None:
    """They came too near to each other to have a direction, and count from the one with which they part again."""
    before = held.tip()
    aside = np.array([0.0, 0.0002, 0.0])
    for share in np.linspace(1.0, -1.0, 801):
        held.left = share * np.array([0.1, 0.0, 0.0]) + aside + np.array([0.0, 0.0, 0.2])
        held.right = 2.0 * np.array([0.0, 0.0, 0.2]) - held.left
        held.step()
    assert quaternion_angle(held.tip().quaternion, before.quaternion) == pytest.approx(0.0, abs=0.04)


def test_a_lower_speed_of_the_turn_is_kept(held: Held) -> None:
    """Where the joint could be faster than the picture may turn, the picture's limit holds; that is told."""
    held.control = CameraControl(CameraLimits(rotation_speed=0.1))
    held.step(camera=False)
    held.step()
    for way in (1.0, -1.0):
        held.left, held.right = np.array([0.08, way * 0.06, 0.2]), np.array([-0.08, -way * 0.06, 0.2])
        for _ in range(100):
            before = held.setpoint
            held.step()
            assert before[3] - held.setpoint[3] == pytest.approx(way * 0.1 * PERIOD, rel=1e-6)
            assert held.control.reasons == (TOO_FAST,)


def test_a_joint_that_would_be_too_fast_is_told(held: Held) -> None:
    """Between the speed that its joint may use and the one that the picture may turn at, it is the joint that slows."""
    step = 0.98 * LIMITS.rotation_speed * PERIOD
    held.left = np.array([0.1 * math.cos(step), 0.1 * math.sin(step), 0.2])
    held.right = np.array([-0.1 * math.cos(step), -0.1 * math.sin(step), 0.2])
    held.step()
    assert READY[3] - held.setpoint[3] == pytest.approx(JOINT_SPEED_SHARE * MODEL.limits.velocity[3] * PERIOD, rel=1e-6)
    assert READY[3] - held.setpoint[3] < step
    assert held.control.reasons == (TOO_FAST,)


def test_the_end_of_the_roll_is_told(held: Held) -> None:
    """Hands that turn the picture farther than the endoscope rolls are told so, and not on the way there."""
    turn_hands(held, 1.4)
    assert held.control.reasons == ()
    held.step(camera=False)
    held.step()
    turn_hands(held, 1.7)
    assert held.control.reasons == (AT_ITS_LIMIT,)
    assert held.setpoint[3] == MODEL.limits.lower[3]
