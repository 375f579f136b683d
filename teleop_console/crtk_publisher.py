"""The masters and pedals of the console as CRTK topics, for rviz, loggers and CRTK clients."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from builtin_interfaces.msg import Time
from rclpy.publisher import Publisher
from sensor_msgs.msg import JointState, Joy

from teleop_console.devices.device import DeviceSample
from teleop_console.pedal_taps import PedalTaps
from teleop_core.contract import MASTERS, STREAMS
from teleop_core.signals import HandSignal
from teleop_ros.convert import fill_pose

RATE = STREAMS["master_measured_cp"].rate
"""Largest rate at which the hands are published [Hz]."""
GRIPPER_JOINT = "gripper"

_PEDALS = ("clutch", "camera", "coag", "operator_present")

Open = Callable[..., Publisher]


class _Master:
    """Topics of one hand; nothing is made for a topic that nobody listens to."""

    def __init__(self, publisher: Open, name: str, frame_id: str) -> None:
        self._poses = publisher("master_measured_cp", master=name)
        self._grippers = publisher("gripper_measured_js", master=name)
        self._twists = publisher("master_measured_cv", master=name)
        self._twist = self._twists.msg_type()
        self._twist.header.frame_id = frame_id
        self._pose = self._poses.msg_type()
        self._pose.header.frame_id = frame_id
        self._gripper = JointState(name=[GRIPPER_JOINT])

    def publish(self, hand: HandSignal, stamp: Any) -> None:
        if self._poses.get_subscription_count():
            self._pose.header.stamp = stamp
            fill_pose(self._pose.pose, hand.pose)
            self._poses.publish(self._pose)
        if self._grippers.get_subscription_count():
            self._gripper.header.stamp = stamp
            self._gripper.position = [hand.gripper]
            self._grippers.publish(self._gripper)
        if self._twists.get_subscription_count():
            self._twist.header.stamp = stamp
            linear, angular = self._twist.twist.linear, self._twist.twist.angular
            linear.x, linear.y, linear.z = hand.linear
            angular.x, angular.y, angular.z = hand.angular
            self._twists.publish(self._twist)


class CrtkPublisher:
    """Hands at the rate of the contract or a little less; pedals and presence at the start and on every change."""

    def __init__(self, publisher: Open, command_rate: float, frame_id: str) -> None:
        """Open the topics.

        Args:
            publisher: Makes the publisher of a stream of the contract.
            command_rate: How often `publish` is called [Hz].
            frame_id: Frame of the hands.
        """
        self._masters = {name: _Master(publisher, name, frame_id) for name in MASTERS}
        self._pedals = {name: publisher(name) for name in _PEDALS}
        self._taps = {name: PedalTaps() for name in _PEDALS}
        self._every = max(1, math.ceil(command_rate / RATE))
        self._turn = 0

    def publish(self, now: float, sample: DeviceSample, stamp: Any, measured: bool) -> None:
        """Say what hands and feet do.

        Args:
            now: Monotonic time [s].
            sample: Hands and pedals, with the gesture that the console made.
            stamp: ROS time of the sample.
            measured: The hands are fresh from the device; if not, their stamp is 0, by which CRTK marks invalid data.
        """
        for name, publisher in self._pedals.items():
            for value in self._taps[name].update(now, getattr(sample, name)):
                message = Joy(buttons=[value])
                message.header.stamp = stamp
                publisher.publish(message)
        self._turn = (self._turn + 1) % self._every
        if self._turn == 0:
            for hand in sample.hands:
                self._masters[hand.name].publish(hand, stamp if measured else Time())
