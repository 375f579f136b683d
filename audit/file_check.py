"""Checks every file of a record that is no chain against the hashes that the chain of the recorder holds."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from audit.chain_check import Entry
from audit.finding import ALTERED, UNFINISHED, Problem
from audit.regular import open_regular
from teleop_core.audit_disk import parse_segment

GROWS = re.compile(r"bag/[^/]+\.mcap|[^/]+\.decisions\.jsonl")
_WRITTEN_ANEW = "bag/metadata.yaml"
_PIECE = 1 << 20


@dataclass(frozen=True, order=True)
class Claim:
    """The chain says: so many bytes of a file have this hash.

    Attributes:
        bytes: From the beginning of the file.
        sha256: Their hash.
        n: Record that says so.
    """

    bytes: int
    sha256: str
    n: int


def files_in(folder: Path) -> dict[str, Path]:
    """Everything in a folder but folders and what is read as a segment of a chain, by name relative to it.

    Raises:
        OSError: the folder cannot be read.
    """
    found = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if (path.is_symlink() or not path.is_dir()) and parse_segment(name) is None:
            found[name] = path
    return found


def claims_of(checkpoints: Iterable[Entry], closed: Iterable[Entry]) -> dict[str, list[Claim]]:
    """What the chain says of each file, from the shortest beginning to the longest.

    Args:
        checkpoints: Good ones, in order.
        closed: `bag_closed` records.
    """
    claims: dict[str, list[Claim]] = {}
    for entry in checkpoints:
        for name, file in entry.record["payload"]["files"].items():
            claims.setdefault(name, []).append(Claim(file["bytes"], file["sha256"], entry.n))
    for entry in closed:
        payload = entry.record["payload"]
        name, size, digest = payload.get("file"), payload.get("bytes"), payload.get("sha256")
        right = isinstance(name, str) and type(size) is int and size >= 0 and isinstance(digest, str)
        if right and GROWS.fullmatch(name):
            claims.setdefault(name, []).append(Claim(size, digest, entry.n))
    # A file that is written anew as a whole is what the newest checkpoint says.
    return {name: sorted(set(told if GROWS.fullmatch(name) else told[-1:])) for name, told in claims.items()}


def check_files(
    files: Mapping[str, Path],
    claims: Mapping[str, Sequence[Claim]],
    ended: bool,
    taken_out: Collection[tuple[str, int, str]],
) -> Iterator[Problem]:
    """What does not fit: altered and missing files by name, then files of which nothing is told.

    Args:
        files: As of `files_in`.
        claims: As of `claims_of`.
        ended: Everything has to be covered.
        taken_out: Name, bytes and hash of files that were redacted.
    """
    for name in sorted(claims):
        if name in files:
            problem = _check_file(name, files[name], claims[name], ended)
            if problem is not None:
                yield problem
            continue
        newest = claims[name][-1]
        if (name, newest.bytes, newest.sha256) not in taken_out:
            yield Problem(ALTERED, name, f"the file is missing; record {newest.n} tells of it")
    for name in sorted(set(files) - set(claims)):
        regular = files[name].is_file() and not files[name].is_symlink()
        unfinished = not ended and regular  # begun behind the last checkpoint
        why = "no checkpoint tells of this file" if regular else "is a link or no file, and no checkpoint tells of it"
        yield Problem(UNFINISHED if unfinished else ALTERED, name, why)


def _check_file(name: str, path: Path, claims: Sequence[Claim], ended: bool) -> Problem | None:
    if path.is_symlink() or not path.is_file():
        return Problem(ALTERED, name, "is a link or no file")
    digest, done = hashlib.sha256(), 0
    try:
        with open_regular(path) as file:
            for claim in claims:
                read = _feed(digest, file, claim.bytes - done)
                if digest.hexdigest() != claim.sha256:
                    newer = name == _WRITTEN_ANEW and not ended
                    why = f"is not what record {claim.n} tells of"
                    if read < claim.bytes - done:
                        why = f"ends at byte {done + read}; record {claim.n} tells of {claim.bytes}"
                    return Problem(UNFINISHED if newer else ALTERED, name, why, bytes=(done, claim.bytes))
                done = claim.bytes
            size = path.stat().st_size
    except OSError as error:
        return Problem(ALTERED, name, f"cannot be read: {error.strerror or error}")
    if size == done:
        return None
    kind = ALTERED if ended else UNFINISHED
    return Problem(kind, name, "no checkpoint covers the file from here on", bytes=(done, size))


def _feed(digest: hashlib._Hash, file: IO[bytes], count: int) -> int:
    """Hash the next bytes of a file; fewer where it ends."""
    done = 0
    while done < count and (piece := file.read(min(_PIECE, count - done))):
        digest.update(piece)
        done += len(piece)
    return done
