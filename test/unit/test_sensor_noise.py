"""No two rendered pictures are alike, even of a scene that stands still, and the noise is not seen."""

from __future__ import annotations

import itertools

import cv2
import numpy as np

from video_relay.sensor_noise import DEVIATION, SensorNoise

SIZE = (60, 80)


def test_no_compressed_picture_is_like_the_last_one() -> None:
    """As the relay sends them: each differs from the one before, though the scene does not."""
    noise, scene = SensorNoise(*SIZE), np.full((*SIZE, 3), 40, dtype=np.uint8)
    sent = [cv2.imencode(".jpg", noise.on(scene), [cv2.IMWRITE_JPEG_QUALITY, 80])[1].tobytes() for _ in range(300)]
    assert all(first != second for first, second in itertools.pairwise(sent))


def test_the_noise_is_small_and_stays_within_the_range() -> None:
    """As large as said, of no colour on the average, and black and white do not wrap around."""
    noise = SensorNoise(*SIZE)
    grey = noise.on(np.full((*SIZE, 3), 128, dtype=np.uint8)).astype(float) - 128.0
    assert 0.9 * DEVIATION < grey.std() < 1.1 * DEVIATION
    assert abs(grey.mean()) < 0.1
    for edge in (0, 255):
        picture = noise.on(np.full((*SIZE, 3), edge, dtype=np.uint8))
        assert picture.dtype == np.uint8
        assert np.abs(picture.astype(float) - edge).max() < 10.0
