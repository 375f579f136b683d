"""A CRTK server that is right, or wrong in one way: ``python wrong_crtk_server.py [FAULT]``. For tests only.

Faults: see FAULTS. It is written apart from the suite's own server, on purpose: the check must not fit only one.
"""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import rclpy
from crtk_msgs.msg import OperatingState, StringStamped
from crtk_msgs.srv import QueryForwardKinematics, QueryInverseKinematics
from geometry_msgs.msg import PoseStamped, TwistStamped
from rclpy._rclpy_pybind11 import RCLError
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import JointState
from std_msgs.msg import Empty, Float64, Float64MultiArray, MultiArrayDimension, String
from wrong_crtk_robot import (
    CAMERA,
    HOME,
    JOINTS,
    LEASE,
    REACH,
    Way,
    forward,
    inverse,
    joint_way,
    line_way,
    seen,
)

from teleop_core import se3
from teleop_core.se3 import Pose, compose, rotate

FAULTS = (
    "", "best_effort", "stale_stamps", "no_event_on_no_op", "stamps_stand", "name_order", "no_busy_pulse", "degrees",
    "millimetres", "jumps", "wrong_transition", "obeys_nan", "silent", "ignores_hold", "drifts", "slow", "no_frame",
    "volatile_state", "bent_moves", "half_way", "ratio_sticks", "false_velocity",
)  # fmt: skip
NAME, RATE = "ARM", 100.0
TABLE = {
    ("DISABLED", "enable"): "ENABLED", ("ENABLED", "disable"): "DISABLED", ("PAUSED", "disable"): "DISABLED",
    ("ENABLED", "pause"): "PAUSED", ("PAUSED", "resume"): "ENABLED",
    ("DISABLED", "disable"): "DISABLED", ("ENABLED", "enable"): "ENABLED", ("PAUSED", "pause"): "PAUSED",
}  # fmt: skip


class Server(Node):
    """One arm."""

    def __init__(self, fault: str) -> None:
        super().__init__("wrong_crtk_server")
        self.fault = fault
        self.state, self.homed, self.busy, self.ratio = "DISABLED", False, False, 1.0
        self.q, self.before = np.array(HOME), np.array(HOME)
        self.goal, self.jaw, self.way, self.jaw_way = np.array(HOME), 0.3, None, None
        self.slope = np.zeros(6)
        self.twist, self.twist_until, self.ticks, self.last_event = np.zeros(6), 0.0, 0, 0
        self.ticked = time.monotonic() - 1.0 / RATE
        self.unit = 180.0 / math.pi if fault == "degrees" else 1.0
        self.scale = 1000.0 if fault == "millimetres" else 1.0
        self.outputs = {
            topic: self.create_publisher(kind, f"{NAME}/{topic}", self._offered(topic))
            for kind, topics in (
                (JointState, ("measured_js", "setpoint_js", "goal_js", "jaw/measured_js", "jaw/setpoint_js")),
                (PoseStamped, ("measured_cp", "setpoint_cp", "goal_cp", "local/measured_cp", "local/setpoint_cp")),
                (TwistStamped, ("measured_cv",)),
                (Float64MultiArray, ("spatial/jacobian",)),
                (Float64, ("trajectory_j/ratio",)),
                (String, ("error", "warning", "stop_policy")),
                (OperatingState, ("operating_state",)),
            )
            for topic in topics
        }
        for kind, topics in (
            (JointState, {"servo_jp": self.servo, "servo_jr": self.servo_relative, "interpolate_jp": self.interpolate,
                          "move_jp": self.move, "move_jr": self.move_relative, "jaw/servo_jp": self.servo_jaw,
                          "jaw/move_jp": self.move_jaw}),
            (PoseStamped, {"servo_cp": self.servo_tip, "move_cp": self.move_tip}),
            (TwistStamped, {"servo_cv": self.drive}),
            (Empty, {"hold": self.hold}),
            (Float64, {"trajectory_j/set_ratio": self.set_ratio}),
            (StringStamped, {"state_command": self.command}),
        ):  # fmt: skip
            for topic, act in topics.items():
                self.create_subscription(kind, f"{NAME}/{topic}", act, 10)
        for prefix in ("", "local/"):
            local = prefix == "local/"
            self.create_service(
                QueryForwardKinematics, f"{NAME}/{prefix}forward_kinematics",
                lambda request, answer, local=local: self.answer_forward(request, answer, local),
            )  # fmt: skip
        self.create_service(QueryInverseKinematics, f"{NAME}/inverse_kinematics", self.answer_inverse)
        self.outputs["stop_policy"].publish(String(data="hold"))
        self.tell_state()
        self.create_timer(1.0 / (20.0 if fault == "slow" else RATE), self.tick)

    def _offered(self, topic: str) -> QoSProfile:
        profile = QoSProfile(depth=10)
        if topic in ("stop_policy", "operating_state") and self.fault != "volatile_state":
            profile.durability = DurabilityPolicy.TRANSIENT_LOCAL
        if topic == "measured_cp" and self.fault == "best_effort":
            profile.reliability = ReliabilityPolicy.BEST_EFFORT
        return profile

    # what it says

    def tell_state(self) -> None:
        stamp = max(self.get_clock().now().nanoseconds, self.last_event + 1)
        if self.fault == "stamps_stand" and self.last_event:
            stamp = self.last_event
        self.last_event = stamp
        message = OperatingState(state=self.state, is_homed=self.homed, is_busy=self.busy)
        message.header.stamp.sec, message.header.stamp.nanosec = divmod(stamp, 1_000_000_000)
        self.outputs["operating_state"].publish(message)

    def warn(self, text: str) -> None:
        if self.fault != "silent":
            self.outputs["warning"].publish(String(data=text))

    def tick(self) -> None:
        now = time.monotonic()
        self.ticks += 1
        self.advance(now)
        stamp = self.get_clock().now()
        if self.fault == "stale_stamps":
            stamp -= rclpy.duration.Duration(seconds=30.0)
        stamp = stamp.to_msg()
        velocity = (self.q - self.before) / (now - self.ticked) * (3.0 if self.fault == "false_velocity" else 1.0)
        self.before, self.ticked = self.q.copy(), now
        shown = self.q.copy()
        if self.fault == "jumps" and self.ticks % 30 == 0:
            shown[0] += 0.2
        self.say_joints("measured_js", stamp, shown, velocity)
        self.say_joints("setpoint_js", stamp, self.q, velocity)
        self.say_joints("goal_js", stamp, self.goal, ())
        for topic in ("jaw/measured_js", "jaw/setpoint_js"):
            message = JointState(name=["jaw"], position=[self.jaw * self.unit])
            message.header.stamp = stamp
            self.outputs[topic].publish(message)
        here = forward(self.q)
        for topic, pose in (
            ("measured_cp", seen(here)), ("setpoint_cp", seen(here)), ("goal_cp", seen(forward(self.goal))),
            ("local/measured_cp", here), ("local/setpoint_cp", here),
        ):  # fmt: skip
            self.outputs[topic].publish(self.as_pose(topic, stamp, pose))
        twist = TwistStamped()
        twist.header.stamp, twist.header.frame_id = stamp, "camera"
        linear = rotate(CAMERA.quaternion, velocity[:3] * self.scale)
        twist.twist.linear.x, twist.twist.linear.y, twist.twist.linear.z = map(float, linear)
        self.outputs["measured_cv"].publish(twist)
        self.outputs["trajectory_j/ratio"].publish(Float64(data=self.ratio))
        matrix = Float64MultiArray(data=[0.0] * 36)
        matrix.layout.dim = [MultiArrayDimension(size=6, stride=36), MultiArrayDimension(size=6, stride=6)]
        self.outputs["spatial/jacobian"].publish(matrix)

    def say_joints(self, topic: str, stamp: Any, q: Any, velocity: Any) -> None:
        factor = [1.0] * 3 + [self.unit] * 3
        message = JointState(name=list(JOINTS), position=[float(x * f) for x, f in zip(q, factor, strict=True)])
        message.velocity = [float(x * f) for x, f in zip(velocity, factor, strict=False)]
        if self.fault == "name_order" and topic == "setpoint_js":
            message.name = message.name[::-1]
        message.header.stamp, message.header.frame_id = stamp, "camera"
        self.outputs[topic].publish(message)

    def as_pose(self, topic: str, stamp: Any, pose: Pose) -> PoseStamped:
        message = PoseStamped()
        message.header.stamp = stamp
        frame = "base" if topic.startswith("local") else "camera"
        message.header.frame_id = "" if self.fault == "no_frame" else frame
        place, turn = message.pose.position, message.pose.orientation
        place.x, place.y, place.z = (float(x) * self.scale for x in pose.position)
        turn.x, turn.y, turn.z, turn.w = map(float, pose.quaternion)
        return message

    # what it is told

    def command(self, message: StringStamped) -> None:
        word, before = message.string, (self.state, self.homed)
        if word in ("home", "unhome"):
            self.homed = word == "home" and self.state == "ENABLED"
        elif (self.state, word) in TABLE:
            self.state = TABLE[self.state, word]
        elif self.fault == "wrong_transition" and word == "resume":
            self.state = "ENABLED"
        else:
            self.warn(f"cannot {word} while {self.state}")
        if self.state != "ENABLED":
            self.way, self.busy = None, False
        if self.fault != "no_event_on_no_op" or before != (self.state, self.homed):
            self.tell_state()

    def set_ratio(self, message: Float64) -> None:
        if not 0.0 < message.data <= 1.0:
            self.warn(f"a ratio of {message.data} is not in ]0, 1]")
        elif self.fault != "ratio_sticks":
            self.ratio = message.data

    def joints_of(self, message: JointState, start: Any = None) -> np.ndarray | None:
        """Joints of a command, by name; None if it was refused."""
        factor = np.array([1.0] * 3 + [1.0 / self.unit] * 3)
        if self.state != "ENABLED" or not self.homed:
            self.warn("not ready")
            return None
        position = np.array(message.position)
        if position.shape != (6,) or (message.name and sorted(message.name) != sorted(JOINTS)):
            self.warn(f"not the six joints of this arm: {list(message.name)}, {position.size} positions")
            return None
        if message.name:
            position = position[[list(message.name).index(name) for name in JOINTS]]
        position = position * factor
        position = position if start is None else position + start
        if self.fault != "obeys_nan" and not np.all(np.abs(position) <= REACH):
            self.warn(f"out of reach or not finite: {position}")
            return None
        return position

    def pose_of(self, message: PoseStamped) -> np.ndarray | None:
        place, turn = message.pose.position, message.pose.orientation
        pose = Pose(np.array([place.x, place.y, place.z]) / self.scale, np.array([turn.x, turn.y, turn.z, turn.w]))
        if message.header.frame_id not in ("", "camera"):
            self.warn(f"unknown frame {message.header.frame_id}")
            return None
        if not (np.all(np.isfinite(pose.position)) and se3.is_unit_quaternion(pose.quaternion)):
            self.warn("a pose that is none")
            return None
        q = inverse(compose(se3.inverse(CAMERA), pose))
        return self.joints_of(JointState(position=[float(x) for x in q * ([1.0] * 3 + [self.unit] * 3)]))

    def servo(self, message: JointState) -> None:
        self.set(self.joints_of(message))

    def servo_relative(self, message: JointState) -> None:
        self.set(self.joints_of(message, self.q))

    def servo_tip(self, message: PoseStamped) -> None:
        self.set(self.pose_of(message))

    def set(self, q: np.ndarray | None) -> None:
        if q is not None:
            self.way = None
            aim = 0.5 * (q + HOME) if self.fault == "half_way" else q
            self.slope = aim - self.q if self.fault == "drifts" else np.zeros(6)
            self.q = self.goal = aim

    def interpolate(self, message: JointState) -> None:
        q = self.joints_of(message)
        if q is not None:
            self.goal, self.way = q, joint_way(self.q, q, time.monotonic())

    def move(self, message: JointState) -> None:
        self.start(self.joints_of(message), None)

    def move_relative(self, message: JointState) -> None:
        self.start(self.joints_of(message, self.q), None)

    def move_tip(self, message: PoseStamped) -> None:
        bend = 0.003 if self.fault == "bent_moves" else 0.0
        q = self.pose_of(message)
        if q is not None:
            self.start(q, line_way(forward(self.q), forward(q), time.monotonic(), bend))

    def start(self, goal: np.ndarray | None, way: Way | None) -> None:
        if goal is None:
            return
        self.slope = np.zeros(6)
        self.goal = goal
        self.way = way or joint_way(self.q, goal, time.monotonic(), self.ratio)
        self.busy = self.fault != "no_busy_pulse" or float(np.max(np.abs(goal - self.q))) > 1e-6
        self.tell_state()

    def drive(self, message: TwistStamped) -> None:
        linear = message.twist.linear
        twist = np.array([linear.x, linear.y, linear.z]) / self.scale
        if not np.all(np.isfinite(twist)):
            self.warn("a twist that is none")
        else:
            self.way = None
            self.twist = rotate(se3.inverse(CAMERA).quaternion, twist)
            self.twist_until = time.monotonic() + LEASE

    def hold(self, _message: Empty) -> None:
        if self.fault != "ignores_hold":
            self.way, self.goal, self.twist_until, self.slope = None, self.q, 0.0, np.zeros(6)
            if self.busy:
                self.busy = False
                self.tell_state()

    def servo_jaw(self, message: JointState) -> None:
        if len(message.position) != 1 or not abs(message.position[0]) <= 1.5 * self.unit:
            self.warn("not a jaw")
        else:
            self.jaw = message.position[0] / self.unit

    def move_jaw(self, message: JointState) -> None:
        self.servo_jaw(message)
        if len(message.position) == 1 and abs(message.position[0]) <= 1.5 * self.unit:
            self.busy = True
            self.tell_state()
            self.jaw_way = time.monotonic() + 0.05

    def advance(self, now: float) -> None:
        if self.jaw_way is not None and now > self.jaw_way:
            self.jaw_way, self.busy = None, False
            self.tell_state()
        if self.way is not None:
            self.q, done = self.way(now)
            if done:
                self.way = None
                if self.busy:
                    self.busy = False
                    self.tell_state()
        elif now < self.twist_until:
            self.q = self.goal = self.q + np.array([*(self.twist * (now - self.ticked)), 0.0, 0.0, 0.0])
        elif np.any(self.slope):
            self.q = self.q + self.slope

    # services

    def answer_forward(self, request: Any, answer: Any, local: bool) -> Any:
        q = np.array(request.jp) * np.array(([1.0] * 3 + [1.0 / self.unit] * 3)[: len(request.jp)] or 0.0) \
            if len(request.jp) == 6 else np.array([])  # fmt: skip
        if q.shape != (6,) or not np.all(np.isfinite(q)):
            answer.result, answer.message = False, "six finite joints are needed"
            return answer
        pose = forward(q) if local else seen(forward(q))
        answer.cp, answer.result = self.as_pose("", self.get_clock().now().to_msg(), pose).pose, True
        return answer

    def answer_inverse(self, request: Any, answer: Any) -> Any:
        place, turn = request.cp.position, request.cp.orientation
        position = np.array([place.x, place.y, place.z]) / self.scale
        if not np.all(np.abs(position) <= REACH):
            answer.result, answer.message = False, "out of reach"
            return answer
        pose = Pose(position, np.array([turn.x, turn.y, turn.z, turn.w]))
        q = inverse(compose(se3.inverse(CAMERA), pose))
        answer.jp, answer.result = [float(x) for x in q * ([1.0] * 3 + [self.unit] * 3)], True
        return answer


def main(make: Callable[[str], Node] = Server) -> None:
    fault = sys.argv[1] if len(sys.argv) > 1 else ""
    if fault not in FAULTS:
        sys.exit(f"no such fault: {fault}; one of {', '.join(FAULTS)}")
    rclpy.init()
    node = make(fault)
    try:
        rclpy.spin(node)
    except (KeyboardInterrupt, rclpy.executors.ExternalShutdownException, RCLError):
        pass  # a signal ends ROS in the middle of whatever it does
    finally:
        node.destroy_node()
        rclpy.try_shutdown()


if __name__ == "__main__":
    main()
