"""Gathering what the judges of moves need: small motions near to where the arm is, and back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from conformance.judge_motion import JointTarget, TipTarget, largest_difference
from conformance.samples import CartesianPose, Joints
from conformance.session import EVENT_LIMIT, Session, replaced
from conformance.verdict import NotCheckedError

Evidence = tuple[Any, ...]
JAW_STEP = 0.1
"""Motion of the jaw [rad]."""
TRIES = 3
"""So often a move is begun that is to be interrupted in time."""
LONG_MOVE = 5.0
"""A move that is to be stopped is so many small steps long."""


def ready(session: Session) -> tuple[float, ...]:
    """Where the arm is commanded to be, while it is ready."""
    session.need_ready()
    return session.where()


def move_joints(topic: str) -> Callable[[Session], Evidence]:
    """All joints a small step and back by moves, absolute or relative."""

    def probe(session: Session) -> Evidence:
        start = ready(session)
        session.node.connect(topic)
        goal = stepped(session, start)
        targets = []
        for name, aim in (("there", goal), ("back", start)):
            origin = session.where()
            sent = np.subtract(aim, origin) if topic.endswith("jr") else aim
            session.move(lambda sent=sent: session.node.send_joints(topic, sent))  # type: ignore[misc]
            targets.append(JointTarget(name, origin, aim, session.setpoint(), session.joints().position))
        session.go(start)
        return (targets,)

    return probe


def move_tip(session: Session) -> dict[str, Any]:
    """The tip to a pose near by and back by move_cp; made once, judged in several ways."""
    if "move_cp" in session.kept:
        found: dict[str, Any] = session.kept["move_cp"]
        return found
    start = ready(session)
    session.node.connect("move_cp")
    here, goal = session.setpoint_pose() or session.pose().pose, session.near_pose()
    path_topic = "setpoint_cp" if session.setpoint_pose() is not None else "measured_cp"
    targets, paths, told = [], [], None
    for name, origin, aim in (("there", here, goal), ("back", goal, here)):
        since = session.node.now()
        session.move(lambda aim=aim: session.node.send_pose("move_cp", aim))  # type: ignore[misc]
        targets.append(TipTarget(name, origin, aim, session.setpoint_pose(), session.pose().pose))
        paths.append(session.recording.of(CartesianPose, path_topic, since))
        if name == "there":
            told = _last(session.recording.of(CartesianPose, "goal_cp", since))
    session.go(start)
    kept = {
        "targets": targets,
        "path": paths[0],
        "wanted": tuple(goal.position),
        "goal": None if told is None else tuple(told.pose.position),
    }
    session.kept["move_cp"] = kept
    return kept


def move_tip_targets(session: Session) -> Evidence:
    """What became of move_cp."""
    return (move_tip(session)["targets"],)


def move_tip_path(session: Session) -> Evidence:
    """The way of the setpoint in move_cp."""
    return (move_tip(session)["path"],)


def goal_of_tip(session: Session) -> Evidence:
    """The goal_cp of a move_cp."""
    kept = move_tip(session)
    return "goal_cp", kept["wanted"], kept["goal"], 5e-4


def goal_of_joints(session: Session) -> Evidence:
    """The goal_js of a move_jp."""
    start = ready(session)
    session.node.connect("move_jp")
    goal, since = stepped(session, start), session.node.now()
    session.move(lambda: session.node.send_joints("move_jp", goal))
    told = _last(session.recording.of(Joints, "goal_js", since))
    session.go(start)
    return "goal_js", goal, None if told is None else told.position, 1e-3


def pulse_of_a_move(session: Session) -> Evidence:
    """Events of a small move_jp."""
    start = ready(session)
    session.node.connect("move_jp")
    goal = stepped(session, start)
    events = session.move(lambda: session.node.send_joints("move_jp", goal))
    session.go(start)
    return events, 2.0 * EVENT_LIMIT


def pulse_of_no_way(topic: str) -> Callable[[Session], Evidence]:
    """Events of a move to where the arm is."""

    def probe(session: Session) -> Evidence:
        ready(session)
        session.node.connect(topic)
        if topic == "move_cp":
            here = session.setpoint_pose() or session.pose().pose
            events = session.move(lambda: session.node.send_pose(topic, here))
        else:
            prefix = topic.rpartition("move_jp")[0]
            q = session.where(prefix)
            events = session.move(lambda: session.node.send_joints(topic, q))
        return events, 2.0 * EVENT_LIMIT

    return probe


def preempted(session: Session) -> Evidence:
    """A second move before the first has ended: the arm goes where the second one says, and not first to the other."""

    def turn_back(start: tuple[float, ...]) -> None:
        session.move(lambda: session.node.send_joints("move_jp", start))
        session.node.until(lambda: not session.state().is_busy, 5.0)

    start, goal, path = _interrupted(session, turn_back)
    return start, goal, path


def held(session: Session) -> Evidence:
    """Hold in the middle of a move."""
    session.node.connect("hold")

    def hold(_start: tuple[float, ...]) -> None:
        session.node.send_empty("hold")
        session.node.wait(1.5)

    start, goal, path = _interrupted(session, hold)
    events = [session.state()]
    session.go(start)
    return goal, path, events


def _interrupted(session: Session, act: Callable[[tuple[float, ...]], None]) -> tuple[Any, Any, list[Joints]]:
    """Start, goal and setpoints of a move in whose first half something was done; a busy machine needs some tries."""
    for _ in range(TRIES):
        start, goal = begin_far_move(session)
        since, sent = session.node.now(), session.node.ros_now()
        act(start)
        path = _path_from(session, since, sent)
        if path and largest_difference(path[0].position, goal) > 0.5 * largest_difference(start, goal):
            break
        session.go(start)
    return start, goal, path


def _path_from(session: Session, since: float, sent: int) -> list[Joints]:
    """Setpoints from a command on: what this process had read by then is older than what the arm was doing."""
    topic = "setpoint_js" if session.setpoint() is not None else "measured_js"
    return [sample for sample in session.recording.of(Joints, topic, since) if sample.stamp >= sent]


def begin_far_move(session: Session) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Start a move of one joint that takes long enough to be stopped; its start and its goal.

    Raises:
        NotCheckedError: nothing moves.
    """
    start = ready(session)
    session.node.connect("move_jp")
    index = max(range(len(start)), key=lambda joint: abs(session.steps[joint]))
    way = LONG_MOVE * session.steps[index]
    goal = replaced(start, index, start[index] + way)
    session.node.send_joints("move_jp", goal)
    if not session.node.until(lambda: abs(session.where()[index] - start[index]) > 0.1 * abs(way), 3.0):
        raise NotCheckedError("the move did not begin")
    return start, goal


def jaw_move(session: Session) -> Evidence:
    """The jaw a little way and back by moves."""
    ready(session)
    session.node.connect("jaw/move_jp")
    start = session.where("jaw/")
    goal = (start[0] + (-JAW_STEP if start[0] > 0.2 else JAW_STEP),)
    targets = []
    for name, aim in (("there", goal), ("back", start)):
        origin = session.where("jaw/")
        session.move(lambda aim=aim: session.node.send_joints("jaw/move_jp", aim))  # type: ignore[misc]
        targets.append(
            JointTarget(name, origin, aim, session.setpoint("jaw/"), session.joints("jaw/measured_js").position)
        )
    return (targets,)


def stepped(session: Session, start: tuple[float, ...]) -> tuple[float, ...]:
    """All joints a small step on."""
    return tuple(x + step for x, step in zip(start, session.steps, strict=True))


def direction(session: Session) -> Any:
    """(3,) unit vector in the plain frame along which the tip can go."""
    here = session.setpoint_pose() or session.pose().pose
    way = session.near_pose().position - here.position
    return way / np.linalg.norm(way)


def _last(samples: list[Any]) -> Any:
    return samples[-1] if samples else None
