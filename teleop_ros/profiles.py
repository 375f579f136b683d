"""The profile of a node: what its parameter names, refused like any other parameter that cannot be used."""

from __future__ import annotations

from teleop_core.profiles import Profile, ProfileError
from teleop_ros.parameters import ParameterError
from teleop_ros.profile_files import check_security, find_profile


def profile(name_or_path: str) -> Profile:
    """The profile that the parameter `profile` names.

    Args:
        name_or_path: One of PROFILE_NAMES, or the path of a YAML file.

    Raises:
        ParameterError: one line that names file, field and value.
    """
    try:
        return find_profile(name_or_path)
    except ProfileError as error:
        raise ParameterError(f"parameter profile: {error}") from error


def require_security(profile: Profile, level: str) -> None:
    """Refuse to start below the level of security that the profile requires.

    Args:
        profile: Of the node.
        level: Level in force at the node: none or mac.

    Raises:
        ParameterError: one line that names both levels and what to do.
    """
    try:
        check_security(profile, level)
    except ProfileError as error:
        raise ParameterError(f"parameter profile: {error}") from error
