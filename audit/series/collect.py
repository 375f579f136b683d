"""Collects the messages of one namespace into series, message by message."""

from __future__ import annotations

from array import array
from collections.abc import Callable
from typing import Any

import numpy as np

from audit.series.collect_arm import ArmCollector, PoseColumns
from audit.series.model import (
    SILENCE,
    SILENT,
    AlarmSpan,
    Commands,
    Control,
    Floats,
    Frame,
    Poses,
    Series,
    StopAsked,
)
from audit.series.topics import StreamTopic
from teleop_core.contract import STREAMS

_COUNTS = ("accepted", "stale", "duplicate", "reordered", "malformed", "foreign", "unauthenticated")
SPOKE = 0.5 * STREAMS["safety_state"].rate
"""Permits per second that the monitor made, at least, in a gap of the record that was the recorder's."""
_LINK = ("rtt", "jitter", "one_way_up", "one_way_down", "loss_up", "loss_down", "level")


def stamp_seconds(stamp: Any, zero_ns: int) -> float:
    """A builtin_interfaces/Time as seconds since time 0."""
    return float((stamp.sec * 1_000_000_000 + stamp.nanosec - zero_ns) * 1e-9)


class Collector:
    """What arrives in one namespace.

    Args:
        zero_ns: UTC of time 0 [ns].
    """

    def __init__(self, zero_ns: int) -> None:
        self.zero_ns = zero_ns
        self.messages = 0
        self.security = ""
        self.alarms: list[AlarmSpan] = []
        self.arms: dict[str, ArmCollector] = {}
        self.frames: dict[str, list[Frame]] = {}
        self.stops_asked: list[StopAsked] = []
        self._hands: dict[str, PoseColumns] = {}
        self._open: dict[tuple[str, str], AlarmSpan] = {}
        self._safety = array("d")
        self._last_safety = -np.inf
        self._last_permit = (0, 0)
        self._pedals = array("d")
        self._numbers = array("Q")
        self._control = array("d")
        self._in_control = array("Q")
        self._link = array("d")
        self._takers: dict[str, Callable[[float, Any, str], None]] = {
            "safety_state": self._safety_state,
            "command": self._command,
            "feedback": self._feedback,
            "protective_stop": self._protective_stop,
            "link_status": self._link_status,
            "servo_report": lambda time, message, arm: self.arm(arm).report(time, message),
            "local_measured_cp": lambda time, message, arm: self.arm(arm).tool.add(time, message.pose),
            "local_setpoint_cp": lambda time, message, arm: self.arm(arm).setpoint.add(time, message.pose),
            "jaw_measured_js": lambda time, message, arm: self.arm(arm).jaw_position(time, message),
            "master_measured_cp": self._hand,
        }

    def wants(self, stream: str) -> bool:
        """Whether messages of this stream are decoded for the collector."""
        return stream in self._takers

    def take(self, time: float, topic: StreamTopic, message: Any) -> None:
        """One message of a wanted stream."""
        self.messages += 1
        self._takers[topic.stream](time, message, topic.part)

    def arm(self, name: str) -> ArmCollector:
        """The collector of an arm."""
        return self.arms.setdefault(name, ArmCollector())

    def end(self, end: float) -> None:
        """The record is over: a silence of the monitor up to its end counts too."""
        if self._safety and end - self._last_safety > SILENCE:
            self._silence(self._last_safety)

    # what was collected

    def safety(self) -> tuple[Series, Series, Series]:
        """State, permission and permitted speed, one sample at each change."""
        table = np.frombuffer(self._safety).reshape(-1, 4)
        return (
            _changes(table[:, 0], table[:, 1]),
            _changes(table[:, 0], table[:, 2]),
            _changes(table[:, 0], table[:, 3]),
        )

    def hands(self) -> dict[str, Poses]:
        """Paths of the master arms."""
        return {name: columns.poses() for name, columns in self._hands.items()}

    def commands(self) -> Commands:
        """Packets of the operator."""
        table = np.frombuffer(self._pedals).reshape(-1, 5)
        numbers = np.frombuffer(self._numbers, dtype=np.uint64).reshape(-1, 2)
        return Commands(table[:, 0], numbers[:, 0], numbers[:, 1], table[:, 1:])

    def control(self) -> Control:
        """Who was in control."""
        table = np.frombuffer(self._control).reshape(-1, 1 + len(_COUNTS))
        return Control(table[:, 0], np.frombuffer(self._in_control, dtype=np.uint64), table[:, 1:])

    def link(self) -> Series:
        """Statistics of the link."""
        table = np.frombuffer(self._link).reshape(-1, 1 + len(_LINK))
        return Series(table[:, 0], table[:, 1:])

    # takers

    def _safety_state(self, time: float, message: Any, _part: str) -> None:
        gap = time - self._last_safety
        if self._safety and gap > SILENCE and not self._spoke(message, gap):
            self._silence(self._last_safety)
        self._last_safety, self._last_permit = time, (message.session, message.permit_sequence)
        row = (time, float(message.state), float(message.motion_permitted), float(message.velocity_ratio))
        self._safety.extend(row)
        self.security = message.security
        seen = set()
        for alarm in message.alarms:
            key = (alarm.id, alarm.source)
            seen.add(key)
            span = self._open.get(key)
            if span is None:
                since = stamp_seconds(alarm.since, self.zero_ns)
                span = AlarmSpan(
                    alarm.id, alarm.source, alarm.level, alarm.latched, alarm.text, alarm.remedy, since, time
                )
                self._open[key] = span
                self.alarms.append(span)
            span.level = max(span.level, alarm.level)
            span.latched = span.latched or alarm.latched
        for key in [key for key in self._open if key not in seen]:
            self._open.pop(key).ended = time

    def _spoke(self, message: Any, gap: float) -> bool:
        """The monitor went on speaking in a gap [s] of the record: its numbers rose as time passed."""
        session, sequence = self._last_permit
        return bool(message.session == session and message.permit_sequence - sequence >= SPOKE * gap)

    def _silence(self, since: float) -> None:
        self._safety.extend((since + SILENCE, SILENT, 0.0, 0.0))

    def _command(self, time: float, message: Any, _part: str) -> None:
        pedals = (message.operator_present, message.clutch, message.camera, message.motion_scale)
        numbers = array("Q", (message.session, message.sequence))
        self._pedals.extend((time, *map(float, pedals)))
        self._numbers.extend(numbers)

    def _feedback(self, time: float, message: Any, _part: str) -> None:
        row = [time, *(float(getattr(message, name)) for name in _COUNTS)]
        self._in_control.append(message.session)
        self._control.extend(row)
        for feedback in message.arms:
            self.arm(feedback.name).feedback(time, feedback)

    def _protective_stop(self, time: float, message: Any, _part: str) -> None:
        self.stops_asked.append(StopAsked(time, message.source, message.reason))

    def _link_status(self, time: float, message: Any, _part: str) -> None:
        row = [time, *(float(getattr(message, name)) for name in _LINK)]
        self._link.extend(row)

    def _hand(self, time: float, message: Any, master: str) -> None:
        self._hands.setdefault(master, PoseColumns()).add(time, message.pose)


def _changes(time: Floats, value: Floats) -> Series:
    """First sample and every sample that differs from the one before."""
    if not len(time):
        return Series.empty()
    kept = np.concatenate(([True], value[1:] != value[:-1]))
    return Series(time[kept], value[kept])
