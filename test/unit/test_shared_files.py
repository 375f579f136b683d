"""Data files are found in the source tree and where colcon installs them."""

from __future__ import annotations

from pathlib import Path

import pytest

from teleop_ros import shared_files


def test_in_a_checkout_they_come_from_the_checkout(root: Path) -> None:
    """The file beside the code is the one that is used."""
    assert shared_files.shared_file("urdf/cart.urdf.xacro") == root / "urdf" / "cart.urdf.xacro"


def test_installed_they_come_from_the_prefix(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a source tree around it, the share folder of a ROS prefix is searched."""
    installed = tmp_path / "prefix" / "share" / "telesurgery" / "config" / "teleop.yaml"
    installed.parent.mkdir(parents=True)
    installed.touch()
    monkeypatch.setattr(shared_files, "__file__", str(tmp_path / "lib" / "teleop_ros" / "shared_files.py"))
    monkeypatch.setenv("AMENT_PREFIX_PATH", f"/nowhere:{tmp_path / 'prefix'}")
    assert shared_files.shared_file("config/teleop.yaml") == installed


def test_a_missing_file_is_told_with_every_place(monkeypatch: pytest.MonkeyPatch) -> None:
    """The error names the file and where it was looked for."""
    monkeypatch.setenv("AMENT_PREFIX_PATH", "/nowhere")
    with pytest.raises(FileNotFoundError, match=r"gone\.xml.*/nowhere/share/telesurgery"):
        shared_files.shared_file("config/gone.xml")


def test_a_local_session_uses_loopback_and_no_shared_memory() -> None:
    """The profile it points to names loopback as its only interface and switches the built-in transports off."""
    environment = shared_files.loopback_environment()
    profile = Path(environment["FASTRTPS_DEFAULT_PROFILES_FILE"]).read_text(encoding="utf-8")
    assert "<address>127.0.0.1</address>" in profile
    assert "<useBuiltinTransports>false</useBuiltinTransports>" in profile
    assert environment["ROS_AUTOMATIC_DISCOVERY_RANGE"] == "SYSTEM_DEFAULT"
