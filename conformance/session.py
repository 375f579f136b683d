"""One arm under check: what it offers, what it last said, and the ways to command it that the probes share."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from typing import Any

import numpy as np

from conformance.features import PUBLISHED
from conformance.judge_kinematics import Answer, same_pose
from conformance.judge_motion import largest_difference
from conformance.judge_states import ENABLED, PAUSED, Step
from conformance.samples import CartesianPose, Graph, Joints, Recording, Sample, State, Text
from conformance.verdict import NotCheckedError
from teleop_core.se3 import Pose, compose, inverse, slerp

EVENT_LIMIT = 1.0
"""An event comes within this time of a command [s]."""
READY_LIMIT = 20.0
"""Homing takes no longer [s]."""
MOVE_LIMIT = 15.0
"""Nor does a move of this check [s]."""
SERVO_RATE, INTERPOLATE_RATE = 100.0, 20.0
"""Commands of a second: the rate of dvrk_arm_test.py, and that of a slow tracker."""
STEP_ROTARY, STEP_SLIDE = 0.03, 0.003
"""Motions are so small [rad], [m]."""
SERVO_SECONDS = 0.6
"""A small motion takes so long [s]."""
SETTLE = 0.25
"""The arm stands so long after its last command [s]."""
WORDS_APART = 1.2
"""Servers tell what comes often once a second: a check that waits for words keeps away from earlier ones [s]."""


class Session:
    """An arm on the network, seen through its client.

    Args:
        node: The client (conformance.arm_node.ArmNode), which listens.
        graph: What the arm offers.
        may_unhome: The arm may be unhomed and homed again, a large motion on some robots.
        least_rate: Least rate of its streams [Hz].

    Attributes:
        found: Operating state in the beginning; None: not known.
        is_hand: A master whose joints never arrive: hands without motors, of which only what they say is checked.
        homing: The homing that was needed in the beginning.
        kept: What one probe gathered and others use too, by name.
    """

    def __init__(self, node: Any, graph: Graph, may_unhome: bool = False, least_rate: float = 50.0) -> None:
        self.node = node
        self.graph = graph
        self.may_unhome = may_unhome
        self.least_rate = least_rate
        self.found: State | None = None
        self.is_hand = False
        self.homing: tuple[Step, ...] = ()
        self.kept: dict[str, Any] = {}
        self.recording: Recording = node.recording
        self.words_are_offered = graph.published("error") or graph.published("warning")

    # what it said last

    def state(self) -> State:
        """Operating state as last heard, or as it was when the session began.

        Raises:
            NotCheckedError: it is not known.
        """
        heard = self.recording.of(State, "operating_state")
        if not heard and self.found is None:
            raise NotCheckedError("no operating_state arrives")
        return heard[-1] if heard or self.found is None else self.found

    def is_silent(self, topic: str) -> bool:
        """Whether a hand offers a topic on which it says nothing; events come when there is one."""
        spoken = self.graph.published(topic) and topic != "operating_state"
        return self.is_hand and spoken and not self.recording.heard(topic)

    def find_state(self) -> None:
        """Learn the state of an arm that was there before: kept for late subscribers, or served."""
        kind = self.graph.type_of("operating_state")
        if kind == PUBLISHED["operating_state"]:
            kept = self.node.hear_late("operating_state", kind, True, EVENT_LIMIT)
            served = "operating_state" in self.graph.services and not kept
            self.found = kept[-1] if kept else self.node.state_service() if served else None

    def joints(self, topic: str = "measured_js") -> Joints:
        """Joints as last heard.

        Raises:
            NotCheckedError: none were heard.
        """
        joints: Joints = self._newest(Joints, topic)
        return joints

    def pose(self, topic: str = "measured_cp") -> CartesianPose:
        """Pose as last heard.

        Raises:
            NotCheckedError: none was heard.
        """
        pose: CartesianPose = self._newest(CartesianPose, topic)
        return pose

    def _newest(self, kind: type[Any], topic: str) -> Any:
        samples = self.recording.of(kind, topic)
        if not samples:
            raise NotCheckedError(f"no {topic} arrives")
        return samples[-1]

    def where(self, prefix: str = "") -> tuple[float, ...]:
        """Setpoint of the joints, or the sensors of an arm that tells no setpoint."""
        topic = f"{prefix}setpoint_js"
        return (
            self.joints(topic) if self.recording.of(Joints, topic) else self.joints(f"{prefix}measured_js")
        ).position

    def setpoint(self, prefix: str = "") -> tuple[float, ...] | None:
        """Setpoint of the joints; None where none is published."""
        topic = f"{prefix}setpoint_js"
        return self.joints(topic).position if self.recording.of(Joints, topic) else None

    def setpoint_pose(self) -> Pose | None:
        """Setpoint of the tip; None where none is published or it is said to be not valid."""
        samples = self.recording.of(CartesianPose, "setpoint_cp")
        return samples[-1].pose if samples and samples[-1].stamp else None

    def texts(self, since: float) -> tuple[Text, ...]:
        """Errors and warnings after `since`."""
        return tuple(self.recording.texts(since))

    @property
    def base(self) -> str:
        """Prefix of the poses in the arm's own base where there are any, else of the plain ones."""
        return "local/" if self.recording.of(CartesianPose, "local/measured_cp") else ""

    def same_stamp(self, first: str, second: str, count: int) -> list[tuple[Any, Any]]:
        """The newest pairs of messages of two topics with one stamp."""
        others = {sample.stamp: sample for sample in self.recording.of(Sample, second) if sample.stamp}
        samples = [sample for sample in self.recording.of(Sample, first) if sample.stamp in others]
        return [(sample, others[sample.stamp]) for sample in samples[-count:]]

    # kinematics

    @cached_property
    def forward_service(self) -> str:
        """Forward kinematics of the plain frame, in which commands are; empty if there is none."""
        return "forward_kinematics" if "forward_kinematics" in self.graph.services else ""

    def forward(self, service: str, joints: Sequence[float]) -> Pose:
        """Pose of joints.

        Raises:
            NotCheckedError: the service does not say.
        """
        answer: Answer | None = self.node.forward(service, joints)
        if answer is None or not answer.result or answer.pose is None:
            raise NotCheckedError(f"{service} gives no pose: {answer.message if answer else 'no answer'}")
        return answer.pose

    @cached_property
    def steps(self) -> tuple[float, ...]:
        """A small step of each joint, towards zero, or up from it. Forward kinematics tell a slide from a hinge."""
        q = self.joints().position
        service = "local/forward_kinematics" if self.base else "forward_kinematics"
        if service not in self.graph.services:
            return tuple(_towards_zero(x, STEP_SLIDE) for x in q)
        here = self.forward(service, q)
        found = []
        for index, x in enumerate(q):
            step = _towards_zero(x, STEP_SLIDE)
            _, turned = same_pose(here, self.forward(service, replaced(q, index, x + step)))
            found.append(_towards_zero(x, STEP_ROTARY) if turned > 0.5 * STEP_SLIDE else step)
        return tuple(found)

    def near_pose(self) -> Pose:
        """A pose that the arm can reach, some millimetres away, in the plain frame."""
        here = self.setpoint_pose() or self.pose().pose
        if not self.forward_service:
            return Pose(here.position + np.array([0.002, 0.0, 0.0]), here.quaternion)
        q = self.where()
        other = self.forward(self.forward_service, [x + 0.7 * step for x, step in zip(q, self.steps, strict=True)])
        # The service may speak of another frame than the poses: what counts is the motion between two of its answers.
        from_service = self.forward(self.forward_service, q)
        return compose(compose(here, inverse(from_service)), other)

    # commands

    def command(self, word: str, limit: float = EVENT_LIMIT) -> Step:
        """A state command and what follows it: the events of `limit` seconds, fewer once the arm is not busy."""
        before = self.state()
        since = self.node.now()
        self.node.send_state_command(word)

        def events() -> list[State]:
            return self.recording.of(State, "operating_state", since)

        self.node.until(lambda: bool(events()), min(limit, EVENT_LIMIT))
        if events():
            self.node.wait(0.1)
            self.node.until(lambda: not self.state().is_busy, limit)
        return Step(before, word, tuple(events()), self.texts(since))

    def get_ready(self) -> None:
        """Enable and home the arm, as far as it is not: in the beginning, and after state commands of this check.

        Raises:
            NotCheckedError: it does not get ready.
        """
        self.node.connect("state_command")
        if self.found is None and not self.recording.of(State, "operating_state"):
            self.node.send_state_command("enable")  # its event tells the state
            self.node.until(lambda: bool(self.recording.of(State, "operating_state")), READY_LIMIT)
        if self.state().state == PAUSED:
            self.command("resume")
        if self.state().state != ENABLED:
            self.command("enable", READY_LIMIT)
            self.node.until(lambda: self.state().state == ENABLED, READY_LIMIT)
        if not self.state().is_homed:
            self.homing = (self.command("home", READY_LIMIT),)
            self.node.until(lambda: self.state().is_homed and not self.state().is_busy, READY_LIMIT)
        self.need_ready()
        self._wait_until_it_moves()

    def need_ready(self) -> None:
        """The arm is enabled and homed; if it is not any more, somebody stopped it, and it is left so.

        Raises:
            NotCheckedError: it is not.
        """
        state = self.state()
        if state.state != ENABLED or not state.is_homed:
            raise NotCheckedError(f"the arm is {state.state}, {'' if state.is_homed else 'not '}homed; it is left so")

    def _wait_until_it_moves(self) -> None:
        """A server may let nothing move for a while after it was enabled; a move to where it stands tells."""
        if self.is_hand or not self.graph.accepted("move_jp"):
            return

        def takes_a_move() -> bool:
            since = self.node.now()
            self.node.send_joints("move_jp", self.where())
            return bool(
                self.node.until(lambda: any(e.is_busy for e in self.recording.of(State, "operating_state", since)), 0.5)
            )

        end = self.node.now() + READY_LIMIT / 2.0
        while not takes_a_move() and self.node.now() < end:
            self.node.wait(0.5)
        self.node.until(lambda: not self.state().is_busy, MOVE_LIMIT)

    def stream(self, send: Callable[[float], None], seconds: float, rate: float = SERVO_RATE) -> None:
        """Send a smooth way from 0 to 1, so many messages a second, and stay at its end for a moment."""
        for fraction in smooth_way(seconds, rate):
            send(fraction)
            self.node.wait(1.0 / rate)
        self.node.wait(SETTLE)

    def servo_joints(self, topic: str, goal: Sequence[float], seconds: float = SERVO_SECONDS, prefix: str = "") -> None:
        """Stream joint positions from the setpoint to a goal."""
        start = np.array(self.where(prefix))
        rate = INTERPOLATE_RATE if "interpolate" in topic else SERVO_RATE
        way = np.array(goal) - start
        self.stream(lambda fraction: self.node.send_joints(topic, start + fraction * way), seconds, rate)

    def servo_tip(self, topic: str, goal: Pose, seconds: float = SERVO_SECONDS) -> None:
        """Stream poses from the setpoint to a goal."""
        start = self.setpoint_pose() or self.pose().pose
        rate = INTERPOLATE_RATE if "interpolate" in topic else SERVO_RATE

        def send(fraction: float) -> None:
            position = start.position + fraction * (goal.position - start.position)
            self.node.send_pose(topic, Pose(position, slerp(start.quaternion, goal.quaternion, fraction)))

        self.stream(send, seconds, rate)

    def move(self, send: Callable[[], None], limit: float = MOVE_LIMIT) -> tuple[State, ...]:
        """Send a move and wait for its end, as clients do; the events since."""
        since = self.node.now()
        send()

        def events() -> list[State]:
            return self.recording.of(State, "operating_state", since)

        if self.node.until(lambda: any(event.is_busy for event in events()), 2.0 * EVENT_LIMIT):
            self.node.until(lambda: not events()[-1].is_busy, limit)
        self.node.wait(SETTLE)
        return tuple(events())

    def go(self, goal: Sequence[float]) -> None:
        """Bring the joints there by whatever command the arm takes."""
        if largest_difference(self.where(), goal) < 1e-4:
            return
        if self.graph.accepted("move_jp"):
            self.move(lambda: self.node.send_joints("move_jp", goal))
        elif self.graph.accepted("servo_jp"):
            self.servo_joints("servo_jp", goal, 2.0 * SERVO_SECONDS)

    def stop(self) -> None:
        """Hold the arm, where it takes that."""
        if self.graph.accepted("hold"):
            self.node.send_empty("hold")
            self.node.wait(SETTLE)

    def away_from_words(self) -> None:
        """Wait until the last words of the server are old enough for new ones."""
        texts = self.recording.texts(float("-inf"))
        if texts:
            newest = max(text.arrived for text in texts)
            self.node.until(lambda: bool(self.node.now() - newest > WORDS_APART), WORDS_APART)


def smooth_way(seconds: float, rate: float) -> Iterator[float]:
    """From 0 to 1 with no speed at either end, in steps of 1 / rate, and the end for a tenth of a second more."""
    count = max(1, round(seconds * rate))
    for index in range(1, count + 1):
        yield 0.5 * (1.0 - math.cos(math.pi * index / count))
    for _ in range(max(1, round(0.1 * rate))):
        yield 1.0


def replaced(values: Sequence[float], index: int, value: float) -> tuple[float, ...]:
    """The values with one of them replaced."""
    return (*values[:index], value, *values[index + 1 :])


def _towards_zero(position: float, step: float) -> float:
    return -step if position > 0.0 else step
