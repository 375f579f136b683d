"""The camera arm as the kinematics node sees it: its topics, and the control by both hands."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from telesurgery.msg import ArmFeedback, ArmServo

from robot_driver.arm_view import ArmView
from teleop_core.arm_model import arm_model
from teleop_core.camera_control import CameraControl
from teleop_core.contract import CAMERA_ARM
from teleop_core.se3 import quaternion_angle
from teleop_core.signals import OperatorSignal
from teleop_ros.adapter import TeleopNode
from teleop_ros.cdr import plain
from teleop_ros.convert import fill_pose

ARM_SERVO = plain(ArmServo)
Look = Callable[[tuple[float, ...]], None]


class TeleoperatedCamera(ArmView):
    """Subscriptions and control of the camera arm."""

    def __init__(self, node: TeleopNode, control: CameraControl, look: Look) -> None:
        """Wire the arm up on the node.

        Args:
            node: The kinematics.
            control: Says where the arm shall be.
            look: Called with the joint positions of its setpoint whenever they have changed.
        """
        super().__init__(node, CAMERA_ARM)
        self.control = control
        self._look = look
        self._model = arm_model(CAMERA_ARM)
        self._feedback = ArmFeedback(name=CAMERA_ARM, jaw_setpoint=math.nan, jaw_measured=math.nan)

    def on_setpoint(self, message: Any) -> None:
        """Where the driver holds the arm: the picture is taken from there."""
        before = self.setpoint
        super().on_setpoint(message)
        if self.setpoint is not None and self.setpoint != before:
            self._look(self.setpoint)

    def drive(self, now: float, signal: OperatorSignal, permitted: bool, velocity_ratio: float) -> Any:
        """Take an accepted packet; say where it leads the arm; see `TeleoperatedArm.drive`."""
        q = self.control.step(now, signal, permitted, velocity_ratio, self.ready, self.setpoint)
        if q is None:
            self.holds.let_go()
            return None
        self.holds.driven(now)
        return ARM_SERVO(CAMERA_ARM, q, math.nan)

    def stop(self) -> None:
        """Let go: nothing more is sent."""
        self.holds.let_go()
        self.control.stop(self.ready)

    def feedback(self) -> ArmFeedback:
        """What the operator is told of the endoscope."""
        message = self._feedback
        message.teleop_state = int(self.control.state)
        message.limit_reasons = [*self.control.reasons, *self.gate_reasons]
        if self.setpoint is not None and self.measured is not None:
            setpoint, measured = self._model.forward(self.setpoint), self._model.forward(self.measured)
            fill_pose(message.setpoint, setpoint)
            fill_pose(message.measured, measured)
            message.tracking_error = math.dist(setpoint.position, measured.position)
            message.tracking_error_angle = quaternion_angle(setpoint.quaternion, measured.quaternion)
        return message
