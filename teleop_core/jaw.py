"""The jaw follows the gripper through a ghost that moves at a limited rate.

The ghost starts at the jaw's own position, so engaging never makes the jaw jump, and it approaches slowly until it has
caught up with the hand: a needle held while the hands were away is not dropped at engagement. It closes at once, and
opens only when the gripper has asked for it for a moment: neither a slip of the fingers nor a glitch of a sensor drops
a needle.
Rates after the open da Vinci Research Kit (4 pi rad/s, 0.2 pi rad/s until within 2 degrees).
"""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class JawLimits:
    """How gripper and jaw relate, and how fast the jaw may move.

    Attributes:
        gripper_open: Gripper angle that opens the jaw fully [rad].
        jaw_open: Jaw angle then [rad].
        jaw_closed: Jaw angle at a closed gripper; below 0 it grips with force [rad].
        rate: Largest speed [rad/s].
        catch_up_rate: Largest speed from engagement until the jaw has met the gripper [rad/s].
        caught_up: Difference at which it has met it [rad].
        opening_dwell: So long has the gripper to be more open than the jaw before the jaw opens [s].
    """

    gripper_open: float = math.radians(60.0)
    jaw_open: float = math.radians(60.0)
    jaw_closed: float = math.radians(-5.0)
    rate: float = 4.0 * math.pi
    catch_up_rate: float = 0.2 * math.pi
    caught_up: float = math.radians(2.0)
    opening_dwell: float = 0.1


class JawGhost:
    """Rate-limited jaw angle of one instrument."""

    def __init__(self, limits: JawLimits, angle: float) -> None:
        """Start at the jaw's present `angle` [rad], still to catch up with the gripper."""
        self._limits = limits
        self._caught_up = False
        self._asked_to_open = 0.0
        self.angle = angle

    def follow(self, gripper: float, dt: float) -> float:
        """Jaw angle after `dt` [s] with the gripper at `gripper` [rad]."""
        limits = self._limits
        share = min(1.0, max(0.0, gripper / limits.gripper_open))
        target = limits.jaw_closed + share * (limits.jaw_open - limits.jaw_closed)
        step = (limits.rate if self._caught_up else limits.catch_up_rate) * dt
        difference = target - self.angle
        self._asked_to_open = self._asked_to_open + dt if difference > 0.0 else 0.0
        opening = step if self._asked_to_open > limits.opening_dwell else 0.0
        self.angle += min(opening, max(-step, difference))
        if abs(target - self.angle) <= limits.caught_up:
            self._caught_up = True
        return self.angle
