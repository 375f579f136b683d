"""The punctuality of a loop is told by the time between its turns."""

from __future__ import annotations

import pytest

from teleop_console.timing import LATE_PERIODS, Punctuality


def test_only_turns_well_after_their_time_are_late() -> None:
    """The first turn cannot be late, nor one just within the limit; one beyond it is counted once."""
    watch = Punctuality(0.01)
    for now in (5.0, 5.01, 5.01 + 0.99 * LATE_PERIODS * 0.01):
        watch.turn(now)
    assert watch.late == 0
    watch.turn(5.1)
    watch.turn(5.11)
    assert watch.late == 1


def test_the_longest_gap_is_told_once() -> None:
    """Each answer is about the time since the one before."""
    watch = Punctuality(0.01)
    for now in (5.0, 5.04, 5.05):
        watch.turn(now)
    assert watch.take_longest() == pytest.approx(0.04)
    watch.turn(5.07)
    assert watch.take_longest() == pytest.approx(0.02)
    assert watch.take_longest() == 0.0
