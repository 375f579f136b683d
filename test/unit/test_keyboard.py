"""Keys of a terminal: read one at a time, and the terminal is left as it was."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
import termios
import time
from pathlib import Path

from audit.keyboard import Keyboard

READER = """
import sys, time
from audit.keyboard import Keyboard
with Keyboard() as keyboard:
    assert keyboard.there and keyboard.read() == ""
    print("ready", flush=True)
    keys = []
    while "q" not in keys:
        keys.append(keyboard.read())
        time.sleep(0.01)
print([key for key in keys if key])
"""


def test_keys_are_read_without_return_and_arrows_have_names(root: Path) -> None:
    """In a process that owns its terminal, as a shell starts it; afterwards the terminal echoes again."""
    leader, follower = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", f"import fcntl, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0)\n{READER}"],
        stdin=follower, stdout=subprocess.PIPE, text=True, cwd=root, start_new_session=True,
    )  # fmt: skip
    assert process.stdout is not None
    before = termios.tcgetattr(follower)
    assert process.stdout.readline() == "ready\n"
    assert not termios.tcgetattr(follower)[3] & termios.ECHO
    for key in (b" ", b"\x1b[C", b"s", b"\x1b[A", b"q"):
        os.write(leader, key)
        time.sleep(0.1)
    text, _ = process.communicate(timeout=20)
    assert text == "[' ', 'right', 's', 'up', 'q']\n"
    assert termios.tcgetattr(follower) == before
    os.close(leader)
    os.close(follower)


def test_without_a_terminal_there_are_no_keys() -> None:
    """As in a script: nothing is read, nothing is changed."""
    with Keyboard() as keyboard:
        assert not keyboard.there
        assert keyboard.read() == ""
