"""The console as CRTK clients know it: real node, clients over real DDS, and what becomes of it in the packets."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

pytest.importorskip("rclpy", reason="ROS is not installed here")

from rclpy.qos import DurabilityPolicy, QoSProfile

from teleop_core.contract import STREAMS
from teleop_core.signals import TeleopState
from teleop_ros.adapter import message_type
from test.ros import test_master_input

pytestmark = pytest.mark.dds

Console = test_master_input.Console
console = test_master_input.console  # the fixture

ARMS = "[PSM1, PSM2, PSM3]"
CLIENT = QoSProfile(depth=10)
LATE_CLIENT = QoSProfile(depth=10, durability=DurabilityPolicy.TRANSIENT_LOCAL)


class Client:
    """What dvrk_python's console, teleop_psm and mtm do: publish volatile, subscribe volatile or latched."""

    def __init__(self, started: Console) -> None:
        self.console = started
        self.node = started.patient_side
        self.heard: dict[str, list[Any]] = {}
        self._publishers: dict[str, Any] = {}

    def hear(self, stream: str, qos: QoSProfile = LATE_CLIENT, **parts: str) -> list[Any]:
        row = STREAMS[stream]
        messages: list[Any] = []
        self.node.create_subscription(message_type(row.type), row.topic_for(**parts), messages.append, qos)
        return messages

    def ask(self, stream: str, field: str = "data", value: Any = None, **parts: str) -> None:
        row = STREAMS[stream]
        topic = row.topic_for(**parts)
        kind = message_type(row.type)
        if topic not in self._publishers:
            self._publishers[topic] = self.node.create_publisher(kind, topic, CLIENT)
        publisher = self._publishers[topic]
        self.console.until(lambda: publisher.get_subscription_count() > 0, f"{topic} is heard")
        publisher.publish(kind() if value is None else kind(**{field: value}))

    def hands(self) -> dict[str, Any]:
        commands = self.node.commands
        return {hand.name: hand for hand in commands[-1].hands} if commands else {}

    def until(self, condition: Callable[[], Any], what: str) -> None:
        self.console.until(condition, what)


@pytest.fixture
def client(request: pytest.FixtureRequest) -> Client:
    started: Console = request.getfixturevalue("console")
    started.start(arms=ARMS, rate=100.0)
    made = Client(started)
    made.until(lambda: len(made.node.commands) > 20, "commands")
    return made


def last(messages: list[Any]) -> Any:
    return messages[-1].data if messages else None


def test_scale_is_latched_set_and_refused(client: Client) -> None:
    """A late client hears the scale; setting it changes the packets and is told, also when nothing changes."""
    scale, of_pair = client.hear("teleop_scale"), client.hear("pair_scale", CLIENT, pair="MTMR_PSM1")
    warnings = client.hear("console_warning", CLIENT)
    client.until(lambda: last(scale) == 0.2, "scale")
    client.ask("teleop_set_scale", value=0.35)
    client.until(lambda: last(scale) == 0.35 and last(of_pair) == 0.35, "another scale")
    client.until(lambda: client.node.commands[-1].motion_scale == 0.35, "scale in the packets")
    client.ask("pair_set_scale", value=7.0, pair="MTMR_PSM1")
    client.until(lambda: last(warnings) == "scale 7.0 is not within 0 (excluded) to 1", "refusal")
    count = len(of_pair)
    client.ask("pair_set_scale", value=0.35, pair="MTMR_PSM1")
    client.until(lambda: len(of_pair) > count, "told again")
    assert client.node.commands[-1].motion_scale == 0.35


def test_selecting_another_arm(client: Client) -> None:
    """Names are told one by one, to late clients too; the packets ask for the arm; what cannot be is refused."""
    selected, unselected = client.hear("teleop_selected"), client.hear("teleop_unselected")
    warnings = client.hear("console_warning", CLIENT)
    client.until(lambda: {m.data for m in selected} == {"MTMR_PSM1", "MTML_PSM2"}, "selected")
    client.until(lambda: {m.data for m in unselected} == {"MTMR_PSM3", "MTML_PSM3"}, "unselected")
    client.ask("teleop_select", value="MTMR_PSM3")
    client.until(lambda: client.hands()["MTMR"].arm == "PSM3", "the hand asks for the arm")
    client.until(lambda: "MTMR_PSM3" in {m.data for m in selected}, "told")
    client.until(lambda: "MTMR_PSM1" in {m.data for m in unselected}, "told")
    client.ask("teleop_select", value="MTML_PSM3")
    client.until(lambda: str(last(warnings)).startswith("PSM3 is selected for MTMR"), "refusal")
    client.ask("teleop_unselect", value="MTML_PSM2")
    client.until(lambda: set(client.hands()) == {"MTMR"}, "the hand is left out")


def test_enabling_teleoperation(client: Client) -> None:
    """Not enabled means that nobody operates."""
    enabled = client.hear("teleop_enabled")
    client.until(lambda: last(enabled) is True, "enabled")
    client.ask("teleop_enable", value=False)
    client.until(lambda: last(enabled) is False, "not enabled")
    client.until(lambda: not client.node.commands[-1].operator_present, "operator absent")
    client.ask("teleop_enable", value=True)
    client.until(lambda: client.node.commands[-1].operator_present, "operator present")


def test_a_pair(client: Client) -> None:
    """States in the words of the da Vinci Research Kit, locks, alignment, and the offset between hand and tool."""
    pair = {"pair": "MTMR_PSM1"}
    current, desired = client.hear("pair_current_state", **pair), client.hear("pair_desired_state", **pair)
    following, locked = client.hear("pair_following", **pair), client.hear("pair_rotation_locked", **pair)
    offsets = client.hear("pair_alignment_offset", CLIENT, **pair)
    client.until(lambda: (last(current), last(following), last(desired)) == ("ENABLED", True, "ENABLED"), "following")
    client.ask("pair_lock_rotation", value=True, **pair)
    client.until(lambda: client.hands()["MTMR"].lock_rotation and last(locked) is True, "locked")
    assert not client.hands()["MTML"].lock_rotation
    client.ask("pair_lock_translation", value=True, **pair)
    client.until(lambda: client.hands()["MTMR"].lock_translation, "locked")
    client.ask("pair_set_align_mtm", value=True, **pair)
    client.until(lambda: client.hands()["MTMR"].aligns, "aligned only")
    client.until(lambda: offsets, "offset")
    client.node.arms = TeleopState.ALIGNING
    client.until(lambda: (last(current), last(following)) == ("ALIGNING_MTM", False), "aligning")
    client.ask("pair_state_command", "string", "disable", **pair)
    client.until(lambda: last(desired) == "DISABLED" and "MTMR" not in client.hands(), "disabled")
    client.ask("pair_state_command", "string", "enable", **pair)
    client.until(lambda: "MTMR" in client.hands(), "enabled")


def test_a_master_answers_every_state_command(client: Client) -> None:
    """An event after each, also one that changes nothing; a disabled master leads nothing; it has no motors."""
    states = client.hear("master_operating_state", master="MTMR")
    warnings = client.hear("master_warning", CLIENT, master="MTMR")
    client.until(lambda: states and (states[-1].state, states[-1].is_homed) == ("ENABLED", True), "ready")
    for command, state in (("enable", "ENABLED"), ("home", "ENABLED"), ("disable", "DISABLED")):
        count = len(states)
        client.ask("master_state_command", "string", command, master="MTMR")
        client.until(lambda count=count: len(states) > count, f"an answer to {command}")
        assert states[-1].state == state
    client.until(lambda: "MTMR" not in client.hands(), "it leads nothing")
    count = len(states)
    client.ask("master_state_command", "string", "resume", master="MTMR")
    client.until(lambda: last(warnings) == "cannot resume while DISABLED", "refusal")
    client.until(lambda: len(states) > count, "an answer to a command that is refused")
    for stream in ("lock_orientation", "unlock_orientation"):
        count = len(warnings)
        client.ask(stream, master="MTMR")
        client.until(lambda count=count: len(warnings) > count, f"an answer to {stream}")
        assert "no motors" in last(warnings)


def test_pedals_and_twists_are_told(client: Client) -> None:
    """The pedals' first values, and velocities of the hands in the display frame."""
    coag = client.hear("coag")
    twists = client.hear("master_measured_cv", CLIENT, master="MTML")
    client.until(lambda: coag and list(coag[-1].buttons) == [0], "coag is up")
    client.until(lambda: twists and twists[-1].header.frame_id == "display", "twists")
