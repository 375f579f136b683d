"""Faults against live processes: break something, watch the robot, judge, bring it back, go on."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from random import Random
from typing import Any

from campaign.clocks import clock_library
from campaign.fault_table import CLOCKS, FAULTS, REMOTE, Fault
from campaign.judge import STILL_FOR, Case, Outcome, Verdict, judge
from campaign.phases import enter
from campaign.plan import Planned
from campaign.processes import OrderError
from campaign.rig import Rig, RigError

BEFORE = 0.15
"""Samples from so long before the injection are looked at, too [s]."""
AFTER = 0.25
"""Nothing may move for so long after the fault has been taken away [s]."""
PATIENCE = 1.0
"""Watch for so much longer than a stop may take [s]."""
REBUILDS = 25
"""So often may a rig be built anew before the campaign gives up."""

Row = dict[str, Any]


def run(plan: list[Planned], seed: int, progress: Callable[[Row], None], ends_at: float) -> Iterator[Row]:
    """Carry out a plan; yields a row for every injection.

    Args:
        plan: What is left to do, in order.
        seed: Of the plan; every injection draws its instants from it and from its number.
        progress: Told when something but an injection takes time: a row with a text.
        ends_at: Monotonic time after which no further injection begins [s].
    """
    left, library, rebuilds = list(plan), clock_library(), 0
    for planned in plan:
        why = impossible(FAULTS[planned.fault], library is not None)
        if why:
            left.remove(planned)
            progress({"text": f"skipped {planned.fault} in {planned.phase}: {why}"})
    while left and time.monotonic() < ends_at:
        kind = FAULTS[left[0].fault].rig
        with Rig(clock_library=library if kind == CLOCKS else None, remote=kind == REMOTE) as rig:
            progress({"text": "starting the nodes"})
            rig.start_all()
            while left and FAULTS[left[0].fault].rig == kind and time.monotonic() < ends_at:
                planned = left.pop(0)
                row = one(rig, planned, seed)
                yield row
                if not row["recovered"]:
                    rebuilds += 1
                    if rebuilds > REBUILDS:
                        raise RigError(f"the arms could not be brought back {rebuilds} times; last: {row['recovery']}")
                    break


def impossible(fault: Fault, clocks_can_be_set: bool) -> str:
    """Why a fault cannot be injected here; empty if it can."""
    if fault.rig == CLOCKS and not clocks_can_be_set:
        return "libfaketime is not installed"
    return fault.impossible()


def one(rig: Rig, planned: Planned, seed: int) -> Row:
    """Inject one fault, judge what is seen, bring the arms back to follow."""
    fault, random = FAULTS[planned.fault], Random(f"{seed} {planned.number}")
    begin = time.monotonic()
    row: Row = {"live": True, "seed": seed, "number": planned.number, "fault": planned.fault, "phase": planned.phase}
    injection = fault.make()
    problem = ""
    try:
        injection.prepare(rig)
        attempt = enter(rig, planned.phase, random)
    except (RigError, OrderError) as error:
        verdict = Verdict(False, True, f"did not get there after {rig.last_fault}: {error}", None, None, "", 0.0)
        problem = "what came before has left the suite unable to work"
    else:
        injected = injection.begin(rig)
        try:
            attempt.after(rig)
            verdict, problem = _watch(rig, fault, injection.end, injected, attempt.over)
        except OrderError as error:
            verdict = Verdict(True, False, str(error), None, None, "", 0.0)
    row.update(vars(verdict))
    rig.last_fault = f"{planned.fault} in {planned.phase}"
    recover_s: float | None = None
    if not problem:
        try:
            injection.after(rig)
            recover_s = rig.recover()
        except (RigError, OrderError) as error:
            problem = str(error)
    row.update(
        recovered=recover_s is not None,
        recover_ms=None if recover_s is None else round(1e3 * recover_s),
        recovery=problem or ", ".join(rig.recovery_steps),
        took_s=round(time.monotonic() - begin, 2),
    )
    return row


def _watch(
    rig: Rig, fault: Fault, end: Callable[[Rig], None], injected: float, attempt_over: float
) -> tuple[Verdict, str]:
    """Watch until what has to follow was seen, or does not come; take the fault away; see that nothing moves on it."""
    at_least = injected + max(fault.watch, attempt_over + STILL_FOR + 0.1)
    at_most = max(at_least, injected + fault.within + PATIENCE)
    while True:
        time.sleep(0.03)
        now = time.monotonic()
        verdict = _judged(rig, fault, injected, now)
        if now >= at_most or (now >= at_least and not (verdict.undetected or verdict.unexplained)):
            break
    try:
        end(rig)
        problem = ""
    except OrderError as error:
        problem = str(error)
    if fault.outcome is Outcome.STOP:
        time.sleep(AFTER)
        verdict = _judged(rig, fault, injected, time.monotonic())
    return verdict, problem


def _judged(rig: Rig, fault: Fault, injected: float, ended: float) -> Verdict:
    samples, signs = rig.trace.window(injected - BEFORE, ended)
    who = {"concerned": fault.concerned, "goes_on": fault.goes_on}
    case = Case(fault.outcome, injected, ended, fault.within, fault.explains, fault.freely, **who)
    return judge(case, samples, signs, rig.trace.standing())
