"""The permit as the command gate holds it: every rule at its boundary, every drop without effect."""

from __future__ import annotations

import math

import pytest

from robot_driver.gate_permit import MOST_SESSIONS, NUMBERS_AT_ONCE, NUMBERS_PER_SECOND, GatePermit

SESSION, OTHER, THIRD = 7, 8, 9
LEASE = 0.125
NOW = 100.0


def state(permit: GatePermit) -> tuple[object, ...]:
    return (permit.session, permit.sequence, permit.velocity_ratio, permit.until)


@pytest.fixture
def held() -> GatePermit:
    """Permit 5 of the session, taken at NOW, for half speed."""
    made = GatePermit()
    assert made.take(NOW, True, SESSION, 5, LEASE, 0.5)
    return made


def test_a_new_one_permits_nothing() -> None:
    """No session, no number, no speed, not valid at any time."""
    made = GatePermit()
    assert state(made) == (0, 0, 0.0, -math.inf)
    assert not any(made.valid(now) for now in (-math.inf, -1.0, 0.0, NOW, math.inf, math.nan))


def test_it_is_valid_for_its_lease_and_not_before(held: GatePermit) -> None:
    """From its arrival to the last instant of the lease, both included."""
    assert state(held) == (SESSION, 5, 0.5, NOW + LEASE)
    assert not held.valid(math.nextafter(NOW, 0.0))
    assert held.valid(NOW)
    assert held.valid(NOW + LEASE)
    assert not held.valid(math.nextafter(NOW + LEASE, math.inf))
    assert not held.valid(math.nan)


@pytest.mark.parametrize("lease", [5e-324, 0.5, 1.0])
@pytest.mark.parametrize("ratio", [0.0, 5e-324, 1.0])
def test_the_ends_of_both_ranges_are_taken(lease: float, ratio: float) -> None:
    """Leases up to one second, any share of full speed from none to all."""
    made = GatePermit()
    assert made.take(NOW, True, SESSION, 1, lease, ratio)
    assert made.until == NOW + lease
    assert made.velocity_ratio == ratio


@pytest.mark.parametrize(
    ("lease", "ratio"),
    [
        (0.0, 1.0),
        (-LEASE, 1.0),
        (math.nextafter(1.0, 2.0), 1.0),
        (math.inf, 1.0),
        (math.nan, 1.0),
        (LEASE, -5e-324),
        (LEASE, math.nextafter(1.0, 2.0)),
        (LEASE, math.inf),
        (LEASE, math.nan),
    ],
)
@pytest.mark.parametrize("granted", [True, False])
def test_rubbish_is_dropped_and_changes_nothing(held: GatePermit, granted: bool, lease: float, ratio: float) -> None:
    """A lease or a ratio just out of its range, infinite or no number, in a grant or in a withdrawal."""
    before = state(held)
    assert not held.take(NOW, granted, SESSION, 6, lease, ratio)
    assert state(held) == before
    assert held.valid(NOW + LEASE)


@pytest.mark.parametrize("sequence", [-1, 0, 4, 5])
def test_a_number_that_does_not_rise_is_dropped(held: GatePermit, sequence: int) -> None:
    """Repeated and older numbers neither prolong the permit nor withdraw it, also when it has ended."""
    before = state(held)
    assert not held.take(NOW + 0.0625, True, SESSION, sequence, LEASE, 1.0)
    assert not held.take(NOW + 0.0625, False, SESSION, sequence, LEASE, 1.0)
    assert not held.take(NOW + 10.0, True, SESSION, sequence, LEASE, 1.0)
    assert state(held) == before


def test_the_next_number_is_taken(held: GatePermit) -> None:
    """It prolongs the permit and brings a speed of its own."""
    assert held.take(NOW + 0.0625, True, SESSION, 6, LEASE, 0.25)
    assert state(held) == (SESSION, 6, 0.25, NOW + 0.0625 + LEASE)


def test_a_withdrawal_ends_it_and_a_later_grant_begins_anew(held: GatePermit) -> None:
    """Withdrawn means no permit, not one that ran out; the numbers go on."""
    assert held.take(NOW, False, SESSION, 6, LEASE, 0.75)
    assert state(held) == (SESSION, 6, 0.75, -math.inf)
    assert not held.valid(NOW)
    assert held.take(NOW, True, SESSION, 7, LEASE, 1.0)
    assert held.valid(NOW)


@pytest.mark.parametrize("elapsed", [0.0, 0.125, 16.0])
def test_a_number_may_lead_as_far_as_numbers_can_have_been_given(held: GatePermit, elapsed: float) -> None:
    """One more is dropped, and the genuine next one is still heard."""
    lead = int(NUMBERS_AT_ONCE + NUMBERS_PER_SECOND * elapsed)
    before = state(held)
    assert not held.take(NOW + elapsed, True, SESSION, 5 + lead + 1, LEASE, 1.0)
    assert not held.take(NOW + elapsed, True, SESSION, 2**64 - 1, LEASE, 1.0)
    assert state(held) == before
    assert held.take(NOW + elapsed, True, SESSION, 5 + lead, LEASE, 1.0)


def test_numbers_lead_from_the_newest_one_taken(held: GatePermit) -> None:
    """Time counts from the newest message that was taken, not from the first."""
    assert held.take(NOW + 1.0, True, SESSION, 6, LEASE, 1.0)
    assert not held.take(NOW + 1.0, True, SESSION, 6 + NUMBERS_AT_ONCE + 1, LEASE, 1.0)


@pytest.mark.parametrize("granted", [True, False])
def test_another_session_waits_until_nothing_is_permitted(held: GatePermit, granted: bool) -> None:
    """While a permit is valid another session is dropped; as soon as it has ended it begins."""
    before = state(held)
    assert not held.take(NOW + LEASE, granted, OTHER, 1, LEASE, 1.0)
    assert state(held) == before
    later = math.nextafter(NOW + LEASE, math.inf)
    assert held.take(later, granted, OTHER, 1, LEASE, 1.0)
    assert state(held) == (OTHER, 1, 1.0, later + LEASE if granted else -math.inf)


def test_another_session_begins_after_a_withdrawal_at_any_number(held: GatePermit) -> None:
    """Who comes late to a session starts with the number it hears first."""
    assert held.take(NOW, False, SESSION, 6, LEASE, 1.0)
    assert held.take(NOW, True, OTHER, 2**40, LEASE, 1.0)
    assert held.take(NOW, True, OTHER, 2**40 + 1, LEASE, 1.0)
    assert (held.session, held.sequence) == (OTHER, 2**40 + 1)


@pytest.mark.parametrize("session", [0, -1])
def test_no_session_is_never_taken(session: int) -> None:
    """Session 0 means none, before the first permit and after."""
    made = GatePermit()
    assert not made.take(NOW, True, session, 1, LEASE, 1.0)
    assert made.take(NOW, False, 1, 1, LEASE, 1.0)
    assert not made.take(NOW, True, session, 2, LEASE, 1.0)
    assert state(made) == (1, 1, 1.0, -math.inf)


@pytest.mark.parametrize("sequence", [0, -1])
def test_a_session_starts_at_one_or_later(sequence: int) -> None:
    """Numbers below 1 begin no session."""
    made = GatePermit()
    assert not made.take(NOW, True, SESSION, sequence, LEASE, 1.0)
    assert made.session == 0
    assert made.take(NOW, True, SESSION, 1, LEASE, 1.0)


def test_a_session_that_was_used_never_comes_back(held: GatePermit) -> None:
    """Not even when nothing is permitted, and with higher numbers than it ever had."""
    assert held.take(NOW + 1.0, True, OTHER, 1, LEASE, 1.0)
    assert not held.take(NOW + 2.0, True, SESSION, 6, LEASE, 1.0)
    assert held.take(NOW + 2.0, False, THIRD, 1, LEASE, 1.0)
    assert not held.take(NOW + 3.0, True, OTHER, 2, LEASE, 1.0)
    assert not held.take(NOW + 3.0, True, SESSION, 7, LEASE, 1.0)
    assert held.session == THIRD


def test_memory_of_sessions_is_bounded() -> None:
    """The last 1024 sessions are remembered, the oldest is forgotten first, and the present one never."""
    made = GatePermit()
    for session in range(1, MOST_SESSIONS + 1):
        assert made.take(NOW, False, session, 1, LEASE, 1.0)
        assert made.take(NOW, False, session, 2, LEASE, 1.0)
    assert not made.take(NOW, True, 1, 3, LEASE, 1.0)
    assert made.take(NOW, False, MOST_SESSIONS + 1, 1, LEASE, 1.0)
    assert not made.take(NOW, True, 2, 3, LEASE, 1.0)
    assert made.take(NOW, False, 1, 3, LEASE, 1.0)
    assert not made.take(NOW, True, 3, 3, LEASE, 1.0)
    assert made.take(NOW, True, 2, 3, LEASE, 1.0)
