"""How fast is the suite, beside bare rclpy on the same machine in the same minutes? Ratios, as machines differ.

Usage: python -m campaign.bench [--budget S] [--out DIR]

Takes turns between chains of bare rclpy nodes and sessions of `telesurgery demo` (one arm and two, with and without the
recorder), writes out/bench.json and out/bench.png, and prints a table. Run it on an otherwise idle machine.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from campaign import bench_chain, bench_stages
from campaign.bench_report import draw, figures, table
from campaign.rig import ROOT
from teleop_cli.domain import claim_free_domain
from teleop_cli.runner import session_environment

ROUNDS = 3
SESSIONS: dict[str, list[str]] = {
    "two arms": [],
    "two arms, no recorder": ["--no-record"],
    "one arm": ["--arms", "PSM1"],
}
HOPS = (1, 2, 3)
OVERHEAD = 8.0
"""Start and end of a session [s]."""
LEAST, MOST = 4.0, 20.0
"""Length of a measurement [s]."""


class BenchError(RuntimeError):
    """A measurement could not be made; the text says which and what it said."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark; 1 if a measurement could not be made, 2 for bad arguments."""
    options = _parser().parse_args(arguments)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that every process is ended
    duration = _duration(options.budget)
    try:
        measured = measure(duration)
    except (BenchError, RuntimeError) as error:
        sys.stderr.write(f"bench: {error}\n")
        return 1
    result = {**figures(measured), "duration_s": duration, "rounds": ROUNDS, "cores": os.cpu_count()}
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "bench.json").write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    draw(measured, options.out / "bench.png")
    print(table(result))
    print(f"written: {options.out / 'bench.json'}, {options.out / 'bench.png'}")
    return 0


def measure(duration: float) -> dict[str, Any]:
    """Everything, in turns: what slows the machine for a while slows all of it."""
    chains: dict[int, list[float]] = {hops: [] for hops in HOPS}
    sessions: dict[str, list[dict[str, Any]]] = {name: [] for name in SESSIONS}
    _say("stages, one arm")
    stages = bench_stages.measure()
    with tempfile.TemporaryDirectory(prefix="telesurgery-bench-") as folder:
        for turn in range(ROUNDS):
            for hops in HOPS:
                _say(f"round {turn + 1} of {ROUNDS}: bare rclpy, {hops} hops")
                chains[hops] += _chain(hops, duration / 2.0, Path(folder))
            for name, options in SESSIONS.items():
                _say(f"round {turn + 1} of {ROUNDS}: {name}")
                sessions[name].append(_session(name, options, duration, Path(folder)))
    return {"chains": chains, "sessions": sessions, "stages": stages}


def _chain(hops: int, duration: float, folder: Path) -> list[float]:
    domain, claim, _ = claim_free_domain()
    with claim:
        environment = session_environment(domain)
        environment["PYTHONPATH"] = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
        return bench_chain.measure(hops, duration, environment, folder)


def _session(name: str, options: list[str], duration: float, folder: Path) -> dict[str, Any]:
    """Summary of one session.

    Raises:
        BenchError: it did not end well.
    """
    summary = folder / "summary.json"
    summary.unlink(missing_ok=True)
    command = [sys.executable, "-m", "teleop_cli.main", "demo", "--headless", "--duration", f"{duration:g}"]
    command += ["--summary", str(summary), *options]
    environment = {**os.environ, "TELESURGERY_RECORDS": str(folder / "records")}
    with subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        try:
            said, _ = process.communicate(timeout=duration + 90.0)
        except BaseException:
            process.terminate()
            raise
    if process.returncode or not summary.exists():
        raise BenchError(f"{name}: the session ended with {process.returncode}: {said[-400:]}")
    result: dict[str, Any] = json.loads(summary.read_text(encoding="utf-8"))
    return result


def _duration(budget: float | None) -> float:
    """Length of each session [s]; a chain takes half of it."""
    if budget is None:
        return MOST
    shares = ROUNDS * (len(SESSIONS) + len(HOPS) / 2.0)
    overhead = ROUNDS * (len(SESSIONS) * OVERHEAD + len(HOPS) * 2.0)
    return min(MOST, max(LEAST, (budget - overhead) / shares))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m campaign.bench", description="How fast, beside bare rclpy?")
    parser.add_argument("--budget", type=float, metavar="S", help="take about so long [s] (default: five minutes)")
    parser.add_argument("--out", type=Path, default=Path("out"), metavar="DIR", help="where the results go")
    return parser


def _say(text: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {text}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
