"""Curves over time: latency, tracking error, age of the picture, commands that arrived and were refused, link."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from audit.report.svg import COLOURS, Drawing, drawing
from audit.series.model import Floats, Series, Session
from audit.series.resample import grid
from audit.stops import Stop

SHORTEST_BUCKET = 0.5
"""Samples are gathered in pieces of time no shorter than this [s]."""
MOST_BUCKETS = 240
_REFUSED = slice(1, 7)
"""Columns of `Control.counts` that were refused."""


@dataclass(frozen=True)
class Panel:
    """One curve under another.

    Attributes:
        title: What it shows, with the unit.
        lines: (label, times, middle values, upper values or None) of each line.
    """

    title: str
    lines: Sequence[tuple[str, Floats, Floats, Floats | None]]


def latency_panels(session: Session) -> list[Panel]:
    """Latency, age of the picture, commands and link."""
    width = _bucket(session.duration)
    panels = [
        _gathered("hand sample to setpoint [ms]", {n: a.latency for n, a in session.arms.items()}, 1e3, width),
        _gathered("age of the picture at arrival [ms]", {
            f"{eye} eye": Series(np.array([frame.time for frame in frames]), np.array([frame.age for frame in frames]))
            for eye, frames in session.frames.items()
        }, 1e3, width),
        _commands(session, width),
    ]  # fmt: skip
    if len(session.link):
        time, value = session.link.time, session.link.value
        panels += [
            Panel("round trip of the link, 95 % [ms]", [("round trip", time, 1e3 * value[:, 0], None)]),
            Panel("packets lost on the link [%]", [
                ("to the robot", time, 100.0 * value[:, 4], None), ("to the console", time, 100.0 * value[:, 5], None),
            ]),
        ]  # fmt: skip
    return [panel for panel in panels if any(len(line[1]) for line in panel.lines)]


def error_panels(session: Session) -> list[Panel]:
    """Tracking error of the arms."""
    errors = {name: arm.error for name, arm in session.arms.items()}
    panel = _gathered("tip from setpoint [mm]", errors, 1e3, _bucket(session.duration))
    return [panel] if any(len(line[1]) for line in panel.lines) else []


def draw_panels(name: str, text: str, panels: list[Panel], session: Session, stops: list[Stop]) -> Drawing | None:
    """Draw panels one below the other; None if there is nothing to draw.

    Args:
        name: Of the figure, unique on the page.
        text: What it shows, for who does not see it.
        panels: What to draw.
        session: For the axis of time.
        stops: Marked by dashed lines.
    """
    if not panels:
        return None

    def draw(figure: Figure, narrow: bool) -> None:
        all_axes = figure.subplots(len(panels), 1, sharex=True, squeeze=False)[:, 0]
        for axes, panel in zip(all_axes, panels, strict=True):
            _draw_panel(axes, panel)
            for stop in stops:
                axes.axvline(stop.withdrawn, color=COLOURS["ink"], linewidth=0.8, linestyle=(0, (3, 2)))
            axes.set_xlim(0.0, max(session.duration, 1e-3))
            axes.xaxis.set_major_locator(MaxNLocator(5 if narrow else 12))
        all_axes[-1].set_xlabel("time since the beginning of the record [s]")

    return drawing(name, text, draw, 46.0 + 150.0 * len(panels), 46.0 + 165.0 * len(panels))


def gather(series: Series, width: float) -> tuple[Floats, Floats, Floats]:
    """Middle time, median and largest value of each piece of time that holds samples.

    Args:
        series: (n,) values, in order of time.
        width: Length of a piece [s].
    """
    finite = np.isfinite(series.value)
    time, value = series.time[finite], series.value[finite]
    if not len(time):
        return np.empty(0), np.empty(0), np.empty(0)
    piece = np.floor(time / width).astype(np.int64)
    order = np.argsort(piece, kind="stable")
    starts = np.flatnonzero(np.diff(piece[order], prepend=piece[order][0] - 1))
    groups = np.split(value[order], starts[1:])
    return (
        (piece[order][starts] + 0.5) * width,
        np.array([np.median(group) for group in groups]),
        np.array([group.max() for group in groups]),
    )


def _bucket(duration: float) -> float:
    return max(SHORTEST_BUCKET, duration / MOST_BUCKETS)


def _gathered(title: str, by_name: dict[str, Series], scale: float, width: float) -> Panel:
    lines = []
    for name, series in by_name.items():
        time, middle, largest = gather(series, width)
        lines.append((name, *_broken(time, scale * middle, scale * largest, width)))
    return Panel(title, lines)


def _broken(time: Floats, middle: Floats, largest: Floats, width: float) -> tuple[Floats, Floats, Floats]:
    """The same with NaN where nothing was measured for longer than three pieces, so that no line bridges it."""
    breaks = np.flatnonzero(np.diff(time) > 3.0 * width) + 1
    return (
        np.insert(time, breaks, time[breaks - 1]),
        np.insert(middle, breaks, np.nan),
        np.insert(largest, breaks, np.nan),
    )


def _commands(session: Session, width: float) -> Panel:
    title = "commands per second"
    if not len(session.commands):
        return Panel(title, [])
    edges = grid(0.0, session.duration + 2.0 * width, 1.0 / width)
    arrived = np.histogram(session.commands.time, edges)[0] / width
    middle: Floats = edges[:-1] + 0.5 * width
    lines: list[tuple[str, Floats, Floats, Floats | None]] = [("arrived", middle, arrived, None)]
    control = session.control
    if len(control) > 1:
        refused = np.sum(np.maximum(np.diff(control.counts[:, _REFUSED], axis=0), 0.0), axis=1)
        counted = np.histogram(control.time[1:], edges, weights=refused)[0] / width
        lines.append(("refused", middle, counted, None))
    return Panel(title, lines)


def _draw_panel(axes: Any, panel: Panel) -> None:
    axes.set_title(panel.title, fontweight="bold")
    highest = 0.0
    for index, (label, time, middle, upper) in enumerate(panel.lines):
        colour = COLOURS[f"series-{index % 3 + 1}"]
        style = ("-", (0, (4, 1.5)), (0, (1, 1)))[index % 3]
        if upper is not None:
            axes.fill_between(time, middle, upper, color=colour, alpha=0.22, linewidth=0.0)
        axes.plot(time, middle, color=colour, linewidth=1.4, linestyle=style, label=label)
        values = middle if upper is None else upper
        if np.isfinite(values).any():
            highest = max(highest, float(np.nanmax(values)))
    axes.set_ylim(0.0, 1.3 * highest or 1.0)
    axes.grid(axis="y")
    axes.yaxis.set_major_locator(MaxNLocator(4))
    axes.legend(
        loc="upper right", ncols=2, fontsize=9, handlelength=2.0, borderaxespad=0.1, frameon=True, framealpha=1.0,
        facecolor=COLOURS["paper"], edgecolor="none", borderpad=0.2,
    )  # fmt: skip
