"""What the processes of a running session really open is what the access policy grants them, no less and no more."""

from __future__ import annotations

import gc
import importlib.util
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

rclpy = pytest.importorskip("rclpy", reason="ROS is not installed here")

from teleop_cli.access_policy import STATE_PUBLISHER, Access, policy  # noqa: E402
from teleop_cli.observer_node import ObserverNode  # noqa: E402
from teleop_cli.operate_node import OperateNode  # noqa: E402
from teleop_cli.recorder import SessionRecorder  # noqa: E402
from teleop_cli.runner import Runner, session_environment  # noqa: E402
from teleop_core.contract import DEFAULT_ARMS  # noqa: E402
from teleop_core.graph import SessionOptions, enclave, node_graph  # noqa: E402

pytestmark = [pytest.mark.dds, pytest.mark.slow]
LIMIT = 60.0
OPTIONAL = set() if importlib.util.find_spec("tf2_msgs") else {"/tf"}
"""Not opened where the messages of tf2 are not installed."""
WANTED = {access.node: access for access in policy(arms=DEFAULT_ARMS) if access.node != STATE_PUBLISHER}


@dataclass(frozen=True)
class Session:
    """What a running session shows: what every process has opened, and the enclave of every node."""

    opened: dict[str, Access]
    enclaves: dict[str, str]


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory, ros_domain_of_module: int) -> Iterator[Session]:
    """A session once every process has opened what it is granted."""
    domain = ros_domain_of_module
    folder = tmp_path_factory.mktemp("session")
    other_site = [spec for spec in node_graph(SessionOptions(side="console")) if spec.records]
    runner = Runner([*node_graph(SessionOptions()), *other_site], folder, {**os.environ, **session_environment(domain)})
    rclpy.init(domain_id=domain)
    nodes = [ObserverNode(SessionRecorder(DEFAULT_ARMS, created=0.0)), OperateNode()]
    for arm in DEFAULT_ARMS:
        nodes[1].watch_arm(arm)
    try:
        runner.start()
        deadline = time.monotonic() + LIMIT
        found: dict[str, Access] = {}
        while _lacking(found):
            assert time.monotonic() < deadline, _lacking(found)
            assert not runner.crashed(), [child.last_lines() for child in runner.crashed()]
            time.sleep(0.5)
            found = {name: seen for name in WANTED if (seen := _opened_by(nodes[0], name)) is not None}
        yield Session(found, {name: path for name, _, path in nodes[0].get_node_names_and_namespaces_with_enclaves()})
    finally:
        runner.stop()
        while nodes:
            nodes.pop().destroy_node()
        gc.collect()  # the executor of a node must go before what it was made in
        rclpy.try_shutdown()


def _opened_by(watcher: rclpy.node.Node, name: str) -> Access | None:
    """What a node has opened; None as long as it is not there."""
    try:
        return Access(
            name,
            *(
                tuple(sorted(topic for topic, _ in listed(name, "/")))
                for listed in (
                    watcher.get_publisher_names_and_types_by_node,
                    watcher.get_subscriber_names_and_types_by_node,
                    watcher.get_service_names_and_types_by_node,
                    watcher.get_client_names_and_types_by_node,
                )
            ),
        )
    except rclpy._rclpy_pybind11.NodeNameNonExistentError:
        return None


def _lacking(found: dict[str, Access]) -> set[str]:
    """What is granted and not opened."""
    lacking = set()
    for node, access in WANTED.items():
        for right in ("publish", "subscribe", "reply", "request"):
            seen = set(getattr(found[node], right)) if node in found else set()
            lacking |= {f"{node}: {right} {name}" for name in set(getattr(access, right)) - seen - OPTIONAL}
    return lacking


def test_every_process_opens_what_the_policy_grants_and_nothing_else(session: Session) -> None:
    """For every node: topics published and heard, services answered and asked are those of its enclave."""
    beyond = {
        f"{node}: {right} {name}"
        for node, access in session.opened.items()
        for right in ("publish", "subscribe", "reply", "request")
        for name in set(getattr(access, right)) - set(getattr(WANTED[node], right))
    }
    assert not beyond


def test_every_node_runs_in_its_enclave(session: Session) -> None:
    """The runner starts each node in the enclave that the policy is written for."""
    for spec in node_graph(SessionOptions()):
        assert session.enclaves[spec.node] == enclave(spec.node)
