"""Tool paths in space: three views for paper, and the points for the view that can be turned.

The view that can be turned is drawn by a hundred lines of script on a 2D canvas. The libraries that draw in 3D need
WebGL, which remote desktops and locked-down computers often lack, print as an empty box, and weigh 4 MB a report.
"""

from __future__ import annotations

import json
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from audit.report.svg import COLOURS, Drawing, drawing
from audit.series.model import Floats, Poses, Session
from teleop_core.cart import display_in_base

MOST_POINTS = 6000
"""Points of one path on the page; of a longer one those that lie outermost are kept."""
LONGEST_STEP = 0.25
"""A path is broken where nothing was recorded for this long [s]."""
SMALLEST_HALF = 5.0
"""Half the side of the smallest cube that is shown [mm]: a tool that stood still is a point, and not a noise."""
VIEWS = (
    ("as the operator sees it", 0, 2, "right [mm]", "up [mm]"),
    ("from above", 0, 1, "right [mm]", "away [mm]"),
    ("from the right", 1, 2, "away [mm]", "up [mm]"),
)
"""Title, columns across and upwards, and their labels."""


def seen_by_operator(name: str, path: Poses) -> Floats:
    """A path in the axes of the operator's display.

    Args:
        name: Arm; of an arm whose place on the cart is unknown the path stays in its base.
        path: Poses in `<ARM>_base_link`.

    Returns:
        (n, 4) time [s], right, away, up [mm]; no more than MOST_POINTS, a row of NaN where the record has a gap.
    """
    kept = outermost(path.position, MOST_POINTS)
    time, position = path.time[kept], path.position[kept]
    try:
        display = display_in_base(name)
    except (KeyError, ValueError):
        moved = position
    else:
        moved = (position - display.position) @ display.rotation()
    table = np.column_stack((time, -1e3 * moved[:, 0], 1e3 * moved[:, 2], 1e3 * moved[:, 1]))
    silent = path.time[1:][np.diff(path.time) > LONGEST_STEP]  # the first sample behind each gap
    gaps = np.unique(np.searchsorted(time, silent))
    gaps = gaps[(gaps > 0) & (gaps < len(time))]
    return np.insert(table, gaps, np.nan, axis=0)


def outermost(position: Floats, most: int) -> NDArray[np.intp]:
    """Which samples of a path to show, in order: all, or of each of many pieces those that lie outermost on each axis.

    So whoever looks at the path of an hour sees how far the tool has been, however short it was there.

    Args:
        position: (n, 3).
        most: So many at most.

    Returns:
        (m,) indices, the first and the last sample among them; m <= most.
    """
    count = len(position)
    if count <= most:
        return np.arange(count)
    low, high = (np.where(np.isnan(position), away, position) for away in (np.inf, -np.inf))
    pieces = np.array_split(np.arange(count), max(1, (most - 2) // 6))
    found = [piece[0] + at for piece in pieces for at in (low[piece].argmin(axis=0), high[piece].argmax(axis=0))]
    kept: NDArray[np.intp] = np.unique(np.concatenate([[0, count - 1], *found]))
    return kept


def draw_paths(session: Session) -> Drawing | None:
    """Three views at one scale; None if no path was recorded."""
    tables = {name: seen_by_operator(name, arm.tool) for name, arm in session.arms.items() if len(arm.tool)}
    if not tables:
        return None
    text = "Paths of the tool tips from three sides: " + "; ".join(
        f"{name} within {_extent(table)} mm (right, away, up)" for name, table in tables.items()
    )

    def draw(figure: Figure, narrow: bool) -> None:
        all_axes = figure.subplots(3 if narrow else 1, 1 if narrow else 3, squeeze=False).ravel()
        middle, half = _cube(tables)
        for axes, view in zip(all_axes, VIEWS, strict=True):
            _draw_view(axes, tables, view)
            for set_limits, axis in ((axes.set_xlim, view[1]), (axes.set_ylim, view[2])):
                set_limits(middle[axis] - half, middle[axis] + half)
        all_axes[0].legend(loc="best", fontsize=9)

    return drawing("paths", text, draw, 330.0, 1000.0)


def points_json(session: Session) -> str:
    """The paths for the view that can be turned, as JSON: {arm: [[time, right, away, up], null, ...]} [s, mm]."""
    return json.dumps(
        {
            name: [None if np.isnan(row[0]) else [round(float(value), 2) for value in row] for row in table]
            for name, arm in session.arms.items()
            if len(table := seen_by_operator(name, arm.tool))
        },
        separators=(",", ":"),
    )


def _cube(tables: dict[str, Floats]) -> tuple[Floats, float]:
    """Middle (3,) and half the side [mm] of the cube that holds all paths: every view shows it whole, at one scale."""
    together = np.vstack([table[:, 1:] for table in tables.values()])
    low, high = np.nanmin(together, axis=0), np.nanmax(together, axis=0)
    return 0.5 * (low + high), max(SMALLEST_HALF, 0.55 * float(np.max(high - low)))


def _extent(table: Floats) -> str:
    return " by ".join(f"{np.nanmax(table[:, axis]) - np.nanmin(table[:, axis]):.0f}" for axis in (1, 2, 3))


def _draw_view(axes: Any, tables: dict[str, Floats], view: tuple[str, int, int, str, str]) -> None:
    title, across, upwards, across_label, upwards_label = view
    axes.set_title(title, fontweight="bold")
    for index, (name, table) in enumerate(tables.items()):
        colour = COLOURS[f"series-{index % 3 + 1}"]
        x, y = table[:, 1 + across], table[:, 1 + upwards]
        axes.plot(x, y, color=colour, linewidth=0.9, label=name)
        axes.plot(x[:1], y[:1], marker="o", color=colour, markersize=5)
        axes.plot(x[-1:], y[-1:], marker="s", color=colour, markersize=5)
    axes.set_xlabel(across_label)
    axes.set_ylabel(upwards_label)
    axes.set_aspect("equal")
    axes.xaxis.set_major_locator(MaxNLocator(5))
    axes.yaxis.set_major_locator(MaxNLocator(5))
    axes.grid()
