"""The state machine of the safety monitor: step(now, inputs) -> state, permit, alarms. It has no clock of its own.

    SELF_TEST -> READY -> OPERATING -> HOLD -> PAUSED -> FAULT -> PROTECTIVE_STOP

Motion is permitted in OPERATING only. The worst cause wins. HOLD clears with its cause, PAUSED when the operator
presses the clutch, FAULT and PROTECTIVE_STOP are latched until the local team resets them with the cause gone and the
operator's deadman released. A present cause always counts, whatever has been cleared.
"""

from __future__ import annotations

from dataclasses import dataclass

from safety_monitor.causes import CAUSES, Clears, Level
from safety_monitor.conditions import Inputs, Present, present_causes
from teleop_core.profiles import Profile
from teleop_core.signals import SafetyLevel

SETTLED_AFTER = 0.3
"""A cause counts until it has been gone for this long [s]: what comes and goes is one hold, not many."""
DEGRADED_RATIO = 0.5
"""Share of full speed while degraded."""

_STATE_OF_LEVEL = {
    Level.HOLD: SafetyLevel.HOLD,
    Level.PAUSED: SafetyLevel.PAUSED,
    Level.FAULT: SafetyLevel.FAULT,
    Level.PROTECTIVE_STOP: SafetyLevel.PROTECTIVE_STOP,
}
_NO_CONSOLE = ("COMMAND_LOST", "CONSOLE_GONE")
# What a READY system is still waiting for, rather than what is wrong with it.
_WAITING = ("OPERATOR_ABSENT", "ARM_NOT_READY")


@dataclass(frozen=True)
class Alarm:
    """An active or latched cause.

    Attributes:
        id: Row of the cause table.
        level: What it does.
        source: Stream, node or arm concerned.
        since: When it became active, monotonic [s].
        latched: Its cause may be gone; a person has to clear it.
        text: For the people in the room.
    """

    id: str
    level: Level
    source: str
    since: float
    latched: bool
    text: str


@dataclass(frozen=True)
class Verdict:
    """Decision of one step.

    Attributes:
        state: State of the monitor.
        permitted: Arms may move.
        velocity_ratio: Share of full speed, 0..1.
        alarms: Active and latched causes, worst first.
        reset_refusal: Why a requested reset was refused; empty otherwise.
    """

    state: SafetyLevel
    permitted: bool
    velocity_ratio: float
    alarms: tuple[Alarm, ...]
    reset_refusal: str = ""


class Supervisor:
    """Decides, from the inputs of each step and what is latched."""

    def __init__(self, profile: Profile) -> None:
        """Start in SELF_TEST, nothing permitted."""
        self._profile = profile
        self._state = SafetyLevel.SELF_TEST
        self._since: dict[tuple[str, str], float] = {}
        self._active: dict[tuple[str, str], Alarm] = {}
        self._seen_at: dict[tuple[str, str], float] = {}
        self._latched: dict[tuple[str, str], Alarm] = {}
        self._clutch_before = True
        self._newest = float("-inf")

    def step(self, now: float, inputs: Inputs) -> Verdict:
        """One decision.

        Args:
            now: Monotonic time [s]. Time that goes backwards permits nothing.
            inputs: What the monitor sees.
        """
        backwards = not now >= self._newest
        self._newest = max(now, self._newest)
        present = present_causes(inputs, self._profile)
        active = self._debounced(now, present)
        self._latch(active)
        refusal = self._reset(inputs, active) if inputs.reset_requested else ""
        self._clear_paused(inputs, active)
        self._state = self._next_state(active)
        alarms = self._alarms(active)
        degraded = any(alarm.level is Level.DEGRADE for alarm in alarms)
        return Verdict(
            self._state,
            self._state is SafetyLevel.OPERATING and not backwards,
            DEGRADED_RATIO if degraded else 1.0,
            alarms,
            refusal,
        )

    @property
    def _started(self) -> bool:
        """Motion has been permitted since the start or the last reset."""
        return self._state not in (SafetyLevel.SELF_TEST, SafetyLevel.READY)

    def _debounced(self, now: float, present: Present) -> dict[tuple[str, str], Alarm]:
        """Causes that have lasted long enough, or have not been gone for long enough."""
        self._since = {key: self._since.get(key, now) for key in present}
        active = {
            key: alarm
            for key, alarm in self._active.items()
            if self._started and alarm.level is Level.HOLD and now - self._seen_at[key] < SETTLED_AFTER
        }
        for key, detail in present.items():
            cause, source = CAUSES[key[0]], key[1]
            since = self._since[key]
            if now - since >= cause.debounce:
                text = f"{source}: {cause.text}" + (f" ({detail})" if detail else "")
                active[key] = Alarm(cause.id, cause.level, source, since, False, text)
                self._seen_at[key] = now
        self._active = active
        return active

    def _latch(self, active: dict[tuple[str, str], Alarm]) -> None:
        """Latch what a person has to clear; before anything was permitted there is nothing to pause."""
        for key, alarm in active.items():
            clears = CAUSES[alarm.id].clears
            if clears is Clears.LOCAL_RESET or (clears is Clears.OPERATOR and self._started):
                self._latched.setdefault(key, Alarm(alarm.id, alarm.level, alarm.source, alarm.since, True, alarm.text))

    def _reset(self, inputs: Inputs, active: dict[tuple[str, str], Alarm]) -> str:
        """Clear the latches of the local team; returns every reason why not."""
        latched = [key for key in self._latched if CAUSES[key[0]].clears is Clears.LOCAL_RESET]
        if not latched:
            return "nothing to reset"
        still_there = [active[key].text for key in latched if key in active]
        # Without a console nobody holds a deadman, whatever its last packet said.
        console_gone = any(cause in _NO_CONSOLE for cause, _source in active)
        if inputs.operator_present and not console_gone:
            still_there.append("the operator's deadman is not released")
        if still_there:
            return "; ".join(still_there)
        self._latched.clear()
        self._state = SafetyLevel.SELF_TEST
        return ""

    def _clear_paused(self, inputs: Inputs, active: dict[tuple[str, str], Alarm]) -> None:
        pressed = inputs.clutch and not self._clutch_before and inputs.operator_present
        self._clutch_before = inputs.clutch
        worst_active = max((alarm.level for alarm in active.values()), default=Level.INFORM)
        if pressed and worst_active < Level.HOLD:
            self._latched = {
                key: alarm for key, alarm in self._latched.items() if CAUSES[alarm.id].clears is not Clears.OPERATOR
            }

    def _next_state(self, active: dict[tuple[str, str], Alarm]) -> SafetyLevel:
        everything = (*active.values(), *self._latched.values())
        worst = max((alarm.level for alarm in everything), default=Level.INFORM)
        if worst >= Level.FAULT:
            return _STATE_OF_LEVEL[worst]
        if self._state is SafetyLevel.SELF_TEST:
            wrong = [alarm for alarm in everything if alarm.level >= Level.HOLD and alarm.id not in _WAITING]
            return SafetyLevel.SELF_TEST if wrong else SafetyLevel.READY
        if self._state is SafetyLevel.READY:
            return SafetyLevel.READY if worst >= Level.HOLD else SafetyLevel.OPERATING
        return _STATE_OF_LEVEL.get(worst, SafetyLevel.OPERATING)

    def _alarms(self, active: dict[tuple[str, str], Alarm]) -> tuple[Alarm, ...]:
        merged = {**active, **self._latched}
        return tuple(sorted(merged.values(), key=lambda alarm: (-alarm.level, alarm.since, alarm.id, alarm.source)))
