"""A record of the audit log: one canonical JSON object a line, chained to the one before it by its hash.

The hash covers the hash of the payload, not the payload: a payload can be taken out later and the chain still verifies.
The salt in each payload keeps a short payload that was taken out from being guessed by its hash.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

FORMAT = 1
"""Version of the records."""
GENESIS = "0" * 64
"""What the first record of a chain has for the hash of the one before."""
DEEPEST = 16
"""Nesting of a payload; what lies deeper is written as text."""
WIDEST = 64
"""Bits of a whole number; a longer one is written as text."""
LONGEST_TEXT = 1 << 16
"""Characters of a text; a longer one is cut. Texts come from other nodes, and whoever logs them must not be held up."""
LONGEST = 16 << 20
"""A line is shorter than this [bytes]; a longer one is neither written nor read."""

_TEXTS = ("actor", "boot", "chain", "session", "type")
_HASHES = ("hash", "payload_sha256", "prev")
_KEYS = {*_TEXTS, *_HASHES, "clock_error_ns", "mono_ns", "n", "payload", "utc_ns"}
_HASH = re.compile(r"[0-9a-f]{64}")
_SALT = re.compile(r"[0-9a-f]{32}")
_SHOWN = 60


class RecordError(ValueError):
    """A line is no valid record; the text says what is wrong with it."""


@dataclass(frozen=True)
class Stamp:
    """When something happened, by the clocks of one computer.

    Attributes:
        mono_ns: Monotonic clock since the computer started [ns].
        utc_ns: Wall clock since 1970 [ns].
        clock_error_ns: Bound of the wall clock's error [ns]; None if unknown.
        boot: Which start of the computer the monotonic clock counts from.
    """

    mono_ns: int
    utc_ns: int
    clock_error_ns: int | None
    boot: str


def canonical(value: Any) -> bytes:
    """The one form in which a value is written and hashed: sorted keys, no spaces, ASCII.

    Raises:
        RecordError: JSON has no such value (not a number, infinite, no JSON type, nested too deeply).
    """
    try:
        return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise RecordError(f"has no canonical form: {error}") from error


def plain(value: Any, depth: int = DEEPEST) -> Any:
    """A copy that JSON can hold; never fails.

    Numbers that are not finite become None, tuples and arrays lists, keys text, and whatever else there is its text.
    Texts that are too long end in how long they were.
    """
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return _cut(value)
    if isinstance(value, int):
        return int(value) if value.bit_length() <= WIDEST else hex(value)
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    if depth > 0 and isinstance(value, Mapping):
        return {_text(key): plain(content, depth - 1) for key, content in value.items()}
    if depth > 0 and isinstance(value, (list, tuple)):
        return [plain(content, depth - 1) for content in value]
    if depth > 0 and hasattr(value, "tolist"):  # arrays and numbers of numpy
        return plain(value.tolist(), depth - 1)
    return _text(value)


def _text(value: Any) -> str:
    try:
        return _cut(str(value))
    except Exception:  # nested without end, or of a type that has no text
        return f"a {type(value).__name__}"


def _cut(text: str) -> str:
    if len(text) <= LONGEST_TEXT:
        return text
    ending = f"... ({len(text)} characters)"
    return text[: LONGEST_TEXT - len(ending)] + ending


def salted(payload: Mapping[str, Any]) -> dict[str, Any]:
    """A copy that JSON can hold, with a fresh salt where it has none."""
    copy = {_text(key): plain(value) for key, value in payload.items()}
    copy.setdefault("salt", secrets.token_hex(16))
    return copy


def make_record(
    n: int, chain: str, prev: str, stamp: Stamp, session: str, actor: str, type: str, payload: Mapping[str, Any]
) -> dict[str, Any]:
    """A record, complete with its hashes.

    Args:
        n: Number in the chain, counted through all its segments from 0.
        chain: Name of the chain.
        prev: Hash of the record before it; GENESIS for the first.
        stamp: When it happened.
        session: Identity of the session, hexadecimal.
        actor: Who did it.
        type: What happened.
        payload: More about it; gets a salt where it has none.

    Raises:
        RecordError: what is given makes no valid record.
    """
    content = salted(payload)
    record = {
        "actor": actor,
        "boot": stamp.boot,
        "chain": chain,
        "clock_error_ns": stamp.clock_error_ns,
        "mono_ns": stamp.mono_ns,
        "n": n,
        "payload": content,
        "payload_sha256": hashlib.sha256(canonical(content)).hexdigest(),
        "prev": prev,
        "session": session,
        "type": type,
        "utc_ns": stamp.utc_ns,
    }
    record["hash"] = record_hash(record)
    _check_fields(record)
    return record


def record_hash(record: Mapping[str, Any]) -> str:
    """SHA-256 of the canonical record without its payload and its hash, hexadecimal."""
    covered = {key: value for key, value in record.items() if key not in ("payload", "hash")}
    return hashlib.sha256(canonical(covered)).hexdigest()


def check_record(line: bytes) -> dict[str, Any]:
    """Record of a line without its line end, checked by itself: form, payload hash, hash.

    Raises:
        RecordError: what is wrong.
    """
    try:
        record = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise RecordError(f"is no JSON: {str(error)[:_SHOWN]}") from error
    if not isinstance(record, dict) or record.keys() != _KEYS:
        raise RecordError(f"has not the fields of a record: {line[:_SHOWN]!r}")
    _check_fields(record)
    if canonical(record) != line:
        raise RecordError("is not in canonical form")
    payload = record["payload"]
    if payload is not None and hashlib.sha256(canonical(payload)).hexdigest() != record["payload_sha256"]:
        raise RecordError("the payload does not fit payload_sha256")
    if record_hash(record) != record["hash"]:
        raise RecordError("the record does not fit its hash")
    return record


def _check_fields(record: Mapping[str, Any]) -> None:
    for key in _TEXTS:
        if not isinstance(record[key], str):
            raise RecordError(f"{key} is {_shown(record[key])}, not a text")
    for key in _HASHES:
        if not isinstance(record[key], str) or not _HASH.fullmatch(record[key]):
            raise RecordError(f"{key} is {_shown(record[key])}, not 64 hexadecimal digits")
    for key in ("n", "mono_ns", "utc_ns", "clock_error_ns"):
        if key == "clock_error_ns" and record[key] is None:
            continue
        if type(record[key]) is not int or record[key] < 0:
            raise RecordError(f"{key} is {_shown(record[key])}, not a whole number from 0")
        if record[key].bit_length() > WIDEST:
            raise RecordError(f"{key} is {_shown(record[key])}, more than {WIDEST} bits")
    payload = record["payload"]
    if payload is None:
        return
    if not isinstance(payload, dict):
        raise RecordError(f"payload is {_shown(payload)}, not an object")
    salt = payload.get("salt")
    if not isinstance(salt, str) or not _SALT.fullmatch(salt):
        raise RecordError(f"the payload's salt is {_shown(salt)}, not 32 hexadecimal digits")
    for content in payload.values():
        _check_plain(content, DEEPEST)


def _check_plain(value: Any, depth: int) -> None:
    """Nothing in a payload that `plain` would not have written: readers rely on it."""
    if isinstance(value, (dict, list)):
        if depth <= 0:
            raise RecordError(f"the payload is nested more than {DEEPEST} deep")
        for content in value.values() if isinstance(value, dict) else value:
            _check_plain(content, depth - 1)
    elif isinstance(value, int) and value.bit_length() > WIDEST:
        raise RecordError(f"the payload holds {_shown(value)}, more than {WIDEST} bits")


def _shown(value: Any) -> str:
    # What is nested too deeply cannot be written out.
    return f"a {type(value).__name__}" if isinstance(value, (dict, list)) else repr(value)[:_SHOWN]
