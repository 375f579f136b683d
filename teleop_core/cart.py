"""Where the arms stand: one table of the cart's bases, the configurations to start from, and the camera's frames.

Frames:
    cart: fixed, origin on the floor below the column, x towards the table, z up.
    base: remote centre of motion (RCM) of an arm; at joint zero the shaft points along -z, the mechanism
        is on the +y side.
    optical: at the tip of the endoscope, x right and y down in the picture, z along the view (REP-103).
    display: same origin, x left as seen on the display, y up, z away from the user along the view (CRTK). The hands
        are measured in these axes, so a hand that moves to the left moves the tool to the left of the picture.

The robot description holds the same placement; a test compares the two.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from teleop_core.contract import CAMERA_ARM
from teleop_core.ecm_kinematics import ECM_DH_TABLE
from teleop_core.psm_kinematics import chain_of_frames
from teleop_core.se3 import ArrayLike, FloatArray, Pose, compose, inverse, quaternion_multiply

STEREO_BASELINE = 0.005  # Distance between the two eyes of the endoscope [m].
TASK_CENTRE_IN_CART = (0.80, 0.0, 0.85)  # Middle of the peg board's surface [m].

# The optical axes in frame 4 of the table, whose x points up and y to the right of the picture.
_ROTATION_OPTICAL_IN_FRAME_4 = np.array([[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
# Half a turn about the view: right and down (optical) become left and up (display); x, y, z, w.
_QUATERNION_DISPLAY_IN_OPTICAL = (0.0, 0.0, 1.0, 0.0)


@dataclass(frozen=True)
class ArmPlacement:
    """Where one arm stands and how it starts.

    Attributes:
        position: RCM in the cart frame [m].
        roll_pitch_yaw: angles of the base about the fixed x, y and z axes of the cart frame [deg].
        ready: joint values to start from [rad, m].
    """

    position: tuple[float, float, float]
    roll_pitch_yaw: tuple[float, float, float]
    ready: tuple[float, ...]

    def base_in_cart(self) -> Pose:
        """Return the pose of the arm's base in the cart frame."""
        return Pose(np.array(self.position), quaternion_from_degrees(self.roll_pitch_yaw))


# As seen by the operator PSM1 comes in from the right, PSM2 from the left, PSM3 from the far left.
# Ready: tips over the peg board, wrists straight, the jaws opening in the plane of the picture.
PLACEMENTS = {
    "PSM1": ArmPlacement((0.70, -0.10, 0.99), (-20.0, 0.0, 130.0), (-0.029, 0.472, 0.18, -0.963, 0.0, 0.0)),
    "PSM2": ArmPlacement((0.70, 0.10, 0.99), (-20.0, 0.0, 50.0), (0.029, 0.472, 0.18, 0.963, 0.0, 0.0)),
    "PSM3": ArmPlacement((0.79, 0.15, 0.98), (-22.0, 0.0, 5.0), (0.086, 0.407, 0.15, 0.399, 0.0, 0.0)),
    CAMERA_ARM: ArmPlacement((0.68, 0.0, 1.058), (0.0, 0.0, 90.0), (0.0, math.radians(30.0), 0.085, 0.0)),
}


def base_pose_in_cart(arm: str) -> Pose:
    """Return the pose of an arm's base in the cart frame.

    Raises:
        ValueError: no arm of this name stands on the cart.
    """
    return _placement(arm).base_in_cart()


def ready_configuration(arm: str) -> FloatArray:
    """Return the joint values an arm starts from [rad, m]: (6,) for an instrument arm, (4,) for the camera arm.

    Raises:
        ValueError: no arm of this name stands on the cart.
    """
    return np.array(_placement(arm).ready)


def camera_pose_in_cart(q_ecm: ArrayLike | None = None) -> Pose:
    """Return the pose of the optical frame, midway between the eyes, in the cart frame.

    Args:
        q_ecm: (4,) joint values of the camera arm [rad, m]; by default its ready configuration.
    """
    frame_4 = chain_of_frames(ready_configuration(CAMERA_ARM) if q_ecm is None else q_ecm, ECM_DH_TABLE)[-1]
    optical_in_base = Pose.from_rotation(frame_4[:3, 3], frame_4[:3, :3] @ _ROTATION_OPTICAL_IN_FRAME_4)
    return compose(base_pose_in_cart(CAMERA_ARM), optical_in_base)


def display_in_base(arm: str, q_ecm: ArrayLike | None = None) -> Pose:
    """Return the pose of the display frame, at the tip of the endoscope, in an arm's base.

    Args:
        arm: name of the arm.
        q_ecm: (4,) joint values of the camera arm [rad, m]; by default its ready configuration.

    Raises:
        ValueError: no arm of this name stands on the cart.
    """
    optical_in_base = compose(inverse(base_pose_in_cart(arm)), camera_pose_in_cart(q_ecm))
    quaternion = quaternion_multiply(optical_in_base.quaternion, _QUATERNION_DISPLAY_IN_OPTICAL)
    return Pose(optical_in_base.position, quaternion)


def rotation_display_in_base(arm: str, q_ecm: ArrayLike | None = None) -> FloatArray:
    """Return the rotation (3, 3) of the display frame in an arm's base; see `display_in_base`."""
    return display_in_base(arm, q_ecm).rotation()


def _placement(arm: str) -> ArmPlacement:
    if arm not in PLACEMENTS:
        raise ValueError(f"arm must be one of {', '.join(PLACEMENTS)}, got {arm!r}")
    return PLACEMENTS[arm]


def quaternion_from_degrees(roll_pitch_yaw: tuple[float, float, float]) -> FloatArray:
    """Return the quaternion x, y, z, w of turns about the fixed x, then y, then z axis [deg]."""
    half_roll, half_pitch, half_yaw = (0.5 * math.radians(angle) for angle in roll_pitch_yaw)
    about_x = (math.sin(half_roll), 0.0, 0.0, math.cos(half_roll))
    about_y = (0.0, math.sin(half_pitch), 0.0, math.cos(half_pitch))
    about_z = (0.0, 0.0, math.sin(half_yaw), math.cos(half_yaw))
    return quaternion_multiply(about_z, quaternion_multiply(about_y, about_x))
