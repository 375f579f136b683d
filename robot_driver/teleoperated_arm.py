"""One instrument arm as the kinematics node sees it: its topics, and the hand-arm pair that drives it."""

from __future__ import annotations

import math
from typing import Any

from telesurgery.msg import ArmFeedback, ArmServo

from robot_driver.arbitration import Owner
from robot_driver.hold_watch import HoldWatch
from teleop_core.psm_kinematics import JOINT_NAMES, forward_pose
from teleop_core.se3 import quaternion_angle
from teleop_core.signals import OperatorSignal
from teleop_core.teleoperation import ArmStatus, HandArmPair
from teleop_ros.adapter import TeleopNode
from teleop_ros.convert import fill_pose

HELD = "the arm was held for a moment"


class TeleoperatedArm:
    """Subscriptions and pair of one arm."""

    def __init__(self, node: TeleopNode, name: str, pair: HandArmPair) -> None:
        """Wire the arm up on the node."""
        self.name = name
        self.pair = pair
        self._ready = self._elsewhere = False
        self._setpoint: tuple[float, ...] | None = None
        self._measured: tuple[float, ...] | None = None
        self._jaw_setpoint: float | None = None
        self._jaw_measured: float | None = None
        self._gate_reasons: list[str] = []
        self._holds = HoldWatch()
        self._now = node.now
        self._command = ArmServo(name=name)
        self._feedback = ArmFeedback(name=name, hand=pair.hand)
        node.subscription("operating_state", self.on_operating_state, arm=name)
        node.subscription("setpoint_js", self.on_setpoint, arm=name)
        node.subscription("measured_js", self.on_measured, arm=name)
        node.subscription("jaw_setpoint_js", self.on_jaw_setpoint, arm=name)
        node.subscription("jaw_measured_js", self.on_jaw_measured, arm=name)
        node.subscription("servo_report", self.on_servo_report, arm=name)

    def on_operating_state(self, message: Any) -> None:
        """The arm may be driven, or not."""
        self._ready = message.state == "ENABLED" and message.is_homed

    def on_setpoint(self, message: Any) -> None:
        """Where the driver holds the arm; rubbish is not a place to start from."""
        self._setpoint = _finite_joints(message.position)

    def on_measured(self, message: Any) -> None:
        """Where the arm is."""
        self._measured = _finite_joints(message.position)

    def on_jaw_setpoint(self, message: Any) -> None:
        """Jaw angle that the driver holds; rubbish is no angle to start from."""
        self._jaw_setpoint = _finite_angle(message.position)

    def on_jaw_measured(self, message: Any) -> None:
        """Jaw angle."""
        self._jaw_measured = _finite_angle(message.position)

    def on_servo_report(self, message: Any) -> None:
        """What the command gate limited lately: the operator is told. A hold of the gate ends the engagement."""
        self._gate_reasons = list(message.limit_reasons)
        self._elsewhere = message.owner not in ("", Owner.TELEOPERATION.value)
        if self._elsewhere:
            self._gate_reasons.append(f"the arm belongs to {message.owner}")
        if self._holds.told(self._now(), message.holding, message.holds):
            self.stop()
            self._gate_reasons.append(message.hold_reason or HELD)

    def drive(self, now: float, signal: OperatorSignal, permitted: bool, velocity_ratio: float) -> ArmServo | None:
        """Take an accepted packet; say where it leads the arm.

        Args:
            now: Monotonic time [s].
            signal: The packet.
            permitted: The permit to move is fresh.
            velocity_ratio: Share of full speed that it permits, 0..1.

        Returns:
            The command, which the next call fills anew; None where the arm does not follow.
        """
        status = ArmStatus(self._ready and not self._elsewhere, self._setpoint, self._jaw_setpoint)
        command = self.pair.step(now, signal, permitted, velocity_ratio, status)
        if command is None:
            self._holds.let_go()
            return None
        self._holds.driven(now)
        self._command.position, self._command.jaw = command.q, command.jaw
        return self._command

    def stop(self) -> None:
        """Let go: nothing more is sent."""
        self._holds.let_go()
        self.pair.stop(self._ready)

    def feedback(self) -> ArmFeedback:
        """What the operator is told of this arm."""
        message = self._feedback
        message.teleop_state = int(self.pair.state)
        message.limit_reasons = [*self.pair.reasons, *self._gate_reasons]
        if self._setpoint is not None and self._measured is not None:
            setpoint, measured = forward_pose(self._setpoint), forward_pose(self._measured)
            fill_pose(message.setpoint, setpoint)
            fill_pose(message.measured, measured)
            message.tracking_error = math.dist(setpoint.position, measured.position)
            message.tracking_error_angle = quaternion_angle(setpoint.quaternion, measured.quaternion)
        message.jaw_setpoint = math.nan if self._jaw_setpoint is None else self._jaw_setpoint
        message.jaw_measured = math.nan if self._jaw_measured is None else self._jaw_measured
        return message


def _finite_angle(position: Any) -> float | None:
    return float(position[0]) if len(position) == 1 and math.isfinite(position[0]) else None


def _finite_joints(position: Any) -> tuple[float, ...] | None:
    q = tuple(position)
    return q if len(q) == len(JOINT_NAMES) and all(map(math.isfinite, q)) else None
