"""What of a command one arm can do: clamped at the limits, with the amount told; too large a step is refused."""

from __future__ import annotations

import math
from collections.abc import Sequence

from robot_driver.arm_server import JAW_LOWER, JAW_UPPER, ArmServer
from robot_driver.crtk import checks
from robot_driver.crtk.refusal import CommandRefusedError
from robot_driver.gate_limits import Excess
from robot_driver.motion.bounds import motion_bounds
from teleop_core.psm_kinematics import InverseKinematicsError
from teleop_core.se3 import Pose
from teleop_core.teller import Teller

MILLIMETRES = 1000.0
MEANT_PLACE, MEANT_TURN = 1e-5, 1e-4
"""Shortfalls that are no news to a client [m, rad]: a camera arm has no joint for each part of a pose."""


class Reach:
    """Limits of one arm, in front of its gate: what a client does by habit does not look like a fault there."""

    def __init__(self, arm: ArmServer, teller: Teller) -> None:
        """Take the arm, and who tells its clients."""
        self._arm, self._teller = arm, teller
        limits = arm.limits
        self._largest_steps = [speed * limits.jump_time for speed in limits.velocity]

    def joints(self, now: float, command: str, q: Sequence[float]) -> tuple[float, ...]:
        """The nearest joint positions (n,) [rad, m] within the limits; what is left out is told.

        Raises:
            CommandRefusedError: wrong number of values, or one that is not finite.
        """
        values = checks.joint_values((), q, self._arm.model.joint_names)
        clamped, notes = motion_bounds(self._arm.model).clamped(values, self._arm.gate.setpoint)
        for note in notes:
            self._teller.tell(now, f"{command} out of range", note)
        return clamped

    def pose(self, now: float, command: str, pose: Pose) -> tuple[float, ...]:
        """Joint positions (n,) for a pose in the base, as near as they get; what is left out is told.

        Raises:
            CommandRefusedError: there are none at all.
        """
        try:
            found = self._arm.model.inverse(pose, self._arm.gate.setpoint)
        except InverseKinematicsError as error:
            raise CommandRefusedError(str(error)) from error
        if not (found.position_error <= MEANT_PLACE and found.rotation_error <= MEANT_TURN):
            place, turn = MILLIMETRES * found.position_error, math.degrees(found.rotation_error)
            self._teller.tell(now, f"{command} out of reach", f"by {place:.2f} mm and {turn:.2f} deg")
        return found.q

    def jaw(self, now: float, command: str, angle: float) -> float:
        """The nearest angle of the jaw [rad] within its range; what is left out is told."""
        reachable = min(JAW_UPPER, max(JAW_LOWER, angle))
        if reachable != angle:
            self._teller.tell(now, f"{command} out of range", f"{angle:.4f} rad is beyond {reachable:.4f} rad")
        return reachable

    def check_step(self, q: Sequence[float]) -> None:
        """Refuse what is farther from the setpoint than the arm moves at once.

        Raises:
            CommandRefusedError: names the joint and by how much.
        """
        model = self._arm.model
        for name, slides, wanted, present, largest in zip(
            model.joint_names, model.slides, q, self._arm.gate.setpoint, self._largest_steps, strict=True
        ):
            step = abs(wanted - present)
            if not step <= largest:
                unit = "m" if slides else "rad"
                raise CommandRefusedError(
                    f"{name} jumps by {step:.4f} {unit}, at most {largest:.4f} {unit} at once: move or interpolate"
                )


def told(reasons: Sequence[Excess]) -> str:
    """What the gate said, in words with amounts."""
    return "; ".join(
        reason.reason.value + ("" if math.isnan(reason.amount) else f" by {reason.amount:.3g} {reason.unit}")
        for reason in reasons
    )
