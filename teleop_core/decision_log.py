"""What the core was asked and what it decided, written down so that it can be decided again.

A watched object works as before; each call of a watched method becomes one line of JSON: name, method, arguments as
they were before the call, result. `replay` asks fresh objects the same in the same order and compares the answers
exactly (not a number equals not a number; 0.0 and -0.0 differ). Each line ends with a sum over itself and the sum of
the line before it, from the start on: an input that was changed later is found even if it leads to the same decision.
The sum has no key: it names the line that was changed; against whoever can write the file a signature helps.

A log never stops or slows the node it watches: lines are handed to a thread that writes them, and at the first failure
(a disk that is nearly full, a value that cannot be written) logging ends, with the reason in `failure` and what is not
written counted in `lost`. A line takes up to 5 kB.
"""

from __future__ import annotations

import atexit
import os
import threading
from collections import deque
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, Any

from teleop_core.decision_lines import FORMAT, told, with_sum
from teleop_core.decision_replay import DecisionLogError, Replay, ReplayedCall, replay
from teleop_core.exact_json import ExactJsonError, dumps, tree

__all__ = ["FORMAT", "DecisionLog", "DecisionLogError", "Replay", "ReplayedCall", "replay"]

WRITE_EVERY = 0.05
"""Lines lie in memory for at most about this long [s]."""
LONGEST_CLOSE = 5.0
"""A disk that does not answer is waited for so long at the end [s]."""
MOST_WAITING = 20_000
"""With more lines waiting the disk cannot keep up, and logging ends."""
RESERVE = 200_000_000
"""With less room on the disk logging ends: what is left is for the audit log [bytes]."""


class DecisionLog:
    """Writes the calls of watched objects to one file.

    Attributes:
        failure: Why nothing is written any more; empty while all is well.
    """

    def __init__(self, path: str | Path, about: Mapping[str, Any] | None = None, *, reserve: int = RESERVE) -> None:
        """Append to `path`; each log that is opened begins with fresh objects, and a replay does the same.

        Args:
            path: Of the file.
            about: What a replay needs to make the objects as they were made, by name; anything exact_json can write.
            reserve: Room that is left on the disk [bytes].
        """
        self.failure = ""
        self._reserve = reserve
        self._asked = self._written = -1  # the line with the start is no decision
        self._sum = ""
        self._ended = False
        self._path = Path(path)
        self._waiting: deque[str] = deque()
        self._closing = threading.Event()
        self._writer = threading.Thread(target=self._write_all, name="decision log", daemon=True)
        try:
            self._file: IO[bytes] = self._path.open("ab", buffering=0)
            self._put({"start": FORMAT, "about": tree(dict(about or {}))})
            self._writer.start()
            atexit.register(self.close)
        except (ExactJsonError, OSError, RuntimeError) as error:
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

    @property
    def written(self) -> int:
        """Decisions that are written down."""
        return max(0, self._written)

    @property
    def lost(self) -> int:
        """Decisions that are not written down since logging failed."""
        return max(0, self._asked) - self.written if self.failure else 0

    def passed_over(self) -> None:
        """A decision is made that cannot be written down any more."""
        self._asked += 1

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
        if self._ended:
            self.passed_over()
        else:
            self._put({"of": name, "call": method, "with": arguments, **outcome})

    def close(self) -> None:
        """Write what is waiting and end, after LONGEST_CLOSE at the latest; allowed at any time."""
        atexit.unregister(self.close)
        self._closing.set()
        if self._writer.is_alive():
            self._writer.join(LONGEST_CLOSE)
            if self._writer.is_alive():
                self._fail(OSError("the disk had not taken it at the end"))
        self._ended = True

    def _put(self, record: dict[str, Any]) -> None:
        self._asked += 1
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
                    self._leave_the_reserve()
                    self._write_waiting()
        except OSError as error:
            self._fail(error)

    def _leave_the_reserve(self) -> None:
        """End the log while the audit log still has room.

        Raises:
            OSError: the disk is nearly full, or does not say.
        """
        disk = os.fstatvfs(self._file.fileno())
        free = disk.f_bavail * disk.f_frsize
        if not free >= self._reserve:
            raise OSError(f"the disk is nearly full: {free / 1e6:.0f} MB left, kept for the audit log")

    def _write_waiting(self) -> None:
        lines, waiting = [], self._waiting
        while waiting:
            line, self._sum = with_sum(waiting.popleft(), self._sum)
            lines.append(line + b"\n")
        text = b"".join(lines)
        while text:
            text = text[self._file.write(text) :]
        self._written += len(lines)

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
            log.passed_over()
            return function(*positional, **named)
        arguments = log.encoded((positional, named))
        try:
            result = function(*positional, **named)
        except Exception as error:
            log.add(name, method, arguments, {"raised": told(error)})
            raise
        log.add(name, method, arguments, {"result": log.encoded(result)})
        return result

    return call


def _ends_within_a_line(path: Path) -> bool:
    """Whether a regular file has content whose last line is not finished."""
    if not path.is_file() or path.stat().st_size == 0:
        return False
    with path.open("rb") as file:
        file.seek(-1, 2)
        return file.read(1) != b"\n"
