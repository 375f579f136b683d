"""A smooth curve through equally spaced samples of both hands, closed to a loop.

Positions and gripper: cubic Hermite pieces with central differences as tangents (Catmull-Rom), so velocity is
continuous. Rotations: from one sample to the next along the rotation vector between them, as slerp does, but with the
same Hermite blend, so that angular velocity is continuous too; where it is constant, this is slerp exactly.
"""

from __future__ import annotations

import numpy as np

from teleop_console.devices.hand_curve import HandCurve
from teleop_core.se3 import FloatArray

_SMALL_ANGLE = 1e-4


def closed_curve(positions: FloatArray, quaternions: FloatArray, grippers: FloatArray, period: float) -> HandCurve:
    """Curve through n samples and back to the first.

    Args:
        positions: (n, 2, 3) of the left and the right hand [m].
        quaternions: (n, 2, 4) unit quaternions x, y, z, w.
        grippers: (n, 2) [rad].
        period: Time from one sample to the next [s].

    Returns:
        Curve of duration n * period; sample i is at time i * period.
    """
    straight = np.concatenate((positions, grippers[..., np.newaxis]), axis=-1)
    chords = np.roll(straight, -1, axis=0) - straight
    tangents = 0.5 * (chords + np.roll(chords, 1, axis=0))
    straight_pieces = _hermite(chords, tangents, np.roll(tangents, -1, axis=0))
    straight_pieces[0] += straight

    turns = _rotation_vectors(quaternions, np.roll(quaternions, -1, axis=0))
    # A rotation vector has the same components in the frames before and after its rotation, so these are body rates.
    spins = 0.5 * (turns + np.roll(turns, 1, axis=0))
    turn_pieces = _hermite(turns, spins, _rate_for_body_rate(turns, np.roll(spins, -1, axis=0)))

    pieces = np.concatenate((straight_pieces[..., :3], turn_pieces, straight_pieces[..., 3:]), axis=-1)
    return HandCurve(np.full(len(positions), period), pieces.transpose(1, 0, 2, 3).copy(), quaternions)


def _hermite(distance: FloatArray, start_slope: FloatArray, end_slope: FloatArray) -> FloatArray:
    """Cubic from 0 to `distance`, slopes per piece: coefficients (4, ...), lowest order first."""
    square = 3.0 * distance - 2.0 * start_slope - end_slope
    cube = start_slope + end_slope - 2.0 * distance
    return np.stack((np.zeros_like(distance), start_slope, square, cube))


def _rotation_vectors(start: FloatArray, end: FloatArray) -> FloatArray:
    """Rotation vectors (..., 3) [rad] of start^-1 * end, the shorter way, for unit quaternions (..., 4)."""
    vector, scalar = start[..., :3], start[..., 3:]
    end_vector, end_scalar = end[..., :3], end[..., 3:]
    sine = scalar * end_vector - end_scalar * vector - np.cross(vector, end_vector)
    cosine = scalar * end_scalar + np.sum(vector * end_vector, axis=-1, keepdims=True)
    sine = np.where(cosine < 0.0, -sine, sine)
    length = np.linalg.norm(sine, axis=-1, keepdims=True)
    angle = 2.0 * np.arctan2(length, np.abs(cosine))
    # For a vanishing rotation angle / length tends to 2.
    vectors: FloatArray = sine * np.where(length < _SMALL_ANGLE, 2.0, angle / np.maximum(length, _SMALL_ANGLE))
    return vectors


def _rate_for_body_rate(turn: FloatArray, body_rate: FloatArray) -> FloatArray:
    """Rate of a rotation vector (..., 3) at which the body turns with `body_rate` in its own frame.

    The inverse of the right Jacobian of the rotation group (Chirikjian 2012, section 10.6).
    """
    angle = np.linalg.norm(turn, axis=-1, keepdims=True)
    safe = np.maximum(angle, _SMALL_ANGLE)
    exact = 1.0 / safe**2 - (1.0 + np.cos(safe)) / (2.0 * safe * np.sin(safe))
    factor = np.where(angle < _SMALL_ANGLE, 1.0 / 12.0, exact)
    once = np.cross(turn, body_rate)
    rate: FloatArray = body_rate + 0.5 * once + factor * np.cross(turn, once)
    return rate
