"""Gathering what the judge of refusals needs: commands that make no sense, one at a time.

A robot that does not look at its commands may obey them. Each one is small where that is possible, and at the first
sign of a motion the arm is held and brought back.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from conformance.judge_motion import STILL_JOINT, largest_difference
from conformance.judge_refusals import BadCommand
from conformance.judge_states import ENABLED
from conformance.motion_probes import ready, stepped
from conformance.samples import Joints
from conformance.session import STEP_SLIDE, Session, replaced
from conformance.verdict import NotCheckedError
from teleop_core.se3 import Pose

Evidence = tuple[Any, ...]
ANSWER = 1.0
"""Words come within this time [s]."""
WATCH = 0.4
"""The arm is watched at least so long after a command [s]."""
ALIVE = 2.0
"""An arm that publishes nothing for so long has gone silent [s]."""
FAR = 10.0
"""No arm at a table gets so far [m]; and no joint turns so many times further [rad]."""
NO_SUCH = "no_such"

Send = Callable[[], None]


def tried(session: Session, commands: Iterable[tuple[str, str, Send]]) -> list[BadCommand]:
    """Send each command whose topic is accepted: (topic, what is wrong with it, how it is sent)."""
    start = ready(session)
    found = []
    for topic, wrong, send in commands:
        if session.graph.accepted(topic):
            found.append(_one(session, topic, wrong, send))
            if found[-1].state != ENABLED:
                break
            session.go(start)
    return found


def _one(session: Session, topic: str, wrong: str, send: Send) -> BadCommand:
    session.node.connect(topic)
    session.away_from_words()
    prefix = "jaw/" if topic.startswith("jaw/") else ""
    before, since = session.where(prefix), session.node.now()

    def moved() -> float:
        return largest_difference(session.where(prefix), before)

    send()
    session.node.until(lambda: moved() > STILL_JOINT, WATCH)
    if moved() > STILL_JOINT:
        session.stop()
    session.node.until(lambda: bool(session.texts(since)), ANSWER - WATCH)
    end, topic = session.node.now(), f"{prefix}measured_js"
    alive = session.node.until(lambda: bool(session.recording.of(Joints, topic, end)), ALIVE)
    return BadCommand(f"{topic} {wrong}", session.texts(since), moved(), alive, session.state().state)


def not_finite(session: Session) -> Evidence:
    """NaN in each kind of command."""
    node, q = session.node, session.where()
    nan, nowhere = replaced(q, 0, math.nan), Pose(np.full(3, math.nan), np.array([0.0, 0.0, 0.0, 1.0]))
    commands: list[tuple[str, str, Send]] = [
        (topic, "with NaN", lambda topic=topic: node.send_joints(topic, nan))  # type: ignore[misc]
        for topic in ("servo_jp", "servo_jr", "interpolate_jp", "move_jp", "move_jr")
    ]
    commands += [
        (topic, "with NaN", lambda topic=topic: node.send_pose(topic, nowhere))  # type: ignore[misc]
        for topic in ("servo_cp", "servo_cr", "interpolate_cp", "move_cp")
    ]
    commands.append(("servo_cv", "with NaN", lambda: node.send_twist("servo_cv", (math.nan,) * 6)))
    commands += [
        (topic, "with NaN", lambda topic=topic: node.send_joints(topic, (math.nan,)))  # type: ignore[misc]
        for topic in ("jaw/servo_jp", "jaw/move_jp")
    ]
    return tried(session, commands), session.words_are_offered


def wrong_size(session: Session) -> Evidence:
    """One joint too few or too many, and none at all."""
    node, q = session.node, session.where()
    commands: list[tuple[str, str, Send]] = [
        ("servo_jp", "with a joint too few", lambda: node.send_joints("servo_jp", q[:-1])),
        ("servo_jp", "with no joint", lambda: node.send_joints("servo_jp", ())),
        ("interpolate_jp", "with a joint too many", lambda: node.send_joints("interpolate_jp", (*q, 0.0))),
        ("move_jp", "with a joint too many", lambda: node.send_joints("move_jp", (*q, 0.0))),
        ("jaw/servo_jp", "with two jaws", lambda: node.send_joints("jaw/servo_jp", (0.1, 0.1))),
    ]
    return tried(session, commands), session.words_are_offered


def wrong_names(session: Session) -> Evidence:
    """Joints that the arm does not have, a small step away."""
    node, goal = session.node, stepped(session, session.where())
    names = [f"{NO_SUCH}_joint_{index}" for index in range(len(goal))]
    commands: list[tuple[str, str, Send]] = [
        ("servo_jp", "for other joints", lambda: node.send_joints("servo_jp", goal, names)),
        ("move_jp", "for other joints", lambda: node.send_joints("move_jp", goal, names)),
    ]
    return tried(session, commands), session.words_are_offered, True


def wrong_frame(session: Session) -> Evidence:
    """A pose in a frame that nobody knows, a small step away."""
    node, near = session.node, session.near_pose()
    commands: list[tuple[str, str, Send]] = [
        (topic, f"in frame {NO_SUCH}_frame", lambda topic=topic: node.send_pose(topic, near, f"{NO_SUCH}_frame"))  # type: ignore[misc]
        for topic in ("servo_cp", "move_cp")
    ]
    return tried(session, commands), session.words_are_offered, True


def no_rotation(session: Session) -> Evidence:
    """A pose whose quaternion is of length 0."""
    node, near = session.node, session.near_pose()
    none = Pose(near.position, np.zeros(4))
    commands: list[tuple[str, str, Send]] = [
        (topic, "with no rotation", lambda topic=topic: node.send_pose(topic, none))  # type: ignore[misc]
        for topic in ("servo_cp", "move_cp")
    ]
    return tried(session, commands), session.words_are_offered


def unreachable(session: Session) -> Evidence:
    """A pose and joints that no arm reaches, as the goal of a move."""
    node, q = session.node, session.where()
    here = session.setpoint_pose() or session.pose().pose
    far = Pose(here.position + FAR, here.quaternion)
    commands: list[tuple[str, str, Send]] = [
        ("move_cp", f"{FAR:g} m away", lambda: node.send_pose("move_cp", far)),
        ("move_jp", f"of {FAR * FAR:g} rad", lambda: node.send_joints("move_jp", replaced(q, 0, FAR * FAR))),
    ]
    return tried(session, commands), session.words_are_offered


def names_in_another_order(session: Session) -> Evidence:
    """A small step with two names and their positions exchanged; only of joints that stand near to each other.

    An arm that goes by place gets the position of the other joint, so the two must be almost the same.
    """
    start = ready(session)
    names = session.joints().names
    if not names or len(names) != len(start):
        raise NotCheckedError("the joints have no names")
    first, second = _near_pair(start)
    wanted = replaced(start, first, start[first] + STEP_SLIDE)
    by_place = _exchanged(wanted, first, second)
    session.node.connect("servo_jp")
    session.away_from_words()
    since = session.node.now()
    sent_names = _exchanged(names, first, second)
    way = np.subtract(by_place, start)
    session.stream(lambda share: session.node.send_joints("servo_jp", start + share * way, sent_names), 0.5)
    reached, texts = session.where(), session.texts(since)
    session.go(start)
    return wanted, by_place, start, reached, texts


def _near_pair(q: Sequence[float]) -> tuple[int, int]:
    pairs = [(abs(q[i] - q[j]), i, j) for i in range(len(q)) for j in range(i)]
    apart, first, second = min(pairs, default=(math.inf, 0, 0))
    if apart > 2.0 * STEP_SLIDE:
        raise NotCheckedError("no two joints stand near enough to each other to exchange their names without danger")
    return first, second


def _exchanged(values: Sequence[Any], first: int, second: int) -> tuple[Any, ...]:
    found = list(values)
    found[first], found[second] = found[second], found[first]
    return tuple(found)
