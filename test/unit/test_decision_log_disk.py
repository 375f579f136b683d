"""The decision log on a disk that is nearly full, or does not answer: it ends in time, and what is lost is counted."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from teleop_core import decision_log
from teleop_core.decision_log import DecisionLog, replay


class Adder:
    """Decides by what it was told before."""

    def __init__(self) -> None:
        self.total = 0.0

    def add(self, value: float) -> float:
        self.total += value
        return self.total


def test_room_is_left_for_the_audit_log_and_what_is_lost_is_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Logging ends while there is room, on a whole line, for good; what was written is decided again."""
    free = 3000

    def disk(_: int) -> SimpleNamespace:
        return SimpleNamespace(f_bavail=free, f_frsize=1000)

    monkeypatch.setattr(decision_log.os, "fstatvfs", disk)
    log = DecisionLog(tmp_path / "log", reserve=3_000_000)
    adder = log.watch("adder", Adder(), "add")
    assert adder.add(1.0) == 1.0
    until(lambda: log.written == 1)
    assert (log.failure, log.lost) == ("", 0)
    free = 2999
    until(lambda: log.failure != "")
    assert "nearly full: 3 MB left, kept for the audit log" in log.failure
    for _ in range(4):
        adder.add(1.0)
    assert (log.written, log.lost) == (1, 4)
    free = 10**6
    time.sleep(0.2)
    adder.add(1.0)
    log.close()
    assert (log.written, log.lost) == (1, 5)
    found = replay(tmp_path / "log", {"adder": Adder})
    assert (found.compared, found.identical, found.truncated) == (1, True, 0)


def test_what_waits_when_logging_ends_is_lost_and_counted(tmp_path: Path) -> None:
    """Not a number of room is not enough either."""
    log = DecisionLog(tmp_path / "log", reserve=10**18)
    adder = log.watch("adder", Adder(), "add")
    adder.add(1.0)
    until(lambda: log.failure != "")
    log.close()
    assert (log.written, log.lost, (tmp_path / "log").read_bytes()) == (0, 1, b"")


def test_a_disk_that_does_not_answer_at_the_end_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What it has not taken by then is lost."""
    goes_on = threading.Event()
    monkeypatch.setattr(decision_log, "LONGEST_CLOSE", 0.2)
    monkeypatch.setattr(DecisionLog, "_leave_the_reserve", lambda _: goes_on.wait(30))
    log = DecisionLog(tmp_path / "log")
    log.watch("adder", Adder(), "add").add(1.0)
    log.close()
    assert "had not taken it at the end" in log.failure
    assert log.lost == 1
    goes_on.set()


def until(condition: Any) -> None:
    end = time.monotonic() + 20.0
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)
