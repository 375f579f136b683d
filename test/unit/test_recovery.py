"""What people are told to do, in order, and who has to do it."""

from __future__ import annotations

import pytest

from safety_monitor.inputs import ArmHealth, Inputs
from safety_monitor.recovery import recovery_steps
from teleop_core.signals import SafetyLevel

PRESS_AND_RELEASE = "operator: press and release the clutch"


def steps(state: SafetyLevel, active: tuple = (), latched: tuple = (), **inputs: object) -> tuple[str, ...]:
    return recovery_steps(state, active, latched, Inputs(streams=(), **inputs))  # type: ignore[arg-type]


def test_nothing_is_left_to_do_while_the_arms_follow() -> None:
    """OPERATING and no arm waiting: no steps, whatever is only slowed."""
    following = {"PSM1": ArmHealth(ready=True)}
    assert steps(SafetyLevel.OPERATING, (("VIDEO_OLD", "left eye"),), arms=following) == ()


def test_an_arm_that_waits_for_the_gesture_says_so() -> None:
    """Permitted, but not aligned: the last step is the operator's."""
    waiting = {"PSM1": ArmHealth(ready=True), "PSM2": ArmHealth(ready=True, aligning=True)}
    assert steps(SafetyLevel.OPERATING, arms=waiting) == (PRESS_AND_RELEASE,)


def test_a_hold_is_its_remedy_then_the_gesture() -> None:
    """What clears it, who does it, which part; then re-engagement. What only slows is not in the way."""
    active = (("TRACKING_ERROR", "PSM1"), ("LINK_DEGRADED", "link"))
    assert steps(SafetyLevel.HOLD, active) == ("local team: check for contact (PSM1)", PRESS_AND_RELEASE)


def test_what_blocks_arming_is_in_the_way_too() -> None:
    """A full disk does not stop a motion but keeps it from beginning."""
    told = steps(SafetyLevel.READY, (("DISK_LOW", "disk"),))
    assert told == ("local team: free space (disk)", PRESS_AND_RELEASE)


def test_a_pause_needs_a_press_first() -> None:
    """The press ends the pause, the gesture engages."""
    told = steps(SafetyLevel.PAUSED, (), (("VIDEO_LOST", "left eye"),))
    assert told == ("operator: press the clutch", PRESS_AND_RELEASE)


@pytest.mark.parametrize("present", [True, False])
def test_a_fault_names_every_step_in_order(present: bool) -> None:
    """Cause, deadman, reset, self-test, console, alignment."""
    key = (("TRACKING_LOST", "PSM1"),)
    absent = () if present else (("OPERATOR_ABSENT", "console"),)
    told = steps(SafetyLevel.FAULT, (*key, *absent), (*key, ("VIDEO_LOST", "left eye")), operator_present=present)
    assert told == (
        "local team: free it (PSM1)",
        *(("operator: leave the console (release the deadman)",) if present else ()),
        "local team: reset (telesurgery reset)",
        "wait for the self-test",
        "operator: take the console",
        PRESS_AND_RELEASE,
    )


def test_the_self_test_is_waited_for() -> None:
    """Nothing is wrong and nothing latched: it only takes its time."""
    assert steps(SafetyLevel.SELF_TEST) == ("wait for the self-test", PRESS_AND_RELEASE)


def test_an_internal_failure_ends_the_session() -> None:
    """No reset is offered where none helps, and nothing is said twice."""
    key = (("INTERNAL_FAILURE", "safety_monitor"), ("STOP_REQUEST", "nurse"))
    told = steps(SafetyLevel.PROTECTIVE_STOP, key[:1], key, operator_present=True)
    assert told == ("engineer: end the session and start it anew (safety_monitor)", PRESS_AND_RELEASE)


def test_an_absent_operator_is_asked_to_sit_down_where_no_reset_is_needed() -> None:
    """It is a remedy like any other then; before a reset it would contradict the deadman."""
    told = steps(SafetyLevel.HOLD, (("OPERATOR_ABSENT", "console"),))
    assert told[0].startswith("operator: sit down at the console")
    assert told[1:] == (PRESS_AND_RELEASE,)


@pytest.mark.parametrize("state", [SafetyLevel.PAUSED, SafetyLevel.FAULT])
def test_without_a_console_the_local_team_resets_and_the_client_goes_on(state: SafetyLevel) -> None:
    """Nobody presses a clutch or takes a console there."""
    key = (("VIDEO_LOST", "left eye"),) if state is SafetyLevel.PAUSED else (("TRACKING_LOST", "PSM1"),)
    told = steps(state, (), key, console_expected=False)
    assert told == (
        "local team: reset (telesurgery reset)",
        "wait for the self-test",
        "CRTK client: command again",
    )


def test_without_a_console_a_hold_is_its_remedy_then_a_command() -> None:
    """What clears with its cause needs no reset."""
    told = steps(SafetyLevel.HOLD, (("TRACKING_ERROR", "PSM1"),), console_expected=False)
    assert told == ("local team: check for contact (PSM1)", "CRTK client: command again")
    assert steps(SafetyLevel.OPERATING, console_expected=False) == ()
