"""How fast is the suite, beside bare rclpy on the same machine in the same minutes? Ratios, as machines differ.

Usage: python -m campaign.bench [--budget S] [--out DIR] [--only NAME ...]

Takes turns between chains of bare rclpy nodes and sessions of the suite: one arm, two and the full cart, with and
without pictures and recorder, at several rates. Where a session has pictures a second chain runs beside the same
pictures: what they cost everybody on the machine is told apart from what the suite costs. Writes out/bench.json,
out/bench.md and out/bench.png, and prints a table. Run it on an otherwise idle machine.
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
from contextlib import nullcontext
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from campaign import bench_chain, bench_stages
from campaign.bench_pictures import pictures
from campaign.bench_report import draw, figures, markdown, table
from campaign.bench_session import Setting
from campaign.rig import ROOT
from teleop_cli.domain import claim_free_domain
from teleop_cli.runner import session_environment
from teleop_core.contract import CAMERA_ARM, DEFAULT_ARMS, INSTRUMENT_ARMS

ROUNDS = 3
FULL_CART = (*INSTRUMENT_ARMS, CAMERA_ARM)
SETTINGS: dict[str, Setting] = {
    "2 arms": Setting(DEFAULT_ARMS, reactions=True),
    "4 arms": Setting(FULL_CART, reactions=True),
    "4 arms, no recorder": Setting(FULL_CART, record=False),
    "1 arm": Setting(DEFAULT_ARMS[:1]),
    "2 arms, no pictures": Setting(DEFAULT_ARMS, video=False),
    "4 arms, no pictures": Setting(FULL_CART, video=False),
    "1 arm, no pictures": Setting(DEFAULT_ARMS[:1], video=False),
    "2 arms, 100 Hz": Setting(DEFAULT_ARMS, rate=100.0),
    "2 arms, 500 Hz": Setting(DEFAULT_ARMS, rate=500.0),
}
"""What is measured; right before each, a chain of bare nodes carries the same sizes at the same rate."""
HOPS = (1, 2, 3)
REFERENCE_HOPS = 2
"""The motion path has as many: console to kinematics, kinematics to driver."""
OVERHEAD, OVERHEAD_OF_REACTIONS, OVERHEAD_OF_A_CHAIN, OVERHEAD_OF_PICTURES = 11.0, 12.0, 2.5, 6.0
"""Start and end, beside the measurement [s]."""
LEAST, MOST = 4.0, 12.0
"""Length of a measurement [s]; a chain takes half of it."""
ATTEMPTS = 2


class BenchError(RuntimeError):
    """A measurement could not be made; the text says which and what it said."""


@dataclass(frozen=True)
class Chain:
    """A chain of bare nodes: hops, arms in each message, rate [Hz]."""

    hops: int
    arms: int
    rate: float


def reference(setting: Setting) -> Chain:
    """The chain beside which a session is seen."""
    return Chain(REFERENCE_HOPS, setting.driven, setting.rate)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark; 1 if a measurement could not be made, 2 for bad arguments."""
    options = _parser().parse_args(arguments)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that every process is ended
    settings = {name: setting for name, setting in SETTINGS.items() if not options.only or name in options.only}
    rounds, duration = plan(options.budget, settings)
    try:
        measured = measure(settings, rounds, duration)
    except (BenchError, RuntimeError) as error:
        sys.stderr.write(f"bench: {error}\n")
        return 1
    result = {**figures(measured), "duration_s": duration, "rounds": rounds, "cores": os.cpu_count()}
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "bench.json").write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    (options.out / "bench.md").write_text(markdown(result), encoding="utf-8")
    draw(result, options.out / "bench.png")
    print(table(result))
    print(f"written: {options.out}/bench.json, bench.md, bench.png")
    return 0


def plan(budget: float | None, settings: dict[str, Setting]) -> tuple[int, float]:
    """Rounds, and the length of each measurement [s], for a budget [s]."""
    if budget is None:
        return ROUNDS, MOST
    with_pictures = sum(setting.video for setting in settings.values())
    chains = len(settings) + with_pictures + len(_chains(settings))
    shares = len(settings) + chains / 2.0
    overhead = sum(OVERHEAD + OVERHEAD_OF_REACTIONS * setting.reactions for setting in settings.values())
    overhead += OVERHEAD_OF_A_CHAIN * chains + OVERHEAD_OF_PICTURES * with_pictures
    rounds = max(1, min(ROUNDS, int(budget // (overhead + shares * LEAST))))
    return rounds, min(MOST, max(LEAST, (budget / rounds - overhead) / shares))


def measure(settings: dict[str, Setting], rounds: int, duration: float) -> dict[str, Any]:
    """Everything, in turns: what slows the machine for a while slows all of it."""
    chains: dict[Chain, list[dict[str, Any]]] = {chain: [] for chain in _chains(settings)}
    beside: dict[str, list[dict[str, Any]]] = {name: [] for name in settings}
    beside_pictures: dict[str, list[dict[str, Any]]] = {name: [] for name, setting in settings.items() if setting.video}
    sessions: dict[str, list[dict[str, Any]]] = {name: [] for name in settings}
    _say("stages, one arm")
    stages = bench_stages.measure()
    with tempfile.TemporaryDirectory(prefix="telesurgery-bench-") as folder:
        for turn in range(1, rounds + 1):
            for chain, found in chains.items():
                found.append(_chain(chain, turn, duration, Path(folder)))
            for name, setting in settings.items():
                beside[name].append(_chain(reference(setting), turn, duration, Path(folder)))
                if setting.video:
                    beside_pictures[name].append(_chain(reference(setting), turn, duration, Path(folder), setting.arms))
                _say(f"round {turn}: {name}")
                sessions[name].append(_session(name, replace(setting, duration=duration), Path(folder)))
    return {
        "chains": chains,
        "beside": beside,
        "beside_pictures": beside_pictures,
        "sessions": sessions,
        "stages": stages,
        "settings": settings,
    }


def _chains(settings: dict[str, Setting]) -> list[Chain]:
    """Chains of all lengths, for the first setting."""
    first = next(iter(settings.values()))
    return [Chain(hops, first.driven, first.rate) for hops in HOPS]


def _chain(chain: Chain, turn: int, duration: float, folder: Path, seen: Sequence[str] = ()) -> dict[str, Any]:
    """Result of a chain of bare nodes; where arms are to be seen, beside pictures of them."""
    among = " beside pictures" if seen else ""
    _say(f"round {turn}: bare rclpy, {chain.hops} hops, {chain.arms} arms, {chain.rate:g} Hz{among}")
    domain, claim, _ = claim_free_domain()
    with claim:
        environment = session_environment(domain)
        environment["PYTHONPATH"] = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
        with pictures(seen, environment, folder) if seen else nullcontext():
            return bench_chain.measure(chain.hops, duration / 2.0, environment, folder, chain.arms, chain.rate)


def _session(name: str, setting: Setting, folder: Path) -> dict[str, Any]:
    """Result of one session.

    Raises:
        BenchError: it did not work, twice.
    """
    result = folder / "session.json"
    command = [sys.executable, "-m", "campaign.bench_session", json.dumps(asdict(setting)), str(result)]
    for _ in range(ATTEMPTS):
        result.unlink(missing_ok=True)
        with subprocess.Popen(
            command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        ) as process:
            try:
                _, said = process.communicate(timeout=setting.duration + 200.0)
            except BaseException:
                process.terminate()
                raise
        if process.returncode == 0 and result.exists():
            found: dict[str, Any] = json.loads(result.read_text(encoding="utf-8"))
            return found
        _say(f"{name}: {said[-200:].strip()}")
    raise BenchError(f"{name}: no session worked: {said[-400:]}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m campaign.bench", description="How fast, beside bare rclpy?")
    parser.add_argument("--budget", type=float, metavar="S", help="take about so long [s] (default: 21 minutes)")
    parser.add_argument("--out", type=Path, default=Path("out"), metavar="DIR", help="where the results go")
    parser.add_argument("--only", nargs="+", choices=SETTINGS, metavar="NAME", help="only these settings")
    return parser


def _say(text: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {text}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
