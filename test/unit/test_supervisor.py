"""The safety monitor's state machine: what stops, what clears, who has to act."""

from __future__ import annotations

import dataclasses
import math

import pytest

from safety_monitor.causes import CAUSES, Clears, Level
from safety_monitor.conditions import Inputs, StreamHealth
from safety_monitor.supervisor import Supervisor, Verdict
from teleop_core.profiles import PROFILES
from teleop_core.signals import SafetyLevel

STREAMS = {
    "console": StreamHealth("console", "command", 0.004),
    "kinematics": StreamHealth("kinematics", "feedback", 0.008),
    "PSM1": StreamHealth("PSM1", "driver", 0.008),
    "left eye": StreamHealth("left eye", "video", 0.1),
}


class Watched:
    """A supervisor with a clock and inputs to spoil."""

    def __init__(self) -> None:
        self.supervisor = Supervisor(PROFILES["lan"])
        self.now = 10.0
        self.inputs = Inputs(
            streams=tuple(STREAMS.values()),
            operator_present=True,
            arms_ready={"PSM1": True},
            tracking_error={"PSM1": 0.0002},
            loop_lag=0.01,
        )

    def step(self, seconds: float = 0.01, **changes: object) -> Verdict:
        """Steps of 10 ms with changed inputs; the verdict of the last one."""
        verdict = None
        for _ in range(max(1, round(seconds / 0.01))):
            self.now += 0.01
            verdict = self.supervisor.step(self.now, dataclasses.replace(self.inputs, **changes))
        assert verdict is not None
        return verdict

    def stream(self, name: str, **changes: object) -> dict[str, object]:
        """Inputs with one stream changed."""
        changed = {**STREAMS, name: dataclasses.replace(STREAMS[name], **changes)}
        return {"streams": tuple(changed.values())}


@pytest.fixture
def watched() -> Watched:
    made = Watched()
    assert made.step().state is SafetyLevel.READY
    assert made.step().state is SafetyLevel.OPERATING
    return made


SETTLED = 0.35
"""Longer than a cause has to be gone [s]."""


def test_it_starts_without_a_permit_and_names_what_is_missing() -> None:
    """A stream that never spoke keeps it in SELF_TEST, and the alarm says which."""
    made = Watched()
    verdict = made.step(1.0, **made.stream("left eye", age=None))
    assert (verdict.state, verdict.permitted) == (SafetyLevel.SELF_TEST, False)
    assert [alarm.source for alarm in verdict.alarms if alarm.id == "NEVER_SEEN"] == ["left eye"]


@pytest.mark.parametrize("changes", [{"operator_present": False}, {"arms_ready": {"PSM1": False}}])
def test_ready_waits_for_operator_and_arms(changes: dict[str, object]) -> None:
    """With all streams well but nobody there, or an arm not homed, it is READY and permits nothing."""
    made = Watched()
    verdict = made.step(0.5, **changes)
    assert (verdict.state, verdict.permitted) == (SafetyLevel.READY, False)
    assert made.step(SETTLED).permitted


SPOILED = [
    ("COMMAND_SILENCE", lambda w: w.stream("console", age=0.061), SafetyLevel.HOLD),
    ("COMMAND_LOST", lambda w: w.stream("console", age=1.01), SafetyLevel.PAUSED),
    ("COMMAND_REFUSED", lambda w: {"command_refused_for": math.nan}, SafetyLevel.HOLD),
    ("CONSOLE_GONE", lambda w: w.stream("console", publishers=0), SafetyLevel.HOLD),
    ("CONSOLE_GONE", lambda w: w.stream("console", liveliness_lost=True), SafetyLevel.HOLD),
    ("OPERATOR_ABSENT", lambda w: {"operator_present": False}, SafetyLevel.HOLD),
    ("ARM_NOT_READY", lambda w: {"arms_ready": {"PSM1": False}}, SafetyLevel.HOLD),
    ("KINEMATICS_LATE", lambda w: w.stream("kinematics", age=0.11), SafetyLevel.HOLD),
    ("KINEMATICS_GONE", lambda w: w.stream("kinematics", age=1.01), SafetyLevel.FAULT),
    ("DRIVER_LATE", lambda w: w.stream("PSM1", age=0.11), SafetyLevel.HOLD),
    ("DRIVER_GONE", lambda w: w.stream("PSM1", age=math.nan), SafetyLevel.FAULT),
    ("VIDEO_STALE", lambda w: w.stream("left eye", age=0.41), SafetyLevel.HOLD),
    ("VIDEO_LOST", lambda w: w.stream("left eye", age=2.01), SafetyLevel.PAUSED),
    ("EYES_APART", lambda w: {"eyes_apart": 0.05}, SafetyLevel.HOLD),
    ("TRACKING_ERROR", lambda w: {"tracking_error": {"PSM1": 0.006}}, SafetyLevel.HOLD),
    ("TRACKING_LOST", lambda w: {"tracking_error": {"PSM1": math.nan}}, SafetyLevel.FAULT),
    ("DUPLICATE_PUBLISHER", lambda w: w.stream("console", publishers=2), SafetyLevel.FAULT),
    ("QOS_MISMATCH", lambda w: w.stream("console", qos_mismatch=True), SafetyLevel.FAULT),
    ("SELF_LAG", lambda w: {"loop_lag": 0.09}, SafetyLevel.HOLD),
    ("STOP_REQUEST", lambda w: {"stop_requests": (("nurse", "bleeding"),)}, SafetyLevel.PROTECTIVE_STOP),
]


@pytest.mark.parametrize(("cause", "spoil", "state"), SPOILED, ids=[row[0] for row in SPOILED])
def test_every_cause_stops_and_the_way_back_is_the_one_in_the_table(
    watched: Watched, cause: str, spoil: object, state: SafetyLevel
) -> None:
    """Each cause is seen, named and stops the motion; then its own way of clearing, and no other, brings it back."""
    verdict = watched.step(0.6, **spoil(watched))  # type: ignore[operator]
    assert (verdict.state, verdict.permitted) == (state, False)
    assert cause in [alarm.id for alarm in verdict.alarms]
    clears = CAUSES[cause].clears
    if clears is Clears.WITH_CAUSE:
        assert not watched.step(0.2).permitted
        assert watched.step(SETTLED).permitted
        return
    assert not watched.step(3.0).permitted
    if clears is Clears.OPERATOR:
        assert watched.step(clutch=True).permitted
        return
    assert not watched.step(clutch=True).permitted
    refused = watched.step(reset_requested=True)
    assert "deadman" in refused.reset_refusal
    accepted = watched.step(reset_requested=True, operator_present=False)
    assert accepted.reset_refusal == ""
    assert not accepted.permitted
    assert watched.step(0.5).permitted


def test_a_topic_with_one_speaker_is_watched_for_a_second_only(watched: Watched) -> None:
    """Silence on such a topic is no cause; a second publisher is."""
    quiet = StreamHealth("commands of PSM1", "sole speaker", None, publishers=1)
    assert watched.step(0.6, streams=(*STREAMS.values(), quiet)).permitted
    crowded = dataclasses.replace(quiet, publishers=2)
    assert watched.step(0.6, streams=(*STREAMS.values(), crowded)).state is SafetyLevel.FAULT


def test_a_cause_that_comes_and_goes_is_one_hold(watched: Watched) -> None:
    """An image at the edge of its age for a second makes one hold, not one for each frame."""
    old = watched.stream("left eye", age=0.41)
    states = []
    for _ in range(10):
        states.append(watched.step(0.05, **old).state)
        states.append(watched.step(0.05).state)
    assert set(states) == {SafetyLevel.HOLD}
    assert watched.step(SETTLED).permitted


def test_every_stopping_cause_of_the_table_is_covered() -> None:
    """A new row in the cause table needs a case above."""
    told_otherwise = {"NEVER_SEEN", "VIDEO_OLD", "TRACKING_SLOW"}
    assert {row[0] for row in SPOILED} | told_otherwise == set(CAUSES)


@pytest.mark.parametrize("spoil", [{"tracking_error": {"PSM1": 0.003}}, "video"])
def test_degrading_causes_slow_the_motion(watched: Watched, spoil: object) -> None:
    """Below the limits that hold, motion goes on at half speed."""
    changes = watched.stream("left eye", age=0.3) if spoil == "video" else spoil
    verdict = watched.step(0.3, **changes)  # type: ignore[arg-type]
    assert verdict.permitted
    assert verdict.velocity_ratio == 0.5
    assert watched.step().velocity_ratio == 1.0


def test_a_reset_is_refused_while_its_cause_is_there(watched: Watched) -> None:
    """The refusal tells the cause; the latch stays."""
    gone = watched.stream("PSM1", age=2.0)
    watched.step(0.1, **gone)
    refused = watched.step(reset_requested=True, operator_present=False, **gone)
    assert "driver has stopped" in refused.reset_refusal
    assert refused.state is SafetyLevel.FAULT


def test_a_press_while_something_still_holds_does_not_clear_a_pause(watched: Watched) -> None:
    """Pressed before all is well, the pedal clears nothing; pressed again when it is, it does."""
    watched.step(0.1, **watched.stream("console", age=2.0))
    late_video = watched.stream("left eye", age=0.45)
    watched.step(0.1, clutch=False, **late_video)
    watched.step(0.1, clutch=True, **late_video)
    assert watched.step(1.0).state is SafetyLevel.PAUSED
    assert watched.step(clutch=True).state is SafetyLevel.OPERATING


def test_commands_that_arrive_but_are_refused_are_told(watched: Watched) -> None:
    """The console speaks, yet nothing it says is accepted: a hold that names it, and an end when it is heard again."""
    verdict = watched.step(0.1, command_refused_for=0.6)
    assert verdict.state is SafetyLevel.HOLD
    assert "COMMAND_REFUSED" in [alarm.id for alarm in verdict.alarms]
    assert watched.step(SETTLED).permitted


def test_a_dead_console_does_not_block_the_reset(watched: Watched) -> None:
    """Its last packet said that the deadman is held; without packets nobody holds it."""
    dead = {**STREAMS, "console": dataclasses.replace(STREAMS["console"], age=5.0, publishers=0)}
    fault = {**dead, "kinematics": dataclasses.replace(STREAMS["kinematics"], age=2.0)}
    watched.step(0.1, streams=tuple(fault.values()))
    assert watched.step(reset_requested=True, streams=tuple(dead.values())).reset_refusal == ""


def test_an_arm_that_never_spoke_keeps_the_self_test_going() -> None:
    """READY needs the operating state of every arm to have been heard once."""
    made = Watched()
    verdict = made.step(0.5, arms_ready={"PSM1": None})
    assert verdict.state is SafetyLevel.SELF_TEST
    assert "operating state" in " ".join(alarm.text for alarm in verdict.alarms)


def test_a_pedal_held_down_does_not_clear_a_pause(watched: Watched) -> None:
    """PAUSED clears on a fresh press, with its cause gone; a pedal that was down all the time is not one."""
    watched.step(0.1, clutch=True, **watched.stream("console", age=2.0))
    assert watched.step(0.5, clutch=True).state is SafetyLevel.PAUSED
    assert watched.step().state is SafetyLevel.PAUSED
    assert watched.step(clutch=True).state is SafetyLevel.OPERATING


def test_the_worst_cause_wins_and_stands_first(watched: Watched) -> None:
    """With several causes the state is that of the worst, and its alarm leads the list."""
    verdict = watched.step(0.1, operator_present=False, **watched.stream("PSM1", age=1.5))
    assert verdict.state is SafetyLevel.FAULT
    assert [alarm.level for alarm in verdict.alarms] == sorted((a.level for a in verdict.alarms), reverse=True)


def test_time_that_goes_backwards_permits_nothing(watched: Watched) -> None:
    """A step with an earlier time is not permitted."""
    watched.now -= 1.0
    assert not watched.step().permitted


def test_nothing_is_paused_before_it_began() -> None:
    """A console that was late during the self-test does not need a press to become READY."""
    made = Watched()
    made.step(0.2, **made.stream("console", age=3.0))
    assert made.step().state is SafetyLevel.READY


def test_levels_and_states_have_the_numbers_of_the_messages() -> None:
    """The enumerations and the .msg constants agree."""
    messages = pytest.importorskip("telesurgery.msg", reason="messages are not built here")
    assert all(getattr(messages.Alarm, level.name) == level for level in Level)
    assert all(getattr(messages.SafetyState, state.name) == state for state in SafetyLevel)
