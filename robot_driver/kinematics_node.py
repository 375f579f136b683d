"""kinematics: from the operator's commands to joint commands, on the patient's side.

In:  teleop/command, safety/state (the permit), <ARM>/setpoint_js, measured_js, jaw/measured_js, operating_state,
     servo_report
Out: <ARM>/servo_jp, <ARM>/jaw/servo_jp (CRTK), teleop/feedback
Frames: hands in the display frame of the console, tools in <ARM>_base_link (remote centre of motion).
Silence: without accepted commands or a fresh permit nothing is sent, and the operator has to engage again.

servo_jp carries the time at which the hand was sampled, on this side's clock: the age of a motion is known to the end.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Any

from diagnostic_msgs.msg import DiagnosticStatus

from robot_driver.teleoperated_arm import TeleoperatedArm
from teleop_core.cart import rotation_display_in_base
from teleop_core.contract import DEFAULT_ARMS, INSTRUMENT_ARMS, STREAMS
from teleop_core.jaw import JawLimits
from teleop_core.motion_limits import MotionLimits
from teleop_core.permit import PermitHolder
from teleop_core.profiles import PROFILES
from teleop_core.session import CommandReceiver, Refusal, SessionLimits
from teleop_core.signals import OperatorSignal
from teleop_core.teleoperation import HandArmPair
from teleop_ros.adapter import Health, TeleopNode, run
from teleop_ros.convert import operator_signal, time_message
from teleop_ros.parameters import ParameterError, check, declare, parameter

FEEDBACK_PERIOD = 1.0 / STREAMS["feedback"].rate
HANDS = ("MTMR", "MTML")
"""Hands in the order of the arms they drive: PSM1 comes in from the operator's right."""


@dataclass(frozen=True)
class KinematicsParameters:
    """Parameters of the kinematics."""

    arms: list[str] = parameter(
        list(DEFAULT_ARMS), doc="arms driven by the right and the left hand", choices=INSTRUMENT_ARMS
    )
    profile: str = parameter("lan", doc="limits of the link", choices=tuple(PROFILES))
    tool_speed: float = parameter(0.2, unit="m/s", low=0.01, high=0.5, doc="largest speed of a tool tip")
    tool_rotation_speed: float = parameter(
        15.0, unit="rad/s", low=0.5, high=30.0, doc="largest angular speed of a tool tip"
    )

    def __post_init__(self) -> None:
        """Refuse what cannot be driven."""
        check(self)
        if not 1 <= len(self.arms) <= len(HANDS) or len(set(self.arms)) != len(self.arms):
            raise ParameterError(f"parameter arms: {self.arms} must be one or two different arms")


class KinematicsNode(TeleopNode):
    """OperatorCommand -> accept -> map -> limit -> servo_jp; and TeleopFeedback back."""

    real_time = True

    def __init__(self) -> None:
        """Wire one hand to each arm."""
        super().__init__("kinematics")
        parameters = declare(self, KinematicsParameters)
        self._silence = PROFILES[parameters.profile].command_hold
        self.receiver = CommandReceiver(SessionLimits(max_age=self._silence))
        self.permit = PermitHolder()
        motion = MotionLimits(tool_speed=parameters.tool_speed, tool_rotation_speed=parameters.tool_rotation_speed)
        self.arms = [
            TeleoperatedArm(self, arm, HandArmPair(hand, rotation_display_in_base(arm), motion, JawLimits()))
            for hand, arm in zip(HANDS, parameters.arms, strict=False)
        ]
        self._last_signal: OperatorSignal | None = None
        self._feedback = self.publisher("feedback")
        self._message = self._feedback.msg_type()
        self.subscription("command", self.on_command, awaited=True)
        self.subscription("safety_state", self.on_safety_state)
        self.timer(FEEDBACK_PERIOD, self.step)

    def on_command(self, message: Any) -> None:
        """A packet of the operator: judged, and acted on at once."""
        now, ros_now = self.now(), self.get_clock().now().nanoseconds * 1e-9
        signal = operator_signal(message)
        if self.receiver.receive(signal, now, _round_trip(signal, ros_now)) is not None:
            return
        self._last_signal = signal
        permitted = self.permit.valid(now)
        stamp = time_message(ros_now - (now - self.receiver.sampled_at(signal)))
        for arm in self.arms:
            arm.drive(now, signal, permitted, self.permit.velocity_ratio, stamp)

    def on_safety_state(self, message: Any) -> None:
        """The permit. Without it every pair lets go at once."""
        now = self.now()
        self.permit.take(now, message.motion_permitted, message.permit_sequence, message.lease, message.velocity_ratio)
        if not self.permit.valid(now):
            self.safe_output()

    def step(self) -> None:
        """100 times a second: let go after silence, tell the operator."""
        now = self.now()
        if now - self.receiver.last_arrival > self._silence or not self.permit.valid(now):
            self.safe_output()
        self._publish_feedback(now)

    def safe_output(self) -> None:
        """Let go of every arm: nothing more is sent, the driver holds."""
        for arm in self.arms:
            arm.stop()

    def health(self) -> Health:
        """Counters of the receiver and the state of each pair."""
        values: dict[str, object] = {"accepted": self.receiver.accepted, "session": self.receiver.session}
        values.update({refusal.value: count for refusal, count in self.receiver.refused.items()})
        values.update({arm.name: arm.pair.state.name for arm in self.arms})
        return DiagnosticStatus.OK, "following commands", values

    def _publish_feedback(self, now: float) -> None:
        message, receiver = self._message, self.receiver
        message.header.stamp = self.get_clock().now().to_msg()
        message.session, message.last_sequence = receiver.session, receiver.last_sequence
        if self._last_signal is not None:
            message.command_stamp = time_message(self._last_signal.stamp)
            message.command_hold = now - receiver.last_arrival
        message.accepted = receiver.accepted
        for refusal in Refusal:
            setattr(message, refusal.value, receiver.refused[refusal])
        message.arms = [arm.feedback() for arm in self.arms]
        self._feedback.publish(message)


def _round_trip(signal: OperatorSignal, ros_now: float) -> float | None:
    """Time from our feedback to the packet that echoes it, without the time it lay at the console [s]."""
    return ros_now - signal.feedback_stamp - signal.feedback_age if signal.feedback_stamp > 0.0 else None


def main() -> int:
    """Run the kinematics."""
    return run(KinematicsNode)


if __name__ == "__main__":
    sys.exit(main())
