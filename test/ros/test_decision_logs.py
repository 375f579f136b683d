"""What the nodes decided in operation is decided again from their logs, identically."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("rclpy", reason="ROS is not installed here")

from robot_driver.arm_limits import gate_limits
from robot_driver.command_gate import CommandGate
from teleop_core.arm_swap import ArmSwap
from teleop_core.cart import rotation_display_in_base
from teleop_core.decision_log import replay
from teleop_core.jaw import JawLimits
from teleop_core.motion_limits import MotionLimits
from teleop_core.session import CommandReceiver, SessionLimits
from teleop_core.signals import SafetyLevel
from teleop_core.teleoperation import HandArmPair
from teleop_ros.profiles import profile

pytestmark = pytest.mark.dds

LAN = profile("lan")
HANDS = {"PSM1": "MTMR", "PSM2": "MTML"}


def gate() -> CommandGate:
    return CommandGate(gate_limits(0.005, LAN.command_age, LAN.command_hold), (0.0,) * 6)


def pair(arm: str) -> HandArmPair:
    return HandArmPair(HANDS[arm], rotation_display_in_base(arm), MotionLimits(0.2, 15.0), JawLimits())


def test_gates_receiver_and_pairs_decide_again_as_they_did(room: Any, tmp_path: Path) -> None:
    """The driver's and the kinematics' decisions of a session with motion; nothing is skipped, nothing differs."""
    logs = {name: tmp_path / f"{name}.jsonl" for name in ("driver", "kinematics")}
    room.nodes.start("safety_monitor", "local_team")
    for name, path in logs.items():
        room.nodes.start(name, decision_log=str(path))
    room.until(lambda: room.console.safety is SafetyLevel.OPERATING, what="operating")
    room.engage()
    room.until(lambda: room.console.speed() > 0.005, what="PSM1 moves")
    room.spin(1.0)
    assert set(room.nodes.stop().values()) == {0}
    gates = replay(logs["driver"], {f"gate {arm}": gate for arm in HANDS})
    assert (gates.first_difference, dict(gates.skipped)) == ("", {})
    assert gates.compared > 500
    receiver = CommandReceiver(SessionLimits(max_age=LAN.command_hold))
    factories: dict[str, Any] = {f"pair {arm}": lambda arm=arm: pair(arm) for arm in HANDS}
    factories |= {"receiver": lambda: receiver, "swap": lambda: ArmSwap(tuple(HANDS))}
    hands = replay(logs["kinematics"], factories)
    assert (hands.first_difference, dict(hands.skipped)) == ("", {})
    assert hands.compared > 500


@pytest.mark.parametrize("name", ["driver", "kinematics"])
def test_a_log_that_cannot_be_written_ends_the_node(room: Any, tmp_path: Path, name: str) -> None:
    """Exit code 2: whoever asked for a record does not operate without one."""
    room.nodes.start(name, decision_log=str(tmp_path / "nowhere" / "log"))
    assert room.nodes.processes[name].wait(20) == 2
