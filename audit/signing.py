"""The key that signs a record, and signatures over payloads of the audit log (Ed25519)."""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from audit.regular import read_regular
from teleop_core.audit_record import RecordError, canonical, salted
from teleop_core.authentication import RECORD_KEY, KeyFileError, read_private

KEY_FILE = RECORD_KEY
"""Private key, in the folder of a session's keys; PKCS 8, PEM."""
SESSION_KEY = "public_key.pem"
"""Public key, in the folder of a record; PEM."""


class Signer:
    """Signs payloads with one private key."""

    def __init__(self, key: Ed25519PrivateKey | None = None) -> None:
        """Sign with `key`; with a new one, that only this object has, where there is none."""
        self._key = key or Ed25519PrivateKey.generate()

    @classmethod
    def load(cls, path: Path) -> Signer:
        """Sign with the private key in a file that nobody else may read.

        Raises:
            KeyFileError: the file is missing, open to others, or holds no Ed25519 key.
        """
        try:
            text = read_private(path)
        except OSError as error:
            raise KeyFileError(f"{path}: {error.strerror}") from error
        try:
            key = serialization.load_pem_private_key(text, password=None)
        except (ValueError, TypeError, UnsupportedAlgorithm) as error:
            raise KeyFileError(f"{path}: holds no private key; make one with `telesurgery keys`") from error
        if not isinstance(key, Ed25519PrivateKey):
            raise KeyFileError(f"{path}: holds another kind of key; make one with `telesurgery keys`")
        return cls(key)

    @classmethod
    def load_or_make(cls, folder: Path) -> Signer:
        """Sign with the private key in a folder; where there is none, one is made, so that a restart signs with it too.

        Raises:
            KeyFileError: the folder cannot be written, or the file cannot be used.
        """
        path = folder / KEY_FILE
        if not path.exists():
            _write_once(path, cls().private_pem, 0o600)
        return cls.load(path)

    def leave_public_key(self, folder: Path) -> None:
        """Put the public key into the folder of a record.

        Raises:
            KeyFileError: it cannot be written, or a record signed with another key is there.
        """
        path = folder / SESSION_KEY
        if not path.exists():
            _write_once(path, self.public_pem, 0o644)
        try:
            there = public_key_of(read_regular(path), path)
        except OSError as error:
            raise KeyFileError(f"{path}: {error.strerror or error}") from error
        if key_bytes(there) != key_bytes(self._key.public_key()):
            raise KeyFileError(f"{path}: the record was begun with another key; use that one, or a new folder")

    @property
    def private_pem(self) -> bytes:
        """The private key for a file that nobody else may read."""
        return self._key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )

    @property
    def public_pem(self) -> bytes:
        """The public key for a file."""
        return self._key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )

    def signed(self, payload: Mapping[str, Any]) -> dict[str, Any]:
        """The payload with a salt, and the signature over its canonical form without the signature."""
        content = salted(payload)
        content.pop("signature", None)
        return {**content, "signature": self._key.sign(canonical(content)).hex()}


def load_public_key(path: Path) -> Ed25519PublicKey:
    """Public key in a file.

    Raises:
        KeyFileError: the file is missing or holds no Ed25519 key.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise KeyFileError(f"{path}: {error.strerror}") from error
    return public_key_of(content, path)


def public_key_of(content: bytes, path: Path) -> Ed25519PublicKey:
    """Public key in what a file holds.

    Raises:
        KeyFileError: it holds no Ed25519 key.
    """
    try:
        key = serialization.load_pem_public_key(content)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise KeyFileError(f"{path}: holds no public key in PEM form") from error
    if not isinstance(key, Ed25519PublicKey):
        raise KeyFileError(f"{path}: holds another kind of key, not Ed25519")
    return key


def is_signed_by(key: Ed25519PublicKey, payload: Mapping[str, Any]) -> bool:
    """Whether the payload's signature is by the private half of this key."""
    content = {name: value for name, value in payload.items() if name != "signature"}
    try:
        key.verify(bytes.fromhex(payload["signature"]), canonical(content))
    except (InvalidSignature, KeyError, TypeError, ValueError, RecordError):
        return False
    return True


def key_bytes(key: Ed25519PublicKey) -> bytes:
    """The 32 bytes of a public key: two files hold the same key if these are the same."""
    return key.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)


def fingerprint(pem: bytes) -> str:
    """How a key file is called: SHA-256 of its bytes, hexadecimal."""
    return hashlib.sha256(pem).hexdigest()


def _write_once(path: Path, content: bytes, mode: int) -> None:
    """Write a file whole, unless somebody else has made it meanwhile."""
    part = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
        try:
            with open(descriptor, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(descriptor)
            with contextlib.suppress(FileExistsError):
                os.link(part, path)
        finally:
            part.unlink()
    except OSError as error:
        raise KeyFileError(f"{path}: {error.strerror}") from error
