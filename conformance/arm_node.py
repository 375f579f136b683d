"""telesurgery_conformance: the client that observes and commands one arm; it decides nothing.

In:  every topic that the arm publishes, as a CRTK client subscribes (reliable, volatile)
Out: what the checks send, as a CRTK client publishes (reliable; state commands transient local)
Frames: as the arm says.
Silence: a check says that nothing came.
"""

from __future__ import annotations

import importlib
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from rclpy.duration import Infinite
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.publisher import Publisher
from rclpy.qos import DurabilityPolicy, QoSCompatibility, QoSProfile, ReliabilityPolicy, qos_check_compatible
from rclpy.subscription import Subscription

from conformance.features import ACCEPTED, PUBLISHED, SERVICES
from conformance.judge_kinematics import Answer
from conformance.readers import READERS, STOP_POLICY_TYPE
from conformance.samples import Endpoint, Graph, Recording, State
from teleop_core.se3 import Pose

NAME = "telesurgery_conformance"
POLL = 0.002
"""Messages are taken so often [s]: one wait set for all would be made anew for each message by rclpy."""
DEPTH = 200
"""Messages that wait while this process does not run."""
ANSWER_LIMIT = 2.0
"""Wait for the answer of a service for so long [s]."""


def interface(name: str) -> type[Any]:
    """Class of a ROS interface type, e.g. ``sensor_msgs/msg/JointState``."""
    package, kind, word = name.split("/")
    return getattr(importlib.import_module(f"{package}.{kind}"), word)


class ArmNode(Node):
    """Client of one arm.

    Args:
        arm: Its ROS namespace, as a name relative to the namespace of this node or an absolute one.
    """

    def __init__(self, arm: str) -> None:
        super().__init__(NAME)
        self.arm = arm.rstrip("/")
        self.recording = Recording()
        self.interrupted = False
        """Somebody wants the check to end: the next wait raises KeyboardInterrupt, once."""
        self._place = self.arm if self.arm.startswith("/") else f"{self.get_namespace().rstrip('/')}/{self.arm}"
        self._heard: list[Subscription] = []
        self._senders: dict[str, Publisher] = {}
        self._askers: dict[str, Any] = {}
        self._executor_of_services = SingleThreadedExecutor()
        self._executor_of_services.add_node(self)

    # what is there

    def graph(self) -> Graph:
        """Endpoints and services of the arm, ours left out."""
        prefix = f"{self._place}/"
        ends: list[Endpoint] = []
        for topic, _ in self.get_topic_names_and_types():
            if topic.startswith(prefix):
                for publishes, found in (
                    (True, self.get_publishers_info_by_topic(topic)),
                    (False, self.get_subscriptions_info_by_topic(topic)),
                ):
                    ends += [_endpoint(topic[len(prefix) :], publishes, one) for one in found if one.node_name != NAME]
        services = {
            name[len(prefix) :]: kinds[0]
            for name, kinds in self.get_service_names_and_types()
            if name.startswith(prefix) and name[len(prefix) :] in SERVICES
        }
        return Graph(tuple(ends), services)

    def listen(self, graph: Graph) -> None:
        """Subscribe to what the arm publishes, as far as it has the right type."""
        for topic, kind in PUBLISHED.items():
            if graph.published(topic) and graph.type_of(topic) == kind:
                self.hear(topic, kind, QoSProfile(depth=DEPTH))

    def hear(self, topic: str, kind: str, qos: QoSProfile, into: str = "") -> Subscription:
        """Record a topic; under another name if `into` is given."""
        read, name = READERS[kind], into or topic

        def record(message: Any) -> None:
            self.recording.add(name, read(message, self.now(), self.ros_now(), name))

        made = self.create_subscription(interface(kind), f"{self._place}/{topic}", record, qos)
        self._heard.append(made)
        return made

    def hear_late(self, topic: str, kind: str, latched: bool, seconds: float) -> list[Any]:
        """What a subscription that comes now gets in so many seconds; it may ask for messages that were kept."""
        into = f"late {'latched' if latched else 'volatile'} {topic}"
        since = self.now()
        durability = DurabilityPolicy.TRANSIENT_LOCAL if latched else DurabilityPolicy.VOLATILE
        made = self.hear(topic, kind, QoSProfile(depth=10, durability=durability), into)
        self.until(lambda: bool(self.recording.samples.get(into)), seconds)
        self._heard.remove(made)
        self.destroy_subscription(made)
        return [sample for sample in self.recording.samples.pop(into, []) if sample.arrived > since]

    def stop_policy(self) -> str:
        """Text of the latched topic stop_policy; empty if there is none."""
        texts = self.hear_late("stop_policy", STOP_POLICY_TYPE, True, 1.0)
        return texts[-1].text if texts else ""

    # time

    @staticmethod
    def now() -> float:
        """Monotonic time [s]."""
        return time.monotonic()

    def ros_now(self) -> int:
        """ROS time [ns], of which stamps are."""
        return int(self.get_clock().now().nanoseconds)

    def until(self, condition: Callable[[], bool], limit: float) -> bool:
        """Take messages until the condition holds, at most so long [s]; whether it does.

        Raises:
            KeyboardInterrupt: If somebody interrupted the check; only once, so that the arm can still be held.
        """
        end = self.now() + limit
        while True:
            if self.interrupted:
                self.interrupted = False
                raise KeyboardInterrupt
            self._take()
            if condition():
                return True
            if self.now() >= end:
                return False
            time.sleep(POLL)

    def wait(self, seconds: float) -> None:
        """Take messages for so long [s]."""
        self.until(lambda: False, seconds)

    def _take(self) -> None:
        for subscription in self._heard:
            while (taken := subscription.handle.take_message(subscription.msg_type, subscription.raw)) is not None:
                subscription.callback(taken[0])

    # commands

    def send_joints(
        self,
        topic: str,
        position: Sequence[float] = (),
        names: Sequence[str] = (),
        velocity: Sequence[float] = (),
    ) -> None:
        """Publish a JointState."""
        message = self._message(topic)
        message.name = list(names)
        message.position, message.velocity = [float(x) for x in position], [float(x) for x in velocity]
        self._publish(topic, message)

    def send_pose(self, topic: str, pose: Pose, frame: str = "") -> None:
        """Publish a PoseStamped."""
        message = self._message(topic)
        message.header.frame_id = frame
        place, turn = message.pose.position, message.pose.orientation
        place.x, place.y, place.z = map(float, pose.position)
        turn.x, turn.y, turn.z, turn.w = map(float, pose.quaternion)
        self._publish(topic, message)

    def send_twist(self, topic: str, twist: Sequence[float], frame: str = "") -> None:
        """Publish a TwistStamped: linear [m/s], angular [rad/s]."""
        message = self._message(topic)
        message.header.frame_id = frame
        linear, angular = message.twist.linear, message.twist.angular
        linear.x, linear.y, linear.z, angular.x, angular.y, angular.z = map(float, twist)
        self._publish(topic, message)

    def send_number(self, topic: str, value: float) -> None:
        """Publish a Float64."""
        message = self._message(topic)
        message.data = float(value)
        self._publish(topic, message)

    def send_empty(self, topic: str) -> None:
        """Publish an Empty."""
        self._publish(topic, self._message(topic))

    def send_state_command(self, word: str) -> None:
        """Publish a state command."""
        message = self._message("state_command")
        message.string = word
        self._publish("state_command", message)

    def connect(self, topic: str, limit: float = ANSWER_LIMIT) -> bool:
        """Make the publisher of a command, and wait for the arm to hear it."""
        if topic not in self._senders:
            qos = QoSProfile(depth=10)
            if topic == "state_command":
                qos.durability = DurabilityPolicy.TRANSIENT_LOCAL
            self._senders[topic] = self.create_publisher(interface(ACCEPTED[topic]), f"{self._place}/{topic}", qos)
        publisher = self._senders[topic]
        return self.until(lambda: publisher.get_subscription_count() > 0, limit)

    def _publish(self, topic: str, message: Any) -> None:
        if topic not in self._senders:
            self.connect(topic)
        self._senders[topic].publish(message)

    def _message(self, topic: str) -> Any:
        message = interface(ACCEPTED[topic])()
        if hasattr(message, "header"):
            message.header.stamp = self.get_clock().now().to_msg()
        return message

    # services

    def forward(self, service: str, joints: Sequence[float]) -> Answer | None:
        """Ask for the pose of joints; None: no answer."""
        request = interface(SERVICES[service]).Request(jp=[float(x) for x in joints])
        answer = self._call(service, request)
        return None if answer is None else Answer(_pose(answer.cp), (), bool(answer.result), str(answer.message))

    def inverse(self, service: str, pose: Pose, joints: Sequence[float]) -> Answer | None:
        """Ask for the joints of a pose, near to `joints`; None: no answer."""
        request = interface(SERVICES[service]).Request(jp=[float(x) for x in joints])
        place, turn = request.cp.position, request.cp.orientation
        place.x, place.y, place.z = map(float, pose.position)
        turn.x, turn.y, turn.z, turn.w = map(float, pose.quaternion)
        answer = self._call(service, request)
        return None if answer is None else Answer(None, tuple(answer.jp), bool(answer.result), str(answer.message))

    def state_service(self) -> State | None:
        """Ask for the operating state; None: no answer."""
        answer = self._call("operating_state", interface(SERVICES["operating_state"]).Request())
        if answer is None:
            return None
        state = answer.operating_state
        return State(self.now(), 0, 0.0, str(state.state), bool(state.is_homed), bool(state.is_busy))

    def _call(self, service: str, request: Any) -> Any:
        if service not in self._askers:
            self._askers[service] = self.create_client(interface(SERVICES[service]), f"{self._place}/{service}")
        client = self._askers[service]
        if not client.wait_for_service(ANSWER_LIMIT):
            return None
        future = client.call_async(request)
        self._executor_of_services.spin_until_future_complete(future, ANSWER_LIMIT)
        if not future.done():
            client.remove_pending_request(future)
            return None
        return future.result()


def arms_in(node: Node) -> list[str]:
    """Namespaces that publish an operating state of CRTK."""
    kind, end = PUBLISHED["operating_state"], "/operating_state"
    return sorted(
        name.removesuffix(end)
        for name, kinds in node.get_topic_names_and_types()
        if name.endswith(end) and kind in kinds and node.count_publishers(name) > 0
    )


def _pose(message: Any) -> Pose:
    place, turn = message.position, message.orientation
    return Pose(np.array([place.x, place.y, place.z]), np.array([turn.x, turn.y, turn.z, turn.w]))


def _endpoint(topic: str, publishes: bool, found: Any) -> Endpoint:
    # The graph tells "no deadline" as an infinite one, and the comparison takes an unset one for something else.
    never = {"deadline": Infinite, "liveliness_lease_duration": Infinite}
    clients = (
        QoSProfile(depth=10, **never),
        QoSProfile(depth=10, durability=DurabilityPolicy.TRANSIENT_LOCAL, **never),
    )

    def fits(client: QoSProfile) -> bool:
        offered, wanted = (found.qos_profile, client) if publishes else (client, found.qos_profile)
        return bool(qos_check_compatible(offered, wanted)[0] != QoSCompatibility.ERROR)

    return Endpoint(
        topic=topic,
        type=str(found.topic_type),
        publishes=publishes,
        reliable=found.qos_profile.reliability == ReliabilityPolicy.RELIABLE,
        latched=found.qos_profile.durability == DurabilityPolicy.TRANSIENT_LOCAL,
        reaches_client=fits(clients[0]),
        reaches_latched_client=fits(clients[1]),
        node=f"{found.node_namespace.rstrip('/')}/{found.node_name}",
    )
