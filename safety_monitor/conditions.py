"""Which causes are present now? A pure function of what the monitor sees and of the profile's limits.

Limits are written so that a number that is not finite counts as beyond them.
"""

from __future__ import annotations

from safety_monitor.inputs import COMMAND, NOBODY, SOLE, VIDEO, ArmHealth, Inputs, LinkQuality, StreamHealth
from teleop_core.profiles import Profile

STATE_LATE = 0.1
"""Ten periods of a 100 Hz stream [s]."""
STATE_GONE = 1.0
"""[s]"""
SELF_LATE = 0.08
"""The monitor's own loop of 10 ms took this long [s]."""
REFUSED_TOO_LONG = 0.2
"""Commands may arrive for this long without one being accepted [s]."""
EYES_APART = 0.001
"""Capture stamps of left and right image may differ by this [s]."""
REPLAY_FLOOD = 20
"""More refused commands in a second than a mishap makes."""
CLOCK_STEP = 0.05
"""Clock services change the rate of the clock; a jump beyond this [s] makes stamps meaningless."""
LINK_UNKNOWN = 1.0
"""A report of the link that is older than this [s] says nothing."""
OVERRULED_TOO_LONG = 1.0
"""The gate may overrule commands for this long within the time it is watched over [s]."""
DISK_FREE = 200e6
"""Room that has to be free where logs are written [bytes]."""

Present = dict[tuple[str, str], str]
"""(cause, source) -> detail for the text."""
Rungs = tuple[tuple[str, float], ...]
"""Causes and the largest value without each."""


def present_causes(inputs: Inputs, profile: Profile, permitted: bool) -> Present:
    """Causes that are present, with their sources.

    Args:
        inputs: What the monitor sees.
        profile: Limits of the link.
        permitted: The last step permitted motion.
    """
    present: Present = {}
    for stream in inputs.streams:
        _judge_stream(stream, profile, present)
    _judge_commands(inputs, present)
    for name, arm in inputs.arms.items():
        _judge_arm(name, arm, profile, permitted and not inputs.withheld, present)
    if not inputs.eyes_apart <= EYES_APART:
        present["EYES_APART", "endoscope"] = _milliseconds(inputs.eyes_apart)
    for eye in inputs.eyes_swapped:
        present["EYES_SWAPPED", f"{eye} eye"] = ""
    frozen: Rungs = (("VIDEO_FROZEN", profile.video_age.hold), ("VIDEO_LOST", profile.video_age.pause))
    for eye, unchanged in inputs.eyes_unchanged.items():
        _climb(f"{eye} eye", unchanged, frozen, f"one picture for {unchanged:.1f} s", present)
    if inputs.link is not None:
        _judge_link(inputs.link, profile, present)
    _judge_computer(inputs, profile, present)
    _judge_events(inputs, present)
    return present


def _judge_stream(stream: StreamHealth, profile: Profile, present: Present) -> None:
    if stream.kind == NOBODY:
        if stream.publishers > 0:
            present["UNEXPECTED_PUBLISHER", stream.source] = ""
        return
    if stream.publishers > 1:
        present["DUPLICATE_PUBLISHER", stream.source] = f"{stream.publishers} publishers"
    if stream.qos_mismatch:
        present["QOS_MISMATCH", stream.source] = ""
    if stream.kind == SOLE:
        return
    if stream.age is None:
        present["NEVER_SEEN", stream.source] = ""
        return
    _climb(stream.source, stream.age, _rungs(stream.kind, profile), f"{stream.age:.2f} s", present)
    if stream.kind == COMMAND and (stream.publishers == 0 or stream.liveliness_lost):
        present["CONSOLE_GONE", stream.source] = ""


def _rungs(kind: str, profile: Profile) -> Rungs:
    if kind == COMMAND:
        return (("COMMAND_SILENCE", profile.command_hold), ("COMMAND_LOST", profile.command_pause))
    if kind == VIDEO:
        ages = profile.video_age
        return (("VIDEO_OLD", ages.degrade), ("VIDEO_STALE", ages.hold), ("VIDEO_LOST", ages.pause))
    name = "DRIVER" if kind == "driver" else "KINEMATICS"
    return ((f"{name}_LATE", STATE_LATE), (f"{name}_GONE", STATE_GONE))


def _judge_commands(inputs: Inputs, present: Present) -> None:
    heard = any(stream.kind == COMMAND and stream.age is not None for stream in inputs.streams)
    if heard and not inputs.operator_present:
        present["OPERATOR_ABSENT", "console"] = ""
    if not inputs.command_refused_for <= REFUSED_TOO_LONG:
        present["COMMAND_REFUSED", "console"] = f"{inputs.command_refused_for:.1f} s"
    rungs = (("SEQUENCE_REPLAY", 0), ("REPLAY_FLOOD", REPLAY_FLOOD))
    _climb("teleop/command", inputs.replayed, rungs, f"{inputs.replayed} in a second", present)
    for source in inputs.not_finite:
        present["NON_FINITE", source] = ""


def _judge_arm(name: str, arm: ArmHealth, profile: Profile, permitted: bool, present: Present) -> None:
    if arm.ready is None:
        present["NEVER_SEEN", name] = "operating state"
    elif not arm.ready:
        present["ARM_NOT_READY", name] = ""
    limits = profile.tracking
    rungs = (("TRACKING_SLOW", limits.degrade), ("TRACKING_ERROR", limits.hold), ("TRACKING_LOST", limits.fault))
    _climb(name, arm.tracking_error, rungs, f"{arm.tracking_error * 1000.0:.1f} mm", present)
    _climb(name, arm.overruled, (("LIMIT_REPEATED", OVERRULED_TOO_LONG),), f"{arm.overruled:.1f} s", present)
    if arm.permitted is not None and arm.permitted is not permitted:
        present["GATE_OPEN" if arm.permitted else "PERMIT_NOT_TAKEN", name] = ""


def _judge_link(link: LinkQuality, profile: Profile, present: Present) -> None:
    times = profile.round_trip
    rungs: Rungs = (("LINK_DEGRADED", times.degrade), ("LINK_POOR", times.hold), ("LINK_LOST", times.pause))
    _climb("link", link.round_trip, rungs, f"round trip {_milliseconds(link.round_trip)}", present)
    rungs = (("LINK_DEGRADED", profile.jitter_degrade), ("LINK_POOR", profile.jitter_hold))
    _climb("link", link.jitter, rungs, f"jitter {_milliseconds(link.jitter)}", present)
    rungs = (("LINK_DEGRADED", profile.loss_degrade), ("LINK_POOR", profile.loss_hold))
    _climb("link", link.loss, rungs, f"loss {link.loss:.0%}", present)
    _climb("link", link.age, (("LINK_POOR", LINK_UNKNOWN),), "it does not report", present)


def _judge_computer(inputs: Inputs, profile: Profile, present: Present) -> None:
    if not inputs.loop_lag <= SELF_LATE:
        present["SELF_LAG", "safety_monitor"] = _milliseconds(inputs.loop_lag)
    if not abs(inputs.clock_step) <= CLOCK_STEP:
        present["CLOCK_STEP", "clock"] = f"{inputs.clock_step:+.3f} s"
    if inputs.recorder_writing is False or (profile.recorder_required and inputs.recorder_writing is None):
        present["RECORDER_DOWN", "recorder"] = inputs.recorder_problem
    if inputs.decisions_lost:
        present["DECISIONS_LOST", "safety_monitor"] = inputs.decisions_lost
    if inputs.disk_free is not None and not inputs.disk_free >= DISK_FREE:
        present["DISK_LOW", "disk"] = f"{inputs.disk_free / 1e6:.0f} MB free"


def _judge_events(inputs: Inputs, present: Present) -> None:
    for source in inputs.unauthenticated:
        present["AUTH_FAIL", source] = ""
    for source, reason in inputs.unsigned_stops:
        present["STOP_UNSIGNED", source] = reason
    for source, reason in inputs.stop_requests:
        present["STOP_REQUEST", source] = reason
    for arm in inputs.found_enabled:
        present["MONITOR_RESTARTED", arm] = ""
    if inputs.failure:
        present["INTERNAL_FAILURE", "safety_monitor"] = inputs.failure


def _climb(source: str, value: float, rungs: Rungs, detail: str, present: Present) -> None:
    """The causes of every rung that the value is beyond."""
    for cause, limit in rungs:
        if not value <= limit:
            present[cause, source] = detail


def _milliseconds(seconds: float) -> str:
    return f"{seconds * 1000.0:.0f} ms"
