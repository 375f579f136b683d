"""Healthy operation of the whole suite, for long, with every core kept busy: nothing may be held, missed, or grow.

Usage: python -m campaign.soak [--duration S] [--budget S] [--out FILE]

Starts what `telesurgery demo` starts, with the built-in surgeon, and writes out/soak.json. Exit code 1 when the arms
were let go without a reason that somebody gave, when a permit was missed, or when a node ended.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import psutil

from campaign.processes import Child, busy
from campaign.rig import ROOT
from campaign.soak_figures import SoakWatch, growth
from teleop_cli.domain import claim_free_domain
from teleop_cli.runner import Runner, session_environment
from teleop_core.graph import SessionOptions, node_graph

DURATION = 1800.0
START_LIMIT = 60.0
LOOK_EVERY = 2.0
TELL_EVERY = 30.0


def arguments(words: list[str]) -> argparse.Namespace:
    """Options of the command."""
    parser = argparse.ArgumentParser(prog="python -m campaign.soak", description=__doc__.partition("\n")[0])
    parser.add_argument("--duration", type=float, default=DURATION, metavar="S", help="default: 1800")
    parser.add_argument("--budget", type=float, metavar="S", help="the same, no longer than this")
    parser.add_argument("--out", type=Path, default=Path("out/soak.json"), metavar="FILE")
    options = parser.parse_args(words)
    options.duration = min(options.duration, options.budget or options.duration)
    return options


def main() -> int:
    """Run the soak."""
    options = arguments(sys.argv[1:])
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that every process is ended
    result = soak(options.duration)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    for name in ("duration_s", "load", "spurious_holds", "permits_missed", "rss_growth_fraction", "ended"):
        print(f"{name}: {result[name]}")
    for hold in result["holds"]:
        print("HELD", hold)
    print(f"written: {options.out}")
    return 1 if result["spurious_holds"] or result["permits_missed"] or result["ended"] else 0


def soak(duration: float) -> dict[str, Any]:
    """Operate for `duration` [s] and say what happened."""
    domain, claim, _ = claim_free_domain()
    environment = session_environment(domain)
    environment["PYTHONPATH"] = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    watch = SoakWatch()
    with claim, tempfile.TemporaryDirectory(prefix="telesurgery-soak-") as folder:
        environment["ROS_LOG_DIR"] = folder
        runner = Runner(node_graph(SessionOptions(record_folder=f"{folder}/record")), Path(folder), environment)
        log = Path(folder) / "campaign.output"
        others = [Child("observer", ["-m", "campaign.observer", str(os.getpid())], environment, log, watch.add)]
        try:
            runner.start()
            _await_start(runner, watch)
            others += busy(os.cpu_count() or 1, environment, log)
            measured = _operate(runner, watch, duration)
        finally:
            watch.end()
            for child in others[1:]:
                child.kill()
            runner.stop()
            others[0].kill()
    return measured


def _await_start(runner: Runner, watch: SoakWatch) -> None:
    begin = time.monotonic()
    while watch.began is None:
        if runner.crashed() or time.monotonic() - begin > START_LIMIT:
            said = {child.name: child.last_lines()[-3:] for child in runner.children}
            raise RuntimeError(f"the arms do not follow within {START_LIMIT} s: {said}")
        time.sleep(0.05)


def _operate(runner: Runner, watch: SoakWatch, duration: float) -> dict[str, Any]:
    processes = {child.name: psutil.Process(child.process.pid) for child in runner.children}
    memory: dict[str, list[float]] = {name: [] for name in processes}
    begin = time.monotonic()
    told, cpu = begin, []
    psutil.cpu_percent()
    while (now := time.monotonic()) - begin < duration and not runner.crashed():
        for name, process in processes.items():
            memory[name].append(float(process.memory_info().rss))
        if now - told >= TELL_EVERY:
            told = now
            counts = f"{len(watch.holds)} holds, {_missed(watch)} permits missed"
            print(f"{now - begin:.0f} of {duration:.0f} s: {counts}", flush=True)
        time.sleep(min(LOOK_EVERY, max(0.0, begin + duration - now)))
        cpu.append(psutil.cpu_percent())
    grown = {name: round(growth(samples), 4) for name, samples in memory.items()}
    return {
        "duration_s": round(time.monotonic() - begin, 1),
        "load": {
            "cores": os.cpu_count(),
            "busy_processes": os.cpu_count(),
            "cpu_percent_mean": round(sum(cpu) / max(1, len(cpu)), 1),
            "load_average": [round(value, 2) for value in os.getloadavg()],
        },
        "spurious_holds": len(watch.holds),
        "permits_missed": _missed(watch),
        "permits_late": watch.permits_late,
        "permits_left_out": watch.permits_left_out,
        "observer_late": watch.observer_late,
        "rss_growth_fraction": max(grown.values()),
        "rss_growth_by_node": grown,
        "rss_mb": {name: round(samples[-1] / 1e6, 1) for name, samples in memory.items() if samples},
        "alarms": watch.alarms,
        "holds": watch.holds,
        "ended": [f"{child.name} {child.how_it_ended()}" for child in runner.crashed()],
    }


def _missed(watch: SoakWatch) -> int:
    return watch.permits_late + watch.permits_left_out


if __name__ == "__main__":
    sys.exit(main())
