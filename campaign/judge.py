"""Did the robot stop, did it do anything wild, and did the suite say why? From positions and signs alone.

Everything here looks at where the joints were, by the observer's clock, and works out speeds by itself. What the suite
said only counts as explanation of what was seen.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from enum import Enum

from campaign.trace import Sample, Sign

PERIOD = 0.01
"""Nominal time between samples [s]. Messages may bunch up on their way, so no step counts as shorter."""
STILL = (0.004, 0.004, 0.0006, 0.02, 0.02, 0.02)
"""A joint slower than this stands [rad/s, m/s]. Of all these limits a camera arm has the first four."""
STILL_FOR = 0.3
"""Standing for so long is a stop [s]."""
FASTEST = (3.0, 3.0, 0.3, 15.0, 15.0, 15.0)
"""No joint is ever faster than this from one sample to the next [rad/s, m/s]: the speed limit of the tool, 0.2 m/s, at
0.1 m depth, and a third more."""
ASKED = (0.9, 0.9, 0.09, 4.0, 4.0, 4.0)
"""Over a tenth of a second no joint is faster than this [rad/s, m/s]: five times what the hands ask for."""
FARTHEST = (0.25, 0.25, 0.025, 1.0, 1.0, 1.0)
"""The hands ask for no place farther than this from any other [rad, m], with a margin of two."""
SILENT = 0.1
"""Without a sample for so long the driver is silent [s]."""
COMES_TO_REST, REST = 0.1, (0.02, 0.02, 0.002, 0.05, 0.05, 0.05)
"""Time and way in which a motion comes to its end [s; rad, m]."""
SPAN = 10
"""Samples over which ASKED counts."""


_STOPS = ("permit", "pair")
"""Kinds of signs that mean that the suite has let go of the arms."""


class Outcome(Enum):
    """What a fault has to lead to."""

    STOP = "the robot stops, and is told why"
    REFUSED = "it is refused without effect, and told"
    TOLD = "it is told; at most bounded motion, and a stop is told"
    TOLERATED = "at most bounded motion; a stop is told"
    MOVES = "nothing: the robot does what the hands ask for"


@dataclass(frozen=True)
class Case:
    """What was done and what has to follow; times are monotonic [s].

    Attributes:
        outcome: What has to follow.
        injected: When the fault began.
        ended: When the campaign stopped watching; nobody engaged the arms between.
        within: The robot must stand so soon after `injected` [s].
        explains: Names of alarms, hold reasons, limits and counters, and parts of texts, that explain what happened.
        freely: Motion within the product's limits is in order, not only what the hands ask for.
        concerned: Arms whose stop counts; empty: all.
        goes_on: Arms that have to go on moving all the same.
    """

    outcome: Outcome
    injected: float
    ended: float
    within: float
    explains: frozenset[str]
    freely: bool = False
    concerned: tuple[str, ...] = ()
    goes_on: tuple[str, ...] = ()


@dataclass(frozen=True)
class Verdict:
    """What came of a fault; times are since the injection [ms]."""

    undetected: bool
    unexplained: bool
    explanation: str
    detect_ms: float | None
    stop_ms: float | None
    wild: str
    moved_mm: float


def judge(
    case: Case, samples: dict[str, list[Sample]], signs: list[Sign], standing: frozenset[str] = frozenset()
) -> Verdict:
    """Judge one fault.

    Args:
        case: What was done.
        samples: Arm -> its samples from just before the injection to the end.
        signs: What the suite said in that time.
        standing: Alarms and hold reasons in force at the end; they explain, too, but date nothing.
    """
    moved = {arm: last_motion(rows, case.injected) for arm, rows in samples.items()}
    last = max((moved.get(arm, case.ended) for arm in case.concerned or moved), default=case.injected)
    stopped = case.ended - last >= STILL_FOR
    in_time = stopped and last - case.injected <= case.within
    wild = next((text for rows in samples.values() if (text := wild_motion(rows, case.freely))), "")
    after = [sign for sign in signs if sign.at >= case.injected]
    told = [sign for sign in after if _explains(sign, case.explains)]
    noticed = [sign for sign in after if sign in told or sign.kind in _STOPS]
    detect_ms = 1e3 * (noticed[0].at - case.injected) if noticed else None
    known = sorted(standing & case.explains)
    explained = bool(told or known)
    undetected, needs_reason = {
        Outcome.STOP: (not in_time, True),
        Outcome.REFUSED: (not explained, True),
        Outcome.TOLD: (not explained, True),
        Outcome.TOLERATED: (False, stopped),
        Outcome.MOVES: (stopped, False),
    }[case.outcome]
    halted = [arm for arm in case.goes_on if case.ended - moved.get(arm, case.injected) >= STILL_FOR]
    explanation = _in_words(told) or ", ".join(f"still {name}" for name in known)
    if wild:
        explanation = f"{wild}; {explanation}"
    if halted:
        explanation = f"{', '.join(halted)} did not go on, told was {_in_words(after)}; {explanation}"
    return Verdict(
        undetected=undetected or bool(wild or halted) or not any(samples.values()),
        unexplained=(needs_reason and not explained)
        or (case.outcome is Outcome.MOVES and any(sign.kind in _STOPS for sign in after)),
        explanation=explanation or f"only {_in_words(after)}",
        detect_ms=detect_ms,
        stop_ms=max(0.0, 1e3 * (last - case.injected)) if stopped else None,
        wild=wild,
        moved_mm=max((moved_mm(rows, case.injected) for rows in samples.values()), default=0.0),
    )


def _explains(sign: Sign, explains: frozenset[str]) -> bool:
    return sign.name in explains or (sign.kind == "text" and any(part in sign.name for part in explains))


def last_motion(rows: list[Sample], injected: float) -> float:
    """Arrival of the last sample in which the arm was not where it was before [s]; `injected` if it never moved.

    While the driver is silent the robot, which is simulated in it, is not: when it is back, the motion of the instant
    in which it fell silent may come to its end.
    """
    last, silent = injected, None
    for before, after in itertools.pairwise(rows):
        if after.at < injected:
            continue
        if after.at - before.at > SILENT:
            silent = before, after.at
        ends = silent is not None and after.at - silent[1] <= COMES_TO_REST and _near(silent[0], after)
        if not ends and not _within(before, after, STILL):
            last = after.at
    return last


def wild_motion(rows: list[Sample], freely: bool) -> str:
    """What no hand asked for and no limit allows, in words; empty if there was none."""
    for before, after in itertools.pairwise(rows):
        if not _within(before, after, FASTEST):
            return f"wild: {_speeds(before, after)} from one sample to the next"
    if freely:
        return ""
    for before, after in zip(rows, rows[SPAN:], strict=False):
        if not _within(before, after, ASKED, SPAN):
            return f"wild: {_speeds(before, after, SPAN)} over {SPAN} samples"
    for joint, (farthest, *values) in enumerate(zip(FARTHEST, *(row.q for row in rows), strict=False)):
        if values and not max(values) - min(values) <= farthest:
            return f"wild: joint {joint} wandered by {max(values) - min(values):.3f}"
    return ""


def moved_mm(rows: list[Sample], since: float) -> float:
    """Largest distance of the tip from where it was at `since`, by yaw, pitch and insertion alone [mm]."""
    later = [_tip(row.q) for row in rows if row.at >= since]
    return 1e3 * max((math.dist(later[0], place) for place in later), default=0.0)


def _tip(q: tuple[float, ...]) -> tuple[float, float, float]:
    yaw, pitch, depth = q[:3]
    return depth * math.sin(yaw) * math.cos(pitch), -depth * math.sin(pitch), depth * math.cos(yaw) * math.cos(pitch)


def _near(before: Sample, after: Sample) -> bool:
    return all(abs(new - old) <= most for old, new, most in zip(before.q, after.q, REST, strict=False))


def _within(before: Sample, after: Sample, limits: tuple[float, ...], samples: int = 1) -> bool:
    elapsed = max(after.at - before.at, samples * PERIOD)
    return all(abs(new - old) <= limit * elapsed for old, new, limit in zip(before.q, after.q, limits, strict=False))


def _speeds(before: Sample, after: Sample, samples: int = 1) -> str:
    elapsed = max(after.at - before.at, samples * PERIOD)
    speeds = [(new - old) / elapsed for old, new in zip(before.q, after.q, strict=True)]
    return f"({', '.join(f'{value:.2f}' for value in speeds)}) rad/s, m/s"


def _in_words(signs: list[Sign]) -> str:
    return ", ".join(dict.fromkeys(f"{sign.kind} {sign.name}" for sign in signs))
