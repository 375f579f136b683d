"""What the kinematics see of one arm: is it ready, where is its setpoint, where is it, what does its gate say."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from typing import Any

from robot_driver.arbitration import Owner
from robot_driver.hold_watch import HoldWatch
from teleop_core.arm_model import arm_model
from teleop_ros.adapter import TeleopNode

HELD = "the arm was held for a moment"


class ArmView(ABC):
    """Subscriptions of one arm.

    Attributes:
        name: Name of the arm.
        setpoint: Joint positions the driver holds as its setpoint [rad, m]; None before the first, or where it is none.
        measured: Joint positions [rad, m]; None likewise.
        gate_reasons: What the command gate limited lately.
        holds: Holds of the gate.
    """

    def __init__(self, node: TeleopNode, name: str) -> None:
        """Wire the arm up on the node."""
        self.name = name
        self._enabled = self._elsewhere = False
        self.setpoint: tuple[float, ...] | None = None
        self.measured: tuple[float, ...] | None = None
        self.gate_reasons: list[str] = []
        self.holds = HoldWatch()
        self._now = node.now
        self._joints = len(arm_model(name).joint_names)
        node.subscription("operating_state", self.on_operating_state, arm=name)
        node.subscription("setpoint_js", self.on_setpoint, arm=name)
        node.subscription("measured_js", self.on_measured, arm=name)
        node.subscription("servo_report", self.on_servo_report, arm=name)

    @property
    def ready(self) -> bool:
        """Enabled and homed, and nobody else has it."""
        return self._enabled and not self._elsewhere

    @abstractmethod
    def stop(self) -> None:
        """Let go: nothing more is sent. What drives the arm knows how."""

    def on_operating_state(self, message: Any) -> None:
        """The arm may be driven, or not."""
        self._enabled = message.state == "ENABLED" and message.is_homed

    def on_setpoint(self, message: Any) -> None:
        """Where the driver holds the arm; rubbish is not a place to start from."""
        self.setpoint = self._finite(message.position)

    def on_measured(self, message: Any) -> None:
        """Where the arm is."""
        self.measured = self._finite(message.position)

    def on_servo_report(self, message: Any) -> None:
        """What the command gate limited lately: the operator is told. A hold of the gate ends the engagement."""
        self.gate_reasons = list(message.limit_reasons)
        self._elsewhere = message.owner not in ("", Owner.TELEOPERATION.value)
        if self._elsewhere:
            self.gate_reasons.append(f"the arm belongs to {message.owner}")
        if self.holds.told(self._now(), message.holding, message.holds):
            self.stop()
            self.gate_reasons.append(message.hold_reason or HELD)

    def _finite(self, position: Any) -> tuple[float, ...] | None:
        q = tuple(position)
        return q if len(q) == self._joints and all(map(math.isfinite, q)) else None
