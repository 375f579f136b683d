"""Sessions of real nodes, recorded; read by libraries that are not ours."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("rclpy", reason="ROS is not installed here")

from mcap.reader import make_reader
from mcap_ros2.decoder import DecoderFactory
from rosbags.highlevel import AnyReader

from audit.bag_scan import BagScan
from audit.reading import records
from audit.verify import verify
from teleop_core.contract import DEFAULT_ARMS, STREAMS
from teleop_core.signals import SafetyLevel
from teleop_ros.adapter import message_type
from teleop_ros.qos import publisher_qos, rosbag2_qos, subscription_qos

pytestmark = [pytest.mark.dds, pytest.mark.slow]
RECORDED = [row for row in STREAMS.values() if row.recorded]
ROOM = {"disk_low": "1000000", "disk_reserve": "100000"}
"""The tests do not depend on how full this computer is."""


def start_recorder(room: Any, folder: Path, **parameters: str) -> None:
    room.nodes.start("recorder", folder=str(folder), **{**ROOM, **parameters})
    room.until(lambda: "record_status" in room.console.newest, what="the recorder speaks")


def operate(room: Any, folder: Path) -> None:
    """Record, operate for a while, end everything in the order in which a session does."""
    room.nodes.start("safety_monitor", record_folder=str(folder), recorder="true")
    start_recorder(room, folder)
    room.nodes.start("driver", "kinematics", "local_team")
    room.until(lambda: room.console.safety is SafetyLevel.OPERATING, limit=30.0, what="operating")
    room.engage()
    room.spin(3.0)


def payloads(folder: Path, chain: str, type: str) -> list[dict[str, Any]]:
    return [record["payload"] for record in records(folder, chain) if record["type"] == type]


def started_with(folder: Path) -> dict[str, Any]:
    """All that the `start` records say, in one."""
    start: dict[str, Any] = {"parameters": {}}
    for payload in payloads(folder, "recorder", "start"):
        start["parameters"].update(payload.pop("parameters", {}))
        start.update(payload)
    return start


def test_a_session_is_read_by_other_libraries_and_nothing_is_missing(room: Any, tmp_path: Path) -> None:
    """Every topic of the table with type, quality of service and numbers without a gap; the values are those sent."""
    folder = tmp_path / "record"
    operate(room, folder)
    asked = {"driver", "kinematics", "safety_monitor"}
    room.until(lambda: asked <= started_with(folder)["parameters"].keys(), 30.0, "the parameters of every node")
    sent, session = room.console.sequence, room.console.session
    for name in ("kinematics", "local_team", "driver", "safety_monitor", "recorder"):
        assert room.nodes.end(name) == 0

    finding = verify(folder)
    assert not finding.problems, finding.problems
    assert not finding.truncated
    topics = {f"/{topic}".replace("//", "/") for row in RECORDED for topic in row.topics(DEFAULT_ARMS)}
    with AnyReader([folder / "bag"]) as reader:
        connections = {connection.topic: connection for connection in reader.connections}
        assert set(connections) == topics
        for row in RECORDED:
            for topic in row.topics(DEFAULT_ARMS):
                found = connections["/" + topic.lstrip("/")]
                assert found.msgtype == row.type
                assert found.ext.offered_qos_profiles[0].depth == rosbag2_qos(publisher_qos(row))["depth"]
        decoded = Counter(
            connection.topic
            for connection, _, raw in reader.messages()
            if reader.deserialize(raw, connection.msgtype) is not None
        )
    heard = {"/" + STREAMS[name].topic_for(arm="PSM1", eye="left", site="robot") for name in
             ("command", "feedback", "safety_state", "teleop_servo", "measured_js", "local_setpoint_cp",
              "jaw_measured_js", "operating_state", "servo_report", "joint_states", "image", "record_status",
              "robot_description")}  # fmt: skip
    assert heard <= set(decoded), heard - set(decoded)

    numbers: dict[str, list[int]] = {}
    commands = []
    (bag,) = sorted((folder / "bag").glob("*.mcap"))
    with bag.open("rb") as file:
        reader = make_reader(file, validate_crcs=True, decoder_factories=[DecoderFactory()])
        assert (reader.get_header().profile, {s.encoding for s in reader.get_summary().schemas.values()}) == (
            "ros2",
            {"ros2msg"},
        )
        for _, channel, message, value in reader.iter_decoded_messages():
            assert channel.message_encoding == "cdr"
            assert message.publish_time <= message.log_time
            numbers.setdefault(channel.topic, []).append(message.sequence)
            if channel.topic == "/teleop/command":
                commands.append((value.session, value.sequence))
    lost: Counter[str] = Counter()
    for gap in payloads(folder, "recorder", "gap"):
        lost[gap["topic"]] += gap["count"]
    for topic in heard:
        assert max(numbers[topic]) - min(numbers[topic]) + 1 == len(numbers[topic]) + lost[topic], topic
    assert sum(lost.values()) <= 0.01 * sum(decoded.values()), lost
    assert commands[0][0] == session
    assert commands[-1][1] >= sent
    assert [sequence for _, sequence in commands] == sorted({sequence for _, sequence in commands})

    types = Counter(record["type"] for record in records(folder))
    assert {"segment", "start", "checkpoint", "bag_opened", "bag_closed", "end", "state", "permit", "engagement",
            "clutch", "scale", "control", "arm_state"} <= set(types)  # fmt: skip
    start = started_with(folder)
    assert start["parameters"]["driver"]["servo_rate"] == 200.0
    assert len(start["urdf_sha256"]) == 64
    assert payloads(folder, "safety_monitor", "permit")[0]["granted"] is True


def test_a_transition_is_in_the_file_before_it_is_told(room: Any, tmp_path: Path) -> None:
    """Whenever a new state arrives, the monitor's chain already has it, permits and withdrawals alike."""
    folder = tmp_path / "record"
    seen: list[tuple[SafetyLevel, str]] = []
    permits: list[tuple[bool, bool]] = []

    def on_state(message: Any) -> None:
        state = SafetyLevel(message.state)
        if not seen or seen[-1][0] is not state:
            written = [record for record in records(folder, "safety_monitor") if record["type"] in ("state", "permit")]
            states = [record["payload"]["to"] for record in written if record["type"] == "state"]
            grants = [record["payload"]["granted"] for record in written if record["type"] == "permit"]
            seen.append((state, states[-1]))
            permits.append((message.motion_permitted, bool(grants and grants[-1])))

    row = STREAMS["safety_state"]
    room.console.create_subscription(message_type(row.type), row.topic, on_state, subscription_qos(row))
    operate(room, folder)
    for _ in range(3):
        room.console.present = False
        room.until(lambda: room.console.safety is SafetyLevel.HOLD, what="hold")
        room.console.present = True
        room.until(lambda: room.console.safety is SafetyLevel.OPERATING, what="operating again")
    assert len(seen) >= 8
    assert [state.name for state, _ in seen] == [written for _, written in seen]
    assert [told for told, _ in permits] == [written for _, written in permits]


def test_nothing_arms_without_a_recorder_or_with_a_disk_that_is_nearly_full(room: Any, tmp_path: Path) -> None:
    """READY and not further, with the reason; with a recorder it begins; that it ends later is an alarm, not a stop."""
    folder = tmp_path / "record"
    console = room.console
    room.nodes.start("safety_monitor", recorder="true")
    room.nodes.start("driver", "kinematics", "local_team")
    room.until(lambda: console.safety is SafetyLevel.READY and "RECORDER_DOWN" in console.alarms, 30.0, "ready")
    room.until(lambda: len(console.alarms) == 1, what="everything else is well")
    room.spin(1.0)
    assert console.safety is SafetyLevel.READY

    start_recorder(room, folder, disk_low=str(10**15))
    room.until(lambda: "nearly full" in console.newest["record_status"].reason, what="told early")
    room.spin(1.0)
    assert (console.safety, console.alarms) == (SafetyLevel.READY, ["RECORDER_DOWN"])
    assert any("nearly full" in reason for reason in console.denied)
    assert room.nodes.end("recorder") == 0

    start_recorder(room, tmp_path / "another")  # the first has a signed end
    room.until(lambda: console.safety is SafetyLevel.OPERATING, what="operating with a recorder")
    room.engage()
    room.nodes.kill("recorder")
    room.until(lambda: "RECORDER_DOWN" in console.alarms, what="the alarm")
    room.spin(0.5)
    assert console.safety is SafetyLevel.OPERATING
    assert console.following


def test_what_the_nodes_say_is_recorded(room: Any, tmp_path: Path) -> None:
    """The log of every node, also what was said just before the recorder heard it."""
    folder = tmp_path / "record"
    room.console.get_logger().warning("said before")
    start_recorder(room, folder)
    room.console.get_logger().error("smoke in the room")
    room.spin(1.0)
    assert room.nodes.end("recorder") == 0
    scan = BagScan(folder)
    said = {message.msg for entry in scan.entries() if entry.topic == "/rosout" and (message := scan.decode(entry))}
    assert {"said before", "smoke in the room", f"recording into {folder}"} <= said
    assert not scan.damage
    assert not verify(folder).problems
