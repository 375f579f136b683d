"""Which causes are present now? A pure function of what the monitor sees and of the profile's limits."""

from __future__ import annotations

from dataclasses import dataclass, field

from teleop_core.profiles import Profile

STATE_LATE = 0.1
"""Ten periods of a 100 Hz stream [s]."""
STATE_GONE = 1.0
"""[s]"""
SELF_LATE = 0.08
"""The monitor's own loop of 10 ms took this long [s]."""
TRACKING_SLOW, TRACKING_ERROR, TRACKING_LOST = 0.002, 0.005, 0.015
"""Distance of measured and commanded tip that degrades, holds, faults [m]."""
REFUSED_TOO_LONG = 0.2
"""Commands may arrive for this long without one being accepted [s]."""
EYES_APART = 0.001
"""Capture stamps of left and right image may differ by this [s]."""

COMMAND, FEEDBACK, DRIVER, VIDEO = "command", "feedback", "driver", "video"
SOLE = "sole speaker"
"""Kind of a stream of which only the number of publishers is watched."""


@dataclass(frozen=True)
class StreamHealth:
    """What the monitor knows of one stream.

    Attributes:
        source: Node or arm that speaks, as people know it.
        kind: COMMAND, FEEDBACK, DRIVER, VIDEO or SOLE.
        age: Since the newest message arrived (video: since it was captured) [s]; None if never.
        publishers: How many nodes publish it.
        qos_mismatch: A publisher offered less than is asked for.
        liveliness_lost: The middleware says that its publisher is no longer alive.
    """

    source: str
    kind: str
    age: float | None
    publishers: int = 1
    qos_mismatch: bool = False
    liveliness_lost: bool = False


@dataclass(frozen=True)
class Inputs:
    """Everything the supervisor decides from.

    Attributes:
        streams: The streams it expects.
        operator_present: As the newest command says.
        clutch: As the newest command says.
        command_refused_for: How long commands have been arriving without one being accepted [s].
        arms_ready: Arm -> enabled and homed; None before the arm said anything.
        tracking_error: Arm -> distance of measured and commanded tip [m].
        eyes_apart: Difference of the capture stamps of the newest left and right image [s].
        stop_requests: Who asked for a protective stop since the last step, and why.
        reset_requested: The local team asked for a reset since the last step.
        loop_lag: Time since the previous step [s].
    """

    streams: tuple[StreamHealth, ...]
    operator_present: bool = False
    clutch: bool = False
    command_refused_for: float = 0.0
    arms_ready: dict[str, bool | None] = field(default_factory=dict)
    tracking_error: dict[str, float] = field(default_factory=dict)
    eyes_apart: float = 0.0
    stop_requests: tuple[tuple[str, str], ...] = ()
    reset_requested: bool = False
    loop_lag: float = 0.0


Present = dict[tuple[str, str], str]
"""(cause, source) -> detail for the text."""


def present_causes(inputs: Inputs, profile: Profile) -> Present:
    """Causes that are present, with their sources.

    Limits are written so that a number that is not finite counts as beyond them.
    """
    present: Present = {}
    for stream in inputs.streams:
        _judge_stream(stream, profile, present)
    command_seen = any(stream.kind == COMMAND and stream.age is not None for stream in inputs.streams)
    if command_seen and not inputs.operator_present:
        present["OPERATOR_ABSENT", "console"] = ""
    if not inputs.command_refused_for <= REFUSED_TOO_LONG:
        present["COMMAND_REFUSED", "console"] = f"{inputs.command_refused_for:.1f} s"
    for arm, ready in inputs.arms_ready.items():
        if ready is None:
            present["NEVER_SEEN", arm] = "operating state"
        elif not ready:
            present["ARM_NOT_READY", arm] = ""
    for arm, error in inputs.tracking_error.items():
        ladder = (
            ("TRACKING_SLOW", TRACKING_SLOW),
            ("TRACKING_ERROR", TRACKING_ERROR),
            ("TRACKING_LOST", TRACKING_LOST),
        )
        for cause, limit in ladder:
            if not error <= limit:
                present[cause, arm] = f"{error * 1000.0:.1f} mm"
    if not inputs.eyes_apart <= EYES_APART:
        present["EYES_APART", "endoscope"] = f"{inputs.eyes_apart * 1000.0:.0f} ms"
    if not inputs.loop_lag <= SELF_LATE:
        present["SELF_LAG", "safety_monitor"] = f"{inputs.loop_lag * 1000.0:.0f} ms"
    for source, reason in inputs.stop_requests:
        present["STOP_REQUEST", source] = reason
    return present


def _judge_stream(stream: StreamHealth, profile: Profile, present: Present) -> None:
    if stream.publishers > 1:
        present["DUPLICATE_PUBLISHER", stream.source] = f"{stream.publishers} publishers"
    if stream.qos_mismatch:
        present["QOS_MISMATCH", stream.source] = ""
    if stream.kind == SOLE:
        return
    if stream.age is None:
        present["NEVER_SEEN", stream.source] = ""
        return
    for cause, limit in _ladder(stream, profile):
        if not stream.age <= limit:
            present[cause, stream.source] = f"{stream.age:.2f} s"
    if stream.kind == COMMAND and (stream.publishers == 0 or stream.liveliness_lost):
        present["CONSOLE_GONE", stream.source] = ""


def _ladder(stream: StreamHealth, profile: Profile) -> tuple[tuple[str, float], ...]:
    if stream.kind == COMMAND:
        return (("COMMAND_SILENCE", profile.command_hold), ("COMMAND_LOST", profile.command_pause))
    if stream.kind == VIDEO:
        ages = profile.video_age
        return (("VIDEO_OLD", ages.degrade), ("VIDEO_STALE", ages.hold), ("VIDEO_LOST", ages.pause))
    name = "KINEMATICS" if stream.kind == FEEDBACK else "DRIVER"
    return ((f"{name}_LATE", STATE_LATE), (f"{name}_GONE", STATE_GONE))
