"""Two stacks in a chain: an operator drives arms that another driver serves, through its public CRTK topics alone."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

rclpy = pytest.importorskip("rclpy", reason="ROS is not installed here")

from teleop_core.contract import DEFAULT_ARMS, EYE_LINKS, EYES, STREAMS  # noqa: E402
from teleop_core.signals import SafetyLevel  # noqa: E402
from teleop_ros.adapter import message_type  # noqa: E402
from teleop_ros.qos import publisher_qos, subscription_qos  # noqa: E402

pytestmark = [pytest.mark.dds, pytest.mark.slow]

REMOTE = "/robot1"
ARM = "PSM1"


class Hospital:
    """The other stack: driver with the simulated robot, monitor, local team, an endoscope; what is heard of it."""

    def __init__(self, root: Path, domain: int, nodes: Any) -> None:
        self.nodes = nodes(root, domain, REMOTE)
        self.newest: dict[str, Any] = {}
        self.node = rclpy.create_node("hospital", namespace=REMOTE)
        row = STREAMS["image"]
        self._pictures = 0
        self._images = {
            eye: self.node.create_publisher(message_type(row.type), row.topic_for(eye=eye), publisher_qos(row))
            for eye in EYES
        }
        for stream in ("measured_js", "operating_state", "safety_state"):
            self._hear(stream)
        self.node.create_timer(0.05, self._send_images)

    def _hear(self, stream: str) -> None:
        row = STREAMS[stream]
        self.node.create_subscription(
            message_type(row.type),
            row.topic_for(arm=ARM),
            lambda message: self.newest.__setitem__(stream, message),
            subscription_qos(row),
        )

    def _send_images(self) -> None:
        self._pictures += 1
        for eye, publisher in self._images.items():
            message = publisher.msg_type(format="jpeg", data=str(self._pictures).encode())
            message.header.stamp = self.node.get_clock().now().to_msg()
            message.header.frame_id = EYE_LINKS[eye]
            publisher.publish(message)

    def start(self) -> None:
        """A session without a console."""
        self.nodes.start("safety_monitor", console="false")
        self.nodes.start("driver")

    def speed(self) -> float:
        """Fastest of the first two joints of the arm [rad/s]."""
        return max(map(abs, self.newest["measured_js"].velocity[:2])) if "measured_js" in self.newest else 0.0


@pytest.fixture
def hospital(root: Path, ros_domain: int, room: Any) -> Iterator[Hospital]:
    made = Hospital(root, ros_domain, type(room.nodes))
    room._executor.add_node(made.node)
    yield made
    made.nodes.stop()
    room._executor.remove_node(made.node)
    made.node.destroy_node()


def operate(room: Any, hospital: Hospital) -> None:
    """Everything up to the other robot's arm moving with the operator's hands."""
    hospital.start()
    room.until(lambda: "operating_state" in hospital.newest, what="the other driver speaks")
    room.nodes.start("driver", backend="crtk", remote=REMOTE)
    room.nodes.start("safety_monitor", "kinematics", "local_team")
    room.until(lambda: room.console.safety is SafetyLevel.OPERATING, 30.0, "operating")
    room.engage()
    room.until(lambda: hospital.speed() > 0.005, what="the other robot moves")


def test_an_operator_drives_the_arms_of_another_driver(room: Any, hospital: Hospital) -> None:
    """Enabled and homed through it, led by its servo_jp; ours tracks what it measures, and every process ends well."""
    operate(room, hospital)
    state = hospital.newest["operating_state"]
    assert (state.state, state.is_homed) == ("ENABLED", True)
    room.spin(1.0)
    assert all(arm.tracking_error < 0.005 for arm in room.console.newest["feedback"].arms)
    ours, theirs = room.console.newest["measured_js"], hospital.newest["measured_js"]
    assert ours.position == pytest.approx(theirs.position, abs=0.01)
    assert set(room.nodes.stop().values()) == {0}
    room.until(lambda: hospital.speed() < 0.002, what="the other robot stands when its client has left")
    assert set(hospital.nodes.stop().values()) == {0}


@pytest.mark.parametrize("how", ["stopped", "disabled"])
def test_an_arm_that_is_taken_away_is_a_fault_and_comes_back_by_people(room: Any, hospital: Hospital, how: str) -> None:
    """The other driver stops, or somebody disables its arm: FAULT with the reason; people enable and home it anew."""
    operate(room, hospital)
    errors: list[str] = []
    row = STREAMS["error"]
    kind = message_type(row.type)
    room.console.create_subscription(
        kind, row.topic_for(arm=ARM), lambda m: errors.append(m.data), subscription_qos(row)
    )
    room.spin(0.3)
    if how == "stopped":
        hospital.nodes.kill("driver", signal.SIGSTOP)
    else:
        command = hospital.node.create_publisher(
            message_type(STREAMS["state_command"].type), f"{ARM}/state_command", publisher_qos(STREAMS["state_command"])
        )
        room.until(lambda: command.get_subscription_count() > 0, what="the other driver listens")
        command.publish(command.msg_type(string="disable"))
    room.until(lambda: room.console.newest["operating_state"].state == "FAULT", what="FAULT")
    if how == "stopped":
        hospital.nodes.kill("driver", signal.SIGCONT)  # before its own monitor makes a fault of it
    room.until(lambda: errors, what="the reason")
    assert ("no measured_js" if how == "stopped" else "took it to DISABLED") in errors[-1]
    room.until(lambda: room.console.safety is SafetyLevel.HOLD, what="hold")
    ours = [room.console.publisher("state_command", arm=arm) for arm in DEFAULT_ARMS]
    room.until(lambda: all(arm.get_subscription_count() for arm in ours), what="our driver listens")

    def again() -> bool:
        for name in ("enable", "home"):
            for arm in ours:
                arm.publish(arm.msg_type(string=name))
            room.spin(0.3)
        return room.console.safety is SafetyLevel.OPERATING

    room.until(again, 20.0, "enabled and homed anew, and operating")
    room.engage()
    room.until(lambda: hospital.speed() > 0.005, what="it moves again")


def test_an_arm_that_its_own_team_takes_holds_is_told_and_comes_back_by_engaging(room: Any, hospital: Hospital) -> None:
    """The operator reads who has it; nobody enables or homes anything, and engaging again moves it from where it is."""
    operate(room, hospital)
    claims = hospital.node.create_publisher(
        message_type(STREAMS["local_team_claim"].type),
        STREAMS["local_team_claim"].topic_for(arm=ARM),
        publisher_qos(STREAMS["local_team_claim"]),
    )
    room.until(lambda: claims.get_subscription_count() > 0, what="the other driver listens")

    def reasons() -> list[str]:
        return [text for arm in room.console.newest["feedback"].arms for text in arm.limit_reasons]

    claims.publish(claims.msg_type(data=True))
    room.until(
        lambda: any("somebody else at its own driver" in text for text in reasons()), what="the operator is told"
    )
    assert room.console.newest["operating_state"].state == "ENABLED"
    room.until(lambda: hospital.speed() < 0.005, what="it stands")
    claims.publish(claims.msg_type(data=False))
    room.until(lambda: not any("somebody else" in text for text in reasons()), what="it is there again")
    room.until(lambda: room.console.safety is SafetyLevel.OPERATING, 20.0, "operating")
    room.engage()
    room.until(lambda: hospital.speed() > 0.005, what="it moves again")


def test_without_another_driver_it_says_so_and_ends(room: Any) -> None:
    """One line with the namespace and what to look at; exit code 2."""
    room.nodes.start("driver", backend="crtk", remote="/nobody")
    assert room.nodes.processes["driver"].wait(30) == 2
