"""Stereo video files and OpenCV's capture: real files, written and read back."""

from __future__ import annotations

import time
from pathlib import Path

import cv2
import numpy as np
import pytest

from video_relay.camera_reader import CameraReader
from video_relay.source import SourceError, StereoFrame
from video_relay.stereo_file import StereoFile

EYE = (96, 64)
FRAMES = 10
RATE = 20.0


def write_video(path: Path, layout: str = "side_by_side", frames: int = FRAMES) -> Path:
    """A video whose left eye is blue and right eye green, both brighter with each frame."""
    width, height = (2 * EYE[0], EYE[1]) if layout == "side_by_side" else (EYE[0], 2 * EYE[1])
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), RATE, (width, height))
    assert writer.isOpened()
    for index in range(frames):
        left, right = (np.zeros((EYE[1], EYE[0], 3), dtype=np.uint8) for _ in range(2))
        left[:, :, 0] = right[:, :, 1] = (50 + 20 * index) % 256
        writer.write(np.concatenate((left, right), axis=1 if layout == "side_by_side" else 0))
    writer.release()
    return path


def opened(path: Path, layout: str = "side_by_side", largest: tuple[int, int] = (400, 300)) -> StereoFile:
    """The file as a connected source."""
    source = StereoFile(str(path), layout, largest, 1.05, 0.005)
    source.connect()
    return source


def number(frame: StereoFrame) -> int:
    """Which frame of the video it is, the same in both eyes."""
    left, right = frame.left[:, :, 0].mean(), frame.right[:, :, 1].mean()
    assert left == pytest.approx(right, abs=4.0)
    assert frame.left[:, :, 1:].mean() < 20.0
    return round((left - 50.0) / 20.0)


@pytest.mark.parametrize("layout", ["side_by_side", "top_bottom"])
def test_file_plays_at_its_rate_over_and_over(tmp_path: Path, layout: str) -> None:
    """Every frame comes once, in order, with both eyes apart, and after the last the first."""
    source = opened(write_video(tmp_path / "stereo.avi", layout), layout)
    times = [5.0, *(5.0 + index / RATE + 0.001 for index in range(1, 2 * FRAMES + 3))]
    frames = [source.read(now) for now in times]
    assert [number(frame) for frame in frames] == [index % FRAMES for index in range(2 * FRAMES + 3)]
    assert (source.model.width, source.model.height) == EYE
    assert [frame.captured_at for frame in frames] == times
    source.close()


def test_newest_frame_wins(tmp_path: Path) -> None:
    """Too early there is no frame; late, the overdue ones are left out; after a long pause nothing catches up."""
    source = opened(write_video(tmp_path / "stereo.avi"))
    assert number(source.read(0.0)) == 0
    assert source.read(0.04) is None
    assert number(source.read(4.0 / RATE + 0.001)) == 4
    assert source.read(4.0 / RATE + 0.002) is None
    assert number(source.read(60.0)) == 5
    assert source.read(60.01) is None
    assert number(source.read(60.0 + 1.0 / RATE + 0.001)) == 6
    source.close()


def test_large_pictures_are_reduced(tmp_path: Path) -> None:
    """Pictures larger than wanted are reduced in their shape, and the model is that of the reduced picture."""
    source = opened(write_video(tmp_path / "stereo.avi"), largest=(48, 300))
    frame = source.read(0.0)
    assert frame.left.shape == frame.right.shape == (32, 48, 3)
    assert (source.model.width, source.model.height) == (48, 32)
    source.close()


def test_missing_file_is_told(tmp_path: Path) -> None:
    """A file that is not there is named."""
    with pytest.raises(SourceError, match=r"no such file"):
        opened(tmp_path / "absent.avi")


def test_what_is_no_video_is_told(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """A text file and an empty file are not videos."""
    for content in (b"", b"this is not a video\n" * 100):
        path = tmp_path / "text.avi"
        path.write_bytes(content)
        with pytest.raises(SourceError, match=r"not a video|no picture"):
            opened(path)
    capfd.readouterr()


def test_too_few_columns_are_told(tmp_path: Path) -> None:
    """A picture too narrow for two eyes is refused when it is opened."""
    path = tmp_path / "narrow.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), RATE, (48, 64))
    writer.write(np.zeros((64, 48, 3), dtype=np.uint8))
    writer.release()
    with pytest.raises(SourceError, match="24 columns"):
        opened(path)


def test_file_that_vanishes_fails_at_its_end(tmp_path: Path) -> None:
    """When the file is gone the loop ends with an error, not with old pictures."""
    path = write_video(tmp_path / "stereo.avi")
    source = opened(path)
    source.read(0.0)
    path.unlink()
    for index in range(1, FRAMES):
        assert source.read(index / RATE + 0.001) is not None
    with pytest.raises(SourceError, match="no such file"):
        source.read(FRAMES / RATE + 0.001)
    source.close()


def wait_for(condition, limit: float = 10.0):
    """What the condition returns once it is true."""
    end = time.monotonic() + limit
    while time.monotonic() < end:
        result = condition()
        if result:
            return result
        time.sleep(0.005)
    raise AssertionError(f"not within {limit} s")


def test_reader_gives_a_picture_of_each_capture_then_its_end(tmp_path: Path) -> None:
    """Two captures give two pictures grabbed at one time after they were asked for; at their end the reader says so."""
    paths = [write_video(tmp_path / f"{eye}.avi", frames=3000) for eye in ("left", "right")]
    reader = CameraReader([cv2.VideoCapture(str(path)) for path in paths])
    asked_at = time.monotonic()
    pictures, grabbed_at = wait_for(reader.take)
    assert len(pictures) == 2
    assert grabbed_at <= time.monotonic()
    assert grabbed_at >= asked_at - 0.1
    wait_for(lambda: reader.failure)
    assert "no more pictures" in reader.failure
    reader.close()
