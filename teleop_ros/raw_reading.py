"""Takes messages as they came, without decoding them, at little cost: for a node that hears everything.

An executor that wakes for every message costs more than all that is done with it. Here the middleware gathers messages
in deep histories and the node takes them on a timer; when each arrived the middleware has noted.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rclpy.subscription import Subscription

from teleop_core.contract import Stream
from teleop_ros.adapter import TeleopNode, message_type
from teleop_ros.qos import recording_qos

Take = Callable[[int, bytes, dict[str, int]], None]
"""Takes the key of a subscription, a serialized message, and rclpy's message info."""


class RawReader:
    """Subscriptions of a node that are read by hand.

    Args:
        node: The node.
        take: Called with each message when it is read.
    """

    def __init__(self, node: TeleopNode, take: Take) -> None:
        self._node = node
        self._take = take
        self._subscriptions: list[tuple[int, Subscription]] = []

    def subscribe(self, key: int, row: Stream, topic: str) -> str:
        """Hear a topic of a stream; returns its full name."""
        created = self._node.create_subscription(
            message_type(row.type), topic, _never_called, recording_qos(row), raw=True
        )
        self._node.by_hand.add(created)
        self._subscriptions.append((key, created))
        return str(created.topic_name)

    def read(self) -> None:
        """Take everything that has arrived."""
        for key, subscription in self._subscriptions:
            take_message, kind = subscription.handle.take_message, subscription.msg_type
            while (taken := take_message(kind, True)) is not None:
                self._take(key, *taken)


def _never_called(_message: Any) -> None:
    """What rclpy wants to have; messages are taken by `read`."""
