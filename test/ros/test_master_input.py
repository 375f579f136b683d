"""The node of the surgeon's site in its own process, heard over real DDS."""

from __future__ import annotations

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

from rclpy.executors import SingleThreadedExecutor  # noqa: E402
from telesurgery.msg import ArmFeedback  # noqa: E402

from teleop_cli.keys import make_keys  # noqa: E402
from teleop_console.crtk_publisher import CrtkPublisher  # noqa: E402
from teleop_console.devices.device import DeviceSample  # noqa: E402
from teleop_core.authentication import Authenticator, load_key  # noqa: E402
from teleop_core.contract import MASTERS, STREAMS  # noqa: E402
from teleop_core.se3 import Pose  # noqa: E402
from teleop_core.signals import HandSignal, SafetyLevel, TeleopState  # noqa: E402
from teleop_ros.adapter import TeleopNode, message_type  # noqa: E402
from teleop_ros.message_mac import verify_command  # noqa: E402
from teleop_ros.qos import subscription_qos  # noqa: E402

pytestmark = pytest.mark.dds


class PatientSide(TeleopNode):
    """Hears everything that master_input says; answers as kinematics and safety monitor do."""

    def __init__(self) -> None:
        super().__init__("patient_side")
        self.arms = TeleopState.FOLLOWING
        self.speaks = True
        self.heard: dict[str, list[Any]] = {}
        self._feedback = self.publisher("feedback")
        self._safety = self.publisher("safety_state")
        for stream in ("command", "clutch", "camera", "operator_present", "diagnostics"):
            self.hear(stream, stream)
        for master in MASTERS:
            for stream in ("master_measured_cp", "gripper_measured_js"):
                self.hear(f"{stream} {master}", stream, master=master)
        self.timer(0.02, self.answer)

    def hear(self, key: str, stream: str, **parts: str) -> None:
        row = STREAMS[stream]
        messages = self.heard.setdefault(key, [])
        qos = subscription_qos(row)
        self.create_subscription(message_type(row.type), row.topic_for(**parts), messages.append, qos)

    def answer(self) -> None:
        if self.speaks:
            feedback = self._feedback.msg_type(header=self.header())
            if self.commands:
                newest = self.commands[-1]
                feedback.session, feedback.last_sequence = newest.session, newest.sequence
                feedback.command_stamp = newest.header.stamp
            feedback.arms = [ArmFeedback(name="PSM1", hand="MTMR", teleop_state=int(self.arms))]
            self._feedback.publish(feedback)
            self._safety.publish(self._safety.msg_type(header=self.header(), state=int(SafetyLevel.OPERATING)))

    @property
    def commands(self) -> list[Any]:
        return self.heard["command"]

    def sent(self) -> int:
        """Number of commands that the node's last diagnostics claim."""
        mine = [
            status
            for message in self.heard["diagnostics"]
            for status in message.status
            if status.name == "master_input: node"
        ]
        return int(next(pair.value for pair in mine[-1].values if pair.key == "sent")) if mine else -1


class Console:
    """The process under test and the patient side that hears it."""

    def __init__(self, root: Path, domain: int, patient_side: PatientSide, executor: SingleThreadedExecutor) -> None:
        self.patient_side = patient_side
        self._executor = executor
        self._root = root
        self._environment = {**os.environ, "ROS_DOMAIN_ID": str(domain), "PYTHONPATH": str(root)}
        self.process: subprocess.Popen[str] | None = None

    def start(self, **parameters: object) -> subprocess.Popen[str]:
        arguments = [word for key, value in parameters.items() for word in ("-p", f"{key}:={value}")]
        command = [sys.executable, "-m", "teleop_console.master_input_node", "--ros-args", *arguments]
        self.process = subprocess.Popen(
            command, cwd=self._root, env=self._environment, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        return self.process

    def until(self, condition: Callable[[], Any], what: str, limit: float = 20.0) -> None:
        end = time.monotonic() + limit
        while not condition():
            assert time.monotonic() < end, f"not within {limit} s: {what}"
            self._executor.spin_once(timeout_sec=0.05)

    def spin(self, duration: float) -> None:
        end = time.monotonic() + duration
        while time.monotonic() < end:
            self._executor.spin_once(timeout_sec=0.02)

    def stop(self) -> int:
        assert self.process is not None
        self.process.send_signal(signal.SIGINT)
        end = time.monotonic() + 10.0
        while self.process.poll() is None and time.monotonic() < end:
            self._executor.spin_once(timeout_sec=0.02)
        self.spin(0.3)
        return self.process.wait(1.0)


@pytest.fixture
def console(root: Path, ros_domain: int) -> Iterator[Console]:
    rclpy.init(domain_id=ros_domain, signal_handler_options=rclpy.signals.SignalHandlerOptions.NO)
    patient_side = PatientSide()
    executor = SingleThreadedExecutor()
    executor.add_node(patient_side)
    room = Console(root, ros_domain, patient_side, executor)
    try:
        yield room
    finally:
        if room.process is not None:
            if room.process.poll() is None:
                room.process.kill()
            room.process.communicate()
        executor.remove_node(patient_side)
        patient_side.destroy_node()
        rclpy.try_shutdown()


def test_commands_flow_from_the_first_packet_and_end_with_nobody_present(console: Console) -> None:
    """Sequence from 1, display frame, both hands; the last packet and the count in the diagnostics are right."""
    console.start(rate=100.0, motion_scale=0.25, seed=3)
    patient_side = console.patient_side
    console.until(lambda: len(patient_side.commands) >= 200, "200 commands")
    assert console.stop() == 0
    commands = patient_side.commands
    sequences = [command.sequence for command in commands]
    assert sequences[0] <= 3
    assert sequences == sorted(set(sequences))
    assert len({command.session for command in commands}) == 1
    assert commands[0].session > 0
    assert {command.header.frame_id for command in commands} == {"display"}
    assert {command.motion_scale for command in commands} == {0.25}
    assert all([hand.name for hand in command.hands] == list(MASTERS) for command in commands)
    assert all(command.operator_present for command in commands[:-1])
    assert not commands[-1].operator_present
    assert not commands[-1].clutch
    console.until(lambda: patient_side.sent() == sequences[-1], "the final count of commands")
    assert any(command.feedback_stamp.sec > 0 and 0.0 <= command.feedback_age < 5.0 for command in commands)


def test_masters_and_pedals_are_crtk_topics(console: Console) -> None:
    """Poses in the display frame, one gripper joint, pedals as Joy with one button, said once at the start."""
    console.start(rate=200.0)
    heard = console.patient_side.heard
    hands = [f"{stream} {name}" for stream in ("master_measured_cp", "gripper_measured_js") for name in MASTERS]
    console.until(lambda: all(len(heard[key]) > 20 for key in hands), "poses and grippers of both masters")
    for name in MASTERS:
        pose = heard[f"master_measured_cp {name}"][-1]
        assert pose.header.frame_id == "display"
        turn = pose.pose.orientation
        assert math.hypot(turn.x, turn.y, turn.z, turn.w) == pytest.approx(1.0)
        gripper = heard[f"gripper_measured_js {name}"][-1]
        assert list(gripper.name) == ["gripper"]
        assert len(gripper.position) == 1
    for pedal in ("clutch", "camera", "operator_present"):
        console.until(lambda pedal=pedal: heard[pedal], f"the state of {pedal}")
        assert len(heard[pedal]) <= 4
        for message in heard[pedal]:
            assert list(message.buttons) in ([0], [1])


def test_hands_of_a_lost_device_have_the_stamp_of_invalid_data(console: Console) -> None:
    """CRTK: what is invalid is still published, with stamp 0; at 200 Hz every second sample goes out."""
    patient_side = console.patient_side
    publisher = CrtkPublisher(patient_side.publisher, command_rate=200.0, frame_id="display")
    pose = Pose(np.array((0.1, 0.0, 0.3)), np.array((0.0, 0.0, 0.0, 1.0)))
    hand = HandSignal("MTML", pose, (0.0, 0.0, 0.0), (0.0, 0.0, 0.0), 0.5)
    heard = patient_side.heard["master_measured_cp MTML"]
    grippers = patient_side.heard["gripper_measured_js MTML"]

    def publish_until_heard(measured: bool) -> tuple[int, int]:
        def one_more() -> bool:
            stamp = patient_side.get_clock().now().to_msg()
            sample = DeviceSample((hand,), measured, False, False)
            publisher.publish(time.monotonic(), sample, stamp, measured=measured)
            return len(heard) > before and len(grippers) > before

        before = max(len(heard), len(grippers))
        console.until(one_more, "hands")
        return heard[-1].header.stamp.sec, grippers[-1].header.stamp.sec

    assert all(second > 0 for second in publish_until_heard(measured=True))
    console.spin(0.2)
    assert publish_until_heard(measured=False) == (0, 0)


def test_an_arm_that_waits_gets_the_gesture(console: Console) -> None:
    """The clutch is pressed and released, its epoch rises by one, and once the arm follows it is left alone."""
    patient_side = console.patient_side
    patient_side.arms = TeleopState.ALIGNING
    console.start(rate=100.0)
    console.until(lambda: any(command.clutch for command in patient_side.commands), "clutch pressed")
    patient_side.arms = TeleopState.FOLLOWING
    console.until(lambda: not patient_side.commands[-1].clutch, "clutch released")
    count = len(patient_side.commands)
    console.spin(1.5)
    pressed = [command for command in patient_side.commands if command.clutch]
    assert {command.clutch_epoch for command in pressed} == {1}
    assert not any(command.clutch for command in patient_side.commands[count:])


def test_after_an_outage_a_new_session_begins(console: Console) -> None:
    """Feedback that names an old command as the newest accepted one makes the console start anew."""
    patient_side = console.patient_side
    console.start(rate=100.0)
    console.until(lambda: len(patient_side.commands) >= 50, "commands")
    console.spin(0.3)
    process = console.process
    assert process is not None
    process.send_signal(signal.SIGSTOP)
    console.spin(1.5)
    process.send_signal(signal.SIGCONT)
    console.until(lambda: len({command.session for command in patient_side.commands}) == 2, "a second session")
    first = next(command for command in patient_side.commands if command.session != patient_side.commands[0].session)
    assert first.sequence <= 30  # of a hundred a second; a busy listener misses the first ones


def test_with_a_key_every_command_is_signed(console: Console, tmp_path: Path) -> None:
    """The hash of each fits the key of the session and no other; diagnostics name the security in force."""
    make_keys(tmp_path / "keys")
    key = Authenticator(load_key(tmp_path / "keys", "command"), "command")
    console.start(rate=100.0, key_folder=tmp_path / "keys")
    commands, heard = console.patient_side.commands, console.patient_side.heard
    console.until(lambda: len(commands) >= 50 and heard["diagnostics"], "commands and diagnostics")
    assert all(verify_command(key, command) for command in commands)
    assert not any(verify_command(Authenticator(bytes(32), "command"), command) for command in commands)
    assert console.stop() == 0
    assert verify_command(key, commands[-1])
    mine = [row for message in heard["diagnostics"] for row in message.status if row.name == "master_input: node"]
    values = {pair.key: pair.value for pair in mine[-1].values}
    assert values["security"] == "mac"


def test_a_mere_listener_is_served_a_little_later(console: Console) -> None:
    """Without feedback commands begin by themselves, and no gesture is made."""
    console.patient_side.speaks = False
    console.start(rate=100.0)
    console.until(lambda: len(console.patient_side.commands) >= 100, "commands")
    assert not any(command.clutch for command in console.patient_side.commands)


NO_GAMEPAD = pytest.mark.skipif(any(Path("/dev/input").glob("js*")), reason="a gamepad is plugged in here")


@pytest.mark.parametrize(
    ("device", "message"),
    [
        ("no/such/file.csv", "no/such/file.csv: no such file"),
        pytest.param("gamepad", "no gamepad found: plug one in", marks=NO_GAMEPAD),
    ],
)
def test_an_unusable_device_ends_the_node_with_one_line(console: Console, device: str, message: str) -> None:
    """Exit code 2; the line names the parameter and what is wrong."""
    process = console.start(device=device)
    out, errors = process.communicate(timeout=20.0)
    assert process.returncode == 2
    lines = [line for line in (out + errors).splitlines() if line.strip()]
    assert len(lines) == 1
    assert "parameter device" in lines[0]
    assert message in lines[0]


@pytest.mark.parametrize("setting", [{"rate": 49.9}, {"rate": 501.0}, {"motion_scale": 0.0}, {"motion_scale": "2.0"}])
def test_values_out_of_range_end_the_node(console: Console, setting: dict[str, object]) -> None:
    """Rate 50 to 500 Hz, scale above 0 and up to 1."""
    process = console.start(**setting)
    _, errors = process.communicate(timeout=20.0)
    assert process.returncode == 2
    assert next(iter(setting)) in errors
