"""Takes something out of a record for good: payloads of the audit log, or whole files; what is left still verifies.

First a `redaction` record in the chain `redactions` says who takes out what, when and why, with the hash of each; only
when it is on the disk is anything taken out. A redaction is signed; who verifies with a trusted key accepts only those
that a trusted key signed. Nothing can be taken out that a verification needs, and nothing of a record that is being
written.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from audit.chain_check import STRUCTURE, check_chain
from audit.checkpoint import RECORDER, REDACTIONS
from audit.checkpoint_check import check_checkpoints
from audit.file_check import GROWS, Claim, claims_of
from audit.reading import Line, chains, lines
from audit.redaction_form import REDACTION
from audit.regular import open_regular
from audit.signing import Signer
from teleop_core.audit_clock import stamp_now
from teleop_core.audit_record import RecordError, canonical, salted
from teleop_core.audit_segment import SegmentFile, being_written

_PIECE = 1 << 20


class RedactionError(ValueError):
    """Nothing was taken out; the text says why."""


@dataclass(frozen=True)
class Selection:
    """What is to be taken out; of the records those that fit everything that is given.

    Attributes:
        chain: Records of this chain.
        types: Records of these types.
        actors: Records of these actors.
        first: Records from this number on.
        last: Records up to this number.
        files: Whole files, by name relative to the folder: bags and decision logs.
    """

    chain: str | None = None
    types: Sequence[str] = field(default_factory=tuple)
    actors: Sequence[str] = field(default_factory=tuple)
    first: int | None = None
    last: int | None = None
    files: Sequence[str] = field(default_factory=tuple)

    @property
    def of_records(self) -> bool:
        """Something is said of records."""
        return bool(self.chain or self.types or self.actors or self.first is not None or self.last is not None)

    def takes(self, record: dict[str, Any]) -> bool:
        """Whether a record's payload is to be taken out, and can be."""
        n = record["n"]
        return (
            self.of_records
            and record["payload"] is not None
            and record["type"] not in STRUCTURE
            and (not self.chain or record["chain"] == self.chain)
            and (not self.types or record["type"] in self.types)
            and (not self.actors or record["actor"] in self.actors)
            and (self.first is None or n >= self.first)
            and (self.last is None or n <= self.last)
        )


@dataclass(frozen=True)
class Redacted:
    """What was taken out.

    Attributes:
        records: Payloads.
        files: Names of files.
    """

    records: int
    files: tuple[str, ...]


def redact(folder: Path, selection: Selection, who: str, why: str, signer: Signer | None = None) -> Redacted:
    """Take out what is selected, and say so in the record.

    Args:
        folder: Of a record that nobody writes any more.
        selection: What.
        who: Who wants it, as the institution names people.
        why: The reason.
        signer: Signs it; without one nobody vouches for the redaction.

    Raises:
        RedactionError: nothing fits, something cannot be taken out, or it cannot be written down.
        OSError: the folder cannot be read or written; run it again when it can.
    """
    if not who.strip() or not why.strip():
        raise RedactionError("who takes it out, and why? Neither may be empty")
    forbidden = sorted(set(selection.types) & set(STRUCTURE))
    if forbidden:
        raise RedactionError(f"{', '.join(forbidden)}: a verification needs these records; choose other types")
    for name in selection.files:
        _check_name(folder, name)
    records, session = _selected(folder, selection)
    claims = _claims(folder, session) if selection.files else {}
    files = [_file(folder, name, claims.get(name)) for name in selection.files]
    if not records and not files:
        raise RedactionError(f"{folder}: nothing there fits what is to be taken out")
    told = {"who": who, "why": why, "records": records, "files": files}
    _write_down(folder, session, told, signer)
    for path in [path for name, paths in chains(folder).items() if name != REDACTIONS for path in paths]:
        _blank(path, {(item["chain"], item["n"]) for item in records})
    for file in files:
        (folder / file["file"]).unlink()
    return Redacted(len(records), tuple(file["file"] for file in files))


def _selected(folder: Path, selection: Selection) -> tuple[list[dict[str, Any]], str]:
    """What the redaction says of each record, and the session they are of."""
    found, session = [], ""
    for name, paths in chains(folder).items():
        if being_written(paths[-1]):
            raise RedactionError(f"{paths[-1]}: is being written; end the session first")
        for line in (line for path in paths for line in lines(path)):
            if line.cut:
                raise RedactionError(f"{line.file}, line {line.number}: {line.error}; what is behind it would be lost")
            record = line.record
            if record is None:
                continue
            session = session or record["session"]
            if name != REDACTIONS and selection.takes(record):
                keys = ("chain", "n", "type", "hash", "payload_sha256")
                found.append({key: record[key] for key in keys})
    if not session:
        raise RedactionError(f"{folder}: holds no audit log")
    return found, session


def _check_name(folder: Path, name: str) -> None:
    if not GROWS.fullmatch(name):
        raise RedactionError(f"{name}: only bags (bag/NAME.mcap) and decision logs can be taken out")
    if not (folder / name).is_file():
        raise RedactionError(f"{folder / name}: is not there")
    if (folder / name).parent.is_symlink() and name != (folder / name).name:
        raise RedactionError(f"{(folder / name).parent}: is a link; what it shows is not of this record")


def _claims(folder: Path, session: str) -> dict[str, list[Claim]]:
    checked = {name: check_chain(name, paths, session) for name, paths in chains(folder).items()}
    if RECORDER not in checked:
        return {}
    return claims_of(check_checkpoints(checked, None).good, checked[RECORDER].of_type("bag_closed"))


def _file(folder: Path, name: str, claims: Sequence[Claim] | None) -> dict[str, Any]:
    """What the redaction says of a file: as much as the record vouches for, which a verification compares."""
    digest, left = hashlib.sha256(), claims[-1].bytes if claims else (folder / name).stat().st_size
    size = left
    with open_regular(folder / name) as file:
        while piece := file.read(min(_PIECE, left)):
            digest.update(piece)
            left -= len(piece)
    if claims and (left or digest.hexdigest() != claims[-1].sha256):
        raise RedactionError(f"{name}: is not what record {claims[-1].n} tells of; verify the record first")
    return {"file": name, "bytes": size - left, "sha256": digest.hexdigest()}


def _write_down(folder: Path, session: str, told: dict[str, Any], signer: Signer | None) -> None:
    """Write a segment of its own, whole or not at all, in which only the redaction stands.

    When and where it stands is part of what is signed, so that it counts in this place of this record alone.
    """
    segment, stamp = SegmentFile(folder, REDACTIONS, session, reserve=False), stamp_now()
    try:
        segment.open({}, stamp)
        place = {"session": session, "utc_ns": stamp.utc_ns, "n": segment.head.n + 1, "prev": segment.head.hash}
        told = salted({**told, **place})
        if signer is not None:
            told = signer.signed({**told, "public_key": signer.public_pem.decode()})
        segment.write(REDACTION, told, told["who"], stamp)
        segment.sync()
    except (OSError, RecordError) as error:
        segment.discard()
        raise RedactionError(f"it cannot be written down, so nothing was taken out: {error}") from error
    finally:
        segment.close()


def _blank(path: Path, chosen: set[tuple[str, int]]) -> None:
    """Write a segment again without some payloads, whole or not at all."""
    if not any(line.record is not None and (line.record["chain"], line.record["n"]) in chosen for line in lines(path)):
        return
    part = path.with_name(f".{path.name}.part")
    part.unlink(missing_ok=True)  # of a redaction that was killed
    try:
        # Not through a link, and for nobody who could not read what it stands for.
        with open(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb") as file:
            file.writelines(_without(lines(path), chosen))
            os.fchmod(file.fileno(), stat.S_IMODE(path.stat().st_mode))
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except OSError:
        part.unlink(missing_ok=True)
        raise


def _without(there: Iterator[Line], chosen: set[tuple[str, int]]) -> Iterator[bytes]:
    for line in there:
        if line.record is not None and (line.record["chain"], line.record["n"]) in chosen:
            yield canonical({**line.record, "payload": None}) + b"\n"
        else:
            yield line.text
