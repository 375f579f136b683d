"""The console as CRTK clients know it: real node, clients over real DDS, and what becomes of it in the packets."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

pytest.importorskip("rclpy", reason="ROS is not installed here")

from rclpy.qos import DurabilityPolicy, QoSProfile

from teleop_core.contract import MASTER_SERVICES, STREAMS
from teleop_core.signals import TeleopState
from teleop_ros.adapter import message_type, service_type
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


def test_whoever_begins_to_listen_is_told_each_name_again(client: Client) -> None:
    """A first message may be gone before the listener is connected at its own end, and only one is kept for it."""
    selected, unselected = client.hear("teleop_selected"), client.hear("teleop_unselected")
    client.until(lambda: {m.data for m in unselected} == {"MTMR_PSM3", "MTML_PSM3"}, "unselected")
    client.until(lambda: [m.data for m in selected].count("MTMR_PSM1") >= 2, "the first name again")
    client.console.spin(2.0)
    assert [m.data for m in selected].count("MTMR_PSM1") <= 3, "not for ever"


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
    client.until(lambda: last(warnings) == "MTMR: state_command refused: cannot resume while DISABLED", "refusal")
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


SAID_OF_A_MASTER = {
    "sensor_msgs/msg/JointState": ("measured_js", "setpoint_js", "gripper/measured_js"),
    "geometry_msgs/msg/PoseStamped": ("measured_cp", "setpoint_cp", "local/measured_cp", "local/setpoint_cp"),
    "geometry_msgs/msg/TwistStamped": ("measured_cv",),
    "geometry_msgs/msg/WrenchStamped": ("spatial/measured_cf", "body/measured_cf"),
    "std_msgs/msg/Float64MultiArray": ("spatial/jacobian", "body/jacobian"),
    "std_msgs/msg/Float64": ("trajectory_j/ratio",),
    "crtk_msgs/msg/OperatingState": ("operating_state",),
}
NEVER_SAID = {
    "measured_js", "setpoint_js", "spatial/measured_cf", "body/measured_cf", "spatial/jacobian", "body/jacobian",
    "trajectory_j/ratio",
}  # fmt: skip
ASKED_OF_A_MASTER = {
    "std_msgs/msg/Empty": ("hold", "free", "unlock_orientation"),
    "sensor_msgs/msg/JointState": ("servo_jp", "servo_jr", "servo_jf", "move_jp", "move_jr"),
    "geometry_msgs/msg/PoseStamped": ("servo_cp", "move_cp"),
    "geometry_msgs/msg/WrenchStamped": ("spatial/servo_cf", "body/servo_cf"),
    "geometry_msgs/msg/Quaternion": ("lock_orientation",),
    "std_msgs/msg/Bool": ("body/set_cf_orientation_absolute", "use_gravity_compensation"),
    "std_msgs/msg/Float64": ("trajectory_j/set_ratio",),
    "crtk_msgs/msg/CartesianImpedance": ("servo_ci",),
    "crtk_msgs/msg/StringStamped": ("state_command",),
}
"""What dvrk_python's class of a master opens, by type."""


def test_a_client_of_a_master_finds_all_that_it_opens_and_silence_is_no_data(client: Client) -> None:
    """Its check of connections passes; joints, setpoints and forces of a hand are never made up."""
    node = client.node
    heard: dict[str, list[Any]] = {name: [] for names in SAID_OF_A_MASTER.values() for name in names}
    connected = []
    for kind, names in SAID_OF_A_MASTER.items():
        for name in names:
            made = node.create_subscription(message_type(kind), f"MTMR/{name}", heard[name].append, CLIENT)
            connected.append((name, made.get_publisher_count))
    for kind, names in ASKED_OF_A_MASTER.items():
        for name in names:
            connected.append(
                (name, node.create_publisher(message_type(kind), f"MTMR/{name}", CLIENT).get_subscription_count)
            )

    def missing() -> list[str]:
        return [name for name, count in connected if not count()]

    client.until(lambda: not missing(), "all connections")
    client.ask("master_state_command", "string", "enable", master="MTMR")
    client.until(lambda: {name for name, messages in heard.items() if not messages} == NEVER_SAID, "what is true")
    client.console.spin(0.5)
    assert {name for name, messages in heard.items() if not messages} == NEVER_SAID


def test_whatever_would_move_or_hold_a_hand_is_refused(client: Client) -> None:
    """Every command is answered with the reason; a hand is free, and hold and free are followed by a state."""
    warnings, states = (
        client.hear("master_warning", CLIENT, master="MTML"),
        client.hear("master_operating_state", master="MTML"),
    )
    client.until(lambda: states, "a state")
    asked = [name for names in ASKED_OF_A_MASTER.values() for name in names if name not in ("free", "state_command")]
    streams = {
        row.topic.removeprefix("{master}/"): name for name, row in STREAMS.items() if row.topic.startswith("{master}")
    }
    told: dict[str, str] = {}

    def answered(name: str) -> bool:
        told.update((one, why) for one, _, why in (message.data.partition(" refused: ") for message in warnings))
        return f"MTML: {name}" in told

    for name in asked:
        client.ask(streams[name], master="MTML")
        client.until(lambda name=name: answered(name), f"an answer to {name}")
    assert all(why.startswith("this device has no motors: ") for why in told.values())
    client.ask("master_hold", master="MTML")
    client.ask("master_hold", master="MTML")
    client.console.spin(0.3)
    assert sum("hold" in message.data for message in warnings) <= 2, "what comes again at once is counted, not told"
    for name in ("hold", "free", "servo_jf"):
        count = len(states)
        client.ask(streams[name], master="MTML")
        client.until(lambda count=count: len(states) > count, f"a state after {name}")
        assert states[-1].state == "ENABLED"


POSES_OF_A_HAND = ("master_measured_cp", "master_local_measured_cp", "master_setpoint_cp", "master_local_setpoint_cp")


def test_a_hand_is_in_one_place_and_in_one_frame(client: Client) -> None:
    """It has no base of its own and is held nowhere else: plain and local pose and setpoint are one, with one stamp."""
    heard = [client.hear(name, CLIENT, master="MTMR") for name in POSES_OF_A_HAND]

    def together() -> list[tuple[Any, ...]]:
        rows = [{(pose.header.stamp.sec, pose.header.stamp.nanosec): pose for pose in poses[-50:]} for poses in heard]
        return [tuple(row[stamp] for row in rows) for stamp in set.intersection(*(set(row) for row in rows))]

    client.until(together, "all with one stamp")
    for pose, *others in together():
        assert pose.header.frame_id == "display"
        assert all(other == pose for other in others)


@pytest.mark.parametrize("service", sorted(MASTER_SERVICES))
def test_a_hand_has_no_kinematics_and_says_so(client: Client, service: str) -> None:
    """A client that asks gets an answer: without one it would wait for ever."""
    row = MASTER_SERVICES[service]
    asker = client.node.create_client(service_type(row.type), row.topic.format(master="MTMR"))
    client.until(asker.service_is_ready, "the service")
    answer = asker.call_async(asker.srv_type.Request())
    client.until(answer.done, "an answer")
    assert (answer.result().result, answer.result().message) == (
        False, "this device has no joints that are known: there are no kinematics"
    )  # fmt: skip
