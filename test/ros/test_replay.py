"""A replayed session moves no arm and stops none, in whatever namespace a live one runs; it plays what was recorded."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

rclpy = pytest.importorskip("rclpy", reason="ROS is not installed here")

from diagnostic_msgs.msg import DiagnosticStatus  # noqa: E402
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy  # noqa: E402
from std_srvs.srv import Trigger  # noqa: E402

from audit.bag_reading import open_bag  # noqa: E402
from audit.replay_names import is_marked, replay_topic  # noqa: E402
from teleop_core.contract import STREAMS  # noqa: E402
from teleop_core.signals import SafetyLevel  # noqa: E402
from teleop_ros.adapter import message_type  # noqa: E402

pytestmark = pytest.mark.dds

SUITE = ("safety_monitor", "driver", "kinematics", "local_team")
START_LIMIT = 45.0
STILL = 1e-6
"""Joints of an arm that holds are apart by less than this [rad, m]."""
LISTEN = QoSProfile(depth=1000, reliability=ReliabilityPolicy.BEST_EFFORT)


@pytest.fixture
def played(root: Path, ros_domain: int) -> Iterator[Any]:
    """Starts replays; ends them by their own id."""
    started: list[subprocess.Popen[str]] = []

    def play(*arguments: str) -> subprocess.Popen[str]:
        environment = {**os.environ, "ROS_DOMAIN_ID": str(ros_domain), "PYTHONPATH": str(root)}
        command = [sys.executable, "-m", "teleop_cli.main", "audit", "replay", *arguments]
        process = subprocess.Popen(
            command, cwd=root, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        started.append(process)
        return process

    yield play
    for process in started:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        process.communicate(timeout=20)


def record(rooms: Any, folder: Path) -> None:
    """A session in which both arms move, the operator's packets stop, and a nurse asks for a stop."""
    with rooms() as room:
        console = room.console
        room.nodes.start("recorder", folder=str(folder))
        log = folder / "safety_monitor.decisions.jsonl"
        room.nodes.start("safety_monitor", recorder="true", record_folder=str(folder), decision_log=str(log))
        room.nodes.start("driver", "kinematics", "local_team")
        room.until(lambda: console.safety is SafetyLevel.OPERATING, START_LIMIT, "operating")
        room.engage()
        room.until(lambda: console.speed() > 0.005, what="PSM1 moves")
        room.spin(1.5)
        console.stop_requests.publish(console.stop_requests.msg_type(source="nurse", reason="test"))
        room.until(lambda: console.safety is SafetyLevel.PROTECTIVE_STOP, what="protective stop")
        room.spin(0.3)


def live_names(room: Any) -> list[str]:
    """Topics without the mark that the replay publishes."""
    node = room.console
    return [
        name
        for name, _types in node.get_topic_names_and_types()
        if not is_marked(name) and any(end.node_name == "replay" for end in node.get_publishers_info_by_topic(name))
    ]


def test_a_replay_moves_nothing_and_latches_nothing(rooms: Any, played: Any, tmp_path: Path) -> None:
    """Live driver, kinematics and monitor, permitted to move, in the namespace of the replay and in the domain."""
    folder = tmp_path / "session"
    record(rooms, folder)
    recorded = open_bag(folder)
    assert {"/teleop/command", "/safety/state", "/PSM1/servo_jp", "/safety/protective_stop"} <= recorded.topics.keys()
    length = (recorded.end - recorded.start) * 1e-9
    for namespace, options in (("", ("--namespace", "")), ("/replay", ())):
        with rooms(namespace) as room:
            console = room.console
            room.nodes.start(*SUITE)
            room.until(lambda: console.safety is SafetyLevel.OPERATING, START_LIMIT, "operating")  # noqa: B023
            counts: dict[str, int] = {}
            for topic in recorded.topics.values():
                _listen(console, topic, namespace, counts)
            joints = {"least": list(console.newest["measured_js"].position)}
            joints["most"] = list(joints["least"])
            names = set()
            for rate in ("1", "10"):
                process = played(str(folder), "--rate", rate, *options)
                end = time.monotonic() + 15.0 + length
                while process.poll() is None and time.monotonic() < end:
                    room.spin(0.1)
                    position = console.newest["measured_js"].position
                    joints["least"] = [min(pair) for pair in zip(joints["least"], position, strict=True)]
                    joints["most"] = [max(pair) for pair in zip(joints["most"], position, strict=True)]
                    assert console.safety is SafetyLevel.OPERATING, (console.safety, console.alarms)
                    names.update(live_names(room))
                text, _ = process.communicate(timeout=20)
                assert process.returncode == 0, text
                assert "REPLAY of session, not live" in text
            moved = max(high - low for low, high in zip(joints["least"], joints["most"], strict=True))
            assert moved < STILL, f"an arm moved by {moved}"
            assert not any(alarm in console.alarms for alarm in ("STOP_REQUEST", "DUPLICATE_PUBLISHER"))
            assert names <= {"/diagnostics", "/replay/status", "/rosout", "/parameter_events"}, names
            for stream in ("teleop/command", "safety/state", "PSM1/servo_jp", "PSM1/measured_js"):
                assert counts[f"/{stream}"] > 0.5 * recorded.topics[f"/{stream}"].messages, (stream, counts)
            assert counts["/safety/protective_stop"] >= 1
            console.speaks = False
            room.until(lambda: console.safety is not SafetyLevel.OPERATING, what="still watching")  # noqa: B023


def _listen(console: Any, topic: Any, namespace: str, counts: dict[str, int]) -> None:
    def count(_message: Any, name: str = topic.name) -> None:
        counts[name] = counts.get(name, 0) + 1

    console.create_subscription(message_type(topic.type), replay_topic(topic.name, namespace), count, LISTEN)


def test_pause_step_seek_and_latched_topics(rooms: Any, played: Any, tmp_path: Path) -> None:
    """Services pause, step and resume; what was latched is there after a start in the middle; the status tells."""
    folder = tmp_path / "session"
    record(rooms, folder)
    bag = open_bag(folder)
    with rooms() as room:
        console = room.console
        seen: list[DiagnosticStatus] = []
        states: list[Any] = []
        commands: list[Any] = []
        console.create_subscription(DiagnosticStatus, "/replay/status", seen.append, 10)
        latched = QoSProfile(
            depth=1, reliability=ReliabilityPolicy.RELIABLE, durability=DurabilityPolicy.TRANSIENT_LOCAL
        )
        row = STREAMS["operating_state"]
        console.create_subscription(
            message_type(row.type), "/replay/PSM1/operating_state/recorded", states.append, latched
        )
        row = STREAMS["command"]
        console.create_subscription(message_type(row.type), "/replay/teleop/command/recorded", commands.append, LISTEN)
        half = 0.7 * (bag.end - bag.start) * 1e-9
        process = played(str(folder), "--start", f"{half}", "--paused", "--topics", "PSM1/*", "teleop/*")
        room.until(lambda: states, START_LIMIT, "the latched state of the arm, though it stands")
        room.until(lambda: seen, what="status")
        assert seen[-1].level == DiagnosticStatus.WARN
        assert seen[-1].message.startswith("REPLAY of session, not live: ")
        assert not commands
        clients = {name: console.create_client(Trigger, f"/replay/{name}") for name in ("pause", "resume", "step")}

        def call(name: str) -> str:
            answer = clients[name].call_async(Trigger.Request())
            room.until(answer.done, what=name)
            return str(answer.result().message)

        assert "paused" in call("step")
        room.until(lambda: commands, what="commands of one step")
        room.spin(0.5)
        assert 1 <= len(commands) <= 40, "a step of 0.1 s holds 20 commands"
        one_step = len(commands)
        assert "playing" in call("resume")
        room.until(lambda: len(commands) > one_step, what="it goes on")
        text, _ = process.communicate(timeout=30)
        assert process.returncode == 0, text
        assert seen[-1].message.startswith("REPLAY")


def test_what_cannot_be_replayed_is_told(played: Any, tmp_path: Path) -> None:
    """Exit code 2 and one line: no recording, no such topic, no such rate."""
    for arguments in ((str(tmp_path),), (str(tmp_path / "nowhere"), "--rate", "0"), (str(tmp_path), "--rate", "nan")):
        process = played(*arguments)
        text, _ = process.communicate(timeout=30)
        assert process.returncode == 2, text
        assert len(text.strip().splitlines()) == 1, text
