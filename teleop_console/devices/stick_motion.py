"""From the deflection of sticks, which says how fast, to hand poses, which say where.

The patient side wants absolute poses. Sticks return to their middle, so their deflection is a velocity and is summed
up here, within a box and a cone around the resting place of each hand.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from teleop_console.devices.device import DeviceSample
from teleop_console.devices.workplace import GRIPPER_OPEN, HANDS_AT_REST
from teleop_core.contract import MASTERS
from teleop_core.se3 import FloatArray, Pose, quaternion_angle, quaternion_multiply, slerp
from teleop_core.signals import HandSignal

SPEED = 0.08
"""Speed of a hand at full deflection [m/s]."""
TURN_SPEED = 0.8
"""Angular speed at full deflection [rad/s]."""
REACH = 0.15
"""Largest distance from the resting place along each axis [m]."""
LARGEST_TURN = math.radians(60.0)
"""Largest rotation away from the resting orientation [rad]."""
DEAD_ZONE = 0.1
"""Deflection below which a worn stick may rest, as a share of full deflection."""
LONGEST_STEP = 0.05
"""However late a read comes, a hand moves for no longer than this [s]."""

_UPRIGHT = np.array((0.0, 0.0, 0.0, 1.0))


@dataclass(frozen=True)
class Sticks:
    """What fingers do at one instant.

    Attributes:
        rates: (2, 6) deflection -1..1 of the left and the right hand: along X, Y, Z and about X, Y, Z, display axes.
        squeezed: (2,) triggers, 0 released to 1 pressed.
        deadman: Held while the operator means to operate.
        clutch: Clutch button pressed.
        camera: Camera button pressed.
    """

    rates: FloatArray
    squeezed: FloatArray
    deadman: bool
    clutch: bool
    camera: bool


class StickMotion:
    """Sums deflections up to the poses of both hands."""

    def __init__(self) -> None:
        """Start with both hands at their resting places."""
        self._positions = HANDS_AT_REST.copy()
        self._quaternions = [_UPRIGHT.copy(), _UPRIGHT.copy()]
        self._moved_at: float | None = None

    def advance(self, sticks: Sticks, now: float) -> DeviceSample:
        """Move the hands up to the monotonic time `now` [s] and say where they are."""
        step = 0.0 if self._moved_at is None else min(max(now - self._moved_at, 0.0), LONGEST_STEP)
        self._moved_at = now
        rates = _without_dead_zone(sticks.rates)
        return DeviceSample(
            hands=(self._hand(0, rates[0], sticks, step), self._hand(1, rates[1], sticks, step)),
            operator_present=sticks.deadman,
            clutch=sticks.clutch,
            camera=sticks.camera,
        )

    def _hand(self, index: int, rate: FloatArray, sticks: Sticks, step: float) -> HandSignal:
        linear = self._shift(index, SPEED * rate[:3], step)
        angular = self._turn(index, TURN_SPEED * rate[3:], step)
        squeezed = min(1.0, max(0.0, float(sticks.squeezed[index])))
        return HandSignal(
            name=MASTERS[index],
            pose=Pose(self._positions[index].copy(), self._quaternions[index]),
            linear=linear,
            angular=angular,
            gripper=GRIPPER_OPEN * (1.0 - squeezed),
        )

    def _shift(self, index: int, velocity: FloatArray, step: float) -> tuple[float, float, float]:
        """Move one hand within its box; returns the velocity, zero along an axis where the box ends."""
        if step == 0.0:
            return 0.0, 0.0, 0.0
        wanted = self._positions[index] + velocity * step
        self._positions[index] = np.clip(wanted, HANDS_AT_REST[index] - REACH, HANDS_AT_REST[index] + REACH)
        x, y, z = np.where(self._positions[index] == wanted, velocity, 0.0).tolist()
        return x, y, z

    def _turn(self, index: int, velocity: FloatArray, step: float) -> tuple[float, float, float]:
        """Turn one hand within its cone; returns the angular velocity, zero where the cone ends."""
        speed = float(np.linalg.norm(velocity))
        if speed * step == 0.0:
            return 0.0, 0.0, 0.0
        x, y, z = (velocity * (math.sin(0.5 * speed * step) / speed)).tolist()
        turned = quaternion_multiply((x, y, z, math.cos(0.5 * speed * step)), self._quaternions[index])
        angle = quaternion_angle(_UPRIGHT, turned)
        if angle > LARGEST_TURN:
            self._quaternions[index] = slerp(_UPRIGHT, turned, LARGEST_TURN / angle)
            return 0.0, 0.0, 0.0
        self._quaternions[index] = turned
        x, y, z = velocity.tolist()
        return x, y, z


def _without_dead_zone(deflection: FloatArray) -> FloatArray:
    """Deflections -1..1 with the dead zone cut out and the rest stretched, so that motion starts gently."""
    size = np.clip(np.abs(deflection), 0.0, 1.0)
    rates: FloatArray = np.sign(deflection) * np.maximum(size - DEAD_ZONE, 0.0) / (1.0 - DEAD_ZONE)
    return rates
