"""Files of a session: checked before anything starts, written at the end, each failure told in one line."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from teleop_cli.runner import Runner
from teleop_core.graph import BUILT_IN_SURGEON

DEVICES = (BUILT_IN_SURGEON, "gamepad")
"""Values of --hands that are not files."""


class OutputError(RuntimeError):
    """Something cannot be written; the text names it and says why."""


class HandsError(ValueError):
    """The recorded hands cannot be read; the text names the file and says why."""


def hands_to_use(hands: str) -> str:
    """The input device for the nodes: a device's name, or the absolute path of a file of recorded hands.

    Raises:
        HandsError: there is no such file, or it holds something else.
    """
    if hands in DEVICES:
        return hands
    from teleop_console.devices.device import DeviceError
    from teleop_console.devices.jigsaws import read_recording

    path = Path(hands).resolve()
    try:
        read_recording(path)
    except DeviceError as error:
        raise HandsError(f"--hands {error}; give a recording, or one of: {', '.join(DEVICES)}") from error
    return str(path)


class Outputs:
    """Where a session writes.

    Args:
        out: Folder for everything, made if it is not there; None for none.
        summary: File for the summary; None for none.

    Attributes:
        written: Files written so far.
        problems: One line for each that could not be written.
        folder: Folder of logs, parameters and session.json: `out`, or a temporary one.
        is_temporary: Whether a temporary one was made.
    """

    def __init__(self, out: Path | None, summary: Path | None) -> None:
        self.out = out.resolve() if out else None
        self.summary = summary.resolve() if summary else None
        self.written: list[str] = []
        self.problems: list[str] = []
        self.folder = Path()
        self.is_temporary = False

    def prepare(self) -> None:
        """Make the folders and prove that they can be written.

        Raises:
            OutputError: they cannot.
        """
        if self.summary is not None:
            self._prove_writable(self.summary.parent, "--summary")
            if self.summary.is_dir():
                raise OutputError(f"--summary {self.summary}: cannot be written, it is a folder: give a file")
            if self.summary.exists() and not os.access(self.summary, os.W_OK):
                raise OutputError(f"--summary {self.summary}: cannot be written, permission denied")
        if self.out is not None:
            if self.out.exists() and not self.out.is_dir():
                raise OutputError(f"--out {self.out}: cannot be written, it is a file: give a folder")
            self._prove_writable(self.out, "--out")
            self.folder = self.out
        else:
            try:
                self.folder = Path(tempfile.mkdtemp(prefix="telesurgery-"))
                self.is_temporary = True
            except OSError as error:
                raise OutputError(f"no folder for temporary files: {error}") from error

    def write_session(self, runner: Runner, domain: int) -> None:
        """Write session.json: what runs, for people and tools that look at the session from outside.

        Raises:
            OutputError: it cannot be written.
        """
        content: dict[str, Any] = {
            "pid": os.getpid(),
            "domain": domain,
            "logs": str(self.folder / "log"),
            "nodes": {child.name: child.process.pid for child in runner.children},
        }
        part = self.folder / "session.json.part"
        try:
            part.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
            part.replace(self.folder / "session.json")  # a reader sees all of it or nothing
        except OSError as error:
            raise OutputError(f"{self.folder}: {error.strerror or error}") from error

    def write(self, path: Path, writer: Callable[[Path], None]) -> None:
        """Write one file; a failure is kept as a problem and the half-written file removed."""
        try:
            writer(path)
            self.written.append(str(path))
        except (OSError, ValueError) as error:
            why = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
            self.problems.append(f"{path}: not written, {why}")
            if path.is_file():
                path.unlink(missing_ok=True)

    def _prove_writable(self, folder: Path, option: str) -> None:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=folder) as probe:
                probe.write(bytes(4096))
                probe.flush()
        except OSError as error:
            raise OutputError(f"{option} {folder}: cannot be written, {error.strerror or error}") from error
