"""What the patient's side says of the arms, as the console keeps it."""

from __future__ import annotations

from dataclasses import dataclass

from teleop_core.cart import base_pose_in_cart, camera_pose_in_cart
from teleop_core.contract import CAMERA_ARM
from teleop_core.se3 import FloatArray, Pose, compose, quaternion_conjugate, quaternion_multiply
from teleop_core.signals import TeleopState

_DISPLAY_IN_OPTICAL = (0.0, 0.0, 1.0, 0.0)


@dataclass(frozen=True)
class ArmReport:
    """One arm.

    Attributes:
        hand: Hand that drives it; empty: none.
        state: Of its teleoperation.
        setpoint: Pose of its tip in its base.
    """

    hand: str
    state: TeleopState
    setpoint: Pose


def alignment_offset(arm: str, reports: dict[str, ArmReport], hand: Pose) -> FloatArray | None:
    """Rotation from the hand to the instrument, in the axes of the hand: quaternion x, y, z, w; None while unknown.

    Args:
        arm: Instrument arm.
        reports: What the patient's side says of the arms.
        hand: Pose of the hand in the display frame.
    """
    report = reports.get(arm)
    if report is None:
        return None
    camera = reports.get(CAMERA_ARM)
    if camera is not None:
        display = compose(base_pose_in_cart(CAMERA_ARM), camera.setpoint).quaternion
    else:
        display = quaternion_multiply(camera_pose_in_cart().quaternion, _DISPLAY_IN_OPTICAL)
    tool = compose(base_pose_in_cart(arm), report.setpoint).quaternion
    tool_in_display = quaternion_multiply(quaternion_conjugate(display), tool)
    return quaternion_multiply(quaternion_conjugate(hand.quaternion), tool_in_display)
