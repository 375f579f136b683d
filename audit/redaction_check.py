"""Checks what was taken out of a record against the chain `redactions`, which says who did it and why."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from audit.chain_check import ChainCheck
from audit.finding import Problem
from audit.redaction_form import REDACTION
from audit.signing import is_signed_by, key_bytes


@dataclass
class RedactionCheck:
    """What was taken out, by what is told.

    Attributes:
        records: Hash of each record whose payload was, by chain and number.
        files: Name, bytes and hash of files that were.
        told: Of each redaction: who, why, what, and who vouches for it.
        problems: Redactions that nobody vouches for although an anchor was given.
    """

    records: dict[tuple[str, int], str] = field(default_factory=dict)
    files: set[tuple[str, int, str]] = field(default_factory=set)
    told: list[dict[str, Any]] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


def check_redactions(
    chain: ChainCheck | None, session_key: Ed25519PublicKey | None, trusted: Iterable[Ed25519PublicKey], anchored: bool
) -> RedactionCheck:
    """Read the redactions.

    Args:
        chain: The chain `redactions`; None if there is none.
        session_key: Key that signs the record.
        trusted: Keys of people who may redact.
        anchored: Something outside the folder vouches for the record, so it has to for redactions too.
    """
    found = RedactionCheck()
    names = {key_bytes(key): "signed by a trusted key" for key in trusted}
    if session_key is not None:
        names.setdefault(key_bytes(session_key), "signed by the key of the record")
    for entry in chain.of_type(REDACTION) if chain is not None else []:
        payload = entry.record["payload"]
        vouched = names.get(_signer(payload), "")
        if anchored and not vouched:
            found.problems.append(entry.problem("nobody who is trusted vouches for this redaction"))
        records = {(item["chain"], item["n"]): item["hash"] for item in payload["records"]}
        files = {(item["file"], item["bytes"], item["sha256"]) for item in payload["files"]}
        names_of_files = sorted(name for name, _, _ in files)
        found.records.update(records)
        found.files.update(files)
        found.told.append(
            {
                "n": entry.n,
                "who": payload["who"],
                "why": payload["why"],
                "utc_ns": entry.record["utc_ns"],
                "what": _what(records, names_of_files),
                "records": len(records),
                "files": names_of_files,
                "vouched_by": vouched or "nobody vouches for it",
            }
        )
    return found


def unrecorded(chains: Mapping[str, ChainCheck], redactions: RedactionCheck) -> Iterator[Problem]:
    """The first record of each chain whose payload is gone and of which no redaction tells."""
    for name, chain in chains.items():
        for entry in chain.blank:
            if redactions.records.get((name, entry.n)) != entry.record["hash"]:
                yield entry.problem("its payload was taken out, and no redaction tells of it")
                break


def _signer(payload: Mapping[str, Any]) -> bytes:
    """The key that signed it; empty if none did."""
    try:
        key = serialization.load_pem_public_key(str(payload.get("public_key")).encode())
    except (ValueError, UnsupportedAlgorithm):
        return b""
    if not isinstance(key, Ed25519PublicKey) or not is_signed_by(key, payload):
        return b""
    return key_bytes(key)


def _what(records: Mapping[tuple[str, int], str], files: Iterable[str]) -> str:
    chains = sorted({chain for chain, _ in records})
    parts = [f"{sum(chain == name for chain, _ in records)} payloads of {name}" for name in chains] + list(files)
    return ", ".join(parts) or "nothing"
