"""The permit as kinematics hold it: what is taken, what is dropped, when it ends, and when a new session may begin."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from teleop_core.permit import LONGEST_LEASE, MOST_USED_SESSIONS, STAMP_TOLERANCE, PermitHolder, stamp_is_fresh

NAN, INFINITY = math.nan, math.inf
OLD, NEW = 7, 8


def seen(holder: PermitHolder) -> tuple[int, int, float]:
    return holder.permit_session, holder.permit_sequence, holder.velocity_ratio


@pytest.fixture
def holder() -> PermitHolder:
    """Holds permit 5 of session OLD from 10.0 to 10.5 s."""
    made = PermitHolder()
    assert made.take(10.0, True, OLD, 5, 0.5, 0.75)
    return made


def test_nothing_is_permitted_at_first() -> None:
    """Default deny, and no session."""
    made = PermitHolder()
    assert not made.valid(0.0)
    assert not made.valid(-INFINITY)
    assert not PermitHolder().valid(INFINITY)
    assert seen(made) == (0, 0, 0.0)


def test_a_permit_lasts_as_long_as_its_lease(holder: PermitHolder) -> None:
    """To the end of the lease, and not one float longer."""
    assert seen(holder) == (OLD, 5, 0.75)
    assert holder.valid(10.0)
    assert holder.valid(10.5)
    assert not holder.valid(math.nextafter(10.5, INFINITY))


def test_what_has_ended_stays_ended_when_time_goes_back(holder: PermitHolder) -> None:
    """A clock that goes back never permits anew."""
    assert not holder.valid(11.0)
    assert not holder.valid(10.2)
    assert seen(holder) == (OLD, 5, 0.75)


@pytest.mark.parametrize("now", [math.nextafter(10.0, 0.0), 0.0, -INFINITY, NAN, INFINITY])
def test_a_permit_does_not_hold_before_it_came_nor_at_no_time(holder: PermitHolder, now: float) -> None:
    """A time before its arrival, or one that is no number, ends it."""
    assert not holder.valid(now)
    assert not holder.valid(10.2)


@pytest.mark.parametrize("session", [OLD, NEW])
@pytest.mark.parametrize(
    ("lease", "ratio"),
    [
        (0.0, 0.5),
        (-0.1, 0.5),
        (math.nextafter(LONGEST_LEASE, 2.0), 0.5),
        (NAN, 0.5),
        (INFINITY, 0.5),
        (0.1, -5e-324),
        (0.1, math.nextafter(1.0, 2.0)),
        (0.1, NAN),
        (0.1, INFINITY),
    ],
)
def test_numbers_out_of_range_are_dropped_and_change_nothing(
    holder: PermitHolder, session: int, lease: float, ratio: float
) -> None:
    """Neither the session nor the number nor the end of the lease."""
    now = 10.1 if session == OLD else 11.0
    assert not holder.take(now, True, session, 6, lease, ratio)
    assert seen(holder) == (OLD, 5, 0.75)
    assert holder.valid(now) is (session == OLD)
    assert holder.take(now, True, session, 6, 0.1, 0.5)


@pytest.mark.parametrize(("lease", "ratio"), [(5e-324, 0.0), (LONGEST_LEASE, 1.0)])
def test_the_ends_of_the_ranges_are_taken(holder: PermitHolder, lease: float, ratio: float) -> None:
    """The smallest and the largest lease, standstill and full speed."""
    assert holder.take(10.1, True, OLD, 6, lease, ratio)
    assert seen(holder) == (OLD, 6, ratio)
    assert holder.valid(10.1)


@pytest.mark.parametrize("sequence", [5, 4, 0, -1])
def test_a_number_that_does_not_rise_is_dropped(holder: PermitHolder, sequence: int) -> None:
    """The same permit again does not prolong the lease, an older refusal does not end it."""
    assert not holder.take(10.4, True, OLD, sequence, 0.5, 0.1)
    assert not holder.take(10.4, False, OLD, sequence, 0.5, 0.1)
    assert seen(holder) == (OLD, 5, 0.75)
    assert holder.valid(10.5)
    assert not holder.valid(10.6)


def test_the_next_number_and_a_gap_are_taken(holder: PermitHolder) -> None:
    """A lost permit costs only itself."""
    assert holder.take(10.1, True, OLD, 6, 0.5, 0.2)
    assert holder.take(10.2, True, OLD, 90, 0.5, 0.3)
    assert seen(holder) == (OLD, 90, 0.3)
    assert holder.valid(10.7)


@pytest.mark.parametrize(
    ("after", "lead", "taken"),
    [
        (0.0, 100, True),
        (0.0, 101, False),
        (0.5, 600, True),
        (0.5, 601, False),
        (60.0, 60_100, True),
        (60.0, 60_101, False),
        (60.0, 2**63, False),
        (-0.5, 1, False),
    ],
)
def test_a_number_far_ahead_does_not_make_it_deaf(holder: PermitHolder, after: float, lead: int, taken: bool) -> None:
    """No faster than permits can come since the newest one; what is dropped does not shut out the genuine ones."""
    assert holder.take(10.0 + after, True, OLD, 5 + lead, 0.5, 1.0) is taken
    assert seen(holder)[1] == (5 + lead if taken else 5)
    assert holder.take(70.5, True, OLD, 6 + (lead if taken else 0), 0.5, 1.0)


def test_a_refusal_of_the_session_withdraws_at_once(holder: PermitHolder) -> None:
    """Nothing is permitted from then on, also at the same instant, until a higher number permits."""
    assert holder.take(10.1, False, OLD, 6, 0.5, 1.0)
    assert not holder.valid(10.1)
    assert seen(holder) == (OLD, 6, 1.0)
    assert holder.take(10.2, True, OLD, 7, 0.5, 1.0)
    assert holder.valid(10.2)


@pytest.mark.parametrize("granted", [True, False])
def test_a_foreign_session_changes_nothing_while_a_permit_holds(holder: PermitHolder, granted: bool) -> None:
    """Up to the last instant of the lease."""
    assert not holder.take(10.5, granted, NEW, 6, 0.5, 0.1)
    assert seen(holder) == (OLD, 5, 0.75)
    assert holder.valid(10.5)


@pytest.mark.parametrize("granted", [True, False])
def test_a_new_session_begins_when_the_lease_is_over(holder: PermitHolder, granted: bool) -> None:
    """A monitor that was started anew is heard, whatever its numbers; the old session is not heard again."""
    assert holder.take(math.nextafter(10.5, INFINITY), granted, NEW, 1, 0.5, 0.1)
    assert seen(holder) == (NEW, 1, 0.1)
    assert holder.valid(10.6) is granted
    assert not holder.take(20.0, True, OLD, 6, 0.5, 0.1)
    assert seen(holder) == (NEW, 1, 0.1)


def test_a_new_session_begins_after_a_refusal(holder: PermitHolder) -> None:
    """What was withdrawn does not shut out the next monitor."""
    assert holder.take(10.1, False, OLD, 6, 0.5, 1.0)
    assert holder.take(10.1, True, NEW, 1, 0.5, 1.0)
    assert holder.valid(10.1)


@pytest.mark.parametrize(("session", "sequence"), [(0, 1), (-1, 1), (NEW, 0), (NEW, -1), (0, 0)])
def test_no_session_and_no_number_are_dropped(session: int, sequence: int) -> None:
    """0 means none, at a fresh holder too; the same session with a number is taken after it."""
    made = PermitHolder()
    assert not made.take(10.0, True, session, sequence, 0.5, 1.0)
    assert seen(made) == (0, 0, 0.0)
    assert not made.valid(10.0)
    assert made.take(10.0, True, NEW, 1, 0.5, 1.0)


def test_so_many_sessions_are_remembered_and_then_the_oldest_is_forgotten() -> None:
    """Memory is bounded; what was used lately never comes back."""
    made = PermitHolder()
    for session in range(1, MOST_USED_SESSIONS + 1):
        assert made.take(float(session), False, session, 1, 0.5, 1.0)
    assert not made.take(9e3, True, 1, 2, 0.5, 1.0)
    assert made.take(9e3, False, MOST_USED_SESSIONS + 1, 1, 0.5, 1.0)
    for session in range(2, MOST_USED_SESSIONS + 1):
        assert not made.take(9e3, True, session, 2, 0.5, 1.0)
    assert made.take(9e3, True, 1, 2, 0.5, 1.0)


numbers = st.floats(allow_nan=True, allow_infinity=True)


@given(
    st.lists(
        st.tuples(
            st.floats(0.0, 3.0),
            st.booleans(),
            st.integers(0, 3),
            st.integers(0, 6),
            st.one_of(st.floats(-0.1, 1.2), numbers),
            st.one_of(st.floats(-0.1, 1.2), numbers),
        ),
        max_size=30,
    )
)
def test_it_permits_only_within_the_lease_of_the_newest_taken_permit(
    permits: list[tuple[float, bool, int, int, float, float]],
) -> None:
    """Whatever arrives in whatever order, clocks that go back included."""
    made, until, used = PermitHolder(), -INFINITY, {0}
    for now, granted, session, sequence, lease, ratio in permits:
        before = seen(made)
        open_before = made.valid(now)
        assert not open_before or now <= until
        taken = made.take(now, granted, session, sequence, lease, ratio)
        if not taken:
            assert seen(made) == before
            assert made.valid(now) is open_before
            continue
        assert 0.0 < lease <= 1.0
        assert seen(made) == (session, sequence, ratio)
        assert (session == before[0] and sequence > before[1]) or (session not in used and not open_before)
        used.add(session)
        until = now + lease if granted else -INFINITY
        assert made.valid(now) is granted


@pytest.mark.parametrize("difference", [0.0, 0.25, STAMP_TOLERANCE, -0.25, -STAMP_TOLERANCE])
def test_a_permit_made_just_now_is_fresh(difference: float) -> None:
    """Up to half a second either way: two hosts of the patient's side share a clock."""
    assert stamp_is_fresh(1000.0, 1000.0 + difference)


@pytest.mark.parametrize("difference", [0.5001, 3600.0, -0.5001, -3600.0, NAN, INFINITY, -INFINITY])
def test_a_recorded_permit_or_one_of_the_future_is_not_fresh(difference: float) -> None:
    """However well it is signed; a stamp that is no number is not fresh either."""
    assert not stamp_is_fresh(1000.0 + difference, 1000.0)
