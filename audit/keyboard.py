"""Keys of a terminal, one at a time and without waiting; nothing where there is no terminal."""

from __future__ import annotations

import os
import select
import sys
import termios
import tty
from types import TracebackType
from typing import Any

_ARROWS = {"\x1b[A": "up", "\x1b[B": "down", "\x1b[C": "right", "\x1b[D": "left"}


class Keyboard:
    """Reads keys while it is open; the terminal is as before when it is closed."""

    def __init__(self) -> None:
        self._descriptor: int | None = None
        self._before: list[Any] = []

    def __enter__(self) -> Keyboard:
        """Take the terminal, if standard input is one and this process is in front of it."""
        try:
            descriptor = sys.stdin.fileno()
            if os.isatty(descriptor) and os.tcgetpgrp(descriptor) == os.getpgrp():
                self._before = termios.tcgetattr(descriptor)
                tty.setcbreak(descriptor)
                self._descriptor = descriptor
        except (OSError, ValueError, termios.error):
            self._descriptor = None
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        """Give it back."""
        if self._descriptor is not None:
            termios.tcsetattr(self._descriptor, termios.TCSADRAIN, self._before)

    @property
    def there(self) -> bool:
        """There is a terminal."""
        return self._descriptor is not None

    def read(self) -> str:
        """A key that was pressed: its character, or up, down, left, right; empty if none was."""
        if self._descriptor is None or not select.select([self._descriptor], [], [], 0.0)[0]:
            return ""
        text = os.read(self._descriptor, 8).decode("utf-8", "replace")
        return _ARROWS.get(text, text[:1])
