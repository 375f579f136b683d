"""Subscriptions and services of the driver that need not wake it: read by hand, in turns.

With four arms there are more than a hundred of them. In the executor's wait set each would cost every wake-up; to look
whether one has something takes less than a microsecond.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rclpy.service import Service
from rclpy.subscription import Subscription

from teleop_core.contract import ARM_SERVICES
from teleop_ros.adapter import TeleopNode, service_type
from teleop_ros.executor import take

TURNS = 4
"""What is rare is read in every fourth servo period, a quarter of it in each."""
MOST_AT_ONCE = 10
"""Messages of one topic that are taken in one turn, so that nobody can keep the driver from its arms."""


class Inbox:
    """Reads for one node."""

    def __init__(self, node: TeleopNode) -> None:
        """Nothing to read yet."""
        self._node = node
        self._quick: list[Subscription] = []
        self._rare: list[Subscription] = []
        self._services: list[Service] = []
        self._turn = 0

    def hear(self, stream: str, callback: Callable[[Any], None], arm: str, *, quick: bool = False) -> None:
        """Read a stream of an arm: in every servo period if it is `quick`, else in every fourth."""
        subscription = self._node.subscription(stream, callback, arm=arm)
        self._node.by_hand.add(subscription)
        (self._quick if quick else self._rare).append(subscription)

    def answer(self, service: str, callback: Callable[[Any, Any], Any], arm: str) -> None:
        """Answer a service of an arm."""
        row = ARM_SERVICES[service]
        name = row.topic.format(arm=arm)
        self._services.append(self._node.create_service(service_type(row.type), name, self._node.guarded(callback)))

    def read(self) -> None:
        """One servo period: take what has arrived, hand it on, answer."""
        self._turn = (self._turn + 1) % TURNS
        for subscription in self._quick:
            _take(subscription)
        for subscription in self._rare[self._turn :: TURNS]:
            _take(subscription)
        for service in self._services[self._turn :: TURNS]:
            _answer(service)


def _take(subscription: Subscription) -> None:
    for _ in range(MOST_AT_ONCE):
        if not take(subscription):
            return


def _answer(service: Service) -> None:
    request, header = service.handle.service_take_request(service.srv_type.Request)
    if header is None:
        return
    response = service.callback(request, service.srv_type.Response())
    if response is not None:
        service.send_response(response, header)
