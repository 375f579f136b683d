"""How far something is that takes long, a line every few seconds; nothing where it is quick."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

TELL_EVERY = 2.0
"""[s]"""

Progress = Callable[[int, int], None]
"""Takes how much is done, and of how much."""


def quietly(_done: int, _total: int) -> None:
    """Tell nobody."""


class Told:
    """Tells people on the terminal, apart from what a command prints.

    Args:
        what: What is being done.
    """

    def __init__(self, what: str) -> None:
        self._what = what
        self._next = time.monotonic() + TELL_EVERY

    def __call__(self, done: int, total: int) -> None:
        """So much is done, of so much."""
        now = time.monotonic()
        if now >= self._next:
            self._next = now + TELL_EVERY
            print(f"telesurgery: {self._what}: {100.0 * done / max(total, 1):.0f} % ...", file=sys.stderr, flush=True)
