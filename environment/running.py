"""Runs the commands of the set-up: their output goes to a log, the terminal shows one line for each part."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType

from steps import ROOT, VENV, SetupError

LOG = VENV / "setup.log"

REMEDIES = (
    (r"No space left on device|disk quota", "free some disk space, 3 GB are needed"),
    (r"do not match the hashes", "the package index serves altered files, check PIP_INDEX_URL and any proxy"),
    (
        r"NewConnectionError|name resolution|timed out|ConnectionError|No matching distribution|HTTP error",
        "check the network and pip's index settings, then run the same command again",
    ),
    (r"Python\.h|Development\.Module", "install the Python headers: apt-get install python3-dev"),
    (r"CMAKE_CXX_COMPILER|c\+\+: (not found|No such)", "install a compiler: apt-get install build-essential"),
    (r"Killed signal|annot allocate memory|out of memory", "memory ran out, close other programs"),
)

# What a telling line of output looks like, the most telling first.
TELLING = ("Error processing", "No space left", "Killed", "ERROR:|error:", "CMake Error", "Traceback")

FOREIGN_VARIABLES = re.compile(
    r"PYTHON(PATH|HOME)|(AMENT|CMAKE|COLCON)_PREFIX_PATH|PIP_(USER|TARGET|PREFIX)|VIRTUAL_ENV"
    r"|_ROS_WHEELS_BOOTSTRAP_COMPLETE|MAKE(FLAGS|LEVEL|OVERRIDES)|MFLAGS"
)


def clean_environment() -> dict[str, str]:
    """The environment for child processes: .venv first, nothing of a sourced ROS or of another virtual environment."""
    kept = {name: value for name, value in os.environ.items() if not FOREIGN_VARIABLES.fullmatch(name)}
    if {"AMENT_PREFIX_PATH", "_ROS_WHEELS_BOOTSTRAP_COMPLETE"} & os.environ.keys():
        kept.pop("LD_LIBRARY_PATH", None)
    kept["PATH"] = os.pathsep.join([str(VENV / "bin"), kept.get("PATH", os.defpath)])
    return kept


class Progress:
    """One line on the terminal for a part of the work, with the seconds it took.

    Args:
        title: What is being done.
        log: Where the output of the commands goes.
    """

    def __init__(self, title: str, log: Path = LOG) -> None:
        self.title = title
        self.log = log
        self.on_terminal = sys.stdout.isatty()

    def __enter__(self) -> Progress:
        """Shows the title."""
        self.log.parent.mkdir(exist_ok=True)
        with self.log.open("a") as stream:
            stream.write(f"==== {self.title}\n")
        self.log_start = self.log.stat().st_size
        self.started = self.told = time.monotonic()
        self.show("...")
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Shows the time taken."""
        took = time.monotonic() - self.started
        self.show(f"{'failed after' if error else 'done in'} {took:.1f} s", last=True)

    def show(self, text: str, last: bool = False) -> None:
        """Prints the line; on a terminal over the one before."""
        if self.on_terminal:
            print(f"\r  {self.title}: {text}\033[K", end="\n" if last else "", flush=True)
        else:
            print(f"  {self.title}: {text}", flush=True)

    def tick(self) -> None:
        """Tells that the work goes on: every second on a terminal, every 30 s elsewhere."""
        now = time.monotonic()
        if now - self.told >= (1.0 if self.on_terminal else 30.0):
            self.told = now
            self.show(f"{now - self.started:.0f} s")

    def output(self) -> str:
        """What the commands of this part wrote so far."""
        with self.log.open(errors="replace") as stream:
            stream.seek(self.log_start)
            return stream.read()

    def failure(self) -> SetupError:
        """The line that tells most, a remedy where one is known, and where the log is."""
        output = self.output()
        lines = [line.strip() for line in output.splitlines() if line.strip()] or ["no output"]
        telling = [n for pattern in TELLING for n, line in enumerate(lines) if re.search(pattern, line)]
        why = " ".join(lines[telling[0] : telling[0] + 2] if telling else lines[-1:])[:300]
        remedies = [remedy for pattern, remedy in REMEDIES if re.search(pattern, output)]
        return SetupError("; ".join([f"{self.title}: {why}", *remedies[:1], f"full output in {self.log}"]))

    def run(self, *command: object, folder: Path = ROOT, variables: dict[str, str] | None = None) -> None:
        """Runs a command with its output in the log.

        Args:
            command: Program and arguments.
            folder: Working folder.
            variables: Environment variables added to the clean environment.

        Raises:
            SetupError: the command ended with an error.
        """
        words = [str(word) for word in command]
        with self.log.open("a") as log:
            log.write(f"$ {' '.join(words)}\n")
            log.flush()
            child = subprocess.Popen(
                words,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**clean_environment(), **(variables or {})},
                cwd=str(folder),
                start_new_session=True,
            )
        try:
            while child.poll() is None:
                self.tick()
                time.sleep(0.1)
        except BaseException:
            os.killpg(child.pid, signal.SIGTERM)
            child.wait()
            raise
        if child.returncode != 0:
            raise self.failure()
