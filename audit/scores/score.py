"""The scores of a session, and how they develop over many.

A score is a figure of merit of a whole session; figures of single instruments are averaged by the time they followed.
Operators are named by role or pseudonym, as the session names them: no score holds a person's name.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from audit.merit import Merit, merit
from audit.merit_definitions import ARM_DEFINITIONS, SESSION_DEFINITIONS, Definition
from audit.report.head import Head
from audit.series.model import Session

_OF_SESSION = ("time", "path_length", "clutches", "bimanual", "idle")
_OF_ARMS = ("economy", "mean_speed", "sparc", "ldlj")
OPERATOR_ROLES = ("operator", "surgeon", "trainee")
"""Roles whose holder's scores these are, the first that a session names."""


def _of(definitions: Sequence[Definition], keys: Sequence[str]) -> list[Definition]:
    return [next(definition for definition in definitions if definition.key == key) for key in keys]


SCORES = (*_of(SESSION_DEFINITIONS, _OF_SESSION), *_of(ARM_DEFINITIONS, _OF_ARMS))
"""What is scored, in the order of tables and pictures."""


@dataclass(frozen=True)
class Score:
    """The scores of one session.

    Attributes:
        folder: Name of its folder.
        session: Number of the session, hex; empty if unknown.
        case: Case id; empty if none was given.
        operator: Role or pseudonym.
        started_utc_ns: Start [ns since 1970].
        figures: Key of SCORES -> value in SI units; NaN where it could not be computed.
        damaged: The record could not be read whole.
    """

    folder: str
    session: str
    case: str
    operator: str
    started_utc_ns: int
    figures: dict[str, float]
    damaged: bool


def score(session: Session, head: Head) -> Score:
    """Score one session."""
    found = merit(session)
    figures = {key: float(getattr(found, key)) for key in _OF_SESSION}
    figures |= {key: of_arms(found, key) for key in _OF_ARMS}
    return Score(
        folder=session.bag.folder.resolve().name,
        session=head.session,
        case=head.case,
        operator=operator_of(head),
        started_utc_ns=head.started_utc_ns or session.zero_ns,
        figures=figures,
        damaged=bool(session.damage),
    )


def of_arms(found: Merit, key: str) -> float:
    """Mean of a figure over the instruments, weighted by the time they followed; NaN if none has it."""
    pairs = [(getattr(arm, key), arm.following) for arm in found.arms.values()]
    pairs = [(value, weight) for value, weight in pairs if math.isfinite(value) and weight > 0.0]
    total = sum(weight for _, weight in pairs)
    return sum(value * weight for value, weight in pairs) / total if total > 0.0 else math.nan


def operator_of(head: Head) -> str:
    """Role or pseudonym of who operated."""
    for role in OPERATOR_ROLES:
        if head.roles.get(role):
            return head.roles[role]
        if role in head.roles.values():
            return role
    return "operator"


@dataclass(frozen=True)
class Trend:
    """How one score of one operator developed.

    Attributes:
        sessions: Sessions that have it.
        first: In the first of them.
        last: In the last of them.
        median: Over all of them.
        slope: Change from one session to the next: median of the slopes between all pairs (Theil and Sen), so that
            one odd session does not decide it; NaN for fewer than three sessions.
        better: Whether the slope is in the better direction; None where neither is better or it is unknown.
    """

    sessions: int
    first: float
    last: float
    median: float
    slope: float
    better: bool | None


def trend(values: Sequence[float], definition: Definition) -> Trend:
    """Trend of the scores of sessions in order of time; NaN is left out."""
    known = [(index, value) for index, value in enumerate(values) if math.isfinite(value)]
    if not known:
        return Trend(0, math.nan, math.nan, math.nan, math.nan, None)
    slopes = [(b - a) / (j - i) for n, (i, a) in enumerate(known) for j, b in known[n + 1 :]]
    slope = float(np.median(slopes)) if len(known) >= 3 else math.nan
    better = None
    if definition.better and math.isfinite(slope) and slope != 0.0:
        better = (slope < 0.0) == (definition.better == "less")
    median = float(np.median([value for _, value in known]))
    return Trend(len(known), known[0][1], known[-1][1], median, slope, better)


def by_operator(scores: Sequence[Score]) -> dict[str, list[Score]]:
    """Scores of each operator in order of time."""
    found: dict[str, list[Score]] = {}
    for item in sorted(scores, key=lambda item: (item.started_utc_ns, item.folder)):
        found.setdefault(item.operator, []).append(item)
    return dict(sorted(found.items()))


def as_json(scores: Sequence[Score]) -> dict[str, Any]:
    """All of it for JSON; what could not be computed is null. Values are in SI units."""
    return {
        "format": 1,
        "definitions": [
            {"key": d.key, "name": d.name, "text": d.text, "source": d.source, "better": d.better} for d in SCORES
        ],
        "operators": {
            operator: {
                "sessions": [
                    {
                        "folder": item.folder,
                        "session": item.session,
                        "case": item.case,
                        "started_utc_ns": item.started_utc_ns,
                        "damaged": item.damaged,
                        "scores": {key: _known(value) for key, value in item.figures.items()},
                    }
                    for item in items
                ],
                "trends": {d.key: _trend_json([item.figures[d.key] for item in items], d) for d in SCORES},
            }
            for operator, items in by_operator(scores).items()
        },
    }


def _trend_json(values: Sequence[float], definition: Definition) -> dict[str, Any]:
    found = trend(values, definition)
    return {
        "sessions": found.sessions,
        "first": _known(found.first),
        "last": _known(found.last),
        "median": _known(found.median),
        "slope_per_session": _known(found.slope),
        "better": found.better,
    }


def _known(value: float) -> float | None:
    return value if math.isfinite(value) else None
