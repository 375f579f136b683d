"""Figures of merit of operating: what each one is, where it comes from, and how it is computed.

Everything is computed from the measured tool tip on a grid of `RATE`, in the stretches in which the instrument followed
the hand. Nothing is judged: the figures are for comparing a surgeon with themself, on the same task.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from audit.series.model import FOLLOWING, Floats, Poses, Session, spans
from audit.series.resample import linear

RATE = 50.0
"""Grid of the computation [Hz]: hands move below 10 Hz."""
SHORTEST_STRETCH = 1.0
"""A stretch of following shorter than this has no smoothness [s]."""
MOVING_SPEED = 2e-3
"""A tool faster than this moves [m/s]."""
LONGEST_GAP = 0.1
"""Across gaps in the record that are longer than this nothing is interpolated [s]."""
SPARC_HIGHEST = 10.0
"""Highest frequency of the spectral arc length [Hz]."""
SPARC_THRESHOLD = 0.05
"""Share of the largest amplitude below which the spectrum no longer counts."""
SPARC_PADDING = 4
"""The spectrum is taken of so many powers of two more samples than there are."""


@dataclass(frozen=True)
class Definition:
    """What a figure is.

    Attributes:
        key: Field of `ArmMerit` or `Merit`, and key of the JSON.
        name: For people.
        unit: Of the figure; empty where it has none.
        scale: Factor from the SI value to the unit.
        text: How it is computed.
        source: Where it is defined.
        better: "less", "more", or empty where neither is better.
    """

    key: str
    name: str
    unit: str
    scale: float
    text: str
    source: str
    better: str = ""


ARM_DEFINITIONS = (
    Definition("following", "following", "s", 1.0, "time in which the instrument followed the hand", "this project"),
    Definition("path_length", "path length", "mm", 1e3, "distance covered by the tool tip while following: sum of the"
               " straight steps of the 50 Hz grid", "Datta et al., J Am Coll Surg 193:479, 2001", "less"),
    Definition("economy", "economy of motion", "", 1.0, "cube root of the volume of the box around the path, divided by"
               " the path length (economy of volume): 0 to 1, larger is more economical for the same space",
               "Oropesa et al., Surg Endosc 27:1029, 2013 (EVA)", "more"),
    Definition("mean_speed", "mean speed", "mm/s", 1e3, "path length divided by the time following",
               "Oropesa et al., Surg Endosc 27:1029, 2013"),
    Definition("peak_speed", "peak speed", "mm/s", 1e3, "99th percentile of the tip speed while following",
               "this project"),
    Definition("sparc", "smoothness, SPARC", "", 1.0, "spectral arc length of the speed profile up to 10 Hz, amplitude"
               " threshold 0.05, of each stretch of following of a second or more; mean weighted by duration."
               " Negative; nearer to 0 is smoother", "Balasubramanian et al., J NeuroEng Rehabil 12:112, 2015", "more"),
    Definition("ldlj", "smoothness, LDLJ", "", 1.0, "minus the natural logarithm of the integral of the squared jerk"
               " times duration cubed by peak speed squared; stretches and mean as above. Nearer to 0 is smoother",
               "Balasubramanian et al., J NeuroEng Rehabil 12:112, 2015", "more"),
    Definition("idle", "idle", "%", 100.0, "share of the time following in which the tip is slower than 2 mm/s",
               "after D'Angelo et al., Am J Surg 209(4):645, 2015", "less"),
)  # fmt: skip

SESSION_DEFINITIONS = (
    Definition("time", "time", "s", 1.0, "from the first to the last following of any instrument",
               "Datta et al., J Am Coll Surg 193:479, 2001", "less"),
    Definition("operating", "operating", "s", 1.0, "time in which motion was permitted", "this project"),
    Definition("clutches", "clutches", "", 1.0, "presses of the clutch pedal between the first and the last following",
               "count of the pedal, as on da Vinci systems", "less"),
    Definition("path_length", "path length, all instruments", "mm", 1e3, "sum over the instruments",
               "Datta et al., J Am Coll Surg 193:479, 2001", "less"),
    Definition("bimanual", "bimanual", "%", 100.0, "of the time in which any tool moved (2 mm/s or more), the share in"
               " which two or more did", "this project, after bimanual dexterity in Oropesa et al. 2013", "more"),
    Definition("idle", "idle", "%", 100.0, "share of the time following in which no tool moved faster than 2 mm/s",
               "after D'Angelo et al., Am J Surg 209(4):645, 2015", "less"),
)  # fmt: skip


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
    base = np.arange(begin, end, 1.0 / RATE) if limits else np.empty(0)
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
        base = np.arange(since, until, 1.0 / RATE)
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


def sparc(speed: Floats, rate: float) -> float:
    """Spectral arc length of a speed profile: minus the length of its normalised amplitude spectrum, 0 is smoothest.

    Args:
        speed: (n,) speeds, any unit.
        rate: Sampling rate [Hz].
    """
    size = 2 ** (int(np.ceil(np.log2(len(speed)))) + SPARC_PADDING)
    amplitude = np.abs(np.fft.rfft(speed, size))
    frequency = np.fft.rfftfreq(size, 1.0 / rate)
    if not amplitude.max() > 0.0:
        return float("nan")
    amplitude = amplitude / amplitude.max()
    counts = np.flatnonzero((frequency <= SPARC_HIGHEST) & (amplitude >= SPARC_THRESHOLD))
    kept = slice(counts[0], counts[-1] + 1)
    frequency, amplitude = frequency[kept], amplitude[kept]
    if len(frequency) < 2:
        return float("nan")
    across = np.diff(frequency) / (frequency[-1] - frequency[0])
    return -float(np.sum(np.hypot(across, np.diff(amplitude))))


def ldlj(speed: Floats, rate: float) -> float:
    """Log dimensionless jerk of a speed profile, nearer to 0 is smoother.

    Args:
        speed: (n,) speeds, any unit.
        rate: Sampling rate [Hz].
    """
    peak = float(np.max(speed))
    jerk = np.gradient(np.gradient(speed, 1.0 / rate), 1.0 / rate)
    integral = float(np.sum(jerk**2)) / rate
    duration = len(speed) / rate
    if not (peak > 0.0 and integral > 0.0):
        return float("nan")
    return -float(np.log(integral * duration**3 / peak**2))


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


def _share(part: np.ndarray, whole: np.ndarray) -> float:
    total = int(np.sum(whole))
    return int(np.sum(part)) / total if total else float("nan")
