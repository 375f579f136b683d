"""The folder of a session's record: where it is, and what identifies it.

Several processes write into it (recorder, safety monitor) and each may be the first: whoever comes first makes
session.json, the others read it.
"""

from __future__ import annotations

import json
import os
import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FORMAT = 1
"""Version of session.json."""
FILE_NAME = "session.json"


class RecordFolderError(RuntimeError):
    """A folder cannot hold the record of a session; the text names it and says why."""


@dataclass(frozen=True)
class RecordedSession:
    """What session.json says.

    Attributes:
        session: Identity of the session, 32 hexadecimal digits.
        site: One of teleop_core.contract.SITES.
        case: What the hospital calls the operation; never a name of a person.
        roles: Roles of the people at this site.
        started_utc_ns: When it was made, unix [ns].
        versions: What ran, by name.
    """

    session: str
    site: str
    case: str
    roles: tuple[str, ...]
    started_utc_ns: int
    versions: Mapping[str, str]


def records_root(environment: Mapping[str, str] = os.environ) -> Path:
    """Folder that holds the records of all sessions where nothing else is asked for."""
    if environment.get("TELESURGERY_RECORDS"):
        return Path(environment["TELESURGERY_RECORDS"])
    ros_home = environment.get("ROS_HOME") or Path.home() / ".ros"
    return Path(ros_home) / "telesurgery" / "records"


def new_folder_name(site: str) -> str:
    """Name of the folder of a session that begins now."""
    return f"{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}-{site}-{secrets.token_hex(3)}"


def open_session(
    folder: Path, site: str, *, case: str = "", roles: Sequence[str] = (), versions: Mapping[str, str] | None = None
) -> RecordedSession:
    """Make the folder and its session.json, or read what somebody else has made.

    Args:
        folder: Of the session.
        site: One of teleop_core.contract.SITES.
        case: What the hospital calls the operation.
        roles: Roles of the people at this site.
        versions: What runs, by name.

    Raises:
        RecordFolderError: the folder cannot be made or written, or holds something else.
    """
    path = folder / FILE_NAME
    content = {
        "format": FORMAT,
        "session": secrets.token_hex(16),
        "site": site,
        "case": case,
        "roles": list(roles),
        "started_utc_ns": time.time_ns(),
        "versions": dict(versions or {}),
    }
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            _make_once(path, json.dumps(content, indent=2) + "\n")
        return _session(json.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise RecordFolderError(
            f"{error.filename or folder}: {error.strerror or error}; choose another folder"
        ) from error
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        raise RecordFolderError(f"{path}: is not that of a record ({error}); choose another folder") from error


def _make_once(path: Path, text: str) -> None:
    """Make a file whole, unless somebody else has made it meanwhile."""
    part = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(3)}")
    try:
        with part.open("x", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.link(part, path)
    except FileExistsError:
        pass
    finally:
        part.unlink(missing_ok=True)


def _session(content: Any) -> RecordedSession:
    if content["format"] != FORMAT:
        raise ValueError(f"format {content['format']}, this knows {FORMAT}")
    return RecordedSession(
        session=str(content["session"]),
        site=str(content["site"]),
        case=str(content["case"]),
        roles=tuple(map(str, content["roles"])),
        started_utc_ns=int(content["started_utc_ns"]),
        versions={str(name): str(version) for name, version in content["versions"].items()},
    )
