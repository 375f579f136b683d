"""Signed checkpoints: what stood in the record at one moment, so that nothing before it can be changed unseen.

A checkpoint holds the newest record of every chain, the Merkle root over all records since the checkpoint before, and
how much of every other file there was, with its hash. The `end` of a session is signed too, with the hash of the record
before it, so that nobody can cut a record short and end it himself.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from audit.merkle import merkle_root
from audit.regular import open_regular
from audit.signing import SESSION_KEY, Signer, fingerprint
from teleop_core.audit_segment import Head

CHECKPOINT, END = "checkpoint", "end"
RECORDER = "recorder"
"""Chain that holds the checkpoints."""
REDACTIONS = "redactions"
"""Chain of what was taken out later; no checkpoint covers it."""
START_KEY, START_SESSION = "public_key_sha256", "session_json_sha256"
"""What the `start` record of the recorder calls the hashes of the two files that are there from the beginning."""
SESSION_FILE = "session.json"
_PIECE = 1 << 20


def start_facts(folder: Path) -> dict[str, str]:
    """What the `start` record has to say about the files that are there from the beginning.

    Raises:
        OSError: one of them cannot be read.
    """
    session = hashlib.sha256((folder / SESSION_FILE).read_bytes()).hexdigest()
    return {START_KEY: fingerprint((folder / SESSION_KEY).read_bytes()), START_SESSION: session}


def checkpoint_payload(
    signer: Signer, heads: Mapping[str, Head], hashes: Mapping[str, Sequence[str]], files: Mapping[str, tuple[int, str]]
) -> dict[str, Any]:
    """Signed payload of a checkpoint.

    Args:
        signer: Signs it.
        heads: Newest record of each chain, by chain; chains without a record are left out.
        hashes: Hashes of the records of each chain behind the checkpoint before, up to its head, in their order.
        files: Every file of the folder that is no chain, by its name relative to the folder, e.g. ``bag/bag_0.mcap``;
            bytes and SHA-256 of what it held when the heads were taken, or later. RunningHash.follow gives these.
    """
    return signer.signed(
        {
            "chains": {name: {"segment": head.segment, "n": head.n, "hash": head.hash} for name, head in heads.items()},
            "root": root_of(hashes),
            "files": {name: {"bytes": size, "sha256": digest} for name, (size, digest) in files.items()},
        }
    )


def end_payload(signer: Signer, last: Head, facts: Mapping[str, Any]) -> dict[str, Any]:
    """Signed payload of the `end` of a session.

    Args:
        signer: Signs it.
        last: The last checkpoint; `end` has to be the record behind it.
        facts: More about the end, e.g. its reason.
    """
    return signer.signed({**facts, "after": {"n": last.n, "hash": last.hash}})


def root_of(hashes: Mapping[str, Sequence[str]]) -> str:
    """Merkle root over the records of an interval: chains by name, records in order; the leaves are their hashes."""
    return merkle_root([bytes.fromhex(digest) for name in sorted(hashes) for digest in hashes[name]]).hex()


class RunningHash:
    """Hash of a file that grows: only what is new is read."""

    def __init__(self, path: Path) -> None:
        """Nothing is read yet."""
        self._path = path
        self._bytes = 0
        self._hash = hashlib.sha256()

    def follow(self) -> tuple[int, str]:
        """Read what has been added; how many bytes there are now, and their SHA-256.

        Raises:
            OSError: the file cannot be read.
        """
        while not self.read_on(1 << 30):
            pass
        return self.mark()

    def read_on(self, most: int) -> bool:
        """Read so many bytes of what has been added; whether the end of the file was reached before.

        Raises:
            OSError: the file cannot be read.
        """
        with open_regular(self._path) as file:
            file.seek(self._bytes)
            while most > 0 and (piece := file.read(min(_PIECE, most))):
                self._hash.update(piece)
                self._bytes += len(piece)
                most -= len(piece)
        return most > 0

    def mark(self) -> tuple[int, str]:
        """Bytes read so far, and their SHA-256."""
        return self._bytes, self._hash.hexdigest()
