"""What one instrument arm did: time following, way of the tool, limits, servo figures."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from teleop_cli.statistics import PathTrace
from teleop_core.signals import TeleopState

LONGEST_STEP = 0.5
"""A state or a limit counts for no longer than this after it was last seen [s]."""


@dataclass(frozen=True)
class ArmSeen:
    """One arm in telesurgery/msg/TeleopFeedback.

    Attributes:
        name: Name of the arm.
        teleop_state: State of its hand-arm pair.
        limit_reasons: What limited or refused the motion.
        tracking_error: Distance of measured and commanded tip [m].
        tool_in_base: Measured position of the tip in the arm's base, shape (3,) [m].
        hand: Master arm that drives it.
    """

    name: str
    teleop_state: TeleopState
    limit_reasons: tuple[str, ...]
    tracking_error: float
    tool_in_base: tuple[float, float, float]
    hand: str = ""


@dataclass(frozen=True)
class ServoSeen:
    """One telesurgery/msg/ServoReport.

    Attributes:
        name: Name of the arm.
        applied: Commands that became the setpoint since the driver started.
        late: Late servo periods since the driver started.
        servo_rate: Commands applied per second over the last report period [Hz].
        motion_latency: Hand sample to setpoint applied, shape (n,) [s].
        tracking_error: Distance of measured and commanded tip, shape (m,) [m].
        rcm_deviation: Largest distance of the commanded shaft from the remote centre of motion [m].
        limit_seconds: What the gate limited or refused, and for how long [s].
        limit_amounts: By how much beyond the limit at most, with the unit; only where there is an amount.
        holding: The gate holds the arm.
        hold_reason: Why.
    """

    name: str
    applied: int
    late: int
    servo_rate: float
    motion_latency: Sequence[float]
    tracking_error: Sequence[float]
    rcm_deviation: float
    limit_seconds: dict[str, float] = field(default_factory=dict)
    limit_amounts: dict[str, tuple[float, str]] = field(default_factory=dict)
    holding: bool = False
    hold_reason: str = ""


class ArmHistory:
    """Counts and paths of one arm, from the moment the measurement begins."""

    def __init__(self) -> None:
        self.teleop_state: TeleopState | None = None
        self.operating_state = ""
        self.hand = ""
        self.servo: ServoSeen | None = None
        self.following = 0.0
        self.path_length = 0.0
        self.limited: dict[str, float] = {}
        self.largest_excess: dict[str, tuple[float, str]] = {}
        self.tool_path = PathTrace()
        self.rate_sum = 0.0
        self.rate_count = 0
        self._servo_base: ServoSeen | None = None
        self._limits_now: tuple[str, ...] = ()
        self._position: tuple[float, float, float] | None = None
        self._seen_at: float | None = None
        self._counting = False

    def begin(self) -> None:
        """Count from here."""
        self._counting = True
        self._servo_base = self.servo

    def on_feedback(self, now: float, seen: ArmSeen) -> None:
        """Take a feedback that arrived at `now` [s]."""
        if self._counting and self._seen_at is not None:
            step = min(now - self._seen_at, LONGEST_STEP)
            if self.teleop_state is TeleopState.FOLLOWING:
                self.following += step
            for reason in self._limits_now:
                self._add_limit(reason, step)
        self._follow_path(seen)
        self.hand = seen.hand
        self._seen_at, self.teleop_state, self._limits_now = now, seen.teleop_state, seen.limit_reasons

    def on_servo(self, seen: ServoSeen) -> None:
        """Take a servo report."""
        self.servo = seen
        if not self._counting:
            return
        if len(seen.motion_latency) > 0 and not seen.holding:
            self.rate_sum += seen.servo_rate
            self.rate_count += 1
        for reason, seconds in seen.limit_seconds.items():
            self._add_limit(reason, seconds)
        for reason, (amount, unit) in seen.limit_amounts.items():
            before, _ = self.largest_excess.get(reason, (amount, unit))
            self.largest_excess[reason] = (max(before, amount), unit)

    def applied(self) -> int:
        """Commands applied since the beginning."""
        return self._since_begin("applied")

    def late(self) -> int:
        """Late servo periods since the beginning."""
        return self._since_begin("late")

    def _since_begin(self, counter: str) -> int:
        if self.servo is None:
            return 0
        return int(getattr(self.servo, counter) - (getattr(self._servo_base, counter) if self._servo_base else 0))

    def _add_limit(self, reason: str, seconds: float) -> None:
        self.limited[reason] = self.limited.get(reason, 0.0) + seconds

    def _follow_path(self, seen: ArmSeen) -> None:
        if seen.teleop_state is not TeleopState.FOLLOWING:
            self.tool_path.gap()
            self._position = None
            return
        if self._counting:
            self.tool_path.add(seen.tool_in_base)
            if self._position is not None:
                self.path_length += math.dist(self._position, seen.tool_in_base)
        self._position = seen.tool_in_base
