"""From the hand to the wanted pose of the tool: anchored, turned into the arm's base, scaled, locked where asked.

    position = tool_anchor + scale * R (hand - hand_anchor)
    rotation = R (hand_rotation * hand_anchor_rotation^-1) R^-1 * tool_anchor_rotation

with R = rotation_display_in_base. What is locked stays at the anchor.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from teleop_core.se3 import (
    FloatArray,
    Pose,
    as_floats,
    multiplied,
    quaternion_angle,
    quaternion_from_matrix,
    quaternion_multiply,
    unit,
)
from teleop_core.signals import HandSignal, OperatorSignal


@dataclass(frozen=True)
class AnchorKey:
    """What an anchor holds for: when any of it changes, hand and tool are anchored anew.

    Attributes:
        clutch_epoch: Presses of the clutch so far.
        scale: Instrument motion per hand motion.
        lock_rotation: The tool keeps its orientation.
        lock_translation: The tool keeps its place.
        view: Which picture of the endoscope the hand moves in: counts its changes.
    """

    clutch_epoch: int
    scale: float
    lock_rotation: bool
    lock_translation: bool
    view: int


@dataclass(frozen=True)
class Anchor:
    """Where hand and tool were when they were put together.

    Attributes:
        key: What it holds for.
        hand: Pose of the hand in the display frame.
        tool: Pose of the tool tip in the arm's base.
    """

    key: AnchorKey
    hand: Pose
    tool: Pose


class HandMapping:
    """Maps the motion of a hand in the picture to motion in the base of one arm."""

    def __init__(self, rotation_display_in_base: FloatArray) -> None:
        """Take the rotation (3, 3) of the display frame seen from the arm's base."""
        self._view = 0
        self._set(rotation_display_in_base)

    def look(self, rotation_display_in_base: FloatArray) -> None:
        """The endoscope looks another way from now on: rotation (3, 3) of the display frame in the arm's base."""
        if (rotation_display_in_base != self._rotation).any():
            self._view += 1
            self._set(rotation_display_in_base)

    def key(self, signal: OperatorSignal, hand: HandSignal) -> AnchorKey:
        """What an anchor made now would hold for."""
        return AnchorKey(
            signal.clutch_epoch, signal.motion_scale, hand.lock_rotation, hand.lock_translation, self._view
        )

    def wanted(self, anchor: Anchor, hand: Pose) -> Pose:
        """Pose that the hand wants the tool to have, in the arm's base."""
        key, tool, start = anchor.key, anchor.tool, anchor.hand
        position, quaternion = tool.position, tool.quaternion
        if not key.lock_translation:
            (x, y, z), (x0, y0, z0) = as_floats(hand.position), as_floats(start.position)
            dx, dy, dz = key.scale * (x - x0), key.scale * (y - y0), key.scale * (z - z0)
            (px, py, pz), (rx, ry, rz) = as_floats(position), self._rows
            position = np.array(
                (
                    px + rx[0] * dx + rx[1] * dy + rx[2] * dz,
                    py + ry[0] * dx + ry[1] * dy + ry[2] * dz,
                    pz + rz[0] * dx + rz[1] * dy + rz[2] * dz,
                )
            )
        if not key.lock_rotation:
            qx, qy, qz, qw = as_floats(start.quaternion)
            turned = multiplied(as_floats(hand.quaternion), (-qx, -qy, -qz, qw))
            in_base = multiplied(multiplied(self._turn, turned), self._turn_back)
            # A hand's quaternion may be a little off a unit; anchored again and again, that would grow without end.
            quaternion = unit(multiplied(in_base, as_floats(quaternion)))
        return Pose(position, quaternion)

    def misalignment(self, hand: Pose, tool: Pose) -> float:
        """Angle between the hand, as seen in the picture, and the tool [rad]."""
        return quaternion_angle(quaternion_multiply(self._turn, hand.quaternion), tool.quaternion)

    def _set(self, rotation: FloatArray) -> None:
        self._rotation = rotation
        self._rows = rotation.tolist()
        x, y, z, w = quaternion_from_matrix(rotation).tolist()
        self._turn, self._turn_back = (x, y, z, w), (-x, -y, -z, w)
