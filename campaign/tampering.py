"""What a broken or hostile console may say: each way is one function from genuine packets to what goes out instead.

Every function gets the genuine packet and what was sent before, and returns the packets to send. Packets that a broken
console would sign are signed again; what an attacker makes up carries a hash that does not fit.
"""

from __future__ import annotations

import copy
import math
import time
from collections import deque
from collections.abc import Callable
from typing import Any

Way = Callable[[Any, "Memory"], list[Any]]

REMEMBERED = 400
HUGE, DENORMAL = 1e300, 5e-324
BETWEEN = 0.0015
"""After a genuine packet [s]."""
FORGED_LEAP = 0.3
"""How far a forged hand is from the genuine one [m]."""


class Memory:
    """Packets sent earlier.

    Attributes:
        sent: The newest genuine packets, oldest first.
        old_session: Packets of the session before the present one.
        sign: Fills in the hash of a packet; leaves it empty where the suite runs without keys.
        count: Packets tampered with so far.
        kept: Packets held back.
        more: Packets to send between genuine ones: together with one the newer would displace the older on its way.
    """

    def __init__(self, sign: Callable[[Any], None]) -> None:
        """Nothing sent yet."""
        self.sent: deque[Any] = deque(maxlen=REMEMBERED)
        self.old_session: list[Any] = []
        self.sign = sign
        self.count = 0
        self.kept: list[Any] = []
        self.more: list[Any] = []

    def remember(self, message: Any) -> None:
        """A genuine packet was made."""
        if self.sent and self.sent[-1].session != message.session:
            self.old_session = list(self.sent)
            self.sent.clear()
        self.sent.append(copy.deepcopy(message))


def spoilt(change: Callable[[Any], None], signed: bool = True) -> Way:
    """Every packet is changed."""

    def way(message: Any, memory: Memory) -> list[Any]:
        bad = copy.deepcopy(message)
        change(bad)
        if signed:
            memory.sign(bad)
        return [bad]

    return way


def beside(change: Callable[[Any], None], signed: bool = True) -> Way:
    """Each fourth genuine packet is changed; the three between are as they were."""
    spoil = spoilt(change, signed)

    def way(message: Any, memory: Memory) -> list[Any]:
        return spoil(message, memory) if memory.count % 4 == 0 else [message]

    return way


def silent(_message: Any, _memory: Memory) -> list[Any]:
    """Nothing is sent; the publisher stays."""
    return []


def twice(message: Any, memory: Memory) -> list[Any]:
    """Every packet is sent twice."""
    memory.more.append(memory.sent[-1])
    return [message]


def swapped(message: Any, memory: Memory) -> list[Any]:
    """Two packets at a time arrive in the wrong order."""
    if not memory.kept:
        memory.kept = [copy.deepcopy(message)]
        return []
    memory.more, memory.kept = memory.kept, []
    return [message]


def replayed(message: Any, memory: Memory) -> list[Any]:
    """Between genuine packets those of a while ago come again."""
    memory.more.append(memory.sent[len(memory.sent) // 2])
    return [message]


def old_session(message: Any, memory: Memory) -> list[Any]:
    """Between genuine packets those of an earlier session come again."""
    if not memory.old_session:
        raise ValueError("no earlier session is remembered")
    memory.more.append(memory.old_session[memory.count % len(memory.old_session)])
    return [message]


def delayed(_message: Any, memory: Memory) -> list[Any]:
    """Every packet is 60 packets late."""
    return [memory.sent[-61]] if len(memory.sent) > 60 else []


def gap(message: Any, memory: Memory) -> list[Any]:
    """Four packets of five are lost."""
    return [message] if memory.count % 5 == 0 else []


def leading(message: Any, memory: Memory) -> list[Any]:
    """A number far ahead between genuine packets: who believes it is deaf to what follows."""
    ahead = copy.deepcopy(message)
    ahead.sequence += 100_000
    memory.sign(ahead)
    memory.more.append(ahead)
    return [message]


def forged(message: Any, memory: Memory) -> list[Any]:
    """Between genuine packets one with the next number, a leap of the hand, and the genuine packet's hash."""
    bad = copy.deepcopy(message)
    bad.sequence += 1
    for hand in bad.hands:
        hand.pose.position.x += FORGED_LEAP
    memory.more.append(bad)
    return [message]


def _position(value: float) -> Callable[[Any], None]:
    def change(message: Any) -> None:
        message.hands[0].pose.position.x = value

    return change


def _set(path: str, value: Any) -> Callable[[Any], None]:
    *parts, last = path.split(".")

    def change(message: Any) -> None:
        target = message
        for part in parts:
            target = target[int(part)] if part.isdigit() else getattr(target, part)
        setattr(target, last, value)

    return change


def _stretched(message: Any) -> None:
    message.hands[1].pose.orientation.w *= 1.01
    message.hands[1].pose.orientation.z *= 1.01


def _zero_orientation(message: Any) -> None:
    orientation = message.hands[0].pose.orientation
    orientation.x = orientation.y = orientation.z = orientation.w = 0.0


def _same_hand_twice(message: Any) -> None:
    message.hands[1].name = message.hands[0].name


def _no_mac(message: Any) -> None:
    message.mac = []


def _flipped_mac(message: Any) -> None:
    message.mac = [byte ^ 0x5A for byte in message.mac] or [1] * 16


_WRONG_VALUES: dict[str, Callable[[Any], None]] = {
    "nan_position": _position(math.nan),
    "infinite_position": _position(math.inf),
    "huge_position": _position(HUGE),
    "nan_orientation": _set("hands.0.pose.orientation.w", math.nan),
    "unnormalised": _stretched,
    "zero_orientation": _zero_orientation,
    "nan_gripper": _set("hands.0.gripper", math.nan),
    "infinite_twist": _set("hands.1.twist.linear.y", math.inf),
    "unknown_hand": _set("hands.0.name", "MTMX"),
    "same_hand_twice": _same_hand_twice,
    "scale_zero": _set("motion_scale", 0.0),
    "scale_too_large": _set("motion_scale", 2.0),
    "scale_nan": _set("motion_scale", math.nan),
    "nan_feedback_age": _set("feedback_age", math.nan),
    "negative_stamp": _set("header.stamp.sec", -1),
}


WAYS: dict[str, Way] = {
    "silent": silent,
    "twice": twice,
    "swapped": swapped,
    "replayed": replayed,
    "old_session": old_session,
    "delayed": delayed,
    "gap": gap,
    "leading": leading,
    "forged": forged,
    "denormal": spoilt(_position(DENORMAL)),
    "wrong_mac": spoilt(_flipped_mac, signed=False),
    "some_wrong_mac": beside(_flipped_mac, signed=False),
    "no_mac": spoilt(_no_mac, signed=False),
    **{name: spoilt(change) for name, change in _WRONG_VALUES.items()},
    **{f"some_{name}": beside(change) for name, change in _WRONG_VALUES.items()},
}
"""Name -> way. ``some_*`` spoils one packet in four."""


class TamperingPublisher:
    """Stands where the console's publisher of commands stands."""

    def __init__(self, publisher: Any, sign: Callable[[Any], None]) -> None:
        """Send everything unchanged at first."""
        self._publisher = publisher
        self._way: Way | None = None
        self._published_at = 0.0
        self.memory = Memory(sign)

    def __getattr__(self, name: str) -> Any:
        """Everything else is the publisher's."""
        return getattr(self._publisher, name)

    def tamper(self, way: str) -> None:
        """From now on send packets as the way says; empty: unchanged."""
        self._way = WAYS[way] if way else None
        self.memory.count = 0
        self.memory.kept, self.memory.more = [], []

    def add_packets(self, now: float) -> None:
        """Send what is to come between genuine packets, at `now`, monotonic [s]; to be called all the time."""
        if self.memory.more and now - self._published_at >= BETWEEN:
            more, self.memory.more = self.memory.more, []
            for packet in more:
                self._publisher.publish(packet)

    def publish(self, message: Any) -> None:
        """Send a packet, or what the present way makes of it."""
        self.memory.remember(message)
        self._published_at = time.monotonic()
        if self._way is None:
            self._publisher.publish(message)
            return
        for packet in self._way(message, self.memory):
            self._publisher.publish(packet)
        self.memory.count += 1
