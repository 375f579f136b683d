"""How much slower, and how much finer, instruments go on a poor link: a hook for the quality that the link reports.

It only ever lowers what the permit and the operator allow, by no more than half, and never raises either beyond what
they say. What was not measured (NaN) lowers nothing; the safety monitor judges the link by limits of its own.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

POOR = 2
"""Level of a link (telesurgery/LinkStatus) from which on the instruments go as slowly as this goes."""
LEAST = 0.5
"""Smallest share of speed and of scale."""
SCALES = ((0.35, 0.5), (0.20, 0.75))
"""Round trip [s] from which on, and the share of the operator's scale that the instruments then move by."""
HYSTERESIS = 0.03
"""The round trip has to come down by this much more before the scale goes up again [s]: each change needs anchors."""
_ROUND_TRIP, _JITTER, _LOSS = (0.15, 0.50), (0.03, 0.10), (0.02, 0.20)  # full speed up to, least speed from on


@dataclass(frozen=True)
class LinkQuality:
    """What a link says of itself; NaN where not measured.

    Attributes:
        round_trip: 95th percentile over 1 s [s].
        jitter: Of the delay one way [s].
        loss: Share of packets lost, the worse of both ways, 0..1.
        level: 0 good, 1 degraded, 2 poor, 3 lost.
    """

    round_trip: float
    jitter: float
    loss: float
    level: int


@dataclass(frozen=True)
class LinkAllowance:
    """What the link leaves of speed and scale.

    Attributes:
        speed: Share of the permitted speed, 0.5..1.
        scale: Share of the operator's scale: 1, 0.75 or 0.5.
    """

    speed: float = 1.0
    scale: float = 1.0


def worse_loss(up: float, down: float) -> float:
    """The larger share of packets lost; the other one where one was not measured (NaN)."""
    return down if math.isnan(up) else max(up, down)


def link_allowance(quality: LinkQuality, before: LinkAllowance) -> LinkAllowance:
    """What the link leaves, after what it left before."""
    if quality.level >= POOR:
        return LinkAllowance(LEAST, SCALES[0][1])
    speed = min(_share(quality.round_trip, _ROUND_TRIP), _share(quality.jitter, _JITTER), _share(quality.loss, _LOSS))
    return LinkAllowance(speed, _scale(quality.round_trip, before.scale))


def _share(value: float, span: tuple[float, float]) -> float:
    """From 1 at the lower end of a span down to LEAST at its upper end; 1 where there is no value."""
    low, high = span
    if math.isnan(value):
        return 1.0
    return 1.0 - (1.0 - LEAST) * min(1.0, max(0.0, (value - low) / (high - low)))


def _scale(round_trip: float, before: float) -> float:
    if math.isnan(round_trip):
        return before
    for limit, scale in SCALES:
        if round_trip >= limit - (HYSTERESIS if before <= scale else 0.0):
            return scale
    return 1.0
