"""First code of every node process that a session starts: it must not outlive the session.

Usage: python -m teleop_cli.child PARENT_PID NAME TARGET [arguments of the node]
TARGET is ``module:function`` or the path of an executable script.

The kernel sends SIGTERM when the parent dies, however it dies. A node that does not end upon it is ended by a thread
that sees that the parent is gone.
"""

from __future__ import annotations

import ctypes
import importlib
import os
import runpy
import signal
import sys
import threading
import time

_PR_SET_PDEATHSIG, _PR_SET_NAME = 1, 15
_LOOK_EVERY = 0.5
GRACE_WITHOUT_PARENT = 3.0
"""From the death of the parent to SIGKILL [s]."""


def tie_to_parent(parent: int) -> None:
    """End with the parent, whatever becomes of it."""
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    if os.getppid() != parent:  # it died before the line above
        sys.exit(0)
    threading.Thread(target=_end_when_orphaned, args=(parent,), daemon=True, name="orphan watch").start()


def show_name(name: str) -> None:
    """Show the node's name in ps and top."""
    ctypes.CDLL(None).prctl(_PR_SET_NAME, name.encode()[:15], 0, 0, 0)


def run_target(target: str) -> int:
    """Run the node; its arguments are in sys.argv.

    Returns:
        Its exit code.
    """
    if os.path.isabs(target):
        runpy.run_path(target, run_name="__main__")
        return 0
    module, _, function = target.partition(":")
    return int(getattr(importlib.import_module(module), function)() or 0)


def _end_when_orphaned(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(_LOOK_EVERY)
    time.sleep(GRACE_WITHOUT_PARENT)
    os.kill(os.getpid(), signal.SIGKILL)


def main() -> int:
    """Tie the process to its parent, then become the node."""
    parent, name, target, *arguments = sys.argv[1:]
    tie_to_parent(int(parent))
    show_name(name)
    sys.argv = [name, *arguments]
    return run_target(target)


if __name__ == "__main__":
    sys.exit(main())
