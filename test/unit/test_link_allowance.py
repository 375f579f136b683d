"""What a poor link leaves of speed and scale: never more than was allowed, never less than half."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from teleop_core.link_allowance import HYSTERESIS, LEAST, LinkAllowance, LinkQuality, link_allowance, worse_loss

FULL = LinkAllowance()
GOOD = LinkQuality(0.05, 0.002, 0.0, 0)
anything = st.floats(allow_nan=True, allow_infinity=True)


@given(st.lists(st.builds(LinkQuality, round_trip=anything, jitter=anything, loss=anything, level=st.integers(0, 255))))
def test_it_never_raises_and_never_stops(qualities: list[LinkQuality]) -> None:
    """Whatever a link says, speed and scale stay between half and all of what was allowed."""
    allowance = FULL
    for quality in qualities:
        allowance = link_allowance(quality, allowance)
        assert LEAST <= allowance.speed <= 1.0
        assert allowance.scale in (1.0, 0.75, 0.5)


def test_a_good_link_leaves_all() -> None:
    """Up to 150 ms, 30 ms of jitter and 2 % of loss nothing changes; nor where nothing was measured."""
    assert link_allowance(GOOD, FULL) == FULL
    assert link_allowance(LinkQuality(0.15, 0.03, 0.02, 1), FULL) == FULL
    assert link_allowance(LinkQuality(math.nan, math.nan, math.nan, 0), FULL) == FULL


@pytest.mark.parametrize(
    ("quality", "speed"),
    [
        (LinkQuality(0.325, 0.0, 0.0, 1), 0.75),
        (LinkQuality(0.0, 0.065, 0.0, 1), 0.75),
        (LinkQuality(0.0, 0.0, 0.11, 1), 0.75),
        (LinkQuality(9.0, 0.0, 0.0, 1), 0.5),
        (LinkQuality(0.0, 9.0, 0.0, 1), 0.5),
        (LinkQuality(0.0, 0.0, 0.9, 1), 0.5),
        (LinkQuality(0.05, 0.0, 0.0, 2), 0.5),
        (LinkQuality(math.nan, math.nan, math.nan, 3), 0.5),
    ],
)
def test_the_worst_figure_decides_the_speed(quality: LinkQuality, speed: float) -> None:
    """Between its limits each figure lowers the speed in proportion; a poor level lowers it all the way."""
    assert link_allowance(quality, FULL).speed == pytest.approx(speed)


def test_the_scale_goes_in_steps_and_does_not_flutter() -> None:
    """Down at 200 and 350 ms, up again only 30 ms below; what is not measured changes nothing."""
    scales, allowance = [], FULL
    for round_trip in (0.199, 0.200, 0.199, 0.171, 0.169, 0.36, 0.34, 0.321, 0.319, math.nan, 0.1):
        allowance = link_allowance(LinkQuality(round_trip, 0.0, 0.0, 0), allowance)
        scales.append(allowance.scale)
    assert scales == [1.0, 0.75, 0.75, 0.75, 1.0, 0.5, 0.5, 0.5, 0.75, 0.75, 1.0]
    assert HYSTERESIS == 0.03
    assert link_allowance(LinkQuality(0.1, 0.0, 0.0, 2), FULL).scale == 0.5


@pytest.mark.parametrize(
    ("up", "down", "worse"),
    [(0.1, 0.2, 0.2), (0.2, 0.1, 0.2), (math.nan, 0.3, 0.3), (0.3, math.nan, 0.3)],
)
def test_the_worse_way_counts_where_the_other_was_not_measured(up: float, down: float, worse: float) -> None:
    """NaN compares to nothing: which way it is of must not matter."""
    assert worse_loss(up, down) == worse


def test_loss_that_was_not_measured_at_all_is_not_known() -> None:
    """It stays NaN, which lowers nothing."""
    assert math.isnan(worse_loss(math.nan, math.nan))
