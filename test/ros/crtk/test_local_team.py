"""The local team takes an arm and lets it go on the command line: nobody else moves it in between."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("rclpy", reason="ROS is not installed here")

from robot_driver.arbitration import Owner

pytestmark = [pytest.mark.dds, pytest.mark.slow]


def test_an_arm_is_taken_and_released_on_the_command_line(theatre: Any, root: Path) -> None:
    """An arm is taken, then released: exit code 0, and the driver's report shows who has the arm."""
    theatre.prepare("PSM1")
    report = theatre.client.hear("servo_report", "PSM1")

    def run(verb: str) -> str:
        command = [sys.executable, "-m", "teleop_cli.main", "arm", verb, "PSM1", "--domain", str(theatre.domain)]
        process = subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, text=True)
        theatre.until(lambda: process.poll() is not None, f"the end of arm {verb}", 40.0)
        assert process.stdout is not None
        with process.stdout:
            said = process.stdout.read()
        assert process.returncode == 0, said
        return said

    assert "the local team has it" in run("take")
    theatre.until(lambda: report[-1].owner == Owner.LOCAL_TEAM.value, "the report says so")
    q = theatre.position("PSM1")
    theatre.warned("PSM1", "the local team", lambda: theatre.say("move_jp", "PSM1", position=q))
    assert "released" in run("release")
    theatre.until(lambda: not report[-1].owner, "nobody has it")
    theatre.move("move_jp", "PSM1", position=q)
