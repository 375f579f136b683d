"""The plan of a peg transfer: where both hands go one after the other, and when the clutch is pressed.

As in the training task of laparoscopic surgery: one hand takes a ring from its peg, hands it over in the middle, the
other hand puts it on a peg of its side; six rings there, then back. Each hand moves about a place of its own, within
6 cm. Every third transfer the operator clutches and brings both hands back toward that place. The plan ends as it
began, so it can be repeated for ever.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from teleop_console.devices.hand_curve import CHANNELS
from teleop_console.devices.workplace import GRIPPER_OPEN, HANDS_AT_REST
from teleop_core.se3 import FloatArray

PEGS = 6
TRANSFERS_PER_CLUTCH = 3
LARGEST_TURN = np.radians(30.0)
"""Largest rotation of a hand away from its place [rad]."""

_TOWARD_OTHER_HAND = (-1.0, 1.0)  # Sign of X toward the other hand, for the left and the right hand [1].
_CARRYING_HEIGHT = 0.02  # Above the hand's place [m].
_PEG_HEIGHT = -0.025  # Above the hand's place [m].
_SCATTER = 0.003  # Standard deviation along each axis with which a hand misses a place [m].
_LARGEST_SCATTER = 0.006  # [m]
_RECENTRED_SHARE = 0.3  # How much of the way to its place a clutched hand is brought back [1].
_GRASP_DURATION = 0.4  # [s]
_CLUTCH_DWELL = 0.15  # Hands rest this long after the press and again before the release [s].
_POSITION = slice(0, 3)
_TURN = slice(3, 6)
_GRIPPER = 6


@dataclass(frozen=True)
class Move:
    """Both hands move from rest to rest.

    Attributes:
        duration: [s].
        end: (2, 7) position [m], rotation vector [rad] and gripper [rad] of the left and the right hand at the end.
        clutch: The clutch is pressed meanwhile.
    """

    duration: float
    end: FloatArray
    clutch: bool


@dataclass
class _Plan:
    """A plan in the making: where the task has brought the hands, and how far clutching has shifted them since."""

    random: np.random.Generator
    state: FloatArray
    shift: FloatArray = field(default_factory=lambda: np.zeros((2, 3)))
    moves: list[Move] = field(default_factory=list)

    def add(self, duration: float, clutch: bool = False) -> None:
        end = self.state.copy()
        end[:, _POSITION] += self.shift
        self.moves.append(Move(duration, end, clutch))

    def reach(self, targets: dict[int, FloatArray]) -> None:
        """Move hands to places in the task, each with a new rotation; the farther, the longer."""
        farthest = max(float(np.linalg.norm(place - self.state[hand, _POSITION])) for hand, place in targets.items())
        for hand, place in targets.items():
            self.state[hand, _POSITION] = place
            axis = self.random.normal(size=3)
            self.state[hand, _TURN] = axis / np.linalg.norm(axis) * self.random.uniform(0.2, 1.0) * LARGEST_TURN
        self.add((0.4 + 8.0 * farthest) * self.random.uniform(0.9, 1.2))

    def grip(self, hand: int, angle: float) -> None:
        self.state[hand, _GRIPPER] = angle
        self.add(_GRASP_DURATION)

    def clutch(self, shift: FloatArray) -> None:
        """Press, shift the hands while the instruments hold, release."""
        self.add(_CLUTCH_DWELL, clutch=True)
        farthest = float(np.linalg.norm(shift - self.shift, axis=-1).max())
        self.shift = shift
        self.add(0.4 + 8.0 * farthest, clutch=True)
        self.add(_CLUTCH_DWELL, clutch=True)


def rest() -> FloatArray:
    """Both hands where the plan begins and ends: (2, 7) position, rotation vector, gripper."""
    state = np.zeros((2, CHANNELS))
    state[:, _POSITION] = HANDS_AT_REST
    state[:, _GRIPPER] = GRIPPER_OPEN
    return state


def plan(random: np.random.Generator) -> list[Move]:
    """Moves of one round of the task, from `rest` to `rest`.

    Args:
        random: Where scatter, rotations and pace are drawn from.
    """
    task = _Plan(random, rest())
    transfers = [(giver, peg) for giver in (0, 1) for peg in range(PEGS)]
    for number, (giver, peg) in enumerate(transfers, start=1):
        _transfer(task, giver, peg)
        if number == len(transfers):
            _go_home(task)
            task.clutch(np.zeros((2, 3)))
        elif number % TRANSFERS_PER_CLUTCH == 0:
            task.clutch(-_RECENTRED_SHARE * (task.state[:, _POSITION] - HANDS_AT_REST))
    return task.moves


def _transfer(task: _Plan, giver: int, peg: int) -> None:
    taker = 1 - giver
    task.reach({giver: _peg(task.random, giver, peg), taker: _above(task.random, taker)})
    task.grip(giver, 0.0)
    task.reach({giver: _middle(task.random, giver), taker: _middle(task.random, taker)})
    task.grip(taker, 0.0)
    task.grip(giver, GRIPPER_OPEN)
    task.reach({giver: _above(task.random, giver), taker: _peg(task.random, taker, peg)})
    task.grip(taker, GRIPPER_OPEN)


def _go_home(task: _Plan) -> None:
    task.state = rest()
    task.add(1.5)


def _peg(random: np.random.Generator, hand: int, peg: int) -> FloatArray:
    """Pegs stand in two rows of three on the outer side of each hand's place."""
    row, column = divmod(peg, 3)
    outward = -_TOWARD_OTHER_HAND[hand] * (0.01 + 0.02 * row)
    return _scattered(random, hand, outward, _PEG_HEIGHT, 0.02 * (column - 1))


def _above(random: np.random.Generator, hand: int) -> FloatArray:
    return _scattered(random, hand, 0.0, _CARRYING_HEIGHT, 0.0)


def _middle(random: np.random.Generator, hand: int) -> FloatArray:
    return _scattered(random, hand, _TOWARD_OTHER_HAND[hand] * 0.035, _CARRYING_HEIGHT, 0.0)


def _scattered(random: np.random.Generator, hand: int, x: float, y: float, z: float) -> FloatArray:
    """A point x, y, z [m] from the hand's place, missed by a few millimetres."""
    missed_by = random.normal(0.0, _SCATTER, 3).clip(-_LARGEST_SCATTER, _LARGEST_SCATTER)
    place: FloatArray = HANDS_AT_REST[hand] + np.array((x, y, z)) + missed_by
    return place
