"""A small robot for tests of the conformance check: three slides and three hinges, and the motions of CRTK."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from teleop_core.se3 import Pose, compose, slerp

JOINTS = ("slide_x", "slide_y", "slide_z", "turn_z", "turn_y", "turn_x")
HOME = (0.05, -0.02, 0.10, 0.0, 0.0, 0.0)
CAMERA = Pose(np.array([0.3, 0.1, 0.2]), np.array([0.0, 0.0, math.sqrt(0.5), math.sqrt(0.5)]))
"""The base of the robot as its camera sees it."""
REACH = 1.0
"""Largest position of a slide [m], and of a hinge [rad] as well."""
SPEED = 0.2
"""Speed of moves [m/s, rad/s]."""
LEASE = 0.25
"""A velocity holds so long [s]."""

Way = Callable[[float], tuple[np.ndarray, bool]]
"""From the time [s] to the joints, and whether the motion has ended."""


def forward(q: np.ndarray) -> Pose:
    """Pose of the tip in the base."""
    turns = [_about(axis, angle) for axis, angle in zip((2, 1, 0), q[3:], strict=True)]
    rotation = turns[0] @ turns[1] @ turns[2]
    return Pose.from_rotation(np.array(q[:3], dtype=float), rotation)


def inverse(pose: Pose) -> np.ndarray:
    """Joints of a pose in the base."""
    r = pose.rotation()
    b = math.asin(max(-1.0, min(1.0, -r[2, 0])))
    return np.array([*pose.position, math.atan2(r[1, 0], r[0, 0]), b, math.atan2(r[2, 1], r[2, 2])])


def seen(pose_in_base: Pose) -> Pose:
    """The same pose as the camera sees it."""
    return compose(CAMERA, pose_in_base)


def _about(axis: int, angle: float) -> np.ndarray:
    c, s = math.cos(angle), math.sin(angle)
    i, j = (axis + 1) % 3, (axis + 2) % 3
    matrix = np.eye(3)
    matrix[i, i], matrix[j, j], matrix[i, j], matrix[j, i] = c, c, -s, s
    return matrix


def joint_way(start: np.ndarray, goal: np.ndarray, now: float, ratio: float = 1.0) -> Way:
    """Smoothly to the goal."""
    seconds = 1.5 * max(0.05, float(np.max(np.abs(goal - start))) / SPEED / ratio)

    def way(at: float) -> tuple[np.ndarray, bool]:
        share = min(1.0, (at - now) / seconds)
        return start + 0.5 * (1.0 - math.cos(math.pi * share)) * (goal - start), share >= 1.0

    return way


def line_way(start: Pose, goal: Pose, now: float, bend: float = 0.0) -> Way:
    """Along a line in the base, or bent off it by so much [m]."""
    seconds = 1.5 * max(0.05, math.dist(start.position, goal.position) / 0.05)

    def way(at: float) -> tuple[np.ndarray, bool]:
        share = min(1.0, (at - now) / seconds)
        part = 0.5 * (1.0 - math.cos(math.pi * share))
        position = start.position + part * (goal.position - start.position)
        position = position + np.array([0.0, 0.0, bend * math.sin(math.pi * part)])
        return inverse(Pose(position, slerp(start.quaternion, goal.quaternion, part))), share >= 1.0

    return way
