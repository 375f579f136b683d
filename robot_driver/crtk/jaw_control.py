"""What clients make the jaw of one arm do. The jaw moves with the arm's servo commands, so never without a permit."""

from __future__ import annotations

import math

from ruckig import Trajectory

from robot_driver.arm_server import ArmServer
from robot_driver.motion.trajectory import trajectory

SPEED, ACCELERATION = math.radians(180.0), math.radians(720.0)
"""Of a move of the jaw: less than its limits, as a client moves it with nothing to see [rad/s, rad/s^2]."""
SERVO_LASTS = 0.25
"""A servo command turns the jaw for this long [s]."""
THERE = 1e-6
"""[rad]"""
OLDEST = 0.99
"""Age that a command for the jaw alone claims, as a share of the greatest that the gate takes."""


class JawControl:
    """The jaw's motion, if there is one.

    Attributes:
        goal: Where it ends [rad].
        moves: A move is under way.
    """

    def __init__(self, arm: ArmServer) -> None:
        """The jaw of this arm stands."""
        self._arm = arm
        self._goal: float | None = None
        self._until = -math.inf
        self._trajectory: Trajectory | None = None
        self._time = 0.0

    @property
    def goal(self) -> float:
        """See the attributes; the setpoint where it stands."""
        return self._arm.jaw_setpoint if self._goal is None else self._goal

    @property
    def moves(self) -> bool:
        """See the attributes."""
        return self._trajectory is not None

    def servo(self, now: float, angle: float) -> None:
        """Turn towards an angle [rad], in its range, as fast as the jaw can."""
        self._trajectory = None
        self._goal, self._until = angle, now + SERVO_LASTS

    def move(self, angle: float, ratio: float) -> None:
        """Move to an angle [rad], in its range, limited in jerk, with a share of the speed; raises MotionRefused."""
        limits = (ratio * SPEED,), (ratio * ACCELERATION,)
        self._trajectory = trajectory((self._arm.jaw_setpoint,), (0.0,), (angle,), *limits)
        self._time, self._goal = 0.0, angle

    def step(self, now: float, elapsed: float) -> bool:
        """One servo period: say where the jaw goes.

        Args:
            now: Monotonic time [s].
            elapsed: Time of the move since the last step [s].

        Returns:
            The jaw is under way, so the arm needs a servo command.
        """
        if self._goal is None:
            return False
        wanted = self._goal
        if self._trajectory is not None:
            self._time += elapsed
            wanted = float(self._trajectory.at_time(self._time)[0][0])
        elif not now <= self._until:
            self._goal = None
            return False
        self._arm.servo_jaw(now, wanted)
        return True

    def stamp(self, now: float) -> float:
        """When a command that only turns the jaw claims to be made [s]: as long ago as may be.

        Whoever streams beside it sends older stamps, and none of them may be too old because of the jaw.
        """
        oldest = now - OLDEST * self._arm.limits.max_command_age
        return max(oldest, math.nextafter(self._arm.gate.sampled_at, math.inf))

    def over(self) -> bool:
        """The jaw has got to where it was to go; what it did is done with."""
        there = self._goal is not None and abs(self._arm.jaw_setpoint - self._goal) <= THERE
        if there and (self._trajectory is None or self._time >= self._trajectory.duration):
            self.stop()
            return True
        return False

    def stop(self) -> None:
        """The jaw stands."""
        self._trajectory, self._goal = None, None
