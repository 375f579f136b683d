"""Poses as they come from outside."""

from __future__ import annotations

import math

from robot_driver.motion.motion import MotionRefused
from teleop_core.se3 import Pose, is_unit_quaternion


def checked_pose(arm: str, what: str, pose: Pose) -> Pose:
    """The pose with its quaternion of length 1.

    Raises:
        MotionRefused: not finite, or no unit quaternion; names the arm, says `what` it is.
    """
    position, quaternion = pose.position.tolist(), pose.quaternion.tolist()
    if len(position) != 3 or not all(map(math.isfinite, position)):
        raise MotionRefused(f"{arm}: position {position} of the {what} is not finite")
    if not is_unit_quaternion(quaternion):
        raise MotionRefused(f"{arm}: orientation {quaternion} of the {what} is no unit quaternion")
    return Pose(pose.position, pose.quaternion / math.hypot(*quaternion))
