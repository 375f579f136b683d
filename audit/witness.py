"""What the record of the other site says of this one: the newest roots that it was sent while the session ran."""

from __future__ import annotations

import errno
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from audit.reading import chains, records

TYPES = ("witness", "link")
"""Types of records that tell of the other site's root; fields session, root (hexadecimal), root_n."""


@dataclass(frozen=True)
class WitnessedRoot:
    """A root that the other site saw.

    Attributes:
        root: Of a checkpoint, hexadecimal.
        n: Number of the checkpoint's record.
    """

    root: str
    n: int


def witness_payload(session: str, root: str, root_n: int) -> dict[str, Any]:
    """Payload of a `witness` record, written by the site that was sent the root of another.

    Args:
        session: Identity of the other site's record, hexadecimal.
        root: Merkle root of its newest checkpoint, hexadecimal.
        root_n: Number of that checkpoint's record.
    """
    return {"session": session, "root": root, "root_n": root_n}


def witnessed_roots(folder: Path, session: str) -> list[WitnessedRoot]:
    """Roots of a session that another record tells of, in order.

    Args:
        folder: Of the other record.
        session: Identity of this one.

    Raises:
        OSError: the other record cannot be read, or is none.
    """
    if not chains(folder):
        raise FileNotFoundError(errno.ENOENT, "holds no record of a session", str(folder))
    found: dict[str, WitnessedRoot] = {}
    for record in records(folder):
        payload = record["payload"] or {}
        if record["type"] not in TYPES or payload.get("session") != session:
            continue
        root, n = payload.get("root"), payload.get("root_n")
        if isinstance(root, str) and type(n) is int and n >= 0:
            found.setdefault(root, WitnessedRoot(root, n))
    return sorted(found.values(), key=lambda root: root.n)
