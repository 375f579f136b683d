"""Judging what joints and poses say of each other: services, units, frames that move rigidly, velocities."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from conformance.samples import CartesianPose, Joints, Vectors
from conformance.verdict import Verdict, judged, noted
from teleop_core.se3 import FloatArray, Pose, compose, inverse, quaternion_angle

SAME_POSITION, SAME_ANGLE = 5e-4, 2e-3
"""Two ways to the same pose agree within [m, rad]."""
SAME_JOINT = 1e-3
"""The same for joints [rad, m]."""
UNIT_TOLERANCE = 0.1
"""A joint's own motion and the tip's agree within this share of it."""
RIGID_POSITION, RIGID_ANGLE = 1.5e-3, 1e-2
"""A frame that only moved with its parent is off by less [m, rad]; measured values have noise."""
VELOCITY_SHARE, VELOCITY_FLOOR = 0.3, 0.01
"""A velocity agrees with the difference of positions within this share of the fastest, and this floor."""
MOVING = 0.3
"""What is slower than this share of the fastest is not compared."""


@dataclass(frozen=True)
class Answer:
    """What a kinematics service answered: a pose or joints, whether it has a result, and its words."""

    pose: Pose | None
    joints: tuple[float, ...]
    result: bool
    message: str


@dataclass(frozen=True)
class JointTrial:
    """Poses of the tip before and after one joint was turned (rad) or slid (m) by `step`."""

    name: str
    step: float
    before: Pose
    after: Pose


def same_pose(first: Pose, second: Pose) -> tuple[float, float]:
    """How far two poses are apart [m], [rad]."""
    return math.dist(first.position, second.position), quaternion_angle(first.quaternion, second.quaternion)


def forward_agrees(pairs: Sequence[tuple[Pose, Answer]], topic: str) -> Verdict:
    """The service and the published pose of the same joints agree.

    Args:
        pairs: Published pose and the answer for the joints with the same stamp.
        topic: Where the pose was published.
    """
    if not pairs:
        return noted(f"no {topic} has the stamp of a measured_js")
    faults, worst = [], (0.0, 0.0)
    for pose, answer in pairs:
        if not answer.result or answer.pose is None:
            return Verdict(False, f"refuses the measured joints: {answer.message or 'no reason'}")
        position, angle = same_pose(pose, answer.pose)
        worst = max(worst, (position, angle))
        if not (position <= SAME_POSITION and angle <= SAME_ANGLE):
            faults.append(f"{position * 1e3:.2f} mm and {angle:.4f} rad off {topic}")
    return judged(faults, f"{worst[0] * 1e3:.3f} mm and {worst[1]:.5f} rad off {topic} at most")


def forward_has_units(trials: Sequence[JointTrial]) -> Verdict:
    """A rotary joint turned by x rad turns the tip by x; a slide moves it by its metres and does not turn it."""
    faults, kinds = [], []
    for trial in trials:
        moved, turned = same_pose(trial.before, trial.after)
        step = abs(trial.step)
        if abs(turned - step) <= UNIT_TOLERANCE * step:
            kinds.append("rotary")
        elif abs(moved - step) <= UNIT_TOLERANCE * step and turned <= UNIT_TOLERANCE * step:
            kinds.append("slide")
        else:
            faults.append(f"{trial.name} by {step:g} moves the tip by {moved:.5f} and turns it by {turned:.5f}")
    return judged(faults, f"{kinds.count('rotary')} rotary joints in radians, {kinds.count('slide')} slides in metres")


def inverse_agrees(pose: Pose, joints: tuple[float, ...], answer: Answer, again: Pose | None) -> Verdict:
    """From the pose of joints back to them.

    Args:
        pose: Pose that was asked for.
        joints: Joints it was worked out from, given as the start of the search.
        answer: Joints of the service.
        again: Pose of those joints by the forward service; None where there is none.
    """
    if not answer.result or len(answer.joints) != len(joints):
        return Verdict(False, f"finds no joints for a pose that the arm has: {answer.message or 'no reason'}")
    off = max(abs(a - b) for a, b in zip(answer.joints, joints, strict=True))
    if again is not None:
        position, angle = same_pose(pose, again)
        fault = not (position <= SAME_POSITION and angle <= SAME_ANGLE)
        detail = f"pose off by {position * 1e3:.4f} mm and {angle:.5f} rad, joints by {off:.5f}"
        return Verdict(not fault, detail)
    return Verdict(off <= SAME_JOINT, f"joints off by {off:.5f}")


def services_refuse(answers: Sequence[tuple[str, Answer | None]]) -> Verdict:
    """What cannot be answered is told.

    Args:
        answers: What was asked, and the answer; None: none came.
    """
    faults = []
    for asked, answer in answers:
        if answer is None:
            faults.append(f"{asked}: no answer")
        elif answer.result and not answer.message:
            faults.append(f"{asked}: said to have a result")
        elif not answer.message:
            faults.append(f"{asked}: refused without a reason")
    return judged(faults, "; ".join(f"{asked}: {answer.message}" for asked, answer in answers if answer)[:200])


def plain_frame_is_rigid(pairs: Sequence[tuple[CartesianPose, CartesianPose]]) -> Verdict:
    """Plain and local pose differ by one rigid transform while the camera stands, wherever the tip is.

    Args:
        pairs: (measured_cp, local/measured_cp) of the same stamp, at different places of the tip.
    """
    if len(pairs) < 2:
        return noted("no two places with both poses")
    base = [compose(plain.pose, inverse(local.pose)) for plain, local in pairs]
    travel = max(math.dist(pairs[0][1].pose.position, local.pose.position) for _, local in pairs)
    position = max(math.dist(base[0].position, other.position) for other in base)
    angle = max(quaternion_angle(base[0].quaternion, other.quaternion) for other in base)
    good = position <= RIGID_POSITION and angle <= RIGID_ANGLE
    hint = "" if good else " (does the camera stand?)"
    return Verdict(good, f"off by {position * 1e3:.2f} mm and {angle:.4f} rad over {travel * 1e3:.1f} mm{hint}")


def tip_moves_as_joints_say(trials: Sequence[JointTrial]) -> Verdict:
    """The same as forward_has_units with measured poses of real motion, and so with their tolerance."""
    faults = []
    for trial in trials:
        moved, turned = same_pose(trial.before, trial.after)
        step = abs(trial.step)
        if step == 0.0:
            faults.append(f"{trial.name} did not move")
        elif not (
            abs(turned - step) <= 2.0 * UNIT_TOLERANCE * step + 5e-4
            or (abs(moved - step) <= 2.0 * UNIT_TOLERANCE * step + 2e-4 and turned <= 2e-3)
        ):
            faults.append(f"{trial.name} by {step:.4f} moves the tip by {moved:.5f} and turns it by {turned:.5f}")
    return judged(faults, f"{len(trials)} joints, one after the other")


def joint_velocities(samples: Sequence[Joints]) -> Verdict:
    """The velocity is how fast the position changes."""
    times = np.array([sample.stamp * 1e-9 for sample in samples])
    if len(times) < 20 or not samples[0].velocity:
        return noted("no joint velocities")
    position = np.array([sample.position for sample in samples])
    velocity = np.array([sample.velocity for sample in samples])
    return _compare(_slope(times, position), _mean(velocity), "joint", VELOCITY_FLOOR)


def tip_velocities(poses: Sequence[CartesianPose], twists: Sequence[Vectors]) -> Verdict:
    """The speed of the tip in measured_cv is how fast measured_cp moves, whatever the frame."""
    by_stamp = {twist.stamp: twist for twist in twists}
    both = [(pose, by_stamp[pose.stamp]) for pose in poses if pose.stamp in by_stamp]
    if len(both) < 20:
        return noted("too few measured_cv with the stamp of a measured_cp")
    times = np.array([pose.stamp * 1e-9 for pose, _ in both])
    position = np.array([pose.pose.position for pose, _ in both])
    told = np.array([twist.values[:3] for _, twist in both])
    speeds = np.linalg.norm(_slope(times, position), axis=1), np.linalg.norm(_mean(told), axis=1)
    return _compare(*speeds, "tip", VELOCITY_FLOOR / 5.0)


_WINDOW = 4
"""Both are taken over twice so many messages: the difference of neighbours is noise."""


def _slope(times: FloatArray, values: FloatArray) -> FloatArray:
    span = times[2 * _WINDOW :] - times[: -2 * _WINDOW]
    slope: FloatArray = (values[2 * _WINDOW :] - values[: -2 * _WINDOW]) / np.maximum(span, 1e-9)[:, None]
    return slope


def _mean(values: FloatArray) -> FloatArray:
    windows = np.lib.stride_tricks.sliding_window_view(values, 2 * _WINDOW, axis=0)[1:]
    mean: FloatArray = windows.mean(axis=-1)
    return mean


def _compare(difference: FloatArray, told: FloatArray, what: str, floor: float) -> Verdict:
    fastest = float(np.max(np.abs(difference)))
    if fastest < floor:
        return noted("nothing moved fast enough to tell")
    moving = np.maximum(np.abs(difference), np.abs(told)) >= MOVING * fastest
    off = float(np.median(np.abs(told - difference)[moving]))
    detail = f"{what} speeds up to {fastest:.4f}, told ones off by {off:.4f} (median while moving)"
    return Verdict(off <= VELOCITY_SHARE * fastest + 0.2 * floor, detail)
