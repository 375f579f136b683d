"""What the monitor decides is on the disk before it is told; a grant waits for it, a withdrawal hardly."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from audit.reading import records
from safety_monitor.conditions import CLOCK_STEP
from safety_monitor.recorder_watch import (
    ANOTHER_SESSION,
    FORGOTTEN_AFTER,
    NEVER_HEARD,
    SILENT,
    SILENT_AFTER,
    UNEXPLAINED,
    RecorderWatch,
    summed_up,
)
from safety_monitor.safety_log import CHAIN, LOCAL_TEAM, LONGEST_WAIT, NOT_ON_DISK, RETRY_AFTER, SafetyLog
from safety_monitor.supervisor import Alarm, Verdict
from teleop_core.audit_writer import AuditWriter
from teleop_core.signals import SafetyLevel

SELF_TEST, READY, OPERATING, HOLD = SafetyLevel(0), SafetyLevel(1), SafetyLevel(2), SafetyLevel(3)


@dataclass
class Disk:
    """A log on a disk that does what the test wants."""

    on_disk: bool = True
    failure: str = ""
    lost: bool = False
    written: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    waits: list[tuple[bool, float | None]] = field(default_factory=list)
    actors: list[str] = field(default_factory=list)
    closed: bool = False

    def append(self, type: str, payload: Mapping[str, Any], actor: str, *, durable: bool, wait: float | None) -> str:
        self.written.append((type, dict(payload)))
        self.actors.append(actor)
        self.waits.append((durable, wait))
        return f"{type} {len(self.written)}"

    def survives(self, receipt: str) -> bool:
        assert receipt.startswith("permit")
        self.asked = receipt
        return self.on_disk

    def is_lost(self, receipt: str) -> bool:
        assert receipt.startswith("permit")
        return self.lost

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


def test_decisions_that_are_lost_are_told_when_it_begins_and_at_the_end() -> None:
    """Which, how many and why, none twice; nothing where all are written down."""

    @dataclass
    class Decisions:
        failure: str = ""
        written: int = 7
        lost: int = 0

    disk, decisions = Disk(), Decisions()
    log = SafetyLog(disk)
    log.decisions(decisions)
    log.decisions_end(decisions)
    assert disk.written == []
    decisions.failure, decisions.lost = "full", 3
    log.decisions(decisions)
    decisions.lost = 10
    log.decisions(decisions)
    log.decisions_end(decisions)
    log.decisions_end(decisions)
    gap = {"topic": "decisions", "why": "full"}
    assert disk.written == [("gap", {**gap, "first": 7, "count": 3}), ("gap", {**gap, "first": 10, "count": 7})]
    assert set(disk.waits) == {(False, 0.0)}
    assert set(disk.actors) == {CHAIN}
    late, others = Decisions("slow", 2, 4), Disk()
    SafetyLog(others).decisions_end(late)
    assert others.written == [("gap", {"topic": "decisions", "why": "slow", "first": 2, "count": 4})]
    one, few = Decisions("slow", 2, 1), Disk()
    SafetyLog(few).decisions_end(one)
    assert few.written == [("gap", {"topic": "decisions", "why": "slow", "first": 2, "count": 1})]
    SafetyLog(None).decisions(late)


def test_a_grant_waits_until_its_record_is_durable() -> None:
    """Until then the state before it is told, without permit, with the reason; the log is asked in every step."""
    disk = Disk()
    log = SafetyLog(disk)
    log.admit(verdict(READY))
    disk.on_disk = False
    for _ in range(3):
        told = log.admit(verdict(OPERATING))
        assert (told.state, told.permitted, told.arming_denied) == (READY, False, (NOT_ON_DISK,))
        assert log.withholding
    assert disk.types() == ["state", "state", "permit"]
    disk.on_disk = True
    assert log.admit(verdict(OPERATING)) == verdict(OPERATING)
    assert not log.withholding
    disk.on_disk = False
    assert log.admit(verdict(OPERATING)).permitted  # it was granted, and goes on


def test_the_first_verdict_may_be_a_grant() -> None:
    """Nothing was told before: it is as if the self-test still ran."""
    disk = Disk(on_disk=False)
    told = SafetyLog(disk).admit(verdict(OPERATING))
    assert (told.state, told.permitted) == (SELF_TEST, False)
    assert (disk.written[0][1]["from"], disk.written[0][1]["to"]) == ("", "OPERATING")
    disk.failure = "the disk is full"
    assert not SafetyLog(disk).admit(verdict(OPERATING)).permitted


def test_a_withdrawal_waits_a_few_milliseconds_at_most_and_is_told_in_any_case() -> None:
    """State and permit in one wait, whether the disk answers or not."""
    disk = Disk()
    log = SafetyLog(disk)
    log.admit(verdict(OPERATING))
    disk.written.clear()
    disk.waits.clear()
    disk.on_disk, disk.failure = False, "the disk is full"
    assert log.admit(verdict(HOLD, "LINK_POOR")) == verdict(HOLD, "LINK_POOR")
    assert disk.types() == ["state", "permit"]
    assert disk.waits == [(False, 0.0), (True, LONGEST_WAIT)]
    assert LONGEST_WAIT <= 0.005
    alarm = {"id": "LINK_POOR", "source": "link", "level": "HOLD", "latched": False, "text": "link: LINK_POOR"}
    both = {"permit_sequence": 7, "reasons": ["why not"]}
    state = {"from": "OPERATING", "to": "HOLD", "permitted": False, "velocity_ratio": 1.0, "alarms": [alarm], **both}
    assert disk.written == [("state", state), ("permit", {"granted": False, "state": "HOLD", **both})]
    assert set(disk.actors) == {CHAIN}


def test_a_grant_does_not_wait_for_the_disk_in_the_loop() -> None:
    """The loop goes on; the next steps ask."""
    disk = Disk()
    log = SafetyLog(disk)
    log.admit(verdict(READY))
    log.admit(verdict(OPERATING))
    assert disk.waits[-1] == (True, 0.0)


@pytest.mark.parametrize(
    ("before", "passes"),
    [
        ((READY,), False),
        ((SELF_TEST,), False),
        ((HOLD,), False),
        ((OPERATING, HOLD), True),
        ((OPERATING, SafetyLevel.FAULT, SELF_TEST, HOLD), False),
        ((OPERATING, READY, HOLD), False),
    ],
)
def test_a_disk_that_failed_does_not_strand_the_instruments(before: tuple[SafetyLevel, ...], passes: bool) -> None:
    """Motion does not begin without a record; after a hold in mid-operation it goes on."""
    disk = Disk()
    log = SafetyLog(disk)
    for state in before:
        log.admit(verdict(state))
    disk.on_disk = False
    assert not log.admit(verdict(OPERATING)).permitted  # slow is not failed
    disk.failure = "the disk is full"
    assert log.admit(verdict(OPERATING)).permitted is passes
    assert log.problem == "the disk is full"


def test_a_hold_before_anything_was_granted_is_no_operation() -> None:
    """A grant that was withheld, then a hold that was told: with a failed disk the next grant is withheld, too."""
    disk = Disk()
    log = SafetyLog(disk)
    log.admit(verdict(READY))
    disk.on_disk, disk.failure = False, "the disk is full"
    assert not log.admit(verdict(OPERATING)).permitted
    assert log.admit(verdict(HOLD)) == verdict(HOLD)
    assert not log.admit(verdict(OPERATING)).permitted


def test_only_the_record_of_the_grant_has_to_be_on_the_disk() -> None:
    """Alarms that come and go write further records; they do not put the grant off."""
    disk = Disk()
    log = SafetyLog(disk)
    log.admit(verdict(READY))
    disk.on_disk = False
    log.admit(verdict(OPERATING))
    for alarms in (("LINK_DEGRADED",), (), ("LINK_DEGRADED",)):
        assert not log.admit(verdict(OPERATING, *alarms)).permitted
        assert disk.asked == "permit 3"
    assert disk.types() == ["state", "state", "permit", "state", "state", "state"]


def test_a_grant_whose_record_was_lost_is_written_anew_at_once() -> None:
    """The log works again, and that record is gone for good; while it does not work the retry sees to it."""
    disk = Disk()
    log = SafetyLog(disk)
    log.admit(verdict(READY))
    disk.on_disk, disk.lost = False, True
    log.admit(verdict(OPERATING))
    assert disk.types() == ["state", "state", "permit"]
    log.admit(verdict(OPERATING))
    assert disk.types() == ["state", "state", "permit", "state", "permit"]
    disk.failure = "the disk is full"
    log.admit(verdict(OPERATING))
    assert len(disk.written) == 5
    disk.failure, disk.on_disk = "", True
    assert log.admit(verdict(OPERATING)).permitted
    written = len(disk.written)
    log.admit(verdict(OPERATING))
    assert len(disk.written) == written  # it was told: nothing is looked after any more


def test_a_log_that_failed_is_tried_again() -> None:
    """Once a second: a grant whose record was lost is written anew, and told once that is durable."""
    disk = Disk()
    log = SafetyLog(disk)
    log.admit(verdict(READY))
    disk.on_disk, disk.failure = False, "the disk is full"
    disk.written.clear()
    for _ in range(2 * RETRY_AFTER):
        assert not log.admit(verdict(OPERATING)).permitted
    assert disk.types() == ["state", "permit"] * 3
    assert [(p["from"], p["to"]) for type, p in disk.written if type == "state"] == [("READY", "OPERATING")] * 3
    assert disk.waits[-1] == (True, 0.0)
    disk.on_disk, disk.failure = True, ""
    assert log.admit(verdict(OPERATING)).permitted
    disk.failure = "the disk is full"
    disk.written.clear()
    for _ in range(RETRY_AFTER - 1):
        log.admit(verdict(OPERATING))
    disk.failure = ""
    log.admit(verdict(OPERATING))
    disk.failure = "the disk is full"
    for _ in range(RETRY_AFTER - 1):
        log.admit(verdict(OPERATING))
    assert disk.types() == []
    log.admit(verdict(OPERATING))
    assert disk.types() == ["state"]
    disk = Disk(failure="the disk is full")
    log = SafetyLog(disk)
    for _ in range(RETRY_AFTER - 1):
        log.admit(verdict(READY))
    assert disk.types() == ["state"]
    log.admit(verdict(READY))
    assert disk.types() == ["state"] * 2


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
    for step in (0.0, CLOCK_STEP, -CLOCK_STEP, 2.0, float("nan")):
        log.clock_stepped(step)
    assert disk.types() == ["stop_request", "reset", "reset", "clock_step", "clock_step"]
    assert disk.written[0][1] == {"source": "nurse", "reason": "smoke", "signed": False}
    assert disk.written[1][1] == {"accepted": False, "refusal": "the deadman is not released", "state": "FAULT"}
    assert disk.written[2][1]["accepted"] is True
    assert disk.written[3][1] == {"step_s": 2.0}
    assert disk.actors == ["nurse", LOCAL_TEAM, LOCAL_TEAM, CHAIN, CHAIN]
    assert set(disk.waits) == {(False, 0.0)}
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
    assert FORGOTTEN_AFTER > SILENT_AFTER
    watch = RecorderWatch(expected=True)
    assert watch.problem(0.0) == NEVER_HEARD
    watch.told(1.0, "any", True, "")
    assert (watch.problem(1.0), watch.problem(2.0), watch.problem(2.1)) == ("", "", SILENT)
    watch.told(3.0, "any", False, "the disk is full")
    assert watch.problem(3.0) == "the disk is full"
    watch.told(3.1, "any", False, "")
    assert watch.problem(3.1) == UNEXPLAINED
    watch.told(3.2, "any", True, "left over")
    assert watch.problem(3.2) == ""
    assert watch.problem(float("nan")) == SILENT


def test_a_recorder_of_another_session_does_not_count() -> None:
    """Whatever it says of itself; where no session is known any will do."""
    watch = RecorderWatch(True, "ab" * 16)
    for session, writing, problem in (("cd" * 16, True, ANOTHER_SESSION), ("", False, ANOTHER_SESSION)):
        watch.told(1.0, session, writing, "full")
        assert watch.problem(1.0) == problem
    watch.told(1.0, "ab" * 16, True, "")
    assert watch.problem(1.0) == ""
    watch.told(1.0, "ab" * 16, False, "full")
    assert watch.problem(1.0) == "full"


def test_the_recorder_of_a_site_that_has_left_is_forgotten() -> None:
    """Where it is not expected: silence is a problem at first, and then nobody's; one that is expected stays one."""
    for expected, at_last in ((False, None), (True, SILENT)):
        watch = RecorderWatch(expected)
        watch.told(0.0, "any", True, "")
        assert watch.problem(FORGOTTEN_AFTER) == SILENT
        assert watch.problem(FORGOTTEN_AFTER + 0.001) == at_last
        watch.told(1000.0, "any", True, "")
        assert watch.problem(1000.5) == ""


def test_every_writer_of_the_record_counts() -> None:
    """One that does not write is enough; nobody heard is unknown."""
    assert summed_up([None, None]) == (None, "")
    assert summed_up([None, ""]) == (True, "")
    assert summed_up([None, "", "full", "silent"]) == (False, "full")
