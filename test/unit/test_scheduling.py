"""The control loop goes first where that is permitted, and says what would permit it where it is not."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

SCRIPT = textwrap.dedent(
    """
    import json, os, threading
    from teleop_ros.scheduling import follow_the_loop, prefer_this_process, yield_to_others

    waiting = threading.Event()
    threading.Thread(target=waiting.wait).start()
    yield_to_others()
    niceness = os.getpriority(os.PRIO_PROCESS, 0)
    follow_the_loop()
    pictures = [os.sched_getscheduler(int(thread)) for thread in os.listdir("/proc/self/task")]
    behind = os.sched_getparam(0).sched_priority
    refusal = prefer_this_process()
    policies = [os.sched_getscheduler(int(thread)) for thread in os.listdir("/proc/self/task")]
    waiting.set()
    told = {"niceness": niceness, "pictures": pictures, "behind": behind, "refusal": refusal, "policies": policies}
    print(json.dumps(told))
    """
)


AUTOGROUP = Path("/proc/self/autogroup")


def outcome(root: Path, *wrapper: str, script: str = SCRIPT, own_session: bool = False) -> Any:
    environment = {**os.environ, "PYTHONPATH": str(root)}
    command = [*wrapper, sys.executable, "-c", script]
    ended = subprocess.run(
        command,
        env=environment,
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
        start_new_session=own_session,
    )
    return json.loads(ended.stdout)


@pytest.mark.skipif(not AUTOGROUP.exists(), reason="this kernel does not group processes by session")
@pytest.mark.parametrize("own_session", [True, False])
def test_a_process_with_a_session_of_its_own_sets_the_niceness_of_its_group(root: Path, own_session: bool) -> None:
    """Between sessions only that of the group counts; a process that shares its session leaves the group alone."""
    script = (
        "import json\nfrom teleop_ros.scheduling import yield_to_others\n"
        "read = lambda: open('/proc/self/autogroup').read()\nbefore = read()\n"
        "yield_to_others()\nprint(json.dumps([before, read()]))"
    )
    before, after = outcome(root, script=script, own_session=own_session)
    if own_session:
        assert before.split()[-1] == "0"
        assert after.split()[-1] in ("3", "19")
    else:
        assert after == before


def test_every_thread_gets_the_priority_or_the_refusal_says_why(root: Path) -> None:
    """Permitted: all threads, and the work that waits stays near. Not permitted: none, and it steps far back."""
    told = outcome(root)
    if told["refusal"]:
        assert "rtprio" in told["refusal"]
        assert (set(told["policies"]), told["niceness"]) == ({os.SCHED_OTHER}, 19)
    else:
        assert (set(told["policies"]), told["niceness"]) == ({os.SCHED_RR}, 3)
    assert len(told["policies"]) == 2
    assert set(told["pictures"]) == {os.SCHED_OTHER if told["refusal"] else os.SCHED_RR}
    assert told["behind"] == (0 if told["refusal"] else 5)


@pytest.mark.skipif(
    os.geteuid() != 0 or shutil.which("setpriv") is None, reason="needs root and setpriv to drop the capability"
)
def test_without_the_permission_nothing_fails(root: Path) -> None:
    """With the capability taken away the process goes on at ordinary priority and tells how to allow more."""
    told = outcome(root, "setpriv", "--bounding-set=-sys_nice")
    assert "rtprio" in told["refusal"]
    assert set(told["policies"]) == {os.SCHED_OTHER}
    assert set(told["pictures"]) == {os.SCHED_OTHER}
    assert told["niceness"] == 19


@pytest.mark.parametrize("wanted", ["first", "", "999", "a", "0,,1"])
def test_the_loop_keeps_to_the_cores_that_are_named_or_says_why_not(root: Path, wanted: str) -> None:
    """Every thread of it; a core that there is not, and what is no core, change nothing and are told."""
    first = min(os.sched_getaffinity(0))
    script = textwrap.dedent(
        f"""
        import json, os, threading
        from teleop_ros.scheduling import LOOP_CORES, keep_to_cores

        waiting = threading.Event()
        threading.Thread(target=waiting.wait).start()
        os.environ[LOOP_CORES] = "{first if wanted == "first" else wanted}"
        refusal = keep_to_cores()
        cores = [sorted(os.sched_getaffinity(int(thread))) for thread in os.listdir("/proc/self/task")]
        waiting.set()
        print(json.dumps([refusal, cores]))
        """
    )
    refusal, cores = outcome(root, script=script)
    assert len(cores) == 2
    if wanted == "first":
        assert (refusal, cores) == ("", [[first]] * 2)
    else:
        assert cores == [sorted(os.sched_getaffinity(0))] * 2
        assert refusal.startswith(f"TELESURGERY_LOOP_CORES={wanted}: ") if wanted else refusal == ""
