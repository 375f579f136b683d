"""An arm that somebody else's driver serves over CRTK: what it says, which state command it needs, what is wrong.

No ROS here, and no clock: the backend hands in what arrived, and when.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from robot_driver.arbitration import Owner
from robot_driver.backend import Measured
from robot_driver.joint_order import in_order
from teleop_core.operating_state import DISABLED, ENABLED, FAULT, PAUSED

SILENT = 0.25
"""Without joint positions for this long nobody knows where the arm is [s]."""
RETRY = 0.5
"""A state command that was not answered is sent again after this long [s]; never once the arm was ready or disabled."""
LARGEST = 1e4
"""No position, speed or effort of an arm is larger [rad, m, N m, N and rates]: what is, is no measurement."""


class RemoteArm:
    """One arm.

    Attributes:
        name: Name of the arm.
        measured: Newest sensor values; None before the first.
    """

    def __init__(self, name: str, joint_names: Sequence[str], jaw: bool) -> None:
        """Nothing heard, nothing wanted.

        Args:
            name: Name of the arm.
            joint_names: Joints in the order of the kinematics.
            jaw: It has one.
        """
        self.name = name
        self.measured: Measured | None = None
        self._joint_names = tuple(joint_names)
        self._jaw: tuple[float, float, float] | None = None if jaw else (0.0, 0.0, 0.0)
        self._measured_at = -math.inf
        self._wrong = ""
        self._state = ""
        self._owner = ""
        self._homed = self._busy = False
        self._wanted: bool | None = None
        self._was_ready = False
        self._retry_fault = False
        self._commanded_at = -math.inf

    def on_joints(self, now: float, names: Sequence[str], values: Sequence[Sequence[float]]) -> None:
        """Joint state at `now` [s].

        Args:
            now: Monotonic time of its arrival [s].
            names: Names of the joints; none: they are in order.
            values: Positions, velocities and efforts [rad, m and their rates, N m, N]; the last two may be empty.
        """
        position, velocity, effort = (in_order(names if len(row) else (), row, self._joint_names) for row in values)
        count = len(self._joint_names)
        if (measured := _plausible(position, count)) is None:
            given = ", ".join(names) or f"{len(values[0])} values"
            self._wrong = f"measured_js is not of {', '.join(self._joint_names)}: {given}"
            return
        self._wrong, self._measured_at = "", now
        rest = (0.0,) * count
        jaw = self._jaw or (0.0, 0.0, 0.0)
        self.measured = Measured(measured, _plausible(velocity, count) or rest, _plausible(effort, count) or rest, *jaw)

    def on_jaw(self, position: Sequence[float], velocity: Sequence[float], effort: Sequence[float]) -> None:
        """Jaw; what is no angle is not taken [rad, rad/s, N m]."""
        angle = _plausible(position, 1)
        if angle is not None:
            self._jaw = (angle[0], (_plausible(velocity, 1) or (0.0,))[0], (_plausible(effort, 1) or (0.0,))[0])

    def on_operating_state(self, state: str, homed: bool, busy: bool) -> None:
        """What the other driver says of the arm (CRTK)."""
        self._state, self._homed, self._busy = state, homed, busy

    def on_owner(self, owner: str) -> None:
        """To whom the other driver says that the arm belongs, if it is one of this suite; empty: to nobody."""
        self._owner = owner

    @property
    def taken(self) -> str:
        """Who has taken it from us at the other driver; empty: nobody. To that driver we are an external client."""
        return "" if self._owner in ("", Owner.EXTERNAL.value) else self._owner

    @property
    def missing(self) -> str:
        """What has to be heard before the arm can be driven; empty when all has been."""
        if self._wrong:
            return self._wrong
        if self.measured is None:
            return "nothing on measured_js"
        if self._jaw is None:
            return "nothing on jaw/measured_js"
        return "" if self._state else "nothing on operating_state"

    def want(self, enabled: bool) -> None:
        """Have it enabled and homed, or disabled, from now on; asked again, a fault is tried to be left once."""
        self._wanted = self._retry_fault = enabled
        self._was_ready = False
        self._commanded_at = -math.inf

    def command(self, now: float) -> str:
        """State command to send at `now` [s]; empty where none is due."""
        if self._wanted is None or not now - self._commanded_at >= RETRY:
            return ""
        name = self._way_up(now) if self._wanted else self._way_down()
        if name:
            self._commanded_at = now
        return name

    def ready(self, now: float) -> bool:
        """It is enabled and homed, and says where it is."""
        ready = self._state == ENABLED and self._homed and now - self._measured_at <= SILENT and not self._wrong
        self._was_ready = self._was_ready or (ready and self._wanted is True)
        return ready

    def fault(self, now: float) -> str:
        """Why it cannot be driven although it should; empty while it can, or is on its way."""
        if self._wanted is not True:
            return ""
        if self._state == FAULT and not self._retry_fault:
            return "the other driver says FAULT"
        if self._wrong:
            return self._wrong
        if not now - self._measured_at <= SILENT:
            return f"no measured_js for {now - self._measured_at:.2f} s"
        if self._was_ready and not self.ready(now):
            return f"the other driver took it to {self._state}" + ("" if self._homed else ", not homed")
        return ""

    def _way_down(self) -> str:
        if self._state != DISABLED:
            return "disable"
        self._wanted = None  # done: who enables it later is not hindered
        return ""

    def _way_up(self, now: float) -> str:
        self.ready(now)
        if self._was_ready:  # taken away since: people who did that are not overruled
            return ""
        if self._state == DISABLED or (self._state == FAULT and self._retry_fault):
            self._retry_fault = self._retry_fault and self._state != FAULT
            return "enable"
        if self._state == PAUSED:
            return "resume"
        return "home" if self._state == ENABLED and not (self._homed or self._busy) else ""


def _plausible(values: Sequence[float] | None, count: int) -> tuple[float, ...] | None:
    """The values, if they are so many numbers, none of them larger than any arm's; NaN is refused."""
    fits = values is not None and len(values) == count and all(-LARGEST <= value <= LARGEST for value in values)
    return tuple(values) if fits and values is not None else None
