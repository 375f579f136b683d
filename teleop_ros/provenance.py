"""What a session was run with: versions, and hashes of the files that it was configured by."""

from __future__ import annotations

import hashlib
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from xml.etree import ElementTree

from teleop_core.profiles import PROFILE_NAMES
from teleop_ros.shared_files import shared_file

PACKAGES = ("ros-rclpy", "mcap", "cryptography", "numpy", "pybullet")
CONFIGURATION = ("config/teleop.yaml", "config/dds_loopback.xml", "config/sros2/policy.xml")


def versions() -> dict[str, str]:
    """Version of everything that matters, by name; what is not installed is left out."""
    found = {"python": platform.python_version(), "kernel": platform.release()}
    try:
        told = ElementTree.parse(shared_file("package.xml")).getroot().findtext("version")
        found["telesurgery"] = told or "unknown"
    except (OSError, ElementTree.ParseError):
        found["telesurgery"] = "unknown"
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def configuration_hashes(profile: str) -> dict[str, str]:
    """SHA-256 of the configuration files, by name; what is not there is left out.

    Args:
        profile: Name or file of the profile of the session.
    """
    files: dict[str, Path] = {}
    wanted = {name: name for name in CONFIGURATION}
    if profile in PROFILE_NAMES:
        wanted["profile"] = f"config/profiles/{profile}.yaml"
    else:
        files["profile"] = Path(profile)
    for key, name in wanted.items():
        try:
            files[key] = shared_file(name)
        except FileNotFoundError:
            continue
    return {key: hashlib.sha256(path.read_bytes()).hexdigest() for key, path in files.items() if path.is_file()}
