"""Limits the command gate is given for each arm of the cart, and where each figure comes from."""

from __future__ import annotations

import math

from robot_driver.gate_limits import GateLimits
from teleop_core.contract import CAMERA_ARM
from teleop_core.ecm_kinematics import ECM_LIMITS
from teleop_core.psm_kinematics import INSERTION_AT_RCM, INSERTION_INDEX, JOINT_LIMITS

MIN_DEPTH = 0.045
"""Least length of shaft past the remote centre of motion [m]: the da Vinci Research Kit's safe distance."""

TILT_INDICES = (0, 1)
"""Yaw and pitch: they tilt the shaft at the remote centre."""

MAX_TILT = math.radians(80.0)
"""The shaft tilts no farther from straight in, where it is at joint zero: it would lie along the body wall [rad]."""

SERVO_ACCELERATION = (30.0, 30.0, 4.0, 600.0, 600.0, 600.0)
"""Largest acceleration while following a hand [rad/s^2, m/s^2]. Hands are fast where they are small: at a scale of 0.2
the arm sees up to 3 m/s^2, while the wrist turns with the hand unscaled."""

MIN_CAMERA_INSERTION = 0.040
"""Least insertion of the endoscope [m]: the da Vinci Research Kit steers it in space from there on."""

CAMERA_ACCELERATION = (6.0, 6.0, 0.75, 6.0)
"""Largest acceleration of the camera arm [rad/s^2, m/s^2]: full speed within a tenth of a second and not sooner, as a
picture that jerks cannot be worked with. An arm that is slower still falls behind its commands by more than a jump."""


def arm_gate_limits(arm: str, servo_period: float, max_command_age: float, silence: float) -> GateLimits:
    """Limits of an arm by its name; arguments as of `gate_limits`."""
    make = camera_gate_limits if arm == CAMERA_ARM else gate_limits
    return make(servo_period, max_command_age, silence)


def gate_limits(servo_period: float, max_command_age: float, silence: float) -> GateLimits:
    """Limits of a PSM.

    Args:
        servo_period: Nominal time between commands [s].
        max_command_age: Oldest hand sample that may become a setpoint [s].
        silence: Hold after this long without a command [s].
    """
    return GateLimits(
        lower=tuple(float(value) for value in JOINT_LIMITS.lower),
        upper=tuple(float(value) for value in JOINT_LIMITS.upper),
        velocity=tuple(float(value) for value in JOINT_LIMITS.velocity),
        acceleration=SERVO_ACCELERATION,
        insertion_index=INSERTION_INDEX,
        min_insertion=MIN_DEPTH + INSERTION_AT_RCM,
        tilt_indices=TILT_INDICES,
        max_tilt=MAX_TILT,
        servo_period=servo_period,
        max_command_age=max_command_age,
        silence=silence,
    )


def camera_gate_limits(servo_period: float, max_command_age: float, silence: float) -> GateLimits:
    """Limits of the ECM: range and speed of its controller, the workspace cone of the instruments.

    The cone matters for the yaw only, which alone would reach 90 degrees; arguments as of `gate_limits`.
    """
    return GateLimits(
        lower=tuple(float(value) for value in ECM_LIMITS.lower),
        upper=tuple(float(value) for value in ECM_LIMITS.upper),
        velocity=tuple(float(value) for value in ECM_LIMITS.velocity),
        acceleration=CAMERA_ACCELERATION,
        insertion_index=INSERTION_INDEX,
        min_insertion=MIN_CAMERA_INSERTION,
        tilt_indices=TILT_INDICES,
        max_tilt=MAX_TILT,
        servo_period=servo_period,
        max_command_age=max_command_age,
        silence=silence,
    )
