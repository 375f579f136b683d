"""From values of the core to ROS messages and back.

Commands are sent 200 times a second, so their message is made once and filled anew each time.
"""

from __future__ import annotations

import numpy as np
from builtin_interfaces.msg import Time
from geometry_msgs.msg import Pose as PoseMessage
from telesurgery.msg import HandCommand, OperatorCommand

from teleop_core.se3 import Pose, as_floats
from teleop_core.signals import HandSignal, OperatorSignal

_NANO = 1_000_000_000


def time_message(seconds: float) -> Time:
    """Time stamp of a number of seconds (unix time as float64 resolves 0.2 us)."""
    return _fill_time(Time(), seconds)


def seconds(message: Time) -> float:
    """Seconds of a time stamp."""
    return float(message.sec + 1e-9 * message.nanosec)


def pose_message(pose: Pose) -> PoseMessage:
    """ROS message of a pose."""
    return fill_pose(PoseMessage(), pose)


def pose_from_message(message: PoseMessage) -> Pose:
    """Pose of a ROS message, as it is: the quaternion may be anything."""
    position, turn = message.position, message.orientation
    return Pose(np.array((position.x, position.y, position.z)), np.array((turn.x, turn.y, turn.z, turn.w)))


def fill_operator_command(message: OperatorCommand, signal: OperatorSignal) -> None:
    """Write a signal into a message, all but the frame and the hash.

    Args:
        message: Filled; its parts are used again.
        signal: What hands and feet say.
    """
    _fill_time(message.header.stamp, signal.stamp)
    message.session = signal.session
    message.sequence = signal.sequence
    message.clutch_epoch = signal.clutch_epoch
    message.operator_present = signal.operator_present
    message.clutch = signal.clutch
    message.camera = signal.camera
    message.motion_scale = signal.motion_scale
    _fill_time(message.feedback_stamp, signal.feedback_stamp)
    message.feedback_age = signal.feedback_age
    if len(message.hands) != len(signal.hands):
        message.hands = [HandCommand() for _ in signal.hands]
    for hand_message, hand in zip(message.hands, signal.hands, strict=True):
        _fill_hand(hand_message, hand)


def operator_signal(message: OperatorCommand) -> OperatorSignal:
    """Signal of a message, as it is: the receiver judges it."""
    return OperatorSignal(
        stamp=seconds(message.header.stamp),
        session=message.session,
        sequence=message.sequence,
        clutch_epoch=message.clutch_epoch,
        operator_present=message.operator_present,
        clutch=message.clutch,
        camera=message.camera,
        motion_scale=message.motion_scale,
        feedback_stamp=seconds(message.feedback_stamp),
        feedback_age=message.feedback_age,
        hands=tuple(map(_hand_signal, message.hands)),
    )


def _fill_time(message: Time, value: float) -> Time:
    message.sec, message.nanosec = divmod(round(value * _NANO), _NANO)
    return message


def fill_pose(message: PoseMessage, pose: Pose) -> PoseMessage:
    """Write a pose into a message that is there already; returns the message."""
    position, orientation = message.position, message.orientation
    position.x, position.y, position.z = as_floats(pose.position)
    orientation.x, orientation.y, orientation.z, orientation.w = as_floats(pose.quaternion)
    return message


def _fill_hand(message: HandCommand, hand: HandSignal) -> None:
    message.name = hand.name
    fill_pose(message.pose, hand.pose)
    linear, angular = message.twist.linear, message.twist.angular
    linear.x, linear.y, linear.z = hand.linear
    angular.x, angular.y, angular.z = hand.angular
    message.gripper = hand.gripper
    message.arm = hand.arm
    message.lock_rotation, message.lock_translation = hand.lock_rotation, hand.lock_translation
    message.aligns = hand.aligns


def _hand_signal(message: HandCommand) -> HandSignal:
    linear, angular = message.twist.linear, message.twist.angular
    return HandSignal(
        name=message.name,
        pose=pose_from_message(message.pose),
        linear=(linear.x, linear.y, linear.z),
        angular=(angular.x, angular.y, angular.z),
        gripper=message.gripper,
        arm=message.arm,
        lock_rotation=message.lock_rotation,
        lock_translation=message.lock_translation,
        aligns=message.aligns,
    )
