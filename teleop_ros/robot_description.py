"""Finds the robot description and expands it to URDF text."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from teleop_core.cart import PLACEMENTS

DEMO_ARMS = ("PSM1", "PSM2", "ECM")
_RELATIVE_PATH = Path("urdf") / "cart.urdf.xacro"


class RobotDescriptionError(RuntimeError):
    """The robot description cannot be found or expanded; the message says what to do."""


def description_path() -> Path:
    """Return the path of the cart's xacro file: in the source tree this module is part of, else where it is installed.

    Raises:
        RobotDescriptionError: it is in neither place.
    """
    candidates = [Path(__file__).resolve().parent.parent / _RELATIVE_PATH, *_installed()]
    for candidate in candidates:
        if candidate.is_file():
            return candidate
    places = ", ".join(str(candidate) for candidate in candidates)
    raise RobotDescriptionError(f"no robot description found; looked for {places}. Install the package again.")


def expand(arms: Sequence[str] = DEMO_ARMS) -> str:
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


def _installed() -> list[Path]:
    """Return where the file goes when the package is installed by colcon, and where when it is installed by pip."""
    by_pip = Path(sys.prefix) / "share" / "telesurgery"
    try:
        from ament_index_python.packages import PackageNotFoundError, get_package_share_directory
    except ImportError:
        return [by_pip / _RELATIVE_PATH]
    try:
        return [Path(get_package_share_directory("telesurgery")) / _RELATIVE_PATH, by_pip / _RELATIVE_PATH]
    except (PackageNotFoundError, OSError):  # OSError: AMENT_PREFIX_PATH is not set.
        return [by_pip / _RELATIVE_PATH]
