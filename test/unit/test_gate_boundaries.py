"""The gate's guards at the edges that the other tests leave open: equal limits, and lists of the wrong length."""

from __future__ import annotations

import math

import pytest

from robot_driver.gate_limits import GateLimits, GateReason
from robot_driver.gate_motion import ArmGuard, Findings, JointGuard, Timing

DT = 2.0**-7
LIMITS = GateLimits(
    lower=(-1.0, -1.0, 0.0),
    upper=(1.0, 1.0, 0.5),
    velocity=(1.0, 2.0, 0.25),
    acceleration=(8.0, 16.0, 2.0),
    insertion_index=2,
    min_insertion=0.125,
    tilt_indices=(0, 1),
    max_tilt=1.5,
    servo_period=DT,
    max_command_age=0.125,
    jump_time=0.0625,
)


@pytest.mark.parametrize("sense", [1.0, -1.0])
def test_what_real_time_just_leaves_is_not_too_far(sense: float) -> None:
    """A speed of exactly what is left in the 250 ms is not told as too far, whatever else limits the step."""
    findings = Findings()
    JointGuard(LIMITS, 0).step(sense * 0.5 * DT, 0.0, 0.0, Timing(DT, 1.0, 0.5), math.inf, findings)
    assert list(findings.amounts) == [GateReason.ACCELERATION]
    findings = Findings()
    JointGuard(LIMITS, 0).step(sense * 0.5 * DT, 0.0, 0.0, Timing(DT, 1.0, 0.5 - 2.0**-20), math.inf, findings)
    assert list(findings.amounts) == [GateReason.TRAVEL, GateReason.ACCELERATION]


@pytest.mark.parametrize(("wanted", "present"), [(2, 3), (3, 2), (4, 3)])
def test_joints_that_are_missing_or_too_many_are_an_error(wanted: int, present: int) -> None:
    """Positions of another number of joints are never compared joint by joint as far as they go."""
    with pytest.raises(ValueError, match="zip"):
        ArmGuard(LIMITS).jump((0.0,) * wanted, (0.0,) * present)


@pytest.mark.parametrize("count", [2, 4])
def test_speeds_of_another_number_of_joints_are_an_error(count: int) -> None:
    """The fastest joint is looked for among all of them or not at all."""
    with pytest.raises(ValueError, match="zip"):
        ArmGuard(LIMITS).share((0.0,) * count)
