"""One owner of an arm at a time, by lease; the local team always wins."""

from __future__ import annotations

import math

import pytest

from robot_driver.arbitration import LEASE, Arbitration, Owner, Refusal

TELEOPERATION, EXTERNAL, LOCAL_TEAM, ELSEWHERE = Owner
AT_ONCE = (LOCAL_TEAM, ELSEWHERE)


@pytest.fixture
def arm() -> Arbitration:
    return Arbitration("PSM1")


def test_free_arm_goes_to_the_first_who_asks(arm: Arbitration) -> None:
    """Nobody owns it at first; then the one who asked."""
    assert arm.owner(math.nan) is None
    assert arm.owner(1.0) is None
    assert arm.ask(1.0, EXTERNAL) is None
    assert arm.owner(1.0) is EXTERNAL


@pytest.mark.parametrize(("first", "second"), [(TELEOPERATION, EXTERNAL), (EXTERNAL, TELEOPERATION)])
def test_newcomer_is_refused_and_told_why(arm: Arbitration, first: Owner, second: Owner) -> None:
    """Who has it keeps it; the refusal names arm and owner and is counted for the one who asked."""
    arm.ask(1.0, first)
    assert arm.ask(1.1, second) == Refusal(second, first, f"PSM1 belongs to {first.value}")
    assert arm.owner(1.1) is first
    assert arm.refused == {first: 0, second: 1, LOCAL_TEAM: 0, ELSEWHERE: 0}
    arm.ask(1.1, second)
    assert arm.refused[second] == 2


def test_lease_ends_by_itself(arm: Arbitration) -> None:
    """It holds to its last instant and no longer; a refused one does not lengthen it."""
    arm.ask(1.0, TELEOPERATION)
    assert arm.ask(1.0 + LEASE, EXTERNAL) is not None
    assert arm.owner(1.0 + LEASE) is TELEOPERATION
    assert arm.owner(math.nextafter(1.0 + LEASE, 2.0)) is None
    assert arm.ask(1.3, EXTERNAL) is None
    assert arm.refused[TELEOPERATION] == 0


def test_each_command_renews_the_lease(arm: Arbitration) -> None:
    """An owner who goes on commanding keeps the arm."""
    for step in range(10):
        assert arm.ask(1.0 + 0.2 * step, TELEOPERATION) is None
    assert arm.owner(2.8 + LEASE) is TELEOPERATION


@pytest.mark.parametrize("owner", [None, TELEOPERATION, EXTERNAL, LOCAL_TEAM])
def test_local_team_wins_at_once_and_keeps_it(arm: Arbitration, owner: Owner | None) -> None:
    """Whoever has it; no time ends it, only its release; others are refused meanwhile."""
    if owner is not None:
        arm.ask(1.0, owner)
    assert arm.ask(1.0, LOCAL_TEAM) is None
    assert arm.owner(1e9) is LOCAL_TEAM
    for other in (TELEOPERATION, EXTERNAL):
        assert arm.ask(1e9, other) == Refusal(other, LOCAL_TEAM, "PSM1 belongs to the local team")
        arm.release(other)
    assert arm.owner(1e9) is LOCAL_TEAM
    arm.release(LOCAL_TEAM)
    assert arm.owner(1e9) is None


def test_owner_lets_go(arm: Arbitration) -> None:
    """At once; to let go of another's arm has no effect."""
    arm.ask(1.0, EXTERNAL)
    arm.release(TELEOPERATION)
    assert arm.owner(1.0) is EXTERNAL
    arm.release(EXTERNAL)
    assert arm.owner(1.0) is None
    assert arm.ask(1.0, TELEOPERATION) is None


def test_a_claim_outlasts_who_takes_the_arm_at_its_own_driver(arm: Arbitration) -> None:
    """The local team has not let go: given back there, the arm is theirs again, until they do."""
    arm.ask(1.0, LOCAL_TEAM)
    arm.ask(2.0, ELSEWHERE)
    assert arm.owner(2.0) is ELSEWHERE
    arm.release(ELSEWHERE)
    assert arm.owner(1e9) is LOCAL_TEAM
    assert arm.ask(1e9, TELEOPERATION) is not None
    arm.release(LOCAL_TEAM)
    assert arm.owner(1e9) is None


def test_a_claim_ends_when_it_is_let_go_also_meanwhile(arm: Arbitration) -> None:
    """Only the claim: whoever took the arm at its own driver keeps it; afterwards it is free."""
    arm.ask(1.0, LOCAL_TEAM)
    arm.ask(2.0, ELSEWHERE)
    arm.release(LOCAL_TEAM)
    assert arm.owner(2.0) is ELSEWHERE
    arm.release(ELSEWHERE)
    assert arm.owner(2.0) is None
    assert arm.ask(2.0, TELEOPERATION) is None


@pytest.mark.parametrize("wrong", [0.9, -math.inf, math.inf, math.nan])
def test_clock_that_runs_backwards_opens_nothing(arm: Arbitration, wrong: float) -> None:
    """Neither a new lease nor the end of one; a renewal is refused too, and the time that was wrong is forgotten."""
    arm.ask(1.0, TELEOPERATION)
    assert arm.owner(wrong) is TELEOPERATION
    refusal = Refusal(EXTERNAL, None, "PSM1: the clock of the driver ran backwards")
    assert arm.ask(wrong, EXTERNAL) == refusal
    assert arm.ask(wrong, TELEOPERATION) is not None
    assert arm.owner(1.0 + LEASE) is TELEOPERATION
    assert arm.owner(1.3) is None
    assert arm.ask(wrong, EXTERNAL) == refusal
    assert arm.owner(1.3) is None


def test_ended_lease_stays_ended_when_time_runs_backwards(arm: Arbitration) -> None:
    """Back in the time of the lease it is not valid again."""
    arm.ask(1.0, TELEOPERATION)
    assert arm.owner(2.0) is None
    assert arm.owner(1.1) is None


@pytest.mark.parametrize("wrong", [0.9, math.inf, math.nan])
def test_local_team_is_heard_whatever_the_clock_shows(arm: Arbitration, wrong: float) -> None:
    """A broken clock does not keep people from the arm."""
    arm.ask(1.0, TELEOPERATION)
    assert arm.ask(wrong, LOCAL_TEAM) is None
    assert arm.owner(1.0) is LOCAL_TEAM


@pytest.mark.parametrize("lease", [0.0, -1.0, math.inf, math.nan])
def test_lease_that_never_begins_or_ends_is_refused(lease: float) -> None:
    """The value is named."""
    with pytest.raises(ValueError, match=r"lease: .* must be positive and finite"):
        Arbitration("PSM1", lease)


@pytest.mark.parametrize("who", list(Owner))
def test_to_look_whether_an_arm_may_be_commanded_takes_it_from_nobody(arm: Arbitration, who: Owner) -> None:
    """Not even for those who take it at once; a lease is not renewed by it, and refusals are those of asking."""
    assert arm.check(1.0, who) is None
    assert arm.owner(1.0) is None
    arm.ask(1.0, who)
    assert arm.check(1.2, who) is None
    assert (arm.owner(1.3) is who) == (who in AT_ONCE)
    arm.ask(2.0, LOCAL_TEAM)
    assert (arm.check(2.0, who) is None) == (who in AT_ONCE)
    assert arm.refused[who] == (who not in AT_ONCE)
