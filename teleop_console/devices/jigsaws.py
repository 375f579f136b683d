"""Reader of JIGSAWS kinematics: what a da Vinci recorded of a surgeon's hands.

76 columns at 30 Hz, comma- or space-separated, with or without a row of names: for the left master, the right master
and two instruments each position [m], rotation matrix R11..R33, linear and angular velocity, gripper angle [rad].
Only the masters are used. Source: Gao et al., "JHU-ISI Gesture and Skill Assessment Working Set", M2CAI 2014.

Frame: the recorded axes are those of the stereo display, so nothing is converted. In a recorded trial the motion of
each instrument, which the robot reports in the camera's frame, is the motion of its master times 0.500, turned by 0.1
degrees (least squares on the differences of successive positions, R^2 = 0.997), and each instrument turns with its
master, but for a constant offset, to within 2 degrees. So both frames share their axes. The
left hand is at positive X, the right hand at negative X, both at positive Z: X points left and Z away from the
operator, and Y therefore up. (The left master moves the instrument that the file calls the right one.)
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import numpy as np

from teleop_console.devices.device import LARGEST_COORDINATE, LARGEST_GRIPPER, DeviceError
from teleop_core.se3 import FloatArray, quaternion_from_matrix, rotation_matrix_nearest

RATE = 30.0
"""Samples a second [Hz]."""

_PER_ARM = (
    *(f"POS_{axis}" for axis in "XYZ"),
    *(f"ROT_R{row}{column}" for row, column in product("123", repeat=2)),
    *(f"LIN_VEL_{axis}" for axis in "XYZ"),
    *(f"ROT_VEL_{axis}" for axis in "XYZ"),
    "GRIPPER_ANGLE",
)
COLUMNS = tuple(
    f"{arm}_{quantity}"
    for arm, quantity in product(("MASTER_LEFT", "MASTER_RIGHT", "SLAVE_LEFT", "SLAVE_RIGHT"), _PER_ARM)
)
_GRIPPER = _PER_ARM.index("GRIPPER_ANGLE")
_ROTATION = slice(3, 12)

# Largest entry of R R^T - 1 [1]: recordings are rounded to a few digits, which leaves up to 0.002.
_ROTATION_TOLERANCE = 0.05


@dataclass(frozen=True)
class Recording:
    """Both hands, sampled at `RATE`, display frame.

    Attributes:
        positions: (n, 2, 3) of the left and the right hand [m].
        quaternions: (n, 2, 4) unit quaternions x, y, z, w.
        grippers: (n, 2) [rad]; below 0 where the hand squeezes.
    """

    positions: FloatArray
    quaternions: FloatArray
    grippers: FloatArray


def read_recording(path: Path) -> Recording:
    """Read a file of recorded hands.

    Raises:
        DeviceError: the file cannot be read or holds something else; names file, line, column and value.
    """
    numbers: list[int] = []
    rows: list[list[float]] = []
    for number, fields in _lines(path):
        if not rows and not any(_is_number(field) for field in fields):
            _check_width(path, number, fields)
            continue
        numbers.append(number)
        rows.append(_row(path, number, fields))
    if len(rows) < 2:
        raise DeviceError(f"{path}: {len(rows)} rows of data, at least 2 are needed")
    masters = np.array(rows)[:, : 2 * len(_PER_ARM)].reshape(len(rows), 2, len(_PER_ARM))
    return Recording(masters[..., :3], _quaternions(path, numbers, masters[..., _ROTATION]), masters[..., _GRIPPER])


def _lines(path: Path) -> list[tuple[int, list[str]]]:
    """Line number and fields of every line that is not blank."""
    try:
        if not path.is_file():
            raise DeviceError(f"{path}: {'not a file' if path.exists() else 'no such file'}")
        with path.open(encoding="utf-8-sig") as file:
            return [
                (number, line.split(",") if "," in line else line.split())
                for number, line in enumerate(file, start=1)
                if line.strip()
            ]
    except UnicodeDecodeError as error:
        raise DeviceError(f"{path}: not a text file of recorded hands ({error.reason})") from error
    except OSError as error:
        raise DeviceError(f"{path}: cannot be read: {error.strerror}") from error


def _is_number(field: str) -> bool:
    try:
        float(field)
    except ValueError:
        return False
    return True


def _check_width(path: Path, number: int, fields: list[str]) -> None:
    if len(fields) != len(COLUMNS):
        raise DeviceError(f"{path}: line {number}: {len(fields)} columns, {len(COLUMNS)} are needed")


def _row(path: Path, number: int, fields: list[str]) -> list[float]:
    _check_width(path, number, fields)
    values = []
    for index, field in enumerate(fields):
        place = f"{path}: line {number}, column {index + 1} ({COLUMNS[index]})"
        if not _is_number(field):
            raise DeviceError(f"{place}: {field.strip()[:40]!r} is not a number")
        value = float(field)
        if not math.isfinite(value):
            raise DeviceError(f"{place}: {value} is not finite")
        largest = _largest(index)
        if not -largest <= value <= largest:
            raise DeviceError(f"{place}: {value} is not within {-largest:.4g} to {largest:.4g}")
        values.append(value)
    return values


def _largest(index: int) -> float:
    """Largest absolute value that a column of a master may have; the instruments' columns are not used."""
    quantity = index % len(_PER_ARM)
    if index >= 2 * len(_PER_ARM):
        return math.inf
    if quantity < 3:
        return LARGEST_COORDINATE
    return LARGEST_GRIPPER if quantity == _GRIPPER else math.inf


def _quaternions(path: Path, numbers: list[int], flat: FloatArray) -> FloatArray:
    """Unit quaternions (n, 2, 4) of the nearest rotations to (n, 2, 9) rounded matrices, without sign changes."""
    matrices = flat.reshape(*flat.shape[:2], 3, 3)
    deviations = np.abs(matrices @ matrices.swapaxes(-1, -2) - np.eye(3)).max(axis=(-1, -2))
    proper = (deviations <= _ROTATION_TOLERANCE) & (np.linalg.det(matrices) > 0.0)
    if not proper.all():
        row, hand = np.argwhere(~proper)[0].tolist()
        first = hand * len(_PER_ARM) + _ROTATION.start
        raise DeviceError(
            f"{path}: line {numbers[row]}, columns {first + 1} to {first + 9} "
            f"({COLUMNS[first]} to {COLUMNS[first + 8]}): {flat[row, hand].tolist()} is not a rotation matrix"
        )
    quaternions = np.array([[quaternion_from_matrix(rotation_matrix_nearest(m)) for m in pair] for pair in matrices])
    turned_over = np.sum(quaternions[1:] * quaternions[:-1], axis=-1) < 0.0
    signs = np.cumprod(np.where(turned_over, -1.0, 1.0), axis=0)
    quaternions[1:] *= signs[..., np.newaxis]
    return quaternions
