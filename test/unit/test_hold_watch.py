"""Holds of the gate while the arm is being driven are seen, however short; those that driving ended are not."""

from __future__ import annotations

import pytest

from robot_driver.hold_watch import COUNTS_AFTER, SETTLED_AFTER, HoldWatch

BEGIN = 0.0
LATER = BEGIN + 2.0 * SETTLED_AFTER


@pytest.fixture
def watch() -> HoldWatch:
    """Driven since BEGIN, with three holds told before."""
    made = HoldWatch()
    assert not made.told(BEGIN - 0.1, True, 3)
    made.driven(BEGIN)
    return made


def test_a_hold_that_lasts_is_seen(watch: HoldWatch) -> None:
    """The report says that the arm is held."""
    assert watch.told(LATER, True, 3)


def test_a_hold_that_is_over_is_seen_once(watch: HoldWatch) -> None:
    """Its number has risen since the last report; the next report tells nothing new."""
    assert watch.told(LATER, False, 4)
    assert not watch.told(LATER + 0.1, False, 4)


def test_a_driver_that_was_started_anew_counts_from_nothing(watch: HoldWatch) -> None:
    """A smaller number is a hold, too: a new driver holds what it finds."""
    assert watch.told(LATER, False, 0)


def test_no_hold_is_none(watch: HoldWatch) -> None:
    """The same number, not holding."""
    assert not watch.told(LATER, False, 3)


def test_the_hold_that_driving_ends_is_not_one(watch: HoldWatch) -> None:
    """Up to the limit a report may be of before; from then on it is not."""
    assert not watch.told(BEGIN + SETTLED_AFTER, True, 3)
    assert not watch.told(BEGIN + SETTLED_AFTER, False, 3)
    assert watch.told(BEGIN + SETTLED_AFTER + 2.0**-10, True, 3)


def test_a_further_hold_counts_sooner(watch: HoldWatch) -> None:
    """It is reported as it begins, so it is one of the arm being driven."""
    assert not watch.told(BEGIN + COUNTS_AFTER, True, 4)
    assert watch.told(BEGIN + COUNTS_AFTER + 2.0**-10, False, 5)
    assert not watch.told(BEGIN + 2.0 * COUNTS_AFTER, True, 5)


def test_the_time_counts_from_the_first_command(watch: HoldWatch) -> None:
    """Further commands do not put it off."""
    watch.driven(LATER - 0.01)
    assert watch.told(LATER, True, 3)


def test_an_arm_that_is_not_driven_may_be_held(watch: HoldWatch) -> None:
    """After letting go a hold is what has to be; driving again begins a new time."""
    watch.let_go()
    assert not watch.told(LATER, True, 4)
    watch.driven(LATER)
    assert not watch.told(LATER + 0.1, True, 4)
    assert watch.told(LATER + 2.0 * SETTLED_AFTER, True, 4)


def test_the_first_report_of_all_has_nothing_to_compare_with() -> None:
    """Only its holding counts."""
    for holding in (False, True):
        watch = HoldWatch()
        watch.driven(BEGIN)
        assert watch.told(LATER, holding, 5) is holding
