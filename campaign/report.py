"""What a campaign found: figures as JSON, a table, and a picture of the latencies."""

from __future__ import annotations

import math
import os
import platform
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

Row = dict[str, Any]
KINDS = ("detect_ms", "stop_ms")


def percentiles(values: Sequence[float]) -> dict[str, float | None]:
    """Median, 99th percentile (nearest rank) and largest value; None where there is none."""
    ordered = sorted(values)
    if not ordered:
        return {"p50": None, "p99": None, "max": None}

    def rank(share: float) -> float:
        return round(ordered[max(0, math.ceil(share * len(ordered)) - 1)], 2)

    return {"p50": rank(0.5), "p99": rank(0.99), "max": round(ordered[-1], 2)}


def summarise(rows: Iterable[Row], seed: int) -> dict[str, Any]:
    """The content of faults.json."""
    every = list(rows)
    live = [row for row in every if row.get("live")]
    return {
        "injections": len(every),
        "live": len(live),
        "simulated": len(every) - len(live),
        "undetected": sum(row["undetected"] for row in every),
        "unexplained": sum(row["unexplained"] for row in every),
        "unrecovered": sum(not row.get("recovered", True) for row in every),
        "wild": sum(bool(row.get("wild")) for row in live),
        "seed": seed,
        "by_fault": _by(live, "fault"),
        "by_phase": _by(live, "phase"),
        "by_fault_simulated": _by([row for row in every if not row.get("live")], "fault"),
        "recovery_ms": percentiles([row["recover_ms"] for row in live if row.get("recover_ms") is not None]),
        "failures": [row for row in every if failed(row)],
        "machine": {"cores": os.cpu_count(), "system": platform.platform(), "python": platform.python_version()},
    }


def failed(row: Row) -> bool:
    """The row is not as it should be."""
    return bool(row["undetected"] or row["unexplained"] or not row.get("recovered", True))


def _by(rows: list[Row], field: str) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for name in sorted({row[field] for row in rows}):
        of_it = [row for row in rows if row[field] == name]
        found[name] = {"n": len(of_it)}
        for kind in KINDS:
            found[name][kind] = percentiles([row[kind] for row in of_it if row[kind] is not None])
        # Arms that stand when the fault strikes have stopped at once; how long a motion goes on is told apart.
        moving = [row["stop_ms"] for row in of_it if row["phase"] == "motion" and row["stop_ms"] is not None]
        found[name]["stop_in_motion_ms"] = percentiles(moving)
    return found


def table(summary: dict[str, Any]) -> str:
    """The figures of the live injections, a line for each fault, for people; stops in phase "motion" only."""
    lines = [f"{'fault':28}{'n':>5}   {'detected [ms] p50/p99/max':>28}   {'motion ends [ms] p50/p99/max':>28}"]
    for name, figures in summary["by_fault"].items():
        kinds = ("detect_ms", "stop_in_motion_ms")
        cells = ["/".join(_cell(figures[kind][part]) for part in ("p50", "p99", "max")) for kind in kinds]
        lines.append(f"{name:28}{figures['n']:>5}   {cells[0]:>28}   {cells[1]:>28}")
    lines.append(
        f"{summary['injections']} injections ({summary['live']} live, {summary['simulated']} simulated): "
        f"{summary['undetected']} undetected, {summary['unexplained']} unexplained, "
        f"{summary['unrecovered']} not recovered"
    )
    return "\n".join(lines)


def _cell(value: float | None) -> str:
    return "-" if value is None else f"{value:.0f}"


def draw(rows: Iterable[Row], path: Path) -> None:
    """Detection and stop latency of every live injection, by fault; the median is marked."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    live = [row for row in rows if row.get("live")]
    names = sorted({row["fault"] for row in live}, reverse=True)
    figure, axes = pyplot.subplots(1, 2, figsize=(12, 1.5 + 0.2 * len(names)), sharey=True)
    titles = ("first related sign by the suite [ms]", "last motion of the robot [ms]")
    for axis, kind, title in zip(axes, KINDS, titles, strict=True):
        for place, name in enumerate(names):
            values = sorted(row[kind] for row in live if row["fault"] == name and row[kind] is not None)
            axis.plot(values, [place] * len(values), ".", color="tab:blue", alpha=0.5, markersize=5)
            if values:
                axis.plot([values[(len(values) - 1) // 2]], [place], "|", color="black", markersize=9)
        axis.set_xscale("symlog", linthresh=10.0)
        axis.set_xlim(left=-1.0)
        axis.set_title(title)
        axis.grid(axis="x", alpha=0.3)
    axes[0].set_yticks(range(len(names)), names, fontsize=7)
    axes[0].set_ylim(-1.0, len(names))
    figure.tight_layout()
    figure.savefig(path, dpi=110)
    pyplot.close(figure)
