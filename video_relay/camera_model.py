"""Geometry of a rectified stereo pair of pinhole cameras, as sensor_msgs/CameraInfo describes it.

Optical frames: z forward, x right, y down (REP-103). Pixel coordinates are those of ROS and OpenCV: whole numbers are
the centres of pixels, so the middle of a picture of width w is at (w - 1) / 2.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from teleop_core.contract import EYES

FloatArray = NDArray[np.float64]

DISTORTION_MODEL = "plumb_bob"
DISTORTION = (0.0, 0.0, 0.0, 0.0, 0.0)


@dataclass(frozen=True)
class StereoModel:
    """Two equal parallel cameras without distortion, the right one `baseline` to the right of the left one.

    Attributes:
        width: Columns of each picture [px].
        height: Rows of each picture [px].
        focal_length: Focal length, equal in both directions [px].
        baseline: Distance of the eyes [m].
    """

    width: int
    height: int
    focal_length: float
    baseline: float

    def __post_init__(self) -> None:
        """Refuse a model that cannot project.

        Raises:
            ValueError: names the field and its value.
        """
        for name in ("width", "height", "focal_length", "baseline"):
            value = getattr(self, name)
            if not 0.0 < value < math.inf:
                raise ValueError(f"{name}: {value} is not a positive number")

    @staticmethod
    def from_field_of_view(width: int, height: int, field_of_view: float, baseline: float) -> StereoModel:
        """Return the model of cameras with a given angle of view.

        Args:
            width: Columns of each picture [px].
            height: Rows of each picture [px].
            field_of_view: Angle between the leftmost and the rightmost ray of one eye [rad].
            baseline: Distance of the eyes [m].

        Raises:
            ValueError: the angle is not within 0 to pi, or a size is not positive.
        """
        if not 0.0 < field_of_view < math.pi:
            raise ValueError(f"field_of_view: {field_of_view} rad is not within 0 to pi")
        return StereoModel(width, height, 0.5 * width / math.tan(0.5 * field_of_view), baseline)

    @property
    def centre(self) -> tuple[float, float]:
        """Principal point, column and row [px]."""
        return 0.5 * (self.width - 1), 0.5 * (self.height - 1)

    def intrinsics(self) -> FloatArray:
        """Return K (3, 3), the same for both eyes [px]."""
        column, row = self.centre
        return np.array([[self.focal_length, 0.0, column], [0.0, self.focal_length, row], [0.0, 0.0, 1.0]])

    def rectification(self) -> FloatArray:
        """Return R (3, 3), the same for both eyes: nothing to turn, the eyes are parallel."""
        return np.eye(3)

    def projection(self, eye: str) -> FloatArray:
        """Return P (3, 4): points in the optical frame of the left eye [m] to pixels of either eye.

        Args:
            eye: "left" or "right".

        Raises:
            ValueError: there is no such eye.
        """
        if eye not in EYES:
            raise ValueError(f"eye: {eye!r} is neither left nor right")
        shift = -self.focal_length * self.baseline if eye == "right" else 0.0
        return np.column_stack((self.intrinsics(), (shift, 0.0, 0.0)))

    def frustum(self, near: float) -> tuple[float, float, float, float]:
        """Return left, right, bottom and top of the view at the distance `near` [m], for a renderer.

        The edges of the picture lie half a pixel outside the centres of its outermost pixels, so the principal point is
        the middle of the renderer's view.
        """
        half_width = 0.5 * self.width / self.focal_length * near
        half_height = 0.5 * self.height / self.focal_length * near
        return -half_width, half_width, -half_height, half_height
