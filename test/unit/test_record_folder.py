"""Where a record is, and who is first to make it."""

from __future__ import annotations

import json
import re
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from teleop_core.record_folder import RecordFolderError, new_folder_name, open_session, records_root
from teleop_ros.new_record import ROLES, new_record


def test_the_root_is_what_is_asked_for() -> None:
    """The own variable, else that of ROS, else the home folder."""
    assert records_root({"TELESURGERY_RECORDS": "/a", "ROS_HOME": "/b"}) == Path("/a")
    assert records_root({"ROS_HOME": "/b"}) == Path("/b/telesurgery/records")
    assert records_root({}) == Path.home() / ".ros" / "telesurgery" / "records"


def test_names_tell_time_and_site() -> None:
    """And are not made twice."""
    names = {new_folder_name("robot") for _ in range(20)}
    assert len(names) == 20
    assert all(re.fullmatch(r"\d{8}T\d{6}Z-robot-[0-9a-f]{6}", name) for name in names)


def test_whoever_comes_first_makes_the_session(tmp_path: Path) -> None:
    """Many at once: all read the same session, and nothing else is left in the folder."""
    folder = tmp_path / "records" / "one"
    with ThreadPoolExecutor(16) as pool:
        sessions = set(pool.map(lambda _: open_session(folder, "robot", case="7").session, range(32)))
    assert len(sessions) == 1
    assert [path.name for path in folder.iterdir()] == ["session.json"]
    later = open_session(folder, "console", case="other")
    assert (later.session, later.site, later.case) == (sessions.pop(), "robot", "7")


def test_a_folder_that_cannot_be_used_is_told_in_one_line(tmp_path: Path) -> None:
    """A file in its place, something else in it, another format: named, with the way out."""
    (tmp_path / "file").write_text("")
    with pytest.raises(RecordFolderError, match=r"file.*: .*; choose another folder"):
        open_session(tmp_path / "file", "robot")
    for content in ("no json", "[]", json.dumps({"format": 99})):
        (tmp_path / "session.json").write_text(content)
        with pytest.raises(RecordFolderError, match=r"session\.json: is not that of a record .*; choose"):
            open_session(tmp_path, "robot")


def test_a_new_record_says_what_runs(tmp_path: Path) -> None:
    """Roles, never names; versions; readable."""
    folder = Path(new_record("robot", str(tmp_path), "case 12"))
    session = open_session(folder, "robot")
    assert (session.case, session.roles) == ("case 12", ROLES)
    assert {"python", "telesurgery", "mcap"} <= session.versions.keys()
    assert folder.parent == tmp_path
    assert not (folder / "session.json").stat().st_mode & stat.S_IWOTH
