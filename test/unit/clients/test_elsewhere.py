"""An arm that is taken at its own driver: once it stops, and once it is taken up again, each told once."""

from __future__ import annotations

from typing import Any

import pytest

from robot_driver.arbitration import Arbitration, Owner
from robot_driver.crtk.elsewhere import look_elsewhere
from teleop_core.teller import Teller

WHO = "PSM1 at /robot1 belongs to the local team"


class Watched:
    """One arm whose robot says who has taken it."""

    def __init__(self, served: Any) -> None:
        self.arm, self.now, self.said = served.arm, served.now, ""
        self.arm._backend.taken = lambda name: self.said if name == self.arm.name else "another arm"
        self.leases, self.teller = Arbitration("PSM1"), Teller()
        self.stops: list[tuple[float, str]] = []

    def look(self) -> list[str]:
        """One servo period; what was told in it."""
        self.now += 0.005
        look_elsewhere(self.now, self.arm, self.leases, self.teller, lambda now, why: self.stops.append((now, why)))
        return self.teller.take()

    @property
    def owner(self) -> Owner | None:
        return self.leases.owner(self.now)


@pytest.fixture
def watched(serve: Any) -> Watched:
    return Watched(serve("PSM1"))


def test_an_arm_that_nobody_took_is_left_alone(watched: Watched) -> None:
    """Whoever owns it here keeps it."""
    for owner in (None, Owner.EXTERNAL, Owner.LOCAL_TEAM):
        if owner:
            watched.leases.ask(watched.now, owner)
        holds = watched.arm.holds
        assert watched.look() == []
        assert (watched.owner, watched.stops, watched.arm.holds) == (owner, [], holds)


@pytest.mark.parametrize("before", [None, Owner.TELEOPERATION, Owner.LOCAL_TEAM])
def test_an_arm_that_is_taken_is_stopped_and_told_once(watched: Watched, before: Owner | None) -> None:
    """At once, whoever owned it here, and with the words of its own driver; from then on nobody does."""
    if before:
        watched.leases.ask(watched.now, before)
    watched.said, holds = WHO, watched.arm.holds
    assert watched.look() == [f"arm taken: {WHO}"]
    assert watched.stops == [(watched.now, WHO)]
    assert watched.arm.holds == holds + 1, "who drove the arm sees a hold"
    for _ in range(100):
        assert watched.look() == []
    assert watched.owner is Owner.ELSEWHERE, "it has no end"
    assert (len(watched.stops), watched.arm.holds) == (1, holds + 1)


def test_an_arm_that_is_given_back_is_free_and_begins_where_it_is(watched: Watched) -> None:
    """Told once; it has been moved meanwhile, so the setpoint goes there, and no old owner has it again."""
    watched.leases.ask(watched.now, Owner.EXTERNAL)
    watched.said = WHO
    watched.look()
    robot, elsewhere = watched.arm._backend.arms["PSM1"], tuple(value + 0.01 for value in watched.arm.gate.setpoint)
    robot.setpoint = robot.position = elsewhere
    watched.said, holds = "", watched.arm.holds
    assert watched.look() == ["arm given back: the next engagement moves it"]
    assert watched.arm.gate.setpoint == pytest.approx(elsewhere, abs=1e-9)
    assert watched.owner is None
    assert watched.look() == []
    assert (len(watched.stops), watched.arm.holds) == (1, holds)


def test_an_arm_that_the_local_team_had_is_theirs_again(watched: Watched) -> None:
    """They have not let go of it: no engagement moves it."""
    watched.leases.ask(watched.now, Owner.LOCAL_TEAM)
    watched.said = WHO
    watched.look()
    watched.said = ""
    assert watched.look() == ["arm given back: to the local team"]
    assert watched.owner is Owner.LOCAL_TEAM
    assert watched.look() == []


def test_each_time_is_told(watched: Watched) -> None:
    """A second later, as a client hears of one kind of thing once a second."""
    for _ in range(2):
        watched.said = WHO
        assert watched.look() == [f"arm taken: {WHO}"]
        watched.said = ""
        assert watched.look() == ["arm given back: the next engagement moves it"]
        watched.now += 1.0
    assert len(watched.stops) == 2


def test_what_changes_all_the_time_is_told_once_a_second(watched: Watched) -> None:
    """With how often it was left out; the arm stops each time."""
    told = []
    for _ in range(3):
        watched.said = WHO
        told += watched.look()
        watched.said = ""
        told += watched.look()
    assert told == [f"arm taken: {WHO}", "arm given back: the next engagement moves it"]
    assert len(watched.stops) == 3
    watched.now += 1.0
    watched.said = WHO
    assert watched.look() == [f"arm taken: {WHO} (and 2 more)"]


def test_a_claim_of_the_local_team_does_not_bring_it_back(watched: Watched) -> None:
    """They stand beside this robot's driver, not beside the other one; the claim ends with the next period."""
    watched.said = WHO
    watched.look()
    watched.leases.ask(watched.now, Owner.LOCAL_TEAM)
    watched.look()
    assert watched.owner is Owner.ELSEWHERE
    assert len(watched.stops) == 2
