"""Asks every node for its parameters, so that the record says with which values a session ran."""

from __future__ import annotations

from typing import Any

from rcl_interfaces.srv import GetParameters, ListParameters
from rclpy.client import Client
from rclpy.parameter import parameter_value_to_python

from teleop_ros.adapter import TeleopNode


class ParameterSurvey:
    """Questions under way, and answers.

    Args:
        node: Asks.
    """

    def __init__(self, node: TeleopNode) -> None:
        self._node = node
        self._asked: dict[str, list[Client]] = {}
        self._answers: dict[str, dict[str, Any]] = {}

    def step(self, present: set[str]) -> dict[str, dict[str, Any]]:
        """Ask who has not been asked yet; returns what was answered since the last call, by node.

        Args:
            present: Full names of the nodes in the ROS graph.
        """
        for gone in self._asked.keys() - present:
            self._let_go(gone)
            del self._asked[gone]
        for name in sorted(present - self._asked.keys()):
            self._ask(name)
        answers, self._answers = self._answers, {}
        return answers

    def _ask(self, name: str) -> None:
        listing = self._node.create_client(ListParameters, f"{name}/list_parameters")
        if not listing.service_is_ready():
            self._node.destroy_client(listing)  # asked again in the next step
            return
        getting = self._node.create_client(GetParameters, f"{name}/get_parameters")
        self._asked[name] = [listing, getting]

        def listed(future: Any) -> None:
            names = list(future.result().result.names)
            asked = getting.call_async(GetParameters.Request(names=names))
            asked.add_done_callback(self._node.guarded(lambda answer: answered(names, answer)))

        def answered(names: list[str], future: Any) -> None:
            values = map(parameter_value_to_python, future.result().values)
            self._answers[name] = dict(zip(names, values, strict=False))
            self._let_go(name)

        listing.call_async(ListParameters.Request()).add_done_callback(self._node.guarded(listed))

    def _let_go(self, name: str) -> None:
        clients, self._asked[name] = self._asked[name], []
        for client in clients:
            self._node.destroy_client(client)
