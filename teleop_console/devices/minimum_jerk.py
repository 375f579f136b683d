"""Minimum-jerk motion from rest to rest (Flash and Hogan 1985): how a healthy hand reaches for something."""

from __future__ import annotations

import numpy as np

from teleop_core.se3 import FloatArray

PEAK_SPEED = 1.875
"""Largest speed of a minimum-jerk motion, as a multiple of distance / duration."""


def minimum_jerk(share: FloatArray) -> FloatArray:
    """Share of the distance that is done after a share 0..1 of the duration, any shape."""
    return share**3 * (10.0 - 15.0 * share + 6.0 * share**2)


def minimum_jerk_coefficients(start: FloatArray, end: FloatArray) -> FloatArray:
    """Polynomial of the motion in the share 0..1 of its duration.

    Args:
        start: Values at the beginning, any shape.
        end: Values at the end, the same shape.

    Returns:
        (6, *shape) coefficients, lowest order first.
    """
    distance = end - start
    nothing = np.zeros_like(distance)
    return np.stack((start, nothing, nothing, 10.0 * distance, -15.0 * distance, 6.0 * distance))


def shortest_duration(distance: float, speed: float) -> float:
    """Duration [s] of a motion that nowhere exceeds a speed; distance and speed in the same unit, [m] or [rad]."""
    return PEAK_SPEED * distance / speed
