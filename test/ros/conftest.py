"""Real nodes in real processes, and a console played by the test over the same topics."""

from __future__ import annotations

import contextlib
import math
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

rclpy = pytest.importorskip("rclpy", reason="ROS is not installed here")

from teleop_core.contract import EYE_LINKS, EYES, STREAMS  # noqa: E402
from teleop_core.se3 import Pose  # noqa: E402
from teleop_core.signals import HandSignal, OperatorSignal, SafetyLevel, TeleopState  # noqa: E402
from teleop_ros.adapter import TeleopNode, message_type  # noqa: E402
from teleop_ros.convert import operator_command  # noqa: E402
from teleop_ros.qos import subscription_qos  # noqa: E402

MODULES = {
    "driver": "robot_driver.driver_node",
    "kinematics": "robot_driver.kinematics_node",
    "safety_monitor": "safety_monitor.safety_monitor_node",
    "local_team": "robot_driver.local_team_node",
    "recorder": "audit.recorder_node",
}


class Nodes:
    """Processes of the suite's nodes, each ended by its own id."""

    def __init__(self, root: Path, domain: int, namespace: str = "") -> None:
        self._root = root
        self._place = ["-r", f"__ns:={namespace}"] if namespace else []
        self._environment = {**os.environ, "ROS_DOMAIN_ID": str(domain), "PYTHONPATH": str(root)}
        self.processes: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, *names: str, **parameters: str) -> None:
        for name in names:
            arguments = [word for key, value in parameters.items() for word in ("-p", f"{key}:={value}")]
            command = [sys.executable, "-m", MODULES[name], "--ros-args", *self._place, *arguments]
            self.processes[name] = subprocess.Popen(command, cwd=self._root, env=self._environment)

    def kill(self, name: str, number: int = signal.SIGKILL) -> None:
        self.processes[name].send_signal(number)

    def end(self, name: str, patience: float = 20.0) -> int:
        """Ask one node to end, and wait for it; returns its exit code."""
        self.processes[name].send_signal(signal.SIGTERM)
        return self.processes[name].wait(patience)

    def stop(self) -> dict[str, int]:
        for process in self.processes.values():
            if process.poll() is None:
                process.send_signal(signal.SIGCONT)
                process.send_signal(signal.SIGTERM)
        codes = {}
        for name, process in self.processes.items():
            try:
                codes[name] = process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                codes[name] = process.wait()
        return codes


class Console(TeleopNode):
    """A surgeon who moves both hands in circles, and an endoscope with two eyes; watches what comes back."""

    def __init__(self) -> None:
        super().__init__("test_console")
        self.present = True
        self.clutch = False
        self.speaks = True
        self.sees = True
        self.swaps = False
        self.stuck = False
        self.arm_of_right = ""
        self.camera = False
        self._pictures = 0
        self.session = time.time_ns()
        self.sequence = 0
        self.epoch = 0
        self.newest: dict[str, Any] = {}
        self.arrivals: dict[str, float] = {}
        self._command = self.publisher("command")
        self._images = [self.publisher("image", eye=eye) for eye in EYES]
        for stream, parts in (
            ("feedback", {}),
            ("safety_state", {}),
            ("servo_report", {"arm": "PSM1"}),
            ("measured_js", {"arm": "PSM1"}),
            ("setpoint_js", {"arm": "PSM1"}),
            ("operating_state", {"arm": "PSM1"}),
            ("record_status", {"site": "robot"}),
        ):
            self.watch(stream, **parts)
        self.stop_requests = self.publisher("protective_stop")
        self.timer(0.005, self.send)
        self.timer(0.05, self.send_images)

    def watch(self, stream: str, **parts: str) -> None:
        row = STREAMS[stream]

        def store(message: Any) -> None:
            self.newest[stream] = message
            self.arrivals[stream] = self.now()

        self.create_subscription(message_type(row.type), row.topic_for(**parts), store, subscription_qos(row))

    def send(self) -> None:
        if not self.speaks:
            return
        now = time.time()
        angle = now % 1000.0
        position = np.array([0.03 * math.cos(angle), 0.03 * math.sin(angle), 0.02 * math.sin(2.0 * angle)])
        pose = Pose(position, np.array([0.0, 0.0, 0.0, 1.0]))
        hands = tuple(
            HandSignal(name, pose, (0.0,) * 3, (0.0,) * 3, 0.4, arm)
            for name, arm in (("MTML", ""), ("MTMR", self.arm_of_right))
        )
        self.sequence += 1
        signal = OperatorSignal(
            now, self.session, self.sequence, self.epoch, self.present, self.clutch, self.camera, 0.2, 0.0, 0.0, hands
        )
        self._command.publish(operator_command(signal, ""))

    def send_images(self) -> None:
        if self.sees:
            header = self.header()
            self._pictures += not self.stuck
            data = str(self._pictures).encode()  # nobody decodes it: a picture unlike the last one
            for eye, publisher in zip(reversed(EYES) if self.swaps else EYES, self._images, strict=True):
                header.frame_id = EYE_LINKS[eye]
                publisher.publish(publisher.msg_type(header=header, format="jpeg", data=data))

    @property
    def safety(self) -> SafetyLevel | None:
        message = self.newest.get("safety_state")
        return None if message is None else SafetyLevel(message.state)

    @property
    def alarms(self) -> list[str]:
        message = self.newest.get("safety_state")
        return [] if message is None else [alarm.id for alarm in message.alarms]

    @property
    def denied(self) -> list[str]:
        message = self.newest.get("safety_state")
        return [] if message is None else list(message.arming_denied)

    @property
    def teleop(self) -> list[TeleopState]:
        message = self.newest.get("feedback")
        return [] if message is None else [TeleopState(arm.teleop_state) for arm in message.arms]

    @property
    def following(self) -> bool:
        return self.teleop == [TeleopState.FOLLOWING] * 2

    def speed(self) -> float:
        """Fastest rotary joint of PSM1 [rad/s]."""
        if "measured_js" not in self.newest:
            return 0.0
        velocity = self.newest["measured_js"].velocity
        return max(abs(velocity[0]), abs(velocity[1]))


class Room:
    """Nodes and console together, with time limits instead of sleeps."""

    def __init__(self, nodes: Nodes, console: Console, executor: Any) -> None:
        self.nodes = nodes
        self.console = console
        self._executor = executor

    def until(self, condition: Callable[[], Any], limit: float = 15.0, what: str = "") -> float:
        """Spin until the condition holds; returns how long that took [s]."""
        start = time.monotonic()
        while not condition():
            if time.monotonic() - start > limit:
                console = self.console
                raise AssertionError(
                    f"not within {limit} s: {what}; safety {console.safety}, alarms {console.alarms}, "
                    f"pairs {console.teleop}"
                )
            self._executor.spin_once(timeout_sec=0.05)
        return time.monotonic() - start

    def spin(self, duration: float) -> None:
        end = time.monotonic() + duration
        while time.monotonic() < end:
            self._executor.spin_once(timeout_sec=0.02)

    def engage(self) -> None:
        """The gesture: press and release the clutch, again if need be, as a surgeon would."""

        def gesture() -> bool:
            self.console.epoch += 1
            self.console.clutch = True
            self.spin(0.3)
            self.console.clutch = False
            self.spin(0.2)
            return self.console.following

        self.until(gesture, what="both arms follow")

    def operate(self) -> None:
        """Start everything up to both arms following."""
        self.nodes.start("safety_monitor", "driver", "kinematics", "local_team")
        self.until(lambda: self.console.safety is SafetyLevel.OPERATING, what="operating")
        self.engage()
        self.until(lambda: self.console.speed() > 0.005, what="PSM1 moves")
        self.until(lambda: "servo_report" in self.console.newest, what="a report of the gate")


@contextlib.contextmanager
def open_room(root: Path, domain: int, namespace: str = "") -> Iterator[Room]:
    """A room in a ROS domain and a namespace, closed with everything that was started in it."""
    assert not rclpy.ok(), "another test left its ROS context open"
    place = ["--ros-args", "-r", f"__ns:={namespace}"] if namespace else None
    rclpy.init(args=place, domain_id=domain, signal_handler_options=rclpy.signals.SignalHandlerOptions.NO)
    nodes = Nodes(root, domain, namespace)
    console = Console()
    executor = rclpy.executors.SingleThreadedExecutor()
    executor.add_node(console)
    try:
        yield Room(nodes, console, executor)
    finally:
        nodes.stop()
        executor.remove_node(console)
        console.destroy_node()
        rclpy.try_shutdown()


@pytest.fixture
def room(root: Path, ros_domain: int) -> Iterator[Room]:
    with open_room(root, ros_domain) as opened:
        yield opened


@pytest.fixture
def rooms(root: Path, ros_domain: int) -> Callable[..., contextlib.AbstractContextManager[Room]]:
    """Opens one room after the other, each in a namespace."""
    return lambda namespace="": open_room(root, ros_domain, namespace)


@pytest.fixture
def record_session(root: Path, ros_domain: int) -> Callable[[Path], None]:
    """Records a session in which both arms move and a nurse asks for a stop, with every part of its record."""

    def record(folder: Path) -> None:
        with open_room(root, ros_domain) as room:
            console, nodes = room.console, room.nodes
            log = folder / "safety_monitor.decisions.jsonl"
            nodes.start("recorder", folder=str(folder))
            nodes.start("safety_monitor", recorder="true", record_folder=str(folder), decision_log=str(log))
            nodes.start("driver", "kinematics", "local_team")
            room.until(lambda: console.safety is SafetyLevel.OPERATING, 45.0, "operating")
            room.engage()
            room.until(lambda: console.speed() > 0.005, what="PSM1 moves")
            room.spin(1.5)
            console.stop_requests.publish(console.stop_requests.msg_type(source="nurse", reason="test"))
            room.until(lambda: console.safety is SafetyLevel.PROTECTIVE_STOP, what="protective stop")
            room.spin(0.3)
            recorder = nodes.processes.pop("recorder")  # ends last: it records the end of the others
            nodes.stop()
            nodes.processes["recorder"] = recorder

    return record
