"""A replayed session moves no arm and stops none, in whatever namespace a live one runs; it plays what was recorded."""

from __future__ import annotations

import contextlib
import io
import itertools
import json
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
from mcap.writer import Writer  # noqa: E402
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy  # noqa: E402
from std_srvs.srv import Trigger  # noqa: E402

from audit.bag_reading import Bag, open_bag  # noqa: E402
from audit.replay_names import is_marked, replay_topic  # noqa: E402
from teleop_cli.main import main  # noqa: E402
from teleop_core.contract import STREAMS  # noqa: E402
from teleop_core.signals import SafetyLevel  # noqa: E402
from teleop_ros.adapter import message_type  # noqa: E402

pytestmark = pytest.mark.dds

SUITE = ("safety_monitor", "driver", "kinematics", "local_team")
START_LIMIT = 45.0
STILL = 1e-6
"""Joints of an arm that holds are apart by less than this [rad, m]."""
HEARD = ("/teleop/command", "/safety/state", "/teleop/servo", "/PSM1/measured_js", "/safety/protective_stop")
OF_A_BUSY_MACHINE = {"COMMAND_SILENCE", "VIDEO_OLD", "VIDEO_STALE"}
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


class Witness:
    """Watches a live session while another one is replayed."""

    def __init__(self, room: Any, namespace: str, bag: Bag) -> None:
        self.counts = dict.fromkeys(HEARD, 0)
        self.live_names: set[str] = set()
        self.positions: list[tuple[float, ...]] = []
        self._room = room
        node = room.console
        self._heard = [
            node.create_subscription(
                message_type(bag.topics[name].type),
                replay_topic(name, namespace),
                lambda _bytes, name=name: self._count(name),
                LISTEN,
                raw=True,
            )
            for name in HEARD
        ]

    def watch(self, process: subprocess.Popen[str], limit: float) -> str:
        """Until the replay ends; returns what it printed."""
        console, end = self._room.console, time.monotonic() + limit
        for turn in itertools.count():
            if process.poll() is not None or time.monotonic() > end:
                break
            self._room.spin(0.1)
            if turn % 10 == 9:
                self._look_for_live_names()
            self.positions.append(tuple(console.newest["measured_js"].position))
            # Where this machine is busy this console is late, and the arms hold; nothing else may happen to them.
            assert console.safety <= SafetyLevel.HOLD, (console.safety, console.alarms)
            assert set(console.alarms) <= OF_A_BUSY_MACHINE, console.alarms
        text, _ = process.communicate(timeout=20)
        assert process.returncode == 0, text
        return text

    def be_quiet(self) -> None:
        """Listen to the live session alone."""
        for subscription in self._heard:
            self._room.console.destroy_subscription(subscription)

    @property
    def moved(self) -> float:
        """Furthest that a joint went [rad, m]."""
        return max(max(joint) - min(joint) for joint in zip(*self.positions, strict=True))

    def _count(self, name: str) -> None:
        self.counts[name] += 1

    def _look_for_live_names(self) -> None:
        node = self._room.console
        for name, _types in node.get_topic_names_and_types():
            ends = node.get_publishers_info_by_topic(name)
            if not is_marked(name) and any(end.node_name == "replay" for end in ends):
                self.live_names.add(name)


def test_a_replay_moves_nothing_and_latches_nothing(
    rooms: Any, record_session: Any, played: Any, tmp_path: Path
) -> None:
    """Live driver, kinematics and monitor, permitted to move, in the namespace of the replay and in the domain."""
    folder = tmp_path / "session"
    record_session(folder)
    bag = open_bag(folder)
    limit = 20.0 + (bag.end - bag.start) * 1e-9
    for namespace, options in (("", ("--namespace", "")), ("/replay", ())):
        with rooms(namespace) as room:
            room.nodes.start(*SUITE)
            room.until(lambda console=room.console: console.safety is SafetyLevel.OPERATING, START_LIMIT, "operating")
            witness = Witness(room, namespace, bag)
            text = witness.watch(played(str(folder), *options), limit)
            assert "REPLAY of session, not live" in text
            for name, count in witness.counts.items():
                assert count > 0.5 * bag.topics[name].messages, (name, witness.counts)
            witness.be_quiet()
            witness.watch(played(str(folder), "--rate", "10", *options), limit)
            assert witness.moved < STILL
            status = "/replay/status" if namespace else "/recorded/replay/status"
            assert status in witness.live_names
            assert witness.live_names <= {"/diagnostics", status, "/rosout", "/parameter_events"}
            room.until(lambda console=room.console: console.safety is SafetyLevel.OPERATING, what="operating still")


def test_the_decisions_of_a_live_session_are_reproduced(record_session: Any, tmp_path: Path) -> None:
    """From its decision log, and as the bag and the monitor's audit log have them; a changed line is found."""
    folder = tmp_path / "session"
    record_session(folder)
    log = folder / "safety_monitor.decisions.jsonl"
    code, found = decisions(folder)
    assert code == 0, found
    assert found["ok"]
    steps = found["decisions"]["compared"]
    assert steps > 200
    assert 0.5 * steps < found["bag"]["compared"] <= steps + 2
    assert found["audit_log"]["compared"] > 10
    text = log.read_text()
    log.write_text(text.replace('"OPERATING"', '"HOLD"', 1))
    code, found = decisions(folder)
    assert (code, found["ok"]) == (1, False)


def decisions(folder: Path) -> tuple[int, Any]:
    """Exit code and findings of the command."""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        code = main(["audit", "decisions", str(folder), "--json"])
    return code, json.loads(printed.getvalue())


def test_pause_step_seek_and_latched_topics(rooms: Any, record_session: Any, played: Any, tmp_path: Path) -> None:
    """Services pause, step and resume; what was latched is there after a start in the middle; the status tells."""
    folder = tmp_path / "session"
    record_session(folder)
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
        process = played(str(folder), "--start", f"{half}", "--paused", "--topics", "PSM1/*", "--topics", "teleop/*")
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


def test_two_replays_in_one_domain_do_not_hear_each_other(rooms: Any, played: Any, tmp_path: Path) -> None:
    """A pause of one is none of the other; each says of itself where it stands."""
    (tmp_path / "bag").mkdir()
    with (tmp_path / "bag" / "bag_0.mcap").open("wb") as file:
        writer = Writer(file)
        writer.start("ros2")
        schema = writer.register_schema("std_msgs/msg/String", "ros2msg", b"string data\n")
        channel = writer.register_channel("/text", "cdr", schema)
        for second in (1, 600):
            writer.add_message(channel, second * 10**9, b"\x00\x01\x00\x00\x01\x00\x00\x00\x00", second * 10**9)
        writer.finish()
    with rooms() as room:
        seen: dict[str, DiagnosticStatus] = {}
        for place in ("/replay", "/b/replay", "/recorded/replay"):

            def store(status: DiagnosticStatus, place: str = place) -> None:
                seen[place] = status

            room.console.create_subscription(DiagnosticStatus, f"{place}/status", store, 10)
        for options in ((), ("--namespace", "b"), ("--namespace", "")):
            played(str(tmp_path), *options)
        room.until(lambda: len(seen) == 3, START_LIMIT, "all of them speak")
        room.until(lambda: all("playing" in status.message for status in seen.values()), what="and play")
        pause = room.console.create_client(Trigger, "/b/replay/pause")
        assert pause.wait_for_service(START_LIMIT)
        answer = pause.call_async(Trigger.Request())
        room.until(answer.done, what="pause")
        room.until(lambda: "paused" in seen["/b/replay"].message, what="it stands")
        room.spin(1.5)
        assert ["paused" in seen[place].message for place in ("/replay", "/b/replay", "/recorded/replay")] == [
            False,
            True,
            False,
        ]
