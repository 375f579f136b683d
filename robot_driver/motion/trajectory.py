"""Time-optimal trajectories with limited jerk, computed by Ruckig."""

from __future__ import annotations

from collections.abc import Sequence

from ruckig import InputParameter, Result, Ruckig, RuckigError, Synchronization, Trajectory

from robot_driver.motion.bounds import JERK_TIME
from robot_driver.motion.motion import MotionRefused


def trajectory(
    start: Sequence[float],
    velocity: Sequence[float],
    goal: Sequence[float],
    speed: Sequence[float],
    acceleration: Sequence[float],
) -> Trajectory:
    """The way to a goal, at rest there; all sequences have one value for each coordinate (n,).

    From rest, or in the direction of the goal, it is straight: all coordinates keep step. Otherwise they arrive at the
    same time.

    Args:
        start: Positions at time 0.
        velocity: Speeds at time 0.
        goal: Positions at the end.
        speed: Largest speeds.
        acceleration: Largest accelerations; the jerk is such that they are reached in `JERK_TIME`.

    Raises:
        MotionRefused: there is none, with Ruckig's reason.
    """
    count = len(start)
    wanted = InputParameter(count)
    wanted.synchronization = Synchronization.Phase
    wanted.current_position, wanted.current_velocity = list(start), list(velocity)
    wanted.current_acceleration = [0.0] * count
    wanted.target_position = list(goal)
    wanted.max_velocity, wanted.max_acceleration = list(speed), list(acceleration)
    wanted.max_jerk = [value / JERK_TIME for value in acceleration]
    found = Trajectory(count)
    try:
        result = Ruckig(count).calculate(wanted, found)
    except RuckigError as error:
        raise MotionRefused(f"no trajectory: {error}") from error
    except ValueError as error:  # one that would take hours; the bindings have no name for that result (0.19.4)
        raise MotionRefused("no trajectory: it would take too long") from error
    if result is not Result.Working:
        raise MotionRefused(f"no trajectory: {result.name}")
    return found
