"""Opens files of a record that somebody else may have laid there: regular files only, and no links."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import BinaryIO


def open_regular(path: Path) -> BinaryIO:
    """Open a file for reading; a pipe would wait for ever, and what a link shows can be exchanged.

    Raises:
        OSError: it is a link or no file, or cannot be opened.
    """
    if not stat.S_ISREG(os.lstat(path).st_mode):
        raise _refused(path)
    # It may have been exchanged since: then neither followed nor waited for.
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise _refused(path)
    return open(descriptor, "rb")


def read_regular(path: Path) -> bytes:
    """All that a file holds.

    Raises:
        OSError: it is a link or no file, or cannot be read.
    """
    with open_regular(path) as file:
        return file.read()


def _refused(path: Path) -> OSError:
    return OSError(errno.EINVAL, "is a link or no file", str(path))
