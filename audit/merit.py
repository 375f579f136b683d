"""Figures of merit of operating; `merit_definitions` says what each one is and where it comes from.

Everything is computed from the measured tool tip on a grid of `RATE`, in the stretches in which the instrument followed
the hand. Nothing is judged: the figures are for comparing a surgeon with themself, on the same task.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from audit.series.model import FOLLOWING, Floats, Poses, Session, spans
from audit.series.resample import grid, linear
from audit.smoothness import ldlj, sparc

RATE = 50.0
"""Grid of the computation [Hz]: hands move below 10 Hz."""
SHORTEST_STRETCH = 1.0
"""A stretch of following shorter than this has no smoothness [s]."""
MOVING_SPEED = 2e-3
"""A tool faster than this moves [m/s]."""
LONGEST_GAP = 0.1
"""Across gaps in the record that are longer than this nothing is interpolated [s]."""


@dataclass(frozen=True)
class ArmMerit:
    """Figures of one arm, SI units; NaN where there was nothing to compute from. See ARM_DEFINITIONS."""

    following: float
    path_length: float
    economy: float
    mean_speed: float
    peak_speed: float
    sparc: float
    ldlj: float
    idle: float


@dataclass(frozen=True)
class Merit:
    """Figures of a session, SI units; NaN where there was nothing to compute from. See SESSION_DEFINITIONS."""

    time: float
    operating: float
    clutches: float
    path_length: float
    bimanual: float
    idle: float
    arms: dict[str, ArmMerit]


def merit(session: Session) -> Merit:
    """All figures of a session."""
    following = {name: _following(session, name) for name in session.arms}
    limits = [limit for stretches in following.values() for stretch in stretches for limit in stretch]
    begin, end = (min(limits), max(limits)) if limits else (np.nan, np.nan)
    base = grid(begin, end, RATE) if limits else np.empty(0)
    speeds = np.full((len(session.arms), len(base)), np.nan)
    for row, (name, stretches) in enumerate(following.items()):
        speed = _speed(session.arms[name].tool, base)
        inside = np.zeros(len(base), dtype=bool)
        for since, until in stretches:
            inside |= (base >= since) & (base < until)
        speeds[row] = np.where(inside, speed, np.nan)
    moving = np.sum(speeds >= MOVING_SPEED, axis=0)
    seen = np.isfinite(speeds).any(axis=0) if len(speeds) else np.zeros(0, dtype=bool)
    arms = {name: arm_merit(session.arms[name].tool, stretches) for name, stretches in following.items()}
    return Merit(
        time=end - begin,
        operating=float(sum(until - since for since, until in spans(session.permitted, 1.0, session.duration))),
        clutches=_clutches(session, begin, end),
        path_length=float(np.nansum([arm.path_length for arm in arms.values()])) if limits else np.nan,
        bimanual=_share(moving >= 2, moving >= 1) if len(arms) > 1 else np.nan,
        idle=_share((moving == 0) & seen, seen),
        arms=arms,
    )


def arm_merit(tool: Poses, stretches: list[tuple[float, float]]) -> ArmMerit:
    """Figures of one tool.

    Args:
        tool: Measured poses of the tip.
        stretches: (from, to) [s] in which it followed the hand.
    """
    following = sum(until - since for since, until in stretches)
    positions, speeds, smooth, weights = [], [], [], []
    path = 0.0
    for since, until in stretches:
        base = grid(since, until + 0.5 / RATE, RATE)
        position = linear(tool.time, tool.position, base, LONGEST_GAP)
        steps = np.linalg.norm(np.diff(position, axis=0), axis=1)
        path += float(np.nansum(steps))
        speed = steps * RATE
        positions.append(position)
        speeds.append(speed)
        if until - since >= SHORTEST_STRETCH and np.isfinite(speed).all() and speed.max() > MOVING_SPEED:
            smooth.append((sparc(speed, RATE), ldlj(speed, RATE)))
            weights.append(until - since)
    moved = np.concatenate(speeds) if speeds else np.empty(0)
    moved = moved[np.isfinite(moved)]
    if not len(moved):
        return ArmMerit(following, *(float("nan"),) * 7)
    where = np.concatenate(positions)
    extent = np.nanmax(where, axis=0) - np.nanmin(where, axis=0)
    smoothness = np.average(smooth, axis=0, weights=weights) if smooth else (np.nan, np.nan)
    return ArmMerit(
        following=following,
        path_length=path,
        economy=float(np.cbrt(np.prod(extent)) / path) if path > 0.0 else np.nan,
        mean_speed=path / following,
        peak_speed=float(np.percentile(moved, 99.0)),
        sparc=float(smoothness[0]),
        ldlj=float(smoothness[1]),
        idle=float(np.mean(moved < MOVING_SPEED)),
    )


def _following(session: Session, arm: str) -> list[tuple[float, float]]:
    teleop = session.arms[arm].teleop
    return spans(teleop, float(FOLLOWING), float(teleop.time[-1]) if len(teleop) else 0.0)


def _speed(tool: Poses, base: Floats) -> Floats:
    position = linear(tool.time, tool.position, base, LONGEST_GAP)
    steps = np.linalg.norm(np.diff(position, axis=0), axis=1) * RATE
    return np.append(steps, np.nan) if len(base) else steps[:0]


def _clutches(session: Session, begin: float, end: float) -> float:
    commands = session.commands
    if not len(commands) or not begin <= end:
        return float("nan")
    pressed = np.diff(commands.pedals[:, 1]) > 0.0
    times = commands.time[1:][pressed]
    return float(np.sum((times >= begin) & (times <= end)))


def _share(part: NDArray[np.bool_], whole: NDArray[np.bool_]) -> float:
    total = int(np.sum(whole))
    return int(np.sum(part)) / total if total else float("nan")
