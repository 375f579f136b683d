"""The shipped launch file: its arguments, its nodes, and, where ROS's own launch is here, a real start."""

from __future__ import annotations

import ast
import importlib.util
import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from audit.verify import verify
from teleop_core.graph import SessionOptions, node_graph

LAUNCH_FILE = Path(__file__).resolve().parents[2] / "launch" / "teleop.launch.py"
ARGUMENTS = {
    "side", "sim", "remote", "control", "arms", "profile", "keys", "hands", "record", "records", "case",
    "namespace", "rviz", "log_level",
}  # fmt: skip
REMOTE = {"true": "", "false": "/robot1"}
HAS_LAUNCH = importlib.util.find_spec("launch_ros") is not None
needs_launch = pytest.mark.skipif(
    not HAS_LAUNCH, reason="launch_ros is not installed: it is not on PyPI, only with ROS"
)


def has_executables() -> bool:
    """Whether the suite is installed where launch_ros looks for its executables."""
    prefixes = filter(None, os.environ.get("AMENT_PREFIX_PATH", "").split(os.pathsep))
    return any((Path(prefix) / "lib" / "telesurgery" / "driver").is_file() for prefix in prefixes)


def calls(name: str) -> list[ast.Call]:
    """Calls of a function by its name in the launch file."""
    tree = ast.parse(LAUNCH_FILE.read_text())
    found = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    return [call for call in found if isinstance(call.func, ast.Name) and call.func.id == name]


def test_every_argument_is_described_and_has_a_default() -> None:
    """The arguments of the launch file are the promised ones, each with a default and a sentence."""
    declared = {}
    for call in calls("DeclareLaunchArgument"):
        assert isinstance(call.args[0], ast.Constant)
        declared[call.args[0].value] = {keyword.arg for keyword in call.keywords}
    assert set(declared) == ARGUMENTS
    assert all({"default_value", "description"} <= keywords for keywords in declared.values())
    free = {name for name, keywords in declared.items() if "choices" not in keywords}
    assert free == {"arms", "case", "hands", "keys", "namespace", "profile", "records", "remote"}


def test_nodes_come_from_the_one_graph_and_never_start_again() -> None:
    """The launch file names no executable of the suite, so it cannot differ from the graph, and nothing respawns."""
    text = LAUNCH_FILE.read_text()
    assert len(calls("node_graph")) == 1
    constants = {node.value for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Constant)}
    assert not constants & {spec.executable for spec in node_graph(SessionOptions())}
    assert not any(keyword.arg == "respawn" for call in calls("Node") for keyword in call.keywords)


def test_the_folder_does_not_hide_the_ros_package() -> None:
    """A launch/__init__.py would stand in front of the package `launch` of ROS."""
    assert not (LAUNCH_FILE.parent / "__init__.py").exists()


@pytest.mark.parametrize(
    ("side", "expected"), [("console", {"master_input", "recorder"}), ("robot", None), ("both", None)]
)
def test_each_side_starts_its_own_nodes(side: str, expected: set[str] | None) -> None:
    """The graph that the launch file reads gives the console its own and leaves the rest to the robot."""
    started = {spec.executable for spec in node_graph(SessionOptions(side=side))}
    everything = {spec.executable for spec in node_graph(SessionOptions())}
    assert started == (expected or (everything - {"master_input"} if side == "robot" else everything))


def described(**chosen: str) -> Any:
    """What the launch file describes for these arguments."""
    from launch import LaunchContext

    specification = importlib.util.spec_from_file_location("teleop_launch", LAUNCH_FILE)
    assert specification is not None
    assert specification.loader is not None
    module: Any = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    context = LaunchContext()
    defaults = {"side": "both", "sim": "true", "profile": "lan", "keys": "", "hands": "surgeon", "rviz": "false"}
    defaults |= {"record": "false", "records": "", "case": ""}
    context.launch_configurations.update({**defaults, "namespace": "", **chosen})
    return module.session(context)


@needs_launch
@pytest.mark.parametrize("chosen", [{"profile": "moon"}, {"profile": "clinical"}])
def test_a_profile_that_cannot_be_used_ends_the_launch(chosen: dict[str, str]) -> None:
    """No node is described: an unknown profile, and a patient's without keys, are refused first."""
    with pytest.raises(ValueError, match=chosen["profile"]):
        described(**chosen)


@needs_launch
@pytest.mark.parametrize("side", ["robot", "console", "both"])
@pytest.mark.parametrize("sim", ["true", "false"])
def test_the_description_is_the_graph(side: str, sim: str) -> None:
    """Side and sim give exactly the graph's nodes, in its order."""
    from launch.actions import GroupAction
    from launch_ros.actions import Node

    (group,) = described(side=side, sim=sim, remote=REMOTE[sim])
    assert isinstance(group, GroupAction)
    nodes = [action for action in group.get_sub_entities() if isinstance(action, Node)]
    executables = [node.node_executable for node in nodes if node.node_package == "telesurgery"]
    options = SessionOptions(side=side, sim=sim == "true", remote=REMOTE[sim], record=False)
    assert executables == [spec.executable for spec in node_graph(options)]


@needs_launch
@pytest.mark.skipif(HAS_LAUNCH and not has_executables(), reason="the suite is not installed by colcon")
@pytest.mark.dds
@pytest.mark.slow
def test_the_shipped_launch_file_runs(tmp_path: Path) -> None:
    """Started by ROS's own launch in a namespace, the robot operates and is recorded; Ctrl-C ends every node.

    Ctrl-C is given as a terminal gives it, to every process, so each node hears of it twice: launch passes it on too.
    """
    from rclpy.context import Context
    from rclpy.executors import SingleThreadedExecutor
    from rclpy.node import Node
    from telesurgery.msg import SafetyState

    environment = {
        **os.environ,
        "ROS_DOMAIN_ID": "94",
        "ROS_LOG_DIR": str(tmp_path / "log"),
    }
    script = textwrap.dedent(f"""
        import sys
        from launch import LaunchDescription, LaunchService
        from launch.actions import IncludeLaunchDescription
        from launch.launch_description_sources import PythonLaunchDescriptionSource
        source = PythonLaunchDescriptionSource({str(LAUNCH_FILE)!r})
        arguments = {{"side": "both", "namespace": "theatre", "records": {str(tmp_path)!r}, "case": "7"}}.items()
        service = LaunchService()
        service.include_launch_description(
            LaunchDescription([IncludeLaunchDescription(source, launch_arguments=arguments)])
        )
        sys.exit(service.run())
    """)
    output = tmp_path / "output.txt"
    with output.open("wb") as stream:
        launched = subprocess.Popen(
            [sys.executable, "-c", script],
            env=environment,
            stdout=stream,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    context = Context()
    context.init(domain_id=94)
    node = Node("watcher", context=context)
    executor = SingleThreadedExecutor(context=context)
    executor.add_node(node)
    states: set[int] = set()
    node.create_subscription(SafetyState, "/theatre/safety/state", lambda message: states.add(message.state), 10)
    try:
        assert _until(executor, lambda: SafetyState.OPERATING in states or launched.poll() is not None, 60.0)
        assert launched.poll() is None, output.read_text()
        os.killpg(launched.pid, signal.SIGINT)
        assert launched.wait(timeout=30) == 0, output.read_text()
        said = output.read_text()
        assert said.count("process has finished cleanly") == len(node_graph(SessionOptions())), said
        assert "SIGTERM" not in said
        assert "SIGKILL" not in said
        (session,) = tmp_path.glob("*/session.json")
        assert json.loads(session.read_text())["case"] == "7"
        finding = verify(session.parent)
        assert finding.ok, finding.problems
        assert not finding.truncated
    finally:
        if launched.poll() is None:
            launched.send_signal(signal.SIGINT)
            launched.wait(timeout=30)
        node.destroy_node()
        context.shutdown()


def _until(executor: Any, condition: Callable[[], bool], limit: float) -> bool:
    deadline = time.monotonic() + limit
    while not condition():
        if time.monotonic() > deadline:
            return False
        executor.spin_once(timeout_sec=0.1)
    return True
