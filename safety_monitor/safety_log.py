"""What the monitor decides is in its audit log before anybody can act on it.

A withdrawal of the permit waits for the disk for a few milliseconds at most. A grant waits until its record survives a
power failure; until then the state before it is told. Only where motion had been permitted before (a hold is over) and
the disk has failed does it not wait for ever: to strand the instruments in the patient is the greater hazard.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Protocol

from safety_monitor.conditions import CLOCK_STEP
from safety_monitor.supervisor import Verdict
from teleop_core.signals import SafetyLevel

CHAIN = "safety_monitor"
"""Also the actor of what the monitor does by itself."""
LOCAL_TEAM = "local team"
DECISIONS = "decisions"
"""What gaps of the decision log are told of; `first` counts the decisions of this monitor from 0."""
LONGEST_WAIT = 0.005
"""A transition that takes motion away waits for the disk at most this long [s]."""
RETRY_AFTER = 100
"""A log that fails is tried again after so many steps: what was lost of the newest verdict is written anew."""
NOT_ON_DISK = "the record of the permit is not on the disk yet"


_NOT_BEGUN = (SafetyLevel.SELF_TEST, SafetyLevel.READY)


class Log(Protocol):
    """The part of teleop_core.audit_writer.AuditWriter that is needed."""

    @property
    def failure(self) -> str:
        """Why nothing can be written; empty while well."""

    def close(self) -> None:
        """Let go of the file."""

    def append(
        self,
        type: str,
        payload: Mapping[str, Any],
        actor: str,
        *,
        durable: bool,
        wait: float | None,
    ) -> Any:
        """Write a record; returns its receipt."""

    def survives(self, receipt: Any) -> bool:
        """The record of a receipt survives a power failure."""

    def is_lost(self, receipt: Any) -> bool:
        """The record of a receipt will never be written."""


class Decisions(Protocol):
    """The part of teleop_core.decision_log.DecisionLog that is needed."""

    @property
    def failure(self) -> str:
        """Why nothing is written any more; empty while well."""

    @property
    def written(self) -> int:
        """Decisions that are written down."""

    @property
    def lost(self) -> int:
        """Decisions that are not, since it failed."""


class SafetyLog:
    """Stands between the supervisor's verdicts and who hears them.

    Args:
        log: The monitor's chain; None where the session is not recorded, and every verdict passes as it is.
    """

    def __init__(self, log: Log | None) -> None:
        self._log = log
        self._written: Verdict | None = None
        self._told: Verdict | None = None
        self._begun = False
        self._grant: Any = None
        self.withholding = False
        self._failing = 0
        self._decisions_told: int | None = None

    @property
    def problem(self) -> str:
        """Why the log cannot be written; empty while it can, or where there is none."""
        return "" if self._log is None else self._log.failure

    def stop_requested(self, source: str, reason: str, signed: bool) -> None:
        """Somebody asked for a protective stop; the verdict about it follows."""
        self._append("stop_request", {"source": source, "reason": reason, "signed": signed}, source)

    def clock_stepped(self, step: float) -> None:
        """The wall clock has jumped by so much [s] since the last step of the monitor; a little is no jump."""
        if not abs(step) <= CLOCK_STEP:
            self._append("clock_step", {"step_s": step}, CHAIN)

    def reset(self, verdict: Verdict) -> None:
        """The local team asked for a reset, and this is the verdict."""
        outcome = {"accepted": not verdict.reset_refusal, "refusal": verdict.reset_refusal, "state": verdict.state.name}
        self._append("reset", outcome, LOCAL_TEAM)

    def decisions(self, log: Decisions) -> None:
        """The decisions are written down, or not any more: that is told once, when it begins."""
        if log.failure and self._decisions_told is None:
            self._tell_lost(log)

    def decisions_end(self, log: Decisions) -> None:
        """No more decisions follow: those that were lost since it was told are told, too."""
        if log.failure and log.lost > (self._decisions_told or 0):
            self._tell_lost(log)

    def _tell_lost(self, log: Decisions) -> None:
        told, lost = self._decisions_told or 0, log.lost
        gap = {"topic": DECISIONS, "first": log.written + told, "count": lost - told, "why": log.failure}
        self._append("gap", gap, CHAIN)
        self._decisions_told = lost

    def admit(self, verdict: Verdict) -> Verdict:
        """Write what is new in a verdict.

        Returns:
            What may be told now: the verdict, or the one before it while the record of a grant is not durable.
        """
        if self._log is None:
            return verdict
        self._failing = self._failing + 1 if self._log.failure else 0
        lost = self.withholding and not self._failing and self._log.is_lost(self._grant)
        self._write(verdict, self._log, again=lost or self._failing == RETRY_AFTER)
        self._failing %= RETRY_AFTER
        newly = verdict.permitted and not (self._told is not None and self._told.permitted)
        self.withholding = newly and not self._may_grant(self._log)
        if self.withholding:
            state = SafetyLevel.SELF_TEST if self._told is None else self._told.state
            return replace(verdict, state=state, permitted=False, arming_denied=(NOT_ON_DISK,))
        self._told = verdict
        self._begun = verdict.permitted or (self._begun and verdict.state not in _NOT_BEGUN)
        return verdict

    def close(self) -> None:
        """Nothing more follows."""
        if self._log is not None:
            self._log.close()

    def _may_grant(self, log: Log) -> bool:
        # Only the grant's own record counts: others that follow it may keep a slow disk busy for ever.
        return log.survives(self._grant) or (self._begun and bool(log.failure))

    def _write(self, verdict: Verdict, log: Log, again: bool) -> None:
        before = self._told if again else self._written
        self._written = verdict
        if not again and before is not None and _alarms(before) == _alarms(verdict) and before.state is verdict.state:
            return
        state = {
            "from": "" if before is None else before.state.name,
            "to": verdict.state.name,
            "permitted": verdict.permitted,
            "permit_sequence": verdict.permit_sequence,
            "velocity_ratio": verdict.velocity_ratio,
            "alarms": [
                {
                    "id": alarm.id,
                    "source": alarm.source,
                    "level": alarm.level.name,
                    "latched": alarm.latched,
                    "text": alarm.text,
                }
                for alarm in verdict.alarms
            ],
            "reasons": list(verdict.arming_denied),
        }
        records = [("state", state)]
        if verdict.permitted is not (before is not None and before.permitted):
            permit = {
                "granted": verdict.permitted,
                "permit_sequence": verdict.permit_sequence,
                "state": verdict.state.name,
                "reasons": list(verdict.arming_denied),
            }
            records.append(("permit", permit))
        moved = before is None or before.state is not verdict.state
        for type, payload in records[:-1]:
            self._append(type, payload, CHAIN)
        # One wait for all of them; that for a grant goes on from step to step, in `admit`.
        wait = LONGEST_WAIT if moved and not verdict.permitted else 0.0
        receipt = log.append(*records[-1], CHAIN, durable=moved, wait=wait)
        if verdict.permitted and records[-1][0] == "permit":
            self._grant = receipt

    def _append(self, type: str, payload: Mapping[str, Any], actor: str) -> None:
        if self._log is not None:
            self._log.append(type, payload, actor, durable=False, wait=0.0)


def _alarms(verdict: Verdict) -> set[tuple[str, str, bool]]:
    return {(alarm.id, alarm.source, alarm.latched) for alarm in verdict.alarms}
