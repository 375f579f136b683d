"""One arm from discovery to report."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from typing import Any

from conformance.check import Check, Kind
from conformance.features import is_master
from conformance.judge_states import DISABLED, ENABLED, PAUSED
from conformance.report import Report
from conformance.samples import Graph, State
from conformance.session import Session
from conformance.verdict import NotCheckedError, Verdict, noted

LISTEN = 3.0
"""The arm is listened to for so long before it is commanded [s]."""
HAND = "hand"
"""Row of a master that has no motors: its motions are not checked."""
SETTLED = 1.0
"""Discovery is over when nothing new was found for so long [s]."""


def discover(node: Any, limit: float) -> Graph | None:
    """What the arm offers, once nothing new appears; None if it offers nothing within the limit [s]."""
    end, seen, since = node.now() + limit, (0, 0), node.now()
    while node.now() < end:
        node.wait(0.2)
        graph: Graph = node.graph()
        size = (len(graph.endpoints), len(graph.services))
        if size != seen:
            seen, since = size, node.now()
        if seen[0] and node.now() - since >= SETTLED:
            return graph
    return node.graph() if seen[0] else None


def check_arm(
    node: Any,
    graph: Graph,
    checks: Sequence[Check],
    may_unhome: bool,
    least_rate: float,
    tell: Callable[[str], None],
) -> Report:
    """Make the checks in their order, and leave the arm as it was found; who interrupts them finds it held.

    Args:
        node: Client of the arm.
        graph: What it offers.
        checks: Rows of the table.
        may_unhome: The arm may be unhomed and homed again.
        least_rate: Least rate of streams [Hz].
        tell: Takes a line about the progress.
    """
    report = Report(node.arm)
    node.listen(graph)
    session = Session(node, graph, may_unhome, least_rate)
    session.find_state()
    node.wait(LISTEN)
    session.is_hand = is_master(node.arm) and not session.recording.heard("measured_js")
    if session.is_hand:
        moving = [check for check in checks if check.kind is Kind.MOVE]
        checks = [check for check in checks if check.kind is not Kind.MOVE]
        report.verdicts[HAND] = noted(f"no measured_js arrives: a hand without motors; {len(moving)} checks left out")
    found, where = _as_found(session)
    commands = any(check.kind is not Kind.LOOK for check in checks)
    try:
        if commands:
            _prepare(session)
        for check in checks:
            tell(check.name)
            report.verdicts[check.name] = check.run(session)
    except BaseException:  # Ctrl-C among them: the arm is held, and moved no more
        if commands:
            session.stop()
        raise
    if commands:
        _leave(session, found, where)
    return report


def not_allowed(checks: Sequence[Check]) -> dict[str, Verdict]:
    """Verdicts of checks that were left out because the arm must not be commanded."""
    return {check.name: noted("not checked: it commands the arm (--no-motion)") for check in checks}


def _as_found(session: Session) -> tuple[State | None, tuple[float, ...] | None]:
    state, where = None, None
    with contextlib.suppress(NotCheckedError):
        state = session.state()
        where = session.where()
    return state, where


def _prepare(session: Session) -> None:
    """Data of an arm that is not ready may be invalid; what keeps it from getting ready is told by a check."""
    with contextlib.suppress(NotCheckedError):
        session.get_ready()
    session.node.wait(LISTEN)


def _leave(session: Session, found: State | None, where: tuple[float, ...] | None) -> None:
    """Back to the place and the operating state that were found, as far as the arm lets itself be brought there."""
    if found is None:
        return
    if where is not None:
        with contextlib.suppress(NotCheckedError):  # somebody stopped it, which stands in the report
            session.need_ready()
            session.go(where)
    back = {DISABLED: "disable", PAUSED: "pause"}.get(found.state)
    if back is not None and session.state().state == ENABLED:
        session.command(back)
