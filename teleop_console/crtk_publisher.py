"""The masters and pedals of the console as CRTK topics, for rviz, loggers and CRTK clients."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from builtin_interfaces.msg import Time
from rclpy.publisher import Publisher
from sensor_msgs.msg import Joy

from teleop_console.devices.device import DeviceSample
from teleop_console.pedal_taps import PedalTaps
from teleop_core.contract import MASTERS, STREAMS
from teleop_core.signals import HandSignal
from teleop_ros.convert import fill_pose

RATE = STREAMS["master_measured_cp"].rate
"""Largest rate at which the hands are published [Hz]."""
LOOK_EVERY = 5
"""Whether somebody hears a topic is looked up in every fifth of its periods."""
GRIPPER_JOINT = "gripper"

_PEDALS = ("clutch", "camera", "coag", "operator_present")

Open = Callable[..., Publisher]


class _Master:
    """Topics of one hand; nothing is made for a topic that nobody listens to."""

    def __init__(self, publisher: Open, name: str, frame_id: str) -> None:
        self._fill: dict[str, Callable[[Any, HandSignal], None]] = {
            "master_measured_cp": _fill_pose,
            "master_local_measured_cp": _fill_pose,  # a hand has no base of its own: all are in the display frame
            "master_setpoint_cp": _fill_pose,  # nothing holds a hand elsewhere: where it is, it shall be
            "master_local_setpoint_cp": _fill_pose,
            "master_measured_cv": _fill_twist,
            "gripper_measured_js": _fill_gripper,
        }
        self._publishers = {stream: publisher(stream, master=name) for stream in self._fill}
        self._messages = {stream: one.msg_type() for stream, one in self._publishers.items()}
        for stream, message in self._messages.items():
            if stream != "gripper_measured_js":
                message.header.frame_id = frame_id
        self._heard: list[str] = []
        self._turn = 0

    def publish(self, hand: HandSignal, stamp: Any) -> None:
        if self._turn % LOOK_EVERY == 0:
            self._heard = [stream for stream, one in self._publishers.items() if one.get_subscription_count()]
        self._turn += 1
        for stream in self._heard:
            message = self._messages[stream]
            message.header.stamp = stamp
            self._fill[stream](message, hand)
            self._publishers[stream].publish(message)


def _fill_pose(message: Any, hand: HandSignal) -> None:
    fill_pose(message.pose, hand.pose)


def _fill_twist(message: Any, hand: HandSignal) -> None:
    linear, angular = message.twist.linear, message.twist.angular
    linear.x, linear.y, linear.z = hand.linear
    angular.x, angular.y, angular.z = hand.angular


def _fill_gripper(message: Any, hand: HandSignal) -> None:
    message.name, message.position = [GRIPPER_JOINT], [hand.gripper]


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
