"""Watches the robot itself, from outside: where its joints are, on this process's own clock. Decides nothing.

Usage: python -m campaign.observer PARENT_PID [namespace of another robot whose arms are watched, too]

It shares no code with the safety monitor, the command gate or the nodes' base; it knows messages and topic names. Each
line on stdout is a JSON array: a letter for the kind, the monotonic time of arrival [s], and what arrived:

    p  arm, joint positions [rad, m]               every measured_js
    s  state, permitted, alarms                    safety/state, when something changed, and at least once a second
    g  arm, hold reason, limit reasons, counters, owner  every servo_report
    f  states of the pairs, limit reasons, counters  teleop/feedback, when pairs or reasons changed, else 20 Hz
    o  arm, state, homed                           every operating_state
    w  arm, text                                   every warning and error that clients of an arm are told
    d  node, message                               /diagnostics that are not OK
    m  seconds, numbers                            a permit later than the lease of the one before, or numbers left out
    l  seconds                                     this process itself was late by so much
"""

from __future__ import annotations

import ctypes
import json
import math
import os
import signal
import sys
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import rclpy
from crtk_msgs.msg import OperatingState
from diagnostic_msgs.msg import DiagnosticArray
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import JointState
from std_msgs.msg import String
from telesurgery.msg import SafetyState, ServoReport, TeleopFeedback

CAMERA = "ECM"
ARMS = ("PSM1", "PSM2", CAMERA)
LOOK_EVERY = 0.002
"""[s]"""
LATE = 0.02
"""A look that comes this late is told [s]."""
TELL_AGAIN = 1.0
COUNTERS_EVERY = 0.05
FEEDBACK_COUNTERS = (
    "accepted", "stale", "duplicate", "reordered", "malformed", "foreign", "unauthenticated",
)  # fmt: skip
REPORT_COUNTERS = ("received", "applied", "permits_refused", "unauthenticated")

_PR_SET_PDEATHSIG = 1
_PRIORITY = 45


class Observer:
    """Takes messages as they come and writes them down."""

    def __init__(self, node: Any, elsewhere: str = "") -> None:
        """Subscribe; `elsewhere`: namespace of another robot, empty for none."""
        loose = QoSProfile(depth=50, reliability=ReliabilityPolicy.BEST_EFFORT)
        sure = QoSProfile(depth=50, reliability=ReliabilityPolicy.RELIABLE)
        latched = QoSProfile(
            depth=1, reliability=ReliabilityPolicy.RELIABLE, durability=DurabilityPolicy.TRANSIENT_LOCAL
        )
        self._permit: tuple[float, int, int, float] | None = None
        self._written: dict[str, tuple[float, Any]] = {}
        self._takers: list[tuple[Any, type[Any], Callable[[float, Any], None]]] = []

        def listen(kind: type[Any], topic: str, qos: QoSProfile, callback: Callable[[float, Any], None]) -> None:
            subscription = node.create_subscription(kind, topic, lambda _message: None, qos)
            self._takers.append((subscription.handle, kind, callback))

        for arm in ARMS:
            listen(JointState, f"{arm}/measured_js", loose, partial(self._measured, arm))
            listen(ServoReport, f"{arm}/servo_report", loose, self._report)
            listen(OperatingState, f"{arm}/operating_state", latched, partial(self._operating, arm))
            for topic in ("warning", "error"):
                listen(String, f"{arm}/{topic}", sure, partial(self._text, arm))
            if elsewhere:
                listen(
                    JointState, f"{elsewhere}/{arm}/measured_js", loose, partial(self._measured, f"{elsewhere}/{arm}")
                )
        listen(SafetyState, "safety/state", loose, self._safety)
        listen(TeleopFeedback, "teleop/feedback", loose, self._feedback)
        listen(DiagnosticArray, "/diagnostics", sure, self._diagnostics)

    def look(self) -> None:
        """Take everything that has arrived."""
        for handle, kind, callback in self._takers:
            while (taken := handle.take_message(kind, False)) is not None:
                callback(time.monotonic(), taken[0])

    def _measured(self, arm: str, at: float, message: Any) -> None:
        _write("p", at, arm, [round(value, 7) if math.isfinite(value) else None for value in message.position])

    def _report(self, at: float, message: Any) -> None:
        reasons = dict(zip(message.limit_reasons, map(float, message.limit_seconds), strict=False))
        counters = {name: getattr(message, name) for name in REPORT_COUNTERS}
        hold = message.hold_reason if message.holding else ""
        _write("g", at, message.name, hold, reasons, counters, message.owner)

    def _operating(self, arm: str, at: float, message: Any) -> None:
        _write("o", at, arm, message.state, message.is_homed)

    def _text(self, arm: str, at: float, message: Any) -> None:
        _write("w", at, arm, message.data)

    def _safety(self, at: float, message: Any) -> None:
        before, self._permit = self._permit, (at, message.session, message.permit_sequence, message.lease)
        if before is not None and before[1] == message.session:
            gap, left_out = at - before[0], message.permit_sequence - before[2] - 1
            if gap > before[3] or left_out:
                _write("m", at, gap, left_out)
        alarms = [[alarm.id, alarm.source, alarm.level, alarm.latched] for alarm in message.alarms]
        self._write_news("s", at, [message.state, message.motion_permitted, alarms], TELL_AGAIN)

    def _feedback(self, at: float, message: Any) -> None:
        pairs = [arm.teleop_state for arm in message.arms if arm.name != CAMERA]
        reasons = sorted({reason for arm in message.arms for reason in arm.limit_reasons})
        counters = {name: getattr(message, name) for name in FEEDBACK_COUNTERS}
        self._write_news("f", at, [pairs, reasons], COUNTERS_EVERY, counters)

    def _diagnostics(self, at: float, message: Any) -> None:
        for status in message.status:
            if status.level != b"\x00":
                _write("d", at, status.name, status.message)

    def _write_news(self, kind: str, at: float, content: list[Any], again: float, *more: Any) -> None:
        before = self._written.get(kind)
        if before is None or before[1] != content or at - before[0] >= again:
            self._written[kind] = (at, content)
            _write(kind, at, *content, *more)


def _write(*row: Any) -> None:
    sys.stdout.write(json.dumps(row) + "\n")


def main() -> int:
    """Observe until the campaign ends."""
    parent = int(sys.argv[1])
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        return 0
    rclpy.init(args=[])
    node = rclpy.create_node("observer")
    observer = Observer(node, *sys.argv[2:])
    try:
        for thread in os.listdir("/proc/self/task"):
            os.sched_setscheduler(int(thread), os.SCHED_RR, os.sched_param(_PRIORITY))
    except OSError as error:
        sys.stderr.write(f"observer without real-time priority: {error}\n")
    looked_at = time.monotonic()
    while True:
        now = time.monotonic()
        if now - looked_at > LATE:
            _write("l", now, now - looked_at)
        looked_at = now
        observer.look()
        sys.stdout.flush()
        time.sleep(LOOK_EVERY)


if __name__ == "__main__":
    sys.exit(main())
