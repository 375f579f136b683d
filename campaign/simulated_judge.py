"""The judge of the simulated campaign: from where the arms were and what people were told, nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from campaign.simulated_faults import MARGIN, Injection, Outcome
from campaign.simulated_observer import Positions, Record, moving
from campaign.simulated_room import ALL_ARMS

TOLD_WITHIN = 0.35
"""After a stop people know why within this time [s]."""
APART = (0.03, 0.03, 0.004, 0.5, 0.5, 0.5)
"""A motion that goes on as without the fault stays this close to it [rad, m]."""
SETTLING = 0.3
"""An arm that is let go of reaches the place where it is held within this time [s]."""


@dataclass(frozen=True)
class Course:
    """Times of one injection [s].

    Attributes:
        begun: The fault began.
        ended: It was removed.
        seen: The judge looked until then.
        releases: When the operator released the clutch after pressing it.
        held: The arms were held already when it began: what was shown then may stay the reason.
    """

    begun: float
    ended: float
    seen: float
    releases: tuple[float, ...]
    held: bool


@dataclass(frozen=True)
class Judgement:
    """What the judge found.

    Attributes:
        detect: When people were told, after the beginning [s]; None if they were not, or there is nothing to tell.
        stop: When the arms stood still, after the beginning [s]; None if they did not have to, or stood still anyway.
        undetected: Why the fault counts as undetected; empty if it does not.
        unexplained: Why what happened counts as unexplained; empty if it does not.
    """

    detect: float | None
    stop: float | None
    undetected: str
    unexplained: str


def judge(injection: Injection, record: Record, twin: Record, course: Course) -> Judgement:
    """Compare what happened with what has to happen, and with the twin without the fault."""
    told_at = _told(record, injection.told, course)
    detect = None if told_at is None else told_at - course.begun
    undetected = list[str]()
    if record.wild:
        undetected.append(f"wild motion: {record.wild[0]}")
    stop = None
    if injection.outcome is Outcome.STOP:
        stop, late = _stop(injection, record, course)
        undetected.extend(late)
    if injection.outcome in (Outcome.REFUSED, Outcome.HARMLESS, Outcome.TOLD) or injection.arms:
        undetected.extend(_apart(record, twin, course, injection.arms))
    if injection.outcome not in (Outcome.HARMLESS, Outcome.EITHER) and injection.told:
        limit = injection.threshold + MARGIN + TOLD_WITHIN
        if detect is None:
            undetected.append(f"nobody was told any of {', '.join(injection.told)}")
        elif detect > limit:
            undetected.append(f"people were told after {detect * 1000.0:.0f} ms only")
    return Judgement(detect, stop, "; ".join(undetected), _standstill_without_reason(record, twin, course))


def _told(record: Record, keys: tuple[str, ...], course: Course) -> float | None:
    """When one of the texts was told first; at once where it was shown as the reason of a hold already."""
    if not keys:
        return None
    shown = frozenset[str]()
    for time, texts in record.active:
        if time <= course.begun:
            shown = texts
    if course.held and any(text.startswith(keys) for text in shown):
        return course.begun
    return next((time for time, key in record.told if time >= course.begun and key.startswith(keys)), None)


def _stop(injection: Injection, record: Record, course: Course) -> tuple[float | None, Iterator[str]]:
    """When the arms stood still, and what moved after it had to stand still."""
    deadline = course.begun + injection.threshold + MARGIN
    # From the deadline on only a new gesture lets an arm move; one that somebody else has, not even that.
    allowed = min((time for time in course.releases if time >= course.begun + injection.threshold), default=course.seen)
    allowed = max(allowed, course.ended) if injection.arms else allowed
    places = [place for place, arm in enumerate(ALL_ARMS) if not injection.arms or arm in injection.arms]
    before, after = None, None
    for earlier, later in pairwise(record.samples):
        if later[0] <= course.begun or not moving(earlier, later, places):
            continue
        settling = injection.settles and course.ended <= earlier[0] <= course.ended + SETTLING
        if earlier[0] < deadline:
            before = later[0]
        elif earlier[0] < allowed and not settling:
            after = later[0]
    late = () if after is None else (f"an arm still moved {(after - course.begun) * 1000.0:.1f} ms after it began",)
    return None if before is None else (after or before) - course.begun, iter(late)


def _apart(record: Record, twin: Record, course: Course, but: tuple[str, ...]) -> Iterator[str]:
    """Where the motion differs from the one without the fault by more than it may; `but` for these arms."""
    undisturbed = dict(twin.samples)
    for time, positions in record.samples:
        expected = undisturbed.get(time)
        if time < course.begun or expected is None:
            continue
        place = _farther(positions, expected, but)
        if place:
            after = (time - course.begun) * 1000.0
            yield f"the motion differs from the one without the fault by {place} {after:.0f} ms later"
            return


def _farther(positions: Positions, expected: Positions, but: tuple[str, ...]) -> str:
    for arm, place, other in zip(ALL_ARMS, positions, expected, strict=False):
        if arm in but:
            continue
        for index, (value, wanted, apart) in enumerate(zip(place, other, APART, strict=True)):
            if not abs(value - wanted) <= apart:
                return f"{value - wanted:+.4f} in joint {index} of {arm}"
    return ""


def _standstill_without_reason(record: Record, twin: Record, course: Course) -> str:
    """An arm stands still at the end, moves without the fault, and nobody was told anything."""
    span = 0.1
    if _moves(twin, course.seen - span, course.seen) and not _moves(record, course.seen - span, course.seen):
        told = [key for time, key in record.told if time >= course.begun]
        shown = record.active[-1][1] if record.active else frozenset()
        if not told and not shown:
            return "the arms stand still and nobody was told why"
    return ""


def _moves(record: Record, begin: float, end: float) -> bool:
    inside = [sample for sample in record.samples if begin <= sample[0] <= end]
    return any(moving(earlier, later) for earlier, later in pairwise(inside))
