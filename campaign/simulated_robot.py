"""A robot for simulated time: every joint follows its setpoint with a lag, at most at full speed. No other physics.

It stands in for the physics engine only where thousands of runs in simulated time need a robot that costs nothing. Its
lag is short, so what a campaign measures is how long the software takes. What a judge may know is here too: where the
joints are, and what the robot was told, whatever the software says of itself.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from robot_driver.backend import Measured
from teleop_core.cart import PLACEMENTS
from teleop_core.psm_kinematics import JOINT_LIMITS

FULL_SPEED = tuple(float(value) for value in JOINT_LIMITS.velocity)
"""Of each joint [rad/s, m/s]."""
LAG = 0.001
"""Time constant of a joint behind its setpoint [s]."""


@dataclass
class SimulatedJoints:
    """One arm.

    Attributes:
        position: Where the joints are [rad, m].
        setpoint: What the software told it last [rad, m].
        jaw: Jaw angle [rad].
        blocked: Something holds the arm.
        sensor: What the encoders say instead of the position; None where they work.
        told: When and what the software told it, since the judge last looked [s; rad, m].
    """

    position: tuple[float, ...]
    setpoint: tuple[float, ...]
    jaw: float = 0.0
    blocked: bool = False
    sensor: tuple[float, ...] | None = None
    told: list[tuple[float, tuple[float, ...]]] = field(default_factory=list)


class SimulatedRobot:
    """All arms; the verbs of `robot_driver.backend.ArmBackend`."""

    def __init__(self, arms: tuple[str, ...]) -> None:
        """Every arm stands in its ready configuration."""
        self.time = 0.0
        self.arms = {}
        for arm in arms:
            ready = tuple(float(value) for value in PLACEMENTS[arm].ready)
            self.arms[arm] = SimulatedJoints(ready, ready)

    def connect(self) -> None:
        """Nothing to reach."""

    def close(self) -> None:
        """Nothing to leave."""

    def enable(self, arm: str, enabled: bool) -> None:
        """Motors and brakes alike hold the arm at its setpoint."""
        self.hold(arm)

    def ready(self, arm: str) -> bool:
        """It always knows where its joints are."""
        return True

    def fault(self, arm: str) -> str:
        """It has none that it knows of."""
        return ""

    def taken(self, arm: str) -> str:
        """Nobody else can."""
        return ""

    def servo(self, arm: str, position: tuple[float, ...], velocity: tuple[float, ...], jaw: float) -> None:
        """Track a setpoint."""
        joints = self.arms[arm]
        joints.setpoint = position
        joints.jaw = jaw
        joints.told.append((self.time, position))

    def hold(self, arm: str) -> None:
        """Stand still at the last setpoint."""

    def measured(self, arm: str) -> Measured:
        """Where the encoders say that the arm is."""
        joints = self.arms[arm]
        position = joints.position if joints.sensor is None else joints.sensor
        rest = (0.0,) * len(position)
        return Measured(position, rest, rest, joints.jaw, 0.0, 0.0)

    def all_joints(self) -> tuple[list[str], list[float]]:
        """Names and positions of every joint."""
        named = [
            (f"{arm}_{index}", value)
            for arm, joints in self.arms.items()
            for index, value in enumerate(joints.position)
        ]
        return [name for name, _value in named], [value for _name, value in named]

    def advance(self, now: float) -> float:
        """Let time pass."""
        if now > self.time:
            elapsed, self.time = now - self.time, now
            share = 1.0 - math.exp(-elapsed / LAG)
            for joints in self.arms.values():
                if not joints.blocked and joints.position != joints.setpoint:
                    joints.position = _followed(joints.position, joints.setpoint, share, elapsed)
        return 0.0


def _followed(
    position: tuple[float, ...], setpoint: tuple[float, ...], share: float, elapsed: float
) -> tuple[float, ...]:
    followed = []
    for value, wanted, speed in zip(position, setpoint, FULL_SPEED, strict=True):
        step, most = (wanted - value) * share, speed * elapsed
        followed.append(value + (step if -most <= step <= most else math.copysign(most, step)))
    return tuple(followed)
