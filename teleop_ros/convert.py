"""Between ROS messages and the plain values of the core: one pair of functions per type.

Seconds are ROS time as a float: near the present that is good to 0.3 microseconds.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from builtin_interfaces.msg import Time
from geometry_msgs.msg import Pose as PoseMessage
from telesurgery.msg import HandCommand, OperatorCommand

from teleop_core.se3 import Pose
from teleop_core.signals import HandSignal, OperatorSignal


def time_message(moment: float) -> Time:
    """ROS time of `moment` [s]."""
    whole = math.floor(moment)
    return Time(sec=whole, nanosec=min(999_999_999, round((moment - whole) * 1e9)))


def seconds(stamp: Any) -> float:
    """Seconds of a ROS time [s]."""
    return float(stamp.sec + stamp.nanosec * 1e-9)


def fill_pose(message: PoseMessage, pose: Pose) -> None:
    """Write a pose into a message that is there already."""
    position, orientation = message.position, message.orientation
    position.x, position.y, position.z = (float(value) for value in pose.position)
    orientation.x, orientation.y, orientation.z, orientation.w = (float(value) for value in pose.quaternion)


def pose_message(pose: Pose) -> PoseMessage:
    """Message of a pose."""
    message = PoseMessage()
    fill_pose(message, pose)
    return message


def pose_from_message(message: PoseMessage) -> Pose:
    """Pose of a message, as it stands: whether it is one, the receiver has to check."""
    position, orientation = message.position, message.orientation
    return Pose(
        np.array([position.x, position.y, position.z]),
        np.array([orientation.x, orientation.y, orientation.z, orientation.w]),
    )


def fill_operator_command(message: OperatorCommand, signal: OperatorSignal) -> None:
    """Write a signal into a message that is there already; its frame_id and mac stay."""
    message.header.stamp = time_message(signal.stamp)
    message.session, message.sequence, message.clutch_epoch = signal.session, signal.sequence, signal.clutch_epoch
    message.operator_present, message.clutch, message.camera = signal.operator_present, signal.clutch, signal.camera
    message.motion_scale = signal.motion_scale
    message.feedback_stamp = time_message(signal.feedback_stamp)
    message.feedback_age = signal.feedback_age
    if len(message.hands) != len(signal.hands):
        message.hands = [HandCommand() for _ in signal.hands]
    for entry, hand in zip(message.hands, signal.hands, strict=True):
        entry.name, entry.gripper = hand.name, hand.gripper
        fill_pose(entry.pose, hand.pose)
        linear, angular = entry.twist.linear, entry.twist.angular
        linear.x, linear.y, linear.z = hand.linear
        angular.x, angular.y, angular.z = hand.angular


def operator_signal(message: OperatorCommand) -> OperatorSignal:
    """Signal of a message, as it stands: nothing is checked here."""
    return OperatorSignal(
        seconds(message.header.stamp),
        message.session,
        message.sequence,
        message.clutch_epoch,
        message.operator_present,
        message.clutch,
        message.camera,
        message.motion_scale,
        seconds(message.feedback_stamp),
        message.feedback_age,
        tuple(_hand_signal(hand) for hand in message.hands),
    )


def _hand_signal(hand: HandCommand) -> HandSignal:
    linear, angular = hand.twist.linear, hand.twist.angular
    return HandSignal(
        hand.name,
        pose_from_message(hand.pose),
        (linear.x, linear.y, linear.z),
        (angular.x, angular.y, angular.z),
        hand.gripper,
    )
