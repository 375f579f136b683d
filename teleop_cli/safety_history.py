"""What the safety monitor said: states over time, transitions with their reason, alarms."""

from __future__ import annotations

from dataclasses import dataclass

from teleop_core.authentication import SECURITY_LEVELS
from teleop_core.signals import SafetyLevel

SILENCE = 0.5
"""The permit comes at 100 Hz; without one for this long the monitor counts as silent [s]."""
SILENT = "SILENT"
FREE = (SafetyLevel.READY.name, SafetyLevel.OPERATING.name)
"""States in which nothing keeps the operator from operating."""
MOST_TRANSITIONS = 10_000


@dataclass(frozen=True)
class AlarmSeen:
    """One active or latched cause, as in telesurgery/msg/Alarm.

    Attributes:
        id: Row of the cause table.
        level: Rank, 0 (inform) to 5 (protective stop).
        text: What is wrong.
        source: Stream, node or arm concerned.
        priority: How urgently people have to act, 0 (low) to 2 (high).
        remedy: What to do.
    """

    id: str
    level: int
    text: str = ""
    source: str = ""
    priority: int = 0
    remedy: str = ""

    @property
    def key(self) -> tuple[str, str]:
        """What makes it the same alarm again: cause and source."""
        return self.id, self.source


@dataclass(frozen=True)
class Guidance:
    """What the monitor says beside its state and its alarms.

    Attributes:
        security: Level of security in force, e.g. none or mac; empty if it was not told.
        arming_denied: Everything that keeps the arms from being permitted to move.
        recovery: What is left to do until the arms move again, in order, each with who has to do it.
    """

    security: str = ""
    arming_denied: tuple[str, ...] = ()
    recovery: tuple[str, ...] = ()


NO_GUIDANCE = Guidance()


@dataclass(frozen=True)
class Transition:
    """A change of state at `time` [s]."""

    time: float
    before: str
    after: str
    reason: str


@dataclass
class AlarmRecord:
    """One cause from one source over a session.

    Attributes:
        level: Highest rank seen.
        first: When it was first seen [s].
        count: How often it became active.
        text: Its text when first seen.
        priority: Highest priority seen.
        remedy: What to do, as first seen.
    """

    level: int
    first: float
    count: int
    text: str
    priority: int
    remedy: str


class SafetyHistory:
    """States, transitions and alarms; the silence of the monitor is a state of its own, SILENT.

    Attributes:
        state: Newest state; None before the first message.
        alarms: Active and latched causes now, worst first.
        guidance: What else the monitor says now.
        security: Weakest level of security that was in force; None if none was told.
        transitions: Changes of state.
        records: Every alarm seen, by cause and source.
    """

    def __init__(self) -> None:
        self.state: str | None = None
        self.alarms: tuple[AlarmSeen, ...] = ()
        self.guidance = NO_GUIDANCE
        self.security: str | None = None
        self.transitions: list[Transition] = []
        self.records: dict[tuple[str, str], AlarmRecord] = {}
        self._durations: dict[str, float] = {}
        self._since: float | None = None
        self._heard = 0.0

    def begin(self, now: float) -> None:
        """Count the time in each state from here [s]."""
        self._durations = {}
        self._since = now

    def update(self, now: float, state: str, alarms: tuple[AlarmSeen, ...], guidance: Guidance = NO_GUIDANCE) -> None:
        """Take a message of the monitor that arrived at `now` [s]."""
        self._heard = now
        self.guidance = guidance
        if guidance.security and (self.security is None or _strength(guidance.security) < _strength(self.security)):
            self.security = guidance.security
        active_before = {alarm.key for alarm in self.alarms}
        for alarm in alarms:
            first = AlarmRecord(alarm.level, now, 0, alarm.text, alarm.priority, alarm.remedy)
            record = self.records.setdefault(alarm.key, first)
            record.level = max(record.level, alarm.level)
            record.priority = max(record.priority, alarm.priority)
            record.count += alarm.key not in active_before
        if state != self.state:
            self._change(now, state, self._reason_for(state, alarms))
        self.alarms = alarms

    def tick(self, now: float) -> None:
        """Notice that the monitor has fallen silent."""
        if self.state not in (None, SILENT) and now - self._heard > SILENCE:
            self._change(now, SILENT, "no message from safety_monitor")
            self.alarms, self.guidance = (), NO_GUIDANCE

    def time_in_state(self, now: float) -> dict[str, float]:
        """Time spent in each state since the beginning [s]."""
        durations = dict(self._durations)
        if self.state is not None and self._since is not None:
            durations[self.state] = durations.get(self.state, 0.0) + now - self._since
        return durations

    def _reason_for(self, state: str, alarms: tuple[AlarmSeen, ...]) -> str:
        """Why the state changes: for a better one what is over, for a worse one its cause."""
        over = {alarm.id: None for alarm in self.alarms if alarm.id not in {other.id for other in alarms}}
        if over and state in FREE:
            return f"over: {', '.join(over)}"
        return reason_of(alarms)

    def _change(self, now: float, state: str, reason: str) -> None:
        if len(self.transitions) < MOST_TRANSITIONS:
            self.transitions.append(Transition(now, self.state or "", state, reason))
        if self._since is not None:
            if self.state is not None:
                self._durations[self.state] = self._durations.get(self.state, 0.0) + now - self._since
            self._since = now
        self.state = state


def _strength(security: str) -> int:
    """Rank of a level of security; one that is not known counts as none at all."""
    return SECURITY_LEVELS.index(security) if security in SECURITY_LEVELS else -1


def reason_of(alarms: tuple[AlarmSeen, ...]) -> str:
    """The worst cause in words, with the ids of the others; empty without alarms."""
    if not alarms:
        return ""
    worst = alarms[0]
    others = dict.fromkeys(alarm.id for alarm in alarms[1:] if alarm.id != worst.id)
    text = f"{worst.id}: {worst.text}" if worst.text else worst.id
    return f"{text} (and {', '.join(others)})" if others else text
