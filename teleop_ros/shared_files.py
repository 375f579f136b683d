"""Finds the data files of the package: in the source tree this module is part of, else where they are installed."""

from __future__ import annotations

import os
import sys
from pathlib import Path

PACKAGE = "telesurgery"


def shared_file(relative: str) -> Path:
    """Path of a data file.

    Args:
        relative: As in the source tree, e.g. ``urdf/cart.urdf.xacro``.

    Raises:
        FileNotFoundError: names every place where it was looked for.
    """
    prefixes = [Path(prefix) for prefix in os.environ.get("AMENT_PREFIX_PATH", "").split(os.pathsep) if prefix]
    roots = [
        Path(__file__).resolve().parent.parent,
        *(prefix / "share" / PACKAGE for prefix in (*prefixes, Path(sys.prefix))),
    ]
    for root in roots:
        if (root / relative).is_file():
            return root / relative
    places = ", ".join(str(root / relative) for root in roots)
    raise FileNotFoundError(f"{relative} was not found; looked for {places}. Install the package again.")


def loopback_environment() -> dict[str, str]:
    """Environment of processes that talk to each other on this machine only.

    Raises:
        FileNotFoundError: the transport profile is not installed.
    """
    return {
        "ROS_AUTOMATIC_DISCOVERY_RANGE": "SYSTEM_DEFAULT",
        "FASTRTPS_DEFAULT_PROFILES_FILE": str(shared_file("config/dds_loopback.xml")),
    }
