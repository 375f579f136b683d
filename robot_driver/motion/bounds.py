"""How far and how fast motions may take an arm: always a little less than its command gate allows.

A motion that keeps to these is never limited by the gate: the gate's findings then speak of faults, not of habits.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from robot_driver.arm_limits import CAMERA_ACCELERATION, MAX_TILT, SERVO_ACCELERATION, TILT_INDICES
from robot_driver.motion.motion import MotionRefused
from teleop_core.arm_model import ArmModel
from teleop_core.contract import CAMERA_ARM
from teleop_core.psm_kinematics import INSERTION_INDEX

SPEED_SHARE = 0.98
"""Share of the joints' full speed that motions use."""
ACCELERATION_SHARE = 0.9
"""Share of the acceleration of moves that moves use."""
FOLLOW_SHARE = 0.5
"""Share of the gate's acceleration with which an arm follows a stream of targets or stops: the rest is for servo
periods that are not all of one length."""
BRAKE_SHARE = 0.98
"""Share of the gate's acceleration with which an arm brakes when it has to."""
JERK_TIME = 0.1
"""Moves take this long to reach their acceleration [s]."""
TIP_SPEEDS = (0.2, 15.0)
"""Largest speed [m/s] and angular speed [rad/s] of the tip: those of a tool that follows a hand."""
RANGE_MARGIN = 1e-6
"""Kept to the ends of a joint's range [rad, m]: the gate wants room to stop even in the last step. A goal nearer to an
end than this is moved by as much."""
TILT_MARGIN = 0.01
"""Kept to the edge of the workspace [rad]: a period of motion along the edge."""


@dataclass(frozen=True)
class MotionBounds:
    """Bounds of the motions of one arm; the tuples hold one value per joint [rad, m and their rates].

    Attributes:
        arm: Name of the arm.
        joint_names: Names of the joints.
        slides: Which joints slide.
        lower: Smallest position; of the insertion, the one that keeps enough of the shaft past the remote centre.
        upper: Largest position.
        speed: Largest speed.
        acceleration: Largest acceleration of moves.
        follow_acceleration: Largest acceleration while following targets.
        brake_acceleration: Largest acceleration while braking before a limit.
    """

    arm: str
    joint_names: tuple[str, ...]
    slides: tuple[bool, ...]
    lower: tuple[float, ...]
    upper: tuple[float, ...]
    speed: tuple[float, ...]
    acceleration: tuple[float, ...]
    follow_acceleration: tuple[float, ...]
    brake_acceleration: tuple[float, ...]

    def checked(self, what: str, values: Sequence[float]) -> tuple[float, ...]:
        """The values as floats, one for each joint.

        Raises:
            MotionRefused: their number is wrong or one is not finite; says `what` they are.
        """
        if len(values) != len(self.joint_names):
            raise MotionRefused(
                f"{self.arm}: {what} has {len(values)} values, {len(self.joint_names)} joints ask for as many"
            )
        for name, value in zip(self.joint_names, values, strict=True):
            if not math.isfinite(value):
                raise MotionRefused(f"{self.arm} {name}: {what} {value} is not finite")
        return tuple(float(value) for value in values)

    def clamped(self, q: tuple[float, ...], present: tuple[float, ...]) -> tuple[tuple[float, ...], tuple[str, ...]]:
        """The nearest allowed positions, and what was out of its limit by how much; finite values only.

        An arm that stands outside its limits may go back or stay, but no farther out.
        """
        notes: list[str] = []
        inside = [self._joint(index, value, present[index], notes) for index, value in enumerate(q)]
        outer, inner = TILT_INDICES
        largest = max(MAX_TILT - TILT_MARGIN, tilt(present[outer], present[inner]))
        tilted = tilt(inside[outer], inside[inner])
        if not tilted <= largest:
            notes.append(
                f"{self.arm}: tilt of the shaft {tilted:.4f} rad is {tilted - largest:.4f} rad beyond its limit "
                f"{largest:.4f} rad"
            )
            share = _share_within(inside[outer], inside[inner], largest)
            inside[outer], inside[inner] = share * inside[outer], share * inside[inner]
        return tuple(inside), tuple(notes)

    def required(self, q: tuple[float, ...], present: tuple[float, ...]) -> tuple[float, ...]:
        """The same positions, off the ends of the ranges by a hair.

        Raises:
            MotionRefused: a joint is out of its limit; names it, the value, the limit and the amount.
        """
        inside, notes = self.clamped(q, present)
        if notes:
            raise MotionRefused("; ".join(notes))
        return inside

    def kept(self, q: tuple[float, ...], present: tuple[float, ...]) -> tuple[float, ...]:
        """Positions in the range of each joint: for what rounding may have carried past the end."""
        return tuple(
            min(max(high, here), max(min(low, here), value))
            for value, here, low, high in zip(q, present, self.lower, self.upper, strict=True)
        )

    def holds(self, low: Sequence[float], high: Sequence[float], present: tuple[float, ...]) -> bool:
        """True if every position between these corners (n,) is allowed to an arm that stands at `present`."""
        inside = all(
            min(here, lower) <= least and most <= max(here, upper)
            for least, most, here, lower, upper in zip(low, high, present, self.lower, self.upper, strict=True)
        )
        outer, inner = (max(abs(low[index]), abs(high[index])) for index in TILT_INDICES)
        return inside and tilt(outer, inner) <= MAX_TILT - TILT_MARGIN

    def _joint(self, index: int, value: float, present: float, notes: list[str]) -> float:
        low, high = min(present, self.lower[index]), max(present, self.upper[index])
        if low <= value <= high:
            return value
        limit = low if value < low else high
        if abs(value - limit) <= 1.5 * RANGE_MARGIN:
            return limit
        unit = "m" if self.slides[index] else "rad"
        why = ", the least depth past the remote centre" if index == INSERTION_INDEX and value < low else ""
        notes.append(
            f"{self.arm} {self.joint_names[index]}: {value:.4f} {unit} is {abs(value - limit):.4f} {unit} beyond its "
            f"limit {limit:.4f} {unit}{why}"
        )
        return limit


@cache
def motion_bounds(model: ArmModel) -> MotionBounds:
    """Bounds of the motions of an arm."""
    limits = model.limits
    moves = tuple(float(value) for value in limits.acceleration)
    gate = CAMERA_ACCELERATION if model.name == CAMERA_ARM else SERVO_ACCELERATION
    return MotionBounds(
        arm=model.name,
        joint_names=model.joint_names,
        slides=model.slides,
        lower=tuple(float(value) + RANGE_MARGIN for value in limits.lower),
        upper=tuple(float(value) - RANGE_MARGIN for value in limits.upper),
        speed=tuple(SPEED_SHARE * float(value) for value in limits.velocity),
        acceleration=tuple(ACCELERATION_SHARE * value for value in moves),
        follow_acceleration=tuple(FOLLOW_SHARE * value for value in gate),
        brake_acceleration=tuple(BRAKE_SHARE * value for value in gate),
    )


def checked_ratio(arm: str, ratio: float) -> float:
    """The share of full speed and acceleration that a move may use.

    Raises:
        MotionRefused: it is not above 0 and at most 1.
    """
    if not 0.0 < ratio <= 1.0:
        raise MotionRefused(f"{arm}: trajectory ratio {ratio} must be above 0 and at most 1")
    return ratio


def tilt(yaw: float, pitch: float) -> float:
    """How far the shaft is tilted from straight in [rad]; beyond a right angle all angles count as 180 degrees."""
    if max(abs(yaw), abs(pitch)) >= 0.5 * math.pi:
        return math.pi
    return math.acos(math.cos(yaw) * math.cos(pitch))


def _share_within(yaw: float, pitch: float, largest: float) -> float:
    """Share of both angles at which the shaft is tilted by `largest` or, by rounding, less [rad]."""
    low, high = 0.0, 1.0
    for _ in range(50):
        middle = 0.5 * (low + high)
        if tilt(middle * yaw, middle * pitch) <= largest:
            low = middle
        else:
            high = middle
    return low
