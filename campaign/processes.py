"""Child processes of the campaign: started, told things, listened to, and ended by their own id whatever happens."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

PATIENCE = 3.0
"""From SIGTERM to SIGKILL [s]."""
ANSWER_LIMIT = 20.0
"""For the answer to an order, which may be given while the process starts [s]."""


class OrderError(RuntimeError):
    """A process did not do what it was told; the text says which and why."""


class Child:
    """One process, with its output in a file or in lines of JSON."""

    def __init__(
        self,
        name: str,
        arguments: list[str],
        environment: Mapping[str, str],
        log: Path,
        hear: Callable[[Any], None] | None = None,
    ) -> None:
        """Start it.

        Args:
            name: For people.
            arguments: Of the interpreter.
            environment: Of the process.
            log: File for what it says to people.
            hear: Called in a thread of its own with each line of JSON; None for a process that is not talked to.
        """
        self.name = name
        self.log = log
        self._next_id = 0
        self._answers: dict[int, Any] = {}
        self._answered = threading.Condition()
        talks = subprocess.PIPE if hear is not None else None
        with log.open("ab") as output:
            self.process = subprocess.Popen(
                [sys.executable, *arguments],
                stdin=talks or subprocess.DEVNULL,
                stdout=talks or output,
                stderr=output,
                env=dict(environment),
                start_new_session=True,
            )
        self._listener: threading.Thread | None = None
        if hear is not None:
            self._listener = threading.Thread(target=self._listen, args=(hear,), daemon=True, name=f"{name} output")
            self._listener.start()

    @property
    def alive(self) -> bool:
        """The process has not ended."""
        return self.process.poll() is None

    def order(self, do: str, wait: bool = True, **values: Any) -> dict[str, Any]:
        """Tell it to do something.

        Returns:
            Its answer: `at`, when it did it (monotonic) [s], and `value`; empty if it is not waited for.

        Raises:
            OrderError: it refused, or did not answer in time.
        """
        self._next_id += 1
        number = self._next_id
        line = json.dumps({"id": number, "do": do, **values}) + "\n"
        assert self.process.stdin is not None
        try:
            self.process.stdin.write(line.encode())
            self.process.stdin.flush()
        except OSError as error:
            raise OrderError(f"{self.name}: {do}: {error}") from error
        if not wait:
            return {}
        with self._answered:
            if not self._answered.wait_for(lambda: number in self._answers, ANSWER_LIMIT):
                raise OrderError(f"{self.name}: no answer to {do}")
            answer: dict[str, Any] = self._answers.pop(number)
        if "error" in answer:
            raise OrderError(f"{self.name}: {do}: {answer['error']}")
        return answer

    def send_signal(self, number: int) -> float:
        """Send a signal; returns when, monotonic [s]."""
        at = time.monotonic()
        self.process.send_signal(number)
        return at

    def end(self) -> int:
        """End it, gently first; returns its exit code."""
        if self.alive:
            for number in (signal.SIGCONT, signal.SIGTERM):
                self.process.send_signal(number)
        try:
            self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
        return self._ended()

    def kill(self) -> int:
        """End it at once; returns its exit code."""
        self.process.kill()
        return self._ended()

    def _ended(self) -> int:
        code = self.process.wait()
        if self._listener is not None:
            self._listener.join(PATIENCE)
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):  # what was not read any more
                    pipe.close()
        return code

    def _listen(self, hear: Callable[[Any], None]) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            try:
                content = json.loads(line)
            except ValueError:
                continue  # a line that was cut off when the process was killed
            if not isinstance(content, dict):
                hear(content)
                continue
            with self._answered:
                self._answers[content.get("id", 0)] = content
                self._answered.notify_all()


def busy(cores: int, environment: Mapping[str, str], log: Path) -> list[Child]:
    """Processes that keep `cores` cores busy, tied to this one."""
    code = "import sys; from teleop_cli.child import tie_to_parent\ntie_to_parent(int(sys.argv[1]))\nwhile True: pass"
    return [Child("load", ["-c", code, str(os.getpid())], environment, log) for _ in range(cores)]
