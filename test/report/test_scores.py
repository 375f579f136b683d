"""Training scores: over sessions, by operator, with trends that one odd session does not decide."""

from __future__ import annotations

import argparse
import json
import math
import shutil
from pathlib import Path

import pytest

from audit.merit import ArmMerit, Merit
from audit.report.head import Head, read_head
from audit.scores import command
from audit.scores.score import SCORES, Score, as_json, by_operator, of_arms, operator_of, score, trend
from audit.series.model import Session

LESS = next(definition for definition in SCORES if definition.better == "less")
MORE = next(definition for definition in SCORES if definition.better == "more")
NEITHER = next(definition for definition in SCORES if not definition.better)
NAN = math.nan


def made(operator: str, started: int, value: float) -> Score:
    figures = {definition.key: value for definition in SCORES}
    return Score(f"folder{started}", "", "", operator, started, figures, damaged=False)


def test_the_trend_is_the_median_of_all_slopes() -> None:
    """10, 80, 6, 4, 2: pairs fall by 2 a session, apart from those with the odd one; the mean slope is -8."""
    found = trend([10.0, 80.0, 6.0, 4.0, 2.0], LESS)
    assert (found.sessions, found.first, found.last, found.median) == (5, 10.0, 2.0, 6.0)
    assert found.slope == pytest.approx(-2.0)
    assert found.better is True


@pytest.mark.parametrize(
    ("values", "definition", "slope", "better"),
    [
        ([1.0, 2.0, 3.0], LESS, 1.0, False),
        ([1.0, 2.0, 3.0], MORE, 1.0, True),
        ([1.0, 2.0, 3.0], NEITHER, 1.0, None),
        ([2.0, 2.0, 2.0], MORE, 0.0, None),
        ([1.0, NAN, 3.0, 4.0], MORE, 1.0, True),
        ([1.0, 2.0], MORE, NAN, None),
        ([NAN], MORE, NAN, None),
        ([], MORE, NAN, None),
    ],
)
def test_trends(values: list[float], definition: object, slope: float, better: bool | None) -> None:
    """Two sessions make no trend, and what is not known is left out, at its place in time."""
    found = trend(values, definition)  # type: ignore[arg-type]
    assert found.slope == pytest.approx(slope, nan_ok=True)
    assert found.better is better


def test_instruments_are_weighted_by_the_time_they_followed() -> None:
    """1 for 30 s and 4 for 10 s make 1.75; an arm without the figure does not count."""
    arms = {
        "PSM1": ArmMerit(30.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0),
        "PSM2": ArmMerit(10.0, 1.0, 4.0, 1.0, 1.0, NAN, 1.0, 1.0),
        "PSM3": ArmMerit(0.0, NAN, NAN, NAN, NAN, NAN, NAN, NAN),
    }
    found = Merit(1.0, 1.0, 1.0, 1.0, 1.0, 1.0, arms)
    assert of_arms(found, "economy") == pytest.approx(1.75)
    assert of_arms(found, "sparc") == 1.0
    assert math.isnan(of_arms(Merit(1.0, 1.0, 1.0, 1.0, 1.0, 1.0, {}), "economy"))


def test_a_session_is_scored(session: Session) -> None:
    found = score(session, Head(case="7", roles={"surgeon": "trainee-07"}))
    assert (found.operator, found.case) == ("trainee-07", "7")
    assert found.figures["path_length"] == pytest.approx(0.051, abs=0.001)
    assert found.figures["clutches"] == 2.0
    assert found.figures["mean_speed"] == pytest.approx(0.01, rel=0.02)
    assert set(found.figures) == {definition.key for definition in SCORES}


@pytest.mark.parametrize(
    ("roles", "operator"),
    [({"operator": "trainee-1"}, "trainee-1"), ({"1": "local team", "2": "surgeon"}, "surgeon"), ({}, "operator")],
)
def test_who_operated_is_a_role_or_a_pseudonym(roles: dict[str, str], operator: str) -> None:
    assert operator_of(Head(roles=roles)) == operator


def test_sessions_are_in_order_of_time_and_unknown_is_null() -> None:
    scores = [made("b", 3, 3.0), made("a", 2, NAN), made("b", 1, 1.0)]
    assert [item.started_utc_ns for item in by_operator(scores)["b"]] == [1, 3]
    told = json.loads(json.dumps(as_json(scores), allow_nan=False))
    assert list(told["operators"]) == ["a", "b"]
    assert told["operators"]["a"]["sessions"][0]["scores"]["time"] is None
    assert told["operators"]["b"]["trends"]["time"]["first"] == 1.0
    assert all(definition["text"] and definition["source"] for definition in told["definitions"])


def test_the_command(recorded: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Two sessions of one trainee; a third folder that cannot be read is told and left out."""
    for name in ("one", "two"):
        shutil.copytree(recorded, tmp_path / name)
        head = {"case": f"<b>{name}</b>", "roles": {"operator": "trainee-07"}}
        (tmp_path / name / "session.json").write_text(json.dumps(head))
        assert read_head(tmp_path / name).problem == ""
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    folders = [str(tmp_path / name) for name in ("one", "two", "none", "x" * 300)]
    assert command.run(parser.parse_args([*folders, "--out", str(tmp_path / "out")])) == 0
    said = capsys.readouterr().out
    assert "trainee-07: <b>one</b>, <b>two</b>" in said
    assert said.count("not scored:") == 2
    told = json.loads((tmp_path / "out" / "scores.json").read_text())
    assert len(told["operators"]["trainee-07"]["sessions"]) == 2
    page = (tmp_path / "out" / "scores.html").read_text()
    assert "&lt;b&gt;one&lt;/b&gt;" in page
    assert "<b>one" not in page
    assert "Balasubramanian" in page
    assert page.count("<svg") == 2
    assert command.run(parser.parse_args([str(tmp_path / "none"), "--out", str(tmp_path / "out")])) == 2
    (tmp_path / "taken").write_text("")
    assert command.run(parser.parse_args([folders[0], "--out", str(tmp_path / "taken")])) == 4
