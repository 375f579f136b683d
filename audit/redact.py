"""Takes something out of a record for good: payloads of the audit log, or whole files; what is left still verifies.

First a `redaction` record in the chain `redactions` says who takes out what, when and why, with the hash of each; only
when it is on the disk is anything taken out. A redaction is signed; who verifies with a trusted key accepts only those
that a trusted key signed. Nothing can be taken out that a verification needs, and nothing of a record that is being
written.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from audit.chain_check import STRUCTURE
from audit.checkpoint import REDACTIONS, RunningHash
from audit.file_check import GROWS
from audit.reading import Line, chains, lines
from audit.redaction_check import REDACTION
from audit.signing import Signer
from teleop_core.audit_record import canonical
from teleop_core.audit_segment import being_written
from teleop_core.audit_writer import AuditWriter


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
    files = [_file(folder, name) for name in selection.files]
    records, session = _selected(folder, selection)
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
        for record in (line.record for path in paths for line in lines(path)):
            if record is None:
                continue
            session = session or record["session"]
            if name != REDACTIONS and selection.takes(record):
                keys = ("chain", "n", "type", "hash", "payload_sha256")
                found.append({key: record[key] for key in keys})
    if not session:
        raise RedactionError(f"{folder}: holds no audit log")
    return found, session


def _file(folder: Path, name: str) -> dict[str, Any]:
    path = folder / name
    if not GROWS.fullmatch(name):
        raise RedactionError(f"{name}: only bags (bag/NAME.mcap) and decision logs can be taken out")
    if not path.is_file():
        raise RedactionError(f"{path}: is not there")
    size, digest = RunningHash(path).follow()
    return {"file": name, "bytes": size, "sha256": digest}


def _write_down(folder: Path, session: str, told: dict[str, Any], signer: Signer | None) -> None:
    writer = AuditWriter(folder, REDACTIONS, session)
    if signer is not None:
        told = signer.signed({**told, "public_key": signer.public_pem.decode()})
    receipt = writer.append(REDACTION, told, told["who"], durable=True)
    writer.close()
    if not receipt.durable:
        raise RedactionError(f"it cannot be written down, so nothing was taken out: {writer.failure}")


def _blank(path: Path, chosen: set[tuple[str, int]]) -> None:
    """Write a segment again without some payloads, whole or not at all."""
    if not any(line.record is not None and (line.record["chain"], line.record["n"]) in chosen for line in lines(path)):
        return
    part = path.with_name(f".{path.name}.part")
    with part.open("wb") as file:
        file.writelines(_without(lines(path), chosen))
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)


def _without(there: Iterator[Line], chosen: set[tuple[str, int]]) -> Iterator[bytes]:
    for line in there:
        if line.record is not None and (line.record["chain"], line.record["n"]) in chosen:
            yield canonical({**line.record, "payload": None}) + b"\n"
        else:
            yield line.text
