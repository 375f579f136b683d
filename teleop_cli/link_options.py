"""Options --profile and --keys: limits and security of the link, checked before anything starts."""

from __future__ import annotations

import argparse

from teleop_core.authentication import KEY_PURPOSES, KeyFileError, load_key
from teleop_core.profiles import PROFILE_NAMES, ProfileError
from teleop_ros.profile_files import session_link


class LinkError(ValueError):
    """Profile or keys cannot be used; one line that names option, file, field and value."""


def add_link_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the options."""
    parser.add_argument(
        "--profile",
        default=PROFILE_NAMES[0],
        metavar="NAME|FILE",
        help=f"limits of the link: {', '.join(PROFILE_NAMES)}, or a file like theirs (default: {PROFILE_NAMES[0]})",
    )
    parser.add_argument(
        "--keys",
        default="",
        metavar="FOLDER",
        help="sign and check commands, permits and stops with these keys, made by `telesurgery keys` (default: none)",
    )


def link_to_use(arguments: argparse.Namespace) -> tuple[str, str]:
    """Profile and key folder for nodes of both sites.

    Returns:
        Name or absolute path of the profile, absolute path of the key folder or an empty text.

    Raises:
        LinkError: the profile cannot be used or requires keys, or a key cannot be used.
    """
    try:
        profile, keys = session_link(arguments.profile, arguments.keys)
    except ProfileError as error:
        raise LinkError(f"--profile: {error}") from error
    try:
        for purpose in KEY_PURPOSES if keys else ():
            load_key(keys, purpose)
    except KeyFileError as error:
        raise LinkError(f"--keys: {error}") from error
    return profile, keys
