"""The export: aligned by the stated rules, the same in both formats, every column described."""

from __future__ import annotations

import argparse
import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.csv
import pyarrow.parquet
import pytest

from audit.export import command
from audit.export.columns import Column, ExportError, columns, time_base
from audit.export.write import write_export
from audit.series.model import AlarmSpan, Session
from audit.stops import stops

RATE = 50.0


@pytest.fixture(scope="module")
def found(session: Session) -> dict[str, Column]:
    return {column.name: column for column in columns(session, time_base(session, RATE))}


def at(found: dict[str, Column], name: str, time: float) -> object:
    return found[name].values[round(time * RATE)]


def test_states_hold_positions_are_linear_and_nothing_is_extrapolated(found: dict[str, Column]) -> None:
    """Between the samples of the tool, which come 1 ms after each hundredth."""
    assert len({len(column.values) for column in found.values()}) == 1
    assert (at(found, "safety_state", 6.02), at(found, "safety_state", 6.04)) == (2.0, 6.0)
    assert (at(found, "safety_alarm_level", 6.02), at(found, "safety_alarm_level", 6.04)) == (-1, 5)
    assert at(found, "PSM1_tip_x_m", 3.0) == pytest.approx(0.01009, abs=1e-9), "0.9 of the way from 0.0100 to 0.0101"
    assert np.diff(found["PSM1_tip_x_m"].values)[150:190] == pytest.approx(0.0002), "no steps between samples"
    assert at(found, "commands_session", 0.0) == ""
    assert at(found, "commands_session", 3.0) == str(0xF00D000000000001)
    assert np.isnan(at(found, "PSM1_tip_x_m", 0.0)), "the first sample comes 1 ms later"
    assert at(found, "operator_clutch", 4.2) == 1.0
    assert at(found, "operator_present", 10.48) == 1.0
    assert np.isnan(at(found, "operator_present", 10.52)), "half a second after the last command nobody knows"


def test_every_gap_has_its_mask(found: dict[str, Column]) -> None:
    for column in found.values():
        if column.mask:
            mask = found[column.mask].values
            assert mask.dtype == np.bool_
            if column.values.dtype == np.float64:
                assert np.isfinite(column.values[mask]).all(), column.name
    masked = found["PSM1_tip_valid"].values
    assert (masked[0], masked[1]) == (False, True)


def test_names_end_with_units_and_orientations_stay_rotations(found: dict[str, Column]) -> None:
    for column in found.values():
        if column.unit:
            assert column.name.endswith(f"_{column.unit}"), column.name
    turns = np.column_stack([found[f"PSM1_tip_q{axis}"].values for axis in "xyzw"])[1:]
    assert np.linalg.norm(turns, axis=1) == pytest.approx(1.0)
    assert {column.rule for column in found.values()} == {"exact", "linear", "slerp", "zero-order hold"}


def test_both_formats_and_the_description_say_the_same(
    session: Session, found: dict[str, Column], tmp_path: Path
) -> None:
    write_export(tmp_path, session, list(found.values()), stops(session), RATE, ("csv", "parquet"))
    table = pyarrow.parquet.read_table(tmp_path / "series.parquet")
    text = pyarrow.csv.read_csv(tmp_path / "series.csv", convert_options=pyarrow.csv.ConvertOptions(null_values=[]))
    described = json.loads((tmp_path / "columns.json").read_text())
    names = [row["name"] for row in described["columns"]]
    assert table.column_names == text.column_names == names == list(found)
    assert table.num_rows == text.num_rows == described["rows"] == 600
    for name in ("time_s", "utc_ns", "safety_state", "PSM1_tip_x_m", "PSM1_latency_max_s", "PSM1_tip_valid"):
        wanted = found[name].values.astype(float)
        for column in (table[name], text[name]):
            assert np.array(column.to_pylist(), dtype=float) == pytest.approx(wanted, nan_ok=True, rel=1e-12), name
    assert table.schema.field("PSM1_tip_x_m").metadata[b"rule"] == b"linear"
    assert all(row["mask"] in ("", *names) for row in described["columns"])
    assert "zero-order hold" in (tmp_path / "README.txt").read_text()


def test_stops_and_alarms_are_tables_too_and_hold_no_formulas(session: Session, tmp_path: Path) -> None:
    """A text that begins with = would be run by a spreadsheet."""
    formula = AlarmSpan("X", "=HYPERLINK(1)", 9, False, "+1", "@x", 6.0, 6.0, None)
    changed = replace(session, alarms=(*session.alarms, formula), damage=("bag_9.mcap: cut",))
    base = time_base(changed, 1.0)
    write_export(tmp_path, changed, columns(changed, base), stops(session), 1.0, ("csv",))
    with (tmp_path / "stops.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["causes"] for row in rows] == ["STOP_REQUEST", "COMMAND_SILENCE"]
    assert float(rows[0]["onset_to_withdrawal_s"]) == pytest.approx(0.03)
    assert rows[1]["followed_again_s"] == ""
    with (tmp_path / "alarms.csv").open(newline="") as file:
        last = list(csv.DictReader(file))[-1]
    assert (last["source"], last["text"], last["remedy"], last["level"]) == ("'=HYPERLINK(1)", "'+1", "'@x", "9")
    assert "bag_9.mcap: cut" in (tmp_path / "README.txt").read_text()
    assert not (tmp_path / "series.parquet").exists()


@pytest.mark.parametrize("first", ["=", "+", "-", "@", "＝", "＋", "－", "＠", "\t", "\r", "\n"])  # noqa: RUF001
def test_whatever_a_spreadsheet_takes_for_a_formula_is_text(session: Session, tmp_path: Path, first: str) -> None:
    """Some of them read wide signs as narrow ones, and pass over a line end."""
    formula = AlarmSpan("X", f"{first}1+1", 9, False, "", "", 6.0, 6.0, None)
    changed = replace(session, alarms=(formula,))
    write_export(tmp_path, changed, columns(changed, time_base(changed, 1.0)), [], 1.0, ("csv",))
    with (tmp_path / "alarms.csv").open(newline="") as file:
        assert next(csv.DictReader(file))["source"] == f"'{first}1+1"


def test_a_clock_that_was_set_makes_no_rows_without_end(session: Session) -> None:
    """Decades between two messages would not fit into memory: the place of the step and the ways out are told."""
    commands = session.commands
    late = replace(commands, time=np.where(commands.time > 5.0, commands.time + 1.8e9, commands.time))
    stepped = replace(
        session, duration=1.8e9 + 12.0, commands=late, control=session.control.__class__(*_of_none()), arms={}
    )
    with pytest.raises(ExportError, match=r"from 5\.000 to 1800000005\.005 s.* --duration 5 or --start 1800000005"):
        time_base(stepped, 50.0)
    assert len(time_base(stepped, 50.0, duration=5.0)) == 251
    after = time_base(stepped, 50.0, start=1.8e9 + 5.0)
    assert (after[0], len(after)) == (1.8e9 + 5.0, 351)
    assert len(columns(stepped, after)[0].values) == 351
    with pytest.raises(ExportError, match="no row"):
        time_base(session, 50.0, start=13.0)


def _of_none() -> tuple[np.ndarray, ...]:
    """Columns of an empty Control."""
    return np.empty(0), np.empty(0, dtype=np.uint64), np.empty((0, 7))


def test_the_command(recorded: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    out = tmp_path / "export"
    assert command.run(parser.parse_args([str(recorded), "--out", str(out), "--rate", "10"])) == 0
    assert "120 rows" in capsys.readouterr().out
    assert {path.name for path in out.iterdir()} == {
        "series.csv", "series.parquet", "stops.csv", "alarms.csv", "columns.json", "README.txt"
    }  # fmt: skip
    (tmp_path / "file").write_text("")
    for arguments, code, words in (
        ([str(recorded), "--rate", "nan"], 2, "--rate: nan is not within 1 to 1000 Hz"),
        ([str(recorded), "--start", "nan"], 2, "--start: nan is not within"),
        ([str(recorded), "--start", "13"], 2, "the session is 11.99"),
        ([str(tmp_path / "none")], 2, "no such folder"),
        ([str(recorded), "--out", str(tmp_path / "file")], 4, "cannot be written"),
    ):
        assert command.run(parser.parse_args(arguments)) == code
        assert words in capsys.readouterr().err
