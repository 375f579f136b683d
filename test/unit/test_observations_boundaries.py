"""What the monitor sees, at the edges: before the first reading, at the limit of one, and without a single match."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

import pytest

from safety_monitor.arm_observation import OVERRULING, ArmObservation, TrackingError
from safety_monitor.observations import ClockWatch
from teleop_core.arm_model import arm_model

PLACE = [0.0, 0.0, 0.12, 0.0, 0.0, 0.0]


def joints(stamp: int) -> Any:
    return SimpleNamespace(header=SimpleNamespace(stamp=stamp), position=PLACE)


def test_joints_that_never_match_are_an_unknown_error_half_a_second_after_the_first() -> None:
    """The time counts from the first pair, of whatever instants, not from the first match."""
    tracking = TrackingError(arm_model("PSM1"))
    tracking.compare(1.0, joints(1), joints(2))
    tracking.compare(1.5, joints(1), joints(2))
    assert tracking.value() == 0.0
    tracking.compare(1.6, joints(1), joints(2))
    assert math.isnan(tracking.value())


def test_an_arm_that_falls_silent_keeps_its_last_error() -> None:
    """Silence is told as the driver's: only joints that arrive and cannot be compared are an unknown error."""
    arm = ArmObservation("PSM1")
    arm.on_setpoint(joints(1))
    arm.on_measured(1.0, joints(1))
    assert arm.health(1.5, 0).tracking_error == 0.0
    assert arm.health(9.0, 0).tracking_error == 0.0
    arm.on_measured(1.6, joints(2))
    assert math.isnan(arm.health(1.6, 0).tracking_error)


@pytest.mark.parametrize(("reasons", "seconds"), [((OVERRULING[0],), (0.25, 9.0)), ((OVERRULING[0],) * 2, (0.25,))])
def test_a_report_whose_lists_do_not_fit_counts_as_far_as_they_do(
    reasons: tuple[str, ...], seconds: tuple[float, ...]
) -> None:
    """A malformed report neither ends the monitor nor counts for more than it says."""
    arm = ArmObservation("PSM1")
    arm.on_report(1.0, SimpleNamespace(limit_reasons=reasons, limit_seconds=seconds, permitted=True, holding=False,
                                       permit_session=0, permit_sequence=0))  # fmt: skip
    assert arm.health(1.0, 0).overruled == 0.25


def test_before_the_first_reading_the_clock_has_not_jumped() -> None:
    """A new watch tells no step, and one reading alone tells none either."""
    clock = ClockWatch()
    assert clock.step == 0.0
    clock.read(1.0, 5000.0, 1.0)
    assert clock.step == 0.0


def test_a_reading_that_took_exactly_the_longest_time_counts() -> None:
    """The limit itself is allowed; a longer reading says nothing."""
    clock = ClockWatch(most_apart=0.25)
    clock.read(1.0, 5001.0, 1.0)
    clock.read(2.0, 5003.125, 2.25)
    assert clock.step == 1.0
    clock.read(3.0, 5010.0, 3.5)
    assert clock.step == 0.0
