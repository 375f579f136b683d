"""Finds the robot description and expands it to URDF text."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from teleop_core.cart import PLACEMENTS
from teleop_core.contract import CAMERA_ARM, DEFAULT_ARMS
from teleop_ros.shared_files import shared_file


class RobotDescriptionError(RuntimeError):
    """The robot description cannot be found or expanded; the message says what to do."""


def description_path() -> Path:
    """Return the path of the cart's xacro file.

    Raises:
        RobotDescriptionError: it is nowhere.
    """
    try:
        return shared_file("urdf/cart.urdf.xacro")
    except FileNotFoundError as error:
        raise RobotDescriptionError(str(error)) from error


def expand(arms: Sequence[str] = (*DEFAULT_ARMS, CAMERA_ARM)) -> str:
    """Return the URDF text of the cart with these arms.

    Args:
        arms: names out of PSM1, PSM2, PSM3 and ECM, each at most once.

    Raises:
        ValueError: an arm is unknown or named twice.
        RobotDescriptionError: the xacro library or the file is missing, or the file is faulty.
    """
    for arm in arms:
        if arm not in PLACEMENTS:
            raise ValueError(f"arms must be out of {', '.join(PLACEMENTS)}, got {arm!r}")
    if len(set(arms)) != len(arms):
        raise ValueError(f"arms must not name an arm twice, got {tuple(arms)}")
    try:
        import xacro
    except ImportError as error:
        raise RobotDescriptionError("xacro is missing: apt install ros-jazzy-xacro, or pip install xacro") from error
    path = description_path()
    try:
        document = xacro.process_file(str(path), mappings={"arms": " ".join(arms)})
    except xacro.XacroException as error:
        raise RobotDescriptionError(f"{path} cannot be expanded: {error}") from error
    text: str = document.toprettyxml(indent="  ")
    return text
