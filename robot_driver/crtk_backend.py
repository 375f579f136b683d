"""A robot behind somebody else's CRTK driver: each arm is driven as its client, through its public topics only.

Sent: servo_jp and jaw/servo_jp as commands come, hold, state_command. Heard: measured_js, jaw/measured_js,
operating_state, error, warning. The other driver needs no word of this suite; it may be a second one of ours, whose
servo_report then says to whom an arm belongs: where its own team takes it, this driver holds it, and tells, until it
is released.

The arms are enabled and homed when this driver's own are, and disabled with them. Where the other driver falls silent,
faults or is taken away, this one goes to FAULT and sends nothing more.
"""

from __future__ import annotations

import math
import time
from typing import Any

from rclpy.subscription import Subscription

from robot_driver.backend import ArmBackend, BackendError, Measured
from robot_driver.remote_arm import RemoteArm
from teleop_core.arm_model import arm_model
from teleop_core.contract import STREAMS
from teleop_core.psm_kinematics import JAW_NAME
from teleop_ros.adapter import TeleopNode, message_type
from teleop_ros.executor import take_waiting
from teleop_ros.qos import publisher_qos, subscription_qos

START_LIMIT, LOOK_EVERY = 8.0, 0.02
"""Every arm has to be heard this long after the start, and how often it is looked for [s]."""
JAW_EVERY = 2
"""The jaw goes with every second command: it is slow, and each message costs time."""


class _Link:
    """Topics of one arm."""

    def __init__(self, node: TeleopNode, remote: str, arm: RemoteArm) -> None:
        self.arm = arm
        self.sent = 0
        self.heard: list[Subscription] = []
        self._node = node
        self._remote = remote
        model = arm_model(arm.name)
        self.servo = self._publisher("servo_jp")
        self.servo_message = self.servo.msg_type(name=list(model.joint_names))
        self.jaw = self._publisher("jaw_servo_jp") if model.jaw is not None else None
        self.stand = self._publisher("hold")
        self.state_command = self._publisher("state_command")
        self._hear("measured_js", self._on_joints)
        self._hear("operating_state", self._on_operating_state)
        self._hear("error", self._on_error)
        self._hear("warning", self._on_warning)
        self._hear("servo_report", self._on_servo_report)
        if model.jaw is not None:
            self._hear("jaw_measured_js", self._on_jaw)
        self.jaw_setpoint = math.nan

    def _topic(self, stream: str) -> str:
        return f"{self._remote}/{STREAMS[stream].topic_for(arm=self.arm.name)}"

    def _publisher(self, stream: str) -> Any:
        row = STREAMS[stream]
        return self._node.create_publisher(message_type(row.type), self._topic(stream), publisher_qos(row))

    def _hear(self, stream: str, callback: Any) -> None:
        row = STREAMS[stream]
        kind = message_type(row.type)
        made = self._node.create_subscription(
            kind, self._topic(stream), self._node.guarded(callback), subscription_qos(row)
        )
        self.heard.append(made)

    def _on_joints(self, message: Any) -> None:
        values = (message.position, message.velocity, message.effort)
        self.arm.on_joints(self._node.now(), message.name, values)

    def _on_jaw(self, message: Any) -> None:
        self.arm.on_jaw(message.position, message.velocity, message.effort)

    def _on_operating_state(self, message: Any) -> None:
        self.arm.on_operating_state(message.state, message.is_homed, message.is_busy)

    def _on_error(self, message: Any) -> None:
        self._node.get_logger().error(f"{self.arm.name} at {self._remote}: {message.data}")

    def _on_warning(self, message: Any) -> None:
        self._node.get_logger().warning(f"{self.arm.name} at {self._remote}: {message.data}")

    def _on_servo_report(self, message: Any) -> None:
        self.arm.on_owner(message.owner)


class CrtkBackend(ArmBackend):
    """Arms in the namespace of another driver."""

    def __init__(self, node: TeleopNode, arms: list[str], remote: str) -> None:
        """`node`: the driver; `arms`: whom to drive; `remote`: absolute namespace of their topics, e.g. /robot1.

        Raises:
            BackendError: the namespace is the driver's own.
        """
        own = node.get_namespace().rstrip("/")
        self._remote = remote.rstrip("/")
        if not remote.startswith("/") or self._remote == own:
            raise BackendError(
                f"remote: {remote!r} must be the absolute namespace of the other driver, "
                f"and not this one's own, {own or '/'}"
            )
        self._node = node
        self._names = list(arms)
        self._links: dict[str, _Link] = {}
        self._now = -math.inf

    def connect(self) -> None:
        """Hear every arm."""
        for name in self._names:
            model = arm_model(name)
            arm = RemoteArm(name, model.joint_names, model.jaw is not None)
            self._links[name] = _Link(self._node, self._remote, arm)
        until = time.monotonic() + START_LIMIT
        while missing := [f"{name}: {link.arm.missing}" for name, link in self._links.items() if link.arm.missing]:
            if time.monotonic() > until:
                raise BackendError(
                    f"remote {self._remote} does not answer within {START_LIMIT:g} s ({'; '.join(missing)}); "
                    "is its driver running, in this ROS domain and under this namespace?"
                )
            self._hear()

    def _hear(self) -> None:
        """Take what has arrived. The node does not spin yet: its other callbacks are not ready."""
        time.sleep(LOOK_EVERY)
        for subscription in (heard for link in self._links.values() for heard in link.heard):
            take_waiting(subscription)

    def enable(self, arm: str, enabled: bool) -> None:
        """Have the other driver enable and home the arm, or disable it."""
        self._links[arm].arm.want(enabled)

    def ready(self, arm: str) -> bool:
        """The other driver says that it can be driven."""
        return self._links[arm].arm.ready(self._now)

    def fault(self, arm: str) -> str:
        """Why it cannot, although it should."""
        return self._links[arm].arm.fault(self._now)

    def taken(self, arm: str) -> str:
        """The other driver says that the arm belongs to somebody else."""
        owner = self._links[arm].arm.taken
        return f"{arm} at {self._remote} belongs to {owner}" if owner else ""

    def servo(self, arm: str, position: tuple[float, ...], velocity: tuple[float, ...], jaw: float) -> None:
        """Send the setpoint on."""
        link = self._links[arm]
        stamp = self._node.get_clock().now().to_msg()
        link.servo_message.header.stamp = stamp
        link.servo_message.position = position
        link.servo.publish(link.servo_message)
        link.sent += 1
        if link.jaw is not None and jaw != link.jaw_setpoint and link.sent % JAW_EVERY == 0:
            link.jaw_setpoint = jaw
            message = link.jaw.msg_type(position=[jaw])
            message.header.stamp = stamp
            link.jaw.publish(message)

    def hold(self, arm: str) -> None:
        """Stand still where the other driver holds it; nothing is sent until the next command."""
        link = self._links[arm]
        link.stand.publish(link.stand.msg_type())

    def measured(self, arm: str) -> Measured:
        """Newest sensor values that arrived."""
        measured = self._links[arm].arm.measured
        if measured is None:
            raise BackendError(f"{arm} at {self._remote} has not been heard")
        return measured

    def all_joints(self) -> tuple[list[str], list[float]]:
        """Joints of the arms that are driven; each finger shows half of the jaw's opening."""
        joints: dict[str, float] = {}
        for name in self._names:
            model, measured = arm_model(name), self.measured(name)
            joints.update({f"{name}_{joint}": q for joint, q in zip(model.joint_names, measured.position, strict=True)})
            if model.jaw is not None:
                half = max(0.0, measured.jaw / 2.0)
                fingers = {f"{name}_{JAW_NAME}_finger_{side}_joint": half for side in ("left", "right")}
                joints.update({f"{name}_{JAW_NAME}": measured.jaw, **fingers})
        return list(joints), list(joints.values())

    def advance(self, now: float) -> float:
        """Send the state commands that are due; hardware needs no time."""
        self._now = now
        for link in self._links.values():
            command = link.arm.command(now)
            if command:
                message = link.state_command.msg_type(string=command)
                message.header.stamp = self._node.get_clock().now().to_msg()
                link.state_command.publish(message)
        return 0.0

    def close(self) -> None:
        """Leave the arms held by the other driver."""
        for name in self._links:
            self.hold(name)
