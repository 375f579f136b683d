"""How long it takes to plan a move; apart from the tests of what is planned, which have to fail for no other reason."""

from __future__ import annotations

import statistics
import time

from robot_driver.motion.cartesian_move import CartesianMove
from teleop_core.arm_model import arm_model

PSM = arm_model("PSM1")
HOME, STILL = (0.0, 0.0, 0.12, 0.0, 0.0, 0.0), (0.0,) * 6


def test_planning_does_not_make_the_driver_late() -> None:
    """The longest line is probed within 2 ms; here with a margin of ten for a machine that does other things too."""
    costs, goal = [], PSM.forward((-0.9, 0.5, 0.2, 2.0, 0.8, -0.7))
    for _ in range(30):
        began = time.perf_counter()
        CartesianMove(PSM, HOME, STILL, goal, 0.0, 1.0, 0.005)
        costs.append(time.perf_counter() - began)
    assert statistics.median(costs) < 0.02
