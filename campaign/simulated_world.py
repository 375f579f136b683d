"""Simulated time: a queue of events, clocks that can be wrong, and topics whose messages take their time.

Everything that happens is an event (time, node, method, payload). A node that hangs is asked nothing until it goes on,
and then hears the newest message of each topic; a node that is dead hears nothing. A world can be copied: the same
past, then a future with a fault and one without.
"""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

EPOCH = 1.7e9
"""Wall clock at the beginning of simulated time [s]."""


@dataclass(frozen=True)
class Route:
    """One subscription.

    Attributes:
        node: Who hears.
        method: What it does with the message.
        delay: Shortest transport [s].
        jitter: Mean of what comes on top [s].
        ordered: A message never overtakes another; without it the newest may come first.
    """

    node: str
    method: str
    delay: float
    jitter: float
    ordered: bool = True


class SimulatedNode:
    """A process with one thread, as far as messages and clocks are concerned.

    Attributes:
        monotonic_offset: Its monotonic clock against the world's [s].
    """

    timers: tuple[tuple[str, float], ...] = ()
    """Method and period [s] of each timer."""
    host = "patient"

    def __init__(self, world: World, name: str) -> None:
        """A node of the world."""
        self.world = world
        self.name = name
        self.monotonic_offset = 0.0
        self.hung = False
        self.dead = False
        self.kept: dict[str, Any] = {}

    def now(self) -> float:
        """Monotonic time of the node [s]."""
        return self.world.now + self.monotonic_offset

    def ros_now(self) -> float:
        """Wall clock of the node's host [s]."""
        return EPOCH + self.world.now + self.world.clock_offset[self.host]

    def failed(self, text: str) -> None:
        """A callback raised: the node's safe output."""

    def handle(self, method: str, payload: Any) -> None:
        """Do what an event asks, as the base of every node does: an exception becomes the safe output."""
        try:
            getattr(self, method)(*payload)
        except Exception as error:  # the border of a node
            self.world.failures.append(f"{self.name}: {type(error).__name__}: {error}")
            self.failed(f"{type(error).__name__}: {error}")


class World:
    """Clock, queue, topics and nodes.

    Attributes:
        now: True time [s].
        clock_offset: Error of each host's wall clock [s].
        publishers: How many nodes speak on each topic, for the census.
        taps: Topic -> what becomes of a message on it: list of (message, further delay [s]); changed by faults.
        failures: Exceptions that nodes have caught.
    """

    def __init__(self, seed: int) -> None:
        """An empty world; `seed` decides every delay."""
        self.now = 0.0
        self.seed = seed
        self.nodes: dict[str, Any] = {}
        self.clock_offset = {"patient": 0.0, "console": 0.0}
        self.publishers: dict[str, int] = {}
        self.taps: dict[str, Callable[[Any], list[tuple[Any, float]]]] = {}
        self.failures: list[str] = []
        self._routes: dict[str, list[Route]] = {}
        self._random: dict[tuple[str, int], random.Random] = {}
        self._newest_delivery: dict[tuple[str, int], float] = {}
        self._queue: list[tuple[float, int, str, str, Any]] = []
        self._count = 0

    def add(self, node: SimulatedNode) -> None:
        """Start a node: its timers run from now on, each with a phase of its own."""
        self.nodes[node.name] = node
        phase = random.Random(f"{self.seed} {node.name}")
        for method, period in node.timers:
            self.at(self.now + phase.uniform(0.1, 1.0) * period, node.name, f"timer {method}", (period,))

    def route(self, topic: str, *routes: Route) -> None:
        """Subscriptions of a topic; one publisher speaks on it."""
        self._routes[topic] = list(routes)
        self.publishers[topic] = 1
        for index in range(len(routes)):
            self._random[topic, index] = random.Random(f"{self.seed} {topic} {index}")

    def at(self, time: float, node: str, method: str, payload: tuple[Any, ...] = ()) -> None:
        """Let a node do something at a time [s]."""
        self._count += 1
        heapq.heappush(self._queue, (time, self._count, node, method, payload))

    def restart(self, name: str) -> None:
        """Start a node again; what that means, a room knows."""
        raise KeyError(name)

    def publish(self, topic: str, *message: Any) -> None:
        """A node speaks: each subscription hears it after its own delay, unless a tap has its way."""
        tap = self.taps.get(topic)
        # Delays are drawn before the tap, so that a lost message changes no other delay.
        delays = [
            route.delay + (self._random[topic, index].expovariate(1.0 / route.jitter) if route.jitter else 0.0)
            for index, route in enumerate(self._routes[topic])
        ]
        for payload, further in [(message, 0.0)] if tap is None else tap(message):
            for index, (route, delay) in enumerate(zip(self._routes[topic], delays, strict=True)):
                self._deliver(topic, index, route, self.now + delay + further, payload)

    def inject(self, topic: str, message: tuple[Any, ...], delay: float = 0.0002) -> None:
        """Somebody else speaks on a topic; heard by all its subscriptions after `delay` [s]."""
        for route in self._routes[topic]:
            self.at(self.now + delay, route.node, route.method, message)

    def call(self, time: float, function: Callable[[], None]) -> None:
        """Do something to the world at a time [s]."""
        self.at(time, "", "", (function,))

    def run_until(self, time: float) -> None:
        """Let everything happen up to a time [s]."""
        queue = self._queue
        while queue and queue[0][0] <= time:
            moment, _count, name, method, payload = heapq.heappop(queue)
            self.now = max(self.now, moment)
            if not name:
                payload[0]()
                continue
            node = self.nodes[name]
            if method.startswith("timer "):
                self.at(moment + payload[0], name, method, payload)
                if not (node.hung or node.dead):
                    node.handle(method[6:], ())
            elif node.hung and not node.dead:
                node.kept[method + str(payload[:1]) if method.startswith("on_arm") else method] = (method, payload)
            elif not node.dead:
                node.handle(method, payload)
        self.now = max(self.now, time)

    def resume(self, name: str) -> None:
        """A node that hung goes on, with the newest message of each topic."""
        node = self.nodes[name]
        node.hung = False
        kept, node.kept = node.kept, {}
        for method, payload in kept.values():
            node.handle(method, payload)

    def _deliver(self, topic: str, index: int, route: Route, time: float, payload: tuple[Any, ...]) -> None:
        if route.ordered:
            newest = self._newest_delivery.get((topic, index), 0.0)
            time = self._newest_delivery[topic, index] = max(time, newest + 1e-6)
        self.at(time, route.node, route.method, payload)
