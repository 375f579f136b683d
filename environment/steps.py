"""A step of the set-up: done once, known by a stamp that hashes what it was made from."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Callable

ENVIRONMENT = Path(__file__).resolve().parent
ROOT = ENVIRONMENT.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
STAMPS = VENV / "stamps"


class SetupError(Exception):
    """The set-up cannot go on. The text is one line: what, why, and the way out."""


class Step:
    """One step.

    Args:
        name: One word; also the name of the stamp.
        inputs: Files and folders the result depends on.
        action: Does the work; raises SetupError.
        still_good: Further condition for the stamp to count.
    """

    def __init__(
        self, name: str, inputs: list[Path], action: Callable[[], None], still_good: Callable[[], bool] = lambda: True
    ) -> None:
        self.inputs = inputs
        self.action = action
        self.still_good = still_good
        self.stamp = STAMPS / name

    def key(self, previous: str) -> str:
        """Hash of the inputs and of the key of the step before."""
        digest = hashlib.sha256(previous.encode())
        for path in self.inputs:
            for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
                if file.is_file():
                    digest.update(f"{file.relative_to(ROOT)}\0".encode())
                    digest.update(hashlib.sha256(file.read_bytes()).digest())
        return digest.hexdigest()

    def is_done(self, key: str) -> bool:
        """Whether the step was finished with these inputs."""
        return self.stamp.is_file() and self.stamp.read_text() == key and self.still_good()

    def do(self, key: str) -> None:
        """Does the work. The stamp is away while it lasts, so an interrupted step counts as not done."""
        if self.stamp.exists():
            self.stamp.unlink()
        self.action()
        STAMPS.mkdir(parents=True, exist_ok=True)
        self.stamp.write_text(key)
