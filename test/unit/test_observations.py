"""What the monitor makes of measured and commanded joints: an error that is not known is never a small one."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

import pytest

from safety_monitor.conditions import SOLE
from safety_monitor.observations import StreamObservation, TrackingError

PLACE = [0.0, 0.0, 0.12, 0.0, 0.0, 0.0]


def joints(position: list[float], stamp: int = 1) -> Any:
    return SimpleNamespace(header=SimpleNamespace(stamp=stamp), position=position)


def test_the_error_is_the_distance_of_the_tips() -> None:
    """Three millimetres of insertion are three millimetres of error."""
    tracking = TrackingError()
    assert tracking.value(0.0) == 0.0
    tracking.compare(1.0, joints(PLACE), joints([0.0, 0.0, 0.123, 0.0, 0.0, 0.0]))
    assert tracking.value(1.0) == pytest.approx(0.003)


@pytest.mark.parametrize("position", [[], [0.0] * 5, [math.nan] * 6, [math.inf, *PLACE[1:]]])
def test_rubbish_is_an_unknown_error(position: list[float]) -> None:
    """Wrong sizes and numbers that are none give NaN, which no limit lets pass; good joints end it."""
    tracking = TrackingError()
    tracking.compare(1.0, joints(PLACE), joints(position))
    assert math.isnan(tracking.value(1.0))
    tracking.compare(1.1, joints(PLACE), joints(PLACE))
    assert tracking.value(1.1) == 0.0


def test_joints_of_different_instants_are_not_compared_but_not_for_ever() -> None:
    """One mismatch says nothing; half a second without a match makes the error unknown."""
    tracking = TrackingError()
    tracking.compare(1.0, joints(PLACE), joints(PLACE))
    for step in range(1, 60):
        tracking.compare(1.0 + 0.01 * step, joints(PLACE, 1), joints([0.0] * 6, 2))
        assert math.isnan(tracking.value(1.0 + 0.01 * step)) == (0.01 * step > 0.5)


def test_an_image_is_as_old_as_its_capture() -> None:
    """Age counts from the capture; a stamp of the future counts as fresh; what never came has no age."""
    seen = StreamObservation("left eye", SOLE)
    assert seen.health(5.0).age is None
    seen.arrived(5.0, transit=0.2)
    assert seen.health(5.1).age == pytest.approx(0.3)
    seen.arrived(6.0, transit=-3.0)
    assert seen.health(6.1).age == pytest.approx(0.1)
