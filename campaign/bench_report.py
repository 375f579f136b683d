"""Figures of the benchmark: ratios to bare rclpy of the same run, as JSON, a table, a picture."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from campaign.report import percentiles

REFERENCE_HOPS = 2
"""The motion path has as many: console to kinematics, kinematics to driver."""
FULL, UNRECORDED = "two arms", "two arms, no recorder"
ARMS = {1: "one arm", 2: FULL}


def figures(measured: dict[str, Any]) -> dict[str, Any]:
    """Content of bench.json.

    Args:
        measured: ``chains``: hops -> latencies [s]; ``sessions``: name -> summaries of `telesurgery demo`, one for each
            round; ``stages``: name -> durations [s].
    """
    chains = {str(hops): _spread(values, 1e6) for hops, values in measured["chains"].items()}
    bare = chains[str(REFERENCE_HOPS)]
    sessions = {name: _session(summaries) for name, summaries in measured["sessions"].items()}
    return {
        "bare_chain_us": chains,
        "motion_path_us": sessions[FULL]["motion_us"],
        "motion_ratio": _ratio(sessions[FULL]["motion_us"], bare),
        "stages_us": {name: _spread(values, 1e6) for name, values in measured["stages"].items()},
        "recorder": {
            "cpu": sessions[FULL]["cpu"].get("recorder"),
            "motion_ratio_on_to_off": _ratio(sessions[FULL]["motion_us"], sessions[UNRECORDED]["motion_us"]),
        },
        "by_arms": {
            str(arms): {
                "ratio": _ratio(sessions[name]["motion_us"], bare),
                "cpu": sessions[name]["cpu"],
                "late_fraction": sessions[name]["late_fraction"],
                "accepted_fraction": sessions[name]["accepted_fraction"],
            }
            for arms, name in ARMS.items()
        },
        "sessions": sessions,
    }


def table(result: dict[str, Any]) -> str:
    """The figures for people."""
    lines = [f"{'':34}{'p50':>9}{'p99':>9}{'max':>9}"]
    for hops, spread in result["bare_chain_us"].items():
        lines.append(_row(f"bare rclpy, {hops} hops [us]", spread))
    for name, session in result["sessions"].items():
        lines.append(_row(f"hand to setpoint, {name} [us]", session["motion_us"]))
    for name, spread in result["stages_us"].items():
        lines.append(_row(f"{name} [us]", spread))
    ratio, recorder = result["motion_ratio"], result["recorder"]
    lines.append(f"hand to setpoint / bare rclpy with as many hops: p50 {ratio['p50']:.2f}, p99 {ratio['p99']:.2f}")
    effect = recorder["motion_ratio_on_to_off"]
    lines.append(f"with / without recorder: p50 {effect['p50']:.2f}, p99 {effect['p99']:.2f}")
    for arms, row in result["by_arms"].items():
        total = sum(row["cpu"].values())
        shares = ", ".join(f"{name} {share:.2f}" for name, share in row["cpu"].items())
        lines.append(f"{arms} arms: {total:.2f} cores ({shares}), late periods {row['late_fraction']:.2%}")
    return "\n".join(lines)


def draw(measured: dict[str, Any], path: Path) -> None:
    """Bare chains and the motion path, side by side: medians, 99th percentiles, largest."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    result = figures(measured)
    rows = {f"bare rclpy, {hops} hops": spread for hops, spread in result["bare_chain_us"].items()}
    rows.update({f"suite, {name}": session["motion_us"] for name, session in result["sessions"].items()})
    figure, axis = pyplot.subplots(figsize=(9, 0.9 + 0.45 * len(rows)))
    for place, spread in enumerate(rows.values()):
        colour = "tab:grey" if place < len(result["bare_chain_us"]) else "tab:blue"
        axis.plot([spread["p50"], spread["max"]], [place, place], color=colour, alpha=0.4)
        for kind, mark in (("p50", "o"), ("p99", "|"), ("max", "x")):
            axis.plot(spread[kind], place, mark, color=colour, label=kind if place == 0 else None)
    axis.set_yticks(range(len(rows)), list(rows))
    axis.invert_yaxis()
    axis.set_xscale("log")
    axis.set_xlabel("hand sample to setpoint, and first to last node of a bare chain [us]")
    axis.grid(axis="x", alpha=0.3)
    axis.legend(loc="lower right")
    figure.tight_layout()
    figure.savefig(path, dpi=110)
    pyplot.close(figure)


def _session(summaries: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Sessions of one kind in one row: the median of the rounds, the largest of the largest."""
    latencies = [summary["motion_latency_ms"] for summary in summaries]
    nodes = summaries[0]["cpu"]
    return {
        "motion_us": {
            "p50": round(1e3 * statistics.median(one["p50"] for one in latencies), 1),
            "p99": round(1e3 * statistics.median(one["p99"] for one in latencies), 1),
            "max": round(1e3 * max(one["max"] for one in latencies), 1),
        },
        "cpu": {name: round(statistics.median(one["cpu"][name] for one in summaries), 3) for name in nodes},
        "late_fraction": max(one["servo"]["late_fraction"] for one in summaries),
        "accepted_fraction": min(one["commands"]["accepted"] / one["commands"]["sent"] for one in summaries),
        "holds": sum(len(one["safety"]["transitions"]) for one in summaries),
    }


def _spread(values: Sequence[float], scale: float) -> dict[str, float | None]:
    return percentiles([scale * value for value in values])


def _ratio(spread: dict[str, Any], reference: dict[str, Any]) -> dict[str, float]:
    return {kind: round(spread[kind] / reference[kind], 3) for kind in ("p50", "p99")}


def _row(name: str, spread: dict[str, Any]) -> str:
    return f"{name:34}" + "".join(f"{spread[kind]:>9.1f}" for kind in ("p50", "p99", "max"))
