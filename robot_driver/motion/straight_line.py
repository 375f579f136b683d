"""A straight line of the tip with the orientation turning evenly along it, looked at from end to end beforehand.

The camera arm has no joints for an orientation of its own: its roll goes evenly from where it is to where the picture
is as near to the one asked for as it gets.

The line is probed at intervals of at most 4 mm and 0.06 rad: can the arm be there, and how fast do its joints go. With
at most 40 intervals this takes about a millisecond, so that a driver need not be late for it.
"""

from __future__ import annotations

import math

import numpy as np

from robot_driver.motion.bounds import TIP_SPEEDS, MotionBounds
from robot_driver.motion.motion import MotionRefused
from teleop_core.arm_model import ArmModel, Inverse
from teleop_core.psm_kinematics import InverseKinematicsError
from teleop_core.se3 import FloatArray, Pose, quaternion_angle, slerp

LONGEST_INTERVAL, LARGEST_ANGLE = 0.004, 0.06
FEWEST, MOST = 8, 40
SPACE = 6
"""Joints that it takes to have any pose; an arm with fewer gives up orientation before place."""
ROLL = 3
"""The joint of such an arm that turns the tip and does not move it."""


class StraightLine:
    """The line from where an arm stands to a pose.

    Attributes:
        end: Joint positions at its end [rad, m].
        length: Way of the tip [m].
        angle: How far it turns [rad].
        rotation_error: How far the orientation stays behind at the end, for an arm that cannot have every one [rad].
    """

    def __init__(self, model: ArmModel, bounds: MotionBounds, start: tuple[float, ...], goal: Pose) -> None:
        """Probe the line.

        Raises:
            MotionRefused: it is not reachable from end to end; says where and by how much.
        """
        self._model, self._bounds, self._present = model, bounds, start
        self._turns = len(start) < SPACE
        self._from, self._to = model.forward(start), goal
        self.length = math.dist(self._from.position.tolist(), goal.position.tolist())
        self.angle = quaternion_angle(self._from.quaternion, goal.quaternion)
        count = min(MOST, max(FEWEST, math.ceil(max(self.length / LONGEST_INTERVAL, self.angle / LARGEST_ANGLE))))
        places, q = [], start
        for number in range(count + 1):
            q, self.rotation_error = self._probe(number / count, q)
            places.append(q)
        self.end = q
        self._places = np.array(places)
        if self._turns:
            self._places[:, ROLL] = np.linspace(start[ROLL], q[ROLL], count + 1)

    def pose(self, share: float) -> Pose:
        """Pose of the tip at a share of the way, 0..1."""
        start, way = self._from.position, self._to.position - self._from.position
        return Pose(start + share * way, slerp(self._from.quaternion, self._to.quaternion, share))

    def joints(self, share: float, before: tuple[float, ...]) -> tuple[float, ...]:
        """Joint positions at a share of the way, 0..1, next to those before [rad, m]."""
        q = self._model.inverse(self.pose(share), before).q
        if self._turns:
            # Nearest to the orientation at every place it would meet the end of its range at speed, and stop dead.
            q = (*q[:ROLL], (1.0 - share) * self._present[ROLL] + share * self.end[ROLL])
        return self._bounds.kept(q, self._present)

    def pace(self, ratio: float) -> tuple[float, float]:
        """Largest speed and acceleration along the line, in shares of the way per second and per second squared.

        The tip keeps its speed limits, and each joint its own: half of the acceleration is for the bends of its way,
        and half for the speed along it.
        """
        count = len(self._places) - 1
        bend = np.abs(np.diff(self._places, n=2, axis=0)).max(axis=0) * count * count
        # Within an interval a joint may be faster than from one end of it to the other, by its bend over half of it.
        slope = np.abs(np.diff(self._places, axis=0)).max(axis=0) * count + 0.5 * bend / count
        speed = _least(ratio * np.array(self._bounds.speed), slope)
        half = 0.5 * ratio * np.array(self._bounds.acceleration)
        speed = min(speed, _least(ratio * np.array(TIP_SPEEDS), np.array((self.length, self.angle))))
        return min(speed, math.sqrt(_least(half, bend))), _least(half, slope)

    def _probe(self, share: float, before: tuple[float, ...]) -> tuple[tuple[float, ...], float]:
        try:
            found = self._model.inverse(self.pose(share), before)
        except InverseKinematicsError as error:
            raise MotionRefused(f"{self._where(share)}: {error}") from error
        if found.position_error > 0.0 or (found.rotation_error > 0.0 and not self._turns):
            raise MotionRefused(f"{self._where(share)} by {self._shortfall(found)}")
        inside, notes = self._bounds.clamped(found.q, self._present)
        if notes:
            raise MotionRefused(f"{self._where(share)}: {'; '.join(notes)}")
        return inside, found.rotation_error

    def _where(self, share: float) -> str:
        done, whole = 1e3 * share * self.length, 1e3 * self.length
        return f"{self._model.name}: the straight line is out of reach after {done:.1f} mm of {whole:.1f} mm"

    def _shortfall(self, found: Inverse) -> str:
        limits = self._model.limits
        stopped = [
            name
            for name, value, low, high in zip(self._model.joint_names, found.q, limits.lower, limits.upper, strict=True)
            if not low < value < high
        ]
        return (
            f"{1e3 * found.position_error:.2f} mm and {found.rotation_error:.4f} rad "
            f"({', '.join(stopped)} at the end of the range)"
        )


def _least(limits: FloatArray, needs: FloatArray) -> float:
    """Smallest quotient of limits and needs (n,); large where nothing is needed."""
    return float((limits / np.maximum(needs, 1e-9)).min())
