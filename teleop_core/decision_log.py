"""What the core was asked and what it decided, written down so that it can be decided again.

A watched object works as before; each call of a watched method becomes one line of JSON: name, method, arguments as
they were before the call, result. `replay` asks fresh objects the same in the same order and compares the answers
exactly (not a number equals not a number; 0.0 and -0.0 differ).

A log never stops or slows the node it watches: lines are handed to a thread that writes them, and at the first failure
(a full disk, a value that cannot be written) logging ends, with the reason in `failure`. A line takes up to 5 kB.
"""

from __future__ import annotations

import atexit
import json
import threading
from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, cast

from teleop_core.exact_json import ExactJsonError, Reader, dumps, tree

FORMAT = 1
"""Version of the lines."""
WRITE_EVERY = 0.05
"""Lines lie in memory for at most about this long [s]."""
MOST_WAITING = 20_000
"""With more lines waiting the disk cannot keep up, and logging ends."""


class DecisionLogError(ValueError):
    """A log cannot be replayed; says which line, and why."""


class DecisionLog:
    """Writes the calls of watched objects to one file.

    Attributes:
        failure: Why nothing is written any more; empty while all is well.
    """

    def __init__(self, path: str | Path) -> None:
        """Append to `path`; each log that is opened begins with fresh objects, and a replay does the same."""
        self.failure = ""
        self._ended = False
        self._path = Path(path)
        self._waiting: deque[str] = deque()
        self._closing = threading.Event()
        self._writer = threading.Thread(target=self._write_all, name="decision log", daemon=True)
        try:
            self._file: IO[bytes] = self._path.open("ab", buffering=0)
            self._put({"start": FORMAT})
            self._writer.start()
            atexit.register(self.close)
        except (OSError, RuntimeError) as error:
            self._fail(error)

    def watch(self, name: str, core_object: Any, *methods: str) -> Any:
        """Stand-in for an object that writes down the calls of some of its methods.

        Args:
            name: What the object is called in the log; one name for each object.
            core_object: The object; whatever else is asked of the stand-in goes to it.
            methods: Methods that decide or change something. For a replay all that change something are needed.
        """
        return _Watched(self, name, core_object, methods)

    @property
    def ended(self) -> bool:
        """Nothing is written any more: closed, or failed."""
        return self._ended

    def encoded(self, value: Any) -> Any:
        """Value for `add`, now, before anybody changes it; None where logging has ended."""
        if self._ended:
            return None
        try:
            return tree(value)
        except ExactJsonError as error:
            self._fail(error)
            return None

    def add(self, name: str, method: str, arguments: Any, outcome: Mapping[str, Any]) -> None:
        """Write one call: arguments as `encoded`, outcome as {"result": encoded} or {"raised": text}."""
        if not self._ended:
            self._put({"of": name, "call": method, "with": arguments, **outcome})

    def close(self) -> None:
        """Write what is waiting and end; allowed at any time."""
        atexit.unregister(self.close)
        self._closing.set()
        if self._writer.is_alive():
            self._writer.join()
        self._ended = True

    def _put(self, record: dict[str, Any]) -> None:
        if len(self._waiting) >= MOST_WAITING:
            self._fail(OSError(f"more than {MOST_WAITING} lines waiting: the disk is too slow"))
            return
        self._waiting.append(dumps(record))

    def _write_all(self) -> None:
        try:
            with self._file:
                # What an earlier log left unfinished must not swallow the first line of this one.
                self._file.write(b"\n" if _ends_within_a_line(self._path) else b"")
                closing = False
                while not closing and not self._ended:
                    closing = self._closing.wait(WRITE_EVERY)
                    self._write_waiting()
        except OSError as error:
            self._fail(error)

    def _write_waiting(self) -> None:
        lines, waiting = [], self._waiting
        while waiting:
            lines.append(waiting.popleft())
        text = "".join(f"{line}\n" for line in lines).encode()
        while text:
            text = text[self._file.write(text) :]

    def _fail(self, error: Exception) -> None:
        self.failure = self.failure or f"decision log {self._path}: {error}"
        self._ended = True
        self._waiting = deque()


class _Watched:
    """Passes everything through to the object; the watched methods are written down on the way."""

    def __init__(self, log: DecisionLog, name: str, core_object: Any, methods: tuple[str, ...]) -> None:
        object.__setattr__(self, "_watched_object", core_object)
        for method in methods:
            object.__setattr__(self, method, _writing(log, name, method, getattr(core_object, method)))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._watched_object, name)

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(self._watched_object, name, value)


def _writing(log: DecisionLog, name: str, method: str, function: Callable[..., Any]) -> Callable[..., Any]:
    def call(*positional: Any, **named: Any) -> Any:
        if log.ended:
            return function(*positional, **named)
        arguments = log.encoded((positional, named))
        try:
            result = function(*positional, **named)
        except Exception as error:
            log.add(name, method, arguments, {"raised": _told(error)})
            raise
        log.add(name, method, arguments, {"result": log.encoded(result)})
        return result

    return call


@dataclass
class Replay:
    """What a replay found.

    Attributes:
        compared: Calls that were made again and compared.
        different: How many of them were decided otherwise.
        first_difference: Line, object, method and place of the first difference; empty if there is none.
        skipped: Calls of each object that was given no factory.
        truncated: Lines that break off, as the last one does where a node was killed while it wrote.
        starts: How often logging began, each time with fresh objects.
    """

    compared: int = 0
    different: int = 0
    first_difference: str = ""
    skipped: Counter[str] = field(default_factory=Counter)
    truncated: int = 0
    starts: int = 0

    @property
    def identical(self) -> bool:
        """Something was compared, and everything was decided as recorded."""
        return self.compared > 0 and self.different == 0


def replay(path: str | Path, factories: Mapping[str, Callable[[], Any]], types: Iterable[type] = ()) -> Replay:
    """Decide again, with fresh objects, and compare.

    Args:
        path: A decision log.
        factories: Name of an object -> makes it as it was made when the log was opened.
        types: Enums and dataclasses in the log that are not of the suite.

    Raises:
        DecisionLogError: the file is no decision log, or is damaged elsewhere than where a log broke off.
        OSError: the file cannot be read.
    """
    found, reader = Replay(), Reader(types)
    objects: dict[str, Any] = {}
    lines = Path(path).read_bytes().split(b"\n")
    for number, line in enumerate(lines, start=1):
        if not line:
            continue
        record = _record(lines, number)
        if record is None:
            found.truncated += 1
        elif "start" in record:
            if record["start"] != FORMAT:
                raise DecisionLogError(f"{path}, line {number}: format {record['start']}, this reads {FORMAT}")
            found.starts += 1
            objects = {name: make() for name, make in factories.items()}
        elif not found.starts:
            raise DecisionLogError(f"{path}, line {number}: a decision log begins with its start")
        elif record["of"] not in objects:
            found.skipped[record["of"]] += 1
        else:
            _decide_again(found, reader, objects[record["of"]], record, f"line {number}")
    return found


def _record(lines: list[bytes], number: int) -> dict[str, Any] | None:
    """Record of a line; None where it breaks off: at the end of the file, or before the start of the next log."""
    try:
        record = json.loads(lines[number - 1])
        if isinstance(record, dict) and ("start" in record or {"of", "call", "with"} <= record.keys()):
            return cast("dict[str, Any]", record)
    except ValueError as error:
        following = b"".join(lines[number : number + 1])
        if not following or following.startswith(b'{"start":'):
            return None
        raise DecisionLogError(f"line {number}: {error}") from error
    raise DecisionLogError(f"line {number}: no call of a decision log")


def _decide_again(found: Replay, reader: Reader, core_object: Any, record: dict[str, Any], place: str) -> None:
    name, method = f"{record['of']}.{record['call']}", record["call"]
    try:
        positional, named = reader.value(record["with"])
    except ExactJsonError as error:
        raise DecisionLogError(f"{place}: {name}: {error}") from error
    if method.startswith("_"):
        raise DecisionLogError(f"{place}: {name} is not a method that decides")
    try:
        outcome = {"result": tree(getattr(core_object, method)(*positional, **named))}
    except Exception as error:
        outcome = {"raised": _told(error)}
    found.compared += 1
    recorded = {key: record[key] for key in ("result", "raised") if key in record}
    difference = _difference(recorded, outcome, "")
    if difference:
        found.different += 1
        found.first_difference = found.first_difference or f"{place}: {name}: {difference}"


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


def _told(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"


def _ends_within_a_line(path: Path) -> bool:
    """Whether a regular file has content whose last line is not finished."""
    if not path.is_file() or path.stat().st_size == 0:
        return False
    with path.open("rb") as file:
        file.seek(-1, 2)
        return file.read(1) != b"\n"
