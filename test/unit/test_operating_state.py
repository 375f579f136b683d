"""Operating states of a CRTK device."""

from __future__ import annotations

import pytest

from teleop_core.operating_state import OperatingState


@pytest.mark.parametrize(
    ("start", "command", "end"),
    [
        ("DISABLED", "enable", "ENABLED"),
        ("DISABLED", "disable", "DISABLED"),
        ("DISABLED", "pause", None),
        ("DISABLED", "resume", None),
        ("ENABLED", "enable", "ENABLED"),
        ("ENABLED", "disable", "DISABLED"),
        ("ENABLED", "pause", "PAUSED"),
        ("ENABLED", "resume", None),
        ("PAUSED", "enable", None),
        ("PAUSED", "disable", "DISABLED"),
        ("PAUSED", "pause", "PAUSED"),
        ("PAUSED", "resume", "ENABLED"),
        ("FAULT", "enable", "ENABLED"),
        ("FAULT", "disable", "DISABLED"),
        ("FAULT", "pause", None),
        ("FAULT", "resume", None),
    ],
)
def test_every_state_and_command(start: str, command: str, end: str | None) -> None:
    """Each command does what the standard says, or is refused with a reason and changes nothing."""
    state = OperatingState(start)
    refusal = state.command(command)
    assert bool(refusal) == (end is None)
    assert state.state == (end or start)


def test_homing_needs_an_enabled_arm() -> None:
    """Home is refused while disabled; ready means enabled and homed; unhome ends it."""
    state = OperatingState()
    assert state.command("home")
    assert not state.is_homed
    state.command("enable")
    assert not state.ready
    assert state.command("home") == ""
    assert state.ready
    state.command("unhome")
    assert not state.ready


def test_an_unknown_command_names_the_known_ones() -> None:
    """The refusal tells what would work."""
    assert "resume" in OperatingState().command("dance")
