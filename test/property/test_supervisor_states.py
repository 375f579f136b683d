"""Every state of the supervisor that can be reached, and every step out of it.

The search is exhaustive over classes of causes (one for each way in which rows of the cause table act), over what is
latched, over operator, clutch, reset and time. A random walk over all causes and any time goes beyond the classes.
"""

from __future__ import annotations

import copy
import dataclasses
import itertools
from collections import deque
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from safety_monitor import self_test
from safety_monitor.causes import CAUSES, Clears, Level
from safety_monitor.inputs import ArmHealth, Inputs, LinkQuality, StreamHealth
from safety_monitor.supervisor import SETTLED_AFTER, Alarm, Supervisor, Verdict
from teleop_core.profiles import read_profile
from teleop_core.signals import SafetyLevel

LAN = read_profile(Path(__file__).parents[2] / "config/profiles/lan.yaml")
ARM = ArmHealth(ready=True, permitted=None, holding=True, permit_sequence=10**9)
CONSOLE = StreamHealth("console", "command", 0.004)
CAMERA = StreamHealth("left eye", "video", 0.1)


def well(**changes: Any) -> Inputs:
    """Inputs with nothing wrong but the changes; `console`, `camera`, `arm` change one stream or the arm."""
    streams = (
        dataclasses.replace(CONSOLE, **changes.pop("console", {})),
        dataclasses.replace(CAMERA, **changes.pop("camera", {})),
    )
    arm = dataclasses.replace(ARM, **changes.pop("arm", {}))
    return Inputs(**{"streams": streams, "arms": {"PSM1": arm}, "loop_lag": 0.01, **changes})


CASES: dict[str, dict[str, Any]] = {
    "nothing": {},
    "COMMAND_LOST": {"console": {"age": 2.0}},
    "CONSOLE_GONE": {"console": {"publishers": 0}},
    "ARM_NOT_READY": {"arm": {"ready": False}},
    "LINK_DEGRADED": {"link": LinkQuality(0.1, 0.2, 0.0, 0.0)},
    "TRACKING_LOST": {"arm": {"tracking_error": 1.0}},
    "DUPLICATE_PUBLISHER": {"console": {"publishers": 2}},
    "RECORDER_DOWN": {"recorder_writing": False},
    "DECISIONS_LOST": {"decisions_lost": "full"},
    "STOP_REQUEST": {"stop_requests": (("nurse", "test"),)},
    "INTERNAL_FAILURE": {"failure": "test"},
}
"""One for each way in which rows differ: level, what clears them, whether they block arming."""
MORE: dict[str, dict[str, Any]] = {
    "EYES_APART": {"eyes_apart": 0.1},
    "VIDEO_FROZEN": {"eyes_unchanged": {"left": 1.0}},
    "EYES_SWAPPED": {"eyes_swapped": ("left",)},
    "VIDEO_LOST": {"camera": {"age": 3.0}},
    "COMMAND_SILENCE": {"console": {"age": 0.07}},
    "NEVER_SEEN": {"camera": {"age": None}},
    "COMMAND_REFUSED": {"command_refused_for": 1.0},
    "REPLAY_FLOOD": {"replayed": 21},
    "NON_FINITE": {"not_finite": ("kinematics",)},
    "AUTH_FAIL": {"unauthenticated": ("kinematics",)},
    "LIMIT_REPEATED": {"arm": {"overruled": 2.0}},
    "TRACKING_ERROR": {"arm": {"tracking_error": 0.006}},
    "VIDEO_OLD": {"camera": {"age": 0.3}},
    "VIDEO_STALE": {"camera": {"age": 0.5}},
    "TRACKING_SLOW": {"arm": {"tracking_error": 0.003}},
    "LINK_POOR": {"link": LinkQuality(0.1, 0.5, 0.0, 0.0)},
    "LINK_LOST": {"link": LinkQuality(0.1, 0.9, 0.0, 0.0)},
    "UNEXPECTED_PUBLISHER": {"console": {"kind": "no speaker"}, "console_expected": False},
    "QOS_MISMATCH": {"console": {"qos_mismatch": True}},
    "SELF_LAG": {"loop_lag": 0.2},
    "CLOCK_STEP": {"clock_step": 1.0},
    "DISK_LOW": {"disk_free": 1.0},
    "MONITOR_RESTARTED": {"found_enabled": ("PSM1",)},
    "STOP_UNSIGNED": {"unsigned_stops": (("x", "y"),)},
    "GATE_OPEN": {"arm": {"permitted": True}},
    "PERMIT_NOT_TAKEN": {"arm": {"permitted": False}},
    "SEQUENCE_REPLAY": {"replayed": 1},
}
LONG, SHORT, BACK = 20.0, 0.01, -1.0
"""Steps of time: beyond every debounce, beyond none, backwards [s]."""


@pytest.fixture(autouse=True)
def _short_loop_test(monkeypatch: pytest.MonkeyPatch) -> None:
    """The loop timing of the self-test takes one step here instead of fifty."""
    monkeypatch.setattr(self_test, "LOOP_STEPS", 1)
    # An arm that says neither that it may move nor that it may not passes the trip test here: it has tests of its own.
    monkeypatch.setattr(self_test.SelfTest, "_trip", lambda _self, _inputs: [])


def latches(supervisor: Supervisor) -> set[tuple[str, str]]:
    return set(supervisor._latched)


def clone(supervisor: Supervisor) -> Supervisor:
    made = copy.copy(supervisor)
    made.__dict__.update({key: dict(value) for key, value in made.__dict__.items() if isinstance(value, dict)})
    made._self_test = copy.deepcopy(supervisor._self_test)
    return made


DEBOUNCED = {row.id: row.debounce for row in CAUSES.values() if row.debounce > 0.0}


def lingers(alarm: Alarm, gone_for: float) -> bool:
    return alarm.level is Level.HOLD and gone_for < SETTLED_AFTER


def never_ends(supervisor: Supervisor) -> bool:
    return any(CAUSES[key[0]].clears is Clears.NEVER for key in latches(supervisor))


def place(supervisor: Supervisor) -> tuple[Any, ...]:
    """What of the supervisor decides its future, with times reduced to what they can still change."""
    now = supervisor._newest
    return (
        supervisor._state,
        supervisor._permitted,
        supervisor._clutch_before,
        frozenset(latches(supervisor)),
        frozenset(key for key, alarm in supervisor._active.items() if lingers(alarm, now - supervisor._seen_at[key])),
        frozenset(
            (key, now - since >= DEBOUNCED[key[0]]) for key, since in supervisor._since.items() if key[0] in DEBOUNCED
        ),
    )


def check(
    before: set[tuple[str, str]], inputs: Inputs, wrong: str, dt: float, after: Supervisor, verdict: Verdict
) -> None:
    """What holds for every step from everywhere."""
    latched = latches(after)
    stopping = wrong != "nothing" and CAUSES[wrong].level >= Level.HOLD and CAUSES[wrong].debounce == 0.0
    if wrong == "LINK_LOST":
        stopping = False  # its debounce is of the profile; LINK_POOR comes with it
    if verdict.permitted:
        assert verdict.state is SafetyLevel.OPERATING
        assert not latched
        assert not stopping
        assert dt >= 0.0
        assert inputs.operator_present or not inputs.console_expected
        assert all(arm.ready for arm in inputs.arms.values())
        assert not verdict.arming_denied
        assert all(alarm.level < Level.HOLD for alarm in verdict.alarms)
    else:
        assert verdict.state is not SafetyLevel.OPERATING
        assert verdict.arming_denied or verdict.state in (SafetyLevel.READY, SafetyLevel.SELF_TEST)
        assert verdict.recovery
    if wrong == "STOP_REQUEST":
        assert verdict.state is SafetyLevel.PROTECTIVE_STOP
    if inputs.reset_requested and not verdict.reset_refusal:
        assert verdict.state is SafetyLevel.SELF_TEST
    worst = max((CAUSES[key[0]].level for key in latched), default=Level.INFORM)
    if worst is Level.FAULT:
        assert verdict.state in (SafetyLevel.FAULT, SafetyLevel.PROTECTIVE_STOP)
    if worst is Level.PROTECTIVE_STOP:
        assert verdict.state is SafetyLevel.PROTECTIVE_STOP
    for key in before - latched:
        clears = CAUSES[key[0]].clears
        assert clears is not Clears.NEVER
        if clears is Clears.LOCAL_RESET or not inputs.clutch:
            assert inputs.reset_requested
            assert verdict.reset_refusal == ""
            assert not verdict.permitted
            console_gone = {"COMMAND_LOST", "CONSOLE_GONE"} & {alarm.id for alarm in verdict.alarms}
            assert not inputs.operator_present or console_gone
            # A reset also ends a pause: it begins with the self-test, and there is nothing to pause yet.
            assert clears is Clears.OPERATOR or key not in after._active


def alphabet() -> list[tuple[str, Inputs, float]]:
    people = [(present, clutch, False) for present, clutch in itertools.product((True, False), repeat=2)]
    people += [(True, False, True), (False, False, True)]
    return [
        (wrong, well(operator_present=present, clutch=clutch, reset_requested=reset, **changes), dt)
        for present, clutch, reset in people
        for wrong, changes in CASES.items()
        for dt in (SHORT, LONG)
    ]


def reachable() -> dict[tuple[Any, ...], Supervisor]:
    """All places, found breadth first; every step on the way is checked."""
    start = Supervisor(LAN)
    found = {place(start): start}
    queue = deque([start])
    letters = alphabet()
    while queue:
        here = queue.popleft()
        before = latches(here)
        for wrong, inputs, dt in letters:
            there = clone(here)
            base = 100.0 if here._newest == 0.0 else here._newest
            verdict = there.step(base + dt, inputs)
            check(before, inputs, wrong, dt if here._newest > 0 else 1.0, there, verdict)
            where = place(there)
            if where not in found:
                found[where] = there
                if not never_ends(there):
                    queue.append(there)
    return found


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_no_path_leaves_a_latch_without_its_order_and_every_place_has_a_way_back() -> None:
    """All states x causes x latches: a stop in one step, no enable against a condition, latches kept, a way back."""
    found = reachable()
    assert len(found) > 300, "the search did not get anywhere"
    assert {key[0] for key in found} == set(SafetyLevel)
    for supervisor in found.values():
        for wrong, changes in {**CASES, **MORE}.items():
            there = clone(supervisor)
            inputs = well(operator_present=True, **changes)
            check(
                latches(supervisor),
                inputs,
                wrong,
                SHORT,
                there,
                there.step(max(supervisor._newest, 0.0) + SHORT, inputs),
            )
        there = clone(supervisor)
        check(
            latches(supervisor), well(), "nothing", BACK, there, there.step(max(supervisor._newest, 0.0) + BACK, well())
        )
        assert way_back(clone(supervisor)) is not never_ends(supervisor)


def way_back(supervisor: Supervisor) -> bool:
    """All is well, the deadman is released, the local team resets, the operator comes back and presses the clutch."""
    now = max(supervisor._newest, 0.0)
    verdict = None
    for changes in (
        {},
        {"reset_requested": True},
        {},
        {"operator_present": True},
        {"operator_present": True},
        {"operator_present": True, "clutch": True},
        {"operator_present": True},
    ):
        now += LONG
        verdict = supervisor.step(now, well(**changes))
    assert verdict is not None
    return verdict.permitted


def test_the_cases_stand_for_every_row_of_the_table() -> None:
    """Each cause is in one of the two lists; each combination of level, clearing and blocking is in the first."""
    assert {*CASES, *MORE, "SELF_TEST_FAILED", "OPERATOR_ABSENT", "KINEMATICS_LATE", "KINEMATICS_GONE", "DRIVER_LATE",
            "DRIVER_GONE"} - {"nothing"} == set(CAUSES)  # fmt: skip

    def kind(cause: str) -> tuple[Any, ...]:
        row = CAUSES[cause]
        return row.level, row.clears, row.blocks_arming

    covered = {kind(cause) for cause in CASES if cause != "nothing"}
    stops_nothing = {kind("SEQUENCE_REPLAY")}
    assert {kind(cause) for cause in CAUSES} - covered <= stops_nothing


class AnyWalk(RuleBasedStateMachine):
    """Any causes together, any time, any people."""

    def __init__(self) -> None:
        super().__init__()
        self.supervisor = Supervisor(LAN)
        self.now = 0.0
        self.sequence = 0
        self.verdict: Verdict | None = None

    @rule(
        causes=st.lists(st.sampled_from(sorted({**CASES, **MORE})), max_size=3),
        dt=st.one_of(st.floats(0.0, 0.05), st.floats(0.0, 15.0), st.just(-0.5), st.just(float("nan"))),
        present=st.booleans(),
        clutch=st.booleans(),
        reset=st.booleans(),
    )
    def step(self, causes: list[str], dt: float, present: bool, clutch: bool, reset: bool) -> None:
        changes: dict[str, Any] = {}
        for cause in causes:
            for field, value in {**CASES, **MORE}[cause].items():
                changes[field] = {**changes.get(field, {}), **value} if isinstance(value, dict) else value
        inputs = well(operator_present=present, clutch=clutch, reset_requested=reset, **changes)
        before = latches(self.supervisor)
        self.verdict = self.supervisor.step(self.now + dt, inputs)
        for wrong in causes or ["nothing"]:
            merged = all(changes[field] == value for field, value in {**CASES, **MORE}[wrong].items())
            check(before, inputs, wrong if merged else "nothing", dt, self.supervisor, self.verdict)
        if dt >= 0.0:
            self.now += dt

    @invariant()
    def permits_are_numbered_without_a_gap(self) -> None:
        if self.verdict is not None:
            self.sequence += 0 if self.verdict.permit_sequence == self.sequence else 1
            assert self.verdict.permit_sequence == self.sequence


AnyWalk.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
TestAnyWalk = AnyWalk.TestCase
