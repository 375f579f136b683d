"""The safety monitor at its edges: equal times, the first and the last step of a state, and every word it says."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path

import pytest

from safety_monitor.causes import CAUSES
from safety_monitor.inputs import ArmHealth, Inputs, StreamHealth
from safety_monitor.recovery import ENGAGE, RELEASE_DEADMAN, RESET, TAKE_CONSOLE, WAIT_FOR_SELF_TEST
from safety_monitor.self_test import LOOP_STEPS
from safety_monitor.supervisor import SETTLED_AFTER, Supervisor, Verdict
from teleop_core.profiles import read_profile
from teleop_core.signals import SafetyLevel

LAN = read_profile(Path(__file__).parents[2] / "config/profiles/lan.yaml")
CONSOLE = StreamHealth("console", "command", 0.004)
DRIVER = StreamHealth("PSM1", "driver", 0.008)
WELL = Inputs(
    streams=(CONSOLE, DRIVER), arms={"PSM1": ArmHealth(ready=True)}, operator_present=True, loop_lag=0.01
)  # fmt: skip
STOP = {"stop_requests": (("nurse", "bleeding"),)}
LATE_DRIVER = {"streams": (CONSOLE, dataclasses.replace(DRIVER, age=0.2))}


class Monitored:
    """A supervisor, a clock, and an arm that takes every permit."""

    def __init__(self, now: float = 16.0) -> None:
        self.supervisor = Supervisor(LAN)
        self.now = now
        self.arm = ArmHealth(ready=True, permitted=False, holding=True)

    def at(self, now: float, **changes: object) -> Verdict:
        """One step at this time."""
        inputs = dataclasses.replace(WELL, arms={"PSM1": self.arm})
        verdict = self.supervisor.step(now, dataclasses.replace(inputs, **changes))
        self.arm = dataclasses.replace(
            self.arm,
            permitted=verdict.permitted,
            holding=not verdict.permitted,
            permit_sequence=verdict.permit_sequence,
        )
        self.now = now
        return verdict

    def steps(self, count: int = 1, **changes: object) -> Verdict:
        """Steps of 10 ms; the verdict of the last one."""
        for _ in range(count):
            verdict = self.at(self.now + 0.01, **changes)
        return verdict


def operating(now: float = 16.0) -> Monitored:
    """A monitor that permits motion."""
    made = Monitored(now)
    assert made.steps(LOOP_STEPS + 1).permitted
    return made


def test_the_clock_may_begin_at_zero_and_stand_still() -> None:
    """A host that was started just now has a small time, and two steps may be of one instant: neither is a fault."""
    made = Monitored()
    for _ in range(3):
        assert "CLOCK_STEP" not in [alarm.id for alarm in made.at(0.0).alarms]
    assert made.at(0.001).state is SafetyLevel.SELF_TEST


@pytest.mark.parametrize("backwards", [15.0, math.nan, -math.inf])
def test_time_that_goes_backwards_is_a_fault_until_it_has_caught_up(backwards: float) -> None:
    """The fault is told with its source, and no reset is heard before the time of before is reached again."""
    made = operating()
    newest = made.now
    verdict = made.at(backwards)
    assert (verdict.state, verdict.permitted) == (SafetyLevel.FAULT, False)
    alarm = verdict.alarms[0]
    assert (alarm.id, alarm.source) == ("CLOCK_STEP", "monotonic clock")
    assert alarm.text == f"monotonic clock: {CAUSES['CLOCK_STEP'].text} (backwards)"
    behind = made.at(newest - 0.5, operator_present=False, reset_requested=True)
    assert behind.state is SafetyLevel.FAULT
    assert behind.reset_refusal == alarm.text
    caught_up = made.at(newest, operator_present=False, reset_requested=True)
    assert caught_up.reset_refusal == ""
    assert caught_up.state is SafetyLevel.SELF_TEST


def test_the_first_message_of_the_monitor_counts_in_the_trip_test() -> None:
    """An arm that took message number 1 and holds is shown to hear the monitor."""
    made = Monitored()
    arm = ArmHealth(ready=True, permitted=False, holding=True, permit_sequence=1)
    verdicts = [made.steps(arms={"PSM1": arm}) for _ in range(LOOP_STEPS)]
    assert verdicts[-1].state is SafetyLevel.READY


def test_a_self_test_that_lasts_is_told_as_the_monitors_own() -> None:
    """After ten seconds the failing item becomes an alarm of the safety monitor."""
    made = Monitored()
    deaf = ArmHealth(ready=True, permitted=False, holding=True)
    verdict = made.steps(1010, arms={"PSM1": deaf})
    alarm = next(alarm for alarm in verdict.alarms if alarm.id == "SELF_TEST_FAILED")
    assert alarm.source == "safety_monitor"
    assert "PSM1" in alarm.text


@pytest.mark.parametrize("missing", ["operator", "arm"])
def test_ready_stays_ready_while_something_is_missing(missing: str) -> None:
    """However long nobody is there or the arm is not homed, no step permits motion."""
    made = Monitored()
    for count in range(3 * LOOP_STEPS):
        made.arm = dataclasses.replace(made.arm, ready=missing != "arm")
        verdict = made.steps(operator_present=missing != "operator")
        assert not verdict.permitted
        assert verdict.state is (SafetyLevel.READY if count >= LOOP_STEPS - 1 else SafetyLevel.SELF_TEST)


def test_a_fault_before_the_first_permit_is_a_fault() -> None:
    """In the self-test too a fault is more than a reason to wait: it is latched and has to be reset."""
    made = Monitored()
    gone = {"streams": (CONSOLE, dataclasses.replace(DRIVER, age=2.0))}
    assert made.steps(**gone).state is SafetyLevel.FAULT
    assert made.steps(3 * LOOP_STEPS).state is SafetyLevel.FAULT


def test_a_cause_counts_until_it_has_been_gone_for_exactly_the_time_said() -> None:
    """Just before that time it still holds, at that time it does not."""
    made = Monitored()
    for step in range(LOOP_STEPS + 1):
        made.at(1e-4 * step)
    assert made.steps().permitted
    seen = next(
        when for when in (2.0**-6 + 1e-4 * step for step in range(100)) if when + SETTLED_AFTER - when == SETTLED_AFTER
    )
    assert made.at(seen, **LATE_DRIVER).state is SafetyLevel.HOLD
    assert made.at(math.nextafter(seen + SETTLED_AFTER, 0.0)).state is SafetyLevel.HOLD
    assert made.at(seen + SETTLED_AFTER).state is SafetyLevel.OPERATING


def test_what_is_there_is_not_latched_and_what_is_latched_says_whose_it_is() -> None:
    """An alarm tells source, beginning and whether a person has to clear it, also after its cause has gone."""
    made = operating()
    alarm = made.steps(**LATE_DRIVER).alarms[0]
    assert (alarm.id, alarm.source, alarm.latched, alarm.since) == ("DRIVER_LATE", "PSM1", False, made.now)
    assert alarm.latched is False
    made.steps(40)
    begun = made.now + 0.01
    made.steps(**STOP)
    latched = made.steps(100).alarms[0]
    assert (latched.id, latched.source, latched.since) == ("STOP_REQUEST", "nurse", pytest.approx(begun))
    assert latched.latched is True
    assert latched.text == f"nurse: {CAUSES['STOP_REQUEST'].text} (bleeding)"


def test_a_cause_without_details_has_no_empty_brackets() -> None:
    """The text is source and cause, and nothing else."""
    verdict = operating().steps(operator_present=False)
    assert verdict.alarms[0].text == f"console: {CAUSES['OPERATOR_ABSENT'].text}"


def test_nothing_is_reset_unasked() -> None:
    """While nobody asks for a reset nothing is refused, and a latched stop whose cause has gone stays."""
    made = operating()
    assert made.steps().reset_refusal == ""
    made.steps(**STOP)
    for _ in range(100):
        verdict = made.steps(operator_present=False)
        assert (verdict.state, verdict.reset_refusal) == (SafetyLevel.PROTECTIVE_STOP, "")


def test_a_reset_is_refused_with_every_reason() -> None:
    """The cause that is still there, and the deadman that is not released, in one answer."""
    made = operating()
    verdict = made.steps(reset_requested=True, **STOP)
    stop = f"nurse: {CAUSES['STOP_REQUEST'].text} (bleeding)"
    assert verdict.reset_refusal == f"{stop}; the operator's deadman is not released"
    assert made.steps().state is SafetyLevel.PROTECTIVE_STOP


def test_only_a_missing_console_stands_for_a_released_deadman() -> None:
    """Another cause that is there does not excuse the operator; a console that has left does."""
    made = operating()
    made.steps(**STOP)
    slow = {"PSM1": dataclasses.replace(made.arm, tracking_error=0.003)}
    for _ in range(10):
        refused = made.steps(arms=slow, reset_requested=True)
    assert [alarm.id for alarm in refused.alarms] == ["STOP_REQUEST", "TRACKING_SLOW"]
    assert refused.reset_refusal == "the operator's deadman is not released"
    left = {"streams": (dataclasses.replace(CONSOLE, publishers=0), DRIVER)}
    assert made.steps(reset_requested=True, **left).reset_refusal == ""


def test_after_a_reset_the_self_test_begins() -> None:
    """The step that resets says so: nothing has been tested yet, and that keeps motion from being permitted."""
    made = operating()
    made.steps(**STOP)
    verdict = made.steps(operator_present=False, reset_requested=True)
    assert verdict.state is SafetyLevel.SELF_TEST
    assert "self-test: it begins" in verdict.arming_denied


def test_while_motion_is_permitted_nothing_is_left_to_do_and_nothing_denies_it() -> None:
    """A nearly full disk keeps motion from beginning, not from going on; an arm that follows needs no gesture."""
    made = operating()
    verdict = made.steps(disk_free=1e6)
    assert "DISK_LOW" in [alarm.id for alarm in verdict.alarms]
    assert verdict.permitted
    assert (verdict.arming_denied, verdict.recovery) == ((), ())
    made.arm = dataclasses.replace(made.arm, aligning=True)
    assert made.steps().recovery == (ENGAGE,)


def test_recovery_names_what_is_there_and_then_what_is_latched() -> None:
    """While the stop lasts its remedy comes first; once it has gone only the reset is left to do."""
    made = operating()
    remedy = f"local team: {CAUSES['STOP_REQUEST'].remedy} (nurse)"
    orders = (RELEASE_DEADMAN, RESET, WAIT_FOR_SELF_TEST, TAKE_CONSOLE, ENGAGE)
    assert made.steps(**STOP).recovery == (remedy, *orders)
    assert made.steps().recovery == orders
    assert made.steps(operator_present=False).recovery[-4:] == orders[1:]


@pytest.mark.parametrize(
    ("changes", "alarm", "detail"),
    [
        ({"arms": {"PSM1": ArmHealth(ready=True, tracking_error=0.06)}}, "TRACKING_LOST", "(60.0 mm)"),
        ({"loop_lag": 0.6}, "SELF_LAG", "(600 ms)"),
        ({"disk_free": 100_500_050.0}, "DISK_LOW", "(101 MB free)"),
    ],
)
def test_details_are_in_the_units_they_name(changes: dict[str, object], alarm: str, detail: str) -> None:
    """Metres are told as millimetres, seconds as milliseconds, bytes as megabytes."""
    verdict = operating().steps(**changes)
    assert next(item.text for item in verdict.alarms if item.id == alarm).endswith(detail)


def test_the_self_test_tells_the_slowest_loop_in_milliseconds() -> None:
    """The longest of the measured steps is named."""
    made = Monitored()
    made.steps(LOOP_STEPS - 1)
    verdict = made.steps(loop_lag=0.06)
    assert "self-test: a loop of the monitor took 60 ms" in verdict.arming_denied
    verdict = made.steps(loop_lag=0.6)
    assert "self-test: a loop of the monitor took 600 ms" in verdict.arming_denied
