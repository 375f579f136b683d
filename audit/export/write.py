"""Writes an export: series as CSV and Parquet, stops and alarms as CSV, what the columns mean as JSON and text."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import IO, Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from audit.export.columns import Column
from audit.outcome import whole, write_whole
from audit.series.model import LEVELS, Session
from audit.stops import Stop

FORMATS = ("csv", "parquet")
FORMAT_VERSION = 1

_FORMULA = ("=", "+", "-", "@", "＝", "＋", "－", "＠", "\t", "\r", "\n")  # noqa: RUF001
"""What a formula begins with; the wide signs count as well, and a line end hides what comes after it."""

README = """\
Aligned series of a recorded session of telesurgery
===================================================
series.csv, series.parquet   one row every {period:g} s; the same content in both
stops.csv                    every loss of the permission to move, with cause and reaction
alarms.csv                   every cause that was told, from when to when
columns.json                 name, unit, rule, topic, mask and meaning of each column

Time 0 is the first recorded message, {utc_ns} ns since 1970 (UTC). Times are arrivals at the recorder.
stops.csv and alarms.csv hold the whole session, whatever part of it the series were made of.

Rules
  linear           straight line between the samples before and after; not across more than 0.1 s
  slerp            constant rotation speed between the samples before and after; not across more than 0.1 s
  zero-order hold  the newest sample counts; what is told again and again, no longer than 0.5 s
  exact            made for the row itself
Nothing is extrapolated. Where there is no value there is NaN, and the mask (the column NAME_valid, see columns.json) is
false. Units stand at the end of the names: _m metre, _s second, _rad radian, _ns nanosecond. Quaternions are x, y, z,
w. Frames: PSM tips in <ARM>_base_link, hands in the display frame of the console.
{damage}"""


def write_export(
    folder: Path, session: Session, found: list[Column], stops: list[Stop], rate: float, formats: tuple[str, ...]
) -> list[Path]:
    """Write everything into a folder, which is made if it is not there.

    Returns:
        The files written.

    Raises:
        OSError: something cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    table = arrow_table(found)
    # Straight to the disk: the series of an hour are a few hundred megabytes as text.
    series: dict[str, Callable[[IO[bytes]], None]] = {}
    if "parquet" in formats:
        series["series.parquet"] = lambda file: pyarrow.parquet.write_table(table, file, compression="zstd")
    if "csv" in formats:
        series["series.csv"] = lambda file: pyarrow.csv.write_csv(table, file)
    for name, write in series.items():
        with whole(folder / name) as file:
            write(file)
    files = {"stops.csv": _stops(stops)}
    files["alarms.csv"] = _alarms(session)
    files["columns.json"] = json.dumps(_description(session, found, rate), indent=2).encode()
    damage = "\nNot everything could be read:\n" + "".join(f"  {line}\n" for line in session.damage)
    readme = README.format(period=1.0 / rate, utc_ns=session.zero_ns, damage=damage if session.damage else "")
    files["README.txt"] = readme.encode()
    for name, content in files.items():
        write_whole(folder / name, content)
    return [folder / name for name in (*series, *files)]


def arrow_table(found: list[Column]) -> pa.Table:
    """The columns as an Arrow table, unit, rule and meaning in the metadata of each field."""
    arrays, fields = [], []
    for column in found:
        values = column.values
        array = pa.array(values.tolist(), pa.string()) if values.dtype == object else pa.array(values)
        notes = {"unit": column.unit, "rule": column.rule, "text": column.text, "mask": column.mask}
        arrays.append(array)
        fields.append(pa.field(column.name, array.type, metadata=notes))
    return pa.Table.from_arrays(arrays, schema=pa.schema(fields))


def _description(session: Session, found: list[Column], rate: float) -> dict[str, Any]:
    return {
        "format": FORMAT_VERSION,
        "rate_hz": rate,
        "rows": len(found[0].values),
        "zero_utc_ns": session.zero_ns,
        "namespace": session.namespace,
        "not_read": list(session.damage),
        "columns": [
            {
                "name": column.name,
                "unit": column.unit,
                "rule": column.rule,
                "topic": column.topic,
                "mask": column.mask,
                "text": column.text,
                "type": "string" if column.values.dtype == object else str(column.values.dtype),
            }
            for column in found
        ],
    }


def _stops(stops: list[Stop]) -> bytes:
    names = (
        "number", "withdrawn_s", "worst_state", "causes", "text", "onset_s", "onset_is", "onset_to_withdrawal_s",
        "onset_to_last_motion_s", "permitted_again_s", "followed_again_s",
    )  # fmt: skip
    rows = [
        (stop.number, stop.withdrawn, stop.worst, ";".join(stop.causes), stop.text, stop.onset, stop.onset_is,
         stop.to_withdrawal, stop.to_hold, stop.permitted_again, stop.followed_again)
        for stop in stops
    ]  # fmt: skip
    return _csv(names, rows)


def _alarms(session: Session) -> bytes:
    names = ("id", "source", "level", "latched", "began_s", "ended_s", "text", "remedy")
    rows = []
    for alarm in session.alarms:
        row = asdict(alarm)
        level = LEVELS[alarm.level] if alarm.level < len(LEVELS) else str(alarm.level)
        rows.append(
            (row["id"], row["source"], level, row["latched"], row["began"], row["ended"], row["text"], row["remedy"])
        )
    return _csv(names, rows)


def _csv(names: tuple[str, ...], rows: list[tuple[Any, ...]]) -> bytes:
    """CSV in which no text begins like a formula: a spreadsheet would run it, and operators wrote some of the texts."""
    file = io.StringIO()
    writer = csv.writer(file)
    writer.writerow(names)
    for row in rows:
        writer.writerow([_cell(value) for value in row])
    return file.getvalue().encode()


def _cell(value: Any) -> Any:
    if isinstance(value, (float, np.floating)):
        return f"{value:.6f}"
    if isinstance(value, str) and value[:1] in _FORMULA:
        return f"'{value}"
    return "" if value is None else value
