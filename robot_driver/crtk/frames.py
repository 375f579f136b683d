"""Frames of Cartesian commands and feedback of one arm.

The plain topics of an instrument arm are in the display frame at the tip of the endoscope, where its setpoint is now;
the local ones, and everything of the camera arm, in the arm's base.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from robot_driver.crtk.refusal import CommandRefusedError
from teleop_core.arm_model import ArmModel, arm_model
from teleop_core.cart import display_in_base
from teleop_core.contract import CAMERA_ARM
from teleop_core.se3 import ArrayLike, FloatArray, Pose, compose, inverse, rotate

DISPLAY_FRAME = arm_model(CAMERA_ARM).tip_frame


class Frames:
    """Converts between the plain frame of an arm and its base."""

    def __init__(self, model: ArmModel, camera_setpoint: Callable[[], tuple[float, ...]]) -> None:
        """Name the frames.

        Args:
            model: The arm.
            camera_setpoint: Joint positions of the camera arm now [rad, m].
        """
        self.base = model.base_frame
        self.plain = model.base_frame if model.name == CAMERA_ARM else DISPLAY_FRAME
        self._arm = model.name
        self._camera_setpoint = camera_setpoint
        self._camera: tuple[float, ...] | None = None
        self._plain_in_base = Pose.identity()

    def plain_in_base(self) -> Pose:
        """Return the pose of the plain frame in the arm's base now."""
        if self.plain != self.base:
            camera = self._camera_setpoint()
            if camera != self._camera:
                self._camera, self._plain_in_base = camera, display_in_base(self._arm, camera)
        return self._plain_in_base

    def to_plain(self, pose: Pose) -> Pose:
        """Return a pose that is given in the base in the plain frame."""
        return pose if self.plain == self.base else compose(inverse(self.plain_in_base()), pose)

    def to_base(self, pose: Pose, frame: str, plain: str) -> Pose:
        """Return a pose that a client gives, in the base.

        Args:
            pose: As given.
            frame: Frame that the client names; empty: that of the topic.
            plain: Frame of the topic.

        Raises:
            CommandRefusedError: the arm takes no commands in this frame.
        """
        return pose if self._named(frame, plain) == self.base else compose(self.plain_in_base(), pose)

    def twist_to_base(self, twist: ArrayLike, frame: str) -> FloatArray:
        """Return a twist (6,), linear then angular, that a client gives on a plain topic, in axes of the base.

        Raises:
            CommandRefusedError: the arm takes no commands in this frame.
        """
        if self._named(frame, self.plain) == self.base:
            return np.array(twist)
        turn = self.plain_in_base().quaternion
        return np.concatenate((rotate(turn, twist[:3]), rotate(turn, twist[3:])))

    def twist_to_plain(self, twist: FloatArray) -> FloatArray:
        """Return a twist (6,) in axes of the base in those of the plain frame."""
        if self.plain == self.base:
            return twist
        turn = inverse(self.plain_in_base()).quaternion
        return np.concatenate((rotate(turn, twist[:3]), rotate(turn, twist[3:])))

    def _named(self, frame: str, plain: str) -> str:
        named = frame.lstrip("/") or plain
        if named not in (self.base, self.plain):
            known = " or ".join(dict.fromkeys((self.plain, self.base)))
            raise CommandRefusedError(f"frame_id {frame!r} is not {known}")
        return named
