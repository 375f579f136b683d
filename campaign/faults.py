"""The fault campaign: simulated injections, then live ones; figures to out/faults.json, a picture to out/faults.png.

Usage: python -m campaign.faults [--seed N] [--budget S] [--only NAME] [--live-only] [--fresh]

An interrupted campaign goes on where it was: rows of the same seed are kept. Exit code 1 when a required stop or
refusal was not seen, when one was not explained, or when the arms could not be brought back to follow; 2 for bad
arguments.
"""

from __future__ import annotations

import argparse
import itertools
import json
import signal
import sys
import time
from pathlib import Path
from typing import Any

from campaign import live, results
from campaign.fault_table import FAULTS
from campaign.plan import Planned, make_plan
from campaign.report import draw, failed, summarise, table

OUT = Path("out")
LIVE_ROWS, SIMULATED_ROWS = "faults.live.jsonl", "faults.simulated.jsonl"
SIMULATED = 2100
"""Injections in simulated time."""
SHARE_SIMULATED = 0.2
"""Of the budget, at most."""


def arguments(words: list[str]) -> argparse.Namespace:
    """Options of the command."""
    parser = argparse.ArgumentParser(prog="python -m campaign.faults", description="Break everything, watch the robot.")
    parser.add_argument("--seed", type=int, default=1, help="of the plan (default: 1)")
    parser.add_argument("--budget", type=float, default=float("inf"), metavar="S", help="end after so long [s]")
    parser.add_argument("--only", action="append", choices=sorted(FAULTS), metavar="NAME", help="only this fault, live")
    parser.add_argument("--live-only", action="store_true", help="no simulated injections")
    parser.add_argument("--fresh", action="store_true", help="forget the rows of an earlier run")
    parser.add_argument("--out", type=Path, default=OUT, metavar="DIR", help="where the results go (default: out)")
    return parser.parse_args(words)


def main() -> int:
    """Run the campaign."""
    options = arguments(sys.argv[1:])
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the rig ends its processes
    begin = time.monotonic()
    options.out.mkdir(parents=True, exist_ok=True)
    for name in (LIVE_ROWS, SIMULATED_ROWS) if options.fresh else ():
        (options.out / name).unlink(missing_ok=True)
    rows: list[dict[str, Any]] = []
    if not (options.live_only or options.only):
        rows += _simulated(options, begin)
    rows += _live(options, begin)
    summary = summarise(rows, options.seed)
    (options.out / "faults.json").write_text(json.dumps(summary, indent=1) + "\n", encoding="utf-8")
    draw(rows, options.out / "faults.png")
    print(table(summary))
    for row in summary["failures"]:
        print("FAILED", told(row))
    print(f"written: {options.out / 'faults.json'}, {options.out / 'faults.png'}")
    return 1 if summary["failures"] or not summary["injections"] else 0


def _simulated(options: argparse.Namespace, begin: float) -> list[dict[str, Any]]:
    from campaign import simulated

    path = options.out / SIMULATED_ROWS
    rows = [row for row in results.read(path) if row.get("campaign_seed") == options.seed][:SIMULATED]
    if rows:
        print(f"simulated: {len(rows)} of {SIMULATED} injections from an earlier run")
    else:
        path.unlink(missing_ok=True)
    ends_at = begin + SHARE_SIMULATED * options.budget
    for row in simulated.run(options.seed, SIMULATED, _tell_progress, first=len(rows)):
        rows.append({**row, "campaign_seed": options.seed})
        results.append(path, rows[-1])
        if time.monotonic() > ends_at:
            break
    print(f"simulated: {len(rows)} injections, {sum(map(failed, rows))} failed", flush=True)
    return rows


def _tell_progress(done: int, count: int) -> None:
    if done % 100 == 0 or done == count:
        print(f"simulated: {done} of {count}", flush=True)


def _live(options: argparse.Namespace, begin: float) -> list[dict[str, Any]]:
    faults = {name: row for name, row in FAULTS.items() if not options.only or name in options.only}
    plan = make_plan(options.seed, faults, at_least=0) if options.only else make_plan(options.seed, faults)
    path = options.out / LIVE_ROWS
    rows = results.done(results.read(path), plan, options.seed)
    finished = {(row["number"], row["fault"], row["phase"]) for row in rows}
    left = [planned for planned in plan if planned.key not in finished]
    if rows:
        print(f"live: {len(rows)} of {len(plan)} injections from an earlier run")
    counter = itertools.count(len(rows) + 1)
    for row in _run(left, options.seed, begin + options.budget):
        results.append(path, row)
        rows.append(row)
        print(f"[{next(counter)}/{len(plan)}] {told(row)}", flush=True)
    return rows


def _run(left: list[Planned], seed: int, ends_at: float) -> Any:
    return live.run(left, seed, lambda row: print(row["text"], flush=True), ends_at)


def told(row: dict[str, Any]) -> str:
    """A row in one line."""
    marks = [name for name in ("undetected", "unexplained") if row[name]]
    if not row.get("recovered", True):
        marks.append(f"not recovered: {row['recovery']}")
    times = ", ".join(
        f"{word} {row[kind]:.0f} ms"
        for word, kind in (("detected", "detect_ms"), ("stopped", "stop_ms"))
        if row[kind] is not None
    )
    verdict = "ok" if not marks else "; ".join(marks).upper()
    return f"{row['fault']} in {row['phase']}: {verdict}; {times or 'no stop'}; {row['explanation']}"


if __name__ == "__main__":
    sys.exit(main())
