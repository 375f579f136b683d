"""Lines for the user."""

from __future__ import annotations

import contextlib
import sys
from typing import TextIO


def say(text: str, stream: TextIO | None = None) -> None:
    """Print a line at once. A closed terminal or a full disk behind it must not keep a session from ending."""
    with contextlib.suppress(OSError):
        print(text, file=stream or sys.stdout, flush=True)
