"""The base of every node: what wakes it, what it does when a callback fails, how it ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

rclpy = pytest.importorskip("rclpy", reason="ROS is not installed here")

from rcl_interfaces.srv import GetParameters  # noqa: E402

from teleop_ros.adapter import TeleopNode  # noqa: E402
from teleop_ros.executor import StreamExecutor  # noqa: E402

pytestmark = pytest.mark.dds


class Listener(TeleopNode):
    """Hears one awaited and one polled stream, and fails on request."""

    def __init__(self) -> None:
        super().__init__("listener")
        self.events: list[str] = []
        self.subscription("command", lambda message: self.hear("command", message), awaited=True)
        self.subscription("feedback", lambda message: self.hear("feedback", message))
        self.timer(0.2, lambda: self.events.append("timer"))
        self.broken = self.create_service(GetParameters, "broken", lambda _request, _response: 1 / 0)

    def hear(self, name: str, message: Any) -> None:
        if name == "command" and message.motion_scale == 0.5:
            raise RuntimeError("asked for")
        self.events.append(name)

    def safe_output(self) -> None:
        self.events.append("safe output")


class Setting:
    """A listener with its executor, and somebody who speaks to it."""

    def __init__(self) -> None:
        self.listener = Listener()
        self.speaker = TeleopNode("speaker")
        self.command = self.speaker.publisher("command")
        self.feedback = self.speaker.publisher("feedback")
        self.executor = StreamExecutor(self.listener, self.listener.awaited)
        self.until(lambda: self.command.get_subscription_count() and self.feedback.get_subscription_count())

    def until(self, condition: Any, limit: float = 10.0) -> None:
        end = time.monotonic() + limit
        while not condition():
            assert time.monotonic() < end, self.listener.events
            self.executor.spin_once()

    def say(self, publisher: Any, **fields: Any) -> None:
        publisher.publish(publisher.msg_type(**fields))


@pytest.fixture
def setting(ros_domain: int) -> Iterator[Setting]:
    rclpy.init(domain_id=ros_domain, signal_handler_options=rclpy.signals.SignalHandlerOptions.NO)
    made = Setting()
    yield made
    made.executor.shutdown()
    made.listener.destroy_node()
    made.speaker.destroy_node()
    rclpy.try_shutdown()


def test_an_awaited_message_acts_at_once_and_a_polled_one_before_the_next_timer(setting: Setting) -> None:
    """Of two messages sent together the awaited one comes first, the polled one with the timer that uses it."""
    setting.until(lambda: "timer" in setting.listener.events)
    setting.listener.events.clear()
    setting.say(setting.feedback)
    setting.say(setting.command)
    setting.until(lambda: "timer" in setting.listener.events)
    assert setting.listener.events == ["command", "feedback", "timer"]


def test_a_failing_callback_means_the_safe_output_and_the_node_lives_on(setting: Setting) -> None:
    """The exception is counted and shown in the health row; the next message is heard."""
    setting.say(setting.command, motion_scale=0.5)
    setting.until(lambda: "safe output" in setting.listener.events)
    assert setting.listener.failures == 1
    setting.say(setting.command)
    setting.until(lambda: "command" in setting.listener.events)


def test_nobody_puts_a_running_node_on_simulated_time(setting: Setting) -> None:
    """A request is refused with the reason, and whoever publishes /clock does not say what time it is."""
    from rcl_interfaces.srv import SetParameters
    from rclpy.parameter import Parameter

    client = setting.speaker.create_client(SetParameters, "/listener/set_parameters")
    setting.until(client.service_is_ready)
    wanted = Parameter("use_sim_time", value=True).to_parameter_msg()
    answer = client.call_async(SetParameters.Request(parameters=[wanted]))
    spinning = rclpy.executors.SingleThreadedExecutor()
    spinning.add_node(setting.speaker)
    setting.until(lambda: spinning.spin_once(timeout_sec=0.0) or answer.done())
    (result,) = answer.result().results
    assert not result.successful
    assert "use_sim_time" in result.reason
    assert not setting.listener.get_clock().ros_time_is_active


ENDING_NODE = textwrap.dedent(
    """
    import sys
    from teleop_ros.adapter import TeleopNode, run

    class Node(TeleopNode):
        def __init__(self):
            super().__init__("ending")
            self.out = self.publisher("protective_stop")
            print("up", flush=True)

        def safe_output(self):
            self.out.publish(self.out.msg_type(reason="ending"))
            print("safe output", flush=True)

    sys.exit(run(Node))
    """
)


def start_ending_node(root: Path) -> subprocess.Popen[str]:
    """A node in a process of its own that tells when it is up and when it is safe."""
    environment = {**os.environ, "PYTHONPATH": str(root)}
    return subprocess.Popen([sys.executable, "-c", ENDING_NODE], env=environment, stdout=subprocess.PIPE, text=True)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_node_says_its_safe_output_before_it_ends(root: Path, ros_domain: int, number: signal.Signals) -> None:
    """On either signal the safe output comes while the publishers still work, and the exit code is 0."""
    with start_ending_node(root) as node:
        assert node.stdout is not None
        assert node.stdout.readline() == "up\n"
        time.sleep(0.2)
        node.send_signal(number)
        assert node.stdout.readline() == "safe output\n"
        assert node.wait(10) == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_asking_again_changes_nothing_about_the_end(root: Path, ros_domain: int, number: signal.Signals) -> None:
    """A terminal and ROS's launch both pass a Ctrl-C on, and people press it twice: the end stays a clean one."""
    with start_ending_node(root) as node:
        assert node.stdout is not None
        assert node.stdout.readline() == "up\n"
        limit = time.monotonic() + 10.0
        while node.poll() is None and time.monotonic() < limit:
            node.send_signal(number)
            time.sleep(0.001)
        assert node.stdout.read() == "safe output\n"
        assert node.wait(10) == 0


def test_a_flood_of_a_polled_stream_keeps_the_timers_going(setting: Setting) -> None:
    """Messages that come as fast as they are read: so many are taken before each timer, the rest with the next."""
    listener = setting.listener
    flooded = next(item for item in listener.subscriptions if item not in listener.awaited)
    heard = flooded.callback

    def hear_and_be_told_again(data: Any) -> None:
        heard(data)
        setting.say(setting.feedback)
        time.sleep(0.001)

    flooded.callback = hear_and_be_told_again
    setting.say(setting.feedback)
    setting.until(lambda: listener.events.count("timer") >= 3, limit=20.0)
    assert listener.events.count("feedback") <= 4 * flooded.qos_profile.depth


def test_a_service_that_raises_means_the_safe_output(setting: Setting) -> None:
    """Also one that is not of this node's own making, as those of its parameters: the node lives on."""
    asked = setting.speaker.create_client(setting.listener.broken.srv_type, "broken")
    setting.until(asked.service_is_ready)
    asked.call_async(asked.srv_type.Request())
    setting.until(lambda: "safe output" in setting.listener.events)
    setting.say(setting.command)
    setting.until(lambda: "command" in setting.listener.events)


def test_a_subscription_that_raises_outside_its_guard_means_the_safe_output(setting: Setting) -> None:
    """It does not end a node that holds an arm either."""
    listener = setting.listener
    broken = next(item for item in listener.subscriptions if item in listener.awaited)
    heard, broken.callback = broken.callback, lambda _: 1 / 0
    setting.say(setting.command)
    setting.until(lambda: "safe output" in listener.events)
    broken.callback = heard
    setting.say(setting.command)
    setting.until(lambda: "command" in listener.events)
