"""Limits that depend on the link rise, are finite, and loosen with distance."""

from __future__ import annotations

import math

import pytest

from teleop_core.profiles import PROFILES, Ladder, Profile


@pytest.mark.parametrize("values", [(0.3, 0.2, 1.0), (0.1, 0.2, math.inf), (math.nan, 0.2, 1.0), (0.0, 0.1, 1.0)])
def test_a_ladder_that_does_not_rise_is_refused(values: tuple[float, float, float]) -> None:
    """Falling, infinite, not a number, zero: each is refused with its values."""
    with pytest.raises(ValueError, match="ladder must rise"):
        Ladder(*values)


@pytest.mark.parametrize(
    ("hold", "pause", "age"), [(1.0, 0.5, 0.1), (math.nan, 1.0, 0.1), (0.1, math.inf, 0.1), (0.1, 1.0, math.nan)]
)
def test_a_profile_with_rubbish_is_refused_by_name(hold: float, pause: float, age: float) -> None:
    """The error names the profile."""
    with pytest.raises(ValueError, match="profile moon"):
        Profile("moon", hold, pause, Ladder(0.1, 0.2, 0.3), age)


def test_longer_links_are_given_more_time_but_never_much() -> None:
    """From lan to intercontinental every limit rises or stays; silence never counts later than 0.15 s."""
    lan, national, intercontinental = (PROFILES[name] for name in ("lan", "national", "intercontinental"))
    for nearer, farther in ((lan, national), (national, intercontinental)):
        assert nearer.command_hold <= farther.command_hold <= 0.15
        assert nearer.command_age <= farther.command_age
        assert nearer.video_age.hold <= farther.video_age.hold
