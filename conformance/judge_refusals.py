"""Judging the answers to commands that make no sense, or that only some servers look at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from conformance.judge_motion import STILL_JOINT, largest_difference
from conformance.samples import Text
from conformance.verdict import Verdict, judged, noted


@dataclass(frozen=True)
class BadCommand:
    """A command that makes no sense, and what followed.

    Attributes:
        name: What it was, e.g. "servo_jp with NaN".
        texts: Errors and warnings after it.
        moved: How far the setpoint went [rad or m, the largest joint].
        alive: The arm publishes on.
        state: State after it.
    """

    name: str
    texts: tuple[Text, ...]
    moved: float
    alive: bool
    state: str


def refuses(commands: Sequence[BadCommand], words_are_offered: bool, ignoring_is_allowed: bool = False) -> Verdict:
    """What makes no sense is answered in words, and changes nothing.

    Args:
        commands: What was tried.
        words_are_offered: The arm publishes error or warning.
        ignoring_is_allowed: CRTK lets a server not look at what was wrong: if the arm obeyed, that is told only.
    """
    faults: list[str] = []
    obeyed: list[str] = []
    for bad in commands:
        if bad.alive and not bad.moved <= STILL_JOINT:
            (obeyed if ignoring_is_allowed else faults).append(f"{bad.name}: obeyed, moved by {bad.moved:.4f}")
        else:
            faults += _answer_faults(bad, words_are_offered)
    if obeyed and not faults:
        return noted(f"{'; '.join(obeyed)} (CRTK does not ask a server to look at it)")
    said = _first_words(commands)
    good = f"{len(commands)} refused" + (f', e.g. "{said}"' if said else "; nothing moved, no topic for words")
    return judged(faults, good) if commands else noted("none of the commands is offered")


def limits(commands: Sequence[BadCommand], words_are_offered: bool) -> Verdict:
    """A goal beyond reach is refused, or cut off at the limit of the arm; both are told.

    Args:
        commands: What was tried; the arm was held as soon as it moved.
        words_are_offered: The arm publishes error or warning.
    """
    faults = [fault for bad in commands for fault in _answer_faults(bad, words_are_offered)]
    told = [f"{bad.name}: {'goes on to a limit' if bad.moved > STILL_JOINT else 'refused'}" for bad in commands]
    good = "; ".join([*told, *([f'"{_first_words(commands)}"'] if _first_words(commands) else [])])
    return judged(faults, good) if commands else noted("none of the commands is offered")


def _answer_faults(bad: BadCommand, words_are_offered: bool) -> list[str]:
    if not bad.alive:
        return [f"{bad.name}: the arm went silent"]
    if bad.state != "ENABLED":
        return [f"{bad.name}: leads to {bad.state}"]
    if words_are_offered and not bad.texts:
        return [f"{bad.name}: not a word"]
    return []


def _first_words(commands: Sequence[BadCommand]) -> str:
    return next((bad.texts[0].text for bad in commands if bad.texts), "")


def names_are_kept(
    wanted: tuple[float, ...],
    by_place: tuple[float, ...],
    start: tuple[float, ...],
    reached: tuple[float, ...],
    texts: Sequence[Text],
) -> Verdict:
    """A command that names its joints in another order moves those joints, or is refused in words.

    Args:
        wanted: Positions in the arm's order that the names ask for.
        by_place: Positions if the names were not looked at.
        start: Setpoint before.
        reached: Setpoint after.
        texts: Errors and warnings after it.
    """
    if largest_difference(reached, wanted) <= STILL_JOINT:
        return Verdict(True, "joints go by name")
    if largest_difference(reached, start) <= STILL_JOINT:
        return Verdict(bool(texts), f'refused: "{texts[0].text}"' if texts else "neither obeyed nor refused in words")
    if largest_difference(reached, by_place) <= STILL_JOINT:
        return noted("joints go by place, names are not looked at (CRTK allows it)")
    return Verdict(False, f"moved to neither, {largest_difference(reached, wanted):.4f} off")


def ratio_is_kept(
    asked: float,
    told: float | None,
    before: float,
    after_bad: float | None,
    texts: Sequence[Text],
    words_are_offered: bool,
) -> Verdict:
    """The ratio of speed is taken over and told; one that is none is refused.

    Args:
        asked: Ratio that was set.
        told: What the arm said of it; None: nothing.
        before: Ratio before.
        after_bad: What it said after NaN, 0 and 2 were set.
        texts: Errors and warnings after those.
        words_are_offered: The arm publishes error or warning.
    """
    faults = []
    if told is None or not abs(told - asked) <= 1e-6:
        faults.append(f"{asked:g} was set and {told} is told (before: {before:g})")
    if told is not None and after_bad != told:
        faults.append(f"NaN, 0 and 2 lead to {after_bad}")
    if words_are_offered and not texts:
        faults.append("NaN, 0 and 2 are answered by not a word")
    return judged(faults, f"{asked:g} is told back; NaN, 0 and 2 are refused")
