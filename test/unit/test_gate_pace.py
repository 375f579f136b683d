"""Time that steps use up: never more than really passed, whatever a sender claims."""

from __future__ import annotations

import math

import pytest

from robot_driver.gate_pace import WINDOW, Pace

PERIOD = 2.0**-7
JUMP_TIME = 2.0**-4
NOW = 64.0
ALL = WINDOW + PERIOD


@pytest.fixture
def pace() -> Pace:
    return Pace(PERIOD, JUMP_TIME)


def go(pace: Pace, now: float, between: float = PERIOD, share: float = 0.0, ratio: float = 1.0) -> float:
    """Make the step that is allowed; returns its time."""
    taken = pace.step_time(now, between)
    pace.stepped(now, taken, share, ratio)
    return taken


def test_the_shortest_step_is_half_a_period(pace: Pace) -> None:
    """What claims less, or runs backwards, takes half a period."""
    assert pace.shortest == 0.5 * PERIOD
    go(pace, NOW)
    for between in (-1.0, 0.0, 5e-324, 0.5 * PERIOD):
        assert pace.step_time(NOW + PERIOD, between) == 0.5 * PERIOD
    assert pace.step_time(NOW + PERIOD, 0.625 * PERIOD) == 0.625 * PERIOD


@pytest.mark.parametrize("between", [-1.0, 0.0, PERIOD, 3.0 * PERIOD, 1e300, math.inf])
def test_the_first_step_takes_a_period(pace: Pace, between: float) -> None:
    """Whatever the first command claims, and again after the arm stood, however long."""
    assert pace.step_time(NOW, between) == PERIOD
    go(pace, NOW)
    pace.stand()
    assert pace.step_time(NOW + 5.0 * PERIOD, between) == PERIOD
    go(pace, NOW + 5.0 * PERIOD)
    assert pace.step_time(NOW + 9.0 * PERIOD, 2.0 * PERIOD) == 2.0 * PERIOD


def test_a_step_takes_the_time_between_samples(pace: Pace) -> None:
    """Early or late by up to a period, the arrival does not change it."""
    go(pace, NOW)
    for passed in (PERIOD, 2.0 * PERIOD, 3.0 * PERIOD):
        assert pace.step_time(NOW + passed, 2.0 * PERIOD) == 2.0 * PERIOD


def test_a_step_takes_no_longer_than_really_passed_and_a_period(pace: Pace) -> None:
    """Claims of more are cut."""
    go(pace, NOW)
    assert pace.step_time(NOW + PERIOD, 5.0 * PERIOD) == 2.0 * PERIOD
    assert pace.step_time(NOW, 5.0 * PERIOD) == PERIOD


def test_a_step_takes_no_longer_than_a_jump(pace: Pace) -> None:
    """However long the silence before it."""
    go(pace, NOW)
    assert pace.step_time(NOW + 1.0, 1.0) == JUMP_TIME
    assert pace.step_time(NOW + 1.0, JUMP_TIME) == JUMP_TIME


def test_steps_at_one_instant_use_up_the_time_of_a_jump(pace: Pace) -> None:
    """Then nothing is left but what passes: less than the shortest step must not be made."""
    for _ in range(8):
        assert go(pace, NOW) == PERIOD
    assert pace.step_time(NOW, PERIOD) == 0.0
    assert pace.step_time(NOW + 0.25 * PERIOD, PERIOD) == 0.25 * PERIOD
    assert pace.step_time(NOW + PERIOD, PERIOD) == PERIOD
    assert go(pace, NOW + 2.0 * PERIOD, 3.0 * PERIOD) == 2.0 * PERIOD
    assert pace.step_time(NOW + 2.0 * PERIOD, PERIOD) == 0.0


def test_time_that_passes_fills_up_to_a_jump_and_no_more(pace: Pace) -> None:
    """After a long wait as much can be made up for as at the beginning, also while standing."""
    for _ in range(8):
        go(pace, NOW)
    for _ in range(4):
        assert go(pace, NOW + 4.0 * PERIOD) == PERIOD
    assert pace.step_time(NOW + 4.0 * PERIOD, PERIOD) == 0.0
    pace.stand()
    assert pace.step_time(NOW + 4.0 * PERIOD, PERIOD) == 0.0
    for _ in range(8):
        assert go(pace, NOW + 100.0) == PERIOD
    assert pace.step_time(NOW + 100.0, PERIOD) == 0.0


def test_regular_commands_at_any_jitter_take_their_own_time(pace: Pace) -> None:
    """A stall as long as a jump, then all that was late at once: every step is a period long."""
    for number in range(200):
        arrival = NOW + PERIOD * (number if number % 8 == 7 else number - number % 8 + 7)
        assert go(pace, arrival) == PERIOD


def test_all_of_a_window_is_left_at_the_beginning(pace: Pace) -> None:
    """250 ms and a period, at the speed that is permitted, in shares of the step."""
    assert pace.share_left(NOW, PERIOD, 1.0) == ALL / PERIOD == 33.0
    assert pace.share_left(NOW, 2.0 * PERIOD, 1.0) == 16.5
    assert pace.share_left(NOW, PERIOD, 0.5) == 16.5
    assert pace.share_left(NOW, PERIOD, 0.0) == 0.0


def test_travel_is_used_up_for_250_ms(pace: Pace) -> None:
    """A step counts with its time and share until 250 ms have passed, and not longer."""
    pace.stepped(NOW, 2.0 * PERIOD, 0.5, 1.0)
    pace.stepped(NOW + PERIOD, PERIOD, 0.25, 1.0)
    assert pace.share_left(NOW + PERIOD, PERIOD, 1.0) == 31.75
    assert pace.share_left(math.nextafter(NOW + WINDOW, 0.0), PERIOD, 1.0) == 31.75
    assert pace.share_left(NOW + WINDOW, PERIOD, 1.0) == 32.75
    assert pace.share_left(NOW + WINDOW + PERIOD, PERIOD, 1.0) == 33.0
    assert pace.share_left(NOW + 1.0, PERIOD, 1.0) == 33.0


def test_an_arm_that_is_slowing_down_is_not_stopped(pace: Pace) -> None:
    """What it still has of its former speed counts as permitted, until that is 250 ms old."""
    pace.stepped(NOW, PERIOD, 0.5, 0.25)
    pace.stepped(NOW + PERIOD, PERIOD, 0.375, 0.25)
    assert pace.share_left(NOW + PERIOD, PERIOD, 0.25) == 0.5 * 33.0 - 0.875
    assert pace.share_left(NOW + WINDOW, PERIOD, 0.25) == 0.375 * 33.0 - 0.375
    assert pace.share_left(NOW + WINDOW + PERIOD, PERIOD, 0.25) == 0.25 * 33.0


def test_nothing_is_left_when_all_is_used(pace: Pace) -> None:
    """Exactly used up, and more than used up by an arm that was told to slow down: nothing, never less."""
    pace.stepped(NOW, 32.0 * PERIOD, 1.0, 1.0)
    assert pace.share_left(NOW, PERIOD, 1.0) == 1.0
    pace.stepped(NOW, PERIOD, 1.0, 1.0)
    assert pace.share_left(NOW, PERIOD, 1.0) == 0.0
    pace.stepped(NOW, PERIOD, 1.0, 1.0)
    assert pace.share_left(NOW, PERIOD, 1.0) == 0.0


def test_the_fastest_that_was_permitted_in_the_window_counts(pace: Pace) -> None:
    """Told to slow down, an arm has what it had until its faster steps are 250 ms old; told to go faster, at once."""
    pace.stepped(NOW, PERIOD, 0.0, 0.5)
    pace.stepped(NOW + PERIOD, PERIOD, 0.0, 1.0)
    pace.stepped(NOW + 2.0 * PERIOD, PERIOD, 0.0, 0.25)
    assert pace.share_left(NOW + 2.0 * PERIOD, PERIOD, 0.25) == 33.0
    assert pace.share_left(NOW + WINDOW + PERIOD, PERIOD, 0.125) == 0.25 * 33.0
    assert pace.share_left(NOW + WINDOW + PERIOD, PERIOD, 0.5) == 0.5 * 33.0
    assert pace.share_left(NOW + WINDOW + 2.0 * PERIOD, PERIOD, 0.125) == 0.125 * 33.0
