"""Observations of an arm for the tests of the conformance check: good ones, to be spoiled one way at a time."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from conformance.samples import CartesianPose, Endpoint, Graph, Joints, Matrix, Recording, Sample, State, Text, Vectors
from teleop_core.se3 import Pose

PERIOD_NS = 10_000_000
NAMES = ("yaw", "pitch", "insertion")
UNIT = np.array([0.0, 0.0, 0.0, 1.0])


def pose(x: float = 0.0, y: float = 0.0, z: float = 0.0, turn: float = 0.0) -> Pose:
    """A pose turned about z [m, rad]."""
    return Pose(np.array([x, y, z]), np.array([0.0, 0.0, np.sin(turn / 2.0), np.cos(turn / 2.0)]))


def times(index: int) -> tuple[float, int, float]:
    """Arrival, stamp and age of the message of this index at 100 Hz."""
    stamp = 1_000_000_000 + index * PERIOD_NS
    return stamp * 1e-9 + 0.002, stamp, 0.002


def joints(index: int, position: tuple[float, ...] = (0.1, -0.2, 0.12), **more: Any) -> Joints:
    """Joints of an arm."""
    made = Joints(*times(index), "base", NAMES, position, (0.0,) * 3, ())
    return dataclasses.replace(made, **more)


def tip(index: int, at: Pose | None = None, **more: Any) -> CartesianPose:
    """Pose of a tip."""
    made = CartesianPose(*times(index), "base", at or pose(0.1, 0.0, -0.1))
    return dataclasses.replace(made, **more)


def state(index: int, name: str = "ENABLED", homed: bool = True, busy: bool = False, **more: Any) -> State:
    """An event of the operating state."""
    return dataclasses.replace(State(*times(index), name, homed, busy), **more)


def text(words: str = "refused") -> Text:
    """A warning."""
    return Text(1.0, 0, 0.0, "warning", words)


def recording(count: int = 300, spoil: Callable[[str, int, Sample], Sample | None] | None = None) -> Recording:
    """Three seconds of a standing arm; `spoil` may change or drop a message of (topic, index)."""
    made = Recording()
    streams: dict[str, Callable[[int], Sample]] = {
        "measured_js": joints,
        "setpoint_js": joints,
        "measured_cp": tip,
        "setpoint_cp": tip,
        "measured_cv": lambda index: Vectors(*times(index), "base", (0.0,) * 6),
        "spatial/jacobian": lambda index: Matrix(times(index)[0], 0, 0.0, (6, 3), (0.0,) * 18),
        "operating_state": state,
    }
    for topic, make in streams.items():
        for index in range(count if topic != "operating_state" else 5):
            sample = make(index)
            changed = sample if spoil is None else spoil(topic, index, sample)
            if changed is not None:
                made.add(topic, changed)
    return made


def spoiled(topic: str, every: int = 3, **changes: Any) -> Recording:
    """A recording in which every so many messages of a topic are changed."""

    def spoil(name: str, index: int, sample: Sample) -> Sample:
        wrong = name == topic and index % every == every - 1
        return dataclasses.replace(sample, **changes) if wrong else sample

    return recording(spoil=spoil)


def endpoint(topic: str, kind: str, publishes: bool, **more: Any) -> Endpoint:
    """An endpoint that a client reaches."""
    return dataclasses.replace(Endpoint(topic, kind, publishes, True, False, True, True, "/driver"), **more)


JOINT_STATE, POSE = "sensor_msgs/msg/JointState", "geometry_msgs/msg/PoseStamped"


def graph(*changed: Endpoint, without: tuple[str, ...] = (), services: dict[str, str] | None = None) -> Graph:
    """A small arm; `changed` takes the place of the endpoints of the same topic and direction, or adds some."""
    ends = [
        endpoint("operating_state", "crtk_msgs/msg/OperatingState", True),
        endpoint("measured_js", JOINT_STATE, True),
        endpoint("measured_cp", POSE, True),
        endpoint("state_command", "crtk_msgs/msg/StringStamped", False),
        endpoint("servo_jp", JOINT_STATE, False),
    ]
    replaced = {(end.topic, end.publishes) for end in changed}
    kept = [end for end in ends if end.topic not in without and (end.topic, end.publishes) not in replaced]
    return Graph((*kept, *changed), services or {"forward_kinematics": "crtk_msgs/srv/QueryForwardKinematics"})


def sine(factor: float = 1.0) -> list[Joints]:
    """A joint that swings, and its velocity, or so many times it."""
    phases = [2.0 * math.pi * index / 100.0 for index in range(150)]
    return [
        joints(i, (0.05 * math.sin(a), 0.0, 0.0), velocity=(factor * 0.05 * 2.0 * math.pi * math.cos(a), 0.0, 0.0))
        for i, a in enumerate(phases)
    ]


def swing(factor: float = 1.0) -> tuple[list[CartesianPose], list[Vectors]]:
    """A tip that swings, and its twist, or so many times it."""
    phases = [2.0 * math.pi * index / 100.0 for index in range(150)]
    speed = factor * 0.01 * 2.0 * math.pi
    return (
        [tip(i, pose(0.01 * math.sin(a))) for i, a in enumerate(phases)],
        [Vectors(*times(i), "base", (0.0, speed * math.cos(a), 0.0, 0.0, 0.0, 0.0)) for i, a in enumerate(phases)],
    )
