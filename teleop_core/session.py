"""Which operator commands are accepted: newest wins; stale, duplicate, reordered, foreign and rubbish are dropped.

Order of the checks: hash, session, sequence, age, values. A refused packet changes nothing: it neither takes the
session nor moves the sequence window nor teaches the clock, so one forged packet cannot make the receiver deaf to the
genuine ones that follow.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum

from teleop_core.clock_alignment import ClockAlignment
from teleop_core.contract import INSTRUMENT_ARMS, MASTERS
from teleop_core.se3 import as_floats, is_unit_quaternion
from teleop_core.signals import HandSignal, OperatorSignal


class Refusal(Enum):
    """Why a packet was dropped; the values name the counters of TeleopFeedback."""

    UNAUTHENTICATED = "unauthenticated"
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
        begin_round_trip: A session begins only with a packet that echoes feedback of this host sent at most this long
            ago, without the time it lay at the console [s]: a recorded packet cannot, so no old session begins anew at
            a receiver that was restarted and remembers none. None: it may begin without an echo.
        max_feedback_age: Largest age of the feedback that a packet may echo [s].
        max_reach: Largest coordinate of a hand [m]; more is a broken device.
        max_gripper: Largest gripper angle, either sign [rad].
    """

    max_age: float
    sequence_window: int = 500
    takeover_silence: float = 1.0
    begin_round_trip: float | None = None
    max_feedback_age: float = 3600.0
    max_reach: float = 2.0
    max_gripper: float = math.pi


class CommandReceiver:
    """Judges every packet, counts every refusal, knows which session is in control."""

    _clock: ClockAlignment
    _seen: int  # both of the session in control, made when it begins

    def __init__(self, limits: SessionLimits) -> None:
        """Nobody is in control at first."""
        self._limits = limits
        self._used_sessions = {0}
        self.session = 0
        self.last_sequence = 0
        self.last_arrival = -math.inf
        self.accepted = 0
        self.refused: dict[Refusal, int] = dict.fromkeys(Refusal, 0)

    def receive(
        self, signal: OperatorSignal, arrival: float, round_trip: float | None, authenticated: bool
    ) -> Refusal | None:
        """Accept or refuse one packet.

        Args:
            signal: The packet.
            arrival: Its arrival on the monotonic clock of this host [s].
            round_trip: Time since our feedback that the packet echoes was sent, without the time it lay at the
                console [s]; None where the packet echoes nothing.
            authenticated: Its hash fits, or no security is in force.

        Returns:
            None if it is accepted, else the first check that refused it.
        """
        refusal = self._judge(signal, arrival, round_trip) if authenticated else Refusal.UNAUTHENTICATED
        if refusal is not None:
            self.refused[refusal] += 1
            return refusal
        if signal.session == self.session:
            step = signal.sequence - self.last_sequence
            self._seen = ((self._seen << step) | 1) & ((1 << self._limits.sequence_window) - 1)
        else:
            self._begin(signal.session)
        self.last_sequence = signal.sequence
        self.last_arrival = arrival
        self._clock.observe(arrival, signal.stamp, round_trip)
        self.accepted += 1
        return None

    def sampled_at(self, signal: OperatorSignal) -> float:
        """When the hands of an accepted packet were sampled, on this host's monotonic clock [s]."""
        return self._clock.local_time(signal.stamp)

    def _begin(self, session: int) -> None:
        self._used_sessions.add(session)
        self.session = session
        self._seen = 1
        self._clock = ClockAlignment()

    def _judge(self, signal: OperatorSignal, arrival: float, round_trip: float | None) -> Refusal | None:
        if signal.session == 0 or signal.session != self.session:
            if not self._may_begin(signal.session, arrival, round_trip):
                return Refusal.FOREIGN
        else:
            refusal = self._judge_sequence(signal.sequence)
            if refusal is not None:
                return refusal
            if not self._clock.excess_delay(arrival, signal.stamp) <= self._limits.max_age:
                return Refusal.STALE
        return None if self._well_formed(signal) else Refusal.MALFORMED

    def _may_begin(self, session: int, arrival: float, round_trip: float | None) -> bool:
        if session in self._used_sessions or not arrival - self.last_arrival >= self._limits.takeover_silence:
            return False
        longest = self._limits.begin_round_trip
        # A step of our own clock may make the echo look as if it came from the future.
        return longest is None or (round_trip is not None and -longest <= round_trip <= longest)

    def _judge_sequence(self, sequence: int) -> Refusal | None:
        ahead = sequence - self.last_sequence
        if ahead > self._limits.sequence_window:
            return Refusal.FOREIGN
        if ahead > 0:
            return None
        return Refusal.DUPLICATE if (self._seen >> -ahead) & 1 else Refusal.REORDERED

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
            and all(-reach <= value <= reach for value in as_floats(hand.pose.position))
            and is_unit_quaternion(hand.pose.quaternion)
            and all(map(math.isfinite, (*hand.linear, *hand.angular)))
            and -self._limits.max_gripper <= hand.gripper <= self._limits.max_gripper
            and (hand.arm == "" or hand.arm in INSTRUMENT_ARMS)
        )
