"""What happened, in one paragraph of plain language, and in a row of key figures."""

from __future__ import annotations

from collections import Counter

import numpy as np

from audit.merit import Merit
from audit.report.head import Head
from audit.report.words import NOTHING, count, date_and_time, lasting, milliseconds, number, whole
from audit.series.model import Floats, Session
from audit.stops import Stop

SITES = {"robot": "at the robot", "console": "at the surgeon's console"}


def paragraph(session: Session, head: Head, stops: list[Stop], merit: Merit) -> str:
    """The summary."""
    sentences = [
        _opening(session, head),
        _operation(session, merit),
        *(_stops(stops) if len(session.state) else []),
        *_quality(session),
    ]
    lost = sum(counted.lost or 0 for counted in session.topics.values())
    told = f"{count(lost, 'message')} of the recorded topics {'is' if lost <= 1 else 'are'} missing"
    trouble = f", and {count(len(session.damage), 'thing')} could not be read" if session.damage else ""
    sentences.append(f"{told[0].upper()}{told[1:]}{trouble}.")
    return " ".join(sentences)


def key_figures(session: Session, stops: list[Stop], merit: Merit) -> list[tuple[str, str]]:
    """(name, value) of what is looked at first."""
    latency = _all([arm.latency.value for arm in session.arms.values()])
    error = _all([arm.error.value for arm in session.arms.values()])
    told = len(session.state) > 0
    share = merit.operating / session.duration if session.duration > 0.0 else float("nan")
    slowest = max((stop.to_withdrawal for stop in stops), default=None)
    lost = sum(counted.lost or 0 for counted in session.topics.values())
    return [
        ("recorded", lasting(session.duration)),
        ("motion permitted", f"{number(100.0 * share)} %" if told else NOTHING),
        ("stops", str(len(stops)) if told else NOTHING),
        ("slowest onset to withdrawal", milliseconds(slowest)),
        ("hand to setpoint, 99 %", milliseconds(_percentile(latency, 99.0))),
        ("tip from setpoint, 99 %", _millimetres(_percentile(error, 99.0))),
        ("messages missing", whole(lost) if session.topics else NOTHING),
    ]


def _opening(session: Session, head: Head) -> str:
    case = f"Case {head.case}" if head.case else "A session without a case number"
    site = SITES.get(head.site, f"at {head.site}" if head.site else "at a site that is not told")
    when = date_and_time(head.started_utc_ns or session.zero_ns)
    return f"{case} was recorded {site}, beginning on {when}, for {lasting(session.duration)}."


def _operation(session: Session, merit: Merit) -> str:
    if not session.arms and not len(session.state):
        return "The record holds neither safety states nor arms."
    following = {name: arm.following for name, arm in merit.arms.items() if arm.following > 0.0}
    told = " and ".join(f"{name} for {lasting(time)}" for name, time in following.items())
    follow = f"; {told} followed the surgeon's hand" if told else "; no instrument followed a hand"
    return f"Motion was permitted for {lasting(merit.operating)}{follow}."


def _stops(stops: list[Stop]) -> list[str]:
    if not stops:
        return ["The permission to move was never withdrawn once it had been given."]
    causes = Counter(stop.causes[0].replace("_", " ").lower() if stop.causes else "no told cause" for stop in stops)
    told = ", ".join(f"{cause} ({number_of})" for cause, number_of in causes.most_common())
    times = {1: "once", 2: "twice"}.get(len(stops), f"{len(stops)} times")
    slowest = max(stops, key=lambda stop: stop.to_withdrawal)
    sentences = [
        f"The permission to move was withdrawn {times}: {told}.",
        f"From the onset of a cause to the withdrawal it took {milliseconds(slowest.to_withdrawal)} at most"
        f" (stop {slowest.number}), the time for which the cause is tolerated included.",
    ]
    if stops[-1].permitted_again is None:
        sentences.append("After the last stop no permission was given any more until the record ends.")
    return sentences


def _quality(session: Session) -> list[str]:
    latency = _all([arm.latency.value for arm in session.arms.values()])
    sentences = []
    if len(latency):
        sentences.append(
            f"Half of the hand samples reached the setpoint within {milliseconds(_percentile(latency, 50.0))},"
            f" 99 of 100 within {milliseconds(_percentile(latency, 99.0))}."
        )
    control = session.control
    if len(control):
        total = np.maximum(control.counts[-1] - control.counts[0], 0.0)
        sentences.append(f"{whole(total[0])} commands were accepted and {whole(total[1:].sum())} refused.")
    return sentences


def _all(values: list[Floats]) -> Floats:
    together: Floats = np.concatenate(values) if values else np.empty(0)
    finite: Floats = together[np.isfinite(together)]
    return finite


def _percentile(values: Floats, share: float) -> float | None:
    return float(np.percentile(values, share)) if len(values) else None


def _millimetres(metres: float | None) -> str:
    shown = number(None if metres is None else metres * 1e3)
    return shown if shown == NOTHING else f"{shown} mm"
