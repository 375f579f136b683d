"""Who goes first: the control loop, in real time where that is permitted; then the pictures; last what may wait.

Within the loop the node that is nearer to the robot goes first: what it waits for has been made.

On a busy machine an ordinary process waits several milliseconds for its turn: longer than the period of commands.

Where the kernel groups processes by session (autogroup, the default of desktops), niceness counts within a session
only. A process with a session of its own, as each node started by `telesurgery demo` has, sets that of its group, too.
"""

from __future__ import annotations

import contextlib
import gc
import os
from pathlib import Path

PRIORITY = 20
"""Of the node at the robot, among real-time processes; each hop farther away is one less."""
LOOP_CORES = "TELESURGERY_LOOP_CORES"
"""Environment variable with the cores that the nodes of the loop keep to, as in ``0`` or ``0,1``; empty: any."""
PICTURES = 5
"""Of what makes the pictures, among real-time processes: behind the loop, before whatever else runs."""
LITTLE_BEHIND, FAR_BEHIND = 3, 19
"""Niceness of work that may wait."""


def no_long_pauses() -> None:
    """Once a node is set up: a full garbage collection would look through all that stays, for 10 to 150 ms."""
    gc.collect()
    gc.freeze()


def keep_to_cores() -> str:
    """Keep every thread of this process to the cores that the environment names for the loop.

    Returns:
        Empty if it does so, or none are named; else why not.
    """
    wanted = os.environ.get(LOOP_CORES, "")
    if not wanted:
        return ""
    try:
        cores = {int(core) for core in wanted.split(",")}
        for thread in os.listdir("/proc/self/task"):
            os.sched_setaffinity(int(thread), cores)
    except (ValueError, OSError) as error:
        there = ", ".join(map(str, sorted(os.sched_getaffinity(0))))
        return f"{LOOP_CORES}={wanted}: {error}; cores of this process: {there}"
    return ""


def prefer_this_process(priority: int = PRIORITY) -> str:
    """Give every thread of this process real-time priority (the middleware's receiving threads, too).

    Args:
        priority: Among real-time processes; a larger one goes first.

    Returns:
        Empty if it was permitted, else why not and what would permit it.
    """
    try:
        for thread in os.listdir("/proc/self/task"):
            os.sched_setscheduler(int(thread), os.SCHED_RR, os.sched_param(priority))
    except PermissionError:
        return f"no real-time priority: allow it with 'rtprio {PRIORITY}' in /etc/security/limits.conf"
    except OSError as error:
        return f"no real-time priority: {error}"
    return ""


def follow_the_loop() -> None:
    """Go next after the control loop: for the pictures, as the arms hold without them. They keep to a share of a core.

    Where there is no real-time priority this process yields, as the loop itself is one of the others then.
    """
    if prefer_this_process(PICTURES):
        yield_to_others()


def yield_to_others() -> None:
    """Let the control loop go first: for work that may wait for it.

    Where the loop has real-time priority this work goes a little behind ordinary processes, so that a busy machine does
    not make it late, too; elsewhere far behind them, as the loop is one of them.
    """
    niceness = LITTLE_BEHIND if _real_time_permitted() else FAR_BEHIND
    os.setpriority(os.PRIO_PROCESS, 0, niceness)
    _set_group(niceness)


def _set_group(niceness: int) -> None:
    """Niceness of the session's group, where there are groups and this process has one of its own."""
    if os.getsid(0) == os.getpid():
        with contextlib.suppress(OSError):  # a kernel without groups, or one that lets nobody change them now
            Path("/proc/self/autogroup").write_text(str(niceness), encoding="ascii")


def _real_time_permitted() -> bool:
    try:
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(PRIORITY))
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
    except OSError:
        return False
    return True
