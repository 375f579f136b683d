"""The state machine of the safety monitor: step(now, inputs) -> state, permit, alarms. It has no clock of its own.

    SELF_TEST -> READY -> OPERATING -> HOLD -> PAUSED -> FAULT -> PROTECTIVE_STOP

Motion is permitted in OPERATING only. The worst cause wins. HOLD clears with its cause, PAUSED when the operator
presses the clutch, FAULT and PROTECTIVE_STOP are latched until the local team resets them with the cause gone and the
operator's deadman released. A present cause always counts, whatever has been cleared. In a session without a console
nobody presses a clutch: PAUSED too needs the local reset.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from safety_monitor.causes import CAUSES, Clears, Level, Priority
from safety_monitor.conditions import Present, present_causes
from safety_monitor.inputs import Inputs
from safety_monitor.recovery import recovery_steps
from safety_monitor.self_test import SelfTest
from teleop_core.profiles import Profile
from teleop_core.signals import SafetyLevel

SETTLED_AFTER = 0.3
"""A cause counts until it has been gone for this long [s]: what comes and goes is one hold, not many."""
DEGRADED_RATIO = 0.5
"""Share of full speed while degraded."""

Key = tuple[str, str]
"""(cause, source)"""

_STATE_OF_LEVEL = {
    Level.HOLD: SafetyLevel.HOLD,
    Level.PAUSED: SafetyLevel.PAUSED,
    Level.FAULT: SafetyLevel.FAULT,
    Level.PROTECTIVE_STOP: SafetyLevel.PROTECTIVE_STOP,
}
_DEBOUNCE = {row.id: row.debounce for row in CAUSES.values()}
_NO_CONSOLE = ("COMMAND_LOST", "CONSOLE_GONE")
# What a READY system is still waiting for, rather than what is wrong with it.
_WAITING = ("OPERATOR_ABSENT", "ARM_NOT_READY")


@dataclass(frozen=True)
class Alarm:
    """An active or latched cause.

    Attributes:
        id: Row of the cause table.
        source: Stream, node or arm concerned.
        since: When it became active, monotonic [s].
        latched: Its cause may be gone; a person has to clear it.
        text: What is wrong, for the people in the room.
    """

    id: str
    source: str
    since: float
    latched: bool
    text: str

    @property
    def level(self) -> Level:
        """What it does."""
        return CAUSES[self.id].level

    @property
    def priority(self) -> Priority:
        """How urgently people have to act."""
        return CAUSES[self.id].priority

    @property
    def remedy(self) -> str:
        """What to do."""
        return CAUSES[self.id].remedy


@dataclass(frozen=True)
class Verdict:
    """Decision of one step.

    Attributes:
        state: State of the monitor.
        permitted: Arms may move.
        permit_sequence: Number of this permit, or refusal of one; rises by one with every step.
        velocity_ratio: Share of full speed, 0..1.
        alarms: Active and latched causes, worst first.
        arming_denied: All that keeps motion from being permitted; empty when it is.
        recovery: Steps to moving arms, in order, each with who has to take it.
        reset_refusal: Why a requested reset was refused; empty otherwise.
    """

    state: SafetyLevel
    permitted: bool
    permit_sequence: int
    velocity_ratio: float
    alarms: tuple[Alarm, ...]
    arming_denied: tuple[str, ...]
    recovery: tuple[str, ...]
    reset_refusal: str


class Supervisor:
    """Decides, from the inputs of each step and what is latched."""

    def __init__(self, profile: Profile) -> None:
        """Start in SELF_TEST, nothing permitted."""
        self._profile = profile
        # The one debounce that depends on the link.
        self._debounce = {**_DEBOUNCE, "LINK_LOST": profile.round_trip_pause_after}
        self._state = SafetyLevel.SELF_TEST
        self._permitted = False
        self._permit_sequence = 0
        self._self_test = SelfTest(0)
        self._self_test_failing: tuple[str, ...] = ()
        self._since: dict[Key, float] = {}
        self._active: dict[Key, Alarm] = {}
        self._seen_at: dict[Key, float] = {}
        self._latched: dict[Key, Alarm] = {}
        self._clutch_before = True
        self._newest = 0.0

    def step(self, now: float, inputs: Inputs) -> Verdict:
        """One decision.

        Args:
            now: Monotonic time [s]. Time that goes backwards is a fault.
            inputs: What the monitor sees.
        """
        self._permit_sequence += 1
        self._latch(self._debounced(now, self._present(now, inputs)))
        refusal = self._reset(inputs) if inputs.reset_requested else ""
        self._clear_paused(inputs)
        self._state = self._next_state()
        self._permitted = self._state is SafetyLevel.OPERATING
        return self._verdict(inputs, refusal)

    @property
    def _started(self) -> bool:
        """Motion has been permitted since the start or the last reset."""
        return self._state not in (SafetyLevel.SELF_TEST, SafetyLevel.READY)

    def _present(self, now: float, inputs: Inputs) -> Present:
        present = present_causes(inputs, self._profile, self._permitted)
        if not now >= self._newest:
            present["CLOCK_STEP", "monotonic clock"] = "backwards"
        self._self_test_failing = ()
        if self._state is SafetyLevel.SELF_TEST:
            self._self_test_failing = self._self_test.step(inputs)
            if self._self_test_failing:
                present["SELF_TEST_FAILED", "safety_monitor"] = self._self_test_failing[0]
        return present

    def _debounced(self, now: float, present: Present) -> dict[Key, Alarm]:
        """Causes that have lasted long enough, or have not been gone for long enough."""
        now = self._newest = now if now >= self._newest else self._newest
        self._since = {key: self._since.get(key, now) for key in present}
        active = {
            key: alarm
            for key, alarm in self._active.items()
            if self._started and alarm.level is Level.HOLD and now - self._seen_at[key] < SETTLED_AFTER
        }
        for key, detail in present.items():
            cause, source = CAUSES[key[0]], key[1]
            since = self._since[key]
            if now - since >= self._debounce[cause.id]:
                text = f"{source}: {cause.text}" + (f" ({detail})" if detail else "")
                active[key] = Alarm(cause.id, source, since, False, text)
                self._seen_at[key] = now
        self._active = active
        return active

    def _latch(self, active: dict[Key, Alarm]) -> None:
        """Latch what a person has to clear; before anything was permitted there is nothing to pause."""
        for key, alarm in active.items():
            clears = CAUSES[alarm.id].clears
            if clears in (Clears.LOCAL_RESET, Clears.NEVER) or (clears is Clears.OPERATOR and self._started):
                self._latched.setdefault(key, Alarm(alarm.id, alarm.source, alarm.since, True, alarm.text))

    def _reset(self, inputs: Inputs) -> str:
        """Clear the latches of the local team; returns every reason why not."""
        by_operator = Clears.OPERATOR if inputs.console_expected else None
        for_local_team = [key for key in self._latched if CAUSES[key[0]].clears is not by_operator]
        if not for_local_team:
            return "nothing to reset"
        reasons = [self._latched[key].text for key in for_local_team if key in self._active or _clears_never(key)]
        # Without a console nobody holds a deadman, whatever its last packet said.
        console_gone = any(cause in _NO_CONSOLE for cause, _source in self._active)
        if inputs.operator_present and not console_gone:
            reasons.append("the operator's deadman is not released")
        if reasons:
            return "; ".join(reasons)
        self._latched.clear()
        self._state = SafetyLevel.SELF_TEST
        self._self_test = SelfTest(self._permit_sequence)
        self._self_test_failing = ("it begins",)
        return ""

    def _clear_paused(self, inputs: Inputs) -> None:
        pressed = inputs.clutch and not self._clutch_before and inputs.operator_present
        self._clutch_before = inputs.clutch
        if pressed and _worst(self._active.values()) < Level.HOLD:
            self._latched = {
                key: alarm for key, alarm in self._latched.items() if CAUSES[alarm.id].clears is not Clears.OPERATOR
            }

    def _next_state(self) -> SafetyLevel:
        everything = (*self._active.values(), *self._latched.values())
        worst = _worst(everything)
        if worst >= Level.FAULT:
            return _STATE_OF_LEVEL[worst]
        blocked = any(CAUSES[alarm.id].blocks_arming for alarm in everything)
        if self._state is SafetyLevel.SELF_TEST:
            wrong = any(alarm.level >= Level.HOLD and alarm.id not in _WAITING for alarm in everything)
            return SafetyLevel.SELF_TEST if wrong or self._self_test_failing else SafetyLevel.READY
        if self._state is SafetyLevel.READY:
            return SafetyLevel.READY if worst >= Level.HOLD or blocked else SafetyLevel.OPERATING
        return _STATE_OF_LEVEL.get(worst, SafetyLevel.OPERATING)

    def _verdict(self, inputs: Inputs, refusal: str) -> Verdict:
        alarms = self._alarms()
        degraded = any(alarm.level is Level.DEGRADE for alarm in alarms)
        active = [(alarm.id, alarm.source) for alarm in alarms if (alarm.id, alarm.source) in self._active]
        return Verdict(
            state=self._state,
            permitted=self._permitted,
            permit_sequence=self._permit_sequence,
            velocity_ratio=DEGRADED_RATIO if degraded else 1.0,
            alarms=alarms,
            arming_denied=() if self._permitted else self._arming_denied(alarms),
            recovery=recovery_steps(self._state, active, self._latched, inputs),
            reset_refusal=refusal,
        )

    def _alarms(self) -> tuple[Alarm, ...]:
        merged = {**self._active, **self._latched}
        return tuple(sorted(merged.values(), key=lambda alarm: (-alarm.level, alarm.since, alarm.id, alarm.source)))

    def _arming_denied(self, alarms: tuple[Alarm, ...]) -> tuple[str, ...]:
        """Every reason at once: what is wrong, and what of the self-test does not pass."""
        reasons = [alarm.text for alarm in alarms if alarm.level >= Level.HOLD or CAUSES[alarm.id].blocks_arming]
        return (*reasons, *(f"self-test: {item}" for item in self._self_test_failing))


def _worst(alarms: Iterable[Alarm]) -> Level:
    return max((alarm.level for alarm in alarms), default=Level.INFORM)


def _clears_never(key: Key) -> bool:
    return CAUSES[key[0]].clears is Clears.NEVER
