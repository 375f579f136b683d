"""Which operator commands are accepted: newest wins; stale, duplicate, reordered, foreign and rubbish are dropped.

Order of the checks: session, sequence, age, values. A refused packet changes nothing: it neither moves the sequence
window nor teaches the clock, so one forged packet cannot make the receiver deaf to the genuine ones that follow.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum

from teleop_core.clock_alignment import ClockAlignment
from teleop_core.contract import MASTERS
from teleop_core.se3 import is_unit_quaternion
from teleop_core.signals import HandSignal, OperatorSignal


class Refusal(Enum):
    """Why a packet was dropped; the values name the counters of TeleopFeedback."""

    FOREIGN = "foreign"
    DUPLICATE = "duplicate"
    REORDERED = "reordered"
    STALE = "stale"
    MALFORMED = "malformed"


@dataclass(frozen=True)
class SessionLimits:
    """What the receiver tolerates.

    Attributes:
        max_age: Largest excess delay of a packet [s].
        sequence_window: How far a sequence may be ahead of the newest accepted one.
        takeover_silence: A new session may begin when the present one has been silent this long [s].
        max_feedback_age: Largest age of the feedback that a packet may echo [s].
        max_reach: Largest coordinate of a hand [m]; more is a broken device.
        max_gripper: Largest gripper angle, either sign [rad].
    """

    max_age: float
    sequence_window: int = 500
    takeover_silence: float = 1.0
    max_feedback_age: float = 3600.0
    max_reach: float = 2.0
    max_gripper: float = math.pi


class CommandReceiver:
    """Judges every packet, counts every refusal, knows which session is in control."""

    def __init__(self, limits: SessionLimits) -> None:
        """Nobody is in control at first."""
        self._limits = limits
        self._clock = ClockAlignment()
        self._used_sessions: set[int] = set()
        self._seen = 0
        self.session = 0
        self.last_sequence = 0
        self.last_arrival = float("-inf")
        self.accepted = 0
        self.refused: dict[Refusal, int] = dict.fromkeys(Refusal, 0)

    def receive(self, signal: OperatorSignal, arrival: float, round_trip: float | None) -> Refusal | None:
        """Accept or refuse one packet.

        Args:
            signal: The packet.
            arrival: Its arrival on the monotonic clock of this host [s].
            round_trip: Time since our feedback that the packet echoes was sent, without the time it lay at the
                console [s]; None where the packet echoes nothing.

        Returns:
            None if it is accepted, else the first check that refused it.
        """
        refusal = self._judge(signal, arrival)
        if refusal is not None:
            self.refused[refusal] += 1
            return refusal
        if signal.session != self.session:
            self._begin(signal)
        step = signal.sequence - self.last_sequence
        self._seen = ((self._seen << step) | 1) & ((1 << self._limits.sequence_window) - 1)
        self.last_sequence = signal.sequence
        self.last_arrival = arrival
        self._clock.observe(arrival, signal.stamp, round_trip)
        self.accepted += 1
        return None

    def sampled_at(self, signal: OperatorSignal) -> float:
        """When the hands of an accepted packet were sampled, on this host's monotonic clock [s]."""
        return self._clock.local_time(signal.stamp)

    def _begin(self, signal: OperatorSignal) -> None:
        self._used_sessions.add(signal.session)
        self.session = signal.session
        self.last_sequence = signal.sequence - 1
        self._seen = 0
        self._clock = ClockAlignment()

    def _judge(self, signal: OperatorSignal, arrival: float) -> Refusal | None:
        if signal.session != self.session:
            silent = arrival - self.last_arrival >= self._limits.takeover_silence
            if signal.session == 0 or signal.session in self._used_sessions or not silent:
                return Refusal.FOREIGN
        else:
            refusal = self._judge_sequence(signal.sequence)
            if refusal is not None:
                return refusal
            if not self._clock.excess_delay(arrival, signal.stamp) <= self._limits.max_age:
                return Refusal.STALE
        return None if self._well_formed(signal) else Refusal.MALFORMED

    def _judge_sequence(self, sequence: int) -> Refusal | None:
        ahead = sequence - self.last_sequence
        if ahead > self._limits.sequence_window:
            return Refusal.FOREIGN
        if ahead > 0:
            return None
        seen = -ahead < self._limits.sequence_window and (self._seen >> -ahead) & 1
        return Refusal.DUPLICATE if seen else Refusal.REORDERED

    def _well_formed(self, signal: OperatorSignal) -> bool:
        names = [hand.name for hand in signal.hands]
        return (
            signal.sequence >= 1
            and math.isfinite(signal.stamp)
            and 0.0 <= signal.feedback_age <= self._limits.max_feedback_age
            and 0.0 < signal.motion_scale <= 1.0
            and len(set(names)) == len(names)
            and all(self._hand_well_formed(hand) for hand in signal.hands)
        )

    def _hand_well_formed(self, hand: HandSignal) -> bool:
        reach = self._limits.max_reach
        return (
            hand.name in MASTERS
            and all(-reach <= value <= reach for value in hand.pose.position)
            and is_unit_quaternion(hand.pose.quaternion)
            and all(math.isfinite(value) for value in (*hand.linear, *hand.angular))
            and -self._limits.max_gripper <= hand.gripper <= self._limits.max_gripper
        )
