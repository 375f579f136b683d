"""Faults of those who may own an arm: CRTK clients, the local team, another driver, the hands that move the endoscope.

An arm of the session belongs to it; the camera arm is free while no hand moves it, so a client can have it meanwhile.
"""

from __future__ import annotations

import signal
import time
from dataclasses import dataclass
from functools import partial

from campaign.injections import Unprepared
from campaign.processes import OrderError
from campaign.rig import INSTRUMENTS, Rig
from robot_driver.arbitration import Owner
from teleop_core.contract import CAMERA_ARM

SOON = 3.0
"""Longest wait for an ordinary transition [s]."""
WAYS = {"servo_jp": "to_and_fro", "servo_cv": "twist"}
"""How a client moves an arm that it owns, by stream."""
RATE = 200.0
START_LIMIT = 20.0


@dataclass
class Client(Unprepared):
    """An external client begins to say something.

    Attributes:
        arm: Whom it wants to move.
        stream: On which topic.
        way: What it says (`say_*` of campaign.client).
        rate: How often [Hz]; 0: once.
    """

    arm: str
    stream: str
    way: str
    rate: float = RATE

    def prepare(self, rig: Rig) -> None:
        """It is there, the driver hears it, and what it was told before would be told again."""
        _listens(rig, self.arm, self.stream)
        time.sleep(1.0)

    def begin(self, rig: Rig) -> float:
        """Begin."""
        return float(rig.order("client", "speak", arm=self.arm, stream=self.stream, way=self.way, rate=self.rate)["at"])

    def end(self, rig: Rig) -> None:
        """Fall silent; every node of the suite must have lived through it, and a session whose arm it was goes on.

        Raises:
            OrderError: it has not.
        """
        following = rig.following
        rig.order("client", "silent")
        if self.arm in INSTRUMENTS and not following:
            raise OrderError("the instruments do not follow any more, although the client was to be refused")
        dead = [name for name, child in rig.children.items() if not child.alive]
        if dead:
            raise OrderError(f"ended: {', '.join(dead)}")


@dataclass
class ClientLost(Unprepared):
    """A client that moves the camera arm vanishes, or falls silent."""

    stream: str
    killed: bool

    def prepare(self, rig: Rig) -> None:
        """It moves the arm."""
        _moves(rig, self.stream)

    def begin(self, rig: Rig) -> float:
        """Kill it, or let it say nothing more."""
        if self.killed:
            return rig.children["client"].send_signal(signal.SIGKILL)
        return float(rig.order("client", "silent")["at"])

    def after(self, rig: Rig) -> None:
        """The lease is over; the next client may have the arm, and moves it."""
        rig.until(lambda: not rig.trace.newest.owner[CAMERA_ARM], SOON, "the lease is over")
        _moves(rig, self.stream)
        rig.order("client", "silent")


@dataclass
class LocalTeamTakes(Unprepared):
    """The local team takes an arm: of the session, or from a client that moves it."""

    arm: str
    client_stream: str = ""

    def prepare(self, rig: Rig) -> None:
        """The client moves the arm, where it is to be taken from one."""
        if self.client_stream:
            _moves(rig, self.client_stream)

    def begin(self, rig: Rig) -> float:
        """Take it."""
        return float(rig.order("stranger", "claim", arm=self.arm, taken=True)["at"])

    def end(self, rig: Rig) -> None:
        """The team has it, and lets it go.

        Raises:
            OrderError: it does not have it.
        """
        if self.client_stream:
            rig.order("client", "silent")
        owner = rig.trace.newest.owner[self.arm]
        rig.order("stranger", "claim", arm=self.arm, taken=False)
        if owner != Owner.LOCAL_TEAM.value:
            raise OrderError(f"{self.arm} belongs to {owner or 'nobody'}, although the local team has taken it")

    def after(self, rig: Rig) -> None:
        """The client may have it again; that the session may, every recovery shows."""
        if self.client_stream:
            _moves(rig, self.client_stream)
            rig.order("client", "silent")


@dataclass
class HandsLost(Unprepared):
    """The input device vanishes ("lost"), sees one hand only ("one_handed"), or the pedal's cable breaks ("camera")."""

    what: str

    def begin(self, rig: Rig) -> float:
        """Lose it; a pedal without a cable is one that nobody presses."""
        return float(rig.order("console", "set", **{self.what: self.what != "camera"})["at"])

    def end(self, rig: Rig) -> None:
        """There again; the pedal is not pressed anew."""
        rig.order("console", "set", lost=False, one_handed=False)


@dataclass
class RemoteLost(Unprepared):
    """The robot's own driver freezes or dies, or the people there disable or take the arm."""

    how: str

    def begin(self, rig: Rig) -> float:
        """Lose it."""
        if self.how in ("freeze", "kill"):
            return rig.children["robot"].send_signal(signal.SIGSTOP if self.how == "freeze" else signal.SIGKILL)
        if self.how == "disable":
            return float(rig.order("hospital", "state_command", command="disable")["at"])
        return float(rig.order("hospital", "claim", taken=True)["at"])

    def end(self, rig: Rig) -> None:
        """It is there again; nothing may move by that."""
        if self.how == "freeze":
            rig.children["robot"].send_signal(signal.SIGCONT)
        elif self.how == "claim":
            rig.order("hospital", "claim", taken=False)


def _listens(rig: Rig, arm: str, stream: str) -> None:
    rig.client()
    ready = partial(rig.order, "client", "listens", arm=arm, stream=stream)
    rig.until(lambda: bool(ready()["value"]), START_LIMIT, "the client is heard")


def _moves(rig: Rig, stream: str) -> None:
    """A client moves the camera arm."""
    _listens(rig, CAMERA_ARM, stream)
    rig.order("client", "speak", arm=CAMERA_ARM, stream=stream, way=WAYS[stream], rate=RATE)
    began = time.monotonic()

    def has_it() -> bool:
        owner = rig.trace.newest.owner[CAMERA_ARM]
        return owner == Owner.EXTERNAL.value and rig.moved(CAMERA_ARM, began, time.monotonic())

    rig.until(has_it, SOON, "the client moves the camera arm")
