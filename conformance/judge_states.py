"""Judging the answers to state commands: the table of CRTK, an event after each, words for what is refused."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from conformance.samples import State, Text
from conformance.verdict import Verdict, judged

DISABLED, ENABLED, PAUSED, FAULT = "DISABLED", "ENABLED", "PAUSED", "FAULT"

TRANSITIONS = {
    (DISABLED, "enable"): ENABLED,
    (DISABLED, "disable"): DISABLED,
    (DISABLED, "pause"): DISABLED,
    (DISABLED, "resume"): DISABLED,
    (ENABLED, "enable"): ENABLED,
    (ENABLED, "disable"): DISABLED,
    (ENABLED, "pause"): PAUSED,
    (ENABLED, "resume"): ENABLED,
    (PAUSED, "enable"): PAUSED,
    (PAUSED, "disable"): DISABLED,
    (PAUSED, "pause"): PAUSED,
    (PAUSED, "resume"): ENABLED,
}
"""State after a command in a state (CRTK API, operating state, table of transitions). FAULT comes by no command."""

WALK = (
    "disable", "disable", "pause", "resume", "enable", "enable", "resume", "pause", "pause", "enable", "disable",
    "enable", "pause", "resume",
)  # fmt: skip
"""A way through every row of the table from any state but FAULT; it ends enabled."""

UNKNOWN = "fly"
"""A command that no arm knows."""


@dataclass(frozen=True)
class Step:
    """One state command and what followed.

    Attributes:
        before: State before it.
        command: The command.
        events: Events that came after it, within the time limit.
        texts: Errors and warnings that came after it.
    """

    before: State
    command: str
    events: tuple[State, ...]
    texts: tuple[Text, ...] = ()

    @property
    def after(self) -> State:
        """State that the arm came to."""
        return self.events[-1] if self.events else self.before


def is_ready(state: State) -> Verdict:
    """Enabled and homed."""
    ready = state.state == ENABLED and state.is_homed
    return Verdict(ready, f"{state.state}, {'' if state.is_homed else 'not '}homed")


def transitions(steps: Sequence[Step]) -> Verdict:
    """Each command leads where the table says."""
    faults = []
    for step in steps:
        wanted = TRANSITIONS.get((step.before.state, step.command))
        if wanted is not None and step.after.state != wanted:
            faults.append(f"{step.command} in {step.before.state} leads to {step.after.state}, not {wanted}")
    known = {(step.before.state, step.command) for step in steps} & TRANSITIONS.keys()
    faults += [f"{command} in {state} was not reached" for state, command in TRANSITIONS.keys() - known]
    return judged(faults, f"{len(known)} of {len(TRANSITIONS)} transitions; FAULT comes by no command")


def events_follow(steps: Sequence[Step]) -> Verdict:
    """A client waits for a new event after every command, even one that changes nothing."""
    faults = [f"none after {step.command} in {step.before.state}" for step in steps if not step.events]
    return judged(faults, f"an event after each of {len(steps)} commands")


def unknown_command(step: Step, words_are_offered: bool) -> Verdict:
    """An unknown command changes nothing, and the arm says so."""
    faults = []
    if (step.after.state, step.after.is_homed) != (step.before.state, step.before.is_homed):
        faults.append(f"{step.command!r} leads from {step.before.state} to {step.after.state}")
    if not step.events:
        faults.append("no event")
    if words_are_offered and not step.texts:
        faults.append("no error or warning")
    good = step.texts[0].text if step.texts else "nothing changes (and the arm has no topic for words)"
    return judged(faults, good)


def homing(steps: Sequence[Step]) -> Verdict:
    """Home homes, unhome takes it back, both with an event, and the arm is not busy in the end."""
    faults = []
    for step in steps:
        wanted = step.command == "home"
        if not step.events:
            faults.append(f"no event after {step.command}")
        elif step.after.is_homed != wanted:
            faults.append(f"{'not ' if wanted else ''}homed after {step.command}")
        elif step.after.is_busy:
            faults.append(f"busy for ever after {step.command}")
        if step.after.state != step.before.state:
            faults.append(f"{step.command} leads from {step.before.state} to {step.after.state}")
    return judged(faults, ", ".join(f"{step.command}: {len(step.events)} events" for step in steps))


def busy_pulse(events: Sequence[State], limit: float) -> Verdict:
    """A client waits for busy and then for not busy, in this order, whatever the length of the move.

    Args:
        events: Events after the command.
        limit: How long was waited for them [s].
    """
    busy = next((index for index, event in enumerate(events) if event.is_busy), None)
    if busy is None:
        return Verdict(False, f"never busy in {limit:g} s: a client that waits for the move waits for ever")
    end = next((event for event in events[busy:] if not event.is_busy), None)
    if end is None:
        return Verdict(False, f"busy for more than {limit:g} s")
    return Verdict(True, f"busy for {end.arrived - events[busy].arrived:.2f} s")


def never_busy(events: Sequence[State], what: str) -> Verdict:
    """Servo and interpolate have no end, so the arm is not busy with them."""
    busy = sum(event.is_busy for event in events)
    return Verdict(not busy, f"busy in {busy} events during {what}" if busy else f"not busy during {what}")


def events_rise(events: Sequence[State]) -> Verdict:
    """Clients drop an event whose stamp is not newer than the one before."""
    faults = [
        f"{later.state} comes {later.stamp - earlier.stamp} ns after {earlier.state}"
        for earlier, later in pairwise(events)
        if not later.stamp > earlier.stamp
    ]
    return judged(faults, f"{len(events)} events")
