"""The base of every node: streams from the contract, guarded callbacks, one way to start and to end.

A callback that raises must not take the process down while it may hold an arm, and must not be silent either: it is
logged once with its traceback, counted, shown in /diagnostics, and the node puts itself into its safe output.
"""

from __future__ import annotations

import functools
import importlib
import signal
import sys
import time
import traceback
from collections.abc import Callable
from typing import Any

import rclpy
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from rclpy.duration import Duration
from rclpy.event_handler import SubscriptionEventCallbacks
from rclpy.executors import ExternalShutdownException
from rclpy.node import Node
from rclpy.publisher import Publisher
from rclpy.signals import SignalHandlerOptions
from rclpy.subscription import Subscription
from rclpy.timer import Timer

from teleop_core.contract import STREAMS
from teleop_ros.cdr import MessageError, reader, writer
from teleop_ros.executor import StreamExecutor
from teleop_ros.parameters import ParameterError, refuse_simulated_time
from teleop_ros.qos import publisher_qos, subscription_qos
from teleop_ros.scheduling import PRIORITY, keep_to_cores, no_long_pauses, prefer_this_process

LAST_WORDS = Duration(seconds=0.2)
"""Longest wait for the last messages of a node to be acknowledged."""

Health = tuple[bytes, str, dict[str, object]]
"""Level (DiagnosticStatus.OK, WARN, ERROR), a line of text, key-value pairs."""
HealthRow = tuple[bytes, str, str, dict[str, object]]
"""The same with the name of a part of the node after the level."""


def message_type(interface: str) -> type[Any]:
    """Class of a ROS interface type, e.g. ``sensor_msgs/msg/JointState``."""
    package, _, name = interface.split("/")
    return getattr(importlib.import_module(f"{package}.msg"), name)  # type: ignore[no-any-return]


def service_type(interface: str) -> Any:
    """Class of a ROS service type, e.g. ``std_srvs/srv/Trigger``."""
    package, _, name = interface.split("/")
    return getattr(importlib.import_module(f"{package}.srv"), name)


class StreamPublisher(Publisher):
    """Publisher that writes its messages by itself, several times as fast as the client library."""

    def __init__(self, implementation: Any, message_class: type[Any], *arguments: Any, **options: Any) -> None:
        """As the node makes every publisher."""
        super().__init__(implementation, message_class, *arguments, **options)
        self._write = writer(message_class)

    def publish(self, message: Any) -> None:
        """Publish a message of the type."""
        super().publish(self._write(message))


class TeleopNode(Node):
    """A node whose publishers and subscriptions come from the contract and whose callbacks are guarded.

    Attributes:
        real_time: The node is part of the control loop and asks for real-time priority.
        hops_to_robot: How many hops of a command lie between it and the robot; the nearer node goes first.
    """

    real_time = False
    hops_to_robot = 0

    def __init__(self, name: str, namespace: str | None = None) -> None:
        """Set up diagnostics at 1 Hz; subclasses declare parameters and wire themselves up.

        Raises:
            ParameterError: simulated time was asked for.
        """
        super().__init__(name, namespace=namespace)
        refuse_simulated_time(self)
        self.failures = 0
        self.awaited: set[Subscription] = set()
        self.by_hand: set[Subscription] = set()
        self._last_failure = ""
        self._diagnostics = self.publisher("diagnostics")
        self.timer(1.0, self._publish_diagnostics)

    @staticmethod
    def now() -> float:
        """Monotonic time of this host [s]: what every age and time limit is measured with."""
        return time.monotonic()

    def publisher(self, stream: str, **parts: str) -> Publisher:
        """Publisher of a stream of the contract."""
        row = STREAMS[stream]
        return self.create_publisher(
            message_type(row.type), row.topic_for(**parts), publisher_qos(row), publisher_class=StreamPublisher
        )

    def subscription(
        self,
        stream: str,
        callback: Callable[[Any], None],
        *,
        awaited: bool = False,
        events: SubscriptionEventCallbacks | None = None,
        **parts: str,
    ) -> Subscription:
        """Subscription to a stream of the contract, with a guarded callback.

        Args:
            stream: Row of the contract.
            callback: Called with each message, as `teleop_ros.cdr` reads it.
            awaited: A message wakes the node; otherwise the newest one is taken before the node's timers run.
            events: Callbacks for events of the middleware.
            parts: Values of the parts of the topic, e.g. ``arm="PSM1"``.
        """
        row = STREAMS[stream]
        kind = message_type(row.type)
        read = reader(kind)
        created = self.create_subscription(
            kind,
            row.topic_for(**parts),
            self.guarded(lambda data: callback(read(data))),
            subscription_qos(row),
            event_callbacks=events,
            raw=True,
        )
        if awaited:
            self.awaited.add(created)
        return created

    def timer(self, period: float, callback: Callable[[], None]) -> Timer:
        """Call back every `period` [s], on the monotonic clock: no clock step and no simulated time can stop it."""
        return self.create_timer(period, self.guarded(callback), clock=_STEADY)

    def guarded(self, callback: Callable[..., Any]) -> Callable[..., Any]:
        """The callback, with any exception turned into the safe output, a log entry and a count."""

        @functools.wraps(callback)
        def call(*arguments: Any) -> Any:
            try:
                return callback(*arguments)
            except MessageError as problem:  # somebody's, and none of this node's
                self.get_logger().warning(f"dropped a message: {problem}", throttle_duration_sec=1.0)
                return None
            except ExternalShutdownException:
                raise
            except Exception as error:  # the border of the node: nothing may pass it
                self._fail(error)
                return None

        return call

    def safe_output(self) -> None:
        """What the node says when it ends or fails; nodes that command or hold an arm override it."""

    def failed(self, text: str) -> None:
        """A callback raised: go to the safe output; nodes whose safe output has to be explained override it."""
        self.safe_output()

    def health(self) -> Health:
        """Row of /diagnostics; nodes override it with what an engineer wants to see."""
        return DiagnosticStatus.OK, "running", {}

    def health_rows(self) -> list[HealthRow]:
        """Further rows of /diagnostics, one for each part of the node; nodes override it."""
        return []

    def _fail(self, error: Exception) -> None:
        self.failures += 1
        text = f"{type(error).__name__}: {error}"
        if text != self._last_failure:
            self._last_failure = text
            self.get_logger().error(f"callback failed, going to the safe output\n{traceback.format_exc()}")
        self.failed(text)

    def _publish_diagnostics(self) -> None:
        level, text, values = self.health()
        if self.failures:
            level, text = DiagnosticStatus.ERROR, f"{self.failures} failed callbacks, last: {self._last_failure}"
        rows = [(level, "node", text, values), *self.health_rows()]
        self._diagnostics.publish(
            DiagnosticArray(header=self.header(), status=[self._diagnostic(*row) for row in rows])
        )

    def _diagnostic(self, level: bytes, name: str, text: str, values: dict[str, object]) -> DiagnosticStatus:
        return DiagnosticStatus(
            level=level,
            name=f"{self.get_name()}: {name}",
            message=text,
            hardware_id=self.get_namespace(),
            values=[KeyValue(key=key, value=str(value)) for key, value in values.items()],
        )

    def header(self, frame_id: str = "") -> Any:
        """Header with the present time."""
        return _HEADER(stamp=self.get_clock().now().to_msg(), frame_id=frame_id)

    def last_words(self) -> None:
        """Safe output, then the final diagnostics, and time for both to arrive."""
        self.safe_output()
        self._publish_diagnostics()
        self._diagnostics.wait_for_all_acked(LAST_WORDS)


_STEADY = rclpy.clock.Clock(clock_type=rclpy.clock.ClockType.STEADY_TIME)
_HEADER = message_type("std_msgs/msg/Header")


def run(node_class: Callable[[], TeleopNode]) -> int:
    """Main function of every node: start, spin on one thread, end with the safe output first.

    Returns:
        Exit code: 0 after SIGINT or SIGTERM, 2 for parameters that cannot be used.
    """
    stop: list[int] = []
    # rclpy's own handlers would shut the context down at once, and the safe output could no longer be sent.
    rclpy.init(args=sys.argv, signal_handler_options=SignalHandlerOptions.NO)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda received, _frame: stop.append(received))
    try:
        node = node_class()
    except ParameterError as error:
        rclpy.logging.get_logger(node_class.__name__).fatal(str(error))
        rclpy.try_shutdown()
        return 2
    no_long_pauses()
    if node.real_time:
        for refusal in filter(None, (prefer_this_process(PRIORITY - node.hops_to_robot), keep_to_cores())):
            node.get_logger().info(refusal)
    executor = StreamExecutor(node, node.awaited, node.by_hand)
    try:
        while not stop and rclpy.ok():
            executor.spin_once()
        node.last_words()
    except ExternalShutdownException:
        pass
    except Exception:  # of the middleware: the node cannot go on, but it does not leave without its safe output
        node.guarded(node.last_words)()
        raise
    finally:
        executor.shutdown()
        node.destroy_node()
        rclpy.try_shutdown()
        ignore_further_requests_to_end()
    return 0


def ignore_further_requests_to_end() -> None:
    """A second Ctrl-C while Python tears itself down would make a clean end look like a death.

    Python gives the signals back their default action, which is to kill, before it is gone; ignored ones stay ignored.
    """
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
