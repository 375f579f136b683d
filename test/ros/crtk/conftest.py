"""A real driver with all four arms, and a CRTK client that also plays the safety monitor."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

rclpy = pytest.importorskip("rclpy", reason="ROS is not installed here")

from rclpy.qos import DurabilityPolicy, QoSProfile  # noqa: E402

from teleop_cli.domain import claim  # noqa: E402
from teleop_core.contract import ARM_SERVICES, ARMS, STREAMS  # noqa: E402
from teleop_ros.adapter import TeleopNode, message_type, service_type  # noqa: E402

PERMIT_PERIOD = 0.01
CLIENT = QoSProfile(depth=10)
"""What CRTK clients publish and subscribe with: reliable, volatile."""


class Client(TeleopNode):
    """Publishes and hears as CRTK clients do; the permits are its own.

    Attributes:
        permits: It permits motion.
        messages: What was heard, by topic.
    """

    def __init__(self) -> None:
        super().__init__("test_client")
        self.permits = True
        self.messages: dict[str, list[Any]] = defaultdict(list)
        self._made: dict[str, Any] = {}
        self._permit = self.publisher("safety_state")
        self._state = self._permit.msg_type(session=time.time_ns(), lease=0.9, velocity_ratio=1.0)
        self.timer(PERMIT_PERIOD, self._send_permit)

    def _send_permit(self) -> None:
        state = self._state
        state.header.stamp = self.get_clock().now().to_msg()
        state.motion_permitted = self.permits
        state.permit_sequence += 1
        self._permit.publish(state)

    def forget(self) -> None:
        """Hear nothing any more: a client that hears everything is too slow to permit in time."""
        for key in [key for key, made in self._made.items() if hasattr(made, "callback")]:
            self.destroy_subscription(self._made.pop(key))
        self.messages.clear()

    def hear(self, stream: str, arm: str, latched: bool = False) -> list[Any]:
        """Messages of a stream of an arm, from now on."""
        row = STREAMS[stream]
        topic = row.topic_for(arm=arm)
        if topic not in self._made:
            durability = DurabilityPolicy.TRANSIENT_LOCAL if latched else DurabilityPolicy.VOLATILE
            quality = QoSProfile(depth=10, durability=durability)
            kept = self.messages[topic]
            self._made[topic] = self.create_subscription(message_type(row.type), topic, kept.append, quality)
        return self.messages[topic]

    def speaker(self, stream: str, arm: str) -> Any:
        """Publisher of a stream of an arm, with the quality of service of a client."""
        row = STREAMS[stream]
        key = f"publish {row.topic_for(arm=arm)}"
        if key not in self._made:
            self._made[key] = self.create_publisher(message_type(row.type), row.topic_for(arm=arm), CLIENT)
        return self._made[key]

    def asker(self, service: str, arm: str) -> Any:
        """Client of a service of an arm."""
        row = ARM_SERVICES[service]
        key = f"ask {row.topic.format(arm=arm)}"
        if key not in self._made:
            self._made[key] = self.create_client(service_type(row.type), row.topic.format(arm=arm))
        return self._made[key]


class Theatre:
    """The driver's process and the client, with time limits instead of sleeps."""

    def __init__(self, client: Client, process: subprocess.Popen[bytes], domain: int) -> None:
        self.client, self.process, self.domain = client, process, domain
        self.teleoperation = client.publisher("teleop_servo")
        self._executor = rclpy.executors.SingleThreadedExecutor()
        self._executor.add_node(client)

    def spin(self, duration: float) -> None:
        end = time.monotonic() + duration
        while time.monotonic() < end:
            self._executor.spin_once(timeout_sec=0.01)

    def until(self, condition: Callable[[], Any], what: str, limit: float = 20.0) -> float:
        """Spin until the condition holds; returns how long that took [s]."""
        start = time.monotonic()
        while not condition():
            assert self.process.poll() is None, "the driver has ended"
            assert time.monotonic() - start <= limit, f"not within {limit} s: {what}"
            self._executor.spin_once(timeout_sec=0.02)
        return time.monotonic() - start

    def say(self, stream: str, arm: str, **fields: Any) -> None:
        """Publish once, when the driver listens."""
        publisher = self.client.speaker(stream, arm)
        self.until(lambda: publisher.get_subscription_count() > 0, f"the driver hears {stream} of {arm}")
        publisher.publish(publisher.msg_type(**fields))

    def ask(self, service: str, arm: str, **fields: Any) -> Any:
        """Call a service and return its answer."""
        client = self.client.asker(service, arm)
        self.until(client.service_is_ready, f"{service} of {arm}")
        future = client.call_async(client.srv_type.Request(**fields))
        self.until(future.done, f"an answer of {service} of {arm}")
        return future.result()

    def newest(self, stream: str, arm: str) -> Any:
        """A message of a stream that was made after this call."""
        kept = self.client.hear(stream, arm)
        asked = self.client.get_clock().now().nanoseconds
        self.until(lambda: kept and _nanoseconds(kept[-1]) > asked, f"{stream} of {arm}")
        return kept[-1]

    def position(self, arm: str) -> list[float]:
        """Joint positions that the arm is told to take."""
        return list(self.newest("setpoint_js", arm).position)

    def warned(self, arm: str, text: str, act: Callable[[], None]) -> str:
        """Act, and return the warning with this text."""
        kept = self.client.hear("warning", arm)
        self.until(lambda: self.client.count_publishers(f"/{arm}/warning") > 0, "warnings can be heard")
        self.spin(1.1)  # what was said of the same kind lately is not said again
        del kept[:]
        act()
        found: list[str] = []

        def heard() -> bool:
            found.extend(message.data for message in kept)
            return any(text in one for one in found)

        try:
            self.until(heard, f"a warning of {arm} with {text!r}", 10.0)
        except AssertionError as error:
            raise AssertionError(f"{error}; heard {found}") from None
        return next(one for one in found if text in one)

    def command(self, arm: str, verb: str) -> Any:
        """A state command; returns the event that answers it, of homing the one at its end."""
        kept = self.client.hear("operating_state", arm)
        self.until(lambda: self.client.count_publishers(f"/{arm}/operating_state") > 0, "the state can be heard")
        self.spin(0.05)
        asked = self.client.get_clock().now().nanoseconds
        self.say("state_command", arm, string=verb)

        def answers() -> list[Any]:
            since = [message for message in kept if _nanoseconds(message) > asked]
            return [message for message in since if not message.is_busy] if verb == "home" else since

        self.until(answers, f"an event after {verb}")
        return answers()[0]

    def prepare(self, arm: str) -> None:
        """Enabled, homed, released by everybody, its stream of setpoints heard."""
        self.client.permits = True
        self.client.forget()
        if self.command(arm, "disable").state != "DISABLED":
            raise AssertionError("the arm does not stop")
        assert self.command(arm, "enable").state == "ENABLED"
        assert self.command(arm, "home").is_homed
        self.spin(0.4)  # leases of the test before

    def move(self, stream: str, arm: str, limit: float = 30.0, **fields: Any) -> list[bool]:
        """A move, waited for as clients do; returns is_busy of the events."""
        kept = self.client.hear("operating_state", arm)
        self.spin(0.05)
        del kept[:]
        self.say(stream, arm, **fields)
        self.until(lambda: any(message.is_busy for message in kept), f"busy after {stream}")
        self.until(lambda: not kept[-1].is_busy, f"the end of {stream}", limit)
        return [message.is_busy for message in kept]


def _nanoseconds(message: Any) -> int:
    return int(message.header.stamp.sec * 1_000_000_000 + message.header.stamp.nanosec)


@pytest.fixture(scope="module")
def theatre(root: Path) -> Iterator[Theatre]:
    """One driver for the tests of a file: each prepares its arm anew."""
    assert not rclpy.ok(), "another test left its ROS context open"
    wanted = [100 + (os.getpid() + step) % 60 for step in range(60)]
    domain, holder = next((domain, holder) for domain in wanted if (holder := claim(domain)) is not None)
    with holder:
        environment = {**os.environ, "ROS_DOMAIN_ID": str(domain), "PYTHONPATH": str(root)}
        arms = f"arms:=[{', '.join(ARMS)}]"
        command = [sys.executable, "-m", "robot_driver.driver_node", "--ros-args", "-p", arms]
        process = subprocess.Popen(command, cwd=root, env=environment)
        rclpy.init(domain_id=domain, signal_handler_options=rclpy.signals.SignalHandlerOptions.NO)
        client = Client()
        try:
            made = Theatre(client, process, domain)
            made.until(lambda: client.count_publishers("/ECM/operating_state") > 0, "the driver starts", 60.0)
            made.ask("crtk_version", "ECM")  # it has said all that it says at its start
            yield made
            process.send_signal(signal.SIGTERM)
            assert process.wait(20) == 0
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
            client.destroy_node()
            rclpy.try_shutdown()
