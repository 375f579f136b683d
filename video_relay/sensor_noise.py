"""Noise like that of a camera's sensor, for rendered pictures: no two pictures of a working camera are alike.

Who watches the pictures may rely on that, and takes one that does not change for a frozen one.
"""

from __future__ import annotations

from typing import cast

import cv2
import numpy as np

from video_relay.source import Picture

DEVIATION = 1.5
"""Standard deviation of a pixel, of 255; enough to outlive the compression, too little to be seen."""
PLACES = 64
"""The noise is drawn once, this many pixels larger than a picture each way, and cut out at another place each time."""


class SensorNoise:
    """Adds noise to pictures of one size."""

    def __init__(self, height: int, width: int, seed: int = 0) -> None:
        """Draw the noise for pictures of `height` rows and `width` columns [px]."""
        self._size = height, width
        self._random = np.random.default_rng(seed)
        shape = (height + PLACES, width + PLACES, 3)
        self._noise = np.rint(self._random.normal(0.0, DEVIATION, shape)).astype(np.int16)
        self._place = 0

    def on(self, picture: Picture) -> Picture:
        """The picture with noise, unlike that of the last one."""
        height, width = self._size
        # A step of at least 1 and less than all places never leads back to the same one.
        self._place = (self._place + int(self._random.integers(1, PLACES * PLACES))) % (PLACES * PLACES)
        row, column = divmod(self._place, PLACES)
        noise = self._noise[row : row + height, column : column + width]
        return cast(Picture, cv2.add(picture, noise, dtype=cv2.CV_8U))
