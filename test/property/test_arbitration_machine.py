"""Whoever asks, in whatever order, by whatever clock: an arm has one owner, and who is refused is told."""

from __future__ import annotations

import math

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from robot_driver.arbitration import LEASE, Arbitration, Owner

owners = st.sampled_from(Owner)
machines = st.sampled_from([Owner.TELEOPERATION, Owner.EXTERNAL])


class Leases(RuleBasedStateMachine):
    """The leases of an arm, and a plain model: who was let in last, and until when."""

    def __init__(self) -> None:
        """A free arm."""
        super().__init__()
        self.arm = Arbitration("ECM")
        self.now = 100.0
        self.holder: Owner | None = None
        self.until = -math.inf
        self.refused = 0

    @rule(elapsed=st.sampled_from([0.0, 1e-6, 0.005, 0.1, LEASE, 0.3, 5.0]))
    def wait(self, elapsed: float) -> None:
        """Time passes."""
        self.now += elapsed

    @rule(who=machines)
    def a_machine_asks(self, who: Owner) -> None:
        """It gets the arm if that is free or its own; else it is told who has it."""
        holder = self.expected()
        refusal = self.arm.ask(self.now, who)
        assert (refusal is None) == (holder in (None, who))
        if refusal is None:
            self.holder, self.until = who, self.now + LEASE
        else:
            self.told(refusal.reason)
            assert (refusal.who, refusal.owner) == (who, holder)
            assert holder.value in refusal.reason

    @rule(back=st.sampled_from([0.0, 1e-3, 50.0, math.nan, math.inf]))
    def the_local_team_claims(self, back: float) -> None:
        """It always gets the arm at once, by any clock."""
        assert self.arm.ask(self.now - back, Owner.LOCAL_TEAM) is None
        self.holder, self.until = Owner.LOCAL_TEAM, math.inf

    @rule(who=owners)
    def somebody_lets_go(self, who: Owner) -> None:
        """Only the owner can."""
        self.arm.release(who)
        if self.holder is who:
            self.holder = None

    @rule(who=machines, back=st.sampled_from([1e-3, 0.2, 50.0, math.nan, math.inf, -math.inf]))
    def the_clock_is_wrong(self, who: Owner, back: float) -> None:
        """Nobody gets the arm by a wrong clock, and nobody loses it."""
        self.arm.owner(self.now)
        refusal = self.arm.ask(self.now - back, who)
        assert refusal is not None
        self.told(refusal.reason)
        assert self.arm.owner(self.now - back) is self.expected()

    @invariant()
    def one_owner(self) -> None:
        """The one of the model; of two machines that ask now at most one is let in; a lease of a machine ends."""
        assert self.arm.owner(self.now) is self.expected()
        assert sum(self.arm.refused.values()) == self.refused
        assert self.arm.refused[Owner.LOCAL_TEAM] == 0

    def expected(self) -> Owner | None:
        """Who owns the arm by the model."""
        return self.holder if self.now <= self.until else None

    def told(self, reason: str) -> None:
        """Who is refused always gets a reason, and is counted."""
        assert reason.startswith("ECM")
        self.refused += 1


TestLeases = Leases.TestCase
TestLeases.__doc__ = """Never two owners; the local team wins; the refused are told; leases end by themselves."""
TestLeases.settings = settings(deadline=None, max_examples=200, stateful_step_count=50)
