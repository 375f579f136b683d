"""The benchmark's figures, its stages, and a short chain of real bare nodes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("rclpy", reason="ROS is not installed here")

from campaign import bench, bench_report, bench_stages


def summary(p50: float, largest: float) -> dict[str, Any]:
    return {
        "motion_latency_ms": {"p50": p50, "p99": 2.0 * p50, "max": largest},
        "cpu": {"driver": 0.25, "recorder": 0.125},
        "servo": {"late_fraction": 0.0},
        "commands": {"sent": 100, "accepted": 99},
        "safety": {"transitions": []},
    }


MEASURED: dict[str, Any] = {
    "chains": {hops: [hops * 0.001] * 100 for hops in bench.HOPS},
    "sessions": {
        "two arms": [summary(3.0, 9.0), summary(4.0, 5.0), summary(90.0, 99.0)],
        "two arms, no recorder": [summary(2.0, 5.0)],
        "one arm": [summary(1.0, 5.0)],
    },
    "stages": {"gate": [1e-5, 2e-5, 3e-5]},
}


def test_ratios_are_of_medians_over_the_rounds() -> None:
    """A round that something disturbed does not decide; the largest value of all is told all the same."""
    result = bench_report.figures(MEASURED)
    assert result["bare_chain_us"]["2"] == {"p50": 2000.0, "p99": 2000.0, "max": 2000.0}
    assert result["motion_path_us"] == {"p50": 4000.0, "p99": 8000.0, "max": 99000.0}
    assert result["motion_ratio"] == {"p50": 2.0, "p99": 4.0}
    assert result["recorder"] == {"cpu": 0.125, "motion_ratio_on_to_off": {"p50": 2.0, "p99": 2.0}}
    assert result["by_arms"]["1"]["ratio"] == {"p50": 0.5, "p99": 1.0}
    assert result["by_arms"]["2"]["accepted_fraction"] == 0.99
    assert result["stages_us"]["gate"]["p50"] == 20.0
    assert "p50 2.00, p99 4.00" in bench_report.table(result)


def test_the_picture_is_drawn(tmp_path: Path) -> None:
    """A PNG with every row."""
    bench_report.draw(MEASURED, tmp_path / "bench.png")
    assert (tmp_path / "bench.png").read_bytes().startswith(b"\x89PNG")


def test_each_stage_does_its_work() -> None:
    """Every step of every stage is measured, the gate lets each command through, and none takes no time."""
    found = bench_stages.measure(50)
    assert {name: len(durations) for name, durations in found.items()} == dict.fromkeys(found, 50)
    assert all(min(durations) > 0.0 for durations in found.values())
    assert all(
        both == pytest.approx(one + other)
        for both, one, other in zip(found["mapping and gate"], found["mapping"], found["gate"], strict=True)
    )


@pytest.mark.dds
@pytest.mark.parametrize("hops", [1, 2, 3])
def test_a_chain_carries_what_the_suite_carries(hops: int, tmp_path: Path) -> None:
    """One packet a period reaches the first node, a command for each arm the ones behind it."""
    latencies = bench._chain(hops, 1.0, tmp_path)
    expected = bench.bench_chain.RATE * (1 if hops == 1 else 2)
    assert 0.3 * expected < len(latencies) < 1.3 * expected
    assert 0.0 < min(latencies) < 1.0
