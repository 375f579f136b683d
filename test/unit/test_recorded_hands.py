"""Recorded hands: the format is read in all its dialects, everything else is refused in words, the loop has no jump."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from transforms3d.axangles import axangle2mat

from teleop_console.devices.device import DeviceError, DeviceLostError, DeviceSample
from teleop_console.devices.jigsaws import COLUMNS, RATE, read_recording
from teleop_console.devices.recorded_hands import RETURN_SPEED, RETURN_TURN_SPEED, RecordedHands
from teleop_core.se3 import quaternion_angle

ROWS = 60
GRIPPER = COLUMNS.index("MASTER_LEFT_GRIPPER_ANGLE")


def recording(rows: int = ROWS, turn: float = 1.5) -> np.ndarray:
    """Rows of a recording in which both hands move, turn by `turn` [rad] and close, and end elsewhere."""
    table = np.zeros((rows, len(COLUMNS)))
    for arm in range(4):
        for row in range(rows):
            share = row / rows
            values = table[row, 19 * arm :]
            values[0:3] = 0.15 - 0.1 * arm, 0.05 * math.sin(5.0 * share), 0.3 + 0.08 * share
            values[3:12] = axangle2mat((1.0, 2.0, arm), turn * share).ravel()
            values[18] = 0.5 * math.cos(3.0 * share)
    return table


def write(path: Path, table: np.ndarray, separator: str = " ", header: bool = False) -> Path:
    """Write rows with seven digits, as recordings have."""
    lines = [separator.join(f"{value:.7f}" for value in row) for row in table]
    path.write_text("\n".join(([separator.join(COLUMNS)] if header else []) + lines) + "\n")
    return path


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A recording in its original form: spaces, no header."""
    return write(tmp_path / "hands.txt", recording())


@pytest.mark.parametrize("separator", [" ", ",", ", ", "\t", "     "])
@pytest.mark.parametrize("header", [False, True])
def test_every_dialect_of_the_format_gives_the_same_hands(tmp_path: Path, separator: str, header: bool) -> None:
    """Header or none, commas or any white space: the masters come out, left first, to the written digits."""
    table = recording()
    hands = read_recording(write(tmp_path / "hands", table, separator, header))
    assert hands.positions == pytest.approx(np.stack((table[:, 0:3], table[:, 19:22]), axis=1), abs=1e-7)
    assert hands.grippers == pytest.approx(table[:, [18, 37]], abs=1e-7)
    for row, hand in ((0, 0), (17, 1), (ROWS - 1, 0)):
        expected = table[row, 19 * hand + 3 : 19 * hand + 12].reshape(3, 3)
        x, y, z, w = hands.quaternions[row, hand]
        assert np.array([2 * (x * y - w * z), 2 * (x * z + w * y)]) == pytest.approx(expected[0, 1:], abs=1e-6)
        assert 1 - 2 * (y * y + z * z) == pytest.approx(expected[0, 0], abs=1e-6)


def test_rounded_rotations_are_made_orthonormal(tmp_path: Path) -> None:
    """Noise of a few thousandths, as recordings have, still gives unit quaternions near the truth."""
    table = recording()
    noise = np.random.default_rng(3).normal(0.0, 1e-3, (ROWS, 9))
    clean = read_recording(write(tmp_path / "clean", table))
    table[:, 3:12] += noise
    noisy = read_recording(write(tmp_path / "noisy", table))
    assert np.linalg.norm(noisy.quaternions, axis=-1) == pytest.approx(1.0, abs=1e-12)
    angles = [quaternion_angle(a, b) for a, b in zip(clean.quaternions[:, 0], noisy.quaternions[:, 0], strict=True)]
    assert max(angles) < 0.005


@pytest.mark.parametrize(
    ("column", "text", "message"),
    [
        (4, "abc", "line 5, column 5 (MASTER_LEFT_ROT_R12): 'abc' is not a number"),
        (75, "nan", "line 5, column 76 (SLAVE_RIGHT_GRIPPER_ANGLE): nan is not finite"),
        (20, "-inf", "line 5, column 21 (MASTER_RIGHT_POS_Y): -inf is not finite"),
        (0, "150.0", "line 5, column 1 (MASTER_LEFT_POS_X): 150.0 is not within -2 to 2"),
        (GRIPPER, "90", "line 5, column 19 (MASTER_LEFT_GRIPPER_ANGLE): 90.0 is not within -3.142 to 3.142"),
        (22, "0.1", "line 5, columns 23 to 31 (MASTER_RIGHT_ROT_R11 to MASTER_RIGHT_ROT_R33)"),
        (22, "-1.0", "is not a rotation matrix"),
    ],
)
def test_a_bad_value_is_refused_by_name(file: Path, column: int, text: str, message: str) -> None:
    """The error names file, line, column and value."""
    lines = file.read_text().splitlines()
    fields = lines[4].split()
    fields[column] = text
    lines[4] = " ".join(fields)
    file.write_text("\n".join(lines))
    with pytest.raises(DeviceError) as error:
        RecordedHands(file).connect()
    assert str(error.value).startswith(str(file))
    assert message in str(error.value)


def test_a_mirrored_hand_is_refused(tmp_path: Path) -> None:
    """Orthonormal but left-handed is no rotation."""
    table = recording()
    table[9, 3:6] *= -1.0
    with pytest.raises(DeviceError, match=r"line 10, columns 4 to 12 .* is not a rotation matrix"):
        read_recording(write(tmp_path / "mirrored", table))


def _one_column_less(file: Path) -> None:
    lines = file.read_text().splitlines()
    lines[6] = lines[6].rsplit(" ", 1)[0]
    file.write_text("\n".join(lines))


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (_one_column_less, "line 7: 75 columns, 76 are needed"),
        (lambda file: file.write_text(""), "0 rows of data, at least 2 are needed"),
        (lambda file: file.write_text(file.read_text().splitlines()[0]), "1 rows of data, at least 2 are needed"),
        (lambda file: file.write_text("a,b,c\n"), "line 1: 3 columns, 76 are needed"),
        (lambda file: file.write_bytes(bytes(range(256)) * 40), "not a text file"),
        (lambda file: file.write_bytes(bytes(4000)), "line 1: 1 columns, 76 are needed"),
        (lambda file: file.unlink(), "no such file"),
        (lambda file: (file.unlink(), file.mkdir()), "not a file"),
    ],
)
def test_a_file_of_another_kind_is_refused(file: Path, spoil: Callable[[Path], object], message: str) -> None:
    """Missing, empty, short, binary or torn: one clear line with the name of the file."""
    spoil(file)
    with pytest.raises(DeviceError) as error:
        RecordedHands(file).connect()
    assert str(error.value).startswith(f"{file}: ")
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def played(file: Path, until: float, step: float = 0.002, start: float = 1000.0) -> list[DeviceSample]:
    """Samples from the first read on."""
    device = RecordedHands(file)
    device.connect()
    return [device.read(start + index * step) for index in range(round(until / step))]


def test_the_recording_comes_first_and_passes_through_its_samples(file: Path) -> None:
    """At the times of the recorded rows the hands are where the rows say, with no pedal pressed."""
    hands = read_recording(file)
    device = RecordedHands(file)
    device.connect()
    device.read(50.0)
    for row in range(1, ROWS):
        sample = device.read(50.0 + row / RATE + 1e-9)
        assert (sample.operator_present, sample.clutch, sample.camera) == (True, False, False)
        for hand in (0, 1):
            signal = sample.hands[hand]
            assert signal.name == ("MTML", "MTMR")[hand]
            assert signal.pose.position == pytest.approx(hands.positions[row, hand], abs=1e-6)
            assert quaternion_angle(signal.pose.quaternion, hands.quaternions[row, hand]) < 1e-6
            assert signal.gripper == pytest.approx(hands.grippers[row, hand], abs=1e-6)


@pytest.mark.parametrize("turn", [0.0, 1.5])
def test_the_way_back_is_slow_and_ends_with_a_clutch_at_rest(tmp_path: Path, turn: float) -> None:
    """After the recording the hands return within the speed limits and the clutch is pressed once, at the beginning."""
    samples = played(write(tmp_path / "hands", recording(turn=turn)), 12.0)
    start, end = samples[0].hands, round(ROWS / RATE / 0.002)
    pressed = [index for index, sample in enumerate(samples) if sample.clutch]
    assert pressed, "the clutch is never pressed"
    released = next(index for index in range(pressed[0], len(samples)) if not samples[index].clutch)
    for sample in samples[end:released]:
        for hand in sample.hands:
            assert math.hypot(*hand.linear) <= 1.05 * RETURN_SPEED
            assert math.hypot(*hand.angular) <= 1.05 * RETURN_TURN_SPEED
    for sample in samples[pressed[0] : released - round(1.0 / RATE / 0.002)]:
        for hand, first in zip(sample.hands, start, strict=True):
            assert hand.pose.position == pytest.approx(first.pose.position, abs=1e-6)
            assert math.hypot(*hand.linear) < 1e-6
    assert 0.1 <= (released - pressed[0]) * 0.002 <= 1.0


def test_nothing_jumps_anywhere_in_the_loop(file: Path) -> None:
    """Over two rounds position, orientation and velocity change little from one sample to the next."""
    samples = played(file, 12.0, step=0.001)
    for before, after in pairwise(samples):
        for one, two in zip(before.hands, after.hands, strict=True):
            assert math.dist(one.pose.position, two.pose.position) < 5e-4
            assert quaternion_angle(one.pose.quaternion, two.pose.quaternion) < 3e-3
            assert math.dist(one.linear, two.linear) < 0.02
            assert math.dist(one.angular, two.angular) < 0.12


def test_two_rows_are_enough(tmp_path: Path) -> None:
    """The shortest recording plays."""
    samples = played(write(tmp_path / "short", recording(2)), 3.0, step=0.01)
    assert any(sample.clutch for sample in samples)
    assert not samples[0].clutch


def test_reading_before_connecting_is_an_error(file: Path) -> None:
    """A device that is not connected counts as lost, as every device does."""
    with pytest.raises(DeviceLostError, match="before it was connected"):
        RecordedHands(file).read(0.0)
