"""Messages taken as they came: none is lost while their reader stands still."""

from __future__ import annotations

import time

import pytest

rclpy = pytest.importorskip("rclpy", reason="ROS is not installed here")

from rclpy.serialization import deserialize_message  # noqa: E402

from teleop_core.contract import STREAMS  # noqa: E402
from teleop_ros.adapter import TeleopNode  # noqa: E402
from teleop_ros.raw_reading import RawReader  # noqa: E402

pytestmark = pytest.mark.dds
STALL = 300
"""Commands in 1.5 s."""


def test_nothing_is_lost_in_a_stall(ros_domain: int) -> None:
    """All that came in 1.5 s of standing still is read, in order, with its number and times."""
    rclpy.init(domain_id=ros_domain)
    node = TeleopNode("reader")
    taken: list[tuple[bytes, dict[str, int]]] = []
    reader = RawReader(node, lambda _key, data, info: taken.append((data, info)))
    row = STREAMS["command"]
    topic = reader.subscribe(0, row, row.topic)
    publisher = node.publisher("command")
    try:
        assert topic == "/teleop/command"
        message = publisher.msg_type(session=7)
        limit = time.monotonic() + 20.0
        while not taken:
            assert time.monotonic() < limit
            publisher.publish(message)
            time.sleep(0.05)
            reader.read()
        taken.clear()
        for message.sequence in range(1, STALL + 1):
            publisher.publish(message)
            time.sleep(0.001)
        while len(taken) < STALL and time.monotonic() < limit:
            reader.read()
        numbers = [info["publication_sequence_number"] for _, info in taken]
        assert numbers == list(range(numbers[0], numbers[0] + STALL))
        assert [deserialize_message(data, publisher.msg_type).sequence for data, _ in taken] == [*range(1, STALL + 1)]
        assert all(info["source_timestamp"] <= info["received_timestamp"] for _, info in taken)
    finally:
        node.destroy_node()
        rclpy.try_shutdown()
