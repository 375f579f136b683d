"""The fault campaign in simulated time, a short one; and proof that its judge sees a suite that is broken."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from campaign.recorded_input import recorded_input
from campaign.simulated import FAULTS, Row, SimulatedCampaign, run
from campaign.simulated_client_faults import MOTIONS
from campaign.simulated_clients import Said
from campaign.simulated_faults import Injection, Outcome, nothing
from campaign.simulated_judge import Course, judge
from campaign.simulated_observer import Record
from campaign.simulated_patient import SimulatedDriver
from campaign.simulated_room import ARMS, Room
from robot_driver.arbitration import Arbitration, Owner
from robot_driver.arm_limits import gate_limits
from robot_driver.command_gate import CommandGate
from robot_driver.crtk import checks
from robot_driver.crtk.external_control import ExternalControl
from robot_driver.crtk.reach import Reach
from robot_driver.gate_motion import ArmGuard, Findings
from robot_driver.gate_permit import GatePermit
from safety_monitor.supervisor import Supervisor
from teleop_core.cart import PLACEMENTS, rotation_display_in_base
from teleop_core.decision_log import DecisionLog, replay
from teleop_core.jaw import JawLimits
from teleop_core.motion_limits import MotionLimits
from teleop_core.permit import PermitHolder
from teleop_core.session import CommandReceiver, SessionLimits
from teleop_core.signals import SafetyLevel
from teleop_core.teleoperation import HandArmPair
from teleop_ros.profile_files import find_profile

SEED = 1


@pytest.fixture(scope="module")
def campaign() -> SimulatedCampaign:
    """Rooms that were brought to work by the suite as it is, before a test breaks it."""
    made = SimulatedCampaign(SEED, recorded_input("surgeon", SEED, 12.0))
    made.inject(0, "disk_low", "motion")
    return made


def failed(row: Row) -> bool:
    return row["undetected"] or row["unexplained"]


def found(campaign: SimulatedCampaign, *names: str) -> set[str]:
    """Faults, a few of each kind, that the judge finds undetected or unexplained."""
    return {name for name in names for index in range(4) if failed(campaign.inject(index, name, "motion"))}


@pytest.mark.slow
def test_every_fault_is_detected_and_explained() -> None:
    """Every fault of the campaign once, in phases in turn: none undetected, none unexplained."""
    told: list[int] = []
    rows = list(run(SEED, len(FAULTS), lambda done, _count: told.append(done)))
    assert {row["fault"] for row in rows} == set(FAULTS)
    assert [row["explanation"] for row in rows if failed(row)] == []
    assert told == list(range(1, len(FAULTS) + 1))
    assert {row["phase"] for row in rows} == {"rest", "engagement", "motion", "clutched", "recovering"}


def test_stops_come_in_time(campaign: SimulatedCampaign) -> None:
    """In motion a protective stop, a lost console and a dead monitor stop the arms within their thresholds."""
    for name, limit in (("stop_request", 30.0), ("console_dead", 100.0), ("monitor_dead", 125.0)):
        row = campaign.inject(3, name, "motion")
        assert not failed(row), row["explanation"]
        assert row["stop_ms"] is not None
        assert 0.0 <= row["stop_ms"] <= limit


def test_a_row_is_drawn_from_its_seed_alone(campaign: SimulatedCampaign) -> None:
    """The same seed gives the same row, whatever was injected before."""
    first = campaign.inject(5, "command_silence", "motion")
    campaign.inject(6, "monitor_hung", "clutched")
    assert campaign.inject(5, "command_silence", "motion") == first
    assert campaign.inject(7, "command_silence", "motion") != first


def test_a_suite_that_ignores_permits_is_found(campaign: SimulatedCampaign, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where gate and kinematics take every permit for valid, the arms move on, and the judge sees it."""
    monkeypatch.setattr(GatePermit, "valid", lambda _self, _now: True)
    monkeypatch.setattr(PermitHolder, "valid", lambda _self, _now: True)
    names = ("monitor_dead", "stop_request", "video_gone", "unpermitted_writer", "second_publisher")
    assert found(campaign, *names) == set(names)


def test_a_gate_that_ignores_the_lease_is_found(campaign: SimulatedCampaign, monkeypatch: pytest.MonkeyPatch) -> None:
    """The gate alone has to stop a writer that goes on without a permit."""
    monkeypatch.setattr(GatePermit, "valid", lambda self, _now: self.until > -math.inf)
    assert "unpermitted_writer" in found(campaign, "unpermitted_writer")


def test_a_gate_that_is_deaf_to_stops_is_found(campaign: SimulatedCampaign, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the monitor hung the gate alone has to hear the stop."""
    monkeypatch.setattr(CommandGate, "protective_stop", lambda _self: None)
    assert found(campaign, "stop_request") == {"stop_request"}


def test_a_gate_that_lets_jumps_pass_is_found(campaign: SimulatedCampaign, monkeypatch: pytest.MonkeyPatch) -> None:
    """A jump that is not refused is seen in the motion, or in that nobody is told."""
    monkeypatch.setattr(ArmGuard, "jump", lambda _self, *_arguments: Findings())
    assert found(campaign, "servo_jump") == {"servo_jump"}


def test_a_supervisor_that_never_withdraws_is_found(
    campaign: SimulatedCampaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What only the monitor sees is then undetected."""
    decide = Supervisor._next_state
    monkeypatch.setattr(Supervisor, "_next_state", lambda self: min(decide(self), SafetyLevel.OPERATING))
    names = ("video_gone", "wrong_qos", "second_publisher", "command_rubbish", "sensor_offset")
    assert found(campaign, *names) == set(names)


def test_an_arbitration_that_lets_clients_through_is_found(
    campaign: SimulatedCampaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A client that gets an arm of the session, or one that the local team has."""
    check = Arbitration.check
    monkeypatch.setattr(
        Arbitration, "check", lambda self, now, who: None if who is Owner.EXTERNAL else check(self, now, who)
    )
    names = ("client_wants_session_arm", "client_wants_local_teams_arm")
    assert found(campaign, *names) == set(names)


def test_a_refusal_without_effect_is_found(campaign: SimulatedCampaign, monkeypatch: pytest.MonkeyPatch) -> None:
    """A client that is told that it is refused, and is obeyed all the same."""

    def told_only(self: ExternalControl, now: float, who: Owner = Owner.EXTERNAL, *, moves: bool = False) -> None:
        if (refusal := self.leases.ask(now, who)) is not None:
            for verb in MOTIONS:
                self.teller.refuse(now, verb, refusal.reason)
        self._who = self.leases.owner(now) or who

    monkeypatch.setattr(ExternalControl, "_take", told_only)
    names = ("client_wants_session_arm", "client_wants_local_teams_arm")
    assert found(campaign, *names) == set(names)


def test_rubbish_that_is_repaired_is_found(campaign: SimulatedCampaign, monkeypatch: pytest.MonkeyPatch) -> None:
    """A client's rubbish that becomes a motion."""

    def repaired(_names: object, values: Sequence[float], wanted: Sequence[str]) -> tuple[float, ...]:
        return tuple(value if abs(value) < 9.0 else 0.0 for value in (*values, *(0.0,) * 6)[: len(wanted)])

    monkeypatch.setattr(checks, "joint_values", repaired)
    monkeypatch.setattr(Reach, "check_step", lambda _self, _q: None)
    monkeypatch.setattr(ArmGuard, "jump", lambda _self, *_arguments: Findings())
    assert found(campaign, "client_rubbish") == {"client_rubbish"}


def test_a_gate_that_takes_old_commands_is_found(campaign: SimulatedCampaign, monkeypatch: pytest.MonkeyPatch) -> None:
    """A client whose stamps are wrong moves the arm."""
    monkeypatch.setattr(CommandGate, "_age", lambda _self, _now, _sampled_at: None)
    monkeypatch.setattr(CommandGate, "_repeated", lambda _self, _sampled_at: None)
    assert found(campaign, "client_old_stamps") == {"client_old_stamps"}


def test_a_motion_that_outlives_its_client_is_found(
    campaign: SimulatedCampaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each kind of stream, and a move that does not end at its goal."""
    step = ExternalControl.step

    def for_ever(self: ExternalControl, now: float) -> None:
        step(self, now)
        if self._stepped_at > self._commanded_at > -math.inf:
            self._drive(now, [self._arm.gate.setpoint[0] + 0.0005, *self._arm.gate.setpoint[1:]])

    monkeypatch.setattr(ExternalControl, "step", for_ever)
    assert found(campaign, "client_lost", "client_lost_in_move") == {"client_lost", "client_lost_in_move"}


def test_a_flood_that_reaches_other_arms_is_found(campaign: SimulatedCampaign, monkeypatch: pytest.MonkeyPatch) -> None:
    """A driver that is kept from the arms of the session by a client of another one."""
    on_client = SimulatedDriver.on_client

    def busy(self: SimulatedDriver, arm: str, said: Said) -> None:
        on_client(self, arm, said)
        self._close()

    monkeypatch.setattr(SimulatedDriver, "on_client", busy)
    assert found(campaign, "client_flood") == {"client_flood"}


def test_a_local_team_that_does_not_win_is_found(campaign: SimulatedCampaign, monkeypatch: pytest.MonkeyPatch) -> None:
    """The arm moves on although it was taken."""
    monkeypatch.setattr(ExternalControl, "claim", lambda _self, _now, _taken: None)
    names = ("local_team_takes", "local_team_takes_from_client")
    assert found(campaign, *names) == set(names)


def test_a_receiver_that_takes_replays_is_found(campaign: SimulatedCampaign, monkeypatch: pytest.MonkeyPatch) -> None:
    """Repeated packets that are not refused as such are not told as such."""
    monkeypatch.setattr(CommandReceiver, "_judge_sequence", lambda _self, _sequence: None)
    assert found(campaign, "command_duplicate", "command_replay") == {"command_duplicate", "command_replay"}


# The judge by itself, with records made by hand.

REST = ((0.0,) * 6,)


def record_of(moves_until: float, told: tuple[tuple[float, str], ...] = (), moves_from: float = math.inf) -> Record:
    """An arm that moves at 0.1 rad/s until a time and from another time on, seen for a second."""
    samples, place = [], 0.0
    for index in range(400):
        time = index * 0.0025
        place += 0.1 * 0.0025 if time <= moves_until or time > moves_from else 0.0
        samples.append((time, ((place, 0.0, 0.0, 0.0, 0.0, 0.0),)))
    return Record(samples=samples, told=list(told))


def injection_of(outcome: Outcome, threshold: float = 0.1, told: tuple[str, ...] = ("alarm X",)) -> Injection:
    return Injection(nothing, nothing, 0.3, outcome, threshold, told, "made by hand")


COURSE = Course(begun=0.2, ended=0.5, seen=0.9, releases=(), held=False)
TOLD = ((0.25, "alarm X"),)


def test_judge_accepts_a_stop_in_time() -> None:
    """Still within threshold and margin, and told: detected, with both times."""
    judgement = judge(injection_of(Outcome.STOP), record_of(0.3, TOLD), record_of(1.0), COURSE)
    assert (judgement.undetected, judgement.unexplained) == ("", "")
    assert judgement.stop == pytest.approx(0.1, abs=0.006)
    assert judgement.detect == pytest.approx(0.05)


@pytest.mark.parametrize(
    ("record", "text"),
    [
        (record_of(0.4, TOLD), "an arm still moved 200.0 ms"),
        (record_of(0.3, TOLD, moves_from=0.7), "an arm still moved 700.0 ms"),
        (record_of(0.3), "nobody was told"),
        (record_of(0.3, ((0.1, "alarm X"),)), "nobody was told"),
        (record_of(0.3, ((0.85, "alarm X"),)), "after 650 ms only"),
        (record_of(0.3, ((0.25, "alarm Y"),)), "nobody was told"),
    ],
)
def test_judge_refuses_what_is_no_stop(record: Record, text: str) -> None:
    """Too late, begun again by itself, not told, told before, told too late, told something else."""
    assert text in judge(injection_of(Outcome.STOP), record, record_of(1.0), COURSE).undetected


def test_judge_allows_motion_after_a_new_gesture() -> None:
    """Released after the stop, the clutch lets the arm move again; released before, it does not."""
    moved = record_of(0.3, TOLD, moves_from=0.7)
    after = Course(0.2, 0.5, 0.9, (0.65,), False)
    before = Course(0.2, 0.5, 0.9, (0.25,), False)
    assert judge(injection_of(Outcome.STOP), moved, record_of(1.0), after).undetected == ""
    assert "an arm still moved" in judge(injection_of(Outcome.STOP), moved, record_of(1.0), before).undetected


def test_judge_refuses_a_spurious_stop() -> None:
    """Where the motion has to go on, an arm that stays behind its twin is found, and so is a stop without a reason."""
    record = record_of(0.3)
    judgement = judge(injection_of(Outcome.HARMLESS, told=()), record, record_of(1.0), COURSE)
    assert "differs from the one without the fault" in judgement.undetected
    assert judgement.unexplained == "the arms stand still and nobody was told why"


def test_judge_refuses_wild_motion_whatever_happens() -> None:
    """A step faster than an arm may go counts as undetected even where the motion may differ."""
    record = record_of(1.0)
    record.wild.append("joint 0 was told to go 1 rad in 5 ms")
    assert "wild" in judge(injection_of(Outcome.EITHER), record, record_of(1.0), COURSE).undetected


def test_judge_looks_at_the_arms_concerned() -> None:
    """Others have to go on as without the fault, and their motion is no failure to stop."""
    seen = [(at, (moved[0], still[0], still[0])) for (at, moved), (_, still) in zip(
        record_of(1.0).samples, record_of(0.0).samples, strict=True)]  # fmt: skip
    both = Record(samples=seen, told=list(TOLD))
    concerned = replace(injection_of(Outcome.STOP), arms=("PSM2",))
    assert judge(concerned, both, both, COURSE).undetected == ""
    assert "an arm still moved" in judge(replace(concerned, arms=("PSM1",)), both, both, COURSE).undetected
    rest = Record(samples=[(at, (places[1], *places[1:])) for at, places in seen], told=list(TOLD))
    assert "of PSM1" in judge(concerned, rest, both, COURSE).undetected


# Decisions of simulated time, decided again.


def logged_room(path: Path) -> Iterator[DecisionLog]:
    """A room whose decisions are written down, from its beginning, through silence and a stop, to its end."""
    room = Room(SEED, recorded_input("surgeon", SEED, 12.0), find_profile("lan"))
    log = DecisionLog(path)
    kinematics, driver, monitor = (room.nodes[name] for name in ("kinematics", "driver", "monitor"))
    monitor.supervisor = log.watch("supervisor", monitor.supervisor, "step")
    kinematics.receiver = log.watch("receiver", kinematics.receiver, "receive")
    for arm in ARMS:
        kinematics.pairs[arm] = log.watch(f"pair {arm}", kinematics.pairs[arm], "step", "stop")
        methods = ("permit", "command", "hold_reason", "enable", "protective_stop", "stand_at")
        driver.arms[arm].gate = log.watch(f"gate {arm}", driver.arms[arm].gate, *methods)
    assert room.until_works(6.0)
    room.nodes["console"].silent = True
    room.run_until(room.now + 0.2)
    room.nodes["console"].silent = False
    room.publish("safety/protective_stop", "nurse", "bleeding", True)
    room.run_until(room.now + 0.3)
    yield log
    log.close()
    assert log.failure == ""


def factories() -> dict[str, Any]:
    """What the room makes at its beginning."""
    profile = find_profile("lan")
    limits = gate_limits(0.005, profile.command_age, profile.command_hold)
    made: dict[str, Any] = {
        "supervisor": lambda: Supervisor(profile),
        "receiver": lambda: CommandReceiver(SessionLimits(max_age=profile.command_hold, begin_round_trip=1.0)),
    }
    for arm, hand in zip(ARMS, ("MTMR", "MTML"), strict=True):
        made[f"gate {arm}"] = lambda arm=arm: CommandGate(limits, PLACEMENTS[arm].ready)
        made[f"pair {arm}"] = lambda arm=arm, hand=hand: HandArmPair(
            hand, rotation_display_in_base(arm), MotionLimits(), JawLimits()
        )
    return made


def test_simulated_decisions_are_decided_again(tmp_path: Path) -> None:
    """Every object of the core decides as recorded; one result changed in its last digit is found."""
    path = tmp_path / "decisions"
    for _log in logged_room(path):
        pass
    result = replay(path, factories())
    assert result.identical, result.first_difference
    assert not result.skipped
    assert result.compared > 1000
    text = path.read_text()
    place = text.index('"call":"command"', len(text) // 2)
    end = text.index(',"sum"', place)
    line = text[place:end]
    digit = next(index for index in range(len(line) - 1, 0, -1) if line[index] in "12345678")
    changed = line[:digit] + str(int(line[digit]) + 1) + line[digit + 1 :]
    path.write_text(text[:place] + changed + text[end:])
    found = replay(path, factories())
    assert (found.different, found.altered) == (1, 1)


def test_hands_of_a_log_move_the_arms_again(tmp_path: Path) -> None:
    """The packets of a session, taken from its decision log, are an input for the campaign."""
    path = tmp_path / "receiver.log"
    for _log in logged_room(path):
        pass
    recording = recorded_input(str(path))
    assert recording.rate == pytest.approx(200.0, rel=0.2)
    room = Room(SEED + 1, recording, find_profile("lan"))
    assert room.until_works(6.0)
