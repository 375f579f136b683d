"""One instrument arm as the kinematics node sees it: its topics, and the hand-arm pair that drives it."""

from __future__ import annotations

import math
from typing import Any

from telesurgery.msg import ArmFeedback, ArmServo

from robot_driver.arm_view import ArmView
from teleop_core.psm_kinematics import forward_pose
from teleop_core.se3 import quaternion_angle
from teleop_core.signals import OperatorSignal
from teleop_core.teleoperation import ArmStatus, HandArmPair
from teleop_ros.adapter import TeleopNode
from teleop_ros.cdr import plain
from teleop_ros.convert import fill_pose

ARM_SERVO = plain(ArmServo)


class TeleoperatedArm(ArmView):
    """Subscriptions and pair of one arm."""

    def __init__(self, node: TeleopNode, name: str, pair: HandArmPair) -> None:
        """Wire the arm up on the node."""
        super().__init__(node, name)
        self.pair = pair
        self._jaw_setpoint: float | None = None
        self._jaw_measured: float | None = None
        self._feedback = ArmFeedback(name=name)
        node.subscription("jaw_setpoint_js", self.on_jaw_setpoint, arm=name)
        node.subscription("jaw_measured_js", self.on_jaw_measured, arm=name)

    def on_jaw_setpoint(self, message: Any) -> None:
        """Jaw angle that the driver holds; rubbish is no angle to start from."""
        self._jaw_setpoint = _finite_angle(message.position)

    def on_jaw_measured(self, message: Any) -> None:
        """Jaw angle."""
        self._jaw_measured = _finite_angle(message.position)

    def drive(self, now: float, signal: OperatorSignal, permitted: bool, velocity_ratio: float) -> Any:
        """Take an accepted packet; say where it leads the arm.

        Args:
            now: Monotonic time [s].
            signal: The packet.
            permitted: The permit to move is fresh.
            velocity_ratio: Share of full speed that is permitted, 0..1.

        Returns:
            The command, an ArmServo as it is written; None where the arm does not follow.
        """
        status = ArmStatus(self.ready, self.setpoint, self._jaw_setpoint)
        command = self.pair.step(now, signal, permitted, velocity_ratio, status)
        if command is None:
            self.holds.let_go()
            return None
        self.holds.driven(now)
        return ARM_SERVO(self.name, command.q, command.jaw)

    def assign(self, hand: str) -> None:
        """Let go, and take the motion from another hand from now on; empty: from none."""
        self.holds.let_go()
        self.pair.assign(hand, self.ready)

    def stop(self) -> None:
        """Let go: nothing more is sent."""
        self.holds.let_go()
        self.pair.stop(self.ready)

    def feedback(self, refusal: str) -> ArmFeedback:
        """What the operator is told of this arm.

        Args:
            refusal: Why its hand does not get another arm; empty where it does not ask, or gets it.
        """
        message = self._feedback
        message.hand = self.pair.hand
        message.teleop_state = int(self.pair.state)
        message.limit_reasons = [*self.pair.reasons, *self.gate_reasons, *([refusal] if refusal else [])]
        if self.setpoint is not None and self.measured is not None:
            setpoint, measured = forward_pose(self.setpoint), forward_pose(self.measured)
            fill_pose(message.setpoint, setpoint)
            fill_pose(message.measured, measured)
            message.tracking_error = math.dist(setpoint.position, measured.position)
            message.tracking_error_angle = quaternion_angle(setpoint.quaternion, measured.quaternion)
        message.jaw_setpoint = math.nan if self._jaw_setpoint is None else self._jaw_setpoint
        message.jaw_measured = math.nan if self._jaw_measured is None else self._jaw_measured
        return message


def _finite_angle(position: Any) -> float | None:
    return float(position[0]) if len(position) == 1 and math.isfinite(position[0]) else None
