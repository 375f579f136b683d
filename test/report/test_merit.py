"""Figures of merit against cases computed by hand."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from audit.merit import arm_merit, merit
from audit.merit_definitions import ARM_DEFINITIONS, SESSION_DEFINITIONS
from audit.series.model import FOLLOWING, Arm, Floats, Poses, Series, Session
from audit.smoothness import ldlj, sparc


def path(time: Floats, position: Floats) -> Poses:
    return Poses(time, position, np.tile([0.0, 0.0, 0.0, 1.0], (len(time), 1)))


def edges_of_a_box(seconds: float) -> Poses:
    """Along three edges of a box of 20, 10 and 5 mm: right, away, up, each in the same time."""
    corners = np.array([[0, 0, 0], [0.02, 0, 0], [0.02, 0.01, 0], [0.02, 0.01, 0.005]])
    time = np.arange(0.0, 3.0 * seconds + 0.005, 0.01)
    position = np.column_stack([np.interp(time, seconds * np.arange(4), corners[:, axis]) for axis in range(3)])
    return path(time, position)


def test_path_economy_and_speed_of_three_edges_of_a_box() -> None:
    """Path 35 mm in 6 s; economy: cube root of 20 * 10 * 5 mm^3 is 10 mm, over 35 mm."""
    found = arm_merit(edges_of_a_box(2.0), [(0.0, 6.0)])
    assert found.following == 6.0
    assert found.path_length == pytest.approx(0.035, rel=0.005)
    assert found.economy == pytest.approx(10.0 / 35.0, rel=0.01)
    assert found.mean_speed == pytest.approx(0.035 / 6.0, rel=0.005)
    assert found.peak_speed == pytest.approx(0.01, rel=0.01)
    assert found.idle == 0.0


def test_only_following_counts_and_gaps_are_not_bridged() -> None:
    """The second edge only; then with half a second of it missing in the record."""
    tool = edges_of_a_box(2.0)
    assert arm_merit(tool, [(2.0, 4.0)]).path_length == pytest.approx(0.010, rel=0.02)
    kept = (tool.time < 2.5) | (tool.time > 3.0)
    gap = Poses(tool.time[kept], tool.position[kept], tool.quaternion[kept])
    assert arm_merit(gap, [(2.0, 4.0)]).path_length == pytest.approx(0.0075, abs=0.0003)


def test_idle_is_the_share_of_standing_still() -> None:
    """Still for 1 s, 5 mm/s for 3 s."""
    time = np.arange(0.0, 4.005, 0.01)
    position = np.column_stack((0.005 * np.clip(time - 1.0, 0.0, 3.0), np.zeros((len(time), 2))))
    assert arm_merit(path(time, position), [(0.0, 4.0)]).idle == pytest.approx(0.25, abs=0.01)


def test_nothing_to_compute_from_is_not_zero() -> None:
    found = arm_merit(path(np.empty(0), np.empty((0, 3))), [])
    assert found.following == 0.0
    assert all(math.isnan(value) for value in (found.path_length, found.economy, found.sparc, found.ldlj, found.idle))


def minimum_jerk_speed(duration: float, rate: float) -> Floats:
    """Speed of the smoothest motion of 1 m from rest to rest."""
    share = np.arange(0.0, 1.0, 1.0 / (duration * rate))
    speed: Floats = 30.0 * share**2 * (1.0 - share) ** 2 / duration
    return speed


def test_log_dimensionless_jerk_of_the_smoothest_motion() -> None:
    """Integral of the squared jerk 720 / T^5, peak speed 1.875 / T: minus log of 720 / 1.875^2, whatever T is."""
    for duration in (1.0, 4.0):
        assert ldlj(minimum_jerk_speed(duration, 500.0), 500.0) == pytest.approx(-math.log(720.0 / 1.875**2), abs=0.03)


def test_spectral_arc_length_of_a_bell() -> None:
    """A Gaussian bell has a Gaussian spectrum, whose arc down to the threshold is a known integral."""
    width, rate = 0.15, 50.0
    time = np.arange(-1.5, 1.5, 1.0 / rate)
    highest = math.sqrt(2.0 * math.log(1.0 / 0.05)) / (2.0 * math.pi * width)
    frequency = np.linspace(0.0, highest, 20_001)
    amplitude = np.exp(-0.5 * (2.0 * math.pi * width * frequency) ** 2)
    arc = float(np.sum(np.hypot(np.diff(frequency) / highest, np.diff(amplitude))))
    assert sparc(np.exp(-0.5 * (time / width) ** 2), rate) == pytest.approx(-arc, abs=0.01)


def test_tremor_is_less_smooth() -> None:
    speed = minimum_jerk_speed(2.0, 50.0)
    shaken = speed + 0.1 * np.sin(2.0 * np.pi * 6.0 * np.arange(len(speed)) / 50.0)
    assert sparc(shaken, 50.0) < sparc(speed, 50.0) - 0.1
    assert ldlj(np.abs(shaken), 50.0) < ldlj(speed, 50.0) - 1.0


@pytest.mark.parametrize("speed", [np.zeros(100), np.full(100, 0.01)])
def test_smoothness_of_no_motion_is_unknown_and_no_error(speed: Floats) -> None:
    assert math.isnan(ldlj(speed, 50.0))


def following(arm: Arm, stretches: list[tuple[float, float]], tool: Poses) -> Arm:
    inside = np.zeros(len(tool.time))
    for since, until in stretches:
        inside[(tool.time >= since) & (tool.time < until)] = FOLLOWING
    return replace(arm, tool=tool, teleop=Series(tool.time, inside))


def test_two_hands(session: Session) -> None:
    """PSM1 moves from 0 to 6 s, PSM2 from 4 to 8 s: both for 2 of 8 s, none idle."""
    time = np.arange(0.0, 8.005, 0.01)
    right = np.column_stack((0.01 * np.clip(time, 0.0, 6.0), np.zeros((len(time), 2))))
    left = np.column_stack((0.01 * np.clip(time - 4.0, 0.0, 4.0), np.zeros((len(time), 2))))
    arm = session.arms["PSM1"]
    arms = {
        "PSM1": following(arm, [(0.0, 8.0)], path(time, right)),
        "PSM2": following(arm, [(0.0, 8.0)], path(time, left)),
    }
    found = merit(replace(session, arms=arms))
    assert found.bimanual == pytest.approx(0.25, abs=0.01)
    assert found.idle == pytest.approx(0.0, abs=0.01)
    assert found.path_length == pytest.approx(0.1, rel=0.01)
    assert found.time == pytest.approx(8.0, abs=0.02)
    assert found.clutches == 1.0, "the one at 4.0 s; the one at 8.2 s comes after the end"


def test_figures_of_the_recorded_session(session: Session) -> None:
    """Following 2 to 4, 4.5 to 6.035 and 8.5 to 10.065 s at 10 mm/s, two clutches between."""
    found = merit(session)
    assert found.arms["PSM1"].following == pytest.approx(5.1, abs=0.03)
    assert found.path_length == pytest.approx(0.051, abs=0.001)
    assert found.time == pytest.approx(8.07, abs=0.02)
    assert found.operating == pytest.approx(4.03 + 2.07 + 0.991, abs=0.01)
    assert found.clutches == 2.0
    assert math.isnan(found.bimanual), "one arm has no two hands"


def test_every_figure_has_a_definition_and_a_source(session: Session) -> None:
    found = merit(session)
    assert {definition.key for definition in SESSION_DEFINITIONS} | {"arms"} == set(vars(found))
    assert {definition.key for definition in ARM_DEFINITIONS} == set(vars(found.arms["PSM1"]))
    for definition in (*SESSION_DEFINITIONS, *ARM_DEFINITIONS):
        assert definition.text
        assert definition.source
        assert definition.better in ("", "less", "more")
