"""The scores as one HTML file: a table of sessions, the trend of each score, and what the scores mean."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from markupsafe import Markup
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from audit.merit_definitions import Definition
from audit.report.page import page_style, shown, template
from audit.report.svg import COLOURS, Drawing, drawing
from audit.report.tables import Table
from audit.report.words import NOTHING, date_and_time, number, short_date
from audit.scores.score import SCORES, Score, Trend, by_operator, trend

COLUMNS = 3
"""Pictures side by side on a wide page."""


def render_scores(scores: Sequence[Score], problems: Sequence[str], now_ns: int) -> str:
    """The whole page.

    Args:
        scores: Of at least one session.
        problems: Sessions that could not be read, in words.
        now_ns: UTC [ns since 1970].
    """
    operators = by_operator(scores)
    return template("scores.html.j2").render(
        style=Markup(page_style()),
        picture=shown(draw_trends(operators)),
        sessions=[session_table(operator, items) for operator, items in operators.items()],
        trends=[trend_table(operator, items) for operator, items in operators.items()],
        definitions=[(d.name, d.text, d.source) for d in SCORES],
        problems=problems,
        made=date_and_time(now_ns),
    )


def session_table(operator: str, items: Sequence[Score]) -> Table:
    """Sessions of an operator, one row each."""
    rows = []
    for item in items:
        name = item.case or item.folder
        shown_name = f"{name} (record damaged)" if item.damaged else name
        figures = [number(item.figures[d.key] * d.scale) for d in SCORES]
        rows.append((shown_name, short_date(item.started_utc_ns), *figures))
    head = ("session", "started (UTC)", *(heading(d) for d in SCORES))
    return Table(f"Sessions of {operator}", head, rows, tuple(range(2, 2 + len(SCORES))))


def trend_table(operator: str, items: Sequence[Score]) -> Table:
    """Trend of each score of an operator."""
    rows = []
    for d in SCORES:
        found = trend([item.figures[d.key] for item in items], d)
        figures = [number(value * d.scale) for value in (found.first, found.last, found.median, found.slope)]
        rows.append((heading(d), str(found.sessions), *figures, _judged(found)))
    head = ("score", "sessions", "first", "last", "median", "change per session", "direction")
    return Table(f"Trends of {operator}", head, rows, (1, 2, 3, 4, 5))


def heading(definition: Definition) -> str:
    """Name of a score with its unit."""
    return f"{definition.name} [{definition.unit}]" if definition.unit else definition.name


def draw_trends(operators: dict[str, list[Score]]) -> Drawing:
    """A small picture for each score, a line for each operator."""
    text = "Each score over the sessions in order of time; the tables below hold the same figures."

    def draw(figure: Figure, narrow: bool) -> None:
        across = 1 if narrow else COLUMNS
        all_axes = figure.subplots(-(-len(SCORES) // across), across, squeeze=False).ravel()
        for axes, definition in zip(all_axes, SCORES, strict=False):
            for index, (operator, items) in enumerate(operators.items()):
                values = np.array([item.figures[definition.key] for item in items]) * definition.scale
                colour = COLOURS[f"series-{index % 3 + 1}"]
                marker = "osD^v"[index % 5]
                axes.plot(np.arange(1, len(values) + 1), values, marker + "-", color=colour, label=operator, ms=5)
            aim = {"less": ", less is better", "more": ", more is better"}.get(definition.better, "")
            axes.set_title(heading(definition) + ("" if narrow else aim), fontweight="bold", fontsize=10)
            axes.grid(axis="y")
            axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=6))
            axes.yaxis.set_major_locator(MaxNLocator(4))
        for axes in all_axes[len(SCORES) :]:
            axes.set_visible(False)
        all_axes[min(len(SCORES), len(all_axes)) - 1].set_xlabel("session")
        all_axes[0].legend(fontsize=9)

    rows = -(-len(SCORES) // COLUMNS)
    return drawing("trends", text, draw, 190.0 * rows, 170.0 * len(SCORES))


def _judged(found: Trend) -> str:
    if found.better is None:
        return NOTHING
    return "better" if found.better else "worse"
