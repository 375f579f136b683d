"""How the commands that read a record end: exit codes and lines for the user."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

DONE, BAD_ARGUMENTS, NOT_WRITTEN = 0, 2, 4
EXIT_CODES = """\
exit codes:
  0    done
  2    bad arguments, or no session in the folder
  4    an output could not be written
"""


def refuse(text: str, code: int) -> int:
    """Tell in one line why it ends; returns the exit code."""
    print(f"telesurgery: {text}", file=sys.stderr)
    return code


def write_whole(path: Path, content: bytes) -> None:
    """Write a file, whole or not at all.

    Raises:
        OSError: it cannot be written.
    """
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        os.chmod(name, 0o644)
        os.replace(name, path)
    except BaseException:
        os.unlink(name)
        raise
