"""What becomes of the rows of a campaign: plan, resumption, figures, picture, exit code."""

from __future__ import annotations

import json
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from campaign import faults, results
from campaign.fault_table import CAMERA, FAULTS, PHASES, STANDING
from campaign.plan import make_plan
from campaign.report import draw, failed, percentiles, summarise, table


def row(number: int = 0, **changes: Any) -> dict[str, Any]:
    """A live row that is as it should be."""
    good = {
        "live": True, "seed": 7, "number": number, "fault": "kill_driver", "phase": "motion",
        "detect_ms": 100.0 + number, "stop_ms": 50.0, "undetected": False, "unexplained": False,
        "explanation": "alarm DRIVER_LATE", "wild": "",
        "recovered": True, "recover_ms": 900, "recovery": "start driver",
    }  # fmt: skip
    return {**good, **changes}


def test_percentiles_are_values_that_were_seen() -> None:
    """Nearest rank; none where there is nothing."""
    assert percentiles([float(value) for value in range(1, 101)]) == {"p50": 50.0, "p99": 99.0, "max": 100.0}
    assert percentiles([3.0]) == {"p50": 3.0, "p99": 3.0, "max": 3.0}
    assert percentiles([]) == {"p50": None, "p99": None, "max": None}


def test_the_summary_counts_every_kind_of_failure() -> None:
    """Undetected, unexplained and not recovered are three figures; simulated rows count too."""
    rows = [row(number) for number in range(5)]
    rows += [row(5, undetected=True), row(6, unexplained=True), row(7, recovered=False), row(8, wild="wild: 9 rad/s")]
    rows.append({"fault": "x", "phase": "rest", "seed": 7, "detect_ms": None, "stop_ms": 1.0, "undetected": True,
                 "unexplained": False, "explanation": ""})  # fmt: skip
    summary = summarise(rows, 7)
    assert (summary["injections"], summary["live"], summary["simulated"]) == (10, 9, 1)
    assert (summary["undetected"], summary["unexplained"], summary["unrecovered"]) == (2, 1, 1)
    assert len(summary["failures"]) == 4
    assert summary["by_fault"]["kill_driver"]["n"] == 9
    assert summary["by_fault"]["kill_driver"]["detect_ms"]["max"] == 108.0
    assert json.loads(json.dumps(summary)) == summary
    assert "2 undetected, 1 unexplained, 1 not recovered" in table(summary)


def test_a_picture_is_drawn(tmp_path: Path) -> None:
    """Also where a fault has no latency at all."""
    draw([row(1), row(2, fault="no_fault", detect_ms=None, stop_ms=None)], tmp_path / "faults.png")
    assert (tmp_path / "faults.png").stat().st_size > 1000


def test_the_plan_follows_from_the_seed() -> None:
    """Every fault in every phase three times, at least 400 in all; another seed is another order."""
    plan = make_plan(1, FAULTS)
    assert plan == make_plan(1, FAULTS)
    assert plan != make_plan(2, FAULTS)
    assert len(plan) >= 400
    times = Counter((planned.fault, planned.phase) for planned in plan)
    assert set(times) == {(name, phase) for name, fault in FAULTS.items() for phase in fault.phases}
    assert min(times.values()) >= 3


def test_the_rows_of_the_table_are_well_formed() -> None:
    """Known phases, limits in order, and whatever may stop the arms has something that explains it."""
    for name, fault in FAULTS.items():
        assert name == fault.name
        assert fault.phases
        assert set(fault.phases) <= {*PHASES, CAMERA, STANDING}
        assert 0.0 < fault.within <= 2.0
        assert fault.explains or name in ("no_fault", "kill_local_team", "freeze_local_team")


def test_an_interrupted_campaign_is_resumed(tmp_path: Path) -> None:
    """Rows of the same seed and plan are kept; those of another one, and a line that was cut off, are not."""
    plan = make_plan(7, {"kill_driver": FAULTS["kill_driver"]}, each=1, at_least=0)
    path = tmp_path / "rows.jsonl"
    for planned in plan[:2]:
        results.append(path, row(planned.number, phase=planned.phase))
    results.append(path, row(plan[2].number, phase=plan[2].phase, seed=8))
    results.append(path, row(99))
    with path.open("a") as file:
        file.write('{"live": tr')
    kept = results.done(results.read(path), plan, 7)
    assert [kept_row["number"] for kept_row in kept] == [planned.number for planned in plan[:2]]
    assert results.read(tmp_path / "none.jsonl") == []


@pytest.mark.parametrize("change", [{}, {"undetected": True}, {"unexplained": True}, {"recovered": False}])
def test_the_exit_code_tells(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: dict[str, Any]) -> None:
    """1 for any failure, 0 for none; an earlier run counts, and nothing is injected twice."""
    plan = make_plan(7, {"kill_driver": FAULTS["kill_driver"]}, at_least=0)
    for planned in plan:
        results.append(tmp_path / faults.LIVE_ROWS, row(planned.number, phase=planned.phase, **change))
    words = ["faults", "--only", "kill_driver", "--seed", "7", "--out", str(tmp_path)]
    monkeypatch.setattr(sys, "argv", words)
    assert faults.main() == (1 if change else 0)
    summary = json.loads((tmp_path / "faults.json").read_text())
    assert summary["injections"] == len(plan)
    assert {"undetected", "unexplained", "seed", "by_fault"} <= set(summary)
    assert failed(row(0, **change)) is bool(change)
