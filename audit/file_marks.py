"""How much of the files beside chains and bag there is, with its hash: what checkpoints say of them."""

from __future__ import annotations

from collections.abc import Container
from pathlib import Path

from audit.checkpoint import RunningHash
from teleop_core.audit_disk import parse_segment


class FileMarks:
    """Follows what other processes append to files of the record; reads no more at once than it is allowed to.

    Args:
        folder: Of the record.

    Attributes:
        unread: Files that cannot be read, and why.
    """

    def __init__(self, folder: Path) -> None:
        self.unread: dict[str, str] = {}
        self._folder = folder
        self._growing: dict[str, RunningHash] = {}
        self._marks: dict[str, tuple[int, str]] = {}

    def read_on(self, most: int) -> None:
        """Read at most so many bytes of each file, as a recorder that begins again may find gigabytes."""
        self.unread = {}
        for name, path in self._beside_the_chains().items():
            follower = self._growing.setdefault(name, RunningHash(path))
            try:
                if follower.read_on(most):
                    self._marks[name] = follower.mark()
            except OSError as error:
                self.unread[name] = str(error)

    def growing(self) -> dict[str, tuple[int, str]]:
        """Files that others append to, as they were when their end was last reached; without those not read so far."""
        return dict(self._marks)

    def all_but(self, known: Container[str]) -> dict[str, tuple[int, str]]:
        """Every file that is no chain and not `known`, read to its end; what cannot be read is in `unread`."""
        self.unread, found = {}, self.growing()
        try:
            paths = sorted(self._folder.rglob("*"))
        except OSError as error:
            self.unread["."] = str(error)
            return found
        for path in paths:
            name = path.relative_to(self._folder).as_posix()
            if name in known or parse_segment(name) is not None:
                continue
            try:
                if path.is_file():
                    found[name] = self._growing.get(name, RunningHash(path)).follow()
            except OSError as error:
                self.unread[name] = str(error)
        return found

    def _beside_the_chains(self) -> dict[str, Path]:
        try:
            return {p.name: p for p in self._folder.glob("*.jsonl") if parse_segment(p.name) is None}
        except OSError as error:
            self.unread["."] = str(error)
            return {}
