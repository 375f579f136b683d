"""What the chain `redactions` may hold; no checkpoint covers it, so nothing but redactions may hide there.

A redaction says for itself when it was made, of which session, and at which place of the chain: its signature covers
that, so it can neither be taken to another record nor moved, and none can be put before it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from audit.checkpoint import REDACTIONS
from teleop_core.audit_record import FORMAT

REDACTION = "redaction"
PLACE = ("n", "prev", "session", "utc_ns")
"""Fields of its record that a redaction repeats."""
_SEGMENT = {"broken", "chain", "clock_source", "format", "previous", "salt"}
_TOLD = {*PLACE, "files", "records", "salt", "who", "why"}
_SIGNED = {"public_key", "signature"}
_RECORD = {"chain": str, "hash": str, "n": int, "payload_sha256": str, "type": str}
_FILE = {"bytes": int, "file": str, "sha256": str}
_CLOCK = re.compile(r"[a-z0-9_-]{0,32}")
_BOOT = re.compile(r"[0-9a-f-]{0,36}")


def misfit(record: Mapping[str, Any], opening: bool) -> str:
    """Why a record has no place in the chain `redactions`; empty if it has.

    Args:
        record: Valid by itself.
        opening: It is the first of its segment.
    """
    if record["type"] != ("segment" if opening else REDACTION):
        return f"a {record['type']!r} record is none of a redaction here"
    if not _BOOT.fullmatch(record["boot"]):
        return "says more in 'boot' than which start of a computer"
    payload = record["payload"]
    if payload is None:
        return f"the payload of a {record['type']!r} record cannot be taken out"
    return _segment(record, payload) if opening else _redaction(record, payload)


def _segment(record: Mapping[str, Any], payload: Mapping[str, Any]) -> str:
    source = payload.get("clock_source")
    usual = (record["actor"], payload.get("chain"), payload.get("format")) == (REDACTIONS, REDACTIONS, FORMAT)
    if payload.keys() != _SEGMENT or not usual or not isinstance(source, str) or not _CLOCK.fullmatch(source):
        return "says more or other things than the beginning of a segment"
    return ""


def _redaction(record: Mapping[str, Any], payload: Mapping[str, Any]) -> str:
    if payload.keys() not in (_TOLD, _TOLD | _SIGNED) or not all(
        isinstance(payload.get(key, ""), str) for key in _SIGNED
    ):
        return "has not the fields of a redaction"
    other = [key for key in PLACE if payload[key] != record[key]]
    if other:
        return f"is a redaction made for another place: {', '.join(other)}"
    if payload["who"] != record["actor"] or not isinstance(payload["why"], str):
        return "is a redaction of somebody else"
    if not _list_of(payload["records"], _RECORD) or not _list_of(payload["files"], _FILE):
        return "does not say what was taken out"
    return ""


def _list_of(value: Any, types: Mapping[str, type]) -> bool:
    return isinstance(value, list) and all(
        isinstance(item, dict)
        and item.keys() == types.keys()
        and all(type(item[key]) is expected for key, expected in types.items())
        for item in value
    )
