"""Source: a stereo video file, at its own rate, over and over."""

from __future__ import annotations

import math
from pathlib import Path

import cv2

from video_relay.camera_model import StereoModel
from video_relay.picture import resized, size_within, split
from video_relay.source import Picture, SourceError, StereoFrame

# Playing resumes from where it is instead of skipping ahead when it has fallen behind by more than this [s].
_LARGEST_SKIP = 1.0
_RATES = (1.0, 240.0)  # Frame rates that are believed [Hz].
_USUAL_RATE = 25.0  # Where the file does not tell a believable one [Hz].


class StereoFile:
    """Plays a file that holds both eyes in one picture."""

    renderer = "file through OpenCV"

    def __init__(
        self, path: str, layout: str, largest_size: tuple[int, int], field_of_view: float, baseline: float
    ) -> None:
        """Keep what is needed to connect.

        Args:
            path: The file.
            layout: "side_by_side" or "top_bottom".
            largest_size: Columns and rows to which the picture of each eye is reduced [px].
            field_of_view: Angle from the left to the right edge of each picture [rad].
            baseline: Distance of the eyes [m].
        """
        self.name = f"file {path}"
        self._path = path
        self._layout = layout
        self._largest_size = largest_size
        self._field_of_view = field_of_view
        self._baseline = baseline
        self._capture: cv2.VideoCapture | None = None
        self._model: StereoModel | None = None
        self._rate = _USUAL_RATE
        self._started_at: float | None = None
        self._frames = 0

    @property
    def model(self) -> StereoModel:
        """Nominal geometry of the pair."""
        assert self._model is not None, "not connected"
        return self._model

    def connect(self) -> None:
        """Open the file and look at its first picture.

        Raises:
            SourceError: it is missing, not a video, or its picture does not hold two eyes.
        """
        self.close()
        self._open()
        left, _ = split(self._first_picture(), self._layout)
        width, height = size_within(left.shape[1], left.shape[0], *self._largest_size)
        self._model = StereoModel.from_field_of_view(width, height, self._field_of_view, self._baseline)
        self._open()

    def read(self, now: float) -> StereoFrame | None:
        """Return the frame that is due by the file's rate, leaving out those that are overdue.

        Raises:
            SourceError: the file cannot be read any more.
        """
        behind = self._frames_behind(now)
        if behind < 1:
            return None
        for _ in range(behind - 1):
            self._advance()
        self._advance()
        picture = self._retrieved()
        left, right = (resized(eye, (self.model.width, self.model.height)) for eye in split(picture, self._layout))
        return StereoFrame(left, right, captured_at=now)

    def close(self) -> None:
        """Close the file."""
        if self._capture is not None:
            self._capture.release()
            self._capture = None
        self._started_at = None

    def _open(self) -> None:
        self.close()
        if not Path(self._path).is_file():
            raise SourceError(f"{self.name}: there is no such file")
        self._capture = cv2.VideoCapture(self._path)
        if not self._capture.isOpened():
            raise SourceError(f"{self.name}: not a video that OpenCV can read")
        rate = self._capture.get(cv2.CAP_PROP_FPS)
        self._rate = rate if _RATES[0] <= rate <= _RATES[1] else _USUAL_RATE

    def _first_picture(self) -> Picture:
        if self._capture is None or not self._capture.grab():
            raise SourceError(f"{self.name}: there is no picture in it")
        return self._retrieved()

    def _frames_behind(self, now: float) -> int:
        if self._started_at is None or now - self._started_at - self._frames / self._rate > _LARGEST_SKIP:
            self._started_at, self._frames = now, 0
        return math.floor((now - self._started_at) * self._rate) + 1 - self._frames

    def _advance(self) -> None:
        if self._capture is None:
            raise SourceError(f"{self.name}: not open")
        if not self._capture.grab():
            started_at = self._started_at
            self._open()
            self._started_at = started_at
            if not self._capture.grab():
                raise SourceError(f"{self.name}: there is no picture in it any more")
        self._frames += 1

    def _retrieved(self) -> Picture:
        assert self._capture is not None
        good, picture = self._capture.retrieve()
        if not good:
            raise SourceError(f"{self.name}: a picture cannot be decoded")
        return picture  # type: ignore[return-value]
