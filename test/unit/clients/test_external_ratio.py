"""The trajectory ratio: however small, it is an answer and no failure."""

from __future__ import annotations

import contextlib
import math
from typing import Any

import numpy as np
import pytest

from robot_driver.crtk.refusal import CommandRefusedError
from robot_driver.motion.motion import MotionRefused
from teleop_core.se3 import Pose


@pytest.mark.parametrize("ratio", [5e-324, 1e-300, 1e-9, 1e-3])
def test_a_ratio_that_leaves_no_time_for_a_move_is_an_answer_and_no_failure(serve: Any, ratio: float) -> None:
    """A move that would take hours is refused with words, of the arm, its tip and its jaw; it never is an exception."""
    turn = serve("PSM1").arm.model.forward(serve.near("PSM1", 0.0)).quaternion
    for move in (
        lambda control, now: control.move_jp(now, serve.near("PSM1", 0.9)),
        lambda control, now: control.move_cp(now, Pose(np.array([0.03, 0.02, -0.12]), turn)),
        lambda control, now: control.move_jaw(now, 0.5),
    ):
        served = serve("PSM1")
        served.control.set_ratio(ratio)
        with contextlib.suppress(CommandRefusedError, MotionRefused):
            move(served.control, served.now)
        served.run(0.1)


def test_a_slow_move_of_an_arm_in_motion_brakes_first(serve: Any) -> None:
    """However much faster than the move it is: the arm comes to rest, and then goes on slowly."""
    served = serve("PSM1")
    served.control.move_jp(served.now, serve.near("PSM1", 0.9))
    served.run(0.4)
    served.control.set_ratio(1e-3)
    served.control.move_jp(served.now, serve.near("PSM1", 0.0))
    served.run(1.0)
    assert served.arm.operating.is_busy
    assert math.dist(served.path[-1], served.path[-2]) < 1e-3
