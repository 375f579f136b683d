"""From ROS messages to samples. Messages are only read here, so this file needs no ROS."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from conformance import features
from conformance.samples import CartesianPose, Joints, Matrix, Number, Sample, State, Text, Vectors
from teleop_core.se3 import Pose

STOP_POLICY_TYPE = features.TEXT


def _times(message: Any, now: float, ros_now: int) -> tuple[float, int, float]:
    stamp = message.header.stamp.sec * 1_000_000_000 + message.header.stamp.nanosec
    return now, stamp, (ros_now - stamp) * 1e-9


def _joints(message: Any, now: float, ros_now: int, _topic: str) -> Joints:
    return Joints(
        *_times(message, now, ros_now),
        message.header.frame_id,
        tuple(message.name),
        tuple(message.position),
        tuple(message.velocity),
        tuple(message.effort),
    )


def _pose(message: Any, now: float, ros_now: int, _topic: str) -> CartesianPose:
    place, turn = message.pose.position, message.pose.orientation
    pose = Pose(np.array([place.x, place.y, place.z]), np.array([turn.x, turn.y, turn.z, turn.w]))
    return CartesianPose(*_times(message, now, ros_now), message.header.frame_id, pose)


def _twist(message: Any, now: float, ros_now: int, _topic: str) -> Vectors:
    return _vectors(message, message.twist.linear, message.twist.angular, now, ros_now)


def _wrench(message: Any, now: float, ros_now: int, _topic: str) -> Vectors:
    return _vectors(message, message.wrench.force, message.wrench.torque, now, ros_now)


def _vectors(message: Any, first: Any, second: Any, now: float, ros_now: int) -> Vectors:
    values = (first.x, first.y, first.z, second.x, second.y, second.z)
    return Vectors(*_times(message, now, ros_now), message.header.frame_id, values)


def _matrix(message: Any, now: float, _ros_now: int, _topic: str) -> Matrix:
    shape = tuple(int(dimension.size) for dimension in message.layout.dim)
    return Matrix(now, 0, 0.0, shape, tuple(message.data))


def _state(message: Any, now: float, ros_now: int, _topic: str) -> State:
    return State(*_times(message, now, ros_now), message.state, message.is_homed, message.is_busy)


def _text(message: Any, now: float, _ros_now: int, topic: str) -> Text:
    return Text(now, 0, 0.0, topic, message.data)


def _number(message: Any, now: float, _ros_now: int, _topic: str) -> Number:
    return Number(now, 0, 0.0, message.data)


READERS: dict[str, Callable[[Any, float, int, str], Sample]] = {
    features.JOINTS: _joints,
    features.POSE: _pose,
    features.TWIST: _twist,
    features.WRENCH: _wrench,
    features.MATRIX: _matrix,
    features.STATE: _state,
    features.TEXT: _text,
    features.NUMBER: _number,
}
"""ROS interface type -> how it is read: (message, monotonic time [s], ROS time [ns], topic)."""
