"""A surgeon made of arithmetic: peg transfer by minimum-jerk reaches, with tremor and clutching.

For demonstrations, tests and machines without an input device. What the hands do depends on the seed and on the time
since the first read, and on nothing else. Position and velocity are continuous everywhere.
"""

from __future__ import annotations

import numpy as np

from teleop_console.devices.device import DeviceSample
from teleop_console.devices.hand_curve import HandCurve
from teleop_console.devices.minimum_jerk import minimum_jerk_coefficients
from teleop_console.devices.peg_transfer import Move, plan, rest
from teleop_console.devices.tremor import Tremor


class BuiltInSurgeon:
    """Input device without a person.

    Attributes:
        performs_gesture: True, as nobody is there to press a pedal.
    """

    performs_gesture = True

    def __init__(self, seed: int) -> None:
        """Plan the task.

        Args:
            seed: The same seed gives the same motion; its absolute value is used.
        """
        random = np.random.default_rng(abs(seed))
        moves = plan(random)
        self._curve = _curve(moves)
        self._clutch = [move.clutch for move in moves]
        self._tremor = Tremor(random, axes=6)
        self._started_at: float | None = None

    def connect(self) -> None:
        """Begin anew at the next read."""
        self._started_at = None

    def read(self, now: float) -> DeviceSample:
        """Hands and pedals at `now` [s]; the task begins at the first read after `connect`."""
        if self._started_at is None:
            self._started_at = now
        return self.at(now - self._started_at)

    def at(self, time: float) -> DeviceSample:
        """Hands and pedals at a time since the beginning of the task [s]."""
        time_in_round = time % self._curve.duration
        left, right = self._curve.hands(time_in_round, *self._tremor.at(time))
        return DeviceSample(
            hands=(left, right),
            operator_present=True,
            clutch=self._clutch[self._curve.piece(time_in_round)],
            camera=False,
        )

    def close(self) -> None:
        """Nothing to let go of."""


def _curve(moves: list[Move]) -> HandCurve:
    starts = [rest(), *(move.end for move in moves[:-1])]
    pieces = [minimum_jerk_coefficients(start, move.end) for start, move in zip(starts, moves, strict=True)]
    bases = np.zeros((len(moves), 2, 4))
    bases[..., 3] = 1.0
    return HandCurve(np.array([move.duration for move in moves]), np.array(pieces), bases)
