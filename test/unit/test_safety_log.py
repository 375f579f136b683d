"""What the monitor decides is on the disk before it is told; a grant waits for it, a withdrawal hardly."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from audit.reading import records
from safety_monitor.recorder_watch import NEVER_HEARD, SILENT, RecorderWatch
from safety_monitor.safety_log import CHAIN, LONGEST_WAIT, NOT_ON_DISK, SafetyLog
from safety_monitor.supervisor import Alarm, Verdict
from teleop_core.audit_writer import AuditWriter
from teleop_core.signals import SafetyLevel

SELF_TEST, READY, OPERATING, HOLD = SafetyLevel(0), SafetyLevel(1), SafetyLevel(2), SafetyLevel(3)


@dataclass
class Disk:
    """A log on a disk that does what the test wants."""

    everything_durable: bool = True
    failure: str = ""
    written: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    waits: list[tuple[bool, float | None]] = field(default_factory=list)
    closed: bool = False

    def append(
        self,
        type: str,
        payload: Mapping[str, Any],
        actor: str = "",
        *,
        durable: bool = False,
        wait: float | None = None,
    ) -> None:
        self.written.append((type, dict(payload)))
        self.waits.append((durable, wait))

    def close(self) -> None:
        self.closed = True

    def types(self) -> list[str]:
        return [type for type, _ in self.written]


def verdict(state: SafetyLevel, *alarms: str, latched: bool = False, refusal: str = "") -> Verdict:
    return Verdict(
        state=state,
        permitted=state is OPERATING,
        permit_sequence=7,
        velocity_ratio=1.0,
        alarms=tuple(Alarm(name, "link", 1.0, latched, f"link: {name}") for name in alarms),
        arming_denied=() if state is OPERATING else ("why not",),
        recovery=(),
        reset_refusal=refusal,
    )


def test_without_a_record_everything_passes() -> None:
    """Nothing is written, nothing is withheld."""
    log = SafetyLog(None)
    log.stop_requested("nurse", "smoke", True)
    log.clock_stepped(3.0)
    log.reset(verdict(READY))
    for state in (READY, OPERATING, HOLD):
        assert log.admit(verdict(state)) == verdict(state)
    assert (log.problem, log.withholding) == ("", False)
    log.close()


def test_a_grant_waits_until_its_record_is_durable() -> None:
    """Until then the state before it is told, without permit, with the reason; the log is asked in every step."""
    disk = Disk()
    log = SafetyLog(disk)
    log.admit(verdict(READY))
    disk.everything_durable = False
    for _ in range(3):
        told = log.admit(verdict(OPERATING))
        assert (told.state, told.permitted, told.arming_denied) == (READY, False, (NOT_ON_DISK,))
        assert log.withholding
    assert disk.types() == ["state", "state", "permit"]
    disk.everything_durable = True
    assert log.admit(verdict(OPERATING)) == verdict(OPERATING)
    assert not log.withholding
    disk.everything_durable = False
    assert log.admit(verdict(OPERATING)).permitted  # it was granted, and goes on


def test_the_first_verdict_may_be_a_grant() -> None:
    """Nothing was told before: it is as if the self-test still ran."""
    told = SafetyLog(Disk(everything_durable=False)).admit(verdict(OPERATING))
    assert (told.state, told.permitted) == (SELF_TEST, False)


def test_a_withdrawal_waits_a_few_milliseconds_at_most_and_is_told_in_any_case() -> None:
    """State and permit in one wait, whether the disk answers or not."""
    disk = Disk()
    log = SafetyLog(disk)
    log.admit(verdict(OPERATING))
    disk.written.clear()
    disk.waits.clear()
    disk.everything_durable, disk.failure = False, "the disk is full"
    assert log.admit(verdict(HOLD, "LINK_POOR")) == verdict(HOLD, "LINK_POOR")
    assert disk.types() == ["state", "permit"]
    assert disk.waits == [(False, 0.0), (True, LONGEST_WAIT)]
    assert LONGEST_WAIT <= 0.005
    state, permit = (payload for _, payload in disk.written)
    assert (state["from"], state["to"], state["permitted"]) == ("OPERATING", "HOLD", False)
    assert state["alarms"][0] == {
        "id": "LINK_POOR",
        "source": "link",
        "level": "HOLD",
        "latched": False,
        "text": "link: LINK_POOR",
    }
    assert (permit["granted"], permit["reasons"]) == (False, ["why not"])


def test_a_grant_does_not_wait_for_the_disk_in_the_loop() -> None:
    """The loop goes on; the next steps ask."""
    disk = Disk()
    log = SafetyLog(disk)
    log.admit(verdict(READY))
    log.admit(verdict(OPERATING))
    assert disk.waits[-1] == (True, 0.0)


@pytest.mark.parametrize(("before", "passes"), [(READY, False), (SELF_TEST, False), (HOLD, True)])
def test_a_disk_that_failed_does_not_strand_the_instruments(before: SafetyLevel, passes: bool) -> None:
    """Motion does not begin without a record; after a hold in mid-operation it goes on."""
    disk = Disk()
    log = SafetyLog(disk)
    log.admit(verdict(before))
    disk.everything_durable = False
    assert not log.admit(verdict(OPERATING)).permitted  # slow is not failed
    disk.failure = "the disk is full"
    assert log.admit(verdict(OPERATING)).permitted is passes
    assert log.problem == "the disk is full"


def test_alarms_that_come_go_and_latch_are_written_without_waiting() -> None:
    """Their texts may change, with ages in them, without a record."""
    disk = Disk()
    log = SafetyLog(disk)
    log.admit(verdict(HOLD))
    log.admit(verdict(HOLD, "LINK_POOR"))
    log.admit(verdict(HOLD, "LINK_POOR"))
    log.admit(verdict(HOLD, "LINK_POOR", latched=True))
    log.admit(verdict(HOLD))
    assert disk.types() == ["state"] * 4
    assert disk.waits[1:] == [(False, 0.0)] * 3


def test_what_people_ask_for_is_written() -> None:
    """Stops, resets with their refusals, jumps of the clock (not its corrections; not a number is a jump)."""
    disk = Disk()
    log = SafetyLog(disk)
    log.stop_requested("nurse", "smoke", False)
    log.reset(verdict(SafetyLevel.FAULT, refusal="the deadman is not released"))
    log.reset(verdict(SELF_TEST))
    for step in (0.0, 0.04, -0.04, 2.0, float("nan")):
        log.clock_stepped(step)
    assert disk.types() == ["stop_request", "reset", "reset", "clock_step", "clock_step"]
    assert disk.written[0][1] == {"source": "nurse", "reason": "smoke", "signed": False}
    assert disk.written[1][1] == {"accepted": False, "refusal": "the deadman is not released", "state": "FAULT"}
    assert disk.written[2][1]["accepted"] is True
    assert disk.written[3][1] == {"step_s": 2.0}
    log.close()
    assert disk.closed


def test_with_a_real_disk_a_grant_takes_milliseconds(tmp_path: Path) -> None:
    """Steps of 10 ms: it is there within a second at the very most, and then in the file."""
    log = SafetyLog(AuditWriter(tmp_path, CHAIN, "ab" * 16))
    log.admit(verdict(READY))
    steps = 0
    while not log.admit(verdict(OPERATING)).permitted:
        time.sleep(0.01)
        steps += 1
        assert steps < 100
    found = [record for record in records(tmp_path, CHAIN) if record["type"] == "permit"]
    assert [record["payload"]["granted"] for record in found] == [True]
    log.close()


def test_a_recorder_that_is_silent_does_not_write() -> None:
    """It says so ten times a second, or it does not write; one that was never heard, only where one is expected."""
    assert RecorderWatch(expected=False).problem(100.0) is None
    watch = RecorderWatch(expected=True)
    assert watch.problem(0.0) == NEVER_HEARD
    watch.told(1.0, True, "")
    assert (watch.problem(1.0), watch.problem(2.0), watch.problem(2.1)) == ("", "", SILENT)
    watch.told(3.0, False, "the disk is full")
    assert watch.problem(3.0) == "the disk is full"
    watch.told(3.1, False, "")
    assert watch.problem(3.1)
    watch.told(3.2, True, "left over")
    assert watch.problem(3.2) == ""
    assert watch.problem(float("nan")) == SILENT
