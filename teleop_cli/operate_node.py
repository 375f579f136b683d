"""telesurgery_operate: the node behind the short commands; lives for the length of one command.

In:  safety/state, teleop/feedback, record/*/status, <ARM>/operating_state, <ARM>/servo_report
Out: safety/protective_stop, <ARM>/state_command, <ARM>/local_team/claim; service client of safety/reset
Silence: the command says that nobody answers.
"""

from __future__ import annotations

import getpass
from dataclasses import dataclass
from typing import Any

from rclpy.executors import SingleThreadedExecutor
from rclpy.publisher import Publisher
from rclpy.task import Future
from std_srvs.srv import Trigger

from robot_driver.arbitration import Owner
from teleop_core.authentication import Authenticator
from teleop_core.contract import SITES
from teleop_core.signals import SafetyLevel, TeleopState
from teleop_ros.adapter import TeleopNode
from teleop_ros.message_mac import sign_stop


@dataclass
class ArmState:
    """CRTK operating state of an arm, as last heard."""

    state: str = "unknown"
    is_homed: bool = False
    is_busy: bool = False
    events: int = 0


class OperateNode(TeleopNode):
    """Hears the states, sends requests."""

    def __init__(self) -> None:
        super().__init__("telesurgery_operate")
        self.safety_state = ""
        self.security = "none"
        self.alarms: list[str] = []
        self.feedback: dict[str, str] = {}
        self.arms: dict[str, ArmState] = {}
        self.records: dict[str, str] = {}
        self.taken: dict[str, bool] = {}
        self._commands: dict[str, Publisher] = {}
        self._claims: dict[str, Publisher] = {}
        self._stop = self.publisher("protective_stop")
        self._reset = self.create_client(Trigger, "safety/reset")
        self.subscription("safety_state", self.on_safety_state)
        self.subscription("feedback", self.on_feedback)
        for site in SITES:
            self.subscription("record_status", self.on_record_status, site=site)
        self._executor_of_command = SingleThreadedExecutor()
        self._executor_of_command.add_node(self)

    def serve(self, seconds: float) -> None:
        """Take what arrives; at most so long [s]."""
        self._executor_of_command.spin_once(timeout_sec=seconds)

    def on_safety_state(self, message: Any) -> None:
        """State, security in force and alarms."""
        self.safety_state = SafetyLevel(message.state).name
        self.security = message.security
        self.alarms = [f"{alarm.id}: {alarm.text}" for alarm in message.alarms]

    def on_feedback(self, message: Any) -> None:
        """State of each hand-arm pair."""
        self.feedback = {arm.name: TeleopState(arm.teleop_state).name for arm in message.arms}

    def on_record_status(self, message: Any) -> None:
        """How well a site records the session, and its newest signed root."""
        state = "writing" if message.writing else f"not writing: {message.reason}"
        self.records[message.site] = f"{state}, root {bytes(message.root).hex()}"

    def on_operating_state(self, name: str, message: Any) -> None:
        """State of an arm; an event after each command."""
        arm = self.arms.setdefault(name, ArmState())
        arm.state, arm.is_homed, arm.is_busy = message.state, message.is_homed, message.is_busy
        arm.events += 1

    def on_servo_report(self, name: str, message: Any) -> None:
        """Who may move an arm."""
        self.taken[name] = message.owner == Owner.LOCAL_TEAM.value

    def claim_arm(self, name: str, taken: bool) -> None:
        """Take an arm for the local team, or let it go."""
        self._claims[name].publish(self._claims[name].msg_type(data=taken))

    def request_stop(self, reason: str, key: Authenticator) -> None:
        """Ask for a protective stop, signed where there is a key."""
        readable = reason.encode(errors="replace").decode()  # whatever was typed: a stop does not fail for its words
        who = f"{getpass.getuser()} (command line)"
        request = self._stop.msg_type(header=self.header(), source=who, reason=readable)
        sign_stop(key, request)
        self._stop.publish(request)

    def reset_is_offered(self) -> bool:
        """Whether a safety monitor listens to resets."""
        return bool(self._reset.service_is_ready())

    def request_reset(self) -> Future:
        """Ask for a reset; the result is a Trigger response."""
        return self._reset.call_async(Trigger.Request())

    def watch_arm(self, name: str) -> None:
        """Hear an arm's state and be ready to command it."""
        if name not in self._commands:
            self._commands[name] = self.publisher("state_command", arm=name)
            self._claims[name] = self.publisher("local_team_claim", arm=name)
            self.subscription("operating_state", lambda message: self.on_operating_state(name, message), arm=name)
            self.subscription("servo_report", lambda message: self.on_servo_report(name, message), arm=name)

    def arm_listens(self, name: str) -> bool:
        """Whether a driver takes commands for the arm and has told its state."""
        return self._commands[name].get_subscription_count() > 0 and name in self.arms

    def arm_events(self, name: str) -> int:
        """How often the arm has told its state."""
        return self.arms[name].events

    def command_arm(self, name: str, verb: str) -> None:
        """Send a state command."""
        message = self._commands[name].msg_type(header=self.header(), string=verb)
        self._commands[name].publish(message)
