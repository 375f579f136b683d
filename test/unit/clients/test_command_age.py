"""A command of a client is of now, or is refused with its age."""

from __future__ import annotations

import math
import re

import pytest

from robot_driver.crtk.command_age import JUDGED, check_age
from robot_driver.crtk.refusal import CommandRefusedError
from teleop_core.contract import STREAMS

HIGHEST = 0.125


@pytest.mark.parametrize("age", [0.0, 0.125, -0.125])
def test_a_command_of_now_is_carried_out(age: float) -> None:
    """As old, or as early, as the profile allows: the bound is within."""
    check_age(100.0, 100.0 - age, HIGHEST)


@pytest.mark.parametrize("age", [0.2, -0.2, 3600.0])
def test_an_old_one_is_refused_with_its_age(age: float) -> None:
    """As is one of the future: either clock is wrong."""
    with pytest.raises(CommandRefusedError, match=re.escape(f"command too old by {abs(age) - HIGHEST:.3g} s") + "$"):
        check_age(100.0, 100.0 - age, HIGHEST)


@pytest.mark.parametrize("stamp", [math.nan, math.inf, -math.inf])
def test_a_stamp_that_is_no_time_is_refused(stamp: float) -> None:
    """Whatever limit is asked about it."""
    with pytest.raises(CommandRefusedError, match=r"^command is not a finite number$"):
        check_age(100.0, stamp, HIGHEST)


def test_every_command_that_has_a_stamp_is_judged_but_for_the_two_that_are_told() -> None:
    """Interpolation, whose stamps are of another clock, and the local team."""
    kinds = ("servo_j", "servo_c", "move_", "interpolate_")
    stamped = {name for name, row in STREAMS.items() if any(kind in name for kind in kinds) and "{arm}" in row.topic}
    forces = {"servo_jf", "servo_ci", "jaw_servo_jf", "spatial_servo_cf", "body_servo_cf"}
    otherwise = {"interpolate_jp", "interpolate_cp", "local_interpolate_cp", "local_team_move_jp"}
    assert stamped - forces - otherwise == JUDGED
