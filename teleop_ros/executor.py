"""An executor for nodes whose subscriptions and timers do not change after start-up.

rclpy's SingleThreadedExecutor builds its wait set anew for every single callback, from all entities of the node; with
a dozen streams that costs more than the callbacks themselves. This one keeps the wait set and takes everything that is
ready at each wake-up: subscriptions first, so that a timer sees what has arrived. Services, events and whatever else a
node has are left to rclpy's executor, ten times a second.
"""

from __future__ import annotations

import time

from rclpy.executors import SingleThreadedExecutor
from rclpy.impl.implementation_singleton import rclpy_implementation
from rclpy.node import Node

SLOW_PERIOD = 0.1
"""Time between the turns of rclpy's executor [s]."""


class StreamExecutor:
    """Single-threaded executor of one node."""

    def __init__(self, node: Node) -> None:
        """Take the node's subscriptions and timers as they are now."""
        self._subscriptions = list(node.subscriptions)
        self._timers = list(node.timers)
        self._rest = SingleThreadedExecutor(context=node.context)
        self._rest.add_node(node)
        self._node = node
        self._next_turn = 0.0
        self._wait_set = rclpy_implementation.WaitSet(
            len(self._subscriptions), 0, len(self._timers), 0, 0, 0, node.context.handle
        )

    def spin_once(self) -> None:
        """Wait for something to do, at most until the next turn of the rest, and do all of it."""
        now = time.monotonic()
        if now >= self._next_turn:
            self._next_turn = now + SLOW_PERIOD
            self._rest.spin_once(timeout_sec=0.0)
        wait_set = self._wait_set
        wait_set.clear_entities()
        subscriptions = [wait_set.add_subscription(item.handle) for item in self._subscriptions]
        timers = [wait_set.add_timer(item.handle) for item in self._timers]
        wait_set.wait(max(0, int((self._next_turn - now) * 1e9)))
        for index, subscription in zip(subscriptions, self._subscriptions, strict=True):
            if wait_set.is_ready("subscription", index):
                taken = subscription.handle.take_message(subscription.msg_type, subscription.raw)
                if taken is not None:
                    subscription.callback(taken[0])
        for index, timer in zip(timers, self._timers, strict=True):
            if wait_set.is_ready("timer", index) and timer.handle.is_timer_ready():
                timer.handle.call_timer()
                timer.callback()

    def shutdown(self) -> None:
        """Let go of the node."""
        self._rest.remove_node(self._node)
        self._rest.shutdown()
