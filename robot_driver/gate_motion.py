"""How far one step of an arm may go: range, remote centre, workspace, speed, acceleration, braking distance.

The speed v of a joint towards a limit that is d away is such that it can still stop before it:

    v^2 / (2 a) + v T <= d        T = time of the step, a = acceleration limit

so a joint slows down before its limit, within its acceleration, and never meets it at full speed.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from robot_driver.gate_limits import GateLimits, GateReason


@dataclass(frozen=True)
class Timing:
    """What one step may use.

    Attributes:
        step_time: Time it takes [s].
        velocity_ratio: Share of full speed that is permitted, 0..1.
        share_left: Share of full speed that real time leaves; firmer than the acceleration limit.
    """

    step_time: float
    velocity_ratio: float
    share_left: float


class Findings:
    """Largest amount beyond each limit that a command met."""

    def __init__(self) -> None:
        """Nothing found."""
        self.amounts: dict[GateReason, float] = {}

    def add(self, reason: GateReason, amount: float) -> None:
        """A joint is `amount` beyond a limit; the one that is farthest counts."""
        self.amounts[reason] = max(amount, self.amounts.get(reason, amount))


class JointGuard:
    """Limits of one joint [rad, m and their rates]."""

    def __init__(self, limits: GateLimits, index: int) -> None:
        """Take what concerns joint `index`."""
        slides = index == limits.insertion_index
        self._lower = max(limits.lower[index], limits.min_insertion) if slides else limits.lower[index]
        self._upper = limits.upper[index]
        self._velocity = limits.velocity[index]
        self._acceleration = limits.acceleration[index]
        self._jump = limits.velocity[index] * limits.jump_time
        self._too_low = GateReason.RCM_DEPTH if slides else GateReason.JOINT_RANGE
        self._too_high = GateReason.INSERTION_RANGE if slides else GateReason.JOINT_RANGE
        self._jumps = GateReason.INSERTION_JUMP if slides else GateReason.JUMP
        self._too_fast = GateReason.INSERTION_VELOCITY if slides else GateReason.VELOCITY
        self._too_far = GateReason.INSERTION_TRAVEL if slides else GateReason.TRAVEL
        self._too_late = GateReason.INSERTION_BRAKING if slides else GateReason.BRAKING
        self._too_sudden = GateReason.INSERTION_ACCELERATION if slides else GateReason.ACCELERATION

    def check_jump(self, wanted: float, present: float, findings: Findings) -> None:
        """Find a command that is farther away than the joint moves within the time of a jump at full speed."""
        distance = abs(wanted - present)
        if not distance <= self._jump:
            findings.add(self._jumps, distance - self._jump)

    def reserve(self, present: float, velocity: float) -> float:
        """Farthest from zero that the joint gets while it brakes as hard as it may."""
        return max(abs(present), abs(present + 0.5 * velocity * abs(velocity) / self._acceleration))

    def share(self, velocity: float) -> float:
        """Share of its full speed."""
        return abs(velocity) / self._velocity

    def step(
        self, wanted: float, present: float, before: float, timing: Timing, room: float, findings: Findings
    ) -> tuple[float, float]:
        """Make one step.

        Args:
            wanted: Position asked for; at most a jump away.
            present: Where the joint was told to be last.
            before: Speed with which it went there.
            timing: What the step may use.
            room: Farthest from zero that the workspace allows; inf where it sets no limit.
            findings: Takes what was limited.

        Returns:
            Position and speed.
        """
        floor, ceiling = max(self._lower, -room), min(self._upper, room)
        # An arm that stands outside its range is held there and may come back, but is never thrown back.
        low, high = min(present, floor), max(present, ceiling)
        if not wanted <= high:
            findings.add(GateReason.WORKSPACE if room < self._upper else self._too_high, wanted - ceiling)
        elif not wanted >= low:
            findings.add(GateReason.WORKSPACE if -room > self._lower else self._too_low, floor - wanted)
        distance = min(high, max(low, wanted)) - present
        left = high - present if distance > 0.0 else present - low
        speed = self._speed(distance, before, left, timing, findings)
        # Rounding must not carry it past the end.
        reached = min(high, max(low, present + speed * timing.step_time))
        return reached, (reached - present) / timing.step_time

    def _speed(self, distance: float, before: float, left: float, timing: Timing, findings: Findings) -> float:
        """Speed within all limits; what is too fast or too sudden also brakes in time for its target."""
        dt, acceleration = timing.step_time, self._acceleration
        change = acceleration * dt
        wanted = distance / dt
        size = abs(wanted)
        highest, farthest = self._velocity * timing.velocity_ratio, self._velocity * timing.share_left
        # Largest v with v^2 / (2 a) + v T <= left.
        still_stops = 2.0 * acceleration * left / (math.sqrt(change * change + 2.0 * acceleration * left) + change)
        too_fast, too_far, too_late = not size <= highest, not size <= farthest, not size <= still_stops
        too_sudden = not abs(wanted - before) <= change
        if not (too_fast or too_far or too_late or too_sudden):
            return wanted
        limit = min(highest, farthest)
        if too_fast:
            findings.add(self._too_fast, size - highest)
        if too_far and farthest < highest:
            findings.add(self._too_far, size - farthest)
        if too_late:
            findings.add(self._too_late, size - still_stops)
            limit = min(limit, still_stops)
        if too_sudden:
            findings.add(self._too_sudden, (abs(wanted - before) - change) / dt)
        if too_fast or too_sudden:
            # Largest speed from which the rest of the way suffices to stop, when speed changes once in each period.
            stops_there = math.sqrt(2.0 * acceleration * abs(distance) + 0.25 * change * change) - 0.5 * change
            limit = min(limit, stops_there)
        steady = min(before + change, max(before - change, min(limit, max(-limit, wanted))))
        return min(farthest, max(-farthest, steady))


class ArmGuard:
    """Limits of all joints of an arm, and of the workspace that two of them share."""

    def __init__(self, limits: GateLimits) -> None:
        """Take the limits of the arm."""
        self._joints = tuple(JointGuard(limits, index) for index in range(len(limits.lower)))
        self._tilt_indices = limits.tilt_indices
        self._cosine = math.cos(limits.max_tilt)

    def jump(self, wanted: tuple[float, ...], present: tuple[float, ...]) -> Findings:
        """Find the joints that are asked to jump; finite positions in, one value per joint [rad, m]."""
        findings = Findings()
        for guard, value, before in zip(self._joints, wanted, present, strict=True):
            guard.check_jump(value, before, findings)
        return findings

    def share(self, velocity: tuple[float, ...]) -> float:
        """Share of its full speed that the fastest joint uses."""
        return max(guard.share(speed) for guard, speed in zip(self._joints, velocity, strict=True))

    def step(
        self,
        wanted: tuple[float, ...],
        present: tuple[float, ...],
        before: tuple[float, ...],
        timing: Timing,
        findings: Findings,
    ) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """Make one step of all joints.

        Args:
            wanted: Positions asked for, none of them a jump away [rad, m].
            present: Setpoint so far [rad, m].
            before: Its speed [rad/s, m/s].
            timing: What the step may use.
            findings: Takes what was limited.

        Returns:
            Setpoint and its speed.
        """
        reached, speed = list(present), list(before)
        outer, inner = self._tilt_indices
        for index, guard in enumerate(self._joints):
            room = math.inf
            # Each of the two has the room that the other leaves, wherever the other comes to rest.
            if index == outer:
                room = self._room_beside(self._joints[inner].reserve(reached[inner], speed[inner]))
            elif index == inner:
                room = self._room_beside(self._joints[outer].reserve(reached[outer], speed[outer]))
            reached[index], speed[index] = guard.step(
                wanted[index], present[index], before[index], timing, room, findings
            )
        return tuple(reached), tuple(speed)

    def _room_beside(self, other: float) -> float:
        """Angle of one tilting joint at which the shaft reaches the cone, with the other one at angle `other` [rad].

        The shaft is tilted by arccos(cos(yaw) cos(pitch)).
        """
        cosine = math.cos(min(other, math.pi))
        return math.acos(self._cosine / cosine) if cosine > self._cosine else 0.0
