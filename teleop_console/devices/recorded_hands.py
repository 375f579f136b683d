"""A recorded surgeon, played in a loop.

At the end of the recording the hands move back to its beginning, slowly and still engaged, so that the instruments come
back with them: otherwise each pass would carry the instruments away by the distance between its end and its beginning.
Then, with the hands at rest, the operator presses and releases the clutch, and the next pass starts with new anchors.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from teleop_console.devices.device import DeviceLostError, DeviceSample
from teleop_console.devices.hand_curve import HandCurve
from teleop_console.devices.jigsaws import RATE, Recording, read_recording
from teleop_console.devices.minimum_jerk import minimum_jerk, shortest_duration
from teleop_console.devices.resampling import closed_curve
from teleop_core.se3 import FloatArray, quaternion_angle, slerp

RETURN_SPEED = 0.25
"""Largest speed of a hand on the way back to the beginning [m/s]."""
RETURN_TURN_SPEED = 1.0
"""Largest angular speed on the way back [rad/s]."""
_CLUTCH_REST = 0.2
"""Hands rest this long before the clutch is pressed and again before it is released [s]."""


class RecordedHands:
    """Input device that plays a JIGSAWS recording; see `teleop_console.devices.jigsaws` for the format.

    Attributes:
        performs_gesture: True, as nobody sits at a recording.
    """

    performs_gesture = True

    def __init__(self, path: Path) -> None:
        """Play the file at `path` once connected."""
        self._path = path
        self._curve: HandCurve | None = None
        self._clutch: list[bool] = []
        self._started_at: float | None = None

    def connect(self) -> None:
        """Read the file and prepare the loop.

        Raises:
            DeviceError: the file cannot be used; names file, line, column and value.
        """
        recording = read_recording(self._path)
        way_back = _way_back(recording)
        rest = round(_CLUTCH_REST * RATE)
        pause = _repeated(_first(recording), 2 * rest)
        loop = [np.concatenate(parts) for parts in zip(*map(_arrays, (recording, way_back, pause)), strict=True)]
        self._curve = closed_curve(loop[0], loop[1], loop[2], 1.0 / RATE)
        self._clutch = [False] * (len(loop[0]) - rest) + [True] * rest
        self._started_at = None

    def read(self, now: float) -> DeviceSample:
        """Hands at `now` [s]; the recording begins at the first read after `connect`.

        Raises:
            DeviceLostError: the device is not connected.
        """
        if self._curve is None:
            raise DeviceLostError(f"{self._path}: read before it was connected")
        if self._started_at is None:
            self._started_at = now
        time = (now - self._started_at) % self._curve.duration
        return DeviceSample(
            hands=self._curve.hands(time),
            operator_present=True,
            clutch=self._clutch[self._curve.piece(time)],
            camera=False,
        )

    def close(self) -> None:
        """Forget the recording."""
        self._curve = None


def _arrays(recording: Recording) -> tuple[FloatArray, FloatArray, FloatArray]:
    return recording.positions, recording.quaternions, recording.grippers


def _first(recording: Recording) -> Recording:
    return Recording(*(values[:1] for values in _arrays(recording)))


def _repeated(recording: Recording, count: int) -> Recording:
    return Recording(*(np.repeat(values, count, axis=0) for values in _arrays(recording)))


def _way_back(recording: Recording) -> Recording:
    """Samples between the last and the first of a recording, minimum jerk, both hands within the speed limits."""
    positions, quaternions, grippers = _arrays(recording)
    distance = float(np.linalg.norm(positions[0] - positions[-1], axis=-1).max())
    angle = max(quaternion_angle(last, first) for last, first in zip(quaternions[-1], quaternions[0], strict=True))
    duration = max(shortest_duration(distance, RETURN_SPEED), shortest_duration(angle, RETURN_TURN_SPEED))
    count = int(np.ceil(duration * RATE))
    shares = minimum_jerk(np.arange(1, count + 1) / (count + 1))

    def between(values: FloatArray) -> FloatArray:
        weights = shares.reshape(-1, *([1] * (values.ndim - 1)))
        samples: FloatArray = values[-1] + weights * (values[0] - values[-1])
        return samples

    turned = [
        [slerp(quaternions[-1, hand], quaternions[0, hand], share) for hand in (0, 1)] for share in shares.tolist()
    ]
    return Recording(between(positions), np.array(turned).reshape(-1, 2, 4), between(grippers))
