"""Hashes of the messages that the campaign itself sends, where the suite runs with keys."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from teleop_core.authentication import KEY_PURPOSES, Authenticator, load_key
from teleop_ros.message_mac import sign_command, sign_permit, sign_stop

_SIGN: dict[str, Callable[[Authenticator, Any], None]] = {
    "command": sign_command,
    "permit": sign_permit,
    "stop": sign_stop,
}


def signer(key_folder: str, purpose: str) -> Callable[[Any], None]:
    """What fills in the hash of a message; an empty folder means that the suite runs without keys."""
    if purpose not in KEY_PURPOSES:
        raise ValueError(f"purpose: {purpose!r} is not one of {', '.join(KEY_PURPOSES)}")
    authenticator = Authenticator(load_key(Path(key_folder), purpose) if key_folder else None, purpose)
    return lambda message: _SIGN[purpose](authenticator, message)
