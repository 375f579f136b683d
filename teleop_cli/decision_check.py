"""The decisions of the safety monitor, made again, against what it published and what it wrote down.

Three records of the same decisions, made at three places: the decision log (inputs, verdicts), the bag (what went out
to the arms) and the monitor's chain of the audit log. One that was changed alone contradicts the others.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from safety_monitor.inputs import Inputs
from safety_monitor.safety_log import NOT_ON_DISK, SafetyLog
from safety_monitor.supervisor import Alarm, Supervisor, Verdict
from teleop_core.audit_record import plain
from teleop_core.decision_replay import DecisionLogError, ReplayedCall

SUPERVISOR = "supervisor"
FROM_VERDICTS = ("state", "permit", "reset", "clock_step", "stop_request")
"""Records of the audit log that follow from the inputs and verdicts alone."""
UNWRITTEN = 20
"""Lines are written in batches: a monitor that is killed takes so many of its last decisions along."""


class Told(NamedTuple):
    """What a SafetyState message says of a verdict."""

    state: int
    permitted: bool
    velocity_ratio: float
    alarms: tuple[tuple[Any, ...], ...]
    arming_denied: tuple[str, ...]
    recovery: tuple[str, ...]


@dataclass
class Run:
    """One start of the monitor.

    Attributes:
        session: Number by which its permits are known.
        verdicts: What each step decided: verdict number 1 first.
        records: What it has to have written into the audit log: type and payload.
        ended: Monotonic time of the last step [s].
    """

    session: int
    verdicts: list[Told] = field(default_factory=list)
    records: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    ended: float = 0.0


@dataclass
class Comparison:
    """How far another record agrees.

    Attributes:
        compared: Messages or records.
        different: How many of them contradict the decisions.
        first_difference: The first, in words; empty if there is none.
        notes: What was not compared, or is as it should be although it looks different, counted.
    """

    compared: int = 0
    different: int = 0
    first_difference: str = ""
    notes: dict[str, int] = field(default_factory=dict)

    def differs(self, text: str) -> None:
        """Count a contradiction."""
        self.different += 1
        self.first_difference = self.first_difference or text

    def note(self, text: str) -> None:
        """Count something that is told, and no contradiction."""
        self.notes[text] = self.notes.get(text, 0) + 1


def supervisor_of(about: Mapping[str, Any]) -> Supervisor:
    """The supervisor as it was made when the log began.

    Raises:
        TypeError: the number by which its permits are known is none.
    """
    session = about.get("permit_session", 0)
    if not isinstance(session, int):
        raise TypeError(f"permit_session is {session!r}, not a whole number")
    return Supervisor(about["profile"])


class Decisions:
    """Gathers what the supervisor decides while a decision log is replayed."""

    def __init__(self) -> None:
        self.runs: list[Run] = []
        self._log = SafetyLog(None)
        self._same: dict[Told, Told] = {}

    def take(self, call: ReplayedCall) -> None:
        """One decision that was made again.

        Raises:
            DecisionLogError: the monitor does not call it so.
        """
        if call.name != SUPERVISOR or not isinstance(call.result, Verdict):
            return
        while len(self.runs) < call.start:
            self.runs.append(Run(call.about.get("permit_session", 0)))
            self._log = SafetyLog(_Expected(self.runs[-1].records))
        if len(call.arguments) != 2:
            raise DecisionLogError(
                f"line {call.line}: {call.name}.{call.method} takes the time and the inputs in order"
            )
        run, (now, inputs), verdict = self.runs[-1], call.arguments, call.result
        self._expect_records(inputs, verdict)
        told = told_of_verdict(verdict)
        run.verdicts.append(self._same.setdefault(told, told))  # most are alike: an hour has to fit into memory
        run.ended = float(now)

    def _expect_records(self, inputs: Inputs, verdict: Verdict) -> None:
        for source, reason in inputs.stop_requests:
            self._log.stop_requested(source, reason, True)
        for source, reason in inputs.unsigned_stops:
            self._log.stop_requested(source, reason, False)
        self._log.clock_stepped(inputs.clock_step)
        if inputs.reset_requested:
            self._log.reset(verdict)
        self._log.admit(verdict)


class _Expected:
    """Takes records instead of an audit log."""

    failure = ""

    def __init__(self, records: list[tuple[str, dict[str, Any]]]) -> None:
        self._records = records

    def append(self, type: str, payload: Mapping[str, Any], actor: str = "", **_how: Any) -> None:
        self._records.append((type, plain(payload)))

    def survives(self, _receipt: None) -> bool:
        """Nothing is ever withheld."""
        return True

    def is_lost(self, _receipt: None) -> bool:
        """Nothing is."""
        return False

    def close(self) -> None:
        """Nothing to let go of."""


def told_of_verdict(verdict: Verdict) -> Told:
    """What has to be published of a verdict."""
    return Told(
        int(verdict.state),
        verdict.permitted,
        float(verdict.velocity_ratio),
        tuple(_alarm(alarm) for alarm in verdict.alarms),
        tuple(verdict.arming_denied),
        tuple(verdict.recovery),
    )


def told_of_message(message: Any) -> Told:
    """What a SafetyState message says."""
    return Told(
        int(message.state),
        bool(message.motion_permitted),
        float(message.velocity_ratio),
        tuple(_alarm(alarm) for alarm in message.alarms),
        tuple(message.arming_denied),
        tuple(message.recovery),
    )


def _alarm(alarm: Alarm | Any) -> tuple[Any, ...]:
    level, priority = int(alarm.level), int(alarm.priority)
    return (alarm.id, level, priority, bool(alarm.latched), alarm.source, alarm.text, alarm.remedy)


def compare_messages(runs: Sequence[Run], messages: Iterable[tuple[int, int, Told]]) -> Comparison:
    """Every permit that was published is the verdict with its number.

    Args:
        runs: What was decided.
        messages: Session, number and content of the published messages, in the order in which they arrived.
    """
    found = Comparison()
    by_session = {run.session: run for run in runs}
    before: dict[int, Told] = {}
    beyond: dict[int, int] = {}
    for session, number, told in messages:
        run = by_session.get(session)
        if run is None:
            found.differs(f"permit {number} is of monitor session {session}, which is not in the decision log")
            continue
        found.compared += 1
        previous, before[session] = before.get(session), told
        last = len(run.verdicts)
        decided = run.verdicts[number - 1] if 1 <= number <= last else None
        if told == decided:
            continue
        if decided is not None and _is_withheld(told, decided):
            found.note("withheld until the record of the grant was on the disk")
        elif 2 <= number <= last + 1 and _is_withdrawal(told, (previous, run.verdicts[number - 2])):
            found.note("withdrawn by the node itself, on failing or ending")
        elif number > last and beyond.get(session, 0) < UNWRITTEN:
            beyond[session] = beyond.get(session, 0) + 1
            found.note("after the end of the decision log: the monitor was killed")
        else:
            found.differs(f"permit {number} of session {session}: {_difference(told, decided)}")
    return found


def compare_chain(runs: Sequence[Run], segments: Sequence[Sequence[Mapping[str, Any]]]) -> Comparison:
    """Every transition that was decided is in the monitor's chain, and the other way round.

    Args:
        runs: What was decided.
        segments: Records of each segment of the chain.
    """
    found = Comparison()
    if len(runs) != len(segments):
        found.differs(f"the decision log began {len(runs)} times, the audit log has {len(segments)} segments")
    for run, segment in zip(runs, segments, strict=False):
        _compare_segment(run, [record for record in segment if record["type"] in FROM_VERDICTS], found)
    return found


def _compare_segment(run: Run, records: Sequence[Mapping[str, Any]], found: Comparison) -> None:
    for (type_, payload), record in zip(run.records, records, strict=False):
        found.compared += 1
        place = f"audit record {record['n']}"
        if record["type"] != type_:
            found.differs(f"{place} is of type {record['type']}, decided was a {type_}")
            return  # from here on everything is shifted
        if record["payload"] is None:
            found.note("taken out of the audit log")
            continue
        written = {key: value for key, value in record["payload"].items() if key != "salt"}
        wrong = [key for key in sorted(payload.keys() | written.keys()) if payload.get(key) != written.get(key)]
        if wrong:
            key = wrong[0]
            found.differs(f"{place} ({type_}): {key} is {written.get(key)!r}, decided was {payload.get(key)!r}")
    for type_, payload in run.records[len(records) :]:
        found.differs(f"a {type_} was decided and is not in the audit log: {str(payload)[:120]}")
    for record in records[len(run.records) :]:
        if record["mono_ns"] > run.ended * 1e9:  # a record may hold a whole number that no float can be
            found.note("after the end of the decision log: the monitor was killed")
        else:
            found.differs(f"audit record {record['n']} ({record['type']}) was not decided")


def _is_withheld(told: Told, decided: Told) -> bool:
    as_told = decided._replace(state=told.state, permitted=False, arming_denied=(NOT_ON_DISK,))
    return decided.permitted and told.state != decided.state and told == as_told


def _is_withdrawal(told: Told, earlier: Iterable[Told | None]) -> bool:
    return not told.permitted and any(one is not None and told == one._replace(permitted=False) for one in earlier)


def _difference(told: Told, decided: Told | None) -> str:
    if decided is None:
        return "no decision has this number"
    name = next(name for name in Told._fields if getattr(told, name) != getattr(decided, name))
    return f"{name} was published as {getattr(told, name)!r}, decided was {getattr(decided, name)!r}"
