"""What every source of stereo pictures is to the relay: connect, read, close."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from video_relay.camera_model import StereoModel

Picture = NDArray[np.uint8]
"""(height, width, 3) pixels, blue green red, 0 to 255."""


class SourceError(RuntimeError):
    """The source cannot deliver; it has to be connected again. The text names the source and what is wrong."""


class SourceSilentError(SourceError):
    """The source is in order but has nothing true to show now, so there must be no picture. It stays connected."""


@dataclass(frozen=True, eq=False)
class StereoFrame:
    """What both eyes saw at one instant.

    Attributes:
        left: (height, width, 3) picture of the left eye, blue green red.
        right: (height, width, 3) picture of the right eye, of the same size.
        captured_at: When it was captured [s], monotonic clock of this host.
    """

    left: Picture
    right: Picture
    captured_at: float


class StereoSource(Protocol):
    """A stereo endoscope."""

    @property
    def name(self) -> str:
        """What it is, for people: "simulation", a file, a device."""

    @property
    def renderer(self) -> str:
        """What makes the pictures; known once connected."""

    @property
    def model(self) -> StereoModel:
        """Geometry of the pair; known once connected and, for a camera, once it has delivered a frame."""

    def connect(self) -> None:
        """Open the source.

        Raises:
            SourceError: it is not there or not usable.
        """

    def read(self, now: float) -> StereoFrame | None:
        """Return the newest frame, each at most once; None while there is no newer one.

        Args:
            now: Present time [s], monotonic.

        Raises:
            SourceError: it has failed.
            SourceSilentError: it has nothing true to show.
        """

    def close(self) -> None:
        """Let go of everything; closing twice does no harm."""
