"""From values of the core to ROS messages and back.

Commands are sent 200 times a second, so they are made of the tuples that `teleop_ros.cdr` writes.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from builtin_interfaces.msg import Time
from geometry_msgs.msg import Point, Quaternion, Twist, Vector3
from geometry_msgs.msg import Pose as PoseMessage
from std_msgs.msg import Header
from telesurgery.msg import HandCommand, OperatorCommand

from teleop_core.se3 import Pose, as_floats
from teleop_core.signals import HandSignal, OperatorSignal
from teleop_ros.cdr import plain

COMMAND, HEADER, TIME, HAND = plain(OperatorCommand), plain(Header), plain(Time), plain(HandCommand)
POSE, POINT, QUATERNION = plain(PoseMessage), plain(Point), plain(Quaternion)
TWIST, VECTOR = plain(Twist), plain(Vector3)
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


def operator_command(signal: OperatorSignal, frame: str) -> Any:
    """Message of a signal, as it is written, not signed yet.

    Args:
        signal: What hands and feet say.
        frame: Frame of the poses.
    """
    return COMMAND(
        HEADER(stamp(signal.stamp), frame),
        signal.session,
        signal.sequence,
        signal.clutch_epoch,
        signal.operator_present,
        signal.clutch,
        signal.camera,
        signal.motion_scale,
        stamp(signal.feedback_stamp),
        signal.feedback_age,
        [_hand_command(hand) for hand in signal.hands],
        b"",
    )


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


def stamp(value: float) -> Any:
    """Time stamp of a number of seconds, as it is written (unix time as float64 resolves 0.2 us)."""
    return TIME(*divmod(round(value * _NANO), _NANO))


def _hand_command(hand: HandSignal) -> Any:
    return HAND(
        hand.name,
        POSE(POINT(*as_floats(hand.pose.position)), QUATERNION(*as_floats(hand.pose.quaternion))),
        TWIST(VECTOR(*hand.linear), VECTOR(*hand.angular)),
        hand.gripper,
        hand.arm,
        hand.lock_rotation,
        hand.lock_translation,
        hand.aligns,
    )


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
