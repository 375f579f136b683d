"""The command a newcomer types, with every node: healthy, killed in mid-motion, interrupted, misused."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from audit.reading import records
from audit.verify import verify

pytestmark = [pytest.mark.dds, pytest.mark.slow, pytest.mark.timeout(180)]

PICTURES = {"hand_and_tool_paths.png", "tracking_and_latency.png", "stereo.png"}


class Demo:
    """A running `telesurgery demo --headless`."""

    def __init__(self, folder: Path, *options: str) -> None:
        self.folder = folder
        self.output = folder.parent / "output.txt"
        environment = {name: value for name, value in os.environ.items() if name != "ROS_DOMAIN_ID"}
        command = [sys.executable, "-m", "teleop_cli.main", "demo", "--headless", "--out", str(folder), *options]
        with self.output.open("wb") as stream:
            self.process = subprocess.Popen(command, stdout=stream, stderr=subprocess.STDOUT, env=environment)

    @property
    def session(self) -> dict[str, Any]:
        """Content of session.json."""
        content: dict[str, Any] = json.loads((self.folder / "session.json").read_text())
        return content

    @property
    def summary(self) -> dict[str, Any]:
        """Content of summary.json."""
        content: dict[str, Any] = json.loads((self.folder / "summary.json").read_text())
        return content

    def says(self, text: str) -> bool:
        """Whether the command has printed the text."""
        return text in self.output.read_text(errors="replace")

    def wait_until_it_measures(self, motion: float = 1.0) -> None:
        """Wait for the arms to follow, and for so long a motion [s]."""
        deadline = time.monotonic() + 60.0
        while not self.says("started in"):
            assert self.process.poll() is None, self.output.read_text()
            assert time.monotonic() < deadline, self.output.read_text()
            time.sleep(0.05)
        time.sleep(motion)

    def kill(self, node: str) -> None:
        """Kill -9 of one node."""
        os.kill(self.session["nodes"][node], signal.SIGKILL)

    def end(self) -> int:
        """Wait for the end; every node must be gone with it."""
        code = self.process.wait(timeout=90)
        for name, process in self.session["nodes"].items():
            assert not psutil.pid_exists(process), f"{name} outlived the demo"
        return code


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[Callable[..., Demo]]:
    """Starts demos; ends what is left of them."""
    started: list[Demo] = []

    def start(*options: str) -> Demo:
        started.append(Demo(tmp_path / "out", *options))
        return started[-1]

    yield start
    for running in started:
        if running.process.poll() is None:
            running.process.kill()
            running.process.wait()


def moves(summary: dict[str, Any]) -> list[tuple[str, str]]:
    """Transitions of the safety monitor after start-up."""
    return [(row["from"], row["to"]) for row in summary["safety"]["transitions"] if row["at_s"] >= 0.0]


def in_order(states: list[str], seen: list[tuple[str, str]]) -> bool:
    """Whether the states were reached one after the other."""
    reached = iter(after for _, after in seen)
    return all(state in reached for state in states)


def test_a_healthy_session(demo: Callable[..., Demo], tmp_path: Path) -> None:
    """Both arms follow the built-in surgeon until Ctrl-C, nearly every command is accepted, all is written, exit 0."""
    running = demo("--summary", str(tmp_path / "s.json"))
    running.wait_until_it_measures(8.0)
    running.process.send_signal(signal.SIGINT)
    assert running.end() == 0, running.output.read_text()
    summary = running.summary
    assert summary["exit"] == {"reason": "ended by Ctrl-C", "code": 0, "crashed": [], "holding": {}}
    assert 7.0 < summary["duration_s"] < 30.0
    assert summary["safety"]["final_state"] == "OPERATING"
    assert summary["commands"]["sent"] > 800
    assert summary["commands"]["accepted"] >= 0.9 * summary["commands"]["sent"]
    for arm in ("PSM1", "PSM2"):
        assert summary["arms"][arm]["following_s"] > 0.5 * summary["duration_s"]
        assert summary["arms"][arm]["path_length_mm"] > 1.0
    assert summary["tracking_error_mm"]["p50"] < 1.0
    assert summary["rcm_deviation_um"]["max"] < 1.0
    assert summary["motion_latency_ms"]["p50"] is not None
    assert summary["video"]["fps"] > 1.0
    assert summary["video"]["renderer"]
    assert set(summary["cpu"]) == {*running.session["nodes"], "telesurgery"}
    assert {path.name for path in running.folder.iterdir()} >= PICTURES
    assert all(Path(path).stat().st_size > 0 for path in summary["outputs"])
    record = summary["record"]
    finding = verify(record["folder"])
    assert (finding.problems, finding.truncated, record["reason"]) == ([], False, "")
    roots = [entry["payload"]["root"] for entry in records(Path(record["folder"])) if entry["type"] == "checkpoint"]
    assert record["root"] == roots[-1]
    assert finding.messages["/teleop/command"]["recorded"] >= 0.98 * summary["commands"]["sent"]
    assert running.says(record["root"][:16])
    assert json.loads((tmp_path / "s.json").read_text())["commands"] == summary["commands"]


def test_a_session_with_all_four_arms(demo: Callable[..., Demo]) -> None:
    """The hands drive PSM1 and PSM2, PSM3 and the camera arm are held, every arm reports, all ends cleanly."""
    running = demo("--arms", "PSM1", "PSM2", "PSM3", "ECM")
    running.wait_until_it_measures(5.0)
    running.process.send_signal(signal.SIGINT)
    assert running.end() == 0, running.output.read_text()
    summary = running.summary
    assert summary["exit"]["crashed"] == []
    assert set(summary["arms"]) == {"PSM1", "PSM2", "PSM3", "ECM"}
    for arm in ("PSM1", "PSM2"):
        assert summary["arms"][arm]["path_length_mm"] > 1.0
    assert summary["safety"]["final_state"] == "OPERATING"


def test_the_console_dies_in_mid_motion(demo: Callable[..., Demo]) -> None:
    """Kill -9 of master_input: the arms hold, the monitor goes to HOLD and to PAUSED, the exit code tells."""
    running = demo()
    running.wait_until_it_measures()
    running.kill("master_input")
    assert running.end() == 1, running.output.read_text()
    summary = running.summary
    assert in_order(["HOLD", "PAUSED"], moves(summary)), summary["safety"]
    assert summary["safety"]["final_state"] == "PAUSED"
    assert summary["exit"]["crashed"] == ["master_input"]
    assert set(summary["exit"]["holding"]) == {"PSM1", "PSM2"}
    assert running.says("master_input was ended by SIGKILL")


def test_the_safety_monitor_dies_in_mid_motion(demo: Callable[..., Demo]) -> None:
    """Kill -9 of safety_monitor: no permit comes, and the driver holds both arms by itself."""
    running = demo()
    running.wait_until_it_measures()
    running.kill("safety_monitor")
    assert running.end() == 1, running.output.read_text()
    summary = running.summary
    assert summary["safety"]["final_state"] == "SILENT"
    assert set(summary["exit"]["holding"]) == {"PSM1", "PSM2"}
    assert all("permit" in reason for reason in summary["exit"]["holding"].values())
    assert summary["exit"]["crashed"] == ["safety_monitor"]


def test_a_terminated_session_ends_in_order(demo: Callable[..., Demo]) -> None:
    """SIGTERM ends every node, leaves a summary, and is told in the exit code."""
    running = demo()
    running.wait_until_it_measures()
    running.process.send_signal(signal.SIGTERM)
    assert running.end() == 143, running.output.read_text()
    assert running.summary["exit"]["code"] == 143
    assert running.summary["duration_s"] > 0.5


@pytest.mark.parametrize("pause", [0.3, 1.3])
def test_an_impatient_second_ctrl_c_changes_nothing(demo: Callable[..., Demo], pause: float) -> None:
    """A second Ctrl-C, while nodes stop or pictures are drawn, costs neither the order nor the summary."""
    running = demo()
    running.wait_until_it_measures()
    running.process.send_signal(signal.SIGINT)
    time.sleep(pause)
    running.process.send_signal(signal.SIGINT)
    assert running.end() == 0, running.output.read_text()
    assert running.summary["exit"]["reason"] == "ended by Ctrl-C"
    assert {path.name for path in running.folder.iterdir()} >= PICTURES


def test_a_killed_session_leaves_no_process(demo: Callable[..., Demo]) -> None:
    """Kill -9 of the command itself ends every node."""
    running = demo()
    running.wait_until_it_measures()
    nodes = running.session["nodes"].values()
    running.process.kill()
    running.process.wait()
    deadline = time.monotonic() + 20.0
    while any(_runs(process) for process in nodes):
        assert time.monotonic() < deadline
        time.sleep(0.1)


def _runs(process: int) -> bool:
    try:
        return bool(psutil.Process(process).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def test_a_protective_stop_from_the_command_line(demo: Callable[..., Demo]) -> None:
    """`telesurgery stop` finds the session by itself and stops it; `status` tells; the demo ends with code 1."""
    running = demo()
    running.wait_until_it_measures()
    domain = str(running.session["domain"])
    stopped = _telesurgery("stop", "--reason", "smoke in the room", "--domain", domain)
    assert (stopped.returncode, "PROTECTIVE_STOP" in stopped.stdout) == (0, True), stopped.stderr
    status = _telesurgery("status", "--domain", domain)
    assert "PROTECTIVE_STOP" in status.stdout
    assert "smoke in the room" in status.stdout
    running.process.send_signal(signal.SIGINT)
    assert running.end() == 1
    assert running.summary["safety"]["final_state"] == "PROTECTIVE_STOP"


def test_a_stop_that_nobody_hears_is_told() -> None:
    """Nobody answers: exit code 1, and what to do instead."""
    stopped = _telesurgery("stop", "--domain", "99")
    assert stopped.returncode == 1
    assert "no safety monitor answers" in stopped.stderr


@pytest.mark.parametrize(
    ("options", "code", "text"),
    [
        (["--hands", "no/such/file.csv"], 2, "no/such/file.csv: no such file"),
        (["--duration", "-3"], 2, "--duration: '-3' is not a positive number of seconds"),
        (["--duration", "soon"], 2, "--duration: 'soon' is not a positive number of seconds"),
        (["--seed", "-1"], 2, "--seed: '-1' is not a whole number from 0"),
        (["--rate", "5000"], 2, "command_rate: 5000.0 is not within 50 to 500 Hz"),
        (["--arms", "PSM1", "PSM1"], 2, "different arms"),
        (["--out", "/dev/null/out"], 4, "/dev/null/out: cannot be written"),
    ],
)
def test_bad_arguments_start_nothing(options: list[str], code: int, text: str) -> None:
    """What cannot work is refused at once, in one line that names it."""
    refused = _telesurgery("demo", "--headless", *options)
    assert refused.returncode == code
    assert len(refused.stderr.splitlines()) == 1
    assert text in refused.stderr
    assert "ROS domain" not in refused.stdout


def test_a_full_disk_is_told_and_the_session_ends_in_order(demo: Callable[..., Demo]) -> None:
    """After --duration a summary cannot be written: one line says so, exit code 4, nothing is left running."""
    running = demo("--duration", "1", "--summary", "/dev/full")
    assert running.end() == 4, running.output.read_text()
    assert running.summary["exit"]["reason"] == "the 1 s are over"
    assert 1.0 <= running.summary["duration_s"] < 10.0
    assert running.says("/dev/full: not written, No space left on device")


def _telesurgery(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "teleop_cli.main", *words], capture_output=True, text=True, timeout=60, check=False
    )
