"""The last check before the actuator: default deny, its own clock, its own rules.

The gate is written apart from the kinematics that make the commands and from the monitor that permits them. It moves an
arm only while it holds a fresh permit, and only to where a fresh, finite, small enough step leads. Otherwise it holds:
the setpoint stays where it is, under position control.

Refused: not permitted, silent, old, not finite, wrong size, a jump. The setpoint stays.
Limited and told: joint range, depth past the remote centre, velocity, acceleration. The setpoint goes part of the way.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum


class GateReason(str, Enum):
    """Why the gate holds, refuses or limits; the text goes to the operator and into the report."""

    DISABLED = "arm not enabled"
    PROTECTIVE_STOP = "protective stop"
    NO_PERMIT = "no permit to move"
    LEASE_OVER = "permit not renewed"
    SILENCE = "no commands"
    STALE = "command too old"
    NOT_FINITE = "command is not a finite number"
    WRONG_SIZE = "command has the wrong number of joints"
    JUMP = "command jumps"
    JOINT_RANGE = "joint range"
    RCM_DEPTH = "depth past the remote centre"
    VELOCITY = "joint velocity"
    ACCELERATION = "joint acceleration"


@dataclass(frozen=True)
class GateLimits:
    """Limits of one arm; the tuples hold one value per joint [rad, m and their rates].

    Attributes:
        lower: Smallest position.
        upper: Largest position.
        velocity: Largest speed.
        acceleration: Largest acceleration.
        insertion_index: Which joint inserts the instrument.
        min_insertion: Insertion that keeps the shaft far enough past the remote centre of motion [m].
        servo_period: Nominal time between commands [s].
        max_command_age: Oldest hand sample that may become a setpoint [s].
        silence: Hold when no acceptable command came for this long [s].
        jump_time: A command may be as far away as the arm moves in this time at full speed [s].
    """

    lower: tuple[float, ...]
    upper: tuple[float, ...]
    velocity: tuple[float, ...]
    acceleration: tuple[float, ...]
    insertion_index: int
    min_insertion: float
    servo_period: float
    max_command_age: float
    silence: float = 0.06
    jump_time: float = 0.05


@dataclass(frozen=True)
class Decision:
    """What the gate made of a command.

    Attributes:
        setpoint: Where the arm shall be, one value per joint [rad, m]; always safe to send.
        velocity: Speed of the setpoint [rad/s, m/s].
        moved: The command became the setpoint, whole or in part.
        reasons: Why not, or why only in part.
    """

    setpoint: tuple[float, ...]
    velocity: tuple[float, ...]
    moved: bool
    reasons: tuple[GateReason, ...]


class CommandGate:
    """Gate of one arm."""

    def __init__(self, limits: GateLimits, setpoint: Sequence[float]) -> None:
        """Start closed, holding at `setpoint` [rad, m]."""
        self._limits = limits
        self._rest = (0.0,) * len(limits.lower)
        self.setpoint = tuple(float(value) for value in setpoint)
        self._velocity = self._rest
        self._enabled = False
        self._permit_sequence = 0
        self._permit_until = float("-inf")
        self._velocity_ratio = 0.0
        self._stop_asked = False
        self._stop_acknowledged = False
        self._commanded_at = float("-inf")
        self._sampled_at = float("-inf")

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
        if len(position) != len(self._limits.lower) or not all(math.isfinite(value) for value in position):
            raise ValueError(f"{tuple(position)} is no joint position")
        self.setpoint = tuple(float(value) for value in position)

    def permit(self, now: float, granted: bool, sequence: int, lease: float, velocity_ratio: float) -> bool:
        """Take a permit of the safety monitor.

        Args:
            now: Monotonic time of its arrival [s].
            granted: Motion is permitted.
            sequence: Number of the permit; what does not rise is dropped.
            lease: How long it lasts from now [s]; more than 1 s is refused.
            velocity_ratio: Share of full speed, 0..1.

        Returns:
            False if the permit was dropped.
        """
        if not (sequence > self._permit_sequence and 0.0 < lease <= 1.0 and 0.0 <= velocity_ratio <= 1.0):
            return False
        self._permit_sequence = sequence
        self._permit_until = now + lease if granted else float("-inf")
        self._velocity_ratio = velocity_ratio
        if not granted:
            self._stop_acknowledged = True
            self._stop()
        elif self._stop_acknowledged:
            self._stop_asked = False
        return True

    def protective_stop(self) -> None:
        """Somebody asked for a stop: hold until the monitor has withdrawn its permit and later grants it anew."""
        self._stop_asked = True
        self._stop_acknowledged = False
        self._stop()

    def hold_reason(self, now: float) -> GateReason | None:
        """Why the arm holds at `now` [s]; None while it may move. To be asked every servo period."""
        reason = self._closed(now)
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
        refusal = self._closed(now) or self._refusal(now, q, sampled_at)
        if refusal is not None:
            return Decision(self.setpoint, self._rest, False, (refusal,))
        # A stamp of the future is a clock that stepped: believed, it would shut out every command that follows.
        sampled_at = min(sampled_at, now)
        dt = self._step_time(now, sampled_at)
        decision = self._limited(q, dt)
        self.setpoint, self._velocity = decision.setpoint, decision.velocity
        self._commanded_at, self._sampled_at = now, sampled_at
        return decision

    def _closed(self, now: float) -> GateReason | None:
        if not self._enabled:
            return GateReason.DISABLED
        if self._stop_asked:
            return GateReason.PROTECTIVE_STOP
        if now <= self._permit_until:
            return None
        if self._permit_until > float("-inf"):
            return GateReason.LEASE_OVER
        return GateReason.NO_PERMIT

    def _refusal(self, now: float, q: Sequence[float], sampled_at: float) -> GateReason | None:
        limits = self._limits
        if len(q) != len(limits.lower):
            return GateReason.WRONG_SIZE
        if not all(math.isfinite(value) for value in q) or not math.isfinite(sampled_at):
            return GateReason.NOT_FINITE
        if not -limits.max_command_age <= now - sampled_at <= limits.max_command_age:
            return GateReason.STALE
        if sampled_at <= self._sampled_at:
            return GateReason.STALE
        for value, present, speed in zip(q, self.setpoint, limits.velocity, strict=True):
            if not abs(value - present) <= speed * limits.jump_time:
                return GateReason.JUMP
        return None

    def _step_time(self, now: float, sampled_at: float) -> float:
        """Time the step may take [s]: between hand samples, but never more than really passed plus one period.

        Commands arrive with jitter, hands are sampled without; speeds worked out from arrivals would be noise.
        """
        period = self._limits.servo_period
        if self._commanded_at == float("-inf"):
            return period
        between_samples = sampled_at - self._sampled_at
        really_passed = now - self._commanded_at + period
        return max(0.5 * period, min(between_samples, really_passed, self._limits.jump_time))

    def _limited(self, q: Sequence[float], dt: float) -> Decision:
        limits = self._limits
        reasons: list[GateReason] = []
        setpoint, velocity = [], []
        for index, (value, present, before) in enumerate(zip(q, self.setpoint, self._velocity, strict=True)):
            inserts = index == limits.insertion_index
            floor = max(limits.lower[index], limits.min_insertion) if inserts else limits.lower[index]
            if not floor <= value <= limits.upper[index]:
                reasons.append(GateReason.RCM_DEPTH if inserts and value < floor else GateReason.JOINT_RANGE)
            # An arm that stands outside its range is held there and may come back, but is never thrown back.
            low, high = min(present, floor), max(present, limits.upper[index])
            target = min(high, max(low, value))
            speed = (target - present) / dt
            allowed = self._allowed_speed(index, target - present, speed, before, dt, reasons)
            # The end of the range is firmer than the acceleration limit: stop there, however hard.
            reached = min(high, max(low, present + allowed * dt))
            setpoint.append(reached)
            velocity.append((reached - present) / dt)
        return Decision(tuple(setpoint), tuple(velocity), True, tuple(dict.fromkeys(reasons)))

    def _allowed_speed(
        self, index: int, distance: float, speed: float, before: float, dt: float, reasons: list[GateReason]
    ) -> float:
        """Speed that respects both rate limits; where it has to be limited it also brakes in time for the target."""
        highest = self._limits.velocity[index] * self._velocity_ratio
        change = self._limits.acceleration[index] * dt
        too_fast, too_sudden = not abs(speed) <= highest, not abs(speed - before) <= change
        if not (too_fast or too_sudden):
            return speed
        if too_fast:
            reasons.append(GateReason.VELOCITY)
        if too_sudden:
            reasons.append(GateReason.ACCELERATION)
        # Largest speed from which the rest of the way suffices to stop, when speed changes once in each period.
        braking = math.sqrt(2.0 * change / dt * abs(distance) + 0.25 * change * change) - 0.5 * change
        fastest = min(highest, braking)
        wanted = min(fastest, max(-fastest, speed))
        return min(before + change, max(before - change, wanted))

    def _stop(self) -> None:
        """The setpoint stands still; a stop may always be faster than the acceleration limit."""
        self._velocity = self._rest
        # The time an arm stood still is no time in which it could have moved: the next step is one period long.
        self._commanded_at = float("-inf")
