"""What the command gate knows of an arm, and the words in which it says what it refused or limited."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from enum import Enum
from operator import lt


class GateReason(str, Enum):
    """Why the gate holds, refuses or limits; the text goes to the operator and into the report.

    A reason has one unit, so that amounts beyond the same limit compare: what slides has reasons of its own.

    Attributes:
        unit: Unit of the amount by which a command is beyond the limit; empty where there is no amount.
    """

    unit: str
    _value_: str

    def __new__(cls, text: str, unit: str = "") -> GateReason:
        """Make a member of a text and its unit."""
        member = str.__new__(cls, text)
        member._value_ = text
        member.unit = unit
        return member

    DISABLED = "arm not enabled"
    PROTECTIVE_STOP = "protective stop"
    NO_PERMIT = "no permit to move"
    LEASE_OVER = "permit not renewed", "s"
    SILENCE = "no commands"
    CLOCK = "clock ran backwards", "s"
    WRONG_SIZE = "command has the wrong number of joints"
    NOT_FINITE = "command is not a finite number"
    STALE = "command too old", "s"
    TOO_OFTEN = "commands faster than real time", "s"
    JUMP = "command jumps", "rad"
    INSERTION_JUMP = "insertion command jumps", "m"
    JOINT_RANGE = "joint range", "rad"
    INSERTION_RANGE = "insertion range", "m"
    RCM_DEPTH = "depth past the remote centre", "m"
    WORKSPACE = "workspace", "rad"
    VELOCITY = "joint velocity", "rad/s"
    INSERTION_VELOCITY = "insertion velocity", "m/s"
    TRAVEL = "travel in 250 ms", "rad/s"
    INSERTION_TRAVEL = "insertion travel in 250 ms", "m/s"
    BRAKING = "braking before a limit", "rad/s"
    INSERTION_BRAKING = "insertion braking before a limit", "m/s"
    ACCELERATION = "joint acceleration", "rad/s^2"
    INSERTION_ACCELERATION = "insertion acceleration", "m/s^2"


@dataclass(frozen=True)
class Excess:
    """One reason, and how far beyond the limit.

    Attributes:
        reason: Which limit, or which refusal.
        amount: How far the command is beyond it, in `unit`; of the joint that is farthest. NaN if there is no amount.
    """

    reason: GateReason
    amount: float = math.nan

    @property
    def unit(self) -> str:
        """Unit of the amount; empty where there is none."""
        return self.reason.unit


@dataclass(frozen=True)
class GateLimits:
    """Limits of one arm; the tuples hold one value per joint [rad, m and their rates].

    Attributes:
        lower: Smallest position.
        upper: Largest position.
        velocity: Largest speed.
        acceleration: Largest acceleration.
        insertion_index: Which joint inserts the instrument; it slides, all others turn.
        min_insertion: Insertion that keeps the shaft far enough past the remote centre of motion [m].
        tilt_indices: The two joints that tilt the shaft at the remote centre, at right angles to each other; where both
            are zero it points along the middle of the workspace.
        max_tilt: Half the opening angle of the cone about that middle in which the shaft stays, at most a right
            angle [rad].
        servo_period: Nominal time between commands [s].
        max_command_age: Oldest hand sample that may become a setpoint [s].
        silence: Hold when no acceptable command came for this long [s].
        jump_time: A command may be as far away as the arm moves in this time at full speed [s].
    """

    lower: tuple[float, ...]
    upper: tuple[float, ...]
    velocity: tuple[float, ...]
    acceleration: tuple[float, ...]
    insertion_index: int
    min_insertion: float
    tilt_indices: tuple[int, int]
    max_tilt: float
    servo_period: float
    max_command_age: float
    silence: float = 0.06
    jump_time: float = 0.05

    def __post_init__(self) -> None:
        """Refuse limits that would limit nothing.

        Raises:
            ValueError: names the field and its value.
        """
        count = len(self.lower)
        for field in fields(self):
            value = getattr(self, field.name)
            values = value if isinstance(value, tuple) else (value,)
            if not all(math.isfinite(item) for item in values):
                raise ValueError(f"{field.name}: {value} must be finite")
        for name in ("upper", "velocity", "acceleration"):
            if len(getattr(self, name)) != count:
                raise ValueError(f"{name}: {getattr(self, name)} must have {count} values, as lower has")
        for name in ("velocity", "acceleration"):
            if not all(value > 0.0 for value in getattr(self, name)):
                raise ValueError(f"{name}: {getattr(self, name)} must be positive")
        for name in ("max_tilt", "servo_period", "max_command_age", "silence", "jump_time"):
            if not getattr(self, name) > 0.0:
                raise ValueError(f"{name}: {getattr(self, name)} must be positive")
        if not self.max_tilt <= 0.5 * math.pi:
            raise ValueError(f"max_tilt: {self.max_tilt} must be at most a right angle")
        if not self.jump_time >= self.servo_period:
            raise ValueError(f"jump_time: {self.jump_time} must be at least servo_period, {self.servo_period}")
        if not all(map(lt, self.lower, self.upper)):
            raise ValueError(f"lower: {self.lower} must be below upper, {self.upper}")
        for index in (self.insertion_index, *self.tilt_indices):
            if not 0 <= index < count:
                raise ValueError(f"insertion_index, tilt_indices: {index} is none of the {count} joints")
        if len({self.insertion_index, *self.tilt_indices}) != 3:
            raise ValueError(f"tilt_indices: {self.tilt_indices} must be two joints that do not insert")
        if not self.min_insertion < self.upper[self.insertion_index]:
            raise ValueError(f"min_insertion: {self.min_insertion} must be below upper, {self.upper}")
