"""What a bag says of quality of service becomes what a replay offers; what it says wrongly harms nothing."""

from __future__ import annotations

import pytest

pytest.importorskip("rclpy", reason="ROS is not installed here")

from rclpy.qos import DurabilityPolicy, LivelinessPolicy, QoSProfile, ReliabilityPolicy

from audit.replay_qos import LEAST_DEPTH, offered_qos
from teleop_core.contract import STREAMS
from teleop_ros.qos import publisher_qos, rosbag2_qos


@pytest.mark.parametrize("stream", STREAMS.values(), ids=lambda stream: stream.name)
def test_every_stream_is_offered_as_it_was(stream: object) -> None:
    """Through the words of rosbag2 and back, for every row of the contract."""
    offered = publisher_qos(stream)  # type: ignore[arg-type]
    again = offered_qos(rosbag2_qos(offered))
    for name in ("reliability", "durability", "liveliness", "deadline", "liveliness_lease_duration"):
        assert getattr(again, name) == getattr(offered, name), name
    latched = offered.durability == DurabilityPolicy.TRANSIENT_LOCAL
    assert again.depth == (offered.depth if latched else max(LEAST_DEPTH, offered.depth))


def test_numbers_of_older_bags_are_understood() -> None:
    """Policies were numbers before they were words."""
    made = offered_qos({"reliability": 2, "durability": 1, "liveliness": 1, "depth": 3})
    assert (made.reliability, made.durability) == (ReliabilityPolicy.BEST_EFFORT, DurabilityPolicy.TRANSIENT_LOCAL)
    assert made.depth == 3


@pytest.mark.parametrize(
    "recorded",
    [
        {},
        {"reliability": "often", "durability": 99, "liveliness": None, "depth": -1, "deadline": "soon"},
        {"reliability": "system_default", "depth": 10**9, "deadline": {"sec": 9223372036, "nsec": 854775807}},
        {"depth": "3", "deadline": {"sec": -1, "nsec": 0}, "liveliness_lease_duration": {"sec": 0}},
    ],
)
def test_what_cannot_be_understood_is_as_usual(recorded: dict[str, object]) -> None:
    """Reliable, volatile, no deadline."""
    made, usual = offered_qos(recorded), QoSProfile(depth=LEAST_DEPTH)
    assert (made.reliability, made.durability) == (ReliabilityPolicy.RELIABLE, DurabilityPolicy.VOLATILE)
    assert (made.liveliness, made.deadline) == (LivelinessPolicy.AUTOMATIC, usual.deadline)
    assert made.depth == LEAST_DEPTH
