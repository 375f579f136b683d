"""Tool paths of a long session on the page: fewer points, and none of the outermost is missing."""

from __future__ import annotations

import numpy as np

from audit.report.paths import MOST_POINTS, outermost, seen_by_operator
from audit.series.model import Poses

COUNT = 360_000
"""An hour at 100 Hz."""


def an_hour() -> Poses:
    """A tool that circles, and once, for a hundredth of a second, is far away; a gap of 10 s in the middle."""
    time = np.arange(COUNT) / 100.0
    position = 0.01 * np.column_stack((np.cos(time), np.sin(time), np.sin(0.1 * time)))
    position[123_457] = (0.2, -0.3, 0.4)
    position[200_000] = np.nan
    time[COUNT // 2 :] += 10.0
    return Poses(time, position, np.tile([0.0, 0.0, 0.0, 1.0], (COUNT, 1)))


def test_the_outermost_points_of_a_long_path_are_kept() -> None:
    """Also one that was there for a single sample; first and last, in order, not too many."""
    path = an_hour()
    kept = outermost(path.position, MOST_POINTS)
    assert {0, 123_457, COUNT - 1} <= set(kept)
    assert np.all(np.diff(kept) > 0)
    assert MOST_POINTS // 3 < len(kept) <= MOST_POINTS
    assert list(outermost(path.position[:MOST_POINTS], MOST_POINTS)) == list(range(MOST_POINTS))


def test_a_long_path_is_broken_where_the_record_has_a_gap_and_nowhere_else() -> None:
    """However far apart the points are that are kept."""
    table = seen_by_operator("unknown arm", an_hour())
    (broken,) = np.flatnonzero(np.isnan(table[:, 0]))
    assert table[broken + 1, 0] - table[broken - 1, 0] > 10.0
    assert np.nanmax(np.abs(table[:, 1:])) > 100.0
