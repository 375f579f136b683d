"""Gathering what the judges of streams need: servo and interpolate, and what happens when they stop."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from conformance.judge_kinematics import JointTrial
from conformance.judge_motion import JointTarget, Silence, TipTarget
from conformance.motion_probes import JAW_STEP, Evidence, direction, ready, stepped
from conformance.samples import CartesianPose, Joints, State, Vectors
from conformance.session import INTERPOLATE_RATE, SERVO_RATE, SERVO_SECONDS, SETTLE, Session, replaced, smooth_way
from conformance.verdict import NotCheckedError
from teleop_core.se3 import Pose

TRAVEL = 0.003
"""Travel of relative and velocity commands [m]."""
TIP_SPEED = 0.01
"""Speed of velocity commands [m/s]."""
SILENCE_WATCH, SILENCE_LATE = 1.5, 0.5
"""The arm is watched so long after the last command; it should stand in the last part of it [s]."""
STREAM_BEFORE_SILENCE = 0.4
"""Commands come so long before they stop [s]."""


def joint_steps(session: Session) -> dict[str, list[Any]]:
    """Each joint a small step and back by servo_jp; made once, judged in several ways."""
    if "joint steps" in session.kept:
        found: dict[str, list[Any]] = session.kept["joint steps"]
        return found
    start = ready(session)
    session.node.connect("servo_jp")
    names = session.joints().names or tuple(map(str, range(len(start))))
    since = session.node.now()
    targets, trials, places = [], [], []
    for index, name in enumerate(names):
        goal = replaced(start, index, start[index] + session.steps[index])
        before_pose, before = _base_pose(session), session.joints().position
        session.servo_joints("servo_jp", goal)
        after = session.joints().position
        targets.append(JointTarget(name, start, goal, session.setpoint(), after))
        if before_pose is not None:
            pose = session.pose(f"{session.base}measured_cp").pose
            trials.append(JointTrial(name, after[index] - before[index], before_pose, pose))
        places += session.same_stamp("measured_cp", "local/measured_cp", 1)
        session.servo_joints("servo_jp", start)
    kept: dict[str, list[Any]] = {
        "targets": targets,
        "trials": trials,
        "places": places,
        "events": session.recording.of(State, "operating_state", since),
        "joints": session.recording.of(Joints, "measured_js", since),
        "poses": session.recording.of(CartesianPose, "measured_cp", since),
        "twists": session.recording.of(Vectors, "measured_cv", since),
    }
    session.kept["joint steps"] = kept
    return kept


def from_steps(*keys: str) -> Callable[[Session], Evidence]:
    """Parts of what joint_steps gathered."""
    return lambda session: tuple(joint_steps(session)[key] for key in keys)


def during_servo(session: Session) -> Evidence:
    """Operating states while servo_jp moved the arm."""
    return joint_steps(session)["events"], "servo_jp"


def joint_stream(topic: str) -> Callable[[Session], Evidence]:
    """All joints a small step and back by a stream of absolute positions."""

    def probe(session: Session) -> Evidence:
        start = ready(session)
        session.node.connect(topic)
        goal = stepped(session, start)
        targets = []
        for name, aim in (("there", goal), ("back", start)):
            origin = session.where()
            session.servo_joints(topic, aim, 1.5 * SERVO_SECONDS)
            session.node.wait(SETTLE)
            targets.append(JointTarget(name, origin, aim, session.setpoint(), session.joints().position))
        return (targets,)

    return probe


def relative_stream(session: Session) -> Evidence:
    """A small step of all joints in many small parts by servo_jr."""
    start = ready(session)
    session.node.connect("servo_jr")
    for part in _parts(SERVO_SECONDS):
        session.node.send_joints("servo_jr", [part * step for step in session.steps])
        session.node.wait(1.0 / SERVO_RATE)
    session.node.wait(SETTLE)
    target = JointTarget("servo_jr", start, stepped(session, start), session.setpoint(), session.joints().position)
    session.go(start)
    return (target,)


def tip_stream(topic: str) -> Callable[[Session], Evidence]:
    """The tip to a pose near by and back by a stream of absolute poses."""

    def probe(session: Session) -> Evidence:
        start = ready(session)
        session.node.connect(topic)
        here = session.setpoint_pose() or session.pose().pose
        goal = session.near_pose()
        targets = []
        for name, origin, aim in (("there", here, goal), ("back", goal, here)):
            session.servo_tip(topic, aim, 1.5 * SERVO_SECONDS)
            session.node.wait(SETTLE)
            targets.append(TipTarget(name, origin, aim, session.setpoint_pose(), session.pose().pose))
        session.go(start)
        return (targets,)

    return probe


def relative_tip(session: Session) -> Evidence:
    """The tip some millimetres on in many small parts by servo_cr."""
    start = ready(session)
    session.node.connect("servo_cr")
    since = session.node.now()
    session.node.wait(0.1)
    way = direction(session) * TRAVEL
    for part in _parts(SERVO_SECONDS):
        session.node.send_pose("servo_cr", Pose(part * way, np.array([0.0, 0.0, 0.0, 1.0])))
        session.node.wait(1.0 / SERVO_RATE)
    session.node.wait(SETTLE)
    path = session.recording.of(CartesianPose, "measured_cp", since)
    session.go(start)
    return TRAVEL, path


def velocity(session: Session) -> Evidence:
    """A steady twist by servo_cv, and the way of the tip meanwhile."""
    start = ready(session)
    session.node.connect("servo_cv")
    way = direction(session)
    _twists(session, way, 0.2)  # until it has its speed
    since = session.node.now()
    _twists(session, way, TRAVEL / TIP_SPEED)
    path = session.recording.of(CartesianPose, "measured_cp", since)
    _twists(session, 0.0 * way, 0.1)
    session.stop()
    session.go(start)
    return TIP_SPEED, way, path


def jaw_stream(session: Session) -> Evidence:
    """The jaw a little way and back by a stream."""
    ready(session)
    session.node.connect("jaw/servo_jp")
    start = session.where("jaw/")
    goal = (start[0] + (-JAW_STEP if start[0] > 0.2 else JAW_STEP),)
    targets = []
    for name, aim in (("there", goal), ("back", start)):
        origin = session.where("jaw/")
        session.servo_joints("jaw/servo_jp", aim, SERVO_SECONDS, "jaw/")
        targets.append(
            JointTarget(name, origin, aim, session.setpoint("jaw/"), session.joints("jaw/measured_js").position)
        )
    return (targets,)


def silence(session: Session) -> Evidence:
    """What the arm does after the last of a stream of commands, beside what it declares."""
    policy = session.node.stop_policy() if session.graph.published("stop_policy") else ""
    observed = []
    for command in ("servo_jp", "servo_cp", "servo_cv", "interpolate_jp"):
        if session.graph.accepted(command):
            observed.append(_after_silence(session, command))
    return observed, policy


def _after_silence(session: Session, command: str) -> Silence:
    start = ready(session)
    session.node.connect(command)
    goal, tip = stepped(session, start), session.setpoint_pose() or session.pose().pose
    near, way = session.near_pose(), direction(session)
    rate = INTERPOLATE_RATE if command.startswith("interpolate") else SERVO_RATE
    count = round(STREAM_BEFORE_SILENCE * rate)
    for index in range(1, count + 1):
        share = 0.5 * index / count  # at full speed when silence comes
        if command == "servo_cv":
            session.node.send_twist(command, (*(TIP_SPEED * way), 0.0, 0.0, 0.0))
        elif command == "servo_cp":
            position = tip.position + share * (near.position - tip.position)
            session.node.send_pose(command, Pose(position, tip.quaternion))
        else:
            session.node.send_joints(command, np.array(start) + share * np.subtract(goal, start))
        session.node.wait(1.0 / rate)
    topic, end = f"{session.base}measured_cp", session.node.now()
    session.node.wait(SILENCE_WATCH)
    path = session.recording.of(CartesianPose, topic, end)
    late = session.recording.of(CartesianPose, topic, end + SILENCE_WATCH - SILENCE_LATE)
    state = session.state().state
    session.stop()
    session.go(start)
    if len(late) < 2:
        raise NotCheckedError(f"no {topic} arrives")
    return Silence(command, _length(path), _length(late), state, SILENCE_WATCH)


def _parts(seconds: float) -> Iterator[float]:
    """Parts of a smooth way from 0 to 1: a server may limit what starts with a jerk."""
    before = 0.0
    for share in smooth_way(seconds, SERVO_RATE):
        yield share - before
        before = share


def _twists(session: Session, way: Any, seconds: float) -> None:
    for _ in range(round(seconds * SERVO_RATE)):
        session.node.send_twist("servo_cv", (*(TIP_SPEED * way), 0.0, 0.0, 0.0))
        session.node.wait(1.0 / SERVO_RATE)


def _base_pose(session: Session) -> Pose | None:
    samples = session.recording.of(CartesianPose, f"{session.base}measured_cp")
    return samples[-1].pose if samples else None


def _length(path: list[CartesianPose]) -> float:
    return float(np.linalg.norm(path[-1].pose.position - path[0].pose.position)) if path else 0.0
