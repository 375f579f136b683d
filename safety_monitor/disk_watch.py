"""Free space of a file system, asked for apart from the loop: a disk that hangs must not hang the monitor."""

from __future__ import annotations

import os
import threading
from pathlib import Path

PERIOD = 1.0
"""[s]"""


class DiskWatch:
    """Asks once a second, in a thread of its own.

    Attributes:
        free: Bytes that may still be written; None while not known.
    """

    def __init__(self, folder: Path) -> None:
        """Watch the file system of `folder`, or of what is there of its path."""
        self.free: float | None = None
        self._folder = next(path for path in (folder, *folder.parents) if path.exists())
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="disk watch", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End the thread."""
        self._ended.set()

    def _watch(self) -> None:
        while True:
            try:
                found = os.statvfs(self._folder)
                self.free = float(found.f_bavail * found.f_frsize)
            except OSError:
                self.free = None
            if self._ended.wait(PERIOD):
                return
