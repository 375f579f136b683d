"""Figures of the benchmark: ratios to bare rclpy of the same run, as JSON, a table, Markdown and a picture."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from campaign.report import percentiles

KINDS = ("p50", "p99", "max")
MAIN = "2 arms"
"""The session beside which the chains of all lengths are measured."""
Spread = dict[str, float]


def figures(measured: dict[str, Any]) -> dict[str, Any]:
    """Content of bench.json.

    Args:
        measured: ``chains``: chain -> results of `campaign.bench_chain`, one for each round; ``sessions``: name ->
            results of `campaign.bench_session`, one for each round; ``beside``: name -> those of the chain right before
            each; ``beside_pictures``: where a session has pictures, the same of the chain beside them; ``stages``:
            name -> durations [s]; ``settings``: name -> what was set.
    """
    settings = measured["settings"]
    alone, sessions = measured["beside"], {}
    for name, results in measured["sessions"].items():
        beside = measured["beside_pictures"].get(name, alone[name])
        sessions[name] = _session(results, alone[name], beside, settings[name])
    main = sessions.get(MAIN) or next(iter(sessions.values()))
    return {
        "bare_chain_us": {
            str(chain.hops): _of_rounds([result["latencies"] for result in results])
            for chain, results in measured["chains"].items()
        },
        "motion_path_us": main["motion_us"],
        "motion_ratio": main["ratio"],
        "motion_ratio_beside_pictures": main["ratio_beside_pictures"],
        "path_us": main["path_us"],
        "made_up_us": main["made_up_us"],
        "stages_us": {name: _spread(values) for name, values in measured["stages"].items()},
        "stop_reaction_ms": _reactions(measured["sessions"]),
        "by_arms": {
            str(len(settings[name].arms)): {key: session[key] for key in ("ratio", "cpu", "rss_mb", "missed")}
            for name, session in sessions.items()
            if name.endswith(("arm", "arms"))
        },
        "sessions": sessions,
    }


def table(result: dict[str, Any]) -> str:
    """The figures for people."""
    lines = [f"{'':46}{'p50':>9}{'p99':>9}{'max':>9}"]
    lines += [_row(f"bare rclpy, {hops} hops [us]", spread) for hops, spread in result["bare_chain_us"].items()]
    for name, session in result["sessions"].items():
        lines.append(_row(f"hand to setpoint, {name} [us]", session["motion_us"]))
    lines += [_row(f"  of which: {name} [us]", spread) for name, spread in result["path_us"].items()]
    lines.append(_row("before it: the built-in surgeon's hands [us]", result["made_up_us"]))
    lines += [_row(f"alone: {name} [us]", spread) for name, spread in result["stages_us"].items()]
    lines += [_row(f"{name} to hold [ms]", spread) for name, spread in result["stop_reaction_ms"].items()]
    lines.append(
        "hand to setpoint / bare rclpy with as many hops, sizes and rate, alone and beside the same pictures; cores; "
        "memory; late periods; bare ones:"
    )
    for name, session in result["sessions"].items():
        ratio, beside, cpu = session["ratio"], session["ratio_beside_pictures"], session["cpu"]
        shares = ", ".join(f"{node} {share:.2f}" for node, share in cpu.items())
        lines.append(
            f"  {name}: p50 {ratio['p50']:.2f}, p99 {ratio['p99']:.2f}, max {ratio['max']:.2f}; "
            f"p50 {beside['p50']:.2f}, p99 {beside['p99']:.2f}, max {beside['max']:.2f}; "
            f"{sum(cpu.values()):.2f} cores ({shares}); {sum(session['rss_mb'].values()):.0f} MB; "
            f"{_late(session)}"
        )
    return "\n".join(lines)


def markdown(result: dict[str, Any]) -> str:
    """The figures for the README."""
    lines = [
        "| session | hand to setpoint p50 / p99 / max | x bare p50 / p99 | x bare beside the same pictures "
        "| CPU [cores] | memory [MB] | late; bare |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, session in result["sessions"].items():
        motion = " / ".join(f"{session['motion_us'][kind] / 1e3:.2f}" for kind in KINDS)
        ratio, beside = (
            " / ".join(f"{session[key][kind]:.2f}" for kind in KINDS[:2]) for key in ("ratio", "ratio_beside_pictures")
        )
        lines.append(
            f"| {name} | {motion} ms | {ratio} | {beside if session['pictures'] else 'none'} | "
            f"{sum(session['cpu'].values()):.2f} | {sum(session['rss_mb'].values()):.0f} | {_late(session)} |"
        )
    return "\n".join(lines) + "\n"


def draw(result: dict[str, Any], path: Path) -> None:
    """Left: bare chains and the motion path side by side. Right: what the motion path is made of."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    rows = {f"bare rclpy, {hops} hops": spread for hops, spread in result["bare_chain_us"].items()}
    for name, session in result["sessions"].items():
        if session["pictures"]:
            rows[f"bare rclpy, beside the pictures of {name}"] = session["bare_beside_pictures_us"]
    bare = len(rows)
    rows.update({f"suite, {name}": session["motion_us"] for name, session in result["sessions"].items()})
    figure, (axis, parts) = pyplot.subplots(
        1, 2, figsize=(12, 1.2 + 0.4 * len(rows)), gridspec_kw={"width_ratios": (2, 1)}
    )
    for place, spread in enumerate(rows.values()):
        colour = "tab:grey" if place < bare else "tab:blue"
        axis.plot([spread["p50"], spread["max"]], [place, place], color=colour, alpha=0.4)
        for kind, mark in (("p50", "o"), ("p99", "|"), ("max", "x")):
            axis.plot(spread[kind], place, mark, color=colour, label=kind if place == 0 else None)
    axis.set_yticks(range(len(rows)), list(rows))
    axis.invert_yaxis()
    axis.set_xscale("log")
    axis.set_xlabel("hand sample to setpoint, and first to last node of a bare chain [us]")
    axis.grid(axis="x", alpha=0.3)
    axis.legend(loc="lower right")
    begin = 0.0
    for name, spread in result["path_us"].items():
        parts.bar(0.0, spread["p50"], bottom=begin)
        parts.text(0.5, begin + 0.5 * spread["p50"], f"{name}: {spread['p50']:.0f}", va="center", fontsize="small")
        begin += spread["p50"]
    parts.set_xticks([])
    parts.set_ylabel("medians of the motion path [us]")
    parts.set_xlim(-0.5, 4.8)
    figure.tight_layout()
    figure.savefig(path, dpi=110)
    pyplot.close(figure)


def _session(
    results: Sequence[dict[str, Any]], alone: Sequence[dict[str, Any]], beside: Sequence[dict[str, Any]], setting: Any
) -> dict[str, Any]:
    """Sessions of one kind in one row: the median of the rounds, the largest of the largest.

    Args:
        results: Of the sessions.
        alone: Of the bare chain right before each.
        beside: Of the bare chain beside the session's pictures; where it has none, the same as `alone`.
        setting: Of the sessions.
    """
    motion, bare = [result["motion"] for result in results], [result["latencies"] for result in alone]
    bare_beside = [result["latencies"] for result in beside]
    ratios, ratios_beside = _ratios(motion, bare), _ratios(motion, bare_beside)
    path = {stage: _of_rounds([result["stages"][stage] for result in results]) for stage in results[0]["stages"]}
    return {
        "motion_us": _of_rounds(motion),
        "bare_us": _of_rounds(bare),
        "bare_beside_pictures_us": _of_rounds(bare_beside),
        "ratio": _medians(ratios, 3),
        "ratio_of_rounds": ratios,
        "ratio_beside_pictures": _medians(ratios_beside, 3),
        "ratio_beside_pictures_of_rounds": ratios_beside,
        "pictures": setting.video,
        "path_us": path,
        "made_up_us": _of_rounds([result["made_up"] for result in results]),
        "cpu": _medians([result["cpu"] for result in results], 3),
        "rss_mb": _medians([result["rss_mb"] for result in results], 1),
        "missed": sum(result["late"] for result in results),
        "applied": sum(result["applied"] for result in results),
        "bare_missed": sum(result["late"] for result in alone),
        "bare_arrived": sum(map(len, bare)),
        "arrived_fraction": round(min(len(result["motion"]) / max(1, result["sent"]) for result in results), 4),
        "arms": list(setting.arms),
        "rate_hz": setting.rate,
    }


def _ratios(motion: Sequence[Sequence[float]], bare: Sequence[Sequence[float]]) -> list[dict[str, float]]:
    """Of each round."""
    return [
        {kind: round(spread[kind] / reference[kind], 3) for kind in KINDS}
        for spread, reference in zip(map(_spread, motion), map(_spread, bare), strict=True)
    ]


def _late(session: dict[str, Any]) -> str:
    """Late periods in ten thousand: of the suite, and of the bare chains beside it."""
    ours, bare = session["missed"] / session["applied"], session["bare_missed"] / session["bare_arrived"]
    return f"{1e4 * ours:.0f}; {1e4 * bare:.0f} in 10,000"


def _reactions(sessions: dict[str, list[dict[str, Any]]]) -> dict[str, Spread]:
    found: dict[str, list[float]] = {}
    for results in sessions.values():
        for result in results:
            for kind, values in result["stop_reaction"].items():
                found.setdefault(kind, []).extend(values)
    return {kind: _spread(values, 1e3) for kind, values in found.items() if values}


def _medians(shares: Sequence[dict[str, float]], digits: int) -> dict[str, float]:
    return {name: round(statistics.median(one[name] for one in shares), digits) for name in shares[0]}


def _of_rounds(rounds: Sequence[Sequence[float]]) -> Spread:
    """Median over the rounds of the median and of the 99th percentile, so that a disturbed round does not decide."""
    spreads = [_spread(values) for values in rounds]
    return {
        "p50": round(statistics.median(spread["p50"] for spread in spreads), 1),
        "p99": round(statistics.median(spread["p99"] for spread in spreads), 1),
        "max": round(max(spread["max"] for spread in spreads), 1),
    }


def _spread(values: Sequence[float], scale: float = 1e6) -> Any:
    return percentiles([scale * value for value in values])


def _row(name: str, spread: Spread) -> str:
    return f"{name:46}" + "".join(f"{spread[kind]:>9.1f}" for kind in KINDS)
