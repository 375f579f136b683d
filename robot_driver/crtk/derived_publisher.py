"""What follows from the joint states of one arm, for CRTK clients: made and published only while somebody hears it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from std_msgs.msg import Float64MultiArray, MultiArrayDimension, MultiArrayLayout

from robot_driver.arm_server import ArmServer
from robot_driver.backend import Measured
from robot_driver.crtk.external_control import ExternalControl
from robot_driver.crtk.frames import Frames
from teleop_core.contract import STREAMS
from teleop_core.psm_kinematics import JAW_NAME
from teleop_core.se3 import FloatArray, Pose
from teleop_ros.adapter import TeleopNode
from teleop_ros.convert import fill_pose

LOOK_EVERY = 10
"""Whether somebody hears a topic is looked up in every tenth of its periods."""
_LEAST_SINGULAR = 1e-3
"""Directions in which the Jacobian is smaller than this share of its largest one carry no force that can be told."""


class DerivedPublisher:
    """Publishers of one arm."""

    def __init__(self, node: TeleopNode, arm: ArmServer, control: ExternalControl, frames: Frames) -> None:
        """Create the publishers on the node."""
        self._arm, self._control, self._frames = arm, control, frames
        self._fill: dict[str, Callable[[Any, Measured, dict[str, Pose]], None]] = {
            "measured_cp": lambda message, _measured, poses: self._pose(message, poses["measured"]),
            "setpoint_cp": lambda message, _measured, poses: self._pose(message, poses["setpoint"]),
            "goal_cp": lambda message, _measured, _poses: self._pose(message, arm.model.forward(control.goal)),
            "goal_js": self._goal_joints,
            "measured_cv": self._twist,
            "spatial_measured_cf": lambda message, measured, _poses: self._force(message, measured, in_body=False),
            "body_measured_cf": lambda message, measured, _poses: self._force(message, measured, in_body=True),
            "spatial_jacobian": lambda message, measured, _poses: self._jacobian(message, measured, in_body=False),
            "body_jacobian": lambda message, measured, _poses: self._jacobian(message, measured, in_body=True),
        }
        if arm.model.jaw is not None:
            self._fill["jaw_goal_js"] = self._goal_jaw
        assert all(not STREAMS[name].recorded for name in self._fill), "what is recorded must always be published"
        self._publishers = {name: node.publisher(name, arm=arm.name) for name in self._fill}
        self._heard: list[str] = []
        self._turn = 0

    def publish(self, stamp: Any, measured: Measured, poses: dict[str, Pose]) -> None:
        """Publish what is heard, with the stamp of the joint states it follows from.

        Args:
            stamp: Of the joint states.
            measured: Sensors of the arm.
            poses: "measured" and "setpoint" tip in the arm's base.
        """
        if self._turn % LOOK_EVERY == 0:
            self._heard = [name for name, one in self._publishers.items() if one.get_subscription_count()]
        self._turn += 1
        for name in self._heard:
            publisher = self._publishers[name]
            message = publisher.msg_type()
            if not isinstance(message, Float64MultiArray):
                message.header.stamp = stamp
            self._fill[name](message, measured, poses)
            publisher.publish(message)

    def _pose(self, message: Any, pose: Pose) -> None:
        message.header.frame_id = self._frames.plain
        fill_pose(message.pose, self._frames.to_plain(pose))

    def _goal_joints(self, message: Any, _measured: Measured, _poses: dict[str, Pose]) -> None:
        message.name, message.position = list(self._arm.model.joint_names), self._control.goal

    def _goal_jaw(self, message: Any, _measured: Measured, _poses: dict[str, Pose]) -> None:
        message.name, message.position = [JAW_NAME], [self._control.jaw_goal]

    def _twist(self, message: Any, measured: Measured, _poses: dict[str, Pose]) -> None:
        message.header.frame_id = self._frames.plain
        twist = self._arm.model.jacobian(measured.position) @ np.array(measured.velocity)
        _fill_six(message.twist.linear, message.twist.angular, self._frames.twist_to_plain(twist))

    def _force(self, message: Any, measured: Measured, *, in_body: bool) -> None:
        """Force and torque that the tip exerts: those whose effect on the joints is the measured effort."""
        model = self._arm.model
        jacobian = self._jacobian_of(measured, in_body)
        wrench = np.linalg.pinv(jacobian.T, rcond=_LEAST_SINGULAR) @ np.array(measured.effort)
        message.header.frame_id = model.tip_frame if in_body else model.base_frame
        _fill_six(message.wrench.force, message.wrench.torque, wrench)

    def _jacobian(self, message: Any, measured: Measured, *, in_body: bool) -> None:
        jacobian = self._jacobian_of(measured, in_body)
        rows, columns = jacobian.shape
        message.layout = MultiArrayLayout(
            dim=[
                MultiArrayDimension(label="rows", size=rows, stride=rows * columns),
                MultiArrayDimension(label="columns", size=columns, stride=columns),
            ]
        )
        message.data = jacobian.ravel().tolist()

    def _jacobian_of(self, measured: Measured, in_body: bool) -> FloatArray:
        model = self._arm.model
        return model.body_jacobian(measured.position) if in_body else model.jacobian(measured.position)


def _fill_six(first: Any, second: Any, values: FloatArray) -> None:
    first.x, first.y, first.z, second.x, second.y, second.z = values.tolist()
