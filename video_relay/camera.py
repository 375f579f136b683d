"""Source: a stereo camera, or two cameras, through OpenCV."""

from __future__ import annotations

import cv2

from video_relay.camera_model import StereoModel
from video_relay.camera_reader import CameraReader
from video_relay.picture import SIDE_BY_SIDE, resized, size_within, split
from video_relay.source import Picture, SourceError, StereoFrame

# A camera that delivers nothing for so long has failed, even if its driver does not say so [s].
SILENT_AFTER = 2.0


class StereoCamera:
    """One device that delivers both eyes in one picture, or two devices: left, right."""

    renderer = "camera through OpenCV"

    def __init__(
        self,
        devices: tuple[int, ...],
        layout: str,
        largest_size: tuple[int, int],
        rate: float,
        field_of_view: float,
        baseline: float,
    ) -> None:
        """Keep what is needed to connect.

        Args:
            devices: Number of the device, or of the left and the right device.
            layout: "side_by_side" or "top_bottom", for one device.
            largest_size: Columns and rows to which the picture of each eye is reduced [px]; also asked of the device.
            rate: Frame rate asked of the device [Hz].
            field_of_view: Angle from the left to the right edge of each picture [rad].
            baseline: Distance of the eyes [m].

        Raises:
            ValueError: not one or two different devices.
        """
        if len(devices) not in (1, 2) or len(set(devices)) != len(devices):
            raise ValueError(f"devices: {devices} is not one device or two different ones")
        self.name = "camera " + ",".join(map(str, devices))
        self._devices = devices
        self._layout = layout
        self._largest_size = largest_size
        self._rate = rate
        self._field_of_view = field_of_view
        self._baseline = baseline
        self._reader: CameraReader | None = None
        self._model: StereoModel | None = None
        self._heard_at: float | None = None

    @property
    def model(self) -> StereoModel:
        """Nominal geometry of the pair; known from the first picture."""
        assert self._model is not None, "no picture yet"
        return self._model

    def connect(self) -> None:
        """Open the devices.

        Raises:
            SourceError: a device is not there.
        """
        self.close()
        captures: list[cv2.VideoCapture] = []
        for device in self._devices:
            capture = cv2.VideoCapture(device)
            captures.append(capture)
            if not capture.isOpened():
                for opened in captures:
                    opened.release()
                raise SourceError(f"{self.name}: there is no camera {device}, or something else is using it")
            self._set_up(capture)
        self._reader = CameraReader(captures)

    def read(self, now: float) -> StereoFrame | None:
        """Return the newest frame.

        Raises:
            SourceError: the camera is gone or silent, or its picture does not hold two eyes.
        """
        if self._reader is None:
            raise SourceError(f"{self.name}: not connected")
        taken = self._reader.take()
        if self._heard_at is None or taken is not None:
            self._heard_at = now
        if taken is None:
            self._raise_if_gone(now)
            return None
        pictures, captured_at = taken
        left, right = split(pictures[0], self._layout) if len(pictures) == 1 else pictures
        self._model = self._model or self._model_of(left)
        size = (self._model.width, self._model.height)
        return StereoFrame(resized(left, size), resized(right, size), captured_at)

    def close(self) -> None:
        """Let go of the devices."""
        if self._reader is not None:
            self._reader.close()
        self._reader = self._model = self._heard_at = None

    def _raise_if_gone(self, now: float) -> None:
        assert self._reader is not None
        assert self._heard_at is not None
        if self._reader.failure:
            raise SourceError(f"{self.name}: {self._reader.failure}")
        if not now - self._heard_at <= SILENT_AFTER:
            raise SourceError(f"{self.name}: no picture for {SILENT_AFTER:g} s")

    def _model_of(self, left: Picture) -> StereoModel:
        width, height = size_within(left.shape[1], left.shape[0], *self._largest_size)
        return StereoModel.from_field_of_view(width, height, self._field_of_view, self._baseline)

    def _set_up(self, capture: cv2.VideoCapture) -> None:
        width, height = self._largest_size
        both_in_one = len(self._devices) == 1
        capture.set(cv2.CAP_PROP_FRAME_WIDTH, 2 * width if both_in_one and self._layout == SIDE_BY_SIDE else width)
        capture.set(cv2.CAP_PROP_FRAME_HEIGHT, 2 * height if both_in_one and self._layout != SIDE_BY_SIDE else height)
        capture.set(cv2.CAP_PROP_FPS, self._rate)
        capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)
