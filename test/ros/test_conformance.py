"""The conformance check against a server that is right, and against one that is wrong in one way."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("rclpy", reason="ROS is not installed here")

from teleop_cli.main import main

pytestmark = pytest.mark.dds

NOT_OFFERED = {"client_topics", "servo_cr", "interpolate_cp"}
"""What the server of these tests leaves out, as CRTK allows."""
CAUGHT = {
    "best_effort": ("reliable_publishers",),
    "volatile_state": ("state_for_late_clients",),
    "stale_stamps": ("same_clock",),
    "name_order": ("joint_arrays",),
    "degrees": ("kinematic_units",),
    "millimetres": ("kinematic_units",),
    "no_frame": ("frames",),
    "jumps": ("no_jumps",),
    "slow": ("rates",),
    "no_event_on_no_op": ("event_after_command",),
    "stamps_stand": ("events_rise",),
    "wrong_transition": ("transitions",),
    "silent": ("unknown_command", "refuses_wrong_size"),
    "ratio_sticks": ("trajectory_ratio",),
    "half_way": ("servo_jp",),
    "false_velocity": ("joint_velocity",),
    "no_busy_pulse": ("move_of_no_way_is_busy",),
    "bent_moves": ("move_cp_straight",),
    "ignores_hold": ("hold",),
    "obeys_nan": ("refuses_nan",),
    "drifts": ("stop_policy",),
}
"""Fault of the server -> checks that find it."""
ALWAYS = ("best_effort", "no_event_on_no_op", "obeys_nan")
"""Faults of which every run of the tests sees that they are found."""
RUN_WITH = {"stamps_stand": ("event_after_command",)}
"""Checks that bring the fault about."""


@pytest.fixture
def server(root: Path, ros_domain: int) -> Iterator[Callable[[str], None]]:
    """Starts the server with a fault."""
    started: list[subprocess.Popen[bytes]] = []
    environment = {**os.environ, "ROS_DOMAIN_ID": str(ros_domain), "PYTHONPATH": str(root)}

    def start(fault: str) -> None:
        script = root / "test" / "helpers" / "wrong_crtk_server.py"
        started.append(subprocess.Popen([sys.executable, str(script), fault], env=environment))

    yield start
    for process in started:
        process.terminate()
        process.wait(10)


def check(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, dict[str, Any]]:
    """Exit code and JSON of a run."""
    code = main(["conformance", "ARM", "--json", "--wait", "30", *arguments])
    printed = capsys.readouterr()
    assert printed.out, printed.err
    report = json.loads(printed.out)
    assert list(report) == ["arm", "checks", "passed", "failed"]
    assert all(list(row) == ["name", "ok", "detail"] for row in report["checks"])
    return code, report


def outcome(report: dict[str, Any], ok: bool | None) -> dict[str, str]:
    """Names and details of the checks with this outcome."""
    return {row["name"]: row["detail"] for row in report["checks"] if row["ok"] is ok}


@pytest.mark.slow
@pytest.mark.exhaustive  # in every run our own arm passes all checks (test_conformance_of_our_arms.py)
@pytest.mark.timeout(400)
def test_a_server_that_is_right_passes(server: Callable[[str], None], capsys: pytest.CaptureFixture[str]) -> None:
    """Every check is made and passed, but for what the server leaves out; a slow machine is no fault of a server."""
    server("")
    code, report = check(capsys, "--yes", "--unhome", "--min-rate", "2")
    assert outcome(report, False) == {}
    assert code == 0
    assert outcome(report, None).keys() <= NOT_OFFERED
    assert (report["arm"], report["failed"]) == ("ARM", 0)
    assert report["passed"] == len(outcome(report, True))


@pytest.mark.slow
@pytest.mark.timeout(200)
@pytest.mark.parametrize(
    "fault", [fault if fault in ALWAYS else pytest.param(fault, marks=pytest.mark.exhaustive) for fault in CAUGHT]
)
def test_a_fault_is_found(fault: str, server: Callable[[str], None], capsys: pytest.CaptureFixture[str]) -> None:
    """The check that is about the fault fails, and the command ends with 1."""
    server(fault)
    code, report = check(capsys, "--yes", "--only", *CAUGHT[fault], *RUN_WITH.get(fault, ()))
    assert code == 1, report
    assert outcome(report, False).keys() == set(CAUGHT[fault]), report


def test_without_motion_nothing_is_commanded(server: Callable[[str], None], capsys: pytest.CaptureFixture[str]) -> None:
    """Only looking needs no --yes, leaves the arm disabled and says what was not checked."""
    server("")
    code, report = check(capsys, "--no-motion", "--min-rate", "2")
    assert code == 0, outcome(report, False)
    notes = outcome(report, None)
    assert "--no-motion" in notes["servo_jp"]
    assert "--no-motion" in notes["transitions"]
    again = check(capsys, "--no-motion", "--only", "state_for_late_clients")[1]
    assert "DISABLED" in outcome(again, True)["state_for_late_clients"]


def test_motions_need_an_answer(
    server: Callable[[str], None], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a terminal and without --yes the plan is told and nothing is done."""
    server("")
    monkeypatch.setattr(sys, "stdin", io.StringIO("yes"))
    assert main(["conformance", "ARM"]) == 2
    told = capsys.readouterr().err
    assert "0.03 rad" in told
    assert "--yes" in told


@pytest.mark.slow
def test_ctrl_c_ends_it_at_once(root: Path, ros_domain: int, server: Callable[[str], None]) -> None:
    """In the middle of the motions: one line, exit code 130."""
    server("")
    environment = {**os.environ, "ROS_DOMAIN_ID": str(ros_domain), "PYTHONPATH": str(root)}
    command = [sys.executable, "-m", "teleop_cli.main", "conformance", "ARM", "--yes", "--wait", "30"]
    process = subprocess.Popen(command, cwd=root, env=environment, stderr=subprocess.PIPE, text=True)
    time.sleep(15.0)
    process.send_signal(signal.SIGINT)
    _, told = process.communicate(timeout=30)
    assert told.strip() == "telesurgery: interrupted"
    assert process.returncode == 130


def test_an_arm_that_is_not_there(ros_domain: int, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 2 within the limit, and what to do."""
    begun = time.monotonic()
    assert main(["conformance", "NOBODY", "--no-motion", "--wait", "1"]) == 2
    assert main(["conformance", "--no-motion", "--wait", "1"]) == 2
    assert time.monotonic() - begun < 40.0
    told = capsys.readouterr().err
    assert "NOBODY: no such arm" in told
    assert f"no CRTK arm in ROS domain {ros_domain}" in told
    assert told.count("--wait") == 2


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--only", "nothing"), "there is no check nothing"),
        (("--min-rate", "nan"), "--min-rate: nan is not between"),
        (("--wait", "-1"), "--wait: -1 is not between"),
    ],
)
def test_wrong_arguments(arguments: tuple[str, ...], told: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 2 and a line that names the value."""
    assert main(["conformance", *arguments]) == 2
    assert told in capsys.readouterr().err


def test_the_table_of_checks_can_be_read(capsys: pytest.CaptureFixture[str]) -> None:
    """Each row with its contract, source and way of checking."""
    assert main(["conformance", "--list"]) == 0
    table = capsys.readouterr().out
    assert "move_is_busy" in table
    assert "source" in table
