"""Finds the file of a profile, and says whether a session may start with it. Needs no ROS, so it costs no time."""

from __future__ import annotations

from pathlib import Path

from teleop_core.authentication import SECURITY_LEVELS
from teleop_core.profiles import PROFILE_NAMES, Profile, ProfileError, read_profile
from teleop_ros.shared_files import shared_file


def find_profile(name_or_path: str) -> Profile:
    """The profile of the suite with this name, or the one in this file.

    Args:
        name_or_path: One of PROFILE_NAMES, or the path of a YAML file.

    Raises:
        ProfileError: one line that names file, field and value.
    """
    if name_or_path in PROFILE_NAMES:
        try:
            return read_profile(shared_file(f"config/profiles/{name_or_path}.yaml"))
        except FileNotFoundError as error:
            raise ProfileError(str(error)) from error
    if not Path(name_or_path).is_file():
        raise ProfileError(f"{name_or_path!r} is neither one of {', '.join(PROFILE_NAMES)} nor a file")
    return read_profile(Path(name_or_path))


def check_security(profile: Profile, level: str) -> None:
    """Refuse a level of security below the one that the profile requires.

    Args:
        profile: Of the session.
        level: Level in force: none or mac.

    Raises:
        ProfileError: one line that names both levels and what to do.
    """
    if SECURITY_LEVELS.index(level) < SECURITY_LEVELS.index(profile.required_security):
        raise ProfileError(
            f"{profile.name}: required_security: {profile.required_security}, but the level in force is {level}: "
            "make keys with `telesurgery keys` and give their folder"
        )


def session_link(name_or_path: str, keys: str) -> tuple[str, str]:
    """Profile and key folder of a session, checked before a node starts, as its nodes take them from any folder.

    Args:
        name_or_path: One of PROFILE_NAMES, or the path of a YAML file.
        keys: Folder of the key files; empty for none.

    Returns:
        Name or absolute path of the profile, absolute path of the key folder or an empty text.

    Raises:
        ProfileError: the profile cannot be used, or requires keys.
    """
    check_security(find_profile(name_or_path), "mac" if keys else "none")
    name = name_or_path if name_or_path in PROFILE_NAMES else str(Path(name_or_path).resolve())
    return name, str(Path(keys).resolve()) if keys else ""
