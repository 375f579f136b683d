"""Collects what is said of one instrument arm."""

from __future__ import annotations

import math
from array import array
from dataclasses import dataclass
from typing import Any

import numpy as np

from audit.series.model import Arm, LimitHit, Poses, Series

LONGEST_FEEDBACK = 0.1
"""Feedback comes at 100 Hz; a limit it tells counts until the next one, at most this long [s]."""


class PoseColumns:
    """Poses, growing."""

    def __init__(self) -> None:
        self._flat = array("d")

    def add(self, time: float, pose: Any) -> None:
        """One geometry_msgs/Pose."""
        position, turn = pose.position, pose.orientation
        self._flat.extend((time, position.x, position.y, position.z, turn.x, turn.y, turn.z, turn.w))

    def poses(self) -> Poses:
        """What was added, as arrays."""
        table = np.frombuffer(self._flat).reshape(-1, 8)
        return Poses(table[:, 0], table[:, 1:4], table[:, 4:])


def column(flat: array[float]) -> Series:
    """A flat array of time, value, time, value ... as a series."""
    table = np.frombuffer(flat).reshape(-1, 2)
    return Series(table[:, 0], table[:, 1])


@dataclass
class _Limit:
    by: str
    unit: str
    first: float
    seconds: float = 0.0
    times: int = 0
    amount: float = math.nan
    last_report: int = -2


class ArmCollector:
    """One arm."""

    def __init__(self) -> None:
        self.tool = PoseColumns()
        self.setpoint = PoseColumns()
        self._latency = array("d")
        self._error = array("d")
        self._holding = array("d")
        self._teleop = array("d")
        self._jaw = array("d")
        self._hold_reasons: list[tuple[float, str]] = []
        self._limits: dict[tuple[str, str], _Limit] = {}
        self._hand = ""
        self._reports = 0
        self._last_feedback = math.nan
        self._feedbacks = 0

    def report(self, time: float, message: Any) -> None:
        """One ServoReport."""
        self._reports += 1
        for flat, values in ((self._latency, message.motion_latency), (self._error, message.tracking_error)):
            for value in values:
                flat.extend((time, value))
        self._holding.extend((time, message.holding))
        reason = message.hold_reason if message.holding else ""
        if not self._hold_reasons or self._hold_reasons[-1][1] != reason:
            self._hold_reasons.append((time, reason))
        told = zip(
            message.limit_reasons, message.limit_seconds, message.limit_amounts, message.limit_units, strict=False
        )
        for text, seconds, amount, unit in told:
            self._limited(time, text, "gate", seconds, amount, unit, self._reports)

    def feedback(self, time: float, message: Any) -> None:
        """One ArmFeedback."""
        self._feedbacks += 1
        self._teleop.extend((time, message.teleop_state))
        self._hand = message.hand or self._hand
        seconds = min(time - self._last_feedback, LONGEST_FEEDBACK) if self._feedbacks > 1 else 0.0
        self._last_feedback = time
        for text in message.limit_reasons:
            self._limited(time, text, "kinematics", seconds, math.nan, "", self._feedbacks)

    def jaw_position(self, time: float, message: Any) -> None:
        """One JointState of the jaw."""
        if len(message.position):
            self._jaw.extend((time, message.position[0]))

    def arm(self) -> Arm:
        """What was collected."""
        limits = [
            LimitHit(text, limit.by, limit.seconds, limit.times, limit.first, limit.amount, limit.unit)
            for (text, _), limit in self._limits.items()
        ]
        return Arm(
            tool=self.tool.poses(),
            setpoint=self.setpoint.poses(),
            latency=column(self._latency),
            error=column(self._error),
            holding=column(self._holding),
            hold_reasons=tuple(self._hold_reasons),
            teleop=column(self._teleop),
            jaw=column(self._jaw),
            hand=self._hand,
            limits=tuple(sorted(limits, key=lambda limit: -limit.seconds)),
        )

    def _limited(self, time: float, text: str, by: str, seconds: float, amount: float, unit: str, number: int) -> None:
        limit = self._limits.setdefault((text, by), _Limit(by, unit, time))
        limit.seconds += seconds
        limit.times += number != limit.last_report + 1  # told again after a report without it
        limit.last_report = number
        limit.amount = float(np.fmax(limit.amount, amount))
