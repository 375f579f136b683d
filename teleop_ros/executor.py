"""An executor for nodes whose subscriptions and timers do not change after start-up.

rclpy's SingleThreadedExecutor wakes up and builds its wait set anew for every single message; with a dozen streams that
costs more than the callbacks themselves. This one keeps its wait set and distinguishes two kinds of subscriptions:

- awaited: a message wakes the node, and its callback runs at once (commands, stops);
- polled: the newest message is taken just before the node's timers run (states, permits, images), as only they use it.

Services, events and whatever else a node has are left to rclpy's executor. It takes milliseconds to look for them, so
it is called only when something has come, and that is looked for four times a second, after the timers: there a node
of the control loop has the longest time until the next command.

Nobody keeps the timers from running: before them at most as many messages of a stream are taken as its queue holds, and
one of an awaited stream. Whatever raises here means the node's safe output, and the node lives on.
"""

from __future__ import annotations

import time
from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from rclpy.executors import SingleThreadedExecutor
from rclpy.impl.implementation_singleton import rclpy_implementation
from rclpy.node import Node
from rclpy.subscription import Subscription
from rclpy.timer import Timer

if TYPE_CHECKING:
    from teleop_ros.adapter import TeleopNode

SLOW_PERIOD = 0.25
"""Time between the looks for what is left to rclpy's executor [s]."""


class StreamExecutor:
    """Single-threaded executor of one node."""

    def __init__(
        self, node: TeleopNode, awaited: Collection[Subscription], by_hand: Collection[Subscription] = frozenset()
    ) -> None:
        """Take the node's subscriptions and timers as they are now.

        Args:
            node: The node, wired up.
            awaited: Subscriptions whose messages wake it; the others are polled.
            by_hand: Subscriptions that the node reads by itself.
        """
        self._awaited = [item for item in node.subscriptions if item in awaited]
        self._polled = [item for item in node.subscriptions if item not in awaited and item not in by_hand]
        self._timers = list(node.timers)
        self._rest = _Rest(node)
        self._take, self._take_waiting = node.guarded(take), node.guarded(take_waiting)
        self._turn_rest = node.guarded(self._rest.turn)
        self._next_turn = 0.0
        self._wait_set = rclpy_implementation.WaitSet(
            len(self._awaited), 0, len(self._timers), 0, 0, 0, node.context.handle
        )

    def spin_once(self) -> None:
        """Wait for something to do, at most until the next turn of the rest, and do all of it."""
        wait_set = self._wait_set
        wait_set.clear_entities()
        awaited = [wait_set.add_subscription(item.handle) for item in self._awaited]
        timers = [wait_set.add_timer(item.handle) for item in self._timers]
        wait_set.wait(max(0, int((self._next_turn - time.monotonic()) * 1e9)))
        heard = [
            item for index, item in zip(awaited, self._awaited, strict=True) if wait_set.is_ready("subscription", index)
        ]
        for subscription in heard:
            self._take(subscription)
        ready = [
            timer
            for index, timer in zip(timers, self._timers, strict=True)
            if wait_set.is_ready("timer", index) and timer.handle.is_timer_ready()
        ]
        if ready:
            for subscription in self._polled:
                self._take_waiting(subscription)
        for timer in ready:
            timer.handle.call_timer()
            timer.callback()
        if (ready or not heard) and time.monotonic() >= self._next_turn:
            self._next_turn = time.monotonic() + SLOW_PERIOD
            self._turn_rest()

    def shutdown(self) -> None:
        """Let go of the node."""
        self._rest.shutdown()


class _Rest:
    """Services and events of a node, for rclpy's executor."""

    def __init__(self, node: Node) -> None:
        self._services, self._waitables = list(node.services), list(node.waitables)
        events = sum(item.get_num_entities().num_events for item in self._waitables)
        self._wait_set = rclpy_implementation.WaitSet(0, 0, 0, 0, len(self._services), events, node.context.handle)
        self._executor = _RestExecutor(context=node.context)
        self._executor.add_node(node)
        self._node = node

    def turn(self) -> None:
        """Have one thing done that has come, if anything has."""
        wait_set = self._wait_set
        wait_set.clear_entities()
        services = [wait_set.add_service(item.handle) for item in self._services]
        for item in self._waitables:
            item.add_to_wait_set(wait_set)
        wait_set.wait(0)
        asked = any(wait_set.is_ready("service", index) for index in services)
        asks = any(True for _ in self._node.clients)  # which are made and dropped at any time
        if asked or asks or any(item.is_ready(wait_set) for item in self._waitables):
            self._executor.spin_once(timeout_sec=0.0)

    def shutdown(self) -> None:
        """Let go of the node."""
        self._executor.remove_node(self._node)
        self._executor.shutdown()


class _RestExecutor(SingleThreadedExecutor):
    """Services and events only: it runs one callback a turn, and streams would stand in line before them."""

    def can_execute(self, entity: Any) -> bool:
        """Leave subscriptions and timers to StreamExecutor."""
        return not isinstance(entity, (Subscription, Timer)) and super().can_execute(entity)


def take(subscription: Subscription) -> bool:
    """Hand one message to its callback; False if there is none."""
    taken = subscription.handle.take_message(subscription.msg_type, subscription.raw)
    if taken is None:
        return False
    subscription.callback(taken[0])
    return True


def take_waiting(subscription: Subscription) -> None:
    """Hand the messages that wait to their callback: no more than its queue holds, however fast others follow."""
    for _ in range(max(1, subscription.qos_profile.depth)):
        if not take(subscription):
            return
