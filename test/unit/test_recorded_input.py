"""Recorded hands of a campaign: they come back as they were, never jump, and what is no recording is refused."""

from __future__ import annotations

import copy
from pathlib import Path

import numpy as np
import pytest

from campaign.recorded_input import RecordedInput, RecordedInputError, from_device, load, recorded_input


@pytest.fixture(scope="module")
def recording() -> RecordedInput:
    """Two seconds of the built-in surgeon."""
    return from_device("surgeon", 3, 2.0)


def positions(recording: RecordedInput, time: float) -> np.ndarray:
    return np.array([hand.pose.position for hand in recording.at(time).hands])


def test_a_recording_comes_back_bit_by_bit(recording: RecordedInput, tmp_path: Path) -> None:
    """Saved and loaded, every sample is the same."""
    path = tmp_path / "hands.jsonl"
    recording.save(path)
    loaded = recorded_input(str(path))
    assert loaded.rate == recording.rate
    assert len(loaded.samples) == len(recording.samples) == 401
    for time in (0.0, 0.5, 1.999):
        assert (positions(loaded, time) == positions(recording, time)).all()
        assert loaded.at(time).clutch == recording.at(time).clutch


def test_hands_never_jump_however_long_they_are_played(recording: RecordedInput) -> None:
    """At the end the recording is played backwards: no step is larger than one within it."""
    steps = [
        np.abs(positions(recording, (index + 1) / 200.0) - positions(recording, index / 200.0)).max()
        for index in range(1800)
    ]
    assert max(steps[400:]) <= max(steps[:400]) + 1e-12
    assert recording.duration == pytest.approx(2.0)


def test_copies_share_the_recording(recording: RecordedInput) -> None:
    """What plays a recording can be copied a thousand times."""
    assert copy.deepcopy([recording])[0] is recording


@pytest.mark.parametrize(
    "text",
    ["", "{}", '{"rate": 200.0}\n[1]\n', '{"rate": 200.0}\nnonsense\n', '{"rate": "x"}\n', '{"rate": 200.0}\n', "[]\n"],
)
def test_what_is_no_recording_is_refused(tmp_path: Path, text: str) -> None:
    """The error names file and line."""
    path = tmp_path / "hands.jsonl"
    path.write_text(text)
    with pytest.raises(RecordedInputError, match=r"hands\.jsonl, line \d"):
        load(path)


def test_a_log_without_packets_is_refused(tmp_path: Path) -> None:
    """A decision log of something else is no recording."""
    path = tmp_path / "decisions.log"
    path.write_text('{"start":1}\n')
    with pytest.raises(RecordedInputError, match="holds no packets"):
        recorded_input(str(path))
