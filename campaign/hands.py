"""A surgeon's hands that do exactly what the campaign says: circles, standing still, pedals at known times."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from teleop_console.devices.device import DeviceLostError, DeviceSample
from teleop_core.contract import MASTERS
from teleop_core.se3 import Pose
from teleop_core.signals import HandSignal

RADIUS = 0.03
"""Of the circles that the hands draw [m]."""
PACE = 3.0
"""Of the circles [rad/s]: both hands move all the time, in every direction, at about 0.1 m/s."""
TURN = 0.15
"""The hands turn to and fro by this angle [rad]."""


@dataclass(frozen=True)
class Gesture:
    """A press of the clutch from `begin` to `end`, monotonic [s]."""

    begin: float
    end: float


class CommandedHands:
    """An input device for the console, commanded instead of measured.

    Attributes:
        present: Somebody is at the console.
        clutch: The clutch is pressed, apart from gestures.
        camera: The camera pedal is pressed.
        moving: The hands draw their circles; otherwise they stand still.
        lost: The device does not answer.
        one_handed: Only the right hand is seen.
    """

    performs_gesture = False

    def __init__(self) -> None:
        """Present, hands in motion, feet off the pedals."""
        self.present = True
        self.clutch = False
        self.camera = False
        self.moving = True
        self.lost = False
        self.one_handed = False
        self.gestures: list[Gesture] = []
        self._angle = 0.0
        self._read_at: float | None = None
        self._leap = np.zeros(3)

    def connect(self) -> None:
        """Only where the cable is plugged in."""
        if self.lost:
            raise DeviceLostError("commanded hands: unplugged")

    def close(self) -> None:
        """Nothing to let go of."""

    def leap(self, distance: float) -> None:
        """Move both hands by `distance` [m] at once."""
        self._leap = self._leap + np.array([distance, 0.0, 0.0])

    def read(self, now: float) -> DeviceSample:
        """Hands and feet at the monotonic time `now` [s]."""
        if self.lost:
            raise DeviceLostError("commanded hands: unplugged")
        if self._read_at is not None and self.moving:
            # After a pause of this process the hands go on from where they were: a jump is a fault of its own.
            self._angle += PACE * min(now - self._read_at, 0.02)
        self._read_at = now
        self.gestures = [gesture for gesture in self.gestures if now < gesture.end]
        pressed = self.clutch or any(gesture.begin <= now for gesture in self.gestures)
        return DeviceSample(self._hands(), self.present, pressed, self.camera)

    def _hands(self) -> tuple[HandSignal, ...]:
        angle = self._angle
        circle = np.array([math.cos(angle), math.sin(angle), 0.5 * math.sin(2.0 * angle)])
        half = 0.5 * TURN * math.sin(angle)
        pose = Pose(RADIUS * circle + self._leap, np.array([0.0, 0.0, math.sin(half), math.cos(half)]))
        gripper = 0.4 + 0.2 * math.sin(angle)
        return tuple(HandSignal(name, pose, (0.0,) * 3, (0.0,) * 3, gripper) for name in MASTERS[self.one_handed :])
