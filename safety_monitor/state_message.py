"""A verdict as a SafetyState message, as diagnostics, and as lines of the log."""

from __future__ import annotations

import json
import time
from typing import Any

from diagnostic_msgs.msg import DiagnosticStatus
from telesurgery.msg import Alarm as AlarmMessage

from safety_monitor.causes import Level
from safety_monitor.inputs import NOBODY, StreamHealth
from safety_monitor.supervisor import Alarm, Verdict
from teleop_core.signals import SafetyLevel


def fill(message: Any, verdict: Verdict) -> None:
    """Everything of a SafetyState that the supervisor decides."""
    message.state = int(verdict.state)
    message.motion_permitted = verdict.permitted
    message.permit_sequence = verdict.permit_sequence
    message.velocity_ratio = verdict.velocity_ratio
    message.alarms = [_alarm_message(alarm) for alarm in verdict.alarms]
    message.arming_denied = verdict.arming_denied
    message.recovery = verdict.recovery


def _alarm_message(alarm: Alarm) -> AlarmMessage:
    message = AlarmMessage(
        id=alarm.id,
        level=int(alarm.level),
        priority=int(alarm.priority),
        latched=alarm.latched,
        source=alarm.source,
        text=alarm.text,
        remedy=alarm.remedy,
    )
    since_ns = round((time.time() - time.monotonic() + alarm.since) * 1e9)
    message.since.sec, message.since.nanosec = divmod(since_ns, 1_000_000_000)
    return message


def events(before: Verdict | None, after: Verdict) -> list[tuple[Level, str]]:
    """What changed between two verdicts, one line with data for each event: state, alarms raised, alarms cleared."""
    told: list[tuple[Level, str]] = []
    alarms_before = {} if before is None else _by_key(before)
    alarms_after = _by_key(after)
    for key, alarm in alarms_after.items():
        if key not in alarms_before:
            told.append((alarm.level, _event("alarm raised", **_data(alarm))))
        elif alarm.latched and not alarms_before[key].latched:
            told.append((alarm.level, _event("alarm latched", **_data(alarm))))
    for key, alarm in alarms_before.items():
        if key not in alarms_after:
            told.append((Level.INFORM, _event("alarm cleared", id=alarm.id, source=alarm.source)))
    if before is None or before.state is not after.state:
        worst = after.alarms[0].level if after.alarms else Level.INFORM
        since = "start" if before is None else before.state.name
        told.append((worst, _event("state", before=since, after=after.state.name, permitted=after.permitted)))
    return told


def health_of_streams(streams: dict[str, StreamHealth]) -> list[tuple[bytes, str, str, dict[str, object]]]:
    """A row of /diagnostics for each topic: level, name, text, values."""
    rows = []
    for topic, stream in streams.items():
        level, text = DiagnosticStatus.OK, "heard"
        if stream.kind == NOBODY:
            if stream.publishers:
                level, text = DiagnosticStatus.ERROR, "a console speaks in a session without one"
        elif stream.publishers > 1 or stream.qos_mismatch:
            level, text = (
                DiagnosticStatus.ERROR,
                "two speakers" if stream.publishers > 1 else "wrong quality of service",
            )
        elif stream.kind != "sole speaker" and stream.age is None:
            level, text = DiagnosticStatus.STALE, "never heard"
        elif stream.publishers == 0:
            level, text = DiagnosticStatus.WARN, "nobody speaks"
        values: dict[str, object] = {"source": stream.source, "publishers": stream.publishers}
        if stream.age is not None:
            values["age [s]"] = f"{stream.age:.3f}"
        rows.append((level, topic, text, values))
    return rows


def health_of_node(verdict: Verdict | None) -> tuple[bytes, str, dict[str, object]]:
    """The row of the node itself: worst alarm, or the state."""
    if verdict is None:
        return DiagnosticStatus.WARN, "starting", {}
    if verdict.permitted:
        level = DiagnosticStatus.OK
    else:
        level = DiagnosticStatus.WARN if verdict.state <= SafetyLevel.HOLD else DiagnosticStatus.ERROR
    text = verdict.alarms[0].text if verdict.alarms else verdict.state.name
    return level, text, {"state": verdict.state.name, "alarms": ", ".join(alarm.id for alarm in verdict.alarms)}


def _by_key(verdict: Verdict) -> dict[tuple[str, str], Alarm]:
    return {(alarm.id, alarm.source): alarm for alarm in verdict.alarms}


def _data(alarm: Alarm) -> dict[str, object]:
    return {"id": alarm.id, "source": alarm.source, "level": alarm.level.name, "text": alarm.text}


def _event(name: str, **data: object) -> str:
    return f"{name} {json.dumps(data)}"
