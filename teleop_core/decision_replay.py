"""Decides a decision log again with fresh objects, and compares; the other half of decision_log."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain, pairwise
from pathlib import Path
from typing import Any, cast

from teleop_core.decision_lines import FORMAT, START, is_as_written, told
from teleop_core.exact_json import ExactJsonError, Reader, dumps, tree

READABLE = (1, FORMAT)


_OF_A_BAD_LINE = (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError)
"""What a line that says anything at all can bring about: numbers too large, other types, too deep a nesting."""


class DecisionLogError(ValueError):
    """A log cannot be replayed; says which line, and why."""


@dataclass
class Replay:
    """What a replay found.

    Attributes:
        compared: Calls that were made again and compared.
        different: How many of them were decided otherwise.
        first_difference: Line, object, method and place of the first difference; empty if there is none.
        altered: Lines that are not as they were written, or do not follow on the line before them.
        first_altered: The first of them, in words; empty if there is none.
        skipped: Calls of each object that was given no factory.
        truncated: Lines that break off, as the last one does where a node was killed while it wrote.
        starts: How often logging began, each time with fresh objects.
    """

    compared: int = 0
    different: int = 0
    first_difference: str = ""
    altered: int = 0
    first_altered: str = ""
    skipped: Counter[str] = field(default_factory=Counter)
    truncated: int = 0
    starts: int = 0

    @property
    def identical(self) -> bool:
        """Something was compared, everything was decided as recorded, and no line was changed."""
        return self.compared > 0 and self.different == 0 and self.altered == 0


@dataclass(frozen=True)
class ReplayedCall:
    """A decision that was just made again.

    Attributes:
        start: Which start of the log it belongs to, from 1 on.
        about: What that start says of its objects.
        line: Number of its line.
        name: Of the object.
        method: Of the object.
        arguments: Positional arguments.
        result: What the object decided now; None where it raised.
    """

    start: int
    about: Mapping[str, Any]
    line: int
    name: str
    method: str
    arguments: tuple[Any, ...]
    result: Any


Makers = Mapping[str, Callable[[Mapping[str, Any]], Any]]


def replay(
    path: str | Path,
    factories: Mapping[str, Callable[[], Any]],
    types: Iterable[type] = (),
    *,
    makers: Makers | None = None,
    each: Callable[[ReplayedCall], None] | None = None,
) -> Replay:
    """Decide again, with fresh objects, and compare. The file is read line by line.

    Args:
        path: A decision log.
        factories: Name of an object -> makes it as it was made when the log was opened.
        types: Enums and dataclasses in the log that are not of the suite.
        makers: The same for objects that are made from what the log says about itself.
        each: Called after each decision.

    Raises:
        DecisionLogError: the file is no decision log, or is damaged elsewhere than where a log broke off, or `each`
            could not do anything with a decision.
        OSError: the file cannot be read.
    """
    reading = _Reading(str(path), factories, makers or {}, Reader(types), each)
    with Path(path).open("rb") as file:
        for number, line, following in _numbered(file):
            try:
                reading.take(number, line, following)
            except DecisionLogError:
                raise
            except _OF_A_BAD_LINE as error:
                raise DecisionLogError(f"line {number}: cannot be decided again: {told(error)}") from error
    return reading.found


class _Reading:
    """One pass over a log."""

    def __init__(
        self,
        path: str,
        factories: Mapping[str, Callable[[], Any]],
        makers: Makers,
        reader: Reader,
        each: Callable[[ReplayedCall], None] | None,
    ) -> None:
        self.found = Replay()
        self._path, self._factories, self._makers, self._reader, self._each = path, factories, makers, reader, each
        self._objects: dict[str, Any] = {}
        self._about: Mapping[str, Any] = {}
        self._sum = ""
        self._summed = True

    def take(self, number: int, line: bytes, following: bytes) -> None:
        """One line, and the next one."""
        record = _record(line, following, number)
        if record is None:
            self.found.truncated += 1
            return
        if "start" in record:
            self._check_format(record, number)
        self._check_sum(record, line, number)
        if "start" in record:
            self._start(record, number)
        elif not self.found.starts:
            raise DecisionLogError(f"{self._path}, line {number}: a decision log begins with its start")
        elif record["of"] not in self._objects:
            self.found.skipped[record["of"]] += 1
        else:
            self._decide_again(record, number)

    def _check_format(self, record: dict[str, Any], number: int) -> None:
        if record["start"] not in READABLE:
            raise DecisionLogError(f"{self._path}, line {number}: format {record['start']}, this reads {FORMAT}")
        self._summed = record["start"] == FORMAT or "sum" in record
        self._sum = ""

    def _check_sum(self, record: dict[str, Any], line: bytes, number: int) -> None:
        before, self._sum = self._sum, str(record.get("sum", ""))
        if self._summed and not is_as_written(line, before):
            self.found.altered += 1
            self.found.first_altered = (
                self.found.first_altered or f"line {number} is not as it was written, or lines before it are missing"
            )

    def _start(self, record: dict[str, Any], number: int) -> None:
        self.found.starts += 1
        try:
            about = self._reader.value(record.get("about", {"d": []}))
        except ExactJsonError as error:
            raise DecisionLogError(f"line {number}: {error}") from error
        if not isinstance(about, dict):
            raise DecisionLogError(f"line {number}: about: {str(about)[:80]!r} is no mapping")
        self._about = about
        self._objects = {name: make() for name, make in self._factories.items()}
        for name, make in self._makers.items():
            try:
                self._objects[name] = make(about)
            except (AttributeError, KeyError, TypeError, ValueError) as error:
                raise DecisionLogError(f"line {number}: {name} cannot be made from it: {told(error)}") from error

    def _decide_again(self, record: dict[str, Any], number: int) -> None:
        name, method = f"{record['of']}.{record['call']}", str(record["call"])
        try:
            positional, named = self._reader.value(record["with"])
        except (ExactJsonError, TypeError, ValueError) as error:
            raise DecisionLogError(f"line {number}: {name}: {error}") from error
        if method.startswith("_"):
            raise DecisionLogError(f"line {number}: {name} is not a method that decides")
        result = None
        try:
            result = getattr(self._objects[record["of"]], method)(*positional, **named)
            outcome = {"result": tree(result)}
        except Exception as error:
            outcome = {"raised": told(error)}
        found = self.found
        found.compared += 1
        recorded = {key: record[key] for key in ("result", "raised") if key in record}
        difference = _difference(recorded, outcome, "")
        if difference:
            found.different += 1
            found.first_difference = found.first_difference or f"line {number}: {name}: {difference}"
        if self._each is not None:
            self._each(ReplayedCall(found.starts, self._about, number, str(record["of"]), method, positional, result))


def _numbered(file: Iterable[bytes]) -> Iterator[tuple[int, bytes, bytes]]:
    """Number, line and next line of everything but empty lines; the last one is followed by nothing."""
    stripped = (line.rstrip(b"\n") for line in file)
    for number, (line, following) in enumerate(pairwise(chain(stripped, [b""])), start=1):
        if line:
            yield number, line, following


def _record(line: bytes, following: bytes, number: int) -> dict[str, Any] | None:
    """Record of a line; None where it breaks off: at the end of the file, or before the start of the next log."""
    try:
        record = json.loads(line)
        if isinstance(record, dict) and ("start" in record or _is_call(record)):
            return cast("dict[str, Any]", record)
    except (ValueError, RecursionError) as error:
        if not following or following.startswith(START):
            return None
        raise DecisionLogError(f"line {number}: {error}") from error
    raise DecisionLogError(f"line {number}: no call of a decision log")


def _is_call(record: dict[str, Any]) -> bool:
    return {"of", "call", "with"} <= record.keys() and isinstance(record["of"], str)


def _difference(recorded: Any, now: Any, place: str) -> str:
    """First place at which two encoded values differ, in words; empty if they do not."""
    if dumps(recorded) == dumps(now):
        return ""
    pairs: Iterable[tuple[Any, Any, Any]] = ()
    if isinstance(recorded, dict) and isinstance(now, dict) and recorded.keys() == now.keys():
        pairs = ((key, recorded[key], now[key]) for key in recorded)
    elif isinstance(recorded, list) and isinstance(now, list) and len(recorded) == len(now):
        pairs = zip(range(len(now)), recorded, now, strict=True)
    for key, before, after in pairs:
        difference = _difference(before, after, f"{place}/{key}")
        if difference:
            return difference
    return f"at {place or '/'} recorded {dumps(recorded)[:120]}, now {dumps(now)[:120]}"
