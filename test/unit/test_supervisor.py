"""The safety monitor's state machine: what stops, what clears, who has to act."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path

import pytest

from safety_monitor.causes import CAUSES, Clears, Level, Priority
from safety_monitor.inputs import ArmHealth, Inputs, LinkQuality, StreamHealth
from safety_monitor.supervisor import Supervisor, Verdict
from teleop_core.profiles import read_profile
from teleop_core.signals import SafetyLevel

LAN = read_profile(Path(__file__).parents[2] / "config/profiles/lan.yaml")
STREAMS = {
    "console": StreamHealth("console", "command", 0.004),
    "kinematics": StreamHealth("kinematics", "feedback", 0.008),
    "PSM1": StreamHealth("PSM1", "driver", 0.008),
    "left eye": StreamHealth("left eye", "video", 0.1),
}
WELL = ArmHealth(ready=True, tracking_error=0.0002, permitted=False, holding=True)


class Watched:
    """A supervisor with a clock, inputs to spoil, and an arm whose gate takes every permit."""

    def __init__(self, profile: object = LAN) -> None:
        self.supervisor = Supervisor(profile)  # type: ignore[arg-type]
        self.now = 10.0
        self.inputs = Inputs(streams=tuple(STREAMS.values()), arms={"PSM1": WELL}, operator_present=True, loop_lag=0.01)

    def step(self, seconds: float = 0.01, **changes: object) -> Verdict:
        """Steps of 10 ms with changed inputs, those of the arm given as `arm`; the verdict of the last one."""
        verdict = None
        of_arm = changes.pop("arm", {})
        for _ in range(max(1, round(seconds / 0.01))):
            self.now += 0.01
            arms = {name: dataclasses.replace(arm, **of_arm) for name, arm in self.inputs.arms.items()}  # type: ignore[arg-type]
            verdict = self.supervisor.step(self.now, dataclasses.replace(self.inputs, **{"arms": arms, **changes}))
            heard = dataclasses.replace(
                self.inputs.arms["PSM1"],
                permitted=verdict.permitted,
                holding=not verdict.permitted,
                permit_sequence=verdict.permit_sequence,
            )
            self.inputs = dataclasses.replace(self.inputs, arms={"PSM1": heard})
        assert verdict is not None
        return verdict

    def stream(self, name: str, **changes: object) -> dict[str, object]:
        """Inputs with one stream changed."""
        changed = {**STREAMS, name: dataclasses.replace(STREAMS[name], **changes)}
        return {"streams": tuple(changed.values())}


@pytest.fixture
def watched() -> Watched:
    made = Watched()
    assert made.step(TEST_TIME).state is SafetyLevel.READY
    assert made.step().state is SafetyLevel.OPERATING
    return made


TEST_TIME = 0.5
"""The self-test measures the loop for this long [s]."""
SETTLED = 0.35
"""Longer than a cause has to be gone [s]."""


def test_it_starts_without_a_permit_and_names_what_is_missing() -> None:
    """A stream that never spoke keeps it in SELF_TEST, and the alarm says which."""
    made = Watched()
    verdict = made.step(1.0, **made.stream("left eye", age=None))
    assert (verdict.state, verdict.permitted) == (SafetyLevel.SELF_TEST, False)
    assert [alarm.source for alarm in verdict.alarms if alarm.id == "NEVER_SEEN"] == ["left eye"]


@pytest.mark.parametrize("changes", [{"operator_present": False}, {"arm": {"ready": False}}])
def test_ready_waits_for_operator_and_arms(changes: dict[str, object]) -> None:
    """With all streams well but nobody there, or an arm not homed, it is READY and permits nothing."""
    made = Watched()
    verdict = made.step(0.5, **changes)
    assert (verdict.state, verdict.permitted) == (SafetyLevel.READY, False)
    assert made.step(TEST_TIME).permitted


SPOILED = [
    ("COMMAND_SILENCE", lambda w: w.stream("console", age=0.061), SafetyLevel.HOLD),
    ("COMMAND_LOST", lambda w: w.stream("console", age=1.01), SafetyLevel.PAUSED),
    ("COMMAND_REFUSED", lambda w: {"command_refused_for": math.nan}, SafetyLevel.HOLD),
    ("CONSOLE_GONE", lambda w: w.stream("console", publishers=0), SafetyLevel.HOLD),
    ("CONSOLE_GONE", lambda w: w.stream("console", liveliness_lost=True), SafetyLevel.HOLD),
    ("OPERATOR_ABSENT", lambda w: {"operator_present": False}, SafetyLevel.HOLD),
    ("ARM_NOT_READY", lambda w: {"arm": {"ready": False}}, SafetyLevel.HOLD),
    ("KINEMATICS_LATE", lambda w: w.stream("kinematics", age=0.11), SafetyLevel.HOLD),
    ("KINEMATICS_GONE", lambda w: w.stream("kinematics", age=1.01), SafetyLevel.FAULT),
    ("DRIVER_LATE", lambda w: w.stream("PSM1", age=0.11), SafetyLevel.HOLD),
    ("DRIVER_GONE", lambda w: w.stream("PSM1", age=math.nan), SafetyLevel.FAULT),
    ("VIDEO_STALE", lambda w: w.stream("left eye", age=0.41), SafetyLevel.HOLD),
    ("VIDEO_LOST", lambda w: w.stream("left eye", age=2.01), SafetyLevel.PAUSED),
    ("EYES_APART", lambda w: {"eyes_apart": 0.05}, SafetyLevel.HOLD),
    ("VIDEO_FROZEN", lambda w: {"eyes_unchanged": {"left": 1.0}}, SafetyLevel.HOLD),
    ("EYES_SWAPPED", lambda w: {"eyes_swapped": ("left", "right")}, SafetyLevel.HOLD),
    ("TRACKING_ERROR", lambda w: {"arm": {"tracking_error": 0.006}}, SafetyLevel.HOLD),
    ("TRACKING_LOST", lambda w: {"arm": {"tracking_error": math.nan}}, SafetyLevel.FAULT),
    ("DUPLICATE_PUBLISHER", lambda w: w.stream("console", publishers=2), SafetyLevel.FAULT),
    ("QOS_MISMATCH", lambda w: w.stream("console", qos_mismatch=True), SafetyLevel.FAULT),
    ("SELF_LAG", lambda w: {"loop_lag": 0.09}, SafetyLevel.HOLD),
    ("CLOCK_STEP", lambda w: {"clock_step": -0.06}, SafetyLevel.FAULT),
    ("REPLAY_FLOOD", lambda w: {"replayed": 21}, SafetyLevel.HOLD),
    ("NON_FINITE", lambda w: {"not_finite": ("kinematics",)}, SafetyLevel.HOLD),
    ("AUTH_FAIL", lambda w: {"unauthenticated": ("PSM1",)}, SafetyLevel.FAULT),
    ("LIMIT_REPEATED", lambda w: {"arm": {"overruled": 1.1}}, SafetyLevel.FAULT),
    ("PERMIT_NOT_TAKEN", lambda w: {"arm": {"permitted": False}}, SafetyLevel.FAULT),
    ("LINK_POOR", lambda w: {"link": LinkQuality(0.1, 0.41, 0.001, 0.0)}, SafetyLevel.HOLD),
    ("LINK_POOR", lambda w: {"link": LinkQuality(0.1, 0.1, 0.081, 0.0)}, SafetyLevel.HOLD),
    ("LINK_POOR", lambda w: {"link": LinkQuality(0.1, 0.1, 0.001, 0.21)}, SafetyLevel.HOLD),
    ("LINK_POOR", lambda w: {"link": LinkQuality(1.1, 0.1, 0.001, 0.0)}, SafetyLevel.HOLD),
    ("STOP_UNSIGNED", lambda w: {"unsigned_stops": (("anybody", "mischief"),)}, SafetyLevel.HOLD),
    ("STOP_REQUEST", lambda w: {"stop_requests": (("nurse", "bleeding"),)}, SafetyLevel.PROTECTIVE_STOP),
    ("MONITOR_RESTARTED", lambda w: {"found_enabled": ("PSM1",)}, SafetyLevel.PROTECTIVE_STOP),
]


@pytest.mark.parametrize(("cause", "spoil", "state"), SPOILED, ids=[row[0] for row in SPOILED])
def test_every_cause_stops_and_the_way_back_is_the_one_in_the_table(
    watched: Watched, cause: str, spoil: object, state: SafetyLevel
) -> None:
    """Each cause is seen, named and stops the motion; then its own way of clearing, and no other, brings it back."""
    verdict = watched.step(0.7, **spoil(watched))  # type: ignore[operator]
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
    assert watched.step(TEST_TIME + 0.02).permitted


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
    with_their_own_test = {
        "NEVER_SEEN", "SELF_TEST_FAILED", "VIDEO_OLD", "TRACKING_SLOW", "LINK_DEGRADED", "LINK_LOST", "SEQUENCE_REPLAY",
        "GATE_OPEN", "RECORDER_DOWN", "DECISIONS_LOST", "DISK_LOW", "INTERNAL_FAILURE", "UNEXPECTED_PUBLISHER",
    }  # fmt: skip
    assert {row[0] for row in SPOILED} | with_their_own_test == set(CAUSES)


@pytest.mark.parametrize(
    "spoil", [{"arm": {"tracking_error": 0.003}}, {"link": LinkQuality(0.1, 0.16, 0.0, 0.0)}, "video"]
)
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
    verdict = made.step(0.6, arm={"ready": None})
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
    """A step with an earlier time, or no time at all, is a fault that only a local reset ends."""
    watched.now -= 1.0
    assert watched.step().state is SafetyLevel.FAULT
    assert watched.step(2.0).state is SafetyLevel.FAULT
    verdict = watched.supervisor.step(math.nan, watched.inputs)
    assert (verdict.state, verdict.permitted) == (SafetyLevel.FAULT, False)


def test_nothing_is_paused_before_it_began() -> None:
    """A console that was late during the self-test does not need a press to become READY."""
    made = Watched()
    made.step(0.6, **made.stream("console", age=3.0))
    assert made.step().state is SafetyLevel.READY


def test_levels_and_states_have_the_numbers_of_the_messages() -> None:
    """The enumerations and the .msg constants agree."""
    messages = pytest.importorskip("telesurgery.msg", reason="messages are not built here")
    assert all(getattr(messages.Alarm, level.name) == level for level in Level)
    assert all(getattr(messages.Alarm, priority.name) == priority for priority in Priority)
    assert all(getattr(messages.SafetyState, state.name) == state for state in SafetyLevel)


def test_the_alarms_of_the_self_test_tell_after_a_while_what_fails() -> None:
    """Ten seconds without passing are an alarm that names the item; the list of reasons has it from the start."""
    made = Watched()
    deaf = {"arm": {"permit_sequence": 0}}
    verdict = made.step(9.9, **deaf)
    assert verdict.state is SafetyLevel.SELF_TEST
    assert verdict.arming_denied == ("self-test: PSM1 does not report that it hears this monitor",)
    assert "SELF_TEST_FAILED" not in [alarm.id for alarm in verdict.alarms]
    verdict = made.step(0.2, **deaf)
    assert "PSM1 does not report" in next(alarm.text for alarm in verdict.alarms if alarm.id == "SELF_TEST_FAILED")
    assert made.step(0.05).state is SafetyLevel.OPERATING


def test_the_trip_test_wants_an_answer_to_this_run() -> None:
    """After a reset an arm that repeats an answer from before it does not pass."""
    made = Watched()
    made.step(0.6)
    made.step(stop_requests=(("nurse", "test"),))
    before = made.step(operator_present=False).permit_sequence
    assert made.step(reset_requested=True, operator_present=False).state is SafetyLevel.SELF_TEST
    stale = {"arm": {"permit_sequence": before, "permitted": False, "holding": True}}
    assert made.step(2.0, **stale).state is SafetyLevel.SELF_TEST
    assert made.step(0.02).state is SafetyLevel.OPERATING


def test_arming_is_denied_with_all_reasons_at_once(watched: Watched) -> None:
    """Whatever is wrong at the same time is told at the same time; nothing while motion is permitted."""
    made = Watched()
    denied = made.step(0.6, operator_present=False, disk_free=1e6, arm={"ready": False}).arming_denied
    assert [text.split(":")[0] for text in denied] == ["PSM1", "console", "disk"]
    assert watched.step().arming_denied == ()


@pytest.mark.parametrize(
    ("cause", "changes"), [("RECORDER_DOWN", {"recorder_writing": False}), ("DISK_LOW", {"disk_free": 199e6})]
)
def test_what_blocks_arming_is_only_told_while_operating(
    watched: Watched, cause: str, changes: dict[str, object]
) -> None:
    """Motion does not begin with it, and does not end with it."""
    verdict = watched.step(1.0, **changes)
    assert verdict.permitted
    assert [alarm.id for alarm in verdict.alarms] == [cause]
    made = Watched()
    assert made.step(1.0, **changes).state is SafetyLevel.READY
    assert made.step(0.02).permitted


def test_a_profile_may_require_a_recorder() -> None:
    """Then a recorder that was never heard blocks arming too; one that writes does not."""
    made = Watched(dataclasses.replace(LAN, recorder_required=True))
    assert made.step(1.0).state is SafetyLevel.READY
    assert made.step(0.02, recorder_writing=True).permitted


def test_a_gate_that_stays_open_is_a_fault(watched: Watched) -> None:
    """While the permit is withheld an arm says that it may move: not its word of just before, but for 0.6 s."""
    open_gate = {"eyes_apart": 0.1, "arm": {"permitted": True, "holding": False}}
    assert watched.step(0.9, **open_gate).state is SafetyLevel.HOLD
    verdict = watched.step(0.2, **open_gate)
    assert verdict.state is SafetyLevel.FAULT
    assert "GATE_OPEN" in [alarm.id for alarm in verdict.alarms]


def test_replays_are_told_and_do_not_stop_anybody(watched: Watched) -> None:
    """A few refused packets are an alarm without effect: nobody can hold the arms by repeating what was said."""
    verdict = watched.step(0.5, replayed=20)
    assert verdict.permitted
    assert [(alarm.id, alarm.priority) for alarm in verdict.alarms] == [("SEQUENCE_REPLAY", Priority.MEDIUM)]


def test_a_link_that_is_far_too_slow_pauses_after_a_while(watched: Watched) -> None:
    """Beyond the last rung it holds at once and needs the operator after the time of the profile."""
    slow = {"link": LinkQuality(0.1, 0.81, 0.0, 0.0)}
    assert watched.step(1.9, **slow).state is SafetyLevel.HOLD
    assert watched.step(0.2, **slow).state is SafetyLevel.PAUSED
    assert watched.step(SETTLED, link=LinkQuality(0.1, 0.1, 0.0, 0.0)).state is SafetyLevel.PAUSED


def test_a_failure_of_the_monitor_itself_ends_the_session(watched: Watched) -> None:
    """No reset clears it, and the refusal says so."""
    watched.step(failure="KeyError: x")
    assert watched.step(1.0).state is SafetyLevel.PROTECTIVE_STOP
    refused = watched.step(reset_requested=True, operator_present=False)
    assert refused.reset_refusal == "safety_monitor: the safety monitor failed (KeyError: x)"
    assert watched.step(1.0).state is SafetyLevel.PROTECTIVE_STOP


def test_a_reset_with_nothing_latched_changes_nothing(watched: Watched) -> None:
    """It says so, and the arms stay permitted."""
    verdict = watched.step(reset_requested=True)
    assert (verdict.reset_refusal, verdict.permitted) == ("nothing to reset", True)


def test_permits_are_numbered_from_one_without_a_gap() -> None:
    """Granted or not, each step has the next number."""
    made = Watched()
    assert [made.step().permit_sequence for _ in range(3)] == [1, 2, 3]


def test_an_alarm_carries_what_its_row_says(watched: Watched) -> None:
    """Level, priority and remedy come from the table; text names source, what, and detail."""
    (alarm,) = watched.step(0.1, eyes_apart=0.0).alarms or watched.step(loop_lag=0.2).alarms
    row = CAUSES["SELF_LAG"]
    assert (alarm.level, alarm.priority, alarm.remedy) == (row.level, row.priority, row.remedy)
    assert alarm.text == "safety_monitor: the safety monitor itself was late (200 ms)"
    assert not alarm.latched
    assert alarm.since == watched.now
