"""Whose session it is: session.json, which may be missing, damaged or written by somebody else."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

LARGEST_HEAD = 1_000_000
"""session.json is a page of text; more is not read [byte]."""


@dataclass(frozen=True)
class Head:
    """What session.json says.

    Attributes:
        session: Number of the session, hex; empty if unknown.
        site: robot or console; empty if unknown.
        case: Case id; empty if none was given.
        roles: Role -> role name or pseudonym.
        started_utc_ns: Start [ns since 1970]; None if unknown.
        versions: Software -> version.
        problem: Why it could not be read; empty if it was.
    """

    session: str = ""
    site: str = ""
    case: str = ""
    roles: dict[str, str] = field(default_factory=dict)
    started_utc_ns: int | None = None
    versions: dict[str, str] = field(default_factory=dict)
    problem: str = ""


def read_head(folder: Path) -> Head:
    """What is known of a session; never raises for what the file holds."""
    try:
        with (folder / "session.json").open("rb") as file:
            return _head(json.loads(file.read(LARGEST_HEAD)))
    except FileNotFoundError:
        return Head(problem="there is no session.json: whose session this is, is not known")
    except (OSError, RecursionError, ValueError) as error:
        return Head(problem=f"session.json cannot be read: {error}")


def _head(found: Any) -> Head:
    if not isinstance(found, dict):
        raise ValueError("it is no JSON object")
    started = found.get("started_utc_ns")
    return Head(
        session=_text(found.get("session")),
        site=_text(found.get("site")),
        case=_text(found.get("case")),
        roles=_texts(found.get("roles")),
        started_utc_ns=started if isinstance(started, int) and not isinstance(started, bool) else None,
        versions=_texts(found.get("versions")),
    )


def _text(value: Any) -> str:
    return value if isinstance(value, str) else "" if value is None else str(value)


def _texts(value: Any) -> dict[str, str]:
    if isinstance(value, list):
        return {str(index): _text(item) for index, item in enumerate(value, start=1)}
    return {_text(key): _text(item) for key, item in value.items()} if isinstance(value, dict) else {}
