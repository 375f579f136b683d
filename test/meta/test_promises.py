"""What the documents promise about the code is true: hazards have tests, tables agree, files stay readable."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path

import pytest

from teleop_core.contract import STREAMS, Intent
from teleop_core.graph import SessionOptions, node_graph

PACKAGES = (
    "teleop_core",
    "teleop_ros",
    "teleop_console",
    "robot_driver",
    "video_relay",
    "safety_monitor",
    "audit",
    "conformance",
    "teleop_cli",
)
LONGEST_FILE = 400


def safety_rows(root: Path) -> list[list[str]]:
    text = (root / "SAFETY.md").read_text(encoding="utf-8")
    rows = [line.strip("| \n").split(" | ") for line in text.splitlines() if line.startswith("| ") and "::" in line]
    assert len(rows) > 15, "the hazard table was not found"
    return rows


def test_every_hazard_names_code_and_a_test_that_exist(root: Path) -> None:
    """Each row's files are there, and the named test function is in the named file."""
    for hazard, _requirement, code, test, _measured in safety_rows(root):
        for path in re.findall(r"`([^`]+)`", code):
            assert (root / path).is_file(), f"{hazard}: {path} does not exist"
        file, function = test.strip("` ").split("::")
        tree = ast.parse((root / file).read_text(encoding="utf-8"))
        names = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
        assert function in names, f"{hazard}: {file} has no test {function}"


def test_every_hazard_has_the_figure_that_was_measured(root: Path) -> None:
    """The last column says what docs/measured.json holds, of faults and files that still exist."""
    pytest.importorskip("rclpy", reason="ROS is not installed here")
    from campaign import core_files, fault_table, hazard_figures, simulated

    measured = json.loads((root / "docs" / "measured.json").read_text(encoding="utf-8"))
    text = (root / "SAFETY.md").read_text(encoding="utf-8")
    assert text == hazard_figures.rewrite(text, measured), "run python -m campaign.hazard_figures"
    known = {*fault_table.FAULTS, *simulated.FAULTS, *core_files.sources(), "soak"}
    names = hazard_figures.names_in(text)
    assert len(names) > len(safety_rows(root))
    assert [name for name in names if name not in known and not (root / name).is_file()] == []


def test_no_figure_of_a_hazard_is_invented() -> None:
    """A name that was not measured is refused; what was missed is told."""
    from campaign.hazard_figures import FigureError, figure

    stop = {"p50": 1.0, "p99": 80.4, "max": 90.0}
    measured = {
        "live": {"kill": {"n": 3, "stop_in_motion_ms": stop}},
        "simulated": {"dead": 40},
        "missed": {"dead": 2},
        "files": {"a.py": [7, 0]},
        "cases": {"test/b.py": 12},
        "soak": {"spurious_holds": 0, "duration_s": 1800.0},
    }
    assert figure(["kill", "dead"], measured) == "3 live + 40 simulated, 2 missed, motion ends p99 80 ms"
    assert figure(["a.py", "test/b.py"], measured) == "7 mutants, 0 survive; 12 cases"
    assert figure(["soak"], measured) == "0 spurious holds in 30 min"
    with pytest.raises(FigureError, match="`invented` was not measured"):
        figure(["kill", "invented"], measured)


def test_no_file_is_longer_than_one_sitting(root: Path) -> None:
    """Python files stay below the ceiling."""
    files = [path for folder in (*PACKAGES, "launch", "test", "environment") for path in (root / folder).rglob("*.py")]
    assert len(files) > 50
    long = {str(path.relative_to(root)): count for path in files if (count := _lines(path)) > LONGEST_FILE}
    assert not long


def test_folders_that_would_shadow_others_have_no_init(root: Path) -> None:
    """An __init__.py in launch/ would hide the ROS package of that name."""
    assert not (root / "launch" / "__init__.py").exists()
    assert not list((root / "test").rglob("__init__.py"))


def test_every_node_of_the_graph_is_installed(root: Path) -> None:
    """The node graph and the manifest name the same executables."""
    manifest = (root / "manifest.txt").read_text(encoding="utf-8")
    installed = {line.split()[1] for line in manifest.splitlines() if line.startswith("node ")}
    assert {node.executable for node in node_graph(SessionOptions())} == installed


def test_every_stream_comes_from_a_node_that_exists() -> None:
    """Sources and sinks of the contract are nodes of the graph, the command line, CRTK clients, the link to come."""
    known = {node.node for node in node_graph(SessionOptions())} | {"any", "client", "link", "telesurgery"}
    for stream in STREAMS.values():
        assert {stream.source, *stream.sinks} <= known, stream.name


def test_commands_are_never_latched() -> None:
    """Nothing that moves an arm is kept for a late joiner."""
    rclpy_qos = pytest.importorskip("rclpy.qos", reason="ROS is not installed here")
    from teleop_ros.qos import publisher_qos, subscription_qos

    for stream in STREAMS.values():
        if stream.intent in (Intent.COMMAND, Intent.SERVO, Intent.PERMIT, Intent.EVENT):
            for profile in (publisher_qos(stream), subscription_qos(stream)):
                assert profile.durability == rclpy_qos.DurabilityPolicy.VOLATILE


def test_every_subscription_of_the_suite_gets_what_it_asks_for() -> None:
    """Offered and requested quality of service fit for every row of the contract."""
    rclpy_qos = pytest.importorskip("rclpy.qos", reason="ROS is not installed here")
    from teleop_ros.qos import publisher_qos, subscription_qos

    for stream in STREAMS.values():
        verdict, reason = rclpy_qos.qos_check_compatible(publisher_qos(stream), subscription_qos(stream))
        assert verdict != rclpy_qos.QoSCompatibility.ERROR, f"{stream.name}: {reason}"


def test_a_crtk_client_connects_to_every_arm_topic() -> None:
    """Clients subscribe and publish reliable and volatile; that must fit everything an arm offers and takes."""
    rclpy_qos = pytest.importorskip("rclpy.qos", reason="ROS is not installed here")
    from teleop_ros.qos import publisher_qos, subscription_qos

    client = rclpy_qos.QoSProfile(depth=10)
    for stream in STREAMS.values():
        if "{arm}" not in stream.topic and "{master}" not in stream.topic:
            continue
        for offered, requested in ((publisher_qos(stream), client), (client, subscription_qos(stream))):
            if stream.intent is Intent.LATCHED_STATE and requested is not client:
                continue
            verdict, reason = rclpy_qos.qos_check_compatible(offered, requested)
            assert verdict != rclpy_qos.QoSCompatibility.ERROR, f"{stream.name}: {reason}"


def test_the_project_names_no_path_of_one_machine(root: Path) -> None:
    """No home folder or workplace stands in the tree."""
    pattern = re.compile(r"/(?:root|home/\w+|work)/")
    texts = [
        path for folder in (*PACKAGES, "launch", "config", "urdf", "environment") for path in (root / folder).rglob("*")
    ]
    for path in [*texts, *root.glob("*.md"), root / "Makefile"]:
        if path.is_file() and path.suffix in (".py", ".md", ".yaml", ".xacro", ".in", ".cmake", ""):
            assert not pattern.search(path.read_text(encoding="utf-8")), path


def _lines(path: Path) -> int:
    return len(path.read_text(encoding="utf-8").splitlines())


def test_the_architecture_shows_the_tables_as_they_are(root: Path) -> None:
    """ARCHITECTURE.md ends with what `telesurgery graph --markdown` prints."""
    import contextlib
    import io

    from teleop_cli.main import main

    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        assert main(["graph", "--markdown"]) == 0
    text = (root / "ARCHITECTURE.md").read_text(encoding="utf-8")
    assert text.endswith(printed.getvalue()), "paste the output of `telesurgery graph --markdown` at the end"
