"""What a fault of the simulated campaign is: what it does to the room, and what has to come of it.

The faults themselves are in `simulated_*_faults`.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any

from campaign.simulated_observer import Record
from campaign.simulated_room import LINK_DELAY, Room

MARGIN = 0.02
"""Two servo periods and 10 ms: what a stop may take beyond its threshold [s]."""
TOLD_TO_MONITOR = 0.03
"""Feedback at 100 Hz, a step of the monitor at 100 Hz, two hops and their jitter [s]."""
REPORTED = 0.1 + 0.02
"""The report of the gate at 10 Hz, a step of the monitor, hops [s]."""
CENSUS = 0.15 + 0.1 + 0.02
"""Debounce of the census, its interval, a step of the monitor [s]."""
LEASE = 0.1


class Outcome(Enum):
    """What has to come of a fault."""

    STOP = "the arms stand still from the threshold on, until the operator engages again"
    REFUSED = "it is refused and counted; the motion goes on as without it"
    HARMLESS = "too small to matter: the motion goes on as without it"
    TOLD = "people are told; the motion goes on"
    BOUNDED = "the motion may differ, at limited speed"
    EITHER = "about the threshold: motion or a stop that is told"


@dataclass
class Injection:
    """One fault, drawn and ready.

    Attributes:
        start: Begins it.
        end: Removes it, as people would.
        duration: How long it lasts [s].
        outcome: What has to come of it.
        threshold: From its beginning to when the arms have to stand still, without the margin [s].
        told: What people are told, by the beginnings of the texts; one of them is enough.
        text: What was drawn.
        settles: With its removal an arm that was held back goes to where it is held.
        arms: Arms that it concerns, and the others go on as without it; empty: all.
        strikes: So long after its beginning it happens; what was before only leads there [s].
    """

    start: Callable[[], None]
    end: Callable[[], None]
    duration: float
    outcome: Outcome
    threshold: float
    told: tuple[str, ...]
    text: str
    settles: bool = False
    arms: tuple[str, ...] = ()
    strikes: float = 0.0


@dataclass
class Scene:
    """Where a fault happens.

    Attributes:
        room: A copy of its own.
        random: Draws everything.
        phase: Phase of the teleoperation.
        arm: Arm concerned.
        twin: What happens without the fault.
    """

    room: Room
    random: random.Random
    phase: str
    arm: str
    twin: Record

    @property
    def hold(self) -> float:
        """Silence of commands that holds the arms [s]."""
        return self.room.profile.command_hold

    @property
    def link_delay(self) -> float:
        """Largest usual time from the console to the patient's side [s]."""
        return LINK_DELAY.get(self.room.profile.name, 0.001) + 0.012

    def duration(self, low: float, high: float) -> float:
        """Drawn evenly by its logarithm [s]."""
        return float(low * (high / low) ** self.random.random())

    def tap(self, topic: str, change: Callable[[Any], list[tuple[Any, float]]]) -> None:
        """Let a fault have its way with each message of a topic."""
        self.room.taps[topic] = change

    def untap(self, topic: str) -> Callable[[], None]:
        """What removes it again."""
        return lambda: self.room.taps.pop(topic, None) and None

    def later(self, delay: float, function: Callable[[], None]) -> None:
        """Do something later [s]."""
        self.room.call(self.room.now + delay, function)

    def silence(self, duration: float, threshold: float, slack: float = 0.012) -> Outcome:
        """What has to come of something that stays away for this long."""
        if duration > threshold + slack:
            return Outcome.STOP
        return Outcome.HARMLESS if duration < threshold - slack - 0.01 else Outcome.EITHER


FaultMaker = Callable[[Scene], Injection]


def nothing() -> None:
    """Nothing has to be removed."""


def dropped(_message: Any) -> list[tuple[Any, float]]:
    """Nothing arrives."""
    return []
