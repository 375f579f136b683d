"""The lock holds what is asked for, exactly; the set-up knows when it is done."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ENVIRONMENT = ROOT / "environment"
JAZZY = {"ros-rclpy": "7.1.6", "ros-rcl": "9.2.8", "ros-rmw-fastrtps-cpp": "8.4.3", "ros-std-msgs": "5.3.6"}


def locked() -> dict[str, str]:
    """Name to block of every package in the lock."""
    blocks = re.split(r"\n(?=[a-z0-9])", (ENVIRONMENT / "requirements.lock").read_text())
    return {match.group(1): block for block in blocks for match in [re.match(r"([a-z0-9.-]+)==", block)] if match}


def asked() -> list[str]:
    """Requirements of requirements.in without their comments."""
    lines = [line.split("#")[0].strip() for line in (ENVIRONMENT / "requirements.in").read_text().splitlines()]
    return [line for line in lines if line]


def test_everything_asked_for_is_locked() -> None:
    """Every requirement is in the lock, and those that are exact there with the same version."""
    for requirement in asked():
        name, version = re.fullmatch(r"([a-z0-9-]+)(?:\[\w+\])?(?:==(\S+)|<\S+)?", requirement).groups()
        assert name in locked(), f"{name} is not locked: make lock"
        if version:
            assert re.match(rf"{name}(\[\w+\])?=={re.escape(version)}[ \\\n]", locked()[name]), f"{name}: make lock"


def test_every_requirement_says_why() -> None:
    """Each line of requirements.in has a comment."""
    lines = (ENVIRONMENT / "requirements.in").read_text().splitlines()
    assert [line for line in lines if line and "#" not in line] == []


def test_every_locked_package_has_hashes() -> None:
    """No package is installed without a hash."""
    assert [name for name, block in locked().items() if "--hash=sha256:" not in block] == []


def test_ros_packages_are_jazzy() -> None:
    """Every ROS package asked for is exact, and the lock holds Jazzy's versions."""
    assert [requirement for requirement in asked() if requirement.startswith("ros-") and "==" not in requirement] == []
    for name, version in JAZZY.items():
        assert locked()[name].startswith(f"{name}=={version} ")


def test_running_python_has_the_locked_ros() -> None:
    """The packages that run are those of the lock."""
    from importlib.metadata import version

    if not (Path(sys.prefix) / "stamps").is_dir():
        pytest.skip("not the environment that the set-up made")
    for name, expected in JAZZY.items():
        assert version(name) == expected


@pytest.fixture
def step_class(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> type:
    """Step with its stamps in a temporary folder."""
    monkeypatch.syspath_prepend(str(ENVIRONMENT))
    import steps

    monkeypatch.setattr(steps, "STAMPS", tmp_path / "stamps")
    monkeypatch.setattr(steps, "ROOT", tmp_path)
    return steps.Step


def test_step_is_done_until_an_input_changes(step_class: type, tmp_path: Path) -> None:
    """A step is done once, and again after an input or a step before it changed."""
    source = tmp_path / "input.txt"
    source.write_text("one")
    step = step_class("build", [source], lambda: None)
    key = step.key("before")
    assert not step.is_done(key)
    step.do(key)
    assert step.is_done(step.key("before"))
    assert not step.is_done(step.key("another step before"))
    source.write_text("two")
    assert not step.is_done(step.key("before"))


def test_interrupted_step_is_not_done(step_class: type) -> None:
    """A step that was interrupted while it was redone counts as not done."""
    step = step_class("build", [], lambda: None)
    step.do("key")

    def interrupted() -> None:
        raise KeyboardInterrupt

    step.action = interrupted
    with pytest.raises(KeyboardInterrupt):
        step.do("key")
    assert not step.is_done("key")
