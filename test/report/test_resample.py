"""Interpolation: between samples by the stated rule, and nothing at all outside of them."""

from __future__ import annotations

import numpy as np
import pytest

from audit.series.resample import grid, hold, linear, slerp
from teleop_core import se3

TIME = np.array([1.0, 2.0, 4.0])


def test_linear_is_a_straight_line_and_never_extrapolates() -> None:
    value = np.array([[0.0, 10.0], [1.0, 20.0], [5.0, 0.0]])
    found = linear(TIME, value, np.array([0.99, 1.0, 1.25, 2.0, 3.0, 4.0, 4.01]))
    nothing = [np.nan, np.nan]
    wanted = [nothing, [0.0, 10.0], [0.25, 12.5], [1.0, 20.0], [3.0, 10.0], [5.0, 0.0], nothing]
    assert found == pytest.approx(np.array(wanted), nan_ok=True)


def test_gaps_are_not_bridged() -> None:
    """Their ends are samples, and have values."""
    found = linear(TIME, np.array([0.0, 1.0, 5.0]), np.array([1.5, 2.0, 2.1, 3.9, 4.0]), longest_gap=1.5)
    assert found == pytest.approx(np.array([0.5, 1.0, np.nan, np.nan, 5.0]), nan_ok=True)


@pytest.mark.parametrize("count", [0, 1])
def test_without_two_samples_there_is_nothing_between(count: int) -> None:
    base = np.array([0.0, 1.0])
    assert np.isnan(linear(TIME[:count], np.zeros((count, 3)), base)).all()
    assert np.isnan(slerp(TIME[:count], np.zeros((count, 4)), base)).all()


def test_slerp_agrees_with_the_one_of_the_core() -> None:
    """Also across the sign of the quaternion, and for turns too small to have a sine."""
    generator = np.random.default_rng(1)
    turns = generator.normal(size=(40, 4))
    turns /= np.linalg.norm(turns, axis=1, keepdims=True)
    turns[1] = -turns[0]
    turns[3] = turns[2]
    time = np.arange(40.0)
    base = np.sort(generator.uniform(0.0, 39.0, 200))
    found = slerp(time, turns, base)
    for instant, quaternion in zip(base, found, strict=True):
        index = int(instant)
        wanted = se3.slerp(turns[index], turns[index + 1], instant - index)
        assert se3.quaternion_angle(quaternion, wanted) < 1e-6
        assert np.linalg.norm(quaternion) == pytest.approx(1.0)


def test_slerp_knows_nothing_outside_and_of_no_rotation() -> None:
    turns = np.array([[0.0, 0.0, 0.0, 1.0], [0.0, 0.0, 0.0, 0.0], [0.0, 0.0, 1.0, 0.0]])
    found = slerp(TIME, turns, np.array([0.5, 1.0, 2.0, 4.5]))
    assert np.isnan(found[[0, 2, 3]]).all()
    assert found[1] == pytest.approx([0.0, 0.0, 0.0, 1.0])


def test_a_state_holds_until_the_next_one_and_no_longer_than_it_may() -> None:
    base = np.array([0.9, 1.0, 1.9, 2.0, 3.4, 3.6, 4.2, 4.6])
    nan = np.nan
    assert hold(TIME, np.array([7.0, 8.0, 9.0]), base, 4.5) == pytest.approx(
        np.array([nan, 7, 7, 8, 8, 8, 9, nan]), nan_ok=True
    )
    assert hold(TIME, np.array([7.0, 8.0, 9.0]), base, 9.0, longest=1.5) == pytest.approx(
        np.array([nan, 7, 7, 8, 8, nan, 9, 9]), nan_ok=True
    )
    assert np.isnan(hold(np.empty(0), np.empty(0), base, 9.0)).all()


def test_the_grid_begins_at_its_start_and_ends_before_its_end() -> None:
    assert grid(1.0, 1.1, 50.0) == pytest.approx([1.0, 1.02, 1.04, 1.06, 1.08])
    assert len(grid(2.0, 1.0, 50.0)) == 0
