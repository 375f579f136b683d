"""The jaw follows the gripper: at a limited rate, slowly until it has met it, and only within its own range."""

from __future__ import annotations

from dataclasses import replace

import pytest

from teleop_core.jaw import JawGhost, JawLimits

LIMITS = JawLimits(
    gripper_open=2.0, jaw_open=1.5, jaw_closed=-0.5, rate=8.0, catch_up_rate=1.0, caught_up=0.25, opening_dwell=0.0
)


def settled(gripper: float, start: float = 0.0) -> float:
    """Angle of the jaw when the gripper has stood still for long."""
    ghost = JawGhost(LIMITS, start)
    for _ in range(400):
        ghost.follow(gripper, 0.01)
    return ghost.angle


@pytest.mark.parametrize(
    ("gripper", "jaw"),
    [(-9.0, -0.5), (-0.001, -0.5), (0.0, -0.5), (0.5, 0.0), (1.0, 0.5), (2.0, 1.5), (2.001, 1.5), (9.0, 1.5)],
)
def test_the_range_of_the_gripper_is_the_range_of_the_jaw(gripper: float, jaw: float) -> None:
    """Closed is closed, open is open, in between in proportion; beyond its range the gripper means the end of it."""
    assert settled(gripper) == pytest.approx(jaw, abs=1e-12)


def test_a_jaw_that_stands_outside_its_range_comes_back_slowly() -> None:
    """From outside the range the jaw approaches the gripper's angle at the catch-up rate."""
    ghost = JawGhost(LIMITS, -3.0)
    assert ghost.follow(1.0, 0.5) == -2.5
    assert ghost.follow(1.0, 0.5) == -2.0


def test_it_approaches_slowly_and_follows_fast_once_it_has_met_the_gripper() -> None:
    """The catch-up rate holds until the difference is as small as said, that very difference included."""
    ghost = JawGhost(LIMITS, 0.75)
    assert ghost.follow(2.0, 0.25) == 1.0
    assert ghost.follow(2.0, 0.25) == 1.25
    assert ghost.follow(0.0, 0.125) == 0.25


def test_just_short_of_the_gripper_it_is_still_slow() -> None:
    """A difference a little larger than said is not yet a meeting, in either direction."""
    ghost = JawGhost(LIMITS, 0.74)
    ghost.follow(2.0, 0.5)
    assert ghost.follow(0.0, 0.125) == pytest.approx(1.24 - 0.125)
    ghost = JawGhost(LIMITS, 0.26)
    ghost.follow(0.0, 0.5)
    assert ghost.follow(2.0, 0.125) == pytest.approx(-0.24 + 0.125)


def test_what_has_met_stays_met() -> None:
    """After the meeting the jaw keeps the full rate, however far the gripper leaps."""
    ghost = JawGhost(LIMITS, 0.5)
    ghost.follow(1.0, 0.01)
    ghost.follow(2.0, 0.01)
    before = ghost.angle
    assert before == pytest.approx(0.58)
    assert ghost.follow(0.0, 0.01) == pytest.approx(before - 0.08)


def test_starting_moves_nothing() -> None:
    """The ghost starts exactly at the jaw and leaves it there for a step of no time."""
    ghost = JawGhost(LIMITS, 0.123)
    assert ghost.angle == 0.123
    assert ghost.follow(2.0, 0.0) == 0.123


def test_it_closes_at_once_and_opens_only_after_a_dwell() -> None:
    """Opening is asked for longer than the dwell, without a break; closing acts with the first sample."""
    ghost = JawGhost(replace(LIMITS, opening_dwell=0.125), 1.0)
    for _ in range(2):
        assert ghost.follow(2.0, 0.0625) == 1.0
    assert ghost.follow(2.0, 0.0625) == 1.0625
    assert ghost.follow(2.0, 0.0625) == 1.125
    assert ghost.follow(0.0, 0.0625) == 1.0625


def test_a_glitch_of_the_gripper_opens_nothing() -> None:
    """However often the gripper opens for less than the dwell, the jaw only ever closes."""
    ghost = JawGhost(replace(LIMITS, opening_dwell=0.125), 0.0)
    for _ in range(50):
        for gripper in (2.0, 2.0, 0.5):
            before = ghost.angle
            assert ghost.follow(gripper, 0.0625) <= before
    assert ghost.follow(0.625, 0.125) <= 0.125


def test_after_a_glitch_of_closing_the_whole_dwell_is_needed_again() -> None:
    """The time of one request does not count for the next."""
    ghost = JawGhost(replace(LIMITS, opening_dwell=0.125), 0.5)
    ghost.follow(2.0, 0.125)
    closed = ghost.follow(0.0, 0.0625)
    assert ghost.follow(2.0, 0.125) == closed
    assert ghost.follow(2.0, 0.0625) > closed


def test_the_dwell_is_as_the_documentation_says() -> None:
    """A tenth of a second."""
    assert JawLimits().opening_dwell == 0.1
