"""Which messages a recorder decodes for its audit log, and what it makes of them.

Of streams that are fast only the newest message of a turn is decoded: what is told are changes, and the bag has the
rest.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

from rclpy.serialization import deserialize_message

from audit.observed_events import Event, ObservedEvents
from teleop_core.contract import STREAMS
from teleop_ros.adapter import message_type

NEWEST_ONLY = ("command", "feedback", "safety_state")

Events = Callable[[float, Any], list[Event]]


class Decoder:
    """Messages of a recorder's channels -> events.

    Args:
        site: Site of the recorder.
    """

    def __init__(self, site: str) -> None:
        self.observed = observed = ObservedEvents()
        self._site = site
        self._urdf = ""
        self._kinds: dict[int, tuple[type[Any], Events]] = {}
        self._newest_only: set[int] = set()
        self._newest: dict[int, bytes] = {}
        self._events: dict[str, Events] = {
            "command": lambda _now, m: observed.command(m),
            "feedback": observed.feedback,
            "safety_state": lambda _now, m: observed.safety_state(m),
            "protective_stop": observed.protective_stop,
            "link_status": observed.link_status,
            "servo_report": lambda _now, m: observed.servo_report(m),
            "record_status": lambda now, m: [] if m.site == site else observed.other_record(now, m),
            "robot_description": lambda _now, m: self._description(m.data),
        }

    def hear(self, channel: int, stream: str, topic: str) -> None:
        """A channel carries a topic of a stream."""
        events = self._events.get(stream)
        if stream == "operating_state":
            arm = topic.rpartition("/")[0]
            events = lambda _now, m: self.observed.operating_state(arm, m)  # noqa: E731
        if events is not None:
            self._kinds[channel] = (message_type(STREAMS[stream].type), events)
        if stream in NEWEST_ONLY:
            self._newest_only.add(channel)

    def take(self, now: float, channel: int, data: bytes) -> list[Event]:
        """A message that was read at `now` [s]."""
        if channel in self._newest_only:
            self._newest[channel] = data
            return []
        return self._decode(now, channel, data) if channel in self._kinds else []

    def end_turn(self, now: float) -> list[Event]:
        """All that had arrived has been taken."""
        newest, self._newest = self._newest, {}
        return [event for channel, data in newest.items() for event in self._decode(now, channel, data)]

    def _decode(self, now: float, channel: int, data: bytes) -> list[Event]:
        kind, events = self._kinds[channel]
        return events(now, deserialize_message(data, kind))

    def _description(self, text: str) -> list[Event]:
        digest = hashlib.sha256(text.encode()).hexdigest()
        if digest == self._urdf:
            return []
        self._urdf = digest
        return [Event("start", {"urdf_sha256": digest}, "driver")]
