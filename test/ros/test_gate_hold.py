"""A hold that only the command gate saw ends the engagement: nothing goes on without the operator's gesture."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

rclpy = pytest.importorskip("rclpy", reason="ROS is not installed here")

from robot_driver import arm_view, teleoperated_arm  # noqa: E402
from teleop_core.cart import rotation_display_in_base  # noqa: E402
from teleop_core.jaw import JawLimits  # noqa: E402
from teleop_core.motion_limits import MotionLimits  # noqa: E402
from teleop_core.se3 import Pose  # noqa: E402
from teleop_core.signals import HandSignal, OperatorSignal, TeleopState  # noqa: E402
from teleop_core.teleoperation import HandArmPair  # noqa: E402
from teleop_ros.adapter import TeleopNode, message_type  # noqa: E402

pytestmark = pytest.mark.dds
JOINTS = message_type("sensor_msgs/msg/JointState")
SETPOINT = [0.1, -0.1, 0.14, 0.2, 0.1, -0.1]


@pytest.fixture
def arm(ros_domain: int) -> Iterator[Any]:
    """An arm that follows since its node's time 1.0 s; the node's clock is set by the test."""
    rclpy.init(domain_id=ros_domain)
    node = TeleopNode("test_kinematics")
    node.now = lambda: node.set_now  # type: ignore[method-assign]
    pair = HandArmPair("MTMR", rotation_display_in_base("PSM1"), MotionLimits(), JawLimits())
    made = teleoperated_arm.TeleoperatedArm(node, "PSM1", pair)
    made.on_operating_state(message_type("crtk_msgs/msg/OperatingState")(state="ENABLED", is_homed=True))
    made.on_setpoint(JOINTS(position=SETPOINT))
    made.on_jaw_setpoint(JOINTS(position=[0.2]))
    hand = HandSignal("MTMR", Pose(np.zeros(3), np.array([0.0, 0.0, 0.0, 1.0])), (0.0,) * 3, (0.0,) * 3, 0.3)
    for now, clutch in ((0.0, True), (1.0, False)):
        signal = OperatorSignal(now, 1, 1, 0, True, clutch, False, 0.2, 0.0, 0.0, (hand,))
        command = made.drive(now, signal, True, 1.0)
        assert (command is None) == clutch
    assert (command.name, list(command.position)) == ("PSM1", pytest.approx(SETPOINT, abs=1e-9))
    assert command.jaw == pytest.approx(0.2, abs=1e-3)
    assert pair.state is TeleopState.FOLLOWING
    made.node = node
    yield made
    node.destroy_node()
    rclpy.try_shutdown()


@pytest.mark.parametrize(
    ("holding", "holds", "after", "state"),
    [
        (True, 1, 0.31, TeleopState.ALIGNING),
        (False, 2, 0.31, TeleopState.ALIGNING),
        (True, 1, 0.2, TeleopState.FOLLOWING),
        (False, 2, 0.2, TeleopState.ALIGNING),
        (False, 1, 9.0, TeleopState.FOLLOWING),
    ],
)
def test_a_hold_of_the_gate_ends_the_engagement(
    arm: Any, holding: bool, holds: int, after: float, state: TeleopState
) -> None:
    """A report of a hold, lasting or over, lets go and names the reason; one from before the engagement does not."""
    report = message_type("telesurgery/msg/ServoReport")
    arm.node.set_now = 1.04
    arm.on_servo_report(report(holding=True, hold_reason="no commands", holds=1))
    arm.node.set_now = 1.0 + after
    reason = "permit not renewed" if holding else ""
    arm.on_servo_report(report(holding=holding, hold_reason=reason, holds=holds))
    assert arm.pair.state is state
    told = {"permit not renewed", arm_view.HELD} & set(arm.feedback("").limit_reasons)
    assert bool(told) is (state is TeleopState.ALIGNING)
