"""Starts the nodes of a session as child processes, watches them, stops them: arms hold first, nothing stays behind."""

from __future__ import annotations

import importlib.metadata
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from teleop_cli.cpu import CpuShares
from teleop_core.graph import NodeSpec, enclave
from teleop_ros.shared_files import loopback_environment

PACKAGE = "telesurgery"
FIRST_TO_STOP = "master_input"
"""Without commands the arms hold: the operator's node ends before all others."""
PATIENCE = 3.0
"""From SIGTERM to SIGKILL [s]."""
PATIENCE_WITH_RECORDS = 20.0
"""The same for what finishes a record, on a disk that may be slow [s]."""
LAST_LINES = 12
OUTPUT_TO_FILES = {"PYTHONUNBUFFERED": "1", "RCUTILS_COLORIZED_OUTPUT": "0"}


def session_environment(domain: int) -> dict[str, str]:
    """The environment of a session's processes; what the user has set wins.

    Args:
        domain: ROS domain of the session.
    """
    return {**loopback_environment(), **OUTPUT_TO_FILES, **os.environ, "ROS_DOMAIN_ID": str(domain)}


class StartError(RuntimeError):
    """A node cannot be started; the text says which and why."""


@dataclass
class Child:
    """One running node.

    Attributes:
        spec: The node.
        process: Its process.
        log: File with its output.
        stopping: It was asked to end.
    """

    spec: NodeSpec
    process: subprocess.Popen[bytes]
    log: Path
    stopping: bool = False

    @property
    def name(self) -> str:
        """Name of the node."""
        return self.spec.node

    def last_lines(self) -> list[str]:
        """The last lines of its output."""
        try:
            return self.log.read_text(errors="replace").splitlines()[-LAST_LINES:]
        except OSError:
            return []

    def how_it_ended(self) -> str:
        """In words; for a process that ended."""
        code = self.process.returncode
        if code >= 0:
            return f"ended with exit code {code}"
        try:
            return f"was ended by {signal.Signals(-code).name}"
        except ValueError:
            return f"was ended by signal {-code}"


def find_target(executable: str) -> str:
    """What to run for a node: ``module:function`` where pip installed the suite, the script where colcon did.

    Raises:
        StartError: the suite is not installed.
    """
    for distribution in importlib.metadata.distributions(name=PACKAGE):
        for point in distribution.entry_points:
            if point.group == "console_scripts" and point.name == executable:
                return point.value
    for prefix in os.environ.get("AMENT_PREFIX_PATH", "").split(os.pathsep):
        script = Path(prefix) / "lib" / PACKAGE / executable
        if prefix and script.is_file():
            return str(script.resolve())
    raise StartError(f"{executable}: not installed (no entry point, no lib/{PACKAGE}/{executable})")


def write_parameters(specs: Sequence[NodeSpec], path: Path) -> None:
    """Write the nodes' parameters as a ROS parameter file; JSON is YAML.

    Raises:
        OSError: the file cannot be written.
    """
    content: dict[str, Any] = {spec.node: {"ros__parameters": spec.parameters} for spec in specs}
    path.write_text(json.dumps(content, indent=1), encoding="utf-8")


class Runner:
    """The child processes of a session.

    Must be used from one thread: the kernel ties a child's life to the thread that started it.

    Args:
        specs: Nodes, in the order in which they are started.
        folder: Where parameter file and logs go.
        environment: Environment of the children.
        target_of: Finds what to run for a node.
    """

    def __init__(
        self,
        specs: Sequence[NodeSpec],
        folder: Path,
        environment: Mapping[str, str],
        target_of: Callable[[str], str] = find_target,
    ) -> None:
        self.specs = list(specs)
        self.folder = folder
        self.environment = dict(environment)
        self.target_of = target_of
        self.children: list[Child] = []
        self.cpu: CpuShares | None = None

    def start(self) -> None:
        """Start all nodes at once.

        Raises:
            StartError: one cannot be started; those already started run and must be stopped.
            OSError: the folder cannot be written.
        """
        targets = [self.target_of(spec.executable) for spec in self.specs]
        parameters = self.folder / "parameters.yaml"
        write_parameters(self.specs, parameters)
        (self.folder / "log").mkdir(exist_ok=True)
        for spec, target in zip(self.specs, targets, strict=True):
            self.children.append(self._start_one(spec, target, parameters))

    def _start_one(self, spec: NodeSpec, target: str, parameters: Path) -> Child:
        log = self.folder / "log" / f"{spec.node}.log"
        wrapper = [sys.executable, "-m", "teleop_cli.child", str(os.getpid()), spec.executable, target]
        arguments = ["--ros-args", "--params-file", str(parameters), "--enclave", enclave(spec.node)]
        arguments += ["--disable-external-lib-logs", *(["-r", f"__node:={spec.name}"] if spec.name else [])]
        with log.open("wb") as output:
            try:
                process = subprocess.Popen(
                    wrapper + arguments,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    env=self.environment,
                    start_new_session=True,  # the terminal's Ctrl-C reaches only the session's own process
                )
            except OSError as error:
                raise StartError(f"{spec.node}: {error}") from error
        return Child(spec, process, log)

    def crashed(self) -> list[Child]:
        """Children that ended without being asked."""
        return [child for child in self.children if not child.stopping and child.process.poll() is not None]

    def begin_cpu(self, now: float) -> None:
        """Measure the CPU shares from here [s]."""
        self.cpu = CpuShares({**{child.name: child.process.pid for child in self.children}, PACKAGE: os.getpid()}, now)

    def end_cpu(self, now: float) -> None:
        """Measure them up to here [s]."""
        if self.cpu is not None:
            self.cpu.end(now)

    def cpu_shares(self, now: float) -> dict[str, float]:
        """Mean share of one core by process; empty before the measurement began."""
        return {} if self.cpu is None else self.cpu.shares(now)

    def stop_operator(self, meanwhile: Callable[[], None] = lambda: None) -> None:
        """Stop the operator's node: from now on no command comes, and the arms hold.

        Args:
            meanwhile: Called again and again while waiting; short.
        """
        self._end([child for child in self.children if child.name == FIRST_TO_STOP], meanwhile)

    def stop(self, meanwhile: Callable[[], None] = lambda: None) -> None:
        """Stop every child and reap it: the operator's node first, what holds the arms last, then what records it.

        Args:
            meanwhile: Called again and again while waiting; short.
        """
        self.stop_operator(meanwhile)
        recording = [child for child in self.children if child.spec.records]
        holding = [child for child in self.children if child.spec.holds_arm]
        self._end([child for child in self.children if child not in (*holding, *recording)], meanwhile)
        self._end(holding, meanwhile)
        for child in recording:  # one after the other: the next one sees what the last one signed at its end
            self._end([child], meanwhile, PATIENCE_WITH_RECORDS)

    def _end(self, group: list[Child], meanwhile: Callable[[], None], patience: float = PATIENCE) -> None:
        for child in group:
            if not child.stopping and child.process.poll() is None:
                child.process.terminate()
                child.stopping = True
        deadline = time.monotonic() + patience
        while any(child.process.poll() is None for child in group):
            if time.monotonic() > deadline:
                for child in group:
                    child.process.kill()
                    child.process.wait()
                return
            meanwhile()
            time.sleep(0.02)
