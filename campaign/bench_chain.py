"""A chain of bare rclpy nodes that carries what the suite carries, at its rate, and does nothing with it.

Usage: python -m campaign.bench_chain PARENT_PID HOPS PLACE DURATION ARMS RATE RESULT

Each node of the chain is a process: place 0 sends OperatorCommands at the rate, each one behind it hands on
one TeleopServo with as many joint commands as there are arms, and the last one writes, as JSON, how long each took
from its sending [s], and how many came late.
They have the priorities of the suite's control nodes, and rclpy's own executor.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import rclpy
from rclpy.node import Node

from campaign.processes import Child
from teleop_cli.child import tie_to_parent
from teleop_core.contract import INSTRUMENT_ARMS, STREAMS
from teleop_ros.adapter import message_type
from teleop_ros.qos import publisher_qos, subscription_qos
from teleop_ros.scheduling import PRIORITY, prefer_this_process

RATE = STREAMS["command"].rate
LATE = 1.5
"""A message is late that comes so many periods after the one before; the suite counts its servo periods likewise."""
WARM_UP = 1.0
"""What arrives in this time after the first message does not count [s]."""
FIRST, FOLLOWING = STREAMS["command"], STREAMS["teleop_servo"]


class Link(Node):
    """One node of the chain."""

    def __init__(self, hops: int, place: int, arms: int, rate: float) -> None:
        """Subscribe to the place before, publish for the one behind."""
        super().__init__(f"bench_{place}")
        self.latencies: list[float] = []
        self.arrivals: list[float] = []
        self._begun = 0.0
        outgoing, incoming = (FIRST if place == 0 else FOLLOWING), (FIRST if place == 1 else FOLLOWING)
        self._arms = INSTRUMENT_ARMS[:arms]
        if place < hops:
            self._outgoing = self.create_publisher(message_type(outgoing.type), _topic(place), publisher_qos(outgoing))
        if place == 0:
            self._sequence = 0
            self.create_timer(1.0 / rate, self._send)
            return
        hear = self._measure if place == hops else self._hand_on
        self.create_subscription(message_type(incoming.type), _topic(place - 1), hear, subscription_qos(incoming))

    def _send(self) -> None:
        message = self._outgoing.msg_type()
        self._sequence += 1
        message.sequence = self._sequence
        message.hands = [_HAND(name=name) for name in ("MTML", "MTMR")]
        message.mac = bytes(16)
        _stamp(message)
        self._outgoing.publish(message)

    def _hand_on(self, received: Any) -> None:
        message = self._outgoing.msg_type()
        message.header.stamp = received.header.stamp
        message.arms = [_ARM(name=arm, position=[0.1] * 6, jaw=0.1) for arm in self._arms]
        self._outgoing.publish(message)

    def _measure(self, message: Any) -> None:
        now = time.monotonic()
        self._begun = self._begun or now
        if now - self._begun > WARM_UP:
            self.latencies.append(now - message.header.stamp.sec - message.header.stamp.nanosec * 1e-9)
            self.arrivals.append(now)


def late_among(arrivals: Sequence[float], rate: float) -> int:
    """How many messages came late after the one before; times in seconds, rate in Hz."""
    return sum(later - earlier > LATE / rate for earlier, later in pairwise(arrivals))


_HAND = message_type("telesurgery/msg/HandCommand")
_ARM = message_type("telesurgery/msg/ArmServo")


def _stamp(message: Any) -> None:
    message.header.stamp.sec, message.header.stamp.nanosec = divmod(time.monotonic_ns(), 1_000_000_000)


def _topic(place: int) -> str:
    return f"bench/place_{place}"


def measure(
    hops: int, duration: float, environment: dict[str, str], folder: Path, arms: int = 2, rate: float = RATE
) -> dict[str, Any]:
    """``latencies`` of a chain [s], from the first node's sending to the last one's callback; ``late`` messages.

    Raises:
        RuntimeError: nothing arrived.
    """
    result = folder / f"chain.{hops}.json"
    log = folder / "chain.output"
    children = []
    for place in reversed(range(hops + 1)):
        words = [str(word) for word in (os.getpid(), hops, place, duration, arms, rate, result)]
        children.append(Child(f"place {place}", ["-m", "campaign.bench_chain", *words], environment, log))
    try:
        children[0].process.wait(duration + 30.0)
    finally:
        for child in children:
            child.kill()
    found: dict[str, Any] = json.loads(result.read_text(encoding="utf-8")) if result.exists() else {}
    if not found.get("latencies"):
        raise RuntimeError(f"a chain of {hops} hops brought nothing: {log.read_text(encoding='utf-8')[-400:]}")
    return found


def main() -> int:
    """Run one node of the chain; the last one ends after the duration, the others are ended."""
    parent, hops, place, duration, arms, rate, result = sys.argv[1:]
    tie_to_parent(int(parent))
    rclpy.init(args=[])
    node = Link(int(hops), int(place), int(arms), float(rate))
    prefer_this_process(PRIORITY - int(hops) + int(place))
    executor = rclpy.executors.SingleThreadedExecutor()
    executor.add_node(node)
    until = time.monotonic() + float(duration) + WARM_UP
    while int(place) < int(hops) or time.monotonic() < until:
        executor.spin_once(timeout_sec=0.1)
    found = {"latencies": node.latencies, "late": late_among(node.arrivals, float(rate))}
    Path(result).write_text(json.dumps(found), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
