"""A session whose bags were all taken out, as the law may ask for: there is still an audit log to make a page of."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from audit.checkpoint import REDACTIONS
from audit.outcome import is_session
from audit.reading import records
from audit.redaction_form import REDACTION
from audit.series.model import Session
from audit.series.read import session_of_no_messages

_BAG = ("bag/", ".mcap")


def session_without_bags(folder: Path) -> Session | None:
    """What is left of such a session; None where the bags are there, or no redaction tells of them.

    Raises:
        OSError: the audit log cannot be read.
    """
    if not is_session(folder) or any(folder.glob("bag/*.mcap")):
        return None
    why = [line for record in records(folder, REDACTIONS) if record["type"] == REDACTION for line in _told(record)]
    if not why:
        return None
    first = min((record["utc_ns"] for record in records(folder) if record["chain"] != REDACTIONS), default=0)
    return session_of_no_messages(folder, first, why)


def _told(record: dict[str, Any]) -> Iterator[str]:
    """A line for each bag that a redaction took out."""
    payload = record["payload"] or {}
    files = payload.get("files")
    for item in files if isinstance(files, list) else []:
        name = item.get("file") if isinstance(item, dict) else None
        if isinstance(name, str) and name.startswith(_BAG[0]) and name.endswith(_BAG[1]):
            yield f"{name} was taken out of the record by {payload.get('who')}: {payload.get('why')}"
