"""The CRTK face of one arm: every topic and service that a client expects, wired to what carries it out.

A command that cannot be carried out is told on <ARM>/warning with the reason, counted, and changes nothing.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from robot_driver.arbitration import LEASE
from robot_driver.arm_publisher import ArmPublisher
from robot_driver.arm_server import ArmServer
from robot_driver.backend import Measured
from robot_driver.crtk import checks
from robot_driver.crtk.answers import Answers
from robot_driver.crtk.command_age import JUDGED, check_age
from robot_driver.crtk.derived_publisher import DerivedPublisher
from robot_driver.crtk.external_control import ExternalControl
from robot_driver.crtk.frames import Frames
from robot_driver.crtk.inbox import Inbox
from robot_driver.crtk.kinematics_services import KinematicsServices
from robot_driver.crtk.period_watch import PeriodStatistics
from robot_driver.crtk.refusal import CommandRefusedError
from robot_driver.gate_limits import GateLimits
from robot_driver.motion.motion import MotionRefused
from teleop_core.operating_state import FAULT
from teleop_core.permit import USUAL_LEASE
from teleop_core.psm_kinematics import JAW_NAME
from teleop_core.se3 import Pose
from teleop_ros.adapter import TeleopNode
from teleop_ros.convert import pose_from_message, seconds

CRTK_VERSION = "1.3.0"
TOOL_TYPE = "LARGE_NEEDLE_DRIVER:400006"
POSITION_CONTROLLED = "the robot is position-controlled and takes no forces; the arm stays held"
IGNORED = {
    "servo_jf": POSITION_CONTROLLED,
    "servo_ci": POSITION_CONTROLLED,
    "spatial_servo_cf": POSITION_CONTROLLED,
    "body_servo_cf": POSITION_CONTROLLED,
    "jaw_servo_jf": POSITION_CONTROLLED,
    "free": "an arm is never limp; it stays held",
    "use_gravity_compensation": "the arms are balanced; there is nothing to switch",
    "set_cf_orientation_absolute": "forces are measured only; there is nothing to switch",
    "set_base_frame": "the frame of the plain topics follows the camera arm; there is nothing to set",
}
"""What is understood and refused, and why."""
TOLD = ("error", "warning", "status", "goal_reached", "desired_state", "trajectory_ratio", "stop_policy",
        "period_statistics")  # fmt: skip
TOLD_BY_INSTRUMENTS = ("tool_type", "tool_type_request")
"""The tool is always known, so its type is never asked for."""
ANSWERED_WITH_STATE = ("free", "servo_jf")
"""Refusals after which clients wait for an operating state all the same."""


class ClientFace:
    """Subscriptions, services and texts of one arm."""

    def __init__(
        self,
        node: TeleopNode,
        inbox: Inbox,
        arm: ArmServer,
        output: ArmPublisher,
        frames: Frames,
        barred: str,
        sampled_at: Callable[[float, Any], float],
    ) -> None:
        """Wire the arm up on the node.

        Args:
            node: The driver.
            inbox: Reads what need not wake it.
            arm: The arm.
            output: Publishes its operating state.
            frames: Frames of its Cartesian topics.
            barred: Why external clients may not command; empty where they may.
            sampled_at: Stamp of a command on the monotonic clock [s], from the present time and the stamp.
        """
        self._node, self._arm, self._output, self._frames = node, arm, output, frames
        self._sampled_at = sampled_at
        self.control = ExternalControl(
            arm, frames, lambda: output.publish_operating_state(""), self._publish_goal_reached, barred
        )
        self._derived = DerivedPublisher(node, arm, self.control, frames)
        self._answers = Answers()
        told = (*TOLD, *TOLD_BY_INSTRUMENTS) if arm.model.jaw is not None else TOLD
        self._publishers = {stream: node.publisher(stream, arm=arm.name) for stream in told}
        self._publish("stop_policy", stop_policy(arm.limits))
        self._publish("trajectory_ratio", self.control.ratio)
        if arm.model.jaw is not None:
            self._publish("tool_type", TOOL_TYPE)
        self._listen(inbox)
        self._answer(inbox)

    def state_command(self, command: str) -> None:
        """A CRTK state command; every one is answered with an event, and a refused one with a warning."""
        now = self._node.now()
        refusal = self._arm.state_command(command)
        if refusal:
            self.control.teller.refuse(now, "state_command", refusal)
        if not self._arm.operating.ready:
            self.control.stop(now, f"the arm is {self._arm.operating.state}")
        self._publish("desired_state", self._arm.operating.state)
        self._answers.listeners(now, self._output.listeners)
        if self._answers.at_once(now, command):
            self._tell_state(command)

    def robot_changed(self) -> None:
        """The robot came home, or went to FAULT by itself."""
        if not self._arm.operating.ready:
            self.control.stop(self._node.now(), f"the arm is {self._arm.operating.state}")
        self._tell_state("")

    def _tell_state(self, command: str) -> None:
        self._output.publish_operating_state(command)
        if self._arm.operating.state == FAULT:
            problem = f": {self._arm.problem}" if self._arm.problem else ""
            self._publish("error", f"{self._arm.name} is in {FAULT}{problem}")
            self._node.get_logger().error(f"{self._arm.name} is in {FAULT}{problem}")
        self.speak()

    def step(self, now: float) -> None:
        """One servo period: go on with what clients asked for, tell them what there is to tell."""
        self._answers.listeners(now, self._output.listeners)
        for command in self._answers.due(now):
            if command:
                self._tell_state(command)
            else:
                self._output.publish_operating_state("")
        self.control.step(now)
        self.speak()

    def publish(self, stamp: Any, measured: Measured, poses: dict[str, Pose]) -> None:
        """What follows from the joint states, as far as somebody hears it."""
        self._derived.publish(stamp, measured, poses)

    def publish_statistics(self, statistics: PeriodStatistics) -> None:
        """How regularly the servo loop ran."""
        publisher = self._publishers["period_statistics"]
        message = publisher.msg_type(header=self._node.header())
        for name, values in (("period", statistics.period), ("compute_time", statistics.compute)):
            for what, value in zip(("avg", "std_dev", "min", "max"), values, strict=True):
                setattr(message, f"{name}_{what}", value)
        message.number_of_samples, message.number_of_overruns = statistics.samples, statistics.overruns
        message.statistics_interval = statistics.interval
        publisher.publish(message)

    def speak(self) -> None:
        """Tell the clients what was refused or limited."""
        for text in self.control.teller.take():
            self._publish("warning", f"{self._arm.name}: {text}")
            self._node.get_logger().warning(f"{self._arm.name}: {text}")

    def _listen(self, inbox: Inbox) -> None:
        name = self._arm.name
        for stream, action in (("servo_jp", self._servo_jp), ("servo_cp", self._servo_cp)):
            self._node.subscription(stream, self._carried_out(stream, action), awaited=True, arm=name)
        quick = {
            "servo_cv": self._servo_cv,
            "servo_jr": self._servo_jr,
            "servo_cr": self._servo_cr,
            "interpolate_jp": self._interpolate_jp,
            "interpolate_cp": self._interpolate_cp,
            "local_servo_cp": self._local(self._servo_cp),
            "local_interpolate_cp": self._local(self._interpolate_cp),
        }
        rare = {
            "move_jp": self._move_jp,
            "move_jr": self._move_jr,
            "move_cp": self._move_cp,
            "local_move_cp": self._local(self._move_cp),
            "hold": self._hold,
            "set_trajectory_ratio": self._set_ratio,
            "local_team_claim": lambda now, message: self.control.claim(now, message.data),
            "local_team_move_jp": lambda now, message: self.control.local_move(now, self._q(message)),
        }
        ignored = {stream: self._ignored(stream) for stream in IGNORED if stream != "jaw_servo_jf"}
        if self._arm.model.jaw is not None:
            quick["jaw_servo_jp"] = lambda now, message: self.control.servo_jaw(now, _jaw(message))
            rare["jaw_move_jp"] = lambda now, message: self.control.move_jaw(now, _jaw(message))
            rare["emulate_tool_present"] = self._emulate_tool_present
            rare["set_tool_type"] = self._set_tool_type
            ignored["jaw_servo_jf"] = self._ignored("jaw_servo_jf")
        for stream, action in (*quick.items(), *rare.items(), *ignored.items()):
            inbox.hear(stream, self._carried_out(stream, action), name, quick=stream in quick)

    def _answer(self, inbox: Inbox) -> None:
        name, kinematics = self._arm.name, KinematicsServices(self._arm, self._frames)
        for local in (False, True):
            where = "local_" if local else ""
            inbox.answer(
                f"{where}forward_kinematics",
                lambda request, response, local=local: kinematics.forward(request, response, local=local),
                name,
            )
            inbox.answer(
                f"{where}inverse_kinematics",
                lambda request, response, local=local: kinematics.inverse(request, response, local=local),
                name,
            )
        inbox.answer("operating_state", self._operating_state, name)
        inbox.answer("crtk_version", self._version, name)

    def _carried_out(self, stream: str, action: Callable[[float, Any], None]) -> Callable[[Any], None]:
        """A callback that carries a command out, or says why not."""

        def take(message: Any) -> None:
            now = self._node.now()
            try:
                if stream in JUDGED:
                    check_age(now, self._sampled_at(now, message.header.stamp), self._arm.limits.max_command_age)
                action(now, message)
            except (CommandRefusedError, MotionRefused) as refusal:
                self.control.teller.refuse(now, stream, str(refusal))
            self.speak()

        return take

    def _servo_jp(self, now: float, message: Any) -> None:
        self.control.servo_jp(now, self._q(message), self._sampled_at(now, message.header.stamp))

    def _servo_jr(self, now: float, message: Any) -> None:
        self.control.servo_jr(now, self._q(message), self._sampled_at(now, message.header.stamp))

    def _servo_cp(self, now: float, message: Any, plain: str = "") -> None:
        self.control.servo_cp(now, self._pose(message, plain), self._sampled_at(now, message.header.stamp))

    def _servo_cr(self, now: float, message: Any) -> None:
        offset = checks.pose(pose_from_message(message.pose))
        self.control.servo_cr(now, offset, message.header.frame_id, self._sampled_at(now, message.header.stamp))

    def _servo_cv(self, now: float, message: Any) -> None:
        linear, angular = message.twist.linear, message.twist.angular
        twist = checks.twist((linear.x, linear.y, linear.z), (angular.x, angular.y, angular.z))
        self.control.servo_cv(now, self._frames.twist_to_base(twist, message.header.frame_id))

    def _interpolate_jp(self, now: float, message: Any) -> None:
        self.control.interpolate_jp(now, self._client_time(now, message), self._q(message))

    def _interpolate_cp(self, now: float, message: Any, plain: str = "") -> None:
        self.control.interpolate_cp(now, self._client_time(now, message), self._pose(message, plain))

    def _move_jp(self, now: float, message: Any) -> None:
        self.control.move_jp(now, self._q(message))

    def _move_jr(self, now: float, message: Any) -> None:
        self.control.move_jr(now, self._q(message))

    def _move_cp(self, now: float, message: Any, plain: str = "") -> None:
        self.control.move_cp(now, self._pose(message, plain))

    def _hold(self, now: float, _message: Any) -> None:
        try:
            self.control.hold(now)
        finally:
            self._output.publish_operating_state("")

    def _set_ratio(self, _now: float, message: Any) -> None:
        try:
            self.control.set_ratio(message.data)
        finally:
            self._publish("trajectory_ratio", self.control.ratio)

    def _emulate_tool_present(self, _now: float, message: Any) -> None:
        if not message.data:
            raise CommandRefusedError(f"the {TOOL_TYPE} is part of the arm and cannot be taken out")
        self._publish("status", f"{self._arm.name}: {TOOL_TYPE} is in place")

    def _set_tool_type(self, _now: float, message: Any) -> None:
        if message.data.replace("_4", ":4") != TOOL_TYPE:
            raise CommandRefusedError(f"tool type {message.data!r} is not {TOOL_TYPE}, the only one here")
        self._publish("tool_type", TOOL_TYPE)

    def _ignored(self, stream: str) -> Callable[[float, Any], None]:
        def refuse(_now: float, _message: Any) -> None:
            if stream in ANSWERED_WITH_STATE:
                self._output.publish_operating_state("")
            raise CommandRefusedError(IGNORED[stream])

        return refuse

    def _local(self, action: Callable[[float, Any, str], None]) -> Callable[[float, Any], None]:
        return lambda now, message: action(now, message, self._frames.base)

    def _operating_state(self, _request: Any, response: Any) -> Any:
        self._output.fill_operating_state(response.operating_state)
        return response

    @staticmethod
    def _version(_request: Any, response: Any) -> Any:
        response.success, response.message = True, CRTK_VERSION
        return response

    def _q(self, message: Any) -> tuple[float, ...]:
        return checks.joint_values(message.name, message.position, self._arm.model.joint_names)

    def _pose(self, message: Any, plain: str) -> Pose:
        """Pose of a message in the arm's base; `plain`: frame of the topic, empty for the plain one of the arm."""
        pose = checks.pose(pose_from_message(message.pose))
        return self._frames.to_base(pose, message.header.frame_id, plain or self._frames.plain)

    @staticmethod
    def _client_time(now: float, message: Any) -> float:
        """The client's time of a command [s]; that of its arrival where it has no stamp."""
        return seconds(message.header.stamp) or now

    def _publish_goal_reached(self, reached: bool) -> None:
        self._publish("goal_reached", reached)

    def _publish(self, stream: str, data: Any) -> None:
        publisher = self._publishers[stream]
        publisher.publish(publisher.msg_type(data=data))


def stop_policy(limits: GateLimits) -> str:
    """What an arm does when those who move it fall silent, as JSON; times [s]."""
    policy = {
        "on_silence": "hold",
        "silence_s": limits.silence,
        "permit_s": USUAL_LEASE,
        "lease_s": LEASE,
        "goes_limp": False,
    }
    return json.dumps(policy)


def _jaw(message: Any) -> float:
    angle = checks.one_value(message.position, JAW_NAME)
    if message.name and list(message.name) != [JAW_NAME]:
        raise CommandRefusedError(f"name {list(message.name)} is not {JAW_NAME}")
    return angle
