"""What crosses from node to node, as plain values: the core never sees a ROS message."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from teleop_core.se3 import Pose


class TeleopState(IntEnum):
    """State of one hand-arm pair; values as in telesurgery/msg/ArmFeedback."""

    DISABLED = 0
    ALIGNING = 1
    FOLLOWING = 2
    CLUTCHED = 3


class SafetyLevel(IntEnum):
    """State of the safety monitor; values as in telesurgery/msg/SafetyState."""

    SELF_TEST = 0
    READY = 1
    OPERATING = 2
    HOLD = 3
    PAUSED = 4
    FAULT = 5
    PROTECTIVE_STOP = 6


@dataclass(frozen=True)
class HandSignal:
    """One hand at one instant, in the display frame of the console.

    Attributes:
        name: Master arm, MTML or MTMR.
        pose: Pose of the hand in the display frame.
        linear: Linear velocity [m/s], display frame.
        angular: Angular velocity [rad/s], display frame.
        gripper: Opening of the gripper [rad], 0 = closed.
        arm: Instrument arm that it is meant to drive; empty: as configured at the patient's side.
        lock_rotation: The instrument keeps its orientation.
        lock_translation: The instrument keeps its place.
        aligns: The device turns its handle to the instrument's orientation by itself.
    """

    name: str
    pose: Pose
    linear: tuple[float, float, float]
    angular: tuple[float, float, float]
    gripper: float
    arm: str = ""
    lock_rotation: bool = False
    lock_translation: bool = False
    aligns: bool = False


@dataclass(frozen=True)
class OperatorSignal:
    """Everything hands and feet say at one instant (telesurgery/msg/OperatorCommand).

    Attributes:
        stamp: When the hands were sampled [s], clock of the console.
        session: Random number of the console's session.
        sequence: Number of the packet in its session, from 1.
        clutch_epoch: Presses of the clutch so far in this session.
        operator_present: Someone sits at the console and means to operate.
        clutch: Clutch pedal pressed.
        camera: Camera pedal pressed.
        motion_scale: Instrument motion per hand motion, 0 < motion_scale <= 1.
        feedback_stamp: Stamp of the newest feedback received [s], clock of the patient side; 0 = none.
        feedback_age: How long ago that feedback arrived [s].
        hands: At most one entry per master arm.
    """

    stamp: float
    session: int
    sequence: int
    clutch_epoch: int
    operator_present: bool
    clutch: bool
    camera: bool
    motion_scale: float
    feedback_stamp: float
    feedback_age: float
    hands: tuple[HandSignal, ...]
