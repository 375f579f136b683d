"""The timeline: safety states, stops, pairs of hand and arm, and alarms, on one axis of time."""

from __future__ import annotations

from typing import Any

from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from audit.report.svg import COLOURS, Drawing, drawing
from audit.report.words import count, lasting
from audit.series.model import CLUTCHED, FOLLOWING, STATES, Session, spans
from audit.stops import Stop

MOST_ALARM_ROWS = 10
NARROWEST_LABEL = 0.075
"""A state is named in its bar if it lasts for this share of the session."""


def draw_timeline(session: Session, stops: list[Stop]) -> Drawing:
    """Draw the timeline."""
    alarms = _alarm_rows(session)
    rows = 1 + len(session.arms) + len(alarms)
    text = (
        f"Timeline of {lasting(session.duration)}: "
        + ", ".join(
            f"{name.replace('_', ' ').lower()} {lasting(total)}"
            for value, name in enumerate(STATES)
            if (total := sum(b - a for a, b in spans(session.state, float(value), session.duration))) > 0.0
        )
        + f"; {count(len(stops), 'stop')}. The tables below hold the same in figures."
    )

    def draw(figure: Figure, narrow: bool) -> None:
        axes = figure.subplots()
        _states(axes, session, narrow)
        row = 1
        for name in session.arms:
            _pair(axes, session, name, row)
            row += 1
        for _, bars in alarms:
            axes.broken_barh(bars, (row - 0.28, 0.56), facecolor=COLOURS["series-3"], linewidth=0.0)
            row += 1
        for stop in stops:
            axes.axvline(stop.withdrawn, color=COLOURS["ink"], linewidth=1.0, linestyle=(0, (3, 2)))
        _stop_numbers(axes, stops, session.duration, narrow)
        axes.set_ylim(rows - 0.4, -0.95)
        axes.set_xlim(0.0, max(session.duration, 1e-3))
        axes.set_yticks(range(rows), ["safety state", *session.arms, *(label for label, _ in alarms)])
        axes.tick_params(axis="y", length=0, labelsize=8 if narrow else 10)
        axes.xaxis.set_major_locator(MaxNLocator(5 if narrow else 12))
        axes.spines["left"].set_visible(False)
        axes.set_xlabel("time since the beginning of the record [s]")
        axes.grid(axis="x")
        axes.set_axisbelow(True)
        _legend(figure, session, narrow)

    height = 120.0 + 27.0 * rows
    return drawing("timeline", text, draw, height, height + 90.0)


def _states(axes: Any, session: Session, narrow: bool) -> None:
    for value, name in enumerate(STATES):
        for since, until in spans(session.state, float(value), session.duration):
            colour = COLOURS["state-" + name.lower().replace("_", "-")]
            axes.broken_barh(
                [(since, until - since)], (-0.4, 0.8), facecolor=colour, edgecolor=COLOURS["paper"], linewidth=0.7
            )
            if not narrow and until - since > NARROWEST_LABEL * session.duration:
                label = name.replace("_", " ").lower()
                axes.text(0.5 * (since + until), 0.0, label, ha="center", va="center", fontsize=10)


def _pair(axes: Any, session: Session, name: str, row: int) -> None:
    teleop = session.arms[name].teleop
    end = float(teleop.time[-1]) if len(teleop) else 0.0
    for value, height, colour in ((FOLLOWING, 0.56, "series-1"), (CLUTCHED, 0.2, "series-2")):
        bars = [(since, until - since) for since, until in spans(teleop, float(value), end)]
        axes.broken_barh(bars, (row - 0.5 * height, height), facecolor=COLOURS[colour], linewidth=0.0)


def _alarm_rows(session: Session) -> list[tuple[str, list[tuple[float, float]]]]:
    """Alarms by cause, the worst and longest first: label, bars (from, length)."""
    bars: dict[str, list[tuple[float, float]]] = {}
    rank: dict[str, tuple[int, float]] = {}
    for alarm in session.alarms:
        until = session.duration if alarm.ended is None else alarm.ended
        bars.setdefault(alarm.id, []).append((alarm.began, until - alarm.began))
        level, total = rank.get(alarm.id, (0, 0.0))
        rank[alarm.id] = (max(level, alarm.level), total + until - alarm.began)
    chosen = sorted(bars, key=lambda name: rank[name], reverse=True)[:MOST_ALARM_ROWS]
    return [(name.replace("_", " ").lower(), bars[name]) for name in chosen]


def _stop_numbers(axes: Any, stops: list[Stop], duration: float, narrow: bool) -> None:
    apart = duration * (0.045 if narrow else 0.018)
    last = -1e9
    for stop in stops:
        if stop.withdrawn - last < apart:
            continue  # it would be written over the one before; its line is there
        last = stop.withdrawn
        axes.text(stop.withdrawn, -0.55, str(stop.number), ha="center", va="bottom", fontsize=10, fontweight="bold")


def _legend(figure: Figure, session: Session, narrow: bool) -> None:
    seen = [name for value, name in enumerate(STATES) if value in session.state.value]
    handles = [
        Patch(facecolor=COLOURS["state-" + name.lower().replace("_", "-")], label=name.replace("_", " ").lower())
        for name in seen
    ]
    handles += [
        Patch(facecolor=COLOURS["series-1"], label="arm follows"),
        Patch(facecolor=COLOURS["series-2"], label="clutched"),
        Patch(facecolor=COLOURS["series-3"], label="alarm"),
    ]
    figure.legend(
        handles=handles, loc="outside lower center", ncols=3 if narrow else min(len(handles), 9), fontsize=10,
        handlelength=1.2, columnspacing=1.2,
    )  # fmt: skip
