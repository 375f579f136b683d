"""What the driver says of one arm: CRTK topics, the servo report, and transforms where tf2_msgs is installed."""

from __future__ import annotations

import importlib.util
from typing import Any

from geometry_msgs.msg import TransformStamped

from robot_driver.arm_server import ArmServer
from robot_driver.backend import Measured
from teleop_core.psm_kinematics import JAW_NAME
from teleop_core.se3 import Pose
from teleop_ros.adapter import TeleopNode
from teleop_ros.convert import fill_pose

LARGEST_FLOAT32 = 3.4028234663852886e38
"""A message takes no finite number beyond it."""
READ_FIRST = ("operating_state", "measured_js", "setpoint_js")
"""What a client wants to know of an arm before it commands it."""
_HAS_TF = importlib.util.find_spec("tf2_msgs") is not None


class ArmPublisher:
    """Publishers of one arm, with messages made once and filled again."""

    def __init__(self, node: TeleopNode, arm: ArmServer) -> None:
        """Create the publishers of the arm on the node."""
        self._node = node
        self._arm = arm
        self._base_frame = arm.model.base_frame
        self._has_jaw = arm.model.jaw is not None
        self._last_event_ns = 0
        streams = (
            "operating_state",
            "measured_js",
            "setpoint_js",
            "local_measured_cp",
            "local_setpoint_cp",
            "servo_report",
            *(("jaw_measured_js", "jaw_setpoint_js") if self._has_jaw else ()),
        )
        self._publishers = {stream: node.publisher(stream, arm=arm.name) for stream in streams}
        self._messages = {stream: publisher.msg_type() for stream, publisher in self._publishers.items()}
        for stream in ("measured_js", "setpoint_js"):
            self._messages[stream].name = list(arm.model.joint_names)
        for stream in ("jaw_measured_js", "jaw_setpoint_js") if self._has_jaw else ():
            self._messages[stream].name = [JAW_NAME]
        for stream in ("local_measured_cp", "local_setpoint_cp"):
            self._messages[stream].header.frame_id = self._base_frame
        self._messages["servo_report"].name = arm.name
        self._applied_before = 0
        self._reported_at = node.now()
        self._holds_reported = 0
        self._tf = _transform_publisher(node) if _HAS_TF else None

    def publish_operating_state(self, command: str) -> None:
        """An event, with strictly rising stamps: clients wait for a new one after each command.

        Args:
            command: The state command it answers; shown in the log, empty at start-up.
        """
        message = self._messages["operating_state"]
        self.fill_operating_state(message)
        self._publishers["operating_state"].publish(message)
        if command:
            state = self._arm.operating
            self._node.get_logger().info(f"{self._arm.name}: {command} -> {state.state}, homed: {state.is_homed}")

    def fill_operating_state(self, message: Any) -> None:
        """Write the operating state into a message, with a stamp that no other one has."""
        state = self._arm.operating
        stamp_ns = max(self._node.get_clock().now().nanoseconds, self._last_event_ns + 1)
        self._last_event_ns = stamp_ns
        message.header.stamp.sec, message.header.stamp.nanosec = divmod(stamp_ns, 1_000_000_000)
        message.state, message.is_homed, message.is_busy = state.state, state.is_homed, state.is_busy

    def publish_state(self, measured: Measured) -> tuple[Any, Measured, dict[str, Pose]]:
        """Measured and setpoint, joints and pose in the base; the pose has the stamp of the joints it came from.

        Returns:
            The stamp, the sensors and both poses, for what else follows from them.
        """
        stamp = self._node.get_clock().now().to_msg()
        setpoint = self._arm.gate.setpoint
        poses = {"measured": self._arm.model.forward(measured.position), "setpoint": self._arm.model.forward(setpoint)}
        self._joints("measured_js", stamp, measured.position, measured.velocity, measured.effort)
        self._joints("setpoint_js", stamp, setpoint)
        if self._has_jaw:
            self._joints("jaw_measured_js", stamp, (measured.jaw,), (measured.jaw_velocity,), (measured.jaw_effort,))
            self._joints("jaw_setpoint_js", stamp, (self._arm.jaw_setpoint,))
        for kind, pose in poses.items():
            self._pose(f"local_{kind}_cp", stamp, pose)
        if self._tf is not None:
            self._publish_transforms(stamp, poses)
        return stamp, measured, poses

    @property
    def listeners(self) -> int:
        """How many listen to what clients of the arm read first."""
        return sum(self._publishers[stream].get_subscription_count() for stream in READ_FIRST)

    @property
    def hold_is_new(self) -> bool:
        """The gate has begun to hold the arm since the last report."""
        return self._arm.holds != self._holds_reported

    def publish_report(self, owner: str) -> None:
        """What happened since the last report, and who may move the arm; empty: nobody does."""
        arm, message, now = self._arm, self._messages["servo_report"], self._node.now()
        elapsed, self._reported_at = max(now - self._reported_at, arm.period), now
        taken = arm.take_statistics()
        message.header.stamp = self._node.get_clock().now().to_msg()
        message.received, message.applied, message.late = arm.received, arm.applied, arm.late
        message.servo_rate = (arm.applied - self._applied_before) / elapsed
        self._applied_before = arm.applied
        message.motion_latency = taken.motion_latency
        message.tracking_error = taken.tracking_error
        message.rcm_deviation = taken.rcm_deviation
        message.limit_reasons = [reason.value for reason in taken.limit_seconds]
        message.limit_seconds = list(taken.limit_seconds.values())
        message.limit_amounts = [min(amount, LARGEST_FLOAT32) for amount in taken.limit_amounts.values()]
        message.limit_units = [reason.unit for reason in taken.limit_amounts]
        message.holding = arm.hold_reason is not None
        message.hold_reason = arm.hold_reason.value if arm.hold_reason is not None else ""
        message.holds = self._holds_reported = arm.holds
        message.owner = owner
        message.permitted = arm.gate.permitted(now)
        message.permit_session, message.permit_sequence = arm.gate.permit_session, arm.gate.permit_sequence
        message.permits_refused, message.unauthenticated = arm.permits_refused, arm.unauthenticated
        self._publishers["servo_report"].publish(message)

    def _joints(
        self,
        stream: str,
        stamp: Any,
        position: tuple[float, ...],
        velocity: tuple[float, ...] = (),
        effort: tuple[float, ...] = (),
    ) -> None:
        message = self._messages[stream]
        message.header.stamp = stamp
        message.position, message.velocity, message.effort = position, velocity, effort
        self._publishers[stream].publish(message)

    def _pose(self, stream: str, stamp: Any, pose: Pose) -> None:
        message = self._messages[stream]
        message.header.stamp = stamp
        fill_pose(message.pose, pose)
        self._publishers[stream].publish(message)

    def _publish_transforms(self, stamp: Any, poses: dict[str, Pose]) -> None:
        """Measured and commanded tip; the arm's own links come from robot_state_publisher."""
        transforms = []
        for kind, pose in poses.items():
            transform = TransformStamped(child_frame_id=f"{self._arm.name}_tip_{kind}")
            transform.header.stamp, transform.header.frame_id = stamp, self._base_frame
            translation, rotation = transform.transform.translation, transform.transform.rotation
            translation.x, translation.y, translation.z = (float(value) for value in pose.position)
            rotation.x, rotation.y, rotation.z, rotation.w = (float(value) for value in pose.quaternion)
            transforms.append(transform)
        self._tf.publish(self._tf.msg_type(transforms=transforms))


def _transform_publisher(node: TeleopNode) -> Any:
    from tf2_msgs.msg import TFMessage  # only where it is installed

    return node.create_publisher(TFMessage, "tf", 100)
