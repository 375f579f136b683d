"""The runner with real processes: small stand-ins for the nodes, and a session that observes them over DDS."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
import rclpy
from rclpy.context import Context
from rclpy.node import Node

from teleop_cli import domain
from teleop_cli.outputs import HandsError, OutputError, Outputs, hands_to_use
from teleop_cli.runner import Runner, StartError, find_target, session_environment, write_parameters
from teleop_core.graph import NodeSpec, SessionOptions, node_graph

GOOD = """
    import signal, sys, time
    def end(*_):
        print(f"{time.monotonic()} ended", flush=True)
        sys.exit(0)
    signal.signal(signal.SIGTERM, end)
    print("up", sys.argv, flush=True)
    while True:
        time.sleep(0.05)
"""
DEAF = """
    import signal, time
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    print("up", flush=True)
    while True:
        time.sleep(0.05)
"""
CRASHING = """
    print("up", flush=True)
    raise RuntimeError("the motor is on fire")
"""


def until(condition: Callable[[], bool], limit: float = 20.0) -> bool:
    """Wait for a condition; whether it came true."""
    deadline = time.monotonic() + limit
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def is_gone(process: int) -> bool:
    """Whether a process has ended; a zombie whose parent has not looked yet counts as ended."""
    try:
        return bool(psutil.Process(process).status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True


@pytest.fixture
def make_runner(tmp_path: Path) -> Iterator[Callable[..., Runner]]:
    """Makes a runner for scripts by node name; stops it in the end."""
    made: list[Runner] = []

    def make(scripts: dict[str, str], holds_arm: str = "") -> Runner:
        for name, text in scripts.items():
            (tmp_path / name).write_text(textwrap.dedent(text))
        specs = [NodeSpec(name, "robot", {"rate": 1.0}, holds_arm=name == holds_arm) for name in scripts]
        runner = Runner(specs, tmp_path, session_environment(0), target_of=lambda name: str(tmp_path / name))
        made.append(runner)
        return runner

    yield make
    for runner in made:
        for child in runner.children:
            child.process.kill()
            child.process.wait()


def is_up(runner: Runner) -> bool:
    return all("up" in child.log.read_text() for child in runner.children)


def test_the_operator_ends_first_and_what_holds_the_arms_last(make_runner: Callable[..., Runner]) -> None:
    """Hold first: commands stop before anything else, the driver goes when nobody can ask for motion any more."""
    runner = make_runner(dict.fromkeys(("driver", "kinematics", "video_relay", "master_input"), GOOD), "driver")
    runner.start()
    assert until(lambda: is_up(runner))
    runner.stop()
    ended = {child.name: float(child.last_lines()[-1].split()[0]) for child in runner.children}
    order = sorted(ended, key=ended.__getitem__)
    assert order[0] == "master_input"
    assert order[-1] == "driver"
    assert runner.crashed() == []
    assert all(child.process.returncode == 0 for child in runner.children)


def test_a_node_that_does_not_end_is_killed(make_runner: Callable[..., Runner]) -> None:
    """A node that ignores SIGTERM, and one that is stopped by SIGSTOP, do not outlive the session."""
    runner = make_runner({"driver": DEAF, "kinematics": GOOD}, "driver")
    runner.start()
    assert until(lambda: is_up(runner))
    runner.children[1].process.send_signal(signal.SIGSTOP)
    runner.stop()
    assert [child.process.returncode for child in runner.children] == [-signal.SIGKILL, -signal.SIGKILL]


def test_a_crash_is_seen_with_its_last_words(make_runner: Callable[..., Runner]) -> None:
    """Exit code, signal and the last lines of a node that ended unasked can be told."""
    runner = make_runner({"driver": GOOD, "kinematics": CRASHING, "video_relay": GOOD})
    runner.start()
    assert until(lambda: len(runner.crashed()) == 1)
    crashed = runner.crashed()[0]
    assert crashed.name == "kinematics"
    assert crashed.how_it_ended() == "ended with exit code 1"
    assert "RuntimeError: the motor is on fire" in crashed.last_lines()
    runner.children[2].process.kill()
    assert until(lambda: len(runner.crashed()) == 2)
    assert runner.crashed()[1].how_it_ended() == "was ended by SIGKILL"


def test_nothing_outlives_a_killed_runner(tmp_path: Path) -> None:
    """After kill -9 of the session every node ends, also one that ignores SIGTERM."""
    for name, text in {"driver": DEAF, "kinematics": GOOD}.items():
        (tmp_path / name).write_text(textwrap.dedent(text))
    session = tmp_path / "session.py"
    session.write_text(
        textwrap.dedent(f"""
        import os, time
        from pathlib import Path
        from teleop_cli.runner import Runner
        from teleop_core.graph import NodeSpec
        folder = Path({str(tmp_path)!r})
        specs = [NodeSpec(name, "robot") for name in ("driver", "kinematics")]
        runner = Runner(specs, folder, os.environ, target_of=lambda name: str(folder / name))
        runner.start()
        print(*[child.process.pid for child in runner.children], flush=True)
        time.sleep(60)
        """)
    )
    parent = subprocess.Popen([sys.executable, str(session)], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    with parent.stdout:
        children = [int(number) for number in parent.stdout.readline().split()]
        logs = [tmp_path / "log" / f"{name}.log" for name in ("driver", "kinematics")]
        assert until(lambda: all(log.is_file() and "up" in log.read_text() for log in logs))
        parent.kill()
        parent.wait()
        assert len(children) == 2
        assert until(lambda: is_gone(children[1]))
        assert until(lambda: is_gone(children[0]))


def test_the_terminals_interrupt_does_not_reach_the_nodes(make_runner: Callable[..., Runner]) -> None:
    """Every node is in a process group of its own, so Ctrl-C is the session's to act on."""
    runner = make_runner({"driver": GOOD, "kinematics": GOOD})
    runner.start()
    groups = {os.getpgid(child.process.pid) for child in runner.children}
    assert len(groups) == 2
    assert os.getpgrp() not in groups


def test_an_unknown_node_stops_the_start_before_it_begins(tmp_path: Path) -> None:
    """A node that is not installed is named, and nothing was started."""
    runner = Runner([NodeSpec("no_such_node", "robot")], tmp_path, os.environ, target_of=find_target)
    with pytest.raises(StartError, match="no_such_node: not installed"):
        runner.start()
    assert runner.children == []


@pytest.mark.dds
def test_parameters_reach_ros_as_they_are(tmp_path: Path) -> None:
    """The parameter file of the real graph arrives at real nodes, value by value and type by type."""
    specs = node_graph(SessionOptions(hands="a file.csv", command_rate=250.0))
    write_parameters(specs, tmp_path / "parameters.yaml")
    context = Context()
    rclpy.init(args=["--ros-args", "--params-file", str(tmp_path / "parameters.yaml")], context=context, domain_id=93)
    try:
        for spec in specs:
            node = Node(spec.executable, context=context, automatically_declare_parameters_from_overrides=True)
            for name, expected in spec.parameters.items():
                value = node.get_parameter(name).value
                assert (type(value), value) == (type(expected), expected)
            node.destroy_node()
    finally:
        context.shutdown()


def test_a_used_domain_is_passed_over() -> None:
    """A domain whose ports something has, and one that a session claims, are not taken."""
    first, holder, _ = domain.claim_free_domain()
    with holder:
        assert first in domain.claimed_domains()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as foreign:
            blocked = next(number for number in domain.DOMAINS if number > first and not domain.is_in_use(number))
            foreign.bind(("", domain.ports_of(blocked)[-1]))
            assert domain.is_in_use(blocked)
            second, other, taken = domain.claim_free_domain()
            with other:
                assert second not in (first, blocked)
                assert first in taken
    assert first not in domain.claimed_domains()


def test_bad_hands_are_refused_by_name(tmp_path: Path) -> None:
    """A missing, an empty, a garbled, a one-row file and a folder are refused with the path; devices are not files."""
    (tmp_path / "empty.csv").touch()
    (tmp_path / "binary.csv").write_bytes(bytes(range(256)))
    (tmp_path / "short.csv").write_text("1,2,3\n")
    (tmp_path / "one row.csv").write_text(",".join(["0.5"] * 76) + "\n")
    (tmp_path / "nan.csv").write_text((",".join(["0.5"] * 75) + ",nan\n") * 3)
    for name in ("missing.csv", "empty.csv", "binary.csv", "short.csv", "one row.csv", "nan.csv", ""):
        with pytest.raises(HandsError, match=re.escape(str(tmp_path / name))):
            hands_to_use(str(tmp_path / name))
    assert hands_to_use("surgeon") == "surgeon"


def test_outputs_that_cannot_be_written_are_refused_before_anything_starts(tmp_path: Path) -> None:
    """A file where a folder should be, or the other way round, is told by name."""
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="file: cannot be written, it is a file"):
        Outputs(tmp_path / "file", None).prepare()
    with pytest.raises(OutputError, match="it is a folder"):
        Outputs(None, tmp_path).prepare()
    with pytest.raises(OutputError, match="file"):
        Outputs(None, tmp_path / "file" / "summary.json").prepare()


def test_a_failed_output_is_kept_as_a_problem(tmp_path: Path) -> None:
    """What cannot be written is told and does not stop what can."""
    outputs = Outputs(tmp_path, None)
    outputs.prepare()

    def full(path: Path) -> None:
        path.write_text("half")
        raise OSError(28, "No space left on device")

    outputs.write(tmp_path / "a.png", full)
    outputs.write(tmp_path / "b.png", Path.touch)
    assert outputs.problems == [f"{tmp_path / 'a.png'}: not written, No space left on device"]
    assert outputs.written == [str(tmp_path / "b.png")]
    assert not (tmp_path / "a.png").exists()


def test_session_json_names_every_process(make_runner: Callable[..., Runner], tmp_path: Path) -> None:
    """Tools outside find the nodes' processes, the domain and the logs."""
    runner = make_runner({"driver": GOOD, "kinematics": GOOD})
    runner.start()
    outputs = Outputs(tmp_path, None)
    outputs.prepare()
    outputs.write_session(runner, 17)
    content = json.loads((tmp_path / "session.json").read_text())
    assert content["domain"] == 17
    assert content["nodes"] == {child.name: child.process.pid for child in runner.children}
    assert content["pid"] == os.getpid()
    assert Path(content["logs"]).is_dir()
