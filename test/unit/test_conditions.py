"""Which causes are present: every limit at its value, just beyond it, and for a number that is none."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path

import pytest

from safety_monitor.conditions import present_causes
from safety_monitor.inputs import ArmHealth, Inputs, LinkQuality, StreamHealth, worse_loss
from teleop_core.profiles import read_profile

LAN = read_profile(Path(__file__).parents[2] / "config/profiles/lan.yaml")
PRESENT = {"operator_present": True}


def stream(kind: str, age: float | None, **changes: object) -> dict[str, object]:
    return {**PRESENT, "streams": (StreamHealth("it", kind, age, **changes),)}  # type: ignore[arg-type]


def arm(**changes: object) -> dict[str, object]:
    return {**PRESENT, "arms": {"PSM1": ArmHealth(ready=True, **changes)}}  # type: ignore[arg-type]


def link(**changes: float) -> dict[str, object]:
    return {**PRESENT, "link": dataclasses.replace(LinkQuality(0.1, 0.1, 0.01, 0.01), **changes)}


def causes(inputs: dict[str, object], permitted: bool = False) -> dict[tuple[str, str], str]:
    return present_causes(Inputs(**{"streams": (), **inputs}), LAN, permitted)  # type: ignore[arg-type]


# limit at which all is well, first value beyond it, causes from there on
LIMITS = [
    (lambda v: stream("command", v), 0.06, 0.0601, {"COMMAND_SILENCE"}),
    (lambda v: stream("command", v), 1.0, 1.001, {"COMMAND_SILENCE", "COMMAND_LOST"}),
    (lambda v: stream("feedback", v), 0.1, 0.101, {"KINEMATICS_LATE"}),
    (lambda v: stream("feedback", v), 1.0, 1.001, {"KINEMATICS_LATE", "KINEMATICS_GONE"}),
    (lambda v: stream("driver", v), 0.1, 0.101, {"DRIVER_LATE"}),
    (lambda v: stream("driver", v), 1.0, 1.001, {"DRIVER_LATE", "DRIVER_GONE"}),
    (lambda v: stream("video", v), 0.25, 0.251, {"VIDEO_OLD"}),
    (lambda v: stream("video", v), 0.4, 0.401, {"VIDEO_OLD", "VIDEO_STALE"}),
    (lambda v: stream("video", v), 2.0, 2.001, {"VIDEO_OLD", "VIDEO_STALE", "VIDEO_LOST"}),
    (lambda v: {"command_refused_for": v}, 0.2, 0.201, {"COMMAND_REFUSED"}),
    (lambda v: {"replayed": v}, 0, 1, {"SEQUENCE_REPLAY"}),
    (lambda v: {"replayed": v}, 20, 21, {"SEQUENCE_REPLAY", "REPLAY_FLOOD"}),
    (lambda v: {"eyes_apart": v}, 0.001, 0.0011, {"EYES_APART"}),
    (lambda v: {"eyes_unchanged": {"left": v}}, 0.4, 0.401, {"VIDEO_FROZEN"}),
    (lambda v: {"eyes_unchanged": {"left": 0.1, "right": v}}, 2.0, 2.001, {"VIDEO_FROZEN", "VIDEO_LOST"}),
    (lambda v: {"loop_lag": v}, 0.08, 0.081, {"SELF_LAG"}),
    (lambda v: {"clock_step": v}, 0.05, 0.051, {"CLOCK_STEP"}),
    (lambda v: {"clock_step": -v}, 0.05, 0.051, {"CLOCK_STEP"}),
    (lambda v: {"disk_free": v}, 200e6, 199.9e6, {"DISK_LOW"}),
    (lambda v: arm(tracking_error=v), 0.002, 0.00201, {"TRACKING_SLOW"}),
    (lambda v: arm(tracking_error=v), 0.005, 0.00501, {"TRACKING_SLOW", "TRACKING_ERROR"}),
    (lambda v: arm(tracking_error=v), 0.015, 0.01501, {"TRACKING_SLOW", "TRACKING_ERROR", "TRACKING_LOST"}),
    (lambda v: arm(overruled=v), 1.0, 1.01, {"LIMIT_REPEATED"}),
    (lambda v: link(round_trip=v), 0.15, 0.151, {"LINK_DEGRADED"}),
    (lambda v: link(round_trip=v), 0.4, 0.401, {"LINK_DEGRADED", "LINK_POOR"}),
    (lambda v: link(round_trip=v), 0.8, 0.801, {"LINK_DEGRADED", "LINK_POOR", "LINK_LOST"}),
    (lambda v: link(jitter=v), 0.03, 0.0301, {"LINK_DEGRADED"}),
    (lambda v: link(jitter=v), 0.08, 0.0801, {"LINK_DEGRADED", "LINK_POOR"}),
    (lambda v: link(loss=v), 0.02, 0.0201, {"LINK_DEGRADED"}),
    (lambda v: link(loss=v), 0.2, 0.201, {"LINK_DEGRADED", "LINK_POOR"}),
    (lambda v: link(age=v), 1.0, 1.01, {"LINK_POOR"}),
]


@pytest.mark.parametrize(("make", "limit", "beyond", "expected"), LIMITS)
def test_a_limit_is_still_well_and_beyond_it_is_not(
    make: object, limit: float, beyond: float, expected: set[str]
) -> None:
    """At the limit the last cause of the rung is absent, beyond it is present; a number that is none is beyond all."""
    at_limit = {cause for cause, _ in causes(make(limit))}  # type: ignore[operator]
    past = {cause for cause, _ in causes(make(beyond))}  # type: ignore[operator]
    assert past == expected
    assert at_limit < past
    assert len(past) - len(at_limit) == 1
    assert past <= {cause for cause, _ in causes(make(math.nan))}  # type: ignore[operator]


DETAILS = [
    (stream("command", 0.5), ("COMMAND_SILENCE", "it"), "0.50 s"),
    (stream("command", 0.01, publishers=3), ("DUPLICATE_PUBLISHER", "it"), "3 publishers"),
    (stream("sole speaker", None, qos_mismatch=True), ("QOS_MISMATCH", "it"), ""),
    (stream("driver", None), ("NEVER_SEEN", "it"), ""),
    (stream("command", 0.01, publishers=0), ("CONSOLE_GONE", "it"), ""),
    (stream("command", 0.01, liveliness_lost=True), ("CONSOLE_GONE", "it"), ""),
    ({"command_refused_for": 0.6}, ("COMMAND_REFUSED", "console"), "0.6 s"),
    ({"replayed": 7}, ("SEQUENCE_REPLAY", "teleop/command"), "7 in a second"),
    ({"not_finite": ("kinematics",)}, ("NON_FINITE", "kinematics"), ""),
    ({"eyes_apart": 0.05}, ("EYES_APART", "endoscope"), "50 ms"),
    ({"eyes_swapped": ("left",)}, ("EYES_SWAPPED", "left eye"), ""),
    ({"eyes_unchanged": {"left": 0.1, "right": 0.5}}, ("VIDEO_FROZEN", "right eye"), "one picture for 0.5 s"),
    ({"loop_lag": 0.09}, ("SELF_LAG", "safety_monitor"), "90 ms"),
    ({"clock_step": -2.0}, ("CLOCK_STEP", "clock"), "-2.000 s"),
    ({"disk_free": 5e6}, ("DISK_LOW", "disk"), "5 MB free"),
    ({"recorder_writing": False}, ("RECORDER_DOWN", "recorder"), ""),
    ({"recorder_writing": False, "recorder_problem": "full"}, ("RECORDER_DOWN", "recorder"), "full"),
    ({"decisions_lost": "full"}, ("DECISIONS_LOST", "safety_monitor"), "full"),
    ({"unauthenticated": ("PSM1",)}, ("AUTH_FAIL", "PSM1"), ""),
    ({"unsigned_stops": (("x", "why"),)}, ("STOP_UNSIGNED", "x"), "why"),
    ({"stop_requests": (("nurse", "bleeding"),)}, ("STOP_REQUEST", "nurse"), "bleeding"),
    ({"found_enabled": ("PSM2",)}, ("MONITOR_RESTARTED", "PSM2"), ""),
    ({"failure": "KeyError"}, ("INTERNAL_FAILURE", "safety_monitor"), "KeyError"),
    (arm(tracking_error=0.0031), ("TRACKING_SLOW", "PSM1"), "3.1 mm"),
    (arm(overruled=1.5), ("LIMIT_REPEATED", "PSM1"), "1.5 s"),
    ({"arms": {"PSM1": ArmHealth(ready=None)}}, ("NEVER_SEEN", "PSM1"), "operating state"),
    ({"arms": {"PSM1": ArmHealth(ready=False)}}, ("ARM_NOT_READY", "PSM1"), ""),
    (link(round_trip=0.2), ("LINK_DEGRADED", "link"), "round trip 200 ms"),
    (link(jitter=0.04), ("LINK_DEGRADED", "link"), "jitter 40 ms"),
    (link(loss=0.05), ("LINK_DEGRADED", "link"), "loss 5%"),
    (link(age=2.0), ("LINK_POOR", "link"), "it does not report"),
]


@pytest.mark.parametrize(("inputs", "key", "detail"), DETAILS, ids=[row[1][0] for row in DETAILS])
def test_a_cause_names_its_source_and_its_number(inputs: dict[str, object], key: tuple[str, str], detail: str) -> None:
    """What people read is exact; nothing else is reported with it than what lies on the same ladder."""
    present = causes(inputs)
    assert present[key] == detail
    assert {source for _, source in present} == {key[1]}


def test_nothing_is_wrong_when_nothing_is_wrong() -> None:
    """Every kind of stream, an arm and a link in good order raise nothing."""
    kinds = ("command", "feedback", "driver", "video")
    streams = tuple(StreamHealth(kind, kind, 0.01) for kind in kinds)
    assert causes({**arm(permitted=False), **link(), "streams": streams, "recorder_writing": True}) == {}


def test_a_sole_speaker_may_be_silent_and_absent() -> None:
    """Only a second speaker matters there."""
    assert causes(stream("sole speaker", None, publishers=0)) == {}
    assert causes(stream("feedback", 0.01, publishers=0)) == {}


def test_the_operator_is_absent_only_where_a_console_was_heard() -> None:
    """Before that the console itself is what is missing; other streams do not speak for it."""
    absent = {"operator_present": False}
    assert causes({**stream("command", 0.01), **absent}) == {("OPERATOR_ABSENT", "console"): ""}
    assert causes({**stream("command", None), **absent}) == {("NEVER_SEEN", "it"): ""}
    assert causes({**stream("driver", 0.01), **absent}) == {}


@pytest.mark.parametrize(
    ("reported", "permitted", "expected"),
    [
        (True, False, "GATE_OPEN"),
        (False, True, "PERMIT_NOT_TAKEN"),
        (True, True, ""),
        (False, False, ""),
        (None, True, ""),
    ],
)
def test_a_gate_that_contradicts_the_permit_is_told(reported: bool | None, permitted: bool, expected: str) -> None:
    """Open without a permit, closed with one; a gate that was not heard contradicts nothing."""
    assert causes(arm(permitted=reported), permitted) == ({(expected, "PSM1"): ""} if expected else {})


def test_a_permit_that_is_withheld_is_none() -> None:
    """While nobody has been told of it an arm that holds is right, and one that says that it may move is not."""
    for reported, expected in ((True, {("GATE_OPEN", "PSM1"): ""}), (False, {}), (None, {})):
        assert causes({**arm(permitted=reported), "withheld": True}, permitted=True) == expected


def test_a_required_recorder_has_to_be_heard() -> None:
    """Where the profile requires it silence is as bad as a recorder that says it does not write."""
    required = dataclasses.replace(LAN, recorder_required=True)
    for writing, down in ((None, True), (False, True), (True, False)):
        present = present_causes(Inputs(streams=(), recorder_writing=writing), required, False)
        assert (("RECORDER_DOWN", "recorder") in present) is down
    assert causes({"recorder_writing": None}) == {}


@pytest.mark.parametrize(("up", "down", "worse"), [(0.1, 0.2, 0.2), (0.2, 0.1, 0.2)])
def test_the_worse_way_of_the_link_counts(up: float, down: float, worse: float) -> None:
    """Commands go one way, feedback and pictures the other: the operator needs both."""
    assert worse_loss(up, down) == worse


@pytest.mark.parametrize(("up", "down"), [(math.nan, 0.0), (0.0, math.nan), (math.nan, math.nan)])
def test_loss_of_which_one_way_is_not_measured_is_beyond_every_limit(up: float, down: float) -> None:
    """Whichever way it is: what nobody knows is not taken for good."""
    assert math.isnan(worse_loss(up, down))
