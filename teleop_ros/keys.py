"""Keys of a node: from its parameter `key_folder` to what signs and checks its messages."""

from __future__ import annotations

from teleop_core.authentication import Authenticator, KeyFileError, load_key
from teleop_ros.parameters import ParameterError

KEY_FOLDER = "folder of the keys of this session; empty: messages are neither signed nor checked"
"""Meaning of the parameter `key_folder`, the same at every node."""


def authenticator(key_folder: str, purpose: str) -> Authenticator:
    """What signs and checks one kind of message.

    Args:
        key_folder: Folder of the key files; empty where no security is in force.
        purpose: One of KEY_PURPOSES.

    Raises:
        ParameterError: the key cannot be used.
    """
    if not key_folder:
        return Authenticator(None, purpose)
    try:
        return Authenticator(load_key(key_folder, purpose), purpose)
    except KeyFileError as error:
        raise ParameterError(f"parameter key_folder: {error}") from error
