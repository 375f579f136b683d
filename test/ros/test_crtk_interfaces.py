"""The CRTK messages and services built here are those of upstream crtk_msgs 1.3.0, field by field."""

from __future__ import annotations

import importlib
from typing import Any

import pytest

pytest.importorskip("rclpy", reason="ROS is not installed here")

HEADER, POSE, GAINS = "std_msgs/Header", "geometry_msgs/Pose", "crtk_msgs/CartesianImpedanceHalfPlaneGains"
MESSAGES = {
    "OperatingState": {"header": HEADER, "state": "string", "is_homed": "boolean", "is_busy": "boolean"},
    "StringStamped": {"header": HEADER, "string": "string"},
    "CartesianImpedance": {
        "header": HEADER,
        "force_orientation": "geometry_msgs/Quaternion",
        "force_position": "geometry_msgs/Vector3",
        "torque_orientation": "geometry_msgs/Quaternion",
        "position_positive": GAINS,
        "position_negative": GAINS,
        "orientation_positive": GAINS,
        "orientation_negative": GAINS,
    },
    "CartesianImpedanceHalfPlaneGains": dict.fromkeys(("p", "d", "bias", "deadband"), "geometry_msgs/Vector3"),
    "CartesianServo": {
        "header": HEADER,
        "task_frame": "geometry_msgs/Transform",
        "pose": POSE,
        "twist": "geometry_msgs/Twist",
        "wrench": "geometry_msgs/Wrench",
        "axis_mode": "crtk_msgs/SetpointMode[6]",
    },
    "CartesianState": {
        "header": HEADER,
        "pose": POSE,
        "pose_is_valid": "std_msgs/Bool",
        "twist": "geometry_msgs/Twist",
        "twist_is_valid": "std_msgs/Bool",
        "wrench": "geometry_msgs/Wrench",
        "wrench_is_valid": "std_msgs/Bool",
    },
    "JointServo": {
        "header": HEADER,
        "name": "sequence<string>",
        "position": "sequence<double>",
        "velocity": "sequence<double>",
        "effort": "sequence<double>",
        "mode": "sequence<crtk_msgs/SetpointMode>",
    },
    "SetpointMode": {"value": "uint8"},
}
SERVICES = {
    "QueryForwardKinematics": (
        {"jp": "sequence<double>", "cp": POSE},
        {"cp": POSE, "result": "boolean", "message": "string"},
    ),
    "QueryInverseKinematics": (
        {"cp": POSE, "jp": "sequence<double>"},
        {"jp": "sequence<double>", "result": "boolean", "message": "string"},
    ),
    "TriggerOperatingState": ({}, {"operating_state": "crtk_msgs/OperatingState"}),
}
MODES = {
    "NONE": 0,
    "P": 1,
    "V": 2,
    "PV": 3,
    "F": 4,
    "PF": 5,
    "VF": 6,
    "PVF": 7,
    "POSITION": 1,
    "VELOCITY": 2,
    "EFFORT": 4,
}


def fields(kind: Any) -> dict[str, str]:
    """Fields in their order, without what an empty part gets."""
    found = dict(kind.get_fields_and_field_types())
    found.pop("structure_needs_at_least_one_member", None)
    return found


@pytest.mark.parametrize("name", MESSAGES)
def test_a_message_has_the_fields_of_upstream(name: str) -> None:
    """Names, types and order: what a message is on the wire."""
    kind = getattr(importlib.import_module("crtk_msgs.msg"), name)
    assert list(fields(kind).items()) == list(MESSAGES[name].items())


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_has_the_fields_of_upstream(name: str) -> None:
    """The same for requests and responses."""
    kind = getattr(importlib.import_module("crtk_msgs.srv"), name)
    assert [list(fields(part).items()) for part in (kind.Request, kind.Response)] == [
        list(part.items()) for part in SERVICES[name]
    ]


def test_modes_have_the_values_of_upstream() -> None:
    """Flags and the names of their sums."""
    kind = importlib.import_module("crtk_msgs.msg").SetpointMode
    assert {name: getattr(kind, name) for name in MODES} == MODES
