"""How the commands that read a record end: exit codes and lines for the user."""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

DONE, BAD_RECORD, BAD_ARGUMENTS, NOT_WRITTEN = 0, 1, 2, 4
EXIT_CODES = """\
exit codes:
  0    done
  2    bad arguments, or no session in the folder
  4    an output could not be written
"""
CHECK_EXIT_CODES = """\
exit codes:
  0    all is well
  1    the record is bad, or decisions differ
  2    bad arguments, or no session in the folder
"""


def is_session(folder: Path) -> bool:
    """Whether something of a record is in the folder, were it only a part."""
    return (folder / "session.json").is_file() or any(folder.glob("*.audit.jsonl"))


def no_session(folder: Path) -> str:
    """What to tell where there is none."""
    what = "holds no record of a session" if folder.is_dir() else "is no folder"
    return f"{folder}: {what}; give the folder that the recorder named, as in ~/.ros/telesurgery/records"


def misplaced(out: Path) -> str:
    """Why nothing may be written there: it lies in a record, which holds what was recorded and nothing else.

    Args:
        out: File or folder that is to be written.

    Returns:
        Why, and where to write instead; empty if it lies elsewhere.
    """
    there = out.resolve()
    around = [folder for folder in (there, *there.parents) if is_session(folder)]
    if not around:
        return ""
    outside = around[-1].parent / (there.name if there != around[-1] else f"{there.name}.out")
    return f"{out}: lies in the record {around[-1]}, which this would alter; write elsewhere, as with --out {outside}"


def refuse(text: str, code: int) -> int:
    """Tell in one line why it ends; returns the exit code."""
    print(f"telesurgery: {text}", file=sys.stderr)
    return code


def write_whole(path: Path, content: bytes) -> None:
    """Write a file, whole or not at all.

    Raises:
        OSError: it cannot be written.
    """
    with whole(path) as file:
        file.write(content)


@contextlib.contextmanager
def whole(path: Path) -> Iterator[IO[bytes]]:
    """A file to write into that takes its place when all is written; where that fails nothing is left of it.

    Raises:
        OSError: it cannot be written.
    """
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
        os.chmod(name, 0o644)
        os.replace(name, path)
    except BaseException:
        os.unlink(name)
        raise
