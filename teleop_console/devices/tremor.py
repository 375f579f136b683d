"""Physiological tremor of a hand: small, 8 to 12 Hz (Elble and Koller 1990), the same for the same seed."""

from __future__ import annotations

import math
from math import cos, sin

import numpy as np

AMPLITUDE = 1e-4
"""Root mean square of the displacement of a hand [m]."""
LOWEST_FREQUENCY = 8.0
"""[Hz]"""
HIGHEST_FREQUENCY = 12.0
"""[Hz]"""
_SINES = 3  # For each axis: enough that their beats look irregular.


class Tremor:
    """Displacement of several axes as sums of sines."""

    def __init__(self, random: np.random.Generator, axes: int) -> None:
        """Draw frequencies and phases.

        Args:
            random: Where they are drawn from.
            axes: Number of axes, 3 for each hand.
        """
        shape = (axes, _SINES)
        rates = 2.0 * math.pi * random.uniform(LOWEST_FREQUENCY, HIGHEST_FREQUENCY, shape)
        phases = random.uniform(0.0, 2.0 * math.pi, shape)
        # Plain floats: for so few numbers numpy takes several times as long.
        self._sines = [list(zip(*axis, strict=True)) for axis in zip(rates.tolist(), phases.tolist(), strict=True)]
        # Three axes of a hand, each a sum of sines with mean square amplitude^2 / 2.
        self._amplitude = AMPLITUDE * math.sqrt(2.0 / (3 * _SINES))

    def at(self, time: float) -> tuple[list[float], list[float]]:
        """Displacement [m] and velocity [m/s] of every axis at a time [s]."""
        displacement, velocity = [], []
        for sines in self._sines:
            place = speed = 0.0
            for rate, phase in sines:
                angle = phase + time * rate
                place += sin(angle)
                speed += rate * cos(angle)
            displacement.append(self._amplitude * place)
            velocity.append(self._amplitude * speed)
        return displacement, velocity
