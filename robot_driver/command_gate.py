"""The last check before the actuator: default deny, its own clock, its own rules.

The gate is written apart from the kinematics that make the commands and from the monitor that permits them. It moves an
arm only while it holds a fresh permit, and only to where a fresh, finite, small enough step leads. Otherwise it holds:
the setpoint stays where it is, under position control.

Refused: not permitted, silent, old, not finite, wrong size, a jump, faster than real time. The setpoint stays.
Limited and told: joint range, depth past the remote centre, workspace, braking distance before these, velocity, travel
in 250 ms, acceleration. The setpoint goes part of the way.

Every refusal and limitation says by how much the command was beyond.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from robot_driver.gate_limits import Excess, GateLimits, GateReason
from robot_driver.gate_motion import ArmGuard, Findings, Timing
from robot_driver.gate_pace import Pace
from robot_driver.gate_permit import GatePermit


@dataclass(frozen=True)
class Decision:
    """What the gate made of a command.

    Attributes:
        setpoint: Where the arm shall be, one value per joint [rad, m]; always safe to send.
        velocity: Speed of the setpoint [rad/s, m/s].
        moved: The command became the setpoint, whole or in part.
        reasons: Why not, or why only in part, each with the amount beyond the limit.
    """

    setpoint: tuple[float, ...]
    velocity: tuple[float, ...]
    moved: bool
    reasons: tuple[Excess, ...]


class _Stop(Enum):
    """Protective stop: none, asked for, or asked for and then acknowledged by the withdrawal of the permit."""

    NONE = 0
    ASKED = 1
    ACKNOWLEDGED = 2


class CommandGate:
    """Gate of one arm."""

    _velocity: tuple[float, ...]

    def __init__(self, limits: GateLimits, setpoint: Sequence[float]) -> None:
        """Start closed, holding at `setpoint` [rad, m]."""
        self._limits = limits
        self._guard = ArmGuard(limits)
        self._pace = Pace(limits.servo_period, limits.jump_time)
        self._permit = GatePermit()
        self._rest = (0.0,) * len(limits.lower)
        self.setpoint = tuple(float(value) for value in setpoint)
        self._protective_stop = _Stop.NONE
        self._latest = float("-inf")
        self._sampled_at = float("-inf")
        self.enable(False)

    @property
    def permit_session(self) -> int:
        """Session of the newest permit, or refusal of one, that was taken; 0 before the first."""
        return self._permit.session

    @property
    def permit_sequence(self) -> int:
        """Its number in that session; 0 before the first."""
        return self._permit.sequence

    @property
    def velocity_ratio(self) -> float:
        """Share of full speed of the newest permit, 0..1; says nothing of whether it is fresh."""
        return self._permit.velocity_ratio

    @property
    def sampled_at(self) -> float:
        """When the hand of the newest command that became the setpoint was sampled [s]; -inf before the first."""
        return self._sampled_at

    def permitted(self, now: float) -> bool:
        """The gate holds a fresh permit at `now` [s]; an arm that is not enabled or was stopped holds all the same."""
        return now >= self._latest and self._permit.valid(now)

    def enable(self, enabled: bool) -> None:
        """Open for commands, or close; the setpoint stays."""
        self._enabled = enabled
        self._stop()

    def stand_at(self, position: Sequence[float]) -> None:
        """Take the setpoint from where the arm is [rad, m]; only while closed, before the arm is enabled.

        Raises:
            ValueError: the gate is open, or the position is not one.
        """
        if self._enabled:
            raise ValueError("the setpoint of an enabled arm moves by commands only")
        if len(position) != len(self._rest) or not all(math.isfinite(value) for value in position):
            raise ValueError(f"{tuple(position)} is no joint position")
        self.setpoint = tuple(float(value) for value in position)

    def permit(
        self, now: float, granted: bool, session: int, sequence: int, lease: float, velocity_ratio: float
    ) -> bool:
        """Take a permit of the safety monitor, or its withdrawal; one that is dropped changes nothing.

        Args:
            now: Monotonic time of its arrival [s].
            granted: Motion is permitted.
            session: Random number of the monitor's session. Another one begins only while nothing is permitted, once.
            sequence: Number of the permit in its session, from 1; what does not rise is dropped.
            lease: How long it lasts from now [s]; more than 1 s is refused.
            velocity_ratio: Share of full speed, 0..1.

        Returns:
            False if it was dropped.
        """
        if not (self._runs(now) and self._permit.take(now, granted, session, sequence, lease, velocity_ratio)):
            return False
        if not granted:
            if self._protective_stop is _Stop.ASKED:
                self._protective_stop = _Stop.ACKNOWLEDGED
            self._stop()
        elif self._protective_stop is _Stop.ACKNOWLEDGED:
            self._protective_stop = _Stop.NONE
        return True

    def protective_stop(self) -> None:
        """Somebody asked for a stop: hold until the monitor has withdrawn its permit and later grants it anew."""
        self._protective_stop = _Stop.ASKED
        self._stop()

    def hold_reason(self, now: float) -> GateReason | None:
        """Why the arm holds at `now` [s]; None while it may move. To be asked every servo period."""
        excess = self._closed(now)
        reason = None if excess is None else excess.reason
        if reason is None and not now - self._commanded_at <= self._limits.silence:
            reason = GateReason.SILENCE
        if reason is not None:
            self._stop()
        return reason

    def command(self, now: float, q: Sequence[float], sampled_at: float) -> Decision:
        """Judge one command.

        Args:
            now: Monotonic time of its arrival [s].
            q: Joint positions asked for [rad, m].
            sampled_at: When the hand was sampled, on the same clock [s].
        """
        closed = self._closed(now)
        if closed is not None:
            return self._refused(closed)
        if len(q) != len(self._rest):
            return self._refused(Excess(GateReason.WRONG_SIZE))
        # A stamp of the future is a clock that stepped: believed, it would shut out every command that follows.
        wanted, sampled = tuple(q), min(sampled_at, now)
        refusal = self._age(now, sampled_at) or self._repeated(sampled) or _not_finite(wanted)
        if refusal is not None:
            return self._refused(refusal)
        findings = self._guard.jump(wanted, self.setpoint)
        if findings.amounts:
            return self._refused(*_excesses(findings))
        step_time = self._pace.step_time(now, sampled - self._sampled_at)
        if not step_time >= self._pace.shortest:
            return self._refused(Excess(GateReason.TOO_OFTEN, self._pace.shortest - step_time))
        return self._step(now, wanted, sampled, step_time)

    def _step(self, now: float, wanted: tuple[float, ...], sampled_at: float, step_time: float) -> Decision:
        """Go where the command leads, as far as the limits allow."""
        ratio, findings = self._permit.velocity_ratio, Findings()
        timing = Timing(step_time, ratio, self._pace.share_left(now, step_time, ratio))
        self.setpoint, self._velocity = self._guard.step(wanted, self.setpoint, self._velocity, timing, findings)
        self._pace.stepped(now, step_time, self._guard.share(self._velocity), ratio)
        self._commanded_at, self._sampled_at = now, sampled_at
        return Decision(self.setpoint, self._velocity, True, _excesses(findings))

    def _refused(self, *reasons: Excess) -> Decision:
        return Decision(self.setpoint, self._rest, False, reasons)

    def _runs(self, now: float) -> bool:
        """Time goes on; a clock that runs backwards, or shows no time, opens nothing and moves nothing."""
        if not (now >= self._latest and math.isfinite(now)):
            return False
        self._latest = now
        return True

    def _closed(self, now: float) -> Excess | None:
        if not self._runs(now):
            return Excess(GateReason.CLOCK, self._latest - now)
        if not self._enabled:
            return Excess(GateReason.DISABLED)
        if self._protective_stop is not _Stop.NONE:
            return Excess(GateReason.PROTECTIVE_STOP)
        if self._permit.valid(now):
            return None
        if self._permit.until > float("-inf"):
            return Excess(GateReason.LEASE_OVER, now - self._permit.until)
        return Excess(GateReason.NO_PERMIT)

    def _age(self, now: float, sampled_at: float) -> Excess | None:
        age, highest = now - sampled_at, self._limits.max_command_age
        if not math.isfinite(sampled_at):
            return Excess(GateReason.NOT_FINITE)
        return None if -highest <= age <= highest else Excess(GateReason.STALE, abs(age) - highest)

    def _repeated(self, sampled_at: float) -> Excess | None:
        newer = sampled_at > self._sampled_at
        return None if newer else Excess(GateReason.STALE, self._sampled_at - sampled_at)

    def _stop(self) -> None:
        """The setpoint stands still; a stop may always be faster than the acceleration limit."""
        self._velocity = self._rest
        self._commanded_at = float("-inf")
        self._pace.stand()


def _not_finite(q: tuple[float, ...]) -> Excess | None:
    return None if all(map(math.isfinite, q)) else Excess(GateReason.NOT_FINITE)


def _excesses(findings: Findings) -> tuple[Excess, ...]:
    return tuple(Excess(reason, amount) for reason, amount in findings.amounts.items())
