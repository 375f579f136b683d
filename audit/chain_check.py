"""Checks one chain by itself: every line canonical, every record the next one, nothing in between that is not told."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from audit.checkpoint import REDACTIONS
from audit.finding import ALTERED, UNFINISHED, Problem
from audit.reading import Line, lines
from audit.redaction_form import misfit
from teleop_core.audit_disk import parse_segment, segment_name
from teleop_core.audit_record import GENESIS

STRUCTURE = ("segment", "start", "checkpoint", "end", "gap", "disk", "bag_opened", "bag_closed", "witness", "redaction")
"""Types of records that a verification needs; they cannot be redacted."""
_KEPT = (*STRUCTURE, "link")
CLOCK_STEP = 50_000_000
"""A wall clock that moves so much against the monotonic one between two records has been set [ns]."""
_DRIFT = 1000
"""A clock may be slewed by one part in so many."""


@dataclass(frozen=True)
class Entry:
    """A record in its place."""

    file: str
    line: int
    n: int
    record: dict[str, Any]

    def problem(self, why: str, kind: str = ALTERED) -> Problem:
        """Something is wrong with this record."""
        return Problem(kind, self.file, why, line=self.line, n=self.n)


@dataclass
class ChainCheck:
    """What is in a chain, up to its first problem.

    Attributes:
        name: Of the chain.
        files: Its segments.
        hashes: Of its records, by their number.
        places: File and line of each.
        kept: Records that the rest of the verification needs.
        blank: Records whose payload was taken out.
        last: Newest record; None if there is none.
        clock_steps: Where the wall clock jumped.
        problem: What is wrong; None if nothing is.
        broken: A line broke off at the very end.
    """

    name: str
    files: list[str]
    hashes: list[str] = field(default_factory=list)
    places: list[tuple[str, int]] = field(default_factory=list)
    kept: list[Entry] = field(default_factory=list)
    blank: list[Entry] = field(default_factory=list)
    last: dict[str, Any] | None = None
    clock_steps: list[dict[str, Any]] = field(default_factory=list)
    problem: Problem | None = None
    broken: Problem | None = None

    def of_type(self, *types: str) -> list[Entry]:
        """Kept records of some types, in order."""
        return [entry for entry in self.kept if entry.record["type"] in types]


def check_chain(name: str, paths: Sequence[Path], session: str) -> ChainCheck:
    """Read a chain through all its segments.

    Args:
        name: Of the chain.
        paths: Its segments in order.
        session: The session that every record has to be of.
    """
    return _Reader(name, paths, session).read()


class _Region:
    """Lines that are no records, one behind the other: hashed and not kept, as there may be any number of them."""

    def __init__(self, first: Line) -> None:
        self.first = first
        self._bytes, self._last = 0, b""
        self._hash = hashlib.sha256()  # of all but the last byte
        self.add(first)

    def add(self, line: Line) -> None:
        self._hash.update(self._last + line.text[:-1])
        self._bytes, self._last = self._bytes + len(line.text), line.text[-1:]

    def whole(self) -> dict[str, Any]:
        """As `teleop_core.audit_disk.broken_off` tells of these bytes."""
        digest = self._hash.copy()
        digest.update(self._last)
        return {"bytes": self._bytes, "sha256": digest.hexdigest()}

    def is_told_by(self, record: dict[str, Any]) -> bool:
        """Whether the record behind it, a gap, vouches for it; the last line end is that record's own."""
        told = {"bytes": self._bytes - 1, "sha256": self._hash.hexdigest()}
        return record["type"] == "gap" and record["payload"] is not None and record["payload"].get("broken") == told


class _Reader:
    def __init__(self, name: str, paths: Sequence[Path], session: str) -> None:
        self._paths, self._session = paths, session
        self._found = ChainCheck(name, [path.name for path in paths])
        self._prev = GENESIS
        self._behind: dict[str, _Region | None] = {}
        """Lines that are no records, behind the newest record, by file; also files that hold nothing."""

    def read(self) -> ChainCheck:
        for number, path in enumerate(self._paths):
            expected = segment_name(self._found.name, number)
            if parse_segment(path.name) != (self._found.name, number):
                self._found.problem = Problem(ALTERED, expected, "the file is missing", n=len(self._found.hashes))
            else:
                self._found.problem = self._try_segment(path, self._paths[number - 1].name if number else None)
            if self._found.problem is not None:
                return self._found
        if self._behind:
            self._found.broken = self._no_record_behind(UNFINISHED)
        return self._found

    def _try_segment(self, path: Path, previous: str | None) -> Problem | None:
        try:
            return self._read_segment(path, previous)
        except OSError as error:
            n = len(self._found.hashes)
            return Problem(ALTERED, path.name, f"cannot be read: {error.strerror or error}", n=n)

    def _read_segment(self, path: Path, previous: str | None) -> Problem | None:
        region: _Region | None = None
        opening = True
        for line in lines(path):
            if line.record is None:
                if region is None:
                    region = _Region(line)
                else:
                    region.add(line)
                continue
            if region is not None and (opening or not region.is_told_by(line.record)):
                return _no_record(region.first, len(self._found.hashes))
            problem = self._judge(line, line.record, opening, previous)
            if problem is not None:
                return problem
            self._take(line, line.record)
            region, opening = None, False
        if region is not None or opening:
            self._behind[path.name] = region
        return None

    def _judge(self, line: Line, record: dict[str, Any], opening: bool, previous: str | None) -> Problem | None:
        n = len(self._found.hashes)
        here = Entry(line.file, line.number, n, record)
        if record["chain"] != self._found.name:
            return here.problem(f"is a record of the chain {record['chain']!r}")
        if record["session"] != self._session:
            return here.problem(
                f"is a record of session {record['session'][:32]}, the others are of {self._session[:32]}"
            )
        unfit = misfit(record, opening) if self._found.name == REDACTIONS else ""
        if unfit:
            return here.problem(unfit)
        if opening and record["type"] != "segment":
            return here.problem(f"a segment begins with a 'segment' record, this is {record['type']!r}")
        payload = record["payload"]
        if opening and previous is not None and record["n"] != n and payload and payload.get("previous") == previous:
            if self._behind:
                return self._no_record_behind(ALTERED)
            return Problem(ALTERED, previous, f"{line.file} goes on with record {record['n']}", n=min(n, record["n"]))
        if record["n"] != n:
            return here.problem(f"record {n} should be here, this is record {record['n']}")
        if record["prev"] != self._prev:
            return here.problem("does not follow the record before it: prev is not its hash")
        if record["payload"] is None and record["type"] in STRUCTURE:
            return here.problem(f"the payload of a {record['type']!r} record cannot be taken out")
        return self._judge_opening(here, previous) if opening else None

    def _judge_opening(self, here: Entry, previous: str | None) -> Problem | None:
        if here.record["payload"].get("previous") != previous:
            return here.problem(f"follows {here.record['payload'].get('previous')}, but {previous} is there")
        told = here.record["payload"].get("broken")
        found = {name: region.whole() for name, region in self._behind.items() if region is not None}
        if told == found:
            return None
        if self._behind:
            return self._no_record_behind(ALTERED)
        if previous is None:
            return here.problem("tells of a segment before it, but is the first")
        return Problem(ALTERED, previous, "a line that broke off at its end is missing", n=here.n)

    def _no_record_behind(self, kind: str) -> Problem:
        """Where something else stands behind the newest record: the first place, at the end of a chain the last."""
        there = list(self._behind.items())
        n, (name, region) = len(self._found.hashes), there[-1 if kind == UNFINISHED else 0]
        if region is None:
            return Problem(kind, name, "the file holds no record", n=n)
        return _no_record(region.first, n, kind)

    def _take(self, line: Line, record: dict[str, Any]) -> None:
        found = self._found
        entry = Entry(line.file, line.number, record["n"], record)
        if found.last is not None and found.last["boot"] == record["boot"]:
            passed = record["mono_ns"] - found.last["mono_ns"]
            step = record["utc_ns"] - found.last["utc_ns"] - passed
            if passed < 0 or abs(step) > CLOCK_STEP + passed // _DRIFT:
                place = {"chain": found.name, "file": line.file, "n": record["n"]}
                found.clock_steps.append({**place, "step_s": step / 1e9, "monotonic_s": passed / 1e9})
        found.hashes.append(record["hash"])
        found.places.append((line.file, line.number))
        if record["type"] in _KEPT:
            found.kept.append(entry)
        if record["payload"] is None:
            found.blank.append(entry)
        found.last, self._prev, self._behind = record, record["hash"], {}


def _no_record(line: Line, n: int, kind: str = ALTERED) -> Problem:
    span = (line.offset, line.offset + len(line.text))
    return Problem(kind, line.file, f"is no valid record: {line.error}", line=line.number, n=n, bytes=span)
