"""Decision log of a node, where its parameter asks for one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from teleop_core.decision_log import RESERVE, DecisionLog
from teleop_ros.parameters import ParameterError

DECISION_LOG = "file to which every decision is appended, to be decided again from it; empty: none"
"""Meaning of the parameter `decision_log`, the same at every node."""


def decision_log(
    path: str, about: Mapping[str, Any] | None = None, *, needed: bool = True, reserve: int = RESERVE
) -> DecisionLog | None:
    """The decision log of a node.

    Args:
        path: File of the log; empty where nothing is written.
        about: What a replay needs to make the objects again.
        needed: A log that cannot be written is an error, and not only told by its `failure`.
        reserve: Room that is left on the disk [bytes].

    Returns:
        The log; None without a path.

    Raises:
        ParameterError: the log cannot be written.
    """
    if not path:
        return None
    log = DecisionLog(path, about, reserve=reserve)
    if log.failure and needed:
        raise ParameterError(f"parameter decision_log: {log.failure}")
    return log


def watcher(path: str) -> Callable[..., Any]:
    """What makes an object of the core write down its decisions: `watch(name, object, *methods)`.

    Args:
        path: File of the log; empty where nothing is written and the object is used as it is.

    Raises:
        ParameterError: the log cannot be written.
    """
    log = decision_log(path)
    return (lambda _name, core_object, *_methods: core_object) if log is None else log.watch
