"""A new folder for the record of a session, made before its nodes start; it needs no ROS."""

from __future__ import annotations

from pathlib import Path

from teleop_core.record_folder import new_folder_name, open_session, records_root
from teleop_ros.provenance import versions

ROLES = ("operator", "local team", "engineer")
"""Who may appear in a record: roles, never names."""


def new_record(site: str, root: str = "", case: str = "") -> str:
    """Make the folder, with its session.json.

    Args:
        site: Whose record it is.
        root: Folder of the records of all sessions; empty for the one where they are kept.
        case: What the hospital calls the operation.

    Returns:
        Absolute path of the folder.

    Raises:
        RecordFolderError: it cannot be made; the text names it and says why.
    """
    folder = (Path(root) if root else records_root()).resolve() / new_folder_name(site)
    open_session(folder, site, case=case, roles=ROLES, versions=versions())
    return str(folder)
