"""Takes physiological tremor (8 to 12 Hz) out of a hand's pose: two notches, so that voluntary motion is hardly late.

A notch passes what is slower and what is faster, so it delays slow motion less than a low-pass filter of the same
attenuation (`python -m campaign.tremor_figure` measures both, and others). Position and quaternion go through the same
two notches, component by component; the quaternion is made a unit again.

The hand is sampled at irregular times, and samples get lost. Each notch is a state-variable filter integrated by the
trapezoidal rule over the time that really passed, which is stable whatever the steps are (Zavalishin, "The Art of VA
Filter Design", 2012). A gap is walked through in short steps on the straight line between the samples around it.
"""

from __future__ import annotations

import math

import numpy as np

from teleop_core.se3 import FloatArray, Pose

NOTCHES = (8.7, 11.3)
"""Frequencies that are taken out altogether [Hz]; between them and around them little is left."""
DAMPING = 0.8
"""Width of each notch relative to its frequency (twice the damping ratio) [1]."""
LONGEST_STEP = 0.01
"""Longest step of the filter [s]: well below half a period of either notch, where the rule breaks down."""
SHORTEST_GAP, LONGEST_GAP = 0.001, 0.5
"""What the time between two samples is taken for at least and at most [s], whatever their stamps say."""
_SMALLEST_NORM = 0.1  # Of the filtered quaternion: smaller only where the hand has turned over within a few samples.


class TremorFilter:
    """Filters the pose of one hand, sample by sample."""

    def __init__(self) -> None:
        """Begin with the first sample."""
        self._stamp: float | None = None
        self._sample: FloatArray = np.zeros(7)
        self._integrators: FloatArray = np.zeros((len(NOTCHES), 2, 7))

    def reset(self) -> None:
        """Forget the hand: the next sample passes as it is."""
        self._stamp = None

    def filtered(self, stamp: float, pose: Pose) -> Pose:
        """Pose of the hand without its tremor.

        Args:
            stamp: When it was sampled [s].
            pose: Pose of the hand.
        """
        sample: FloatArray = np.concatenate((pose.position, pose.quaternion))
        before, self._stamp = self._stamp, stamp
        if before is None:
            # As if the hand had always been there: the output is the sample, and follows the next ones at once.
            self._integrators[:, 0], self._integrators[:, 1], self._sample = 0.0, sample, sample
            return pose
        if sample[3:] @ self._sample[3:] < 0.0:
            sample[3:] *= -1.0  # the same rotation, written so that it goes on from the last one
        gap = min(max(stamp - before, SHORTEST_GAP), LONGEST_GAP)
        steps = math.ceil(gap / LONGEST_STEP)
        output = sample
        for step in range(1, steps + 1):
            output = self._walk(gap / steps, self._sample + (step / steps) * (sample - self._sample))
        self._sample = sample
        norm = math.sqrt(output[3:] @ output[3:])
        return Pose(output[:3], output[3:] / norm if norm >= _SMALLEST_NORM else pose.quaternion)

    def _walk(self, dt: float, value: FloatArray) -> FloatArray:
        for frequency, state in zip(NOTCHES, self._integrators, strict=True):
            value = _notch(frequency, dt, value, state)
        return value


def _notch(frequency: float, dt: float, value: FloatArray, state: FloatArray) -> FloatArray:
    """One step of one notch; `state` (2, 7) holds its two integrators and is moved on."""
    gain = math.tan(math.pi * frequency * dt)
    band = (state[0] + gain * (value - state[1])) / (1.0 + gain * (gain + DAMPING))
    low = state[1] + gain * band
    state[0] = 2.0 * band - state[0]
    state[1] = 2.0 * low - state[1]
    output: FloatArray = value - DAMPING * band
    return output
