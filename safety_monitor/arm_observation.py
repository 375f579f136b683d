"""What the monitor has seen of one arm: its state, how well it tracks, and what its gate reports."""

from __future__ import annotations

import math
from collections import deque
from typing import Any

from safety_monitor.inputs import ArmHealth
from teleop_core.arm_model import ArmModel, arm_model

COMPARE_AT_LEAST_EVERY = 0.5
"""Without a pair of measured and commanded joints of one instant for this long the error is unknown [s]."""
REPORT_VALID = 0.5
"""A report of the gate that is older than this says nothing [s]; it comes ten times a second."""
OVERRULED_WINDOW = 5.0
"""Time over which it is added up how long the gate had to overrule commands [s]."""
OVERRULING = ("command jumps", "insertion command jumps", "commands faster than real time",
              "command is not a finite number", "command has the wrong number of joints",
              "joint range", "insertion range", "depth past the remote centre")  # fmt: skip
"""What the gate says only to commands that the kinematics would not have sent."""


class TrackingError:
    """Distance of measured and commanded tip of one arm, worked out from joints of the same instant."""

    def __init__(self, model: ArmModel) -> None:
        """Nothing compared yet; `model`: kinematics of the arm."""
        self._model = model
        self._error = 0.0
        self._compared_at: float | None = None
        self._unmatched_for = 0.0

    def compare(self, now: float, setpoint: Any, measured: Any) -> None:
        """Take in two joint states (stamp and positions [rad, m]) at `now` [s]; of different instants they say nothing.

        Positions that are no joint positions make the error unknown, not small.
        """
        if self._compared_at is None:
            self._compared_at = now
        self._unmatched_for = now - self._compared_at
        if setpoint.header.stamp != measured.header.stamp:
            return
        self._compared_at, self._unmatched_for = now, 0.0
        try:
            self._error = math.dist(self._model.tip(setpoint.position), self._model.tip(measured.position))
        except ValueError:
            self._error = math.nan

    def value(self) -> float:
        """Newest error [m]: 0 before the arm was seen, NaN when joints arrive that cannot be compared.

        That nothing arrives is the driver's silence, told as such, and not a lost instrument.
        """
        return math.nan if self._unmatched_for > COMPARE_AT_LEAST_EVERY else self._error


class ArmObservation:
    """One arm.

    Attributes:
        ready: Enabled and homed; None before it said anything.
        aligning: It waits for the operator's gesture.
    """

    def __init__(self, name: str) -> None:
        """Nothing seen yet of the arm of this name."""
        self.ready: bool | None = None
        self.aligning = False
        self._tracking = TrackingError(arm_model(name))
        self._setpoint: Any = None
        self._report: Any = None
        self._reported_at = float("-inf")
        self._overruled: deque[tuple[float, float]] = deque()

    def on_operating_state(self, ready: bool) -> bool:
        """The arm may be driven, or not; returns True if it was enabled when it was first heard of."""
        found_enabled = ready and self.ready is None
        self.ready = ready
        return found_enabled

    def on_setpoint(self, joints: Any) -> None:
        """Where the driver wants the arm."""
        self._setpoint = joints

    def on_measured(self, now: float, joints: Any) -> None:
        """Where the arm is at `now` [s]; compared with the setpoint of the same instant."""
        if self._setpoint is not None:
            self._tracking.compare(now, self._setpoint, joints)

    def on_report(self, now: float, report: Any) -> None:
        """What its gate did lately (telesurgery/msg/ServoReport)."""
        self._report, self._reported_at = report, now
        times = [
            # What is not finite counts as for ever; an infinity of either sign would be no sum.
            seconds if math.isfinite(seconds) else math.inf
            for reason, seconds in zip(report.limit_reasons, report.limit_seconds, strict=False)
            if reason in OVERRULING
        ]
        overruled = math.fsum(times)
        if overruled:
            self._overruled.append((now, overruled))

    def health(self, now: float, permit_session: int) -> ArmHealth:
        """Everything at `now` [s].

        Args:
            now: Monotonic time [s].
            permit_session: Session of this monitor's permits.
        """
        while self._overruled and now - self._overruled[0][0] > OVERRULED_WINDOW:
            self._overruled.popleft()
        report = self._report if now - self._reported_at <= REPORT_VALID else None
        return ArmHealth(
            ready=self.ready,
            aligning=self.aligning,
            tracking_error=self._tracking.value(),
            permitted=None if report is None else report.permitted,
            holding=report is not None and report.holding,
            permit_sequence=report.permit_sequence
            if report is not None and report.permit_session == permit_session
            else 0,
            overruled=math.fsum(seconds for _when, seconds in self._overruled),
        )
