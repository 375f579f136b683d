"""With keys the loop of real nodes operates; who lacks the keys moves nothing, and latches nothing by a stop."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import deque
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("rclpy", reason="ROS is not installed here")

from rclpy.serialization import deserialize_message
from telesurgery.msg import OperatorCommand

from teleop_cli.keys import make_keys
from teleop_core.authentication import Authenticator, key_file, load_key
from teleop_core.signals import SafetyLevel
from teleop_ros.cdr import writer
from teleop_ros.message_mac import sign_command, sign_permit, sign_stop, signed_command, verify_permit

pytestmark = pytest.mark.dds

STOPPED = (SafetyLevel.FAULT, SafetyLevel.PROTECTIVE_STOP)
WRITE_COMMAND = writer(OperatorCommand)
RECORDED = 2000
"""Newest messages that the attacker has recorded."""


class Signed:
    """Publisher of commands that echoes feedback and signs, as the console node does; remembers what it sent."""

    def __init__(self, console: Any, publisher: Any, key: Authenticator) -> None:
        self._console = console
        self._publisher = publisher
        self._key = key
        self.sent: deque[bytes] = deque(maxlen=RECORDED)

    def publish(self, message: Any) -> None:
        feedback = self._console.newest.get("feedback")
        if feedback is not None:
            age = max(0.0, self._console.now() - self._console.arrivals["feedback"])
            message = message._replace(feedback_stamp=feedback.header.stamp, feedback_age=age)
        message = signed_command(self._key, message)
        self.sent.append(WRITE_COMMAND(message))
        self._publisher.publish(message)


class GuardedRoom:
    """A room whose nodes and console have keys, and an attacker in it who has none but hears and records everything."""

    def __init__(self, room: Any, keys: Path) -> None:
        self.room = room
        self.console = room.console
        self.keys = keys
        self.permits: deque[Any] = deque(maxlen=RECORDED)
        self.commands = Signed(self.console, self.console._command, self.key("command"))
        self.console._command = self.commands
        self.console.subscription("safety_state", lambda message: self.permits.append(message))

    def key(self, purpose: str) -> Authenticator:
        return Authenticator(load_key(self.keys, purpose), purpose)

    def start(self, *names: str) -> None:
        self.room.nodes.start(*names, key_folder=str(self.keys))

    def operate(self) -> None:
        """As Room.operate, with keys."""
        self.start("safety_monitor", "driver", "kinematics", "local_team")
        self.room.until(lambda: self.console.safety is SafetyLevel.OPERATING, what="operating")
        self.room.engage()
        self.room.until(self.moving, what="PSM1 moves")

    def moving(self) -> bool:
        return bool(self.console.speed() > 0.005)

    def still(self) -> bool:
        return bool(self.console.speed() < 0.002)

    @property
    def feedback(self) -> Any:
        return self.console.newest["feedback"]

    @property
    def report(self) -> Any:
        return self.console.newest["servo_report"]

    def attacker(self, stream: str, **parts: str) -> Any:
        """A publisher that the nodes listen to."""
        made = self.console.publisher(stream, **parts)
        self.room.until(lambda: made.get_subscription_count() >= 2, what=f"listeners of {stream}")
        return made

    def assert_stands(self, duration: float) -> None:
        """PSM1 is held for so long, and nothing permits it to move [s]."""
        self.room.until(self.still, what="PSM1 stands")
        place = list(self.console.newest["setpoint_js"].position)
        self.room.spin(duration)
        assert list(self.console.newest["setpoint_js"].position) == place
        assert self.report.holding

    def end_process(self, name: str) -> None:
        self.room.nodes.kill(name)
        self.room.nodes.processes[name].wait()


@pytest.fixture
def guarded(room: Any, tmp_path: Path) -> GuardedRoom:
    """A room with keys for one session."""
    make_keys(tmp_path / "keys")
    return GuardedRoom(room, tmp_path / "keys")


def test_with_keys_the_loop_operates(guarded: GuardedRoom) -> None:
    """Hands move the arms; nothing counts as unauthenticated or refused; the permit says which security is in force."""
    guarded.operate()
    accepted = guarded.feedback.accepted
    guarded.room.spin(1.5)
    assert guarded.feedback.accepted > accepted
    assert guarded.feedback.unauthenticated == 0
    assert (guarded.report.unauthenticated, guarded.report.permits_refused) == (0, 0)
    newest = guarded.permits[-1]
    assert newest.security == "mac"
    assert verify_permit(guarded.key("permit"), newest)
    assert guarded.report.permit_session == newest.session
    assert guarded.console.safety is SafetyLevel.OPERATING
    assert set(guarded.room.nodes.stop().values()) == {0}


@pytest.mark.parametrize("forger", ["no hash", "another key", "an altered command"])
def test_forged_commands_are_counted_and_move_nothing(guarded: GuardedRoom, forger: str) -> None:
    """Leading numbers, another place of the hands: dropped as unauthenticated; the session stays the surgeon's."""
    guarded.operate()
    publisher = guarded.attacker("command")
    session, accepted = guarded.feedback.session, guarded.feedback.accepted
    for _ in range(40):
        forged = deserialize_message(guarded.commands.sent[-1], publisher.msg_type)
        forged.sequence += 400
        for hand in forged.hands:
            hand.pose.position.x += 0.3
        if forger == "no hash":
            forged.mac = []
        elif forger == "another key":
            sign_command(Authenticator(os.urandom(32), "command"), forged)
        publisher.publish(forged)
        guarded.room.spin(0.01)
    guarded.room.until(lambda: guarded.feedback.unauthenticated >= 20, what="counted as unauthenticated")
    assert guarded.feedback.session == session
    assert guarded.feedback.last_sequence <= guarded.console.sequence
    assert guarded.feedback.accepted > accepted + 20
    guarded.room.until(lambda: guarded.console.safety is SafetyLevel.FAULT, what="fault")
    assert "AUTH_FAIL" in guarded.console.alarms
    guarded.assert_stands(0.5)


def test_recorded_commands_replay_to_nothing(guarded: GuardedRoom) -> None:
    """Well signed, but old: in the silence of the console, and to kinematics that were started anew."""
    guarded.operate()
    guarded.console.speaks = False
    guarded.room.until(guarded.still, what="PSM1 stands")
    guarded.room.spin(1.2)
    publisher = guarded.attacker("command")
    accepted = guarded.feedback.accepted
    recorded = list(guarded.commands.sent)[-400:]

    def replay() -> None:
        for packet in recorded:
            publisher.publish(deserialize_message(packet, publisher.msg_type))
            guarded.room.spin(0.002)

    replay()
    guarded.room.until(lambda: guarded.feedback.duplicate > 100, what="counted as duplicates")
    assert guarded.feedback.accepted == accepted
    guarded.end_process("kinematics")
    guarded.console.newest.pop("feedback")
    guarded.start("kinematics")
    guarded.room.until(lambda: "feedback" in guarded.console.newest, what="kinematics speak again")
    replay()
    guarded.room.until(lambda: guarded.feedback.foreign > 100, what="counted as foreign")
    assert (guarded.feedback.accepted, guarded.feedback.session) == (0, 0)
    guarded.assert_stands(0.3)


def test_without_the_monitor_nobody_else_permits(guarded: GuardedRoom) -> None:
    """The monitor is killed; unsigned, wrongly signed, altered and recorded permits leave the arms where they are."""
    guarded.operate()
    recorded = [permit for permit in guarded.permits if permit.motion_permitted]
    guarded.end_process("safety_monitor")
    guarded.room.until(guarded.still, what="PSM1 stands")
    publisher = guarded.attacker("safety_state")
    stranger = Authenticator(os.urandom(32), "permit")
    before = guarded.report
    for number in range(60):
        forged = publisher.msg_type(
            header=guarded.console.header(),
            state=int(SafetyLevel.OPERATING),
            motion_permitted=True,
            session=before.permit_session + (number % 2),
            permit_sequence=before.permit_sequence + 1000 + number,
            lease=1.0,
            velocity_ratio=1.0,
            security="mac",
        )
        if number % 3 == 1:
            sign_permit(stranger, forged)
        elif number % 3 == 2:
            sequence = before.permit_sequence + 1000 + number
            forged = recorded[-1]._replace(permit_sequence=sequence, header=guarded.console.header())
        publisher.publish(forged)
        guarded.console.clutch = number % 20 < 10
        guarded.room.spin(0.02)
        publisher.publish(recorded[number % len(recorded)])
        guarded.room.spin(0.02)
    guarded.room.until(lambda: guarded.report.unauthenticated >= before.unauthenticated + 50, what="counted")
    guarded.room.until(lambda: guarded.report.permits_refused >= before.permits_refused + 50, what="refused")
    assert not guarded.report.permitted
    assert not guarded.console.following
    guarded.assert_stands(0.5)


def test_recorded_permits_do_not_open_a_driver_that_was_started_anew(guarded: GuardedRoom) -> None:
    """It has seen no session yet, and their hashes fit; their stamps do not."""
    guarded.operate()
    recorded = [permit for permit in guarded.permits if permit.motion_permitted]
    for name in ("safety_monitor", "driver"):
        guarded.end_process(name)
    guarded.console.newest.pop("servo_report")
    guarded.start("driver")
    guarded.room.until(lambda: "servo_report" in guarded.console.newest, what="driver speaks again")
    publisher = guarded.attacker("safety_state")

    def replayed() -> bool:
        for permit in recorded:
            publisher.publish(permit)
            guarded.room.spin(0.01)
        return bool(guarded.report.permits_refused >= 50)

    guarded.room.until(replayed, what="refused")
    assert guarded.report.unauthenticated == 0
    assert not guarded.report.permitted
    assert guarded.report.permit_session == 0


def test_unsigned_stops_hold_but_do_not_latch(guarded: GuardedRoom) -> None:
    """As long as they come the arms stand; when they cease the operator goes on without a reset."""
    guarded.operate()
    publisher = guarded.console.stop_requests
    states = set()
    for number in range(40):
        request = publisher.msg_type(header=guarded.console.header(), source="stranger", reason="because")
        if number % 2:
            sign_stop(Authenticator(os.urandom(32), "stop"), request)
        publisher.publish(request)
        guarded.room.spin(0.05)
        states.add(guarded.console.safety)
        if number > 10:
            assert guarded.still()
    assert SafetyLevel.HOLD in states
    assert not states & set(STOPPED)
    guarded.room.until(lambda: guarded.console.safety is SafetyLevel.OPERATING, what="operating again")
    assert guarded.still()
    guarded.room.engage()
    guarded.room.until(guarded.moving, what="PSM1 moves again")


def stop_command(guarded: GuardedRoom, domain: int, *options: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "teleop_cli.main", "stop", "--domain", str(domain), *options]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_a_signed_stop_on_the_command_line_latches(
    guarded: GuardedRoom, root: Path, ros_domain: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the keys of the session it latches; with none it says what is missing, and holds the arms all the same."""
    monkeypatch.chdir(root)
    guarded.operate()
    unsigned = stop_command(guarded, ros_domain)
    guarded.room.until(guarded.still, what="PSM1 stands")
    guarded.room.until(lambda: unsigned.poll() is not None, what="the command ends")
    assert unsigned.communicate()[1].count("--keys") == 1
    assert unsigned.returncode == 1
    assert guarded.console.safety not in STOPPED
    signed = stop_command(guarded, ros_domain, "--keys", str(guarded.keys))
    guarded.room.until(lambda: guarded.console.safety is SafetyLevel.PROTECTIVE_STOP, what="protective stop")
    guarded.room.until(lambda: signed.poll() is not None, what="the command ends")
    assert signed.communicate()[0].startswith("PROTECTIVE_STOP")
    assert signed.returncode == 0


@pytest.mark.parametrize(
    "module", ["robot_driver.driver_node", "robot_driver.kinematics_node", "teleop_console.master_input_node"]
)
def test_a_key_that_others_can_read_ends_the_node(root: Path, ros_domain: int, tmp_path: Path, module: str) -> None:
    """Exit code 2 and one line with the file: never is a bad key taken for no security."""
    make_keys(tmp_path / "keys")
    for purpose in ("command", "permit", "stop"):
        key_file(tmp_path / "keys", purpose).chmod(0o644)
    command = [sys.executable, "-m", module, "--ros-args", "-p", f"key_folder:={tmp_path / 'keys'}"]
    ended = subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=30, check=False)
    assert ended.returncode == 2
    lines = [line for line in (ended.stdout + ended.stderr).splitlines() if line.startswith("[")]
    assert len(lines) == 1
    assert "parameter key_folder: " in lines[0]
    assert "is readable by others (mode 0644)" in lines[0]


@pytest.mark.parametrize("module", ["robot_driver.driver_node", "robot_driver.kinematics_node"])
def test_the_clinical_profile_needs_keys(root: Path, ros_domain: int, module: str) -> None:
    """Without them the node ends with one line that says so."""
    command = [sys.executable, "-m", module, "--ros-args", "-p", "profile:=clinical"]
    ended = subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=30, check=False)
    assert ended.returncode == 2
    assert "parameter profile: clinical" in ended.stderr
    assert "telesurgery keys" in ended.stderr
