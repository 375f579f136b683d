"""Figures as SVG for the page: their colours are names that the style sheet fills in, so they follow light and dark.

matplotlib draws with marker colours that are replaced by CSS variables afterwards; its texts stay texts, so that they
can be searched, selected and read aloud. Each figure is drawn twice, for wide pages and for telephones.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from dataclasses import dataclass
from html import escape
from typing import Any

import matplotlib

matplotlib.use("Agg")

from matplotlib.figure import Figure

WIDE, NARROW = 960.0, 380.0
"""Widths of the two versions of a figure [CSS px]."""

_NAMES = (
    "ink", "faint", "grid", "paper", "series-1", "series-2", "series-3",
    "state-self-test", "state-ready", "state-operating", "state-hold", "state-paused", "state-fault",
    "state-protective-stop", "state-silent",
)  # fmt: skip
COLOURS = {name: f"#0102{index:02x}" for index, name in enumerate(_NAMES, start=16)}
"""Name of a colour in the style sheet -> the marker that matplotlib draws with."""
_VARIABLES = {marker: f"var(--{name})" for name, marker in COLOURS.items()}

STYLE: dict[str, Any] = {
    "svg.fonttype": "none",
    "text.parse_math": False,  # texts come from the record: a dollar sign is a dollar sign
    "font.size": 11.0,
    "text.color": COLOURS["ink"],
    "axes.edgecolor": COLOURS["faint"],
    "axes.labelcolor": COLOURS["ink"],
    "axes.facecolor": "none",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 11.0,
    "axes.titlelocation": "left",
    "xtick.color": COLOURS["faint"],
    "ytick.color": COLOURS["faint"],
    "xtick.labelcolor": COLOURS["ink"],
    "ytick.labelcolor": COLOURS["ink"],
    "grid.color": COLOURS["grid"],
    "grid.linewidth": 0.8,
    "figure.facecolor": "none",
    "path.simplify_threshold": 0.3,
    "legend.frameon": False,
}


@dataclass(frozen=True)
class Drawing:
    """A figure of the page.

    Attributes:
        wide: SVG for wide pages and paper.
        narrow: SVG for telephones.
    """

    wide: str
    narrow: str


def drawing(name: str, alternative: str, draw: Callable[[Figure, bool], None], height: float, tall: float) -> Drawing:
    """Draw a figure in both widths.

    Args:
        name: Of the figure, unique on the page.
        alternative: What it shows, for who does not see it.
        draw: Draws into an empty figure; told whether it is the narrow one.
        height: Of the wide figure [CSS px].
        tall: Of the narrow figure [CSS px].
    """
    return Drawing(
        _svg(f"{name}-wide", alternative, draw, WIDE, height, narrow=False),
        _svg(f"{name}-narrow", alternative, draw, NARROW, tall, narrow=True),
    )


def _svg(
    name: str, alternative: str, draw: Callable[[Figure, bool], None], width: float, height: float, *, narrow: bool
) -> str:
    with matplotlib.rc_context({**STYLE, "svg.hashsalt": name}):
        figure = Figure(figsize=(width / 72.0, height / 72.0), layout="constrained")
        draw(figure, narrow)
        file = io.StringIO()
        figure.savefig(file, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    text = file.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<svg[^>]*>", _root(alternative, width, height), text, count=1)
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    text = re.sub(r"<!--.*?-->", "", text, flags=re.DOTALL)
    text = re.sub(r'(\bid="|xlink:href="#|url\(#)', rf"\g<1>{name}-", text).replace("xlink:href", "href")
    text = re.sub(r"font: (?:(\d+) )?([\d.]+)px [^;\"]+", r"font: \2px var(--font); font-weight: \1", text)
    text = text.replace("font-weight: ;", ";").replace('font-weight: "', '"')
    for marker, variable in _VARIABLES.items():
        text = text.replace(marker, variable)
    return re.sub(r"\n\s*", "\n", text)


def _root(alternative: str, width: float, height: float) -> str:
    label = escape(alternative, quote=True).replace("\\", "\\\\")
    return f'<svg viewBox="0 0 {width:g} {height:g}" role="img" aria-label="{label}">'
