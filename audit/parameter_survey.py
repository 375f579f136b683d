"""Asks the nodes of the suite for their parameters, so that the record says with which values a session ran."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rcl_interfaces.srv import GetParameters, ListParameters
from rclpy.parameter import parameter_value_to_python

from teleop_ros.adapter import TeleopNode


class ParameterSurvey:
    """Questions under way, and answers.

    Args:
        node: Asks.
        names: Nodes that are asked.
    """

    def __init__(self, node: TeleopNode, names: Sequence[str]) -> None:
        self._node = node
        self._listing = {name: node.create_client(ListParameters, f"{name}/list_parameters") for name in names}
        self._getting = {name: node.create_client(GetParameters, f"{name}/get_parameters") for name in names}
        self._asked: set[str] = set()
        self._answers: dict[str, dict[str, Any]] = {}

    def step(self, present: set[str]) -> dict[str, dict[str, Any]]:
        """Ask who is new; returns what was answered since the last call, by node.

        Args:
            present: Names of the nodes in the ROS graph.
        """
        self._asked &= present
        for name, client in self._listing.items():
            if name in present - self._asked and client.service_is_ready():
                self._asked.add(name)
                self._ask(name)
        answers, self._answers = self._answers, {}
        return answers

    def _ask(self, name: str) -> None:
        def listed(future: Any) -> None:
            names = list(future.result().result.names)
            asked = self._getting[name].call_async(GetParameters.Request(names=names))
            asked.add_done_callback(self._node.guarded(lambda answer: answered(names, answer)))

        def answered(names: list[str], future: Any) -> None:
            values = map(parameter_value_to_python, future.result().values)
            self._answers[name] = dict(zip(names, values, strict=False))

        asked = self._listing[name].call_async(ListParameters.Request())
        asked.add_done_callback(self._node.guarded(listed))
