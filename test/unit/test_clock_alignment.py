"""The shortest transit of the last seconds, and the time of a foreign stamp by this host's clock."""

from __future__ import annotations

import math

import pytest

from teleop_core.clock_alignment import ClockAlignment, SlidingMinimum

OFFSET = 1000.0
"""The sender's clock is this much behind [s]."""


def test_no_value_is_infinitely_large() -> None:
    """Before anything was added every value is smaller than the minimum."""
    assert SlidingMinimum(10.0).value == math.inf


def test_the_smallest_of_the_window_counts_however_many_come_after_it() -> None:
    """Larger values neither replace the minimum nor push it out of the window."""
    minimum = SlidingMinimum(10.0)
    minimum.add(100.0, 1.0)
    for step in range(1, 101):
        minimum.add(100.0 + 0.1 * step, 2.0)
        assert minimum.value == 1.0
    minimum.add(105.0, 0.5)
    assert minimum.value == 0.5


def test_a_value_is_forgotten_after_two_windows_and_not_before() -> None:
    """After exactly two windows of silence a value still counts; a moment later it does not."""
    minimum = SlidingMinimum(10.0)
    minimum.add(100.0, 1.0)
    minimum.add(120.0, 2.0)
    assert minimum.value == 1.0
    minimum = SlidingMinimum(10.0)
    minimum.add(100.0, 1.0)
    minimum.add(120.001, 2.0)
    assert minimum.value == 2.0


def test_a_window_turns_only_after_its_end() -> None:
    """A value added exactly at the end of a window belongs to it, so the one before lasts for another window."""
    minimum = SlidingMinimum(10.0)
    for now, value in ((0.0, 1.0), (10.0, 2.0), (20.0, 3.0)):
        minimum.add(now, value)
        assert minimum.value == 1.0


def test_in_a_steady_stream_a_value_counts_for_one_to_two_windows() -> None:
    """The minimum of a stream rises once its small value is older than the window, at two windows at the latest."""
    minimum = SlidingMinimum(10.0)
    minimum.add(0.0, 5.0)
    minimum.add(6.0, 1.0)
    risen_after = None
    for step in range(1, 400):
        now = 6.0 + 0.1 * step
        minimum.add(now, 5.0)
        if minimum.value > 1.0:
            risen_after = now - 6.0
            break
    assert risen_after is not None
    assert 10.0 <= risen_after <= 20.0
    minimum.add(now + 30.0, 7.0)
    assert minimum.value == 7.0


def test_a_transit_shorter_than_any_before_has_no_excess() -> None:
    """A packet faster than all before it is fresh, not younger than fresh."""
    clock = ClockAlignment()
    clock.observe(OFFSET + 0.030, 0.0, None)
    assert clock.excess_delay(OFFSET + 0.050, 0.030) == 0.0
    assert clock.excess_delay(OFFSET + 0.100, 0.040) == pytest.approx(0.030)


def test_the_first_packet_has_no_excess_delay() -> None:
    """Without anything to compare with, the delay is taken as the shortest possible."""
    assert ClockAlignment().excess_delay(OFFSET, 0.0) == 0.0


def test_a_stamp_that_is_not_a_number_has_an_excess_that_is_none() -> None:
    """NaN stays NaN, so that every limit refuses it."""
    clock = ClockAlignment()
    clock.observe(OFFSET, 0.0, None)
    assert math.isnan(clock.excess_delay(OFFSET, math.nan))


def test_without_a_round_trip_the_transit_counts_as_nothing() -> None:
    """A stamp is dated by the offset alone while no round trip is known."""
    clock = ClockAlignment()
    clock.observe(OFFSET + 0.25, 0.0, None)
    assert clock.local_time(8.0) == OFFSET + 8.25


def test_half_of_the_shortest_round_trip_is_the_transit() -> None:
    """The shortest round trip counts, down to none at all."""
    clock = ClockAlignment()
    clock.observe(OFFSET + 0.25, 0.0, 0.5)
    assert clock.local_time(8.0) == OFFSET + 8.0
    clock.observe(OFFSET + 1.25, 1.0, 0.0)
    assert clock.local_time(8.0) == OFFSET + 8.25
    clock.observe(OFFSET + 2.25, 2.0, 0.5)
    assert clock.local_time(8.0) == OFFSET + 8.25


@pytest.mark.parametrize("rubbish", [math.inf, math.nan, -0.5, -math.inf])
def test_a_round_trip_that_is_none_teaches_nothing(rubbish: float) -> None:
    """What is negative or not finite neither counts nor makes the known round trip be forgotten."""
    clock = ClockAlignment(10.0)
    clock.observe(OFFSET + 0.25, 0.0, 0.5)
    clock.observe(OFFSET + 100.25, 100.0, rubbish)
    assert clock.local_time(8.0) == OFFSET + 8.0


@pytest.mark.parametrize(("silence", "offset"), [(20.0, 0.0), (20.5, 0.05)])
def test_the_shortest_transit_is_remembered_for_ten_seconds(silence: float, offset: float) -> None:
    """By default a transit counts for 10 s at least and 20 s at most, then a longer one takes its place."""
    clock = ClockAlignment()
    clock.observe(OFFSET, 0.0, None)
    clock.observe(OFFSET + silence, silence - 0.05, None)
    assert clock.local_time(100.0) == pytest.approx(OFFSET + 100.0 + offset, abs=1e-9)
