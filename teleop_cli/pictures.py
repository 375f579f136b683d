"""Pictures of a session: paths of hands and tools, latency and tracking over time, what the operator last saw."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")

import matplotlib.image
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from teleop_cli.recorder import SessionRecorder
from teleop_cli.statistics import Envelope
from teleop_core.cart import display_in_base
from teleop_core.contract import MASTERS

COLOURS = ("#0072b2", "#d55e00")
"""Told apart by readers of every colour vision (Okabe and Ito)."""
COLOUR_OF_HAND = dict(zip(MASTERS, COLOURS, strict=True))
NAME_OF_HAND = {"MTML": "left hand, MTML", "MTMR": "right hand, MTMR"}
STATE_COLOURS = {
    "OPERATING": "#e3f4e3",
    "READY": "#e6eef7",
    "SELF_TEST": "#eeeeee",
    "HOLD": "#fff0c2",
    "PAUSED": "#ffd9a8",
    "FAULT": "#f6b8b0",
    "PROTECTIVE_STOP": "#ef8f86",
    "SILENT": "#cccccc",
}
INK, FAINT = "#333333", "#999999"
STYLE = {
    "font.size": 10,
    "axes.edgecolor": FAINT,
    "axes.labelcolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.color": INK,
    "ytick.color": INK,
    "figure.facecolor": "white",
}


def draw_paths(recorder: SessionRecorder, path: Path) -> None:
    """Draw every hand in 3D and below it the tool it drives, all in the axes of the operator's display.

    Raises:
        OSError: the file cannot be written.
    """
    driven = {arm.hand: (name, arm) for name, arm in recorder.arms.items()}
    hands = [master for master in MASTERS if master in driven] or [*MASTERS]
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(5.2 * len(hands), 9.6), dpi=110)
        figure.subplots_adjust(left=0.01, right=0.93, bottom=0.04, top=0.92, wspace=0.1, hspace=0.08)
        for column, master in enumerate(hands, start=1):
            upper = figure.add_subplot(2, len(hands), column, projection="3d")
            _draw_3d(upper, NAME_OF_HAND[master], COLOUR_OF_HAND[master], recorder.hand_paths[master].table())
            if master in driven:
                name, arm = driven[master]
                lower = figure.add_subplot(2, len(hands), len(hands) + column, projection="3d")
                title = f"tool of {name}, driven by {master}"
                _draw_3d(lower, title, COLOUR_OF_HAND[master], _in_display(name, arm.tool_path.table()))
        figure.suptitle(
            "Paths of the hands and of their tools, as the operator sees them", fontweight="bold", color=INK
        )
        figure.text(0.5, 0.945, "round: start, square: end", ha="center", color=FAINT)
        figure.savefig(path)


def draw_figures_over_time(recorder: SessionRecorder, path: Path) -> None:
    """Draw motion latency and tracking error over time, with the safety state shaded.

    Raises:
        OSError: the file cannot be written.
    """
    rows = (
        ("motion latency [ms]", recorder.latency_curve, COLOURS[0]),
        ("tracking error [mm]", recorder.error_curve, COLOURS[1]),
    )
    zero = recorder.began if recorder.began is not None else recorder.created
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(11.0, 6.0), dpi=120, layout="constrained")
        panels = figure.subplots(2, 1, sharex=True)
        for panel, (label, curve, colour) in zip(panels, rows, strict=True):
            _draw_curve(panel, label, curve, zero, colour)
            shown = _shade_states(panel, recorder, zero)
        panels[-1].set_xlabel("time [s]")
        handles = [Patch(facecolor=STATE_COLOURS[state], edgecolor=FAINT, label=state) for state in shown]
        if handles:
            figure.legend(handles=handles, loc="outside lower center", ncols=len(handles), frameon=False)
        figure.suptitle("Hand sample to setpoint, and setpoint to tool", fontweight="bold", color=INK)
        figure.savefig(path)


def draw_stereo(recorder: SessionRecorder, path: Path) -> None:
    """Draw the last picture of both eyes, side by side.

    Raises:
        OSError: the file cannot be written.
    """
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(11.0, 4.55), dpi=120, layout="constrained")
        for panel, (eye, count) in zip(figure.subplots(1, 2), recorder.video.items(), strict=True):
            panel.set_title(f"{eye} eye", color=INK)
            panel.set_axis_off()
            if count.jpeg:
                panel.imshow(matplotlib.image.imread(io.BytesIO(count.jpeg), format="jpg"))
            else:
                _nothing(panel)
        stamps = [count.stamp for count in recorder.video.values()]
        apart = f"captured {abs(stamps[0] - stamps[1]) * 1e-6:.1f} ms apart" if all(stamps) else "incomplete"
        figure.suptitle(
            f"What the operator saw last: {apart}, {recorder.renderer or 'renderer unknown'}",
            fontweight="bold",
            color=INK,
        )
        figure.savefig(path)


PICTURES: dict[str, Callable[[SessionRecorder, Path], None]] = {
    "hand_and_tool_paths.png": draw_paths,
    "tracking_and_latency.png": draw_figures_over_time,
    "stereo.png": draw_stereo,
}


def _in_display(arm: str, tool_in_base: NDArray[np.float64]) -> NDArray[np.float64]:
    """Points (n, 3) of a tool in the display frame [m]."""
    display = display_in_base(arm)
    moved: NDArray[np.float64] = (tool_in_base - display.position) @ display.rotation()
    return moved


def _draw_3d(axes: Any, title: str, colour: str, table: NDArray[np.float64]) -> None:
    """Draw a path: points (n, 3) in the display frame [m]: x left, y up, z away from the operator."""
    axes.set_title(title, color=colour, fontweight="bold", pad=0.0)
    right, up, away = -1e3 * table[:, 0], 1e3 * table[:, 1], 1e3 * table[:, 2]
    axes.plot(right, away, up, color=colour, linewidth=0.9, alpha=0.85)
    ends = np.flatnonzero(np.isfinite(right))
    if ends.size:
        first, last = ends[0], ends[-1]
        axes.scatter(right[[first]], away[[first]], up[[first]], color=colour, marker="o", s=28)
        axes.scatter(right[[last]], away[[last]], up[[last]], color=colour, marker="s", s=28)
    axes.set_xlabel("right [mm]")
    axes.set_ylabel("away [mm]")
    axes.set_zlabel("up [mm]")
    _same_scale(axes)
    axes.view_init(elev=22.0, azim=-62.0)


def _same_scale(axes: Any) -> None:
    """One millimetre is as long along every axis; no side of the box is shorter than 60 % of the longest."""
    limits = np.array([axes.get_xlim(), axes.get_ylim(), axes.get_zlim()])
    lengths = limits[:, 1] - limits[:, 0]
    lengths = np.maximum(lengths, 0.6 * lengths.max())
    for set_limits, middle, length in zip(
        (axes.set_xlim, axes.set_ylim, axes.set_zlim), limits.mean(axis=1), lengths, strict=True
    ):
        set_limits(middle - 0.5 * length, middle + 0.5 * length)
    axes.set_box_aspect(lengths, zoom=0.95)
    for axis in (axes.xaxis, axes.yaxis, axes.zaxis):
        axis.set_major_locator(MaxNLocator(4))
        axis.set_pane_color("#f7f7f7")


def _broken_at_pauses(table: NDArray[np.float64], pause: float) -> NDArray[np.float64]:
    """The rows (n, 3), with a row of NaN where nothing was measured for longer than `pause` [s]."""
    breaks = np.flatnonzero(np.diff(table[:, 0]) > pause) + 1
    return np.insert(table, breaks, np.nan, axis=0)


def _draw_curve(axes: Axes, label: str, curve: Envelope, zero: float, colour: str) -> None:
    table, pause = curve.table(), 3.0 * curve.interval
    axes.set_ylabel(label)
    axes.grid(axis="y", color="#e6e6e6", linewidth=0.6)
    if not table.size:
        _nothing(axes)
        return
    table = _broken_at_pauses(table, pause)
    time, median, largest = table[:, 0] - zero, 1e3 * table[:, 1], 1e3 * table[:, 2]
    axes.fill_between(time, median, largest, color=colour, alpha=0.25, linewidth=0.0, label="up to the largest")
    axes.plot(time, median, color=colour, linewidth=1.2, label="median")
    axes.set_ylim(0.0, 1.15 * float(np.nanmax(largest)) or 1.0)
    axes.margins(x=0.0)
    axes.legend(loc="upper right", frameon=False, ncols=2)


def _shade_states(axes: Axes, recorder: SessionRecorder, zero: float) -> list[str]:
    """Shade the background by safety state; returns the states that were shown."""
    if recorder.began is None:
        return []
    end = recorder.ended if recorder.ended is not None else recorder.began
    changes = recorder.safety.transitions
    limits = [change.time for change in changes[1:]] + [end]
    shown: list[str] = []
    for change, until in zip(changes, limits, strict=True):
        since = max(change.time, recorder.began)
        if until > since and change.after in STATE_COLOURS:
            axes.axvspan(since - zero, until - zero, color=STATE_COLOURS[change.after], linewidth=0.0, zorder=0)
            if change.after not in shown:
                shown.append(change.after)
    return shown


def _nothing(axes: Axes) -> None:
    axes.text(0.5, 0.5, "nothing was received", transform=axes.transAxes, ha="center", va="center", color=FAINT)
