"""Messages and values of the core say the same."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("rclpy", reason="ROS is not installed here")

from rclpy.serialization import deserialize_message
from telesurgery.msg import OperatorCommand

from teleop_core.se3 import Pose
from teleop_core.signals import HandSignal, OperatorSignal
from teleop_ros.cdr import reader, writer
from teleop_ros.convert import (
    operator_command,
    operator_signal,
    pose_from_message,
    pose_message,
    seconds,
    time_message,
)


def pose(shift: float) -> Pose:
    return Pose(np.array((0.1 + shift, -0.2, 0.3)), np.array((0.5, -0.5, 0.5, 0.5)))


def hand(name: str, shift: float) -> HandSignal:
    turned = shift > 0.0
    return HandSignal(
        name,
        pose(shift),
        (shift, 0.2, 0.3),
        (0.4, 0.5, 0.6 + shift),
        -0.7,
        "PSM3" if turned else "",
        turned,
        not turned,
        turned,
    )


def signal(hands: tuple[HandSignal, ...]) -> OperatorSignal:
    return OperatorSignal(
        1.8e9 + 0.123456789, 2**64 - 1, 2**40, 2**32 - 1, True, False, True, 0.2, 1.7e9 + 0.5, 0.0125, hands
    )


def assert_same(one: OperatorSignal, two: OperatorSignal) -> None:
    for name in OperatorSignal.__dataclass_fields__:
        if name not in ("hands", "stamp", "feedback_stamp"):
            assert getattr(one, name) == getattr(two, name), name
    assert one.stamp == pytest.approx(two.stamp, abs=1e-6)
    assert one.feedback_stamp == pytest.approx(two.feedback_stamp, abs=1e-6)
    assert len(one.hands) == len(two.hands)
    for a, b in zip(one.hands, two.hands, strict=True):
        for field in ("name", "linear", "angular", "gripper", "arm", "lock_rotation", "lock_translation", "aligns"):
            assert getattr(a, field) == getattr(b, field), field
        assert np.array_equal(a.pose.position, b.pose.position)
        assert np.array_equal(a.pose.quaternion, b.pose.quaternion)


@pytest.mark.parametrize("names", [("MTML", "MTMR"), ("MTMR",), ()])
def test_an_operator_command_survives_the_wire(names: tuple[str, ...]) -> None:
    """Made, written, read by the client library and by our reader: every field is as it was."""
    sent = signal(tuple(hand(name, 0.01 * place) for place, name in enumerate(names)))
    message = operator_command(sent, "display")
    written = writer(OperatorCommand)(message)
    for received in (deserialize_message(written, OperatorCommand), reader(OperatorCommand)(written)):
        assert received.header.frame_id == "display"
        assert_same(operator_signal(received), sent)


def test_poses_and_times_come_back() -> None:
    """Poses exactly; times to the microsecond that a float of unix time resolves, also just below a full second."""
    again = pose_from_message(pose_message(pose(0.25)))
    assert np.array_equal(again.position, pose(0.25).position)
    assert np.array_equal(again.quaternion, pose(0.25).quaternion)
    for moment in (0.0, 1.25, 1.8e9 + 0.9999999, 1.8e9 + 0.25):
        assert seconds(time_message(moment)) == pytest.approx(moment, abs=5e-7)
