"""What the monitor makes of measured and commanded joints: an error that is not known is never a small one."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

import pytest

from safety_monitor.arm_observation import OVERRULING, ArmObservation, TrackingError
from safety_monitor.inputs import COMMAND, SOLE, ArmHealth, StreamHealth
from safety_monitor.observations import Acceptance, ClockWatch, Control, PictureWatch, Rises, StreamObservation
from teleop_core.arm_model import arm_model

PLACE = [0.0, 0.0, 0.12, 0.0, 0.0, 0.0]


def joints(position: list[float], stamp: int = 1) -> Any:
    return SimpleNamespace(header=SimpleNamespace(stamp=stamp), position=position)


def test_the_error_is_the_distance_of_the_tips() -> None:
    """Three millimetres of insertion are three millimetres of error."""
    tracking = TrackingError(arm_model("PSM1"))
    assert tracking.value() == 0.0
    tracking.compare(1.0, joints(PLACE), joints([0.0, 0.0, 0.123, 0.0, 0.0, 0.0]))
    assert tracking.value() == pytest.approx(0.003)


@pytest.mark.parametrize("position", [[], [0.0] * 5, [math.nan] * 6, [math.inf, *PLACE[1:]]])
def test_rubbish_is_an_unknown_error(position: list[float]) -> None:
    """Wrong sizes and numbers that are none give NaN, which no limit lets pass; good joints end it."""
    tracking = TrackingError(arm_model("PSM1"))
    tracking.compare(1.0, joints(PLACE), joints(position))
    assert math.isnan(tracking.value())
    tracking.compare(1.1, joints(PLACE), joints(PLACE))
    assert tracking.value() == 0.0


def test_joints_of_different_instants_are_not_compared_but_not_for_ever() -> None:
    """One mismatch says nothing; half a second without a match makes the error unknown."""
    tracking = TrackingError(arm_model("PSM1"))
    tracking.compare(1.0, joints(PLACE), joints(PLACE))
    for step in range(1, 60):
        tracking.compare(1.0 + 0.01 * step, joints(PLACE, 1), joints([0.0] * 6, 2))
        assert math.isnan(tracking.value()) == (0.01 * step > 0.5)


def test_an_image_is_as_old_as_its_capture() -> None:
    """Age counts from the capture; a stamp of the future counts as fresh; what never came has no age."""
    seen = StreamObservation("left eye", SOLE)
    assert seen.health(5.0).age is None
    seen.arrived(5.0, transit=0.2)
    assert seen.health(5.1).age == pytest.approx(0.3)
    seen.arrived(6.0, transit=-3.0)
    assert seen.health(6.1).age == pytest.approx(0.1)


def test_what_is_seen_of_a_stream_is_told_whole() -> None:
    """Source, kind, census and the events of the middleware; a message ends a lost liveliness."""
    seen = StreamObservation("console", COMMAND)
    assert seen.health(1.0) == StreamHealth("console", COMMAND, None, 0, False, False)
    seen.publishers, seen.qos_mismatch, seen.liveliness_lost = 2, True, True
    assert seen.health(1.0) == StreamHealth("console", COMMAND, None, 2, True, True)
    seen.arrived(2.0)
    assert seen.health(2.5) == StreamHealth("console", COMMAND, 0.5, 2, True, False)


def test_the_error_is_unknown_only_after_half_a_second_without_a_pair() -> None:
    """At the bound it is still known."""
    tracking = TrackingError(arm_model("PSM1"))
    tracking.compare(1.0, joints(PLACE), joints(PLACE))
    tracking.compare(1.5, joints(PLACE, 1), joints(PLACE, 2))
    assert tracking.value() == 0.0
    tracking.compare(1.51, joints(PLACE, 1), joints(PLACE, 2))
    assert math.isnan(tracking.value())


def told(acceptance: Acceptance, command_at: float | None, now: float) -> float:
    command = StreamObservation("console", COMMAND)
    command.arrival = command_at
    return acceptance.refused_for(now, command)


def test_commands_are_refused_for_as_long_as_they_arrive_unaccepted() -> None:
    """From the newest accepted packet to the newest that arrived; nothing while none arrives or was accepted."""
    acceptance = Acceptance()
    assert told(acceptance, 5.0, 5.0) == 0.0
    acceptance.told(5.0, 0, 0.0)
    assert told(acceptance, 5.0, 5.0) == 0.0
    acceptance.told(5.0, 7, 0.25)
    assert told(acceptance, None, 5.0) == 0.0
    assert told(acceptance, 4.7, 4.8) == 0.0
    assert told(acceptance, 6.0, 6.0) == 1.25
    assert told(acceptance, 6.0, 6.5) == 1.25
    assert told(acceptance, 6.0, 6.51) == 0.0


def test_a_counter_counts_what_it_rose_within_the_window() -> None:
    """The first value is where it starts, a fall is a restart, and what is older than the window is forgotten."""
    rises = Rises(1.0)
    assert (rises.told(1.0, 40), rises.within(1.0)) == (0, 0)
    assert (rises.told(2.0, 43), rises.within(2.0)) == (3, 3)
    assert (rises.told(2.5, 44), rises.within(2.5)) == (1, 4)
    assert rises.told(2.5, 44) == 0
    assert rises.within(3.0) == 4
    assert rises.within(3.01) == 1
    assert (rises.told(3.1, 0), rises.within(3.1)) == (0, 1)
    assert (rises.told(3.2, 2), rises.within(3.2)) == (2, 3)
    assert rises.within(4.21) == 0


def test_a_jump_of_the_wall_clock_is_seen_once() -> None:
    """Against the monotonic clock, either way; a reading that was interrupted says nothing."""
    clock = ClockWatch()
    clock.read(1.0, 101.0, 1.0)
    assert clock.step == 0.0
    clock.read(1.5, 101.5, 1.5)
    assert clock.step == 0.0
    clock.read(2.0, 99.0, 2.0)
    assert clock.step == pytest.approx(-3.0)
    clock.read(2.5, 99.5, 2.5)
    assert clock.step == 0.0
    clock.read(3.0, 500.0, 3.006)
    assert clock.step == 0.0
    clock.read(4.0, 111.0025, 4.005)
    assert clock.step == pytest.approx(10.0)
    clock.read(5.0, 500.0, 5.006)
    assert clock.step == 0.0


def report(**changes: Any) -> Any:
    made = {
        "permitted": True, "holding": False, "permit_session": 5, "permit_sequence": 77,
        "limit_reasons": [], "limit_seconds": [],
    }  # fmt: skip
    return SimpleNamespace(**{**made, **changes})


def test_an_arm_that_was_not_heard_is_unknown() -> None:
    """Neither ready nor not, no report, no error yet."""
    assert ArmObservation("PSM1").health(1.0, 5) == ArmHealth()


def test_the_report_of_a_gate_counts_for_half_a_second() -> None:
    """It says whether the gate is permitted and holds; an old one says nothing."""
    arm = ArmObservation("PSM1")
    arm.on_report(1.0, report())
    assert arm.health(1.5, 5) == ArmHealth(permitted=True, holding=False, permit_sequence=77)
    assert arm.health(1.51, 5) == ArmHealth()
    arm.on_report(2.0, report(permitted=False, holding=True))
    assert arm.health(2.0, 5) == ArmHealth(permitted=False, holding=True, permit_sequence=77)


def test_only_permits_of_this_monitor_count() -> None:
    """A gate that follows another monitor has not heard this one."""
    arm = ArmObservation("PSM1")
    arm.on_report(1.0, report(permit_session=6))
    assert arm.health(1.0, 5).permit_sequence == 0


@pytest.mark.parametrize("seconds", [[math.inf, -math.inf], [math.nan, 1.0], [-math.inf, 0.0]])
def test_times_that_are_none_count_as_for_ever(seconds: list[float]) -> None:
    """No sum of them fails, and what cannot be told counts as the worst."""
    arm = ArmObservation("PSM1")
    arm.on_report(1.0, report(limit_reasons=["command jumps", "command jumps"], limit_seconds=seconds))
    assert arm.health(1.0, 5).overruled == math.inf


def test_what_the_gate_overruled_adds_up_over_five_seconds() -> None:
    """Only what the kinematics would not have sent counts, not what is limited in the course of things."""
    arm = ArmObservation("PSM1")
    arm.on_report(1.0, report(limit_reasons=["command jumps", "joint velocity"], limit_seconds=[0.25, 9.0]))
    arm.on_report(3.0, report(limit_reasons=["joint range", "command jumps"], limit_seconds=[0.25, 0.5]))
    assert arm.health(3.0, 5).overruled == 1.0
    assert arm.health(6.0, 5).overruled == 1.0
    assert arm.health(6.01, 5).overruled == 0.75
    arm.on_report(7.0, report(limit_reasons=["command too old"], limit_seconds=[3.0]))
    assert arm.health(8.01, 5).overruled == 0.0


def test_overruling_reasons_are_words_of_the_gate() -> None:
    """The gate and the monitor are written apart; their words have to agree."""
    gate = pytest.importorskip("robot_driver.command_gate")
    assert set(OVERRULING) <= {reason.value for reason in gate.GateReason}


def test_an_arm_found_enabled_is_told_once() -> None:
    """Only the first word of an arm can tell that somebody else had it enabled."""
    arm = ArmObservation("PSM1")
    assert arm.on_operating_state(True)
    assert not arm.on_operating_state(True)
    assert arm.health(1.0, 5).ready
    other = ArmObservation("PSM1")
    assert not other.on_operating_state(False)
    assert not other.on_operating_state(True)
    assert other.ready is True


def test_measured_joints_are_compared_with_the_setpoint_before_them() -> None:
    """Without a setpoint there is nothing to compare; what waits for the gesture is passed on."""
    arm = ArmObservation("PSM1")
    arm.on_measured(1.0, joints(PLACE))
    assert arm.health(9.0, 5).tracking_error == 0.0
    arm.on_setpoint(joints(PLACE))
    arm.on_measured(9.0, joints([0.0, 0.0, 0.123, 0.0, 0.0, 0.0]))
    arm.aligning = True
    assert arm.health(9.0, 5).tracking_error == pytest.approx(0.003)
    assert arm.health(9.0, 5).aligning


def test_only_packets_near_the_newest_accepted_one_speak_for_the_operator() -> None:
    """Before anybody is in control all speak; then the window is what was accepted, whatever arrives."""
    control = Control()
    assert control.believes(9, 10**9)
    control.told(7, 1000)
    assert [control.believes(7, number) for number in (959, 960, 1000, 1500, 1501)] == [False, True, True, True, False]
    assert not control.believes(8, 1000)
    control.told(0, 0)
    assert control.believes(8, 1000)


def test_a_picture_that_does_not_change_is_noticed_whatever_its_stamps() -> None:
    """The time counts from its first arrival to its newest one; another picture ends it, the old one begins anew."""
    watch = PictureWatch()
    assert watch.unchanged_for == 0.0
    for now, content, unchanged in ((1.0, 7, 0.0), (1.25, 7, 0.25), (1.5, 7, 0.5), (2.0, 8, 0.0), (2.5, 7, 0.0)):
        watch.arrived(now, content)
        assert watch.unchanged_for == unchanged
