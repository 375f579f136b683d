"""A CRTK client of the arms that knows no manners: what it says, how often, and of which arm, is ordered.

Usage: python -m campaign.client PARENT_PID; orders as in campaign.actor. It has no part of the suite in it but topic
names and types, publishes with the quality of service of such clients, and knows where an arm is from its setpoints.
"""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import rclpy
from rclpy.qos import QoSProfile, ReliabilityPolicy

from campaign.actor import OBEY_EVERY, Actor
from teleop_cli.child import show_name, tie_to_parent
from teleop_core.contract import CAMERA_ARM, STREAMS
from teleop_ros.adapter import message_type

ARMS = ("PSM1", CAMERA_ARM)
CLIENT = QoSProfile(depth=10)
"""Reliable, volatile."""
PACE = 3.0
"""Of motion to and fro [rad/s]."""
SWING, SPEED = 0.05, 0.015
"""How far it goes in the first joint [rad], how fast the tip goes [m/s]."""
CREEP = 0.0004
"""Step of the insertion from where the arm is [m]: within every limit."""
AWAY, LEAP, FAR = 0.6, 0.5, 10.0
"""Goal of a move, a leap [rad], and a place outside the room [m]."""
MOST_AT_ONCE = 50
"""A client that was late does not make up for more than so many messages."""


@dataclass
class Speech:
    """What is said, where, how often [Hz], since when [s], and how often it was."""

    publisher: Any
    say: Callable[[Any, float], None]
    rate: float
    began: float
    said: int = 0


class Client(Actor):
    """Obeys orders between two looks at the topics."""

    def __init__(self, node: Any) -> None:
        """Know where the arms are, say nothing yet."""
        self._node = node
        self._publishers: dict[str, Any] = {}
        self._speech: Speech | None = None
        self._heard: dict[str, Any] = {}
        loose = QoSProfile(depth=1, reliability=ReliabilityPolicy.BEST_EFFORT)
        self._subscriptions = []
        for stream in ("setpoint_js", "local_setpoint_cp"):
            for arm in ARMS:
                row = STREAMS[stream]
                kind, topic = message_type(row.type), row.topic_for(arm=arm)
                made = node.create_subscription(kind, topic, lambda _message: None, loose)
                self._subscriptions.append((f"{arm} {stream}", kind, made))
        self.begin_listening()

    def look(self) -> None:
        """Take what has arrived, do what was ordered, say what is due."""
        for name, kind, subscription in self._subscriptions:
            while (taken := subscription.handle.take_message(kind, False)) is not None:
                self._heard[name] = taken[0]
        self.obey()
        speech = self._speech
        if speech is None:
            return
        now = time.monotonic()
        due = int((now - speech.began) * speech.rate) + 1
        for _ in range(min(due - speech.said, MOST_AT_ONCE)):
            message = speech.publisher.msg_type()
            speech.say(message, now - speech.began)
            speech.publisher.publish(message)
        speech.said = max(due, speech.said)

    def do_listens(self, arm: str, stream: str) -> bool:
        """Whether the driver hears this client, and the client knows where the arm is."""
        there = all(f"{arm} {heard}" in self._heard for heard in ("setpoint_js", "local_setpoint_cp"))
        return there and bool(self._publisher(arm, stream).get_subscription_count())

    def do_speak(self, arm: str, stream: str, way: str, rate: float) -> None:
        """Begin to say something, so many times a second; 0: once."""
        self._q = list(self._heard[f"{arm} setpoint_js"].position)
        self._pose = self._heard[f"{arm} local_setpoint_cp"].pose
        self._arm = arm
        speech = Speech(self._publisher(arm, stream), getattr(self, f"say_{way}"), rate, time.monotonic())
        if rate > 0.0:
            self._speech = speech
            return
        message = speech.publisher.msg_type()
        speech.say(message, 0.0)
        speech.publisher.publish(message)

    def do_silent(self) -> None:
        """Say nothing more."""
        self._speech = None

    def say_to_and_fro(self, message: Any, since: float) -> None:
        """Joints that swing about where they were."""
        message.position = [self._q[0] + SWING * math.sin(PACE * since), *self._q[1:]]

    def say_twist(self, message: Any, since: float) -> None:
        """A tip that swings."""
        message.twist.linear.x = SPEED * math.cos(PACE * since)

    def say_joint_creep(self, message: Any, _since: float) -> None:
        """Small steps away from where the arm is."""
        q = self._heard[f"{self._arm} setpoint_js"].position
        message.position = [*q[:2], q[2] + CREEP, *q[3:]]

    def say_pose_creep(self, message: Any, _since: float) -> None:
        """Small steps away from where the tip is."""
        message.pose = self._heard[f"{self._arm} local_setpoint_cp"].pose
        message.pose.position.z -= CREEP

    def say_joints_away(self, message: Any, _since: float) -> None:
        """A goal far from where the arm was."""
        message.position = [self._q[0] + AWAY, *self._q[1:]]

    def say_pose_away(self, message: Any, _since: float) -> None:
        """A goal a hand's breadth away."""
        message.pose = self._pose
        message.pose.position.x += 0.1

    def say_nan(self, message: Any, _since: float) -> None:
        """No number at all."""
        message.position = [math.nan, *self._q[1:]]

    def say_short(self, message: Any, _since: float) -> None:
        """Too few joints."""
        message.position = self._q[:2]

    def say_leap(self, message: Any, _since: float) -> None:
        """Elsewhere from one message to the next."""
        message.position = [self._q[0] + LEAP, *self._q[1:]]

    def say_far(self, message: Any, _since: float) -> None:
        """A place outside the room."""
        message.pose.orientation = self._pose.orientation
        message.pose.position.x = FAR

    def _publisher(self, arm: str, stream: str) -> Any:
        row = STREAMS[stream]
        topic = row.topic_for(arm=arm)
        if topic not in self._publishers:
            self._publishers[topic] = self._node.create_publisher(message_type(row.type), topic, CLIENT)
        return self._publishers[topic]


def main() -> int:
    """Run until the campaign ends."""
    tie_to_parent(int(sys.argv[1]))
    show_name("client")
    rclpy.init(args=[])
    client = Client(rclpy.create_node("client"))
    while True:
        client.look()
        time.sleep(0.5 * OBEY_EVERY)


if __name__ == "__main__":
    sys.exit(main())
