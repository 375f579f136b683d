"""One session of the benchmark: the nodes of the demo, timed, until the arms follow; then measured, then stopped.

Usage: python -m campaign.bench_session OPTIONS RESULT; OPTIONS is JSON (see Setting), RESULT the file for the result.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import rclpy
from rclpy.executors import SingleThreadedExecutor

from campaign.bench_path import motion_path
from campaign.rig import ROOT
from teleop_cli.domain import claim_free_domain
from teleop_cli.runner import Runner, find_target, session_environment
from teleop_core.contract import INSTRUMENT_ARMS, MASTERS
from teleop_core.graph import SessionOptions, node_graph
from teleop_core.signals import TeleopState
from teleop_ros.adapter import TeleopNode
from teleop_ros.new_record import new_record

START_LIMIT, RECOVERY_LIMIT = 60.0, 20.0
SETTLE = 1.0
SILENCES = 3
SILENCE = 0.2
"""The console's node is frozen for so long [s]."""
PROBED = ("master_input", "kinematics", "driver")


class SessionError(RuntimeError):
    """The session did not come to work; the text says what was waited for."""


@dataclass(frozen=True)
class Setting:
    """What is measured.

    Attributes:
        arms: Arms of the session.
        video: With the pictures of the simulation; without, a stand-in sends a few bytes.
        record: With the recorder.
        rate: Of commands and of the servo loop [Hz].
        duration: Of the measurement [s].
        reactions: Freeze the console and ask for a stop, too.
    """

    arms: tuple[str, ...]
    video: bool = True
    record: bool = True
    rate: float = 200.0
    duration: float = 8.0
    reactions: bool = False

    @property
    def driven(self) -> int:
        """How many arms hands drive at a time."""
        return min(len(MASTERS), len(set(self.arms) & set(INSTRUMENT_ARMS)))


class Observer(TeleopNode):
    """Sees whether the arms follow, and asks for a stop."""

    def __init__(self, arms: tuple[str, ...]) -> None:
        """Hear what is needed."""
        super().__init__("bench_observer")
        self.feedback: Any = None
        self.reports: dict[str, Any] = {}
        self.subscription("feedback", lambda message: setattr(self, "feedback", message))
        for arm in arms:
            self.subscription("servo_report", lambda message, arm=arm: self.reports.update({arm: message}), arm=arm)
        self.stops = self.publisher("protective_stop")
        self.executor_ = SingleThreadedExecutor()
        self.executor_.add_node(self)

    def until(self, condition: Callable[[], bool], limit: float, what: str) -> None:
        """Hear until something is so.

        Raises:
            SessionError: it is not within `limit` [s].
        """
        end = time.monotonic() + limit
        while not condition():
            if time.monotonic() > end:
                raise SessionError(f"not within {limit:g} s: {what}")
            self.executor_.spin_once(timeout_sec=0.05)

    def hear(self, duration: float) -> None:
        """Hear for a while [s]."""
        end = time.monotonic() + duration
        while time.monotonic() < end:
            self.executor_.spin_once(timeout_sec=0.05)

    def following(self) -> int:
        """How many arms follow."""
        arms = () if self.feedback is None else self.feedback.arms
        return sum(arm.teleop_state == TeleopState.FOLLOWING for arm in arms)

    def counted(self) -> tuple[int, int]:
        """Commands applied and late servo periods so far, of all arms."""
        self.hear(0.25)
        reports = self.reports.values()
        return sum(report.applied for report in reports), sum(report.late for report in reports)


def measure(setting: Setting) -> dict[str, Any]:
    """Run the session.

    Raises:
        SessionError: the arms do not come to follow the hands.
    """
    domain, claim, _ = claim_free_domain()
    with claim, tempfile.TemporaryDirectory(prefix="telesurgery-bench-") as place:
        folder = Path(place)
        options = SessionOptions(arms=setting.arms, command_rate=setting.rate, record=setting.record)
        if setting.record:
            options = SessionOptions(
                arms=setting.arms, command_rate=setting.rate, record_folder=new_record("robot", str(folder / "records"))
            )
        os.environ.update(session_environment(domain), BENCH_FOLDER=place)
        os.environ["PYTHONPATH"] = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
        runner = Runner(node_graph(options), folder, os.environ, lambda name: _target(name, setting.video))
        rclpy.init(args=[])
        try:
            runner.start()
            return _observed(setting, runner, Observer(setting.arms), folder)
        finally:
            runner.stop()
            rclpy.try_shutdown()


def _observed(setting: Setting, runner: Runner, observer: Observer, folder: Path) -> dict[str, Any]:
    processes = {child.name: child.process.pid for child in runner.children}

    def follow() -> bool:
        return observer.following() >= setting.driven

    observer.until(follow, START_LIMIT, "the arms follow")
    observer.hear(SETTLE)
    before, begin = observer.counted(), time.monotonic()
    runner.begin_cpu(begin)
    time.sleep(setting.duration)
    end = time.monotonic()
    runner.end_cpu(end)
    after = observer.counted()
    memory = {name: psutil.Process(process).memory_info().rss / 1e6 for name, process in processes.items()}
    stops: dict[str, list[float]] = {"silence": [], "protective_stop": []}
    for _ in range(SILENCES if setting.reactions else 0):
        stops["silence"].append(_frozen(processes["master_input"]))
        observer.hear(2.0 * SETTLE)
        observer.until(follow, RECOVERY_LIMIT, "the arms follow again")
        observer.hear(SETTLE)
    if setting.reactions:
        stops["protective_stop"].append(time.monotonic())
        observer.stops.publish(
            observer.stops.msg_type(header=observer.header(), source="bench", reason="asked for by the benchmark")
        )
        observer.hear(0.3)
    runner.stop()
    seen = {name: json.loads((folder / f"{name}.json").read_text(encoding="utf-8")) for name in PROBED}
    return {
        **motion_path(seen, begin, end),
        "made_up": seen["master_input"]["made_up"],
        "applied": after[0] - before[0],
        "late": after[1] - before[1],
        "cpu": {name: share for name, share in runner.cpu_shares(end).items() if name in processes},
        "rss_mb": memory,
        "stop_reaction": _reactions(stops, seen["driver"], setting.driven),
    }


def _frozen(process: int) -> float:
    """Freeze the console's node for a while; returns when."""
    at = time.monotonic()
    os.kill(process, signal.SIGSTOP)
    time.sleep(SILENCE)
    os.kill(process, signal.SIGCONT)
    return at


def _reactions(stops: dict[str, list[float]], driver: dict[str, Any], driven: int) -> dict[str, list[float]]:
    """From each cause to the last driven arm's hold [s]; of silence, from the last command that was applied."""
    applied = [row[2] for row in driver["rows"]]
    found: dict[str, list[float]] = {}
    for kind, times in stops.items():
        found[kind] = []
        for at in times:
            begin = max((moment for moment in applied if moment <= at + 0.02), default=at) if kind == "silence" else at
            holds = [hold - begin for hold in driver["holds"] if 0.0 <= hold - at <= 0.5]
            found[kind].append(holds[:driven][-1] if holds else float("nan"))
    return found


def _target(executable: str, video: bool) -> str:
    if executable in PROBED:
        return f"campaign.bench_probe:{executable}"
    if executable == "video_relay" and not video:
        return "campaign.bench_probe:endoscope"
    return find_target(executable)


def main() -> int:
    """Run one session; 1 and a line if it does not work."""
    options, result = json.loads(sys.argv[1]), Path(sys.argv[2])
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that every process is ended
    try:
        measured = measure(Setting(**{**options, "arms": tuple(options["arms"])}))
    except (SessionError, OSError, KeyError) as error:
        sys.stderr.write(f"{type(error).__name__}: {error}\n")
        return 1
    result.write_text(json.dumps(measured), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
