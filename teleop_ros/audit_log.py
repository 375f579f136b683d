"""Audit log of a node, where its parameter asks for one."""

from __future__ import annotations

from pathlib import Path

from teleop_core.audit_writer import AuditWriter
from teleop_core.contract import SITES
from teleop_core.record_folder import RecordFolderError, open_session
from teleop_ros.parameters import ParameterError

RECORD_FOLDER = "folder of the session's record, for this node's own audit log; empty: none is written"
"""Meaning of the parameter `record_folder`."""


def audit_log(folder: str, chain: str) -> tuple[AuditWriter | None, str]:
    """A new segment of a node's own chain in the record of the session, and the identity of that session.

    Args:
        folder: Of the record; empty where the session is not recorded.
        chain: Name of the chain.

    Returns:
        The log, whose `failure` says whether it can be written (a full disk must not keep a node that was killed from
        coming back), and the session; None and "" where nothing is recorded.

    Raises:
        ParameterError: the folder is none that can hold a record.
    """
    if not folder:
        return None, ""
    try:
        session = open_session(Path(folder), SITES[0])
    except RecordFolderError as error:
        raise ParameterError(f"parameter record_folder: {error}") from error
    return AuditWriter(folder, chain, session.session), session.session
