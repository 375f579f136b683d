"""Files of the audit log on the disk: names of segments, how one ends, space that is kept for the log alone."""

from __future__ import annotations

import ctypes
import errno
import hashlib
import os
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from teleop_core.audit_record import RecordError, check_record

_SEGMENT = re.compile(r"(?P<chain>[a-z][a-z0-9_]*)\.(?P<number>[0-9]{3,6})\.audit\.jsonl")
_KEEP_SIZE = 1
_UNSUPPORTED = (errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL)


def segment_name(chain: str, number: int) -> str:
    """File name of a segment, e.g. ``recorder.000.audit.jsonl``."""
    return f"{chain}.{number:03d}.audit.jsonl"


def parse_segment(name: str) -> tuple[str, int] | None:
    """Chain and number of a segment's file name; None for any other name."""
    match = _SEGMENT.fullmatch(name)
    if match is None or segment_name(match["chain"], int(match["number"])) != name:
        return None
    return match["chain"], int(match["number"])


def segments(folder: Path, chain: str) -> list[Path]:
    """Segments of a chain in their order.

    Raises:
        OSError: the folder cannot be read.
    """
    found = [
        (parsed[1], path)
        for path in folder.iterdir()
        if (parsed := parse_segment(path.name)) is not None and parsed[0] == chain
    ]
    return [path for _, path in sorted(found)]


@dataclass(frozen=True)
class Tail:
    """How a segment ends.

    Attributes:
        record: Its last valid record; None if there is none.
        size: Bytes of the file.
        broken: What stands behind the last valid record, a line that broke off; empty if nothing does.
    """

    record: dict[str, Any] | None
    size: int
    broken: bytes


def tail(path: Path) -> Tail:
    """How a segment ends; a line counts only with its line end.

    Raises:
        OSError: the file cannot be read.
    """
    text = path.read_bytes()
    end = len(text)
    while (last := text.rfind(b"\n", 0, end)) >= 0:
        first = text.rfind(b"\n", 0, last) + 1
        try:
            return Tail(check_record(text[first:last]), len(text), text[last + 1 :])
        except RecordError:
            end = last
    return Tail(None, len(text), text)


def broken_off(text: bytes) -> dict[str, Any] | None:
    """How a record tells of bytes that are no record; None for none."""
    return {"bytes": len(text), "sha256": hashlib.sha256(text).hexdigest()} if text else None


def keep_space(descriptor: int, start: int, length: int) -> bool:
    """Set blocks of the disk aside behind the end of a file, whose size does not change.

    Returns:
        False where the file system cannot do that.

    Raises:
        OSError: no space is left.
    """
    if _fallocate is None:
        return False
    if _fallocate(descriptor, _KEEP_SIZE, ctypes.c_int64(start), ctypes.c_int64(length)) == 0:
        return True
    number = ctypes.get_errno()
    if number in _UNSUPPORTED:
        return False
    raise OSError(number, os.strerror(number))


_fallocate = ctypes.CDLL(None, use_errno=True).fallocate if sys.platform == "linux" else None
