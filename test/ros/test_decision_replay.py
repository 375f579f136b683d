"""A live session is decided again from its decision logs: the same inputs give the same decisions, to the last bit."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from robot_driver.arm_limits import gate_limits
from robot_driver.command_gate import CommandGate
from safety_monitor.supervisor import Supervisor
from teleop_core.arm_swap import ArmSwap
from teleop_core.cart import PLACEMENTS, rotation_display_in_base
from teleop_core.decision_log import replay
from teleop_core.jaw import JawLimits
from teleop_core.motion_limits import MotionLimits
from teleop_core.profiles import Profile
from teleop_core.session import CommandReceiver, SessionLimits
from teleop_core.signals import SafetyLevel
from teleop_core.teleoperation import HandArmPair
from teleop_ros.profile_files import find_profile

pytestmark = pytest.mark.dds

HANDS = {"PSM1": "MTMR", "PSM2": "MTML"}
NODES = ("safety_monitor", "driver", "kinematics")
START_LIMIT = 45.0
"""On a machine that is busy with other things a node takes long to start [s]."""


def factories(node: str, profile: Profile) -> dict[str, Callable[[], Any]]:
    """What each node makes at its start."""
    if node == "safety_monitor":
        return {"supervisor": lambda: Supervisor(profile)}
    if node == "driver":
        limits = gate_limits(0.005, profile.command_age, profile.command_hold)
        return {f"gate {arm}": lambda arm=arm: CommandGate(limits, PLACEMENTS[arm].ready) for arm in HANDS}
    made: dict[str, Callable[[], Any]] = {
        f"pair {arm}": lambda arm=arm, hand=hand: HandArmPair(
            hand, rotation_display_in_base(arm), MotionLimits(), JawLimits()
        )
        for arm, hand in HANDS.items()
    }
    made["swap"] = lambda: ArmSwap(tuple(HANDS))
    made["receiver"] = lambda: CommandReceiver(SessionLimits(max_age=profile.command_hold))
    return made


def change_a_number(path: Path, method: str) -> None:
    """Change the result of one call in the middle of a log."""
    lines = path.read_text().splitlines()
    places = [index for index, line in enumerate(lines) if f'"call":"{method}"' in line]
    assert places, f"{path} holds no {method}"
    index = places[len(places) // 2]
    record = json.loads(lines[index])
    record["result"] = {"l": [record["result"]]}
    lines[index] = json.dumps(record)
    path.write_text("\n".join(lines) + "\n")


def test_a_live_session_is_decided_again(room: Any, tmp_path: Path) -> None:
    """Supervisor, gates, receiver and pairs decide as recorded, faults included; a changed record is found."""
    console = room.console
    for node in NODES:
        room.nodes.start(node, decision_log=str(tmp_path / node))
    room.nodes.start("local_team")
    room.until(lambda: console.safety is SafetyLevel.OPERATING, START_LIMIT, "operating")
    room.engage()
    room.until(lambda: console.speed() > 0.005, what="PSM1 moves")
    console.speaks = False
    room.until(lambda: console.safety is SafetyLevel.HOLD, what="hold after silence")
    console.speaks = True
    room.until(lambda: console.safety is SafetyLevel.OPERATING, what="operating again")
    room.engage()
    console.stop_requests.publish(console.stop_requests.msg_type(source="nurse", reason="test"))
    room.until(lambda: console.safety is SafetyLevel.PROTECTIVE_STOP, what="protective stop")
    room.nodes.stop()

    profile = find_profile("lan")
    for node in NODES:
        found = replay(tmp_path / node, factories(node, profile))
        assert found.identical, f"{node}: {found}"
        assert found.compared > 100
        assert not found.skipped
    for node, method in zip(NODES, ("step", "command", "receive"), strict=True):
        change_a_number(tmp_path / node, method)
        found = replay(tmp_path / node, factories(node, profile))
        assert found.different == 1
        assert f".{method}: at /result" in found.first_difference
