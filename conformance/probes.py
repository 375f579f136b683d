"""Gathering what the judges of topics, streams, kinematics and states need: nothing here moves the arm."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from conformance.features import STREAMS, clients
from conformance.judge_kinematics import Answer, JointTrial
from conformance.judge_states import ENABLED, UNKNOWN, WALK, Step
from conformance.samples import Matrix, Number, State
from conformance.session import READY_LIMIT, Session, replaced
from conformance.verdict import NotCheckedError
from teleop_core.se3 import Pose

STAMPED = (*STREAMS, "spatial/measured_cf", "body/measured_cf")
POSES = ("measured_cp", "setpoint_cp", "goal_cp", "local/measured_cp", "local/setpoint_cp")
FRAMED = (*POSES, "measured_cv", "setpoint_cv")
JOINT_STREAMS = ("measured_js", "setpoint_js", "goal_js", "jaw/measured_js", "jaw/setpoint_js")
MEASURED_POSES = ("measured_cp", "local/measured_cp")
LATE_LIMIT = 2.0
"""A late subscriber knows the state after this time [s]."""
UNREACHABLE = 10.0
"""No arm at a table gets so far [m]."""

Evidence = tuple[Any, ...]


def offered(session: Session, topics: tuple[str, ...]) -> list[str]:
    """Those of the topics that the arm publishes."""
    return [topic for topic in topics if session.graph.published(topic)]


def graph(session: Session) -> Evidence:
    """What is offered."""
    return (session.graph,)


def graph_and_clients(session: Session) -> Evidence:
    """What is offered, and who would use it."""
    return session.graph, clients(session.node.arm)


def late_state(session: Session) -> Evidence:
    """How a client that comes now learns the state."""
    kind = session.graph.type_of("operating_state")
    latched = session.node.hear_late("operating_state", kind, True, LATE_LIMIT / 2.0)
    repeated = [] if latched else session.node.hear_late("operating_state", kind, False, LATE_LIMIT)
    served = not latched and not repeated and "operating_state" in session.graph.services
    return latched, repeated, served and session.node.state_service() is not None


def recording(session: Session) -> Evidence:
    """All that arrived."""
    return (session.recording,)


def stamped(session: Session) -> Evidence:
    """Streams with stamps."""
    return session.recording, offered(session, STAMPED)


def stamped_and_ready(session: Session) -> Evidence:
    """Streams with stamps, and whether their data has to be valid."""
    ready = session.graph.published("operating_state") and session.state().state == ENABLED
    return session.recording, offered(session, STAMPED), ready and session.state().is_homed


def streams_and_events(session: Session) -> Evidence:
    """Streams, whose stamps never fall, and events, whose stamps rise."""
    return session.recording, offered(session, STAMPED), offered(session, ("operating_state",))


def measured_poses(session: Session) -> Evidence:
    """Poses that are worked out from measured joints."""
    return session.recording, offered(session, MEASURED_POSES)


def joint_streams(session: Session) -> Evidence:
    """Streams of joints."""
    return session.recording, offered(session, JOINT_STREAMS)


def moving_joint_streams(session: Session) -> Evidence:
    """Streams of joints that move through space; a goal may jump."""
    return session.recording, [topic for topic in offered(session, JOINT_STREAMS) if "goal" not in topic]


def framed(session: Session) -> Evidence:
    """Streams with a frame."""
    return session.recording, offered(session, FRAMED)


def jacobian_topics(session: Session) -> Evidence:
    """Jacobians, and how many joints they are about."""
    count = len(session.joints().position)
    return session.recording, dict.fromkeys(session.recording.topics(Matrix), count)


# services


def forward_pairs(session: Session, service: str, topic: str) -> Evidence:
    """Published poses and what the service says of the joints with the same stamp."""
    pairs = session.same_stamp(topic, "measured_js", 5)
    answers = [(pose, session.node.forward(service, joints.position)) for pose, joints in pairs]
    if any(answer is None for _, answer in answers):
        raise NotCheckedError(f"{service} does not answer")
    return [(pose.pose, answer) for pose, answer in answers], topic


def forward_trials(session: Session) -> Evidence:
    """What the service says of each joint turned a little."""
    service = local_service(session, "forward_kinematics")
    joints = session.joints()
    here = session.forward(service, joints.position)
    trials = []
    for index, x in enumerate(joints.position):
        step = session.steps[index]
        there = session.forward(service, replaced(joints.position, index, x + step))
        trials.append(JointTrial(joints.names[index] if joints.names else str(index), step, here, there))
    return (trials,)


def inverse_round_trip(session: Session) -> Evidence:
    """From joints to a pose and back, some way from where the arm is."""
    service = local_service(session, "inverse_kinematics")
    forward = service.replace("inverse", "forward")
    if forward not in session.graph.services:
        raise NotCheckedError(f"there is no {forward} to compare with")
    q = tuple(x + step for x, step in zip(session.joints().position, session.steps, strict=True))
    pose = session.forward(forward, q)
    answer = session.node.inverse(service, pose, session.joints().position)
    if answer is None:
        return pose, q, Answer(None, (), False, "no answer"), None
    again = session.forward(forward, answer.joints) if answer.result and len(answer.joints) == len(q) else None
    return pose, q, answer, again


def services_asked_badly(session: Session) -> Evidence:
    """Answers of the kinematics services to what has none."""
    services, q = session.graph.services, session.joints().position
    answers: list[tuple[str, Answer | None]] = []
    if "forward_kinematics" in services:
        answers.append(("forward, one joint too many", session.node.forward("forward_kinematics", (*q, 0.0))))
        answers.append(("forward of NaN", session.node.forward("forward_kinematics", (math.nan,) * len(q))))
    if "inverse_kinematics" in services:
        far = Pose(np.full(3, UNREACHABLE), np.array([0.0, 0.0, 0.0, 1.0]))
        nowhere = Pose(np.full(3, math.nan), np.array([0.0, 0.0, 0.0, 1.0]))
        answers.append((f"inverse, {UNREACHABLE:g} m away", session.node.inverse("inverse_kinematics", far, q)))
        answers.append(("inverse of NaN", session.node.inverse("inverse_kinematics", nowhere, q)))
    return (answers,)


def local_service(session: Session, name: str) -> str:
    """The service in the arm's own base where there is one."""
    local = f"local/{name}"
    return local if local in session.graph.services else name


# state commands: they move nothing, but they change whether the arm may move


def readiness(session: Session) -> Evidence:
    """The state of the arm, which should be ready."""
    return (session.state(),)


def standing(session: Session) -> Evidence:
    """All that arrived of an arm that is ready and stands."""
    session.need_ready()
    return recording(session)


def walk_through_states(session: Session) -> Evidence:
    """A way through the whole table of transitions."""
    return (session_walk(session),)


def session_walk(session: Session) -> list[Step]:
    """The walk of this session; it is made once and judged twice."""
    if "walk" not in session.kept:
        session.need_ready()
        session.kept["walk"] = [session.command(word) for word in WALK]
        session.get_ready()
    found: list[Step] = session.kept["walk"]
    return found


def unknown_command(session: Session) -> Evidence:
    """A state command that no arm knows."""
    session.need_ready()
    session.away_from_words()
    return session.command(UNKNOWN), session.words_are_offered


def homing(session: Session) -> Evidence:
    """Home again where the arm is homed; the way back and forth only where that was allowed."""
    session.need_ready()
    steps = list(session.homing)
    if session.may_unhome:
        steps += [session.command("unhome", READY_LIMIT), session.command("home", READY_LIMIT)]
    steps.append(session.command("home", READY_LIMIT))
    return (steps,)


def events(session: Session) -> Evidence:
    """All events of the operating state in this session."""
    return (session.recording.of(State, "operating_state"),)


def ratio(session: Session) -> Evidence:
    """The ratio of speed set to a half, then to nonsense, then back."""
    session.need_ready()
    topic = "trajectory_j/set_ratio"
    session.node.connect(topic)

    def told() -> float | None:
        found = session.recording.of(Number, "trajectory_j/ratio")
        return found[-1].value if found else None

    def set_to(value: float) -> float | None:
        session.node.send_number(topic, value)
        session.node.until(lambda: told() == value, 1.5)
        return told()

    before = told()
    back = before if before is not None else 1.0
    session.away_from_words()
    first = set_to(0.5 if back != 0.5 else 0.6)
    asked = 0.5 if back != 0.5 else 0.6
    since = session.node.now()
    for value in (math.nan, 0.0, 2.0):
        session.node.send_number(topic, value)
        session.node.wait(0.3)
    session.node.until(lambda: bool(session.texts(since)), 1.0)
    after, texts = told(), session.texts(since)
    set_to(back)
    return asked, first, back, after, texts, session.words_are_offered
