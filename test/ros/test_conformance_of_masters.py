"""The conformance check against the masters of this suite: hands without motors, from the node of the console."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("rclpy", reason="ROS is not installed here")

from teleop_cli.main import main

pytestmark = [pytest.mark.dds, pytest.mark.slow]

PASSED = {
    "topics", "client_topics", "types", "reliable_publishers", "command_subscriptions", "one_server",
    "state_for_late_clients", "stamps_rise", "finite", "frames", "quaternions", "gets_ready", "transitions",
    "event_after_command", "unknown_command", "homing", "stays_ready", "events_rise",
}  # fmt: skip


@pytest.fixture
def console(root: Path, ros_domain: int) -> Iterator[None]:
    environment = {**os.environ, "ROS_DOMAIN_ID": str(ros_domain), "PYTHONPATH": str(root)}
    process = subprocess.Popen([sys.executable, "-m", "teleop_console.master_input_node"], cwd=root, env=environment)
    yield
    process.terminate()
    process.wait(20)


@pytest.mark.timeout(200)
def test_our_masters_pass_all_that_a_hand_without_motors_can(console: None, capsys: pytest.CaptureFixture[str]) -> None:
    """Names, types, stamps, frames and states are checked; motions are left out, and that is told."""
    code = main(["conformance", "MTMR", "--yes", "--json", "--wait", "60"])
    printed = capsys.readouterr()
    assert printed.out, printed.err
    report = json.loads(printed.out)
    outcome = {row["name"]: row["ok"] for row in report["checks"]}
    assert (code, [name for name, ok in outcome.items() if ok is False]) == (0, [])
    assert {name for name, ok in outcome.items() if ok} >= PASSED
    assert "hand without motors" in next(row["detail"] for row in report["checks"] if row["name"] == "hand")
    assert not {"servo_jp", "move_cp", "refuses_nan", "stop_policy"} & set(outcome)
