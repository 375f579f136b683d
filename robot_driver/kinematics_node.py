"""kinematics: from the operator's commands to joint commands, on the patient's side.

In:  teleop/command, safety/state (the permit), <ARM>/setpoint_js, measured_js, jaw/measured_js, operating_state,
     servo_report, link/status (only where instruments adapt to it)
Out: teleop/servo (all arms in one message), teleop/feedback, virtual_fixtures (markers, latched)
Frames: hands in the display frame of the console, tools in <ARM>_base_link (remote centre of motion). The display frame
        turns with the setpoint of the endoscope, where the ECM is of the session; else the ECM stands as it starts.
Silence: without accepted commands or a fresh permit nothing is sent, and the operator has to engage again.
Security: with keys a command or permit whose hash does not fit, and a permit that was not made just now, is dropped.

teleop/servo carries the time of the hand sample on this side's clock: the age of a motion is known to the end.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from diagnostic_msgs.msg import DiagnosticStatus
from telesurgery.msg import TeleopServo

from robot_driver.teleoperated_arm import TeleoperatedArm
from robot_driver.teleoperated_camera import TeleoperatedCamera
from teleop_core.arm_swap import ArmSwap
from teleop_core.camera_control import CameraControl, CameraLimits
from teleop_core.cart import rotation_display_in_base
from teleop_core.contract import ARMS, CAMERA_ARM, DEFAULT_ARMS, STREAMS, instruments
from teleop_core.fixture_table import Fixture, FixtureError, fixtures_of, read_fixtures
from teleop_core.jaw import JawLimits
from teleop_core.link_allowance import LinkAllowance, LinkQuality, link_allowance, worse_loss
from teleop_core.motion_limits import MotionLimits
from teleop_core.permit import PermitHolder, stamp_is_fresh
from teleop_core.session import CommandReceiver, Refusal, SessionLimits
from teleop_core.signals import OperatorSignal
from teleop_core.teleoperation import HandArmPair
from teleop_ros.adapter import Health, TeleopNode, run
from teleop_ros.cdr import plain
from teleop_ros.convert import HEADER, operator_signal, seconds, stamp, time_message
from teleop_ros.decisions import DECISION_LOG, watcher
from teleop_ros.fixture_markers import fixture_markers
from teleop_ros.keys import KEY_FOLDER, authenticator
from teleop_ros.message_mac import verify_command, verify_permit
from teleop_ros.parameters import ParameterError, check, declare, parameter
from teleop_ros.phase import Phase
from teleop_ros.profiles import profile, require_security

FEEDBACK_PERIOD = 1.0 / STREAMS["feedback"].rate
TELEOP_SERVO = plain(TeleopServo)
"""Message that goes out 200 times a second, as it is written."""
BEGIN_ROUND_TRIP = 1.0
"""With keys a console takes control only with an echo of our feedback that is at most this old [s]."""


@dataclass(frozen=True)
class KinematicsParameters:
    """Parameters of the kinematics."""

    arms: list[str] = parameter(
        list(DEFAULT_ARMS), doc="arms of the session: the right hand's, the left hand's, others", choices=ARMS
    )
    profile: str = parameter("lan", doc="limits of the link: name of a profile, or a file")
    tool_speed: float = parameter(0.2, unit="m/s", low=0.01, high=0.5, doc="largest speed of a tool tip")
    tool_rotation_speed: float = parameter(
        15.0, unit="rad/s", low=0.5, high=30.0, doc="largest angular speed of a tool tip"
    )
    tremor_filter: bool = parameter(False, doc="take tremor of 8 to 12 Hz out of the hands' motion; 26 ms of delay")
    virtual_fixtures: str = parameter("", doc="file of regions that no tool enters; empty: none")
    camera_speed: float = parameter(0.1, unit="m/s", low=0.01, high=0.2, doc="largest speed of the endoscope's tip")
    adapt_to_link: bool = parameter(False, doc="instruments go slower and finer on a poor link")
    shared_clock: bool = parameter(
        False, doc="the console is on this machine: its stamps need no estimate of how long a packet was on its way"
    )
    key_folder: str = parameter("", doc=KEY_FOLDER)
    decision_log: str = parameter("", doc=DECISION_LOG)

    def __post_init__(self) -> None:
        """Refuse what cannot be driven."""
        check(self)
        if len(set(self.arms)) != len(self.arms) or not instruments(self.arms):
            raise ParameterError(f"parameter arms: {self.arms} must be different arms, one of them an instrument arm")


class KinematicsNode(TeleopNode):
    """OperatorCommand -> accept -> map -> limit -> TeleopServo; and TeleopFeedback back."""

    real_time = True
    hops_to_robot = 1

    def __init__(self) -> None:
        """Wire one hand to each arm."""
        super().__init__("kinematics")
        parameters = declare(self, KinematicsParameters)
        self._command_key = authenticator(parameters.key_folder, "command")
        self._permit_key = authenticator(parameters.key_folder, "permit")
        limits = profile(parameters.profile)
        require_security(limits, self._command_key.level)
        self.get_logger().info(f"security: {self._command_key.level}")
        self._silence = limits.command_hold
        self._shared_clock = parameters.shared_clock
        watch = watcher(parameters.decision_log)
        self.receiver = watch("receiver", CommandReceiver(self._session_limits()), "receive")
        self.permit = PermitHolder()
        self._permits_refused = self._permits_unauthenticated = 0
        fixtures = _fixtures(parameters.virtual_fixtures)
        self.swap = watch("swap", ArmSwap(instruments(parameters.arms)), "update")
        self.arms = []
        for arm in instruments(parameters.arms):
            pair = watch(f"pair {arm}", _pair(self.swap, arm, parameters, fixtures), "step", "stop", "assign", "look")
            self.arms.append(TeleoperatedArm(self, arm, pair))
        self.camera: TeleoperatedCamera | None = None
        if CAMERA_ARM in parameters.arms:
            control = watch("camera", CameraControl(CameraLimits(speed=parameters.camera_speed)), "step", "stop")
            self.camera = TeleoperatedCamera(self, control, self._look)
        self._allowance = LinkAllowance()
        self._last_signal: OperatorSignal | None = None
        self._servo = self.publisher("teleop_servo")
        self._feedback = self.publisher("feedback")
        self._message = self._feedback.msg_type()
        self.subscription("command", self.on_command, awaited=True)
        self.subscription("safety_state", self.on_safety_state)
        if parameters.adapt_to_link:
            self.subscription("link_status", self.on_link_status)
        self._markers = self.publisher("virtual_fixtures")
        self._markers.publish(fixture_markers(fixtures))
        self._phase = Phase(self.timer(FEEDBACK_PERIOD, self.step))

    def on_command(self, message: Any) -> None:
        """A packet of the operator: judged, and acted on at once."""
        now, ros_now = self.now(), self.get_clock().now().nanoseconds * 1e-9
        signal = operator_signal(message)
        authenticated = verify_command(self._command_key, message)
        if now - self.receiver.last_arrival > self._silence:
            self.safe_output()  # the silence may have ended before the timer saw it
        if self.receiver.receive(signal, now, _round_trip(signal, ros_now), authenticated) is not None:
            return
        self._last_signal = signal
        if self._allowance.scale < 1.0:
            signal = replace(signal, motion_scale=self._allowance.scale * signal.motion_scale)
        for name, hand in self.swap.update(signal, {arm.name: arm.pair.state for arm in self.arms}):
            next(arm for arm in self.arms if arm.name == name).assign(hand)
        permitted, ratio = self.permit.valid(now), self._allowance.speed * self.permit.velocity_ratio
        driven = [arm.drive(now, signal, permitted, ratio) for arm in self.arms]
        if self.camera is not None:
            driven.append(self.camera.drive(now, signal, permitted, ratio))
        commands = [command for command in driven if command is not None]
        if commands:
            header = HEADER(stamp(self._sampled_at(now, ros_now, signal)), "")
            self._servo.publish(TELEOP_SERVO(header, commands))
        self._phase.heard(now)

    def on_link_status(self, message: Any) -> None:
        """Quality of the link: what it leaves of speed and scale."""
        worse = worse_loss(message.loss_up, message.loss_down)
        quality = LinkQuality(message.rtt, message.jitter, worse, message.level)
        self._allowance = link_allowance(quality, self._allowance)

    def on_safety_state(self, message: Any) -> None:
        """The permit. Without it every pair lets go at once; one that is dropped changes nothing."""
        now = self.now()
        if not verify_permit(self._permit_key, message):
            self._permits_unauthenticated += 1
        elif not self._take_permit(now, message):
            self._permits_refused += 1
        elif not self.permit.valid(now):
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
        if self.camera is not None:
            self.camera.stop()

    def health(self) -> Health:
        """Counters of the receiver and the state of each pair."""
        values: dict[str, object] = {
            "security": self._command_key.level,
            "permits_refused": self._permits_refused,
            "permits_unauthenticated": self._permits_unauthenticated,
        }
        values.update({"accepted": self.receiver.accepted, "session": self.receiver.session})
        values.update({refusal.value: count for refusal, count in self.receiver.refused.items()})
        values.update({arm.name: arm.pair.state.name for arm in self.arms})
        values.update(self.swap.arm_of)
        return DiagnosticStatus.OK, "following commands", values

    def _look(self, q_ecm: tuple[float, ...]) -> None:
        """The endoscope has moved: hands move in another picture from now on."""
        for arm in self.arms:
            arm.pair.look(rotation_display_in_base(arm.name, q_ecm))

    def _sampled_at(self, now: float, ros_now: float, signal: OperatorSignal) -> float:
        """When the hands were sampled, in ROS time of this side [s]."""
        return signal.stamp if self._shared_clock else ros_now - (now - self.receiver.sampled_at(signal))

    def _session_limits(self) -> SessionLimits:
        begin_round_trip = None if self._command_key.level == "none" else BEGIN_ROUND_TRIP
        return SessionLimits(max_age=self._silence, begin_round_trip=begin_round_trip)

    def _take_permit(self, now: float, message: Any) -> bool:
        ros_now = self.get_clock().now().nanoseconds * 1e-9
        return stamp_is_fresh(seconds(message.header.stamp), ros_now) and self.permit.take(
            now,
            message.motion_permitted,
            message.session,
            message.permit_sequence,
            message.lease,
            message.velocity_ratio,
        )

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
        message.arms = [arm.feedback(self.swap.refusals.get(arm.pair.hand, "")) for arm in self.arms]
        if self.camera is not None:
            message.arms.append(self.camera.feedback())
        self._feedback.publish(message)


def _pair(swap: ArmSwap, arm: str, parameters: KinematicsParameters, fixtures: tuple[Fixture, ...]) -> HandArmPair:
    """The pair of an instrument arm, with the hand that it has at first."""
    hand = next((hand for hand, driven in swap.arm_of.items() if driven == arm), "")
    return HandArmPair(
        hand,
        rotation_display_in_base(arm),
        MotionLimits(tool_speed=parameters.tool_speed, tool_rotation_speed=parameters.tool_rotation_speed),
        JawLimits(),
        tremor_filter=parameters.tremor_filter,
        fixtures=fixtures_of(arm, fixtures),
    )


def _fixtures(path: str) -> tuple[Fixture, ...]:
    try:
        return read_fixtures(Path(path)) if path else ()
    except FixtureError as error:
        raise ParameterError(f"parameter virtual_fixtures: {error}") from error


def _round_trip(signal: OperatorSignal, ros_now: float) -> float | None:
    """Time from our feedback to the packet that echoes it, without the time it lay at the console [s]."""
    return ros_now - signal.feedback_stamp - signal.feedback_age if signal.feedback_stamp > 0.0 else None


def main() -> int:
    """Run the kinematics."""
    return run(KinematicsNode)


if __name__ == "__main__":
    sys.exit(main())
