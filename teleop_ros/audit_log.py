"""Audit log of a node, where its parameter asks for one."""

from __future__ import annotations

from pathlib import Path

from teleop_core.audit_writer import AuditWriter
from teleop_core.contract import SITES
from teleop_core.record_folder import RecordFolderError, open_session
from teleop_ros.parameters import ParameterError

RECORD_FOLDER = "folder of the session's record, for this node's own audit log; empty: none is written"
"""Meaning of the parameter `record_folder`."""


def audit_log(folder: str, chain: str) -> AuditWriter | None:
    """A new segment of a node's own chain in the record of the session.

    Args:
        folder: Of the record; empty where the session is not recorded.
        chain: Name of the chain.

    Raises:
        ParameterError: the folder cannot be used.
    """
    if not folder:
        return None
    try:
        session = open_session(Path(folder), SITES[0])
    except RecordFolderError as error:
        raise ParameterError(f"parameter record_folder: {error}") from error
    log = AuditWriter(folder, chain, session.session)
    if log.failure:
        raise ParameterError(f"parameter record_folder: {log.failure}")
    return log
