"""What clients send, checked: sizes, names, numbers. Refused with a text that names field and value; never repaired."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from robot_driver.crtk.refusal import CommandRefusedError
from robot_driver.joint_order import in_order
from teleop_core.se3 import FloatArray, Pose, is_unit_quaternion


def joint_values(names: Sequence[str], values: Sequence[float], wanted: Sequence[str]) -> tuple[float, ...]:
    """Joint values in the order of the kinematics.

    Args:
        names: As sent; none means that the values are in order.
        values: As sent [rad, m].
        wanted: Names in the order of the kinematics.

    Raises:
        CommandRefusedError: wrong size, wrong names, or a number that is not finite.
    """
    if len(values) != len(wanted):
        raise CommandRefusedError(
            f"position has {len(values)} values, the arm has {len(wanted)} joints: {', '.join(wanted)}"
        )
    ordered = in_order(names, values, wanted)
    if ordered is None:
        raise CommandRefusedError(f"name {list(names)} is not {', '.join(wanted)}")
    for name, value in zip(wanted, ordered, strict=True):
        if not math.isfinite(value):
            raise CommandRefusedError(f"position of {name} is {value}")
    return tuple(ordered)


def one_value(values: Sequence[float], what: str) -> float:
    """The only value of a list, finite; raises CommandRefusedError."""
    if len(values) != 1:
        raise CommandRefusedError(f"position has {len(values)} values, the {what} has one")
    return number(values[0], f"position of {what}")


def number(value: float, what: str) -> float:
    """A finite number; raises CommandRefusedError."""
    if not math.isfinite(value):
        raise CommandRefusedError(f"{what} is {value}")
    return value


def pose(given: Pose) -> Pose:
    """A pose with a finite position and a unit quaternion (within 1e-3); raises CommandRefusedError."""
    position = given.position.tolist()
    if not all(map(math.isfinite, position)):
        raise CommandRefusedError(f"position is {tuple(position)}")
    if not is_unit_quaternion(given.quaternion):
        raise CommandRefusedError(f"orientation {tuple(given.quaternion.tolist())} is no unit quaternion")
    return given


def twist(linear: Sequence[float], angular: Sequence[float]) -> FloatArray:
    """A twist (6,) of finite numbers, linear then angular [m/s, rad/s]; raises CommandRefusedError."""
    values = (*linear, *angular)
    if not all(map(math.isfinite, values)):
        raise CommandRefusedError(f"twist is {values}")
    return np.array(values)
