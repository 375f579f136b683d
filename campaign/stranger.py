"""Whoever else can write to the ROS domain: second publishers, wrong quality of service; and the local team's hands.

Usage: python -m campaign.stranger PARENT_PID [ROS arguments]; orders as in campaign.actor. A publisher that an order
opens says what its `speech` says until it is closed.
"""

from __future__ import annotations

import functools
import math
import random
import sys
import time
from collections.abc import Callable
from typing import Any

from rclpy.qos import QoSProfile, ReliabilityPolicy
from std_srvs.srv import Trigger

from campaign.actor import OBEY_EVERY, Actor
from campaign.signing import signer
from teleop_cli.child import show_name, tie_to_parent
from teleop_core.contract import CAMERA_ARM, STREAMS
from teleop_ros.adapter import TeleopNode, message_type, run

SPEAK_EVERY = 0.005
"""[s]"""
ARMS = ("PSM1", "PSM2", CAMERA_ARM)
CREEP = 0.0004
"""Step of the insertion in each forged servo command [m]: 0.08 m/s, within every limit."""


class Stranger(TeleopNode, Actor):
    """Not part of the suite; in its domain."""

    def __init__(self, key_folder: str) -> None:
        """Know where the arm is, own nothing yet."""
        super().__init__("stranger")
        self._publishers_open: dict[str, Any] = {}
        self._speeches: dict[str, Callable[[], Any]] = {}
        self._q: list[float] = []
        self._creep = 0.0
        self._number = 0
        self._session = random.getrandbits(63)
        self._sign_stop = signer(key_folder, "stop")
        self._arm_commands = {arm: self.publisher("state_command", arm=arm) for arm in ARMS}
        self._claims = {arm: self.publisher("local_team_claim", arm=arm) for arm in ARMS}
        self._stops = self.publisher("protective_stop")
        self._reset = self.create_client(Trigger, "safety/reset")
        self._answer: Any = None
        self.subscription("setpoint_js", self._on_setpoint, arm="PSM1")
        self.begin_listening()
        self.timer(OBEY_EVERY, self.obey)
        self.timer(SPEAK_EVERY, self.speak)

    def _on_setpoint(self, message: Any) -> None:
        self._q = list(message.position)

    def speak(self) -> None:
        """Every open publisher says its line."""
        for name, speech in self._speeches.items():
            self._publishers_open[name].publish(speech())

    def do_open(self, stream: str, speech: str = "", qos: str = "", arm: str = "PSM1") -> None:
        """Open a second publisher of a stream; with a speech it speaks 200 times a second."""
        row = STREAMS[stream]
        topic = row.topic_for(arm=arm, eye="left")
        if qos == "wrong":
            profile = QoSProfile(depth=1, reliability=ReliabilityPolicy.BEST_EFFORT)
            self._publishers_open[stream] = self.create_publisher(message_type(row.type), topic, profile)
        else:
            self._publishers_open[stream] = self.publisher(stream, arm=arm, eye="left")
        self._creep = 0.0
        if speech:
            self._speeches[stream] = functools.partial(getattr(self, f"say_{speech}"), row.type)

    def do_close(self) -> None:
        """Close every second publisher."""
        self._speeches.clear()
        for publisher in self._publishers_open.values():
            self.destroy_publisher(publisher)
        self._publishers_open.clear()

    def do_state_command(self, arm: str, command: str) -> None:
        """What a person at the robot would do."""
        publisher = self._arm_commands[arm]
        publisher.publish(publisher.msg_type(header=self.header(), string=command))

    def do_claim(self, arm: str, taken: bool) -> None:
        """What `telesurgery arm take|release` does."""
        publisher = self._claims[arm]
        publisher.publish(publisher.msg_type(data=taken))

    def do_stop(self, signed: bool = True) -> None:
        """Ask for a protective stop."""
        message = self._stops.msg_type(header=self.header(), source="campaign", reason="asked for by the campaign")
        if signed:
            self._sign_stop(message)
        else:
            message.mac = [7] * 16
        self._stops.publish(message)

    def do_reset(self) -> None:
        """Ask the monitor to reset; the answer is told by do_reset_answer."""
        self._answer = self._reset.call_async(Trigger.Request()) if self._reset.service_is_ready() else None

    def do_reset_answer(self) -> dict[str, Any]:
        """What the monitor answered to the newest reset."""
        if self._answer is None or not self._answer.done():
            return {"done": False, "success": False, "message": ""}
        result = self._answer.result()
        return {"done": True, "success": result.success, "message": result.message}

    def say_servo_creep(self, kind: str) -> Any:
        """Small steps away from where the arm is, within every limit."""
        self._creep = min(self._creep + CREEP, 0.03)
        return self._servo(kind, [*self._q[:2], self._q[2] + CREEP, *self._q[3:]])

    def say_servo_jump(self, kind: str) -> Any:
        """A leap of half a radian."""
        return self._servo(kind, [self._q[0] + 0.5, *self._q[1:]])

    def say_servo_nan(self, kind: str) -> Any:
        """No number at all."""
        return self._servo(kind, [math.nan] * 6)

    def say_servo_short(self, kind: str) -> Any:
        """Too few joints."""
        return self._servo(kind, self._q[:3])

    def say_servo_old(self, kind: str) -> Any:
        """Where the arm shall have been ten seconds ago."""
        message = self._servo(kind, [self._q[0] + 0.01, *self._q[1:]])
        message.header.stamp.sec -= 10
        return message

    def say_permit(self, kind: str) -> Any:
        """A forged permit, with a number above every genuine one."""
        self._number += 1
        message = message_type(kind)()
        message.header = self.header()
        message.state, message.motion_permitted, message.lease, message.velocity_ratio = 2, True, 0.1, 1.0
        message.session, message.permit_sequence = self._session, 10**15 + self._number
        message.mac = [3] * 16
        return message

    def say_command(self, kind: str) -> Any:
        """A well-formed command of a session of its own, hands in motion."""
        self._number += 1
        message = message_type(kind)()
        message.header = self.header("display")
        message.session, message.sequence = self._session, self._number
        message.operator_present, message.motion_scale = True, 1.0
        message.clutch = time.monotonic() % 0.6 < 0.3
        message.clutch_epoch = int(time.monotonic() / 0.6)
        hands = []
        for name in ("MTML", "MTMR"):
            hand = _HAND(name=name)
            hand.pose.position.x = 0.1 * math.sin(10.0 * time.monotonic())
            hands.append(hand)
        message.hands = hands
        return message

    def say_image(self, kind: str) -> Any:
        """A picture of another camera."""
        message = message_type(kind)()
        message.header = self.header("elsewhere")
        return message

    def _servo(self, kind: str, q: list[float]) -> Any:
        message = message_type(kind)()
        message.header = self.header()
        message.arms = [_ARM(name="PSM1", position=q, jaw=math.nan)]
        return message


_ARM = message_type("telesurgery/msg/ArmServo")
_HAND = message_type("telesurgery/msg/HandCommand")


def main() -> int:
    """Run the node; the first argument after the parent's id is the key folder, or an empty word."""
    parent, key_folder, *arguments = sys.argv[1:]
    tie_to_parent(int(parent))
    show_name("stranger")
    sys.argv = ["stranger", *arguments]
    return run(lambda: Stranger(key_folder))


if __name__ == "__main__":
    sys.exit(main())
