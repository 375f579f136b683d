"""Servo periods that come late and then early, as on a busy machine: a move goes on to its goal."""

from __future__ import annotations

from typing import Any

import pytest

from robot_driver.gate_limits import GateReason


def test_a_step_that_only_comes_too_early_ends_no_move(serve: Any) -> None:
    """The gate refuses it, nobody is told that the move has ended, and the goal is reached."""
    served, goal = serve("PSM1"), serve.near("PSM1")
    served.control.move_jp(served.now, goal)
    served.run(0.2)
    refused = 0
    for _ in range(400):
        served.now += 0.0002
        served.control.step(served.now)
        decision = served.arm.decision
        refused += not decision.moved and decision.reasons[0].reason is GateReason.TOO_OFTEN
    assert refused > 0
    assert served.arm.operating.is_busy
    served.until_idle()
    assert served.q == pytest.approx(goal, abs=1e-9)
    assert served.goals == [True]
    assert [text for text in served.told if "ended" in text] == []
