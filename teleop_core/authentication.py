"""Who may command, permit and stop: keys in files, and a keyed hash over the bytes of a message.

One key for each purpose, so that a console that may command cannot permit. The hash is keyed BLAKE2s; its
personalisation is the purpose, so a hash made for one kind of message never fits another, even under the same key.
A hash proves who made a message and that nobody altered it. It hides nothing, and it does not prove that a message is
new: session, sequence and stamp are inside the hashed bytes, and the receivers judge those.
"""

from __future__ import annotations

import hashlib
import os
import stat
from hmac import compare_digest
from pathlib import Path

KEY_PURPOSES = ("command", "permit", "stop")
"""Operator commands, permits of the safety monitor, requests for a protective stop."""
RECORD_KEY, RECORD_PUBLIC_KEY = "record.key", "record.pub"
"""Files of the key that signs the record of a session (audit.signing), private and public."""
SECURITY_LEVELS = ("none", "mac")
"""What can be in force, weakest first."""
KEY_SIZE = 32
"""Bytes of a key; its file holds them as hexadecimal text."""
MAC_SIZE = 16
"""Bytes of a hash."""

_OPEN_TO_OTHERS = stat.S_IRWXG | stat.S_IRWXO
_LARGEST_FILE = 4 * KEY_SIZE


class KeyFileError(ValueError):
    """A key cannot be used; the text names the file and the cause."""


def key_file(folder: Path | str, purpose: str) -> Path:
    """File of the key for a purpose.

    Raises:
        ValueError: there is no such purpose.
    """
    return Path(folder) / f"{_known(purpose)}.key"


def load_key(folder: Path | str, purpose: str) -> bytes:
    """Key for a purpose, of KEY_SIZE bytes.

    Args:
        folder: Where the key files are.
        purpose: One of KEY_PURPOSES.

    Raises:
        KeyFileError: the file is missing, is no file, belongs to or is open to others, or holds no key.
    """
    path = key_file(folder, purpose)
    try:
        text = read_private(path)
    except OSError as error:
        raise KeyFileError(f"{path}: {error.strerror}") from error
    try:
        key = bytes.fromhex(text.decode())
    except ValueError as error:
        raise KeyFileError(f"{path}: is not hexadecimal text") from error
    if len(key) != KEY_SIZE:
        raise KeyFileError(f"{path}: holds {len(key)} bytes; a key has {KEY_SIZE}")
    return key


class Authenticator:
    """Makes and checks the hashes of one kind of message."""

    def __init__(self, key: bytes | None, purpose: str) -> None:
        """Ready to sign and to verify.

        Args:
            key: KEY_SIZE bytes; None where no security is in force.
            purpose: One of KEY_PURPOSES.

        Raises:
            ValueError: the key has another size, or there is no such purpose.
        """
        if key is not None and len(key) != KEY_SIZE:
            raise ValueError(f"key of {len(key)} bytes: a key has {KEY_SIZE}")
        person = _known(purpose).encode()
        # Setting up the key takes as long as hashing a message: done once, and copied for each message.
        self._keyed = None if key is None else hashlib.blake2s(digest_size=MAC_SIZE, key=key, person=person)

    @property
    def level(self) -> str:
        """Security in force: "none" without a key, else "mac"."""
        return "none" if self._keyed is None else "mac"

    def sign(self, payload: bytes) -> bytes:
        """Hash of MAC_SIZE bytes over the canonical bytes of a message; empty without a key."""
        if self._keyed is None:
            return b""
        keyed = self._keyed.copy()
        keyed.update(payload)
        return keyed.digest()

    def verify(self, payload: bytes, mac: bytes) -> bool:
        """Whether the hash fits the canonical bytes of a message; always without a key."""
        return self._keyed is None or compare_digest(self.sign(payload), mac)


def _known(purpose: str) -> str:
    if purpose not in KEY_PURPOSES:
        raise ValueError(f"purpose {purpose!r} is not one of {', '.join(KEY_PURPOSES)}")
    return purpose


def read_private(path: Path) -> bytes:
    """Content of a key file that nobody else may read.

    Asks the opened file, so that nothing can be swapped in between.

    Raises:
        KeyFileError: it is no file, belongs to or is open to others, or is too long for a key.
        OSError: it cannot be opened.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)  # does not wait for the writer of a pipe
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            raise KeyFileError(f"{path}: is not a file")
        if found.st_mode & _OPEN_TO_OTHERS:
            mode = stat.S_IMODE(found.st_mode)
            raise KeyFileError(f"{path}: is readable by others (mode {mode:04o}): its key is no secret, make new ones")
        if found.st_uid != os.geteuid():
            raise KeyFileError(f"{path}: belongs to another user")
        if found.st_size > _LARGEST_FILE:
            raise KeyFileError(f"{path}: is {found.st_size} bytes long; a key file has {_LARGEST_FILE} at most")
        return os.read(descriptor, _LARGEST_FILE)
    finally:
        os.close(descriptor)
