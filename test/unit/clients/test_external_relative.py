"""Relative commands of clients: where they begin, and that none of them is lost."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from robot_driver.crtk.refusal import CommandRefusedError
from teleop_core import se3
from teleop_core.se3 import Pose

AGES = (0.003, 0.002, 0.001)
"""Of commands that arrive together [s]: no two have the same stamp."""


def test_relative_motions_start_from_the_setpoint(serve: Any) -> None:
    """move_jr and servo_jr add to the setpoint; servo_cr to place and orientation in the axes of the plain frame."""
    served = serve("PSM1")
    before = served.q
    served.control.move_jr(served.now, (0.05, 0.0, 0.01, 0.0, 0.1, 0.0))
    served.until_idle()
    assert served.q == pytest.approx(np.add(before, (0.05, 0.0, 0.01, 0.0, 0.1, 0.0)), abs=1e-9)
    before = served.q
    served.control.servo_jr(served.now, (0.0, 1e-4, 0.0, 0.0, 0.0, 0.0), served.now)
    served.run(0.3)
    assert served.q == pytest.approx(np.add(before, (0.0, 1e-4, 0.0, 0.0, 0.0, 0.0)), abs=1e-9)
    plain = served.frames.to_plain(served.arm.model.forward(served.q))
    turn = np.array([0.0, 0.0, math.sin(5e-4), math.cos(5e-4)])
    served.control.servo_cr(served.now, Pose(np.array([2e-5, 0.0, 0.0]), turn), "", served.now)
    served.run(0.05)
    after = served.frames.to_plain(served.arm.model.forward(served.q))
    np.testing.assert_allclose(after.position - plain.position, [2e-5, 0.0, 0.0], atol=1e-9)
    expected = se3.quaternion_multiply(turn, plain.quaternion)
    assert se3.quaternion_angle(after.quaternion, expected) <= 1e-9


def test_relative_steps_within_one_servo_period_add_up(serve: Any) -> None:
    """None is lost where a busy machine delivers several together: each goes on from the one that waits."""
    served = serve("PSM1")
    before, step = served.q, (0.0, 5e-5, 0.0, 0.0, 0.0, 0.0)
    for age in AGES:
        served.control.servo_jr(served.now, step, served.now - age)
    served.run(0.1)
    assert served.q == pytest.approx(np.add(before, np.multiply(3.0, step)), abs=1e-9)
    plain = served.frames.to_plain(served.arm.model.forward(served.q))
    place = Pose(np.array([1e-5, 0.0, 0.0]), np.array([0.0, 0.0, 0.0, 1.0]))
    for age in AGES:
        served.control.servo_cr(served.now, place, "", served.now - age)
    served.run(0.1)
    after = served.frames.to_plain(served.arm.model.forward(served.q))
    np.testing.assert_allclose(after.position - plain.position, [3e-5, 0.0, 0.0], atol=1e-9)
    assert served.told == []


def test_relative_steps_that_add_up_to_a_jump_are_refused(serve: Any) -> None:
    """What waits is no larger than one step may be; the one that goes beyond is refused, those before it count."""
    served = serve("PSM1")
    served.control.servo_jr(served.now, (0.0,) * 6, served.now - AGES[0])
    before, step = served.q, (0.0, 0.0, 0.006, 0.0, 0.0, 0.0)
    served.control.servo_jr(served.now, step, served.now - AGES[1])
    with pytest.raises(CommandRefusedError, match=r"insertion jumps by 0\.0120 m"):
        served.control.servo_jr(served.now, step, served.now - AGES[2])
    served.run(0.005)
    assert before[2] < served.q[2] <= before[2] + step[2]


def test_a_relative_move_goes_on_from_the_goal_of_the_one_under_way(serve: Any) -> None:
    """Where two end does not depend on when the second one comes; after a hold it is the setpoint that counts."""
    served, step = serve("PSM1"), (0.1, 0.0, 0.0, 0.0, 0.0, 0.0)
    before = served.q
    served.control.move_jr(served.now, step)
    served.run(0.1)
    served.control.move_jr(served.now, step)
    served.until_idle()
    assert served.q == pytest.approx(np.add(before, np.multiply(2.0, step)), abs=1e-9)
    served.control.move_jr(served.now, step)
    served.run(0.1)
    served.control.hold(served.now)
    before = served.q
    served.control.move_jr(served.now, step)
    served.until_idle()
    assert served.q == pytest.approx(np.add(before, step), abs=1e-9)
