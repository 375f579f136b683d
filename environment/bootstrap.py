#!/usr/bin/env python3
"""Makes the environment in .venv: interpreter, packages, messages, the project.

Runs under any Python from 3.8 on, with the standard library only. Every step is done once: its stamp in .venv/stamps
holds a hash of what the step was made from. An interrupted step has no stamp and is done again from its beginning.
"""

from __future__ import annotations

import argparse
import fcntl
import os
import signal
import sys
import time

import packages
import project
from running import LOG
from steps import ENVIRONMENT, ROOT, SetupError, Step


def steps(requested_python: str) -> list[Step]:
    """The steps in their order; each is redone if one before it was."""
    messages = [ROOT / name for name in ("msg", "CMakeLists.txt", "package.xml")]
    messages += [ENVIRONMENT / name for name in ("crtk_msgs", "wheel_targets.cmake", "project.py")]
    return [
        Step(
            "packages",
            [packages.LOCK, ENVIRONMENT / "packages.py"],
            lambda: packages.make(requested_python),
            still_good=lambda: packages.interpreter_fits(requested_python),
        ),
        Step("messages", messages, project.build_messages),
        Step("project", [ROOT / name for name in ("setup.py", "pyproject.toml", "manifest.txt")], project.install),
        Step("check", [], project.check),
    ]


def bring_up(requested_python: str) -> None:
    """Does the steps that are not done yet.

    Raises:
        SetupError: a step failed.
    """
    started = time.monotonic()
    key = str(ROOT)
    redo = False
    for step in steps(requested_python):
        key = step.key(key)
        if redo or not step.is_done(key):
            if not redo:
                print("setting up the environment in .venv", flush=True)
                LOG.unlink(missing_ok=True)
            redo = True
            step.do(key)
    if redo:
        print(f"environment ready after {time.monotonic() - started:.0f} s", flush=True)


def wait_for_turn(folder: int) -> None:
    """Of two set-ups at once the second waits for the first."""
    try:
        fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        print("another set-up is at work here, waiting for it", flush=True)
        fcntl.flock(folder, fcntl.LOCK_EX)


def main() -> int:
    """Command line.

    Returns:
        0; 1 if a step failed; 130 after Ctrl-C.
    """
    parser = argparse.ArgumentParser(description="Make the environment in .venv.")
    parser.add_argument("--python", default="", help="interpreter to use (default: 3.11, 3.10 or 3.12, as found)")
    arguments = parser.parse_args()
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)  # ends child processes as Ctrl-C does
    folder = os.open(str(ROOT), os.O_RDONLY)
    try:
        wait_for_turn(folder)
        bring_up(arguments.python)
    except (SetupError, OSError) as error:
        print(f"set-up failed: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nset-up interrupted; the same command goes on from here", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
