"""Two hands as smooth functions of time, made of polynomial pieces.

In each piece a hand has seven channels: position (3) [m], rotation vector from the piece's base orientation (3) [rad],
gripper (1) [rad]. All that is costly is done when the curve is made, so that reading it takes a few microseconds.
Velocities are the exact derivatives of the poses.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence

import numpy as np

from teleop_core.contract import MASTERS
from teleop_core.se3 import FloatArray, Pose, multiplied, rotated
from teleop_core.signals import HandSignal

CHANNELS = 7
# Below this angle [rad] the closed forms of a rotation divide 0 by 0; their series are exact to double precision.
_SMALL_ANGLE = 1e-4

_PLACES = (0, 1, 2, CHANNELS, CHANNELS + 1, CHANNELS + 2)
_STEADY = (0.0,) * len(_PLACES)

Vector = tuple[float, float, float]


class HandCurve:
    """Piecewise polynomial motion of both hands from time 0 to `duration`.

    Attributes:
        duration: Length of the curve [s].
    """

    def __init__(self, durations: FloatArray, coefficients: FloatArray, bases: FloatArray) -> None:
        """Take over the pieces.

        Args:
            durations: (n,) length of each piece [s], all above 0.
            coefficients: (n, order + 1, 2, 7) polynomials of each piece in the share 0..1 of its duration, lowest
                order first, for the left and the right hand.
            bases: (n, 2, 4) unit quaternion x, y, z, w of each piece, from which its rotation vectors are measured.
        """
        ends = np.cumsum(durations)
        self.duration = float(ends[-1])
        self._starts: list[float] = [0.0, *ends[:-1].tolist()]
        self._durations: list[float] = durations.tolist()
        self._coefficients = coefficients.reshape(len(durations), -1, 2 * CHANNELS)
        self._bases: list[list[list[float]]] = bases.tolist()

    def piece(self, time: float) -> int:
        """Index of the piece that holds the time [s]; the first or last one outside the curve."""
        return max(0, bisect_right(self._starts, time) - 1)

    def hands(
        self, time: float, offset: Sequence[float] = _STEADY, velocity: Sequence[float] = _STEADY
    ) -> tuple[HandSignal, HandSignal]:
        """Left and right hand at a time.

        Args:
            time: 0 <= time <= duration [s]; outside, the pose at the nearer end.
            offset: (6,) what the places of both hands are off the curve [m], as by a tremor.
            velocity: (6,) how fast that changes [m/s].
        """
        index = self.piece(time)
        length = self._durations[index]
        share = min(1.0, max(0.0, (time - self._starts[index]) / length))
        powers, slopes = [1.0], [0.0]
        for order in range(1, self._coefficients.shape[1]):
            slopes.append(order * powers[-1] / length)
            powers.append(powers[-1] * share)
        values, rates = (np.array((powers, slopes)) @ self._coefficients[index]).tolist()
        for axis, channel in enumerate(_PLACES):
            values[channel] += offset[axis]
            rates[channel] += velocity[axis]
        left, right = self._bases[index]
        return (
            _hand(MASTERS[0], values[:CHANNELS], rates[:CHANNELS], left),
            _hand(MASTERS[1], values[CHANNELS:], rates[CHANNELS:], right),
        )


def _hand(name: str, values: list[float], rates: list[float], base: list[float]) -> HandSignal:
    turn = (values[3], values[4], values[5])
    return HandSignal(
        name=name,
        pose=Pose(np.array(values[:3]), np.array(multiplied(base, _quaternion(turn)))),
        linear=(rates[0], rates[1], rates[2]),
        angular=rotated(base, _angular_velocity(turn, (rates[3], rates[4], rates[5]))),
        gripper=values[6],
    )


def _quaternion(turn: Vector) -> tuple[float, float, float, float]:
    """Unit quaternion x, y, z, w of a rotation vector."""
    x, y, z = turn
    angle = math.sqrt(x * x + y * y + z * z)
    factor = 0.5 - angle * angle / 48.0 if angle < _SMALL_ANGLE else math.sin(0.5 * angle) / angle
    return x * factor, y * factor, z * factor, math.cos(0.5 * angle)


def _angular_velocity(turn: Vector, rate: Vector) -> Vector:
    """Angular velocity [rad/s] of a rotation vector that changes at a rate, in the frame it is measured from.

    This is the left Jacobian of the rotation group applied to the rate (Chirikjian 2012, section 10.6).
    """
    x, y, z = turn
    squared = x * x + y * y + z * z
    angle = math.sqrt(squared)
    if angle < _SMALL_ANGLE:
        first, second = 0.5 - squared / 24.0, 1.0 / 6.0 - squared / 120.0
    else:
        first = (1.0 - math.cos(angle)) / squared
        second = (angle - math.sin(angle)) / (squared * angle)
    once = _cross(turn, rate)
    twice = _cross(turn, once)
    return (
        rate[0] + first * once[0] + second * twice[0],
        rate[1] + first * once[1] + second * twice[1],
        rate[2] + first * once[2] + second * twice[2],
    )


def _cross(a: Vector, b: Vector) -> Vector:
    return a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]
