"""telesurgery: watches a session and records it; commands nothing.

In:  teleop/feedback, safety/state, <ARM>/servo_report, <ARM>/operating_state, MTML/measured_cp, MTMR/measured_cp,
     endoscope/*/image_raw/compressed, record/*/status, /diagnostics
Out: /diagnostics
Silence: of the safety monitor shows as the state SILENT; of anything else as a figure that does not grow.

The middleware collects the messages and this node reads them 25 times a second: an observer that Python wakes for each
one would take the control loop's share of the computer. Of streams whose present value matters only the newest is read.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from diagnostic_msgs.msg import DiagnosticArray
from rclpy.callback_groups import CallbackGroup
from rclpy.subscription import Subscription
from rclpy.time import Time

from teleop_cli.arm_history import ArmSeen, ServoSeen
from teleop_cli.command_count import Counters
from teleop_cli.recorder import RecordSeen, SessionRecorder
from teleop_cli.safety_history import AlarmSeen, Guidance
from teleop_core.contract import EYES, MASTERS, SITES, STREAMS
from teleop_core.signals import SafetyLevel, TeleopState
from teleop_ros.adapter import TeleopNode, message_type
from teleop_ros.qos import subscription_qos

POLL_PERIOD = 0.04
ALL = 20
"""Depth at which nothing is missed between two polls of a stream of at most 100 Hz, with room for a stall."""
DROP_REASONS = ("stale", "duplicate", "reordered", "malformed", "foreign", "unauthenticated")
"""Counters of telesurgery/msg/TeleopFeedback."""


@dataclass(frozen=True)
class Arrival:
    """When a message arrived, whenever it was read.

    Attributes:
        now: On the node's monotonic clock [s].
        wall_ns: On the clock of this host that stamps come from [ns].
    """

    now: float
    wall_ns: int


class _ReadByHand(CallbackGroup):
    """Keeps the executor from waking up for a subscription that is read on a timer."""

    def can_execute(self, entity: object) -> bool:
        """Never."""
        return False

    def beginning_execution(self, entity: object) -> bool:
        """Never."""
        return False

    def ending_execution(self, entity: object) -> None:
        """Nothing to do."""


class ObserverNode(TeleopNode):
    """Messages -> SessionRecorder.

    Args:
        recorder: Takes what is seen.
    """

    def __init__(self, recorder: SessionRecorder) -> None:
        super().__init__("telesurgery")
        self.recorder = recorder
        self._by_hand = _ReadByHand()
        self._polled: list[tuple[Subscription, Callable[[Any, Arrival], None]]] = []
        self._read("feedback", self.on_feedback, 1)
        for master in MASTERS:
            self._read("master_measured_cp", lambda m, a, master=master: self.on_hand(master, m, a), 1, master=master)
        self._read("safety_state", self.on_safety_state, ALL)
        for arm in recorder.arm_names:
            self._read("servo_report", self.on_servo_report, ALL, arm=arm)
            self.subscription("operating_state", lambda m, arm=arm: self.on_operating_state(arm, m), arm=arm)
        for eye in EYES:
            self._read("image", lambda m, a, eye=eye: self.on_image(eye, m, a), ALL, eye=eye)
        for site in SITES:
            self._read("record_status", self.on_record_status, 1, site=site)
        self.subscription("diagnostics", self.on_diagnostics)
        self.timer(POLL_PERIOD, self.step)

    def on_feedback(self, message: Any, arrival: Arrival) -> None:
        """What became of the commands."""
        counters = Counters(
            session=message.session,
            last_sequence=message.last_sequence,
            accepted=message.accepted,
            dropped={reason: getattr(message, reason) for reason in DROP_REASONS},
        )
        self.recorder.on_feedback(arrival.now, counters, [_arm_seen(arm) for arm in message.arms])

    def on_hand(self, master: str, message: Any, _arrival: Arrival) -> None:
        """Where a hand is."""
        position = message.pose.position
        self.recorder.on_hand(master, (position.x, position.y, position.z))

    def on_safety_state(self, message: Any, arrival: Arrival) -> None:
        """The verdict of the safety monitor."""
        alarms = tuple(
            AlarmSeen(alarm.id, alarm.level, alarm.text, alarm.source, alarm.priority, alarm.remedy)
            for alarm in message.alarms
        )
        guidance = Guidance(message.security, tuple(message.arming_denied), tuple(message.recovery))
        self.recorder.on_safety(arrival.now, SafetyLevel(message.state).name, alarms, guidance)

    def on_servo_report(self, message: Any, arrival: Arrival) -> None:
        """What the driver did with the commands of one arm."""
        self.recorder.on_servo(
            arrival.now,
            ServoSeen(
                name=message.name,
                applied=message.applied,
                late=message.late,
                servo_rate=message.servo_rate,
                motion_latency=message.motion_latency,
                tracking_error=message.tracking_error,
                rcm_deviation=message.rcm_deviation,
                limit_seconds=dict(zip(message.limit_reasons, message.limit_seconds, strict=False)),
                limit_amounts={
                    reason: (amount, unit)
                    for reason, amount, unit in zip(
                        message.limit_reasons, message.limit_amounts, message.limit_units, strict=False
                    )
                    if math.isfinite(amount)
                },
                holding=message.holding,
                hold_reason=message.hold_reason,
            ),
        )

    def on_operating_state(self, arm: str, message: Any) -> None:
        """CRTK state of an arm."""
        self.recorder.on_operating_state(arm, message.state + (", homed" if message.is_homed else ""))

    def on_image(self, eye: str, message: Any, arrival: Arrival) -> None:
        """A frame of one eye; its age is that on arrival."""
        captured_ns = Time.from_msg(message.header.stamp).nanoseconds
        age = (arrival.wall_ns - captured_ns) * 1e-9
        self.recorder.on_image(arrival.now, eye, captured_ns, age, bytes(message.data))

    def on_record_status(self, message: Any, _arrival: Arrival) -> None:
        """How well a site records the session."""
        root = bytes(message.root).hex()
        seen = RecordSeen(message.writing, message.reason, root, message.dropped, message.bytes)
        self.recorder.records[message.site] = seen

    def on_diagnostics(self, message: DiagnosticArray) -> None:
        """What only a node itself knows: commands sent, renderer of the endoscope."""
        for status in message.status:
            node = status.name.partition(":")[0]
            values = {item.key: item.value for item in status.values}
            if node == "master_input" and values.get("sent", "").isdecimal():
                self.recorder.commands.sender_says(int(values["sent"]))
            elif node == "video_relay" and "renderer" in values:
                self.recorder.renderer = values["renderer"]

    def step(self) -> None:
        """25 times a second: read what has arrived, notice silence."""
        now, wall_ns = self.now(), time.time_ns()
        for subscription, callback in self._polled:
            with subscription.handle:
                while (taken := subscription.handle.take_message(subscription.msg_type, False)) is not None:
                    message, info = taken
                    arrived_ns = info["received_timestamp"]
                    callback(message, Arrival(now - max(0, wall_ns - arrived_ns) * 1e-9, arrived_ns))
        self.recorder.tick(now)

    def _read(self, stream: str, callback: Callable[[Any, Arrival], None], depth: int, **parts: str) -> None:
        """Subscribe to a stream that `step` reads; keep the newest `depth` messages for it."""
        row = STREAMS[stream]
        profile = subscription_qos(row)
        profile.depth = depth
        subscription = self.create_subscription(
            message_type(row.type),
            row.topic_for(**parts),
            callback,
            profile,
            callback_group=self._by_hand,
        )
        self._polled.append((subscription, callback))


def _arm_seen(message: Any) -> ArmSeen:
    tool = message.measured.position
    return ArmSeen(
        name=message.name,
        teleop_state=TeleopState(message.teleop_state),
        limit_reasons=tuple(message.limit_reasons),
        tracking_error=message.tracking_error,
        tool_in_base=(tool.x, tool.y, tool.z),
        hand=message.hand,
    )
