"""What is refused changes nothing: it keeps no arm, ends no motion, and is always told."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from robot_driver.arbitration import LEASE
from robot_driver.crtk.refusal import CommandRefusedError
from robot_driver.motion.motion import MotionRefused
from teleop_core.se3 import Pose
from teleop_core.teller import TELL_EVERY, Teller

PERIOD = 0.005
NOWHERE = Pose(np.zeros(3), np.array([0.0, 0.0, 0.0, 1.0]))
"""The remote centre itself: no arm has joint positions for it."""


def _refused_line(served: Any) -> Pose:
    """A pose that the arm reaches, but by no straight line."""
    limits, random = served.arm.model.limits, np.random.default_rng(0)
    for _ in range(200):
        pose: Pose = served.arm.model.forward(limits.lower + random.random(6) * (limits.upper - limits.lower))
        try:
            served.control.move_cp(served.now, pose)
        except MotionRefused:
            return pose
        served.control.hold(served.now)
    raise AssertionError("every line was taken")


def test_a_move_that_is_refused_does_not_keep_the_arm(serve: Any) -> None:
    """However often a client asks for a line that is out of reach, teleoperation may drive."""
    served = serve("PSM1")
    pose = _refused_line(served)
    for _ in range(5):
        served.run(0.05)
        with pytest.raises(MotionRefused):
            served.control.move_cp(served.now, pose)
        assert served.control.leases.owner(served.now) is None
        served.run(LEASE + 0.01)
        assert served.control.teleoperate(served.now, served.q, served.now)
        served.run(LEASE + 0.01)


@pytest.mark.parametrize(
    "refused",
    [
        lambda served: served.control.interpolate_cp(served.now, served.now, NOWHERE),
        lambda served: served.control.interpolate_jp(served.now, math.inf, served.q),
        lambda served: served.control.servo_cv(served.now, np.full(6, math.nan)),
    ],
)
def test_a_stream_that_cannot_begin_ends_no_move(serve: Any, refused: Any) -> None:
    """The move goes on, and reaches its goal."""
    served, goal = serve("PSM1"), serve.near("PSM1", 0.3)
    served.control.move_jp(served.now, goal)
    served.run(0.05)
    with pytest.raises((MotionRefused, CommandRefusedError)):
        refused(served)
    assert served.arm.operating.is_busy
    served.until_idle()
    assert served.goals == [True]
    assert served.q == pytest.approx(goal)


@pytest.mark.parametrize("latency", [0.0, 0.005, 0.02, 0.08, 0.12])
@pytest.mark.parametrize("periods", [1, 2, 4, 10])
def test_a_jaw_that_moves_makes_no_command_too_old(serve: Any, latency: float, periods: int) -> None:
    """A client far away streams with its own stamps, at any rate, while the jaw moves."""
    served = serve("PSM1")
    served.control.move_jaw(served.now, 0.5)
    for _ in range(40):
        served.run(periods * PERIOD)
        served.control.servo_jp(served.now, served.q, served.now - latency)
    served.until_idle()
    assert served.goals == [True]


@pytest.mark.parametrize("first", ["arm", "jaw"])
def test_a_move_that_is_over_does_not_free_the_arm_of_a_client_that_streams(serve: Any, first: str) -> None:
    """A jaw that has arrived beside a stream for the arm, or the arm beside one for the jaw: the client goes on."""
    served = serve("PSM1")
    if first == "jaw":
        served.control.servo_jp(served.now, served.q, served.now)
        served.control.move_jaw(served.now, served.arm.jaw_setpoint + 0.05)
    else:
        served.control.move_jp(served.now, serve.near("PSM1", 0.01))
    for step in range(200):
        served.run(PERIOD)
        assert not served.control.teleoperate(served.now, served.q, served.now)
        if step % 2 == 0 and first == "jaw":
            served.control.servo_jp(served.now, served.q, served.now)
        elif step % 2 == 0:
            served.control.servo_jaw(served.now, 0.3)
    assert served.goals == [True]
    served.run(0.6)
    assert served.control.teleoperate(served.now, served.q, served.now)


def test_a_command_that_waits_and_is_dropped_is_told(serve: Any) -> None:
    """The arm is taken, or disabled, before the next servo period."""
    served = serve("PSM1")
    for stop in (
        lambda: served.control.hold(served.now),
        lambda: served.control.claim(served.now, True),
    ):
        served.run(TELL_EVERY + 0.1)
        for _ in range(2):
            served.control.servo_jp(served.now, served.q, served.now - 0.001)
            served.now += 0.0005
        served.told.clear()
        stop()
        served.run(PERIOD)
        assert any(text.startswith("servo_jp refused: ") for text in served.told)


def test_a_small_way_that_waits_is_not_lost(serve: Any) -> None:
    """Relative commands that come faster than the servo period add up."""
    served = serve("PSM1")
    start = served.q
    for number in range(12):
        served.control.servo_jr(served.now, (0.0, 1e-4, 0.0, 0.0, 0.0, 0.0), served.now)
        served.now += 0.001
        if number % 4 == 3:
            served.run(PERIOD)
    served.run(PERIOD)
    assert served.q[1] == pytest.approx(start[1] + 12e-4)


def test_a_move_of_the_jaw_that_is_replaced_has_not_reached_its_goal(serve: Any) -> None:
    """By another move, and by a servo command."""
    served = serve("PSM1")
    served.control.move_jaw(served.now, 0.8)
    served.run(0.05)
    served.control.move_jaw(served.now, 0.1)
    assert served.goals == [False]
    served.run(0.05)
    served.control.servo_jaw(served.now, 0.2)
    assert served.goals == [False, False]
    assert not served.arm.operating.is_busy


def test_what_had_to_wait_is_told_in_the_end() -> None:
    """A client that is refused twice within a second hears the second reason too, if nothing else comes."""
    teller = Teller()
    teller.refuse(10.0, "move_jp", "no permit")
    teller.refuse(10.3, "move_jp", "too many values")
    teller.refuse(10.4, "move_jp", "out of reach")
    assert teller.take() == ["move_jp refused: no permit"]
    teller.step(10.9)
    assert teller.take() == []
    teller.step(11.0)
    assert teller.take() == ["move_jp refused: out of reach (and 1 more)"]
    teller.step(12.0)
    assert teller.take() == []


def test_the_second_refusal_within_a_second_is_told(serve: Any) -> None:
    """By the arm itself, once the second is over."""
    served = serve("PSM1")
    for why in ("one", "two"):
        served.control.teller.refuse(served.now, "move_jp", why)
    served.run(TELL_EVERY + 0.1)
    assert served.told == ["move_jp refused: one", "move_jp refused: two"]
