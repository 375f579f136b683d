"""Judging motions: followed, reached, straight, held, refused, and what silence does."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from conformance.samples import CartesianPose, Joints, State
from conformance.verdict import Verdict, judged, noted
from teleop_core.se3 import Pose, quaternion_angle

SETPOINT_JOINT, MEASURED_JOINT = 1e-3, 5e-3
"""A commanded joint is reached by setpoint and sensor within [rad, m]."""
SETPOINT_TIP, MEASURED_TIP = 5e-4, 2e-3
"""A commanded tip [m]. Within 2 mm is what dvrk_arm_test.py asks of servo_cp."""
TIP_ANGLE = 0.02
"""A commanded rotation [rad]."""
STRAIGHT = 2e-4
"""A move_cp is straight if the setpoint stays so near to the line [m]."""
STILL_JOINT = 1.5e-3
"""A joint that stands moves less [rad, m]."""
STILL_TIP = 5e-4
"""A tip that stands moves less [m]."""
HOLD_OVERRUN = 0.5
"""A held arm may use so much of what was left of its move to come to rest."""
RELATIVE_SHARE = 0.15
"""A relative motion adds up within this share."""


@dataclass(frozen=True)
class JointTarget:
    """What became of a joint command.

    Attributes:
        name: Of the joint, or what was commanded.
        start: Setpoint before it.
        wanted: Commanded positions.
        setpoint: Setpoint in the end; None: no setpoint is published.
        measured: Sensors in the end.
    """

    name: str
    start: tuple[float, ...]
    wanted: tuple[float, ...]
    setpoint: tuple[float, ...] | None
    measured: tuple[float, ...]


def joints_follow(targets: Sequence[JointTarget]) -> Verdict:
    """Setpoint and sensors come to what was commanded."""
    faults, worst = [], 0.0
    for target in targets:
        for what, reached, limit in (
            ("setpoint", target.setpoint, SETPOINT_JOINT),
            ("measured", target.measured, MEASURED_JOINT),
        ):
            if reached is None:
                continue
            off = largest_difference(reached, target.wanted)
            worst = max(worst, off)
            if not off <= limit:
                asked = largest_difference(target.start, target.wanted)
                faults.append(f"{target.name}: {what} is {off:.4f} off after a step of {asked:.4f}")
    return judged(faults, f"{len(targets)} steps, {worst:.5f} off at most") if targets else noted("no step was made")


def joints_add_up(target: JointTarget) -> Verdict:
    """A relative motion ends at the setpoint before it plus all that was commanded."""
    asked = largest_difference(target.start, target.wanted)
    reached = target.setpoint if target.setpoint is not None else target.measured
    off = largest_difference(reached, target.wanted)
    return Verdict(off <= RELATIVE_SHARE * asked + STILL_JOINT / 3.0, f"{asked:.4f} asked for, {off:.5f} off")


@dataclass(frozen=True)
class TipTarget:
    """What became of a cartesian command: start, wanted, setpoint in the end (None: not published), measured."""

    name: str
    start: Pose
    wanted: Pose
    setpoint: Pose | None
    measured: Pose


def tip_follows(targets: Sequence[TipTarget]) -> Verdict:
    """Setpoint and measured pose come to the commanded one."""
    faults, worst = [], 0.0
    for target in targets:
        for what, reached, limit in (
            ("setpoint", target.setpoint, SETPOINT_TIP),
            ("measured", target.measured, MEASURED_TIP),
        ):
            if reached is None:
                continue
            off = math.dist(reached.position, target.wanted.position)
            angle = quaternion_angle(reached.quaternion, target.wanted.quaternion)
            worst = max(worst, off)
            if not (off <= limit and angle <= TIP_ANGLE):
                asked = math.dist(target.start.position, target.wanted.position)
                faults.append(
                    f"{target.name}: {what} is {off * 1e3:.2f} mm and {angle:.3f} rad off after {asked * 1e3:.1f} mm"
                )
    return judged(faults, f"{len(targets)} goals, {worst * 1e3:.3f} mm off at most") if targets else noted("no goal")


def tip_travels(distance: float, path: Sequence[CartesianPose]) -> Verdict:
    """The tip went so far [m] from where it was, whatever the frame."""
    if len(path) < 2:
        return noted("no pose arrived")
    went = math.dist(path[0].pose.position, path[-1].pose.position)
    good = abs(went - distance) <= RELATIVE_SHARE * distance + STILL_TIP / 2.0
    return Verdict(good, f"{went * 1e3:.2f} of {distance * 1e3:.2f} mm")


def velocity_drives(speed: float, direction: Sequence[float], path: Sequence[CartesianPose]) -> Verdict:
    """While a twist is commanded the tip goes that way, about so fast [m/s].

    Args:
        speed: Commanded speed [m/s].
        direction: (3,) unit vector in the frame of the poses.
        path: Setpoints or measured poses from a while after the first command to the last.
    """
    if len(path) < 10:
        return noted("too few poses arrived")
    seconds = (path[-1].stamp - path[0].stamp) * 1e-9
    way = np.subtract(path[-1].pose.position, path[0].pose.position)
    along = float(np.dot(way, direction))
    across = float(np.linalg.norm(way - along * np.asarray(direction)))
    reached = along / max(seconds, 1e-9)
    good = abs(reached - speed) <= 0.3 * speed and across <= 0.2 * abs(along) + STILL_TIP
    return Verdict(good, f"{reached * 1e3:.2f} of {speed * 1e3:.2f} mm/s, {across * 1e3:.2f} mm across")


def straight(path: Sequence[CartesianPose]) -> Verdict:
    """The setpoint of a move_cp stays on the line. CRTK leaves the way open, so another one is told and not failed."""
    positions = np.array([sample.pose.position for sample in path])
    if len(positions) < 5:
        return noted("too few poses arrived")
    way = positions[-1] - positions[0]
    length = float(np.linalg.norm(way))
    if length < 10.0 * STRAIGHT:
        return noted("the tip did not go far enough to tell")
    across = (positions - positions[0]) - np.outer((positions - positions[0]) @ way / length**2, way)
    off = float(np.max(np.linalg.norm(across, axis=1)))
    if off <= STRAIGHT:
        return Verdict(True, f"{off * 1e3:.4f} mm off a line of {length * 1e3:.1f} mm")
    if off <= 0.2 * length:
        return noted(f"not along a line: {off * 1e3:.2f} mm off one of {length * 1e3:.1f} mm (CRTK leaves it open)")
    return Verdict(False, f"{off * 1e3:.2f} mm off a line of {length * 1e3:.1f} mm")


def goals(name: str, wanted: Sequence[float], told: Sequence[float] | None, limit: float) -> Verdict:
    """The published goal of a move is the commanded one."""
    if told is None or len(told) != len(wanted):
        return Verdict(False, f"{name} did not arrive during the move")
    off = largest_difference(told, wanted)
    return Verdict(off <= limit, f"{name} is {off:.5f} off the commanded goal")


def hold_stops(goal: tuple[float, ...], path: Sequence[Joints], events: Sequence[State]) -> Verdict:
    """After hold the arm comes to rest before its goal, stays there, and is not busy any more.

    Args:
        goal: Goal of the move.
        path: Setpoints (or sensors) from the moment of hold on, until long after the move would have ended.
        events: Operating states of the same time.
    """
    if len(path) < 10:
        return noted("too few joint states arrived")
    start = path[0].position
    left = largest_difference(start, goal)
    if not left > 2.0 * STILL_JOINT:
        return noted("the move was all but over when hold was sent")
    end = path[-1].position
    settled = [sample.position for sample in path[len(path) // 2 :]]
    drift = max(largest_difference(position, end) for position in settled)
    overrun = largest_difference(start, end)
    faults = []
    if not overrun <= HOLD_OVERRUN * left + STILL_JOINT:
        faults.append(f"went on for {overrun:.4f} of {left:.4f}")
    if not drift <= STILL_JOINT:
        faults.append(f"still drifts by {drift:.4f}")
    if events and events[-1].is_busy:
        faults.append("still busy")
    return judged(faults, f"stopped {overrun:.4f} on, {left:.4f} before the goal")


def preempts(second: tuple[float, ...], first: tuple[float, ...], path: Sequence[Joints]) -> Verdict:
    """A second move takes the place of the first: the arm turns back before the goal of the first.

    Args:
        second: Goal of the move that was sent last.
        first: Goal of the move that it interrupts.
        path: Setpoints (or sensors) from the second command to its end.
    """
    if len(path) < 5:
        return noted("too few joint states arrived")
    if not largest_difference(path[0].position, first) > 0.5 * largest_difference(second, first):
        return noted("the first move was more than half over when the second was sent")
    near = min(largest_difference(sample.position, first) for sample in path)
    off = largest_difference(path[-1].position, second)
    faults = []
    if not near > STILL_JOINT:
        faults.append("it first goes where the first one said")
    if not off <= SETPOINT_JOINT + STILL_JOINT:
        faults.append(f"it ends {off:.4f} off the goal of the second")
    return judged(faults, f"turned back {near:.4f} before the first goal")


@dataclass(frozen=True)
class Silence:
    """What happened after the last message of a stream of servo commands.

    Attributes:
        command: The command, e.g. ``servo_cv``.
        travel: How far the tip went on after it [m].
        later: How far it went in the last half second of the watch [m].
        state: State at the end of the watch.
        seconds: Length of the watch [s].
    """

    command: str
    travel: float
    later: float
    state: str
    seconds: float


def silence(observed: Sequence[Silence], policy: str) -> Verdict:
    """What an arm does when commands stop, beside what it declares.

    Args:
        observed: For each command.
        policy: Text of the latched topic stop_policy; empty: none is published.
    """
    if not observed:
        return noted("no servo command is offered")
    seen = {item.command: _what_happened(item) for item in observed}
    told = ", ".join(f"{command}: {what}" for command, what in seen.items())
    declared = declared_policy(policy)
    if not declared:
        return noted(f"no stop policy is declared (CRTK has none); seen within {observed[0].seconds:g} s: {told}")
    faults = [
        f"declared {declared}, but {command} {what}" for command, what in seen.items() if not what.startswith(declared)
    ]
    return judged(faults, f"declared {declared}; {told}")


def declared_policy(policy: str) -> str:
    """The word of a stop policy: hold, drift or fault; empty if it has none of them.

    Args:
        policy: A JSON object with the key ``on_silence``, or words that begin with one of the three.
    """
    try:
        value = json.loads(policy)
    except ValueError:
        value = policy
    word = str(value.get("on_silence", "") if isinstance(value, dict) else value).lower().replace(":", " ").split()
    return word[0] if word and word[0] in ("hold", "drift", "fault") else ""


def _what_happened(item: Silence) -> str:
    if item.state == "FAULT":
        return "fault"
    if item.later <= STILL_TIP:
        return f"hold after {item.travel * 1e3:.2f} mm"
    return f"drift of {item.travel * 1e3:.1f} mm and going on"


def largest_difference(first: Sequence[float], second: Sequence[float]) -> float:
    """Largest difference of the same joint; infinite where the sizes differ."""
    if len(first) != len(second):
        return math.inf
    return max((abs(a - b) for a, b in zip(first, second, strict=True)), default=0.0)
