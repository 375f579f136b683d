"""What the driver asks of a robot: a simulated one, or hardware behind the same verbs.

The driver calls from one thread. Positions are joint positions in the order of the arm's joint names.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


class BackendError(RuntimeError):
    """The robot cannot be used; the text says why and what to do."""


@dataclass(frozen=True)
class Measured:
    """Sensors of one arm.

    Attributes:
        position: Joint positions [rad, m].
        velocity: Joint velocities [rad/s, m/s].
        effort: Joint efforts [N m, N].
        jaw: Jaw angle [rad].
        jaw_velocity: [rad/s].
        jaw_effort: [N m].
    """

    position: tuple[float, ...]
    velocity: tuple[float, ...]
    effort: tuple[float, ...]
    jaw: float
    jaw_velocity: float
    jaw_effort: float


class ArmBackend(Protocol):
    """A robot with one or more arms."""

    def connect(self) -> None:
        """Reach the robot; every arm is held where it is. Raises BackendError."""

    def enable(self, arm: str, enabled: bool) -> None:
        """Power the arm's motors, or set its brakes; the arm never goes limp."""

    def ready(self, arm: str) -> bool:
        """The enabled arm may be driven: it knows its joint positions. As of the newest `advance`."""

    def fault(self, arm: str) -> str:
        """Why the enabled arm cannot be driven; empty while it can, or is on its way. As of the newest `advance`."""

    def taken(self, arm: str) -> str:
        """Who else has taken the arm from this driver; empty: nobody. It is held here, and comes back by itself."""
        return ""

    def servo(self, arm: str, position: tuple[float, ...], velocity: tuple[float, ...], jaw: float) -> None:
        """Track a setpoint from now on; a simulated robot does so from the time to which it is brought next."""

    def hold(self, arm: str) -> None:
        """Stand still at the last setpoint, under position control."""

    def measured(self, arm: str) -> Measured:
        """Newest sensor values."""

    def all_joints(self) -> tuple[list[str], list[float]]:
        """Names and positions of every moving joint of the robot, for display [rad, m]."""

    def advance(self, now: float) -> float:
        """Bring a simulated robot to monotonic time `now` [s]; returns the time it had to skip [s]. Hardware: 0.

        Called at least once every servo period.
        """

    def close(self) -> None:
        """Leave the robot, arms held."""
