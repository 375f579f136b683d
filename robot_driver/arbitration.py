"""Who may move an arm: one owner at a time, by lease.

The teleoperation session and external CRTK clients own an arm while they move it: each command that the gate lets pass
renews the lease, and silence ends it, as does a stream of refused ones. Who has the arm keeps it; a newcomer is
refused, counted and told why. The local team takes any arm at once, whoever has it, and keeps it until it lets go; so
does whoever takes an arm at its own driver, where this one is only a client. What the local team has had before that,
and has not let go since, is theirs again afterwards.

A clock that runs backwards or shows no time opens nothing: no lease ends or begins by it. Only the local team is heard
all the same, as its claim takes the arm from a machine and gives it to people who stand beside it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum

LEASE = 0.25
"""An arm is free again this long after its owner's last command [s]."""


class Owner(str, Enum):
    """Who may own an arm; the text is for people."""

    TELEOPERATION = "the teleoperation session"
    EXTERNAL = "an external client"
    LOCAL_TEAM = "the local team"
    ELSEWHERE = "somebody else at its own driver"


_AT_ONCE = (Owner.LOCAL_TEAM, Owner.ELSEWHERE)


@dataclass(frozen=True)
class Refusal:
    """Why somebody may not move an arm.

    Attributes:
        who: Who asked.
        owner: Who owns the arm; None where the clock is the reason.
        reason: What to tell the one who asked.
    """

    who: Owner
    owner: Owner | None
    reason: str


class Arbitration:
    """Leases of one arm.

    Attributes:
        refused: How often each was refused since the start.
    """

    def __init__(self, arm: str, lease: float = LEASE) -> None:
        """Nobody owns the arm.

        Args:
            arm: Name of the arm.
            lease: How long teleoperation or a client keeps the arm after its last command [s].

        Raises:
            ValueError: the lease is not positive and finite.
        """
        if not 0.0 < lease < math.inf:
            raise ValueError(f"lease: {lease} must be positive and finite")
        self.refused = dict.fromkeys(Owner, 0)
        self._arm = arm
        self._lease = lease
        self._owner: Owner | None = None
        self._claimed = False
        self._until = -math.inf
        self._latest = -math.inf

    def ask(self, now: float, who: Owner) -> Refusal | None:
        """Take the arm, or renew the lease: with each command that moved it, and in each period of a move.

        Args:
            now: Monotonic time [s].
            who: Who wants to move it.

        Returns:
            None if the arm is theirs; else why not.
        """
        refusal = self.check(now, who)
        if refusal is None:
            self._owner, self._until = who, math.inf if who in _AT_ONCE else now + self._lease
            self._claimed = self._claimed or who is Owner.LOCAL_TEAM
        return refusal

    def check(self, now: float, who: Owner) -> Refusal | None:
        """Whether somebody may command the arm; it becomes nobody's by that. Arguments and result as `ask`."""
        runs = self._runs(now)
        if who in _AT_ONCE:
            return None
        if not runs:
            return self._refuse(who, None, f"{self._arm}: the clock of the driver ran backwards")
        owner = self.owner(now)
        if owner not in (None, who):
            return self._refuse(who, owner, f"{self._arm} belongs to {owner.value}")
        return None

    def release(self, who: Owner) -> None:
        """Let the arm go at once, or a claim of it; of no effect for anybody else."""
        if who is Owner.LOCAL_TEAM:
            self._claimed = False
        if self._owner is who:
            self._owner = Owner.LOCAL_TEAM if self._claimed else None

    def owner(self, now: float) -> Owner | None:
        """Who owns the arm at `now` [s]; None if it is free."""
        self._runs(now)
        return self._owner if self._latest <= self._until else None

    def _runs(self, now: float) -> bool:
        """Time goes on."""
        if not self._latest <= now < math.inf:
            return False
        self._latest = now
        return True

    def _refuse(self, who: Owner, owner: Owner | None, reason: str) -> Refusal:
        self.refused[who] += 1
        return Refusal(who, owner, reason)
