"""How each fault is brought about in the running rig, and how it is taken away again.

An injection is prepared while all is well, begins at an instant that is told on the monotonic clock, and is ended after
the campaign has seen what it wanted to see. What it killed is started again by the rig's recovery.
"""

from __future__ import annotations

import signal
import time
from dataclasses import dataclass, field
from typing import Protocol

from campaign.processes import Child, busy
from campaign.rig import Rig


class Injection(Protocol):
    """One way to break something."""

    def prepare(self, rig: Rig) -> None:
        """Get ready, while the arms follow."""

    def begin(self, rig: Rig) -> float:
        """Break it; returns when, monotonic [s]."""

    def end(self, rig: Rig) -> None:
        """Take the fault away; nothing may move by that."""

    def after(self, rig: Rig) -> None:
        """What has to work again, besides what every recovery shows.

        Raises:
            OrderError, RigError: it does not.
        """


class Unprepared:
    """Needs no preparation, nothing has to be taken away, and the usual recovery is all."""

    def prepare(self, rig: Rig) -> None:
        """Nothing."""

    def end(self, rig: Rig) -> None:
        """Nothing."""

    def after(self, rig: Rig) -> None:
        """Nothing."""


@dataclass
class Nothing(Unprepared):
    """No fault at all: shows that the arms would have moved."""

    def begin(self, rig: Rig) -> float:
        """Now."""
        return time.monotonic()


@dataclass
class Kill(Unprepared):
    """kill -9 of a process."""

    node: str

    def begin(self, rig: Rig) -> float:
        """Kill it."""
        return rig.children[self.node].send_signal(signal.SIGKILL)


@dataclass
class Restart(Unprepared):
    """kill -9 of a process, and it is started again at once, as whoever looks after processes would do it."""

    node: str

    def begin(self, rig: Rig) -> float:
        """Kill it, start it; returns when it was killed."""
        at = rig.children[self.node].send_signal(signal.SIGKILL)
        rig.restart(self.node)
        return at


@dataclass
class RestartDriver(Unprepared):
    """The same with the driver; the robot, which is simulated in it, is then where it starts."""

    limit: float = 15.0

    def begin(self, rig: Rig) -> float:
        """Kill and start it; returns when it first said where the arms are."""
        at = rig.children["driver"].send_signal(signal.SIGKILL)
        rig.restart("driver")
        rig.until(lambda: rig.trace.newest.arrival.get("p", 0.0) > at + 0.2, self.limit, "the driver is back")
        return time.monotonic()


@dataclass
class Freeze(Unprepared):
    """SIGSTOP, and later SIGCONT."""

    node: str

    def begin(self, rig: Rig) -> float:
        """Stop every thread of it."""
        return rig.children[self.node].send_signal(signal.SIGSTOP)

    def end(self, rig: Rig) -> None:
        """Let it go on."""
        rig.children[self.node].send_signal(signal.SIGCONT)


@dataclass
class Hang(Unprepared):
    """The thread that runs the callbacks sleeps; the middleware's threads live."""

    node: str
    seconds: float

    def begin(self, rig: Rig) -> float:
        """Hang it."""
        return rig.make_late(self.node, signal.SIGUSR1, hang=self.seconds)


@dataclass
class Overrun(Unprepared):
    """Callbacks take `busy` seconds, with `gap` seconds between them, for a while."""

    node: str
    busy: float
    gap: float
    duration: float

    def begin(self, rig: Rig) -> float:
        """Begin to be late."""
        return rig.make_late(self.node, signal.SIGUSR2, busy=self.busy, gap=self.gap, duration=self.duration)


@dataclass
class Load(Unprepared):
    """Processes that want every core."""

    processes: int
    _children: list[Child] = field(default_factory=list)

    def begin(self, rig: Rig) -> float:
        """Start them."""
        at = time.monotonic()
        self._children = busy(self.processes, rig.environment, rig.folder / "load.output")
        return at

    def end(self, rig: Rig) -> None:
        """End them."""
        for child in self._children:
            child.kill()
        self._children = []


@dataclass
class Tamper(Unprepared):
    """The console's packets are changed on their way out."""

    way: str

    def prepare(self, rig: Rig) -> None:
        """An old session needs one that is over: a second of silence makes the console begin a new one."""
        if self.way == "old_session" and not rig.order("console", "has_old_session")["value"]:
            rig.order("console", "tamper", way="silent")
            time.sleep(1.3)
            rig.order("console", "tamper", way="")
            rig.recover()

    def begin(self, rig: Rig) -> float:
        """Begin."""
        return float(rig.order("console", "tamper", way=self.way)["at"])

    def end(self, rig: Rig) -> None:
        """Tell the truth again."""
        rig.order("console", "tamper", way="")


@dataclass
class Eyes(Unprepared):
    """The endoscope's pictures are not what they seem."""

    mode: str

    def begin(self, rig: Rig) -> float:
        """Begin."""
        return float(rig.order("endoscope", "mode", mode=self.mode)["at"])

    def end(self, rig: Rig) -> None:
        """Show what is."""
        rig.order("endoscope", "mode", mode="")


@dataclass
class SecondSpeaker(Unprepared):
    """Somebody else publishes on a topic, or only could."""

    stream: str
    speech: str = ""
    qos: str = ""
    arm: str = "PSM1"

    def begin(self, rig: Rig) -> float:
        """Open the publisher."""
        answer = rig.order("stranger", "open", stream=self.stream, speech=self.speech, qos=self.qos, arm=self.arm)
        return float(answer["at"])

    def end(self, rig: Rig) -> None:
        """Close it."""
        rig.order("stranger", "close")


@dataclass
class StateCommand(Unprepared):
    """Somebody sends the arm a state command."""

    command: str

    def begin(self, rig: Rig) -> float:
        """Send it."""
        return float(rig.order("stranger", "state_command", arm="PSM1", command=self.command)["at"])


@dataclass
class StopRequest(Unprepared):
    """Somebody asks for a protective stop."""

    signed: bool = True

    def begin(self, rig: Rig) -> float:
        """Ask."""
        return float(rig.order("stranger", "stop", signed=self.signed)["at"])


@dataclass
class Absent(Unprepared):
    """The surgeon lets go of the deadman."""

    def begin(self, rig: Rig) -> float:
        """Let go."""
        return float(rig.order("console", "set", present=False)["at"])

    def end(self, rig: Rig) -> None:
        """Come back."""
        rig.order("console", "set", present=True)


@dataclass
class Leap(Unprepared):
    """Both hands are elsewhere from one sample to the next."""

    distance: float

    def begin(self, rig: Rig) -> float:
        """Leap."""
        return float(rig.order("console", "leap", distance=self.distance)["at"])

    def end(self, rig: Rig) -> None:
        """Leap back, where nothing follows."""
        rig.order("console", "set", present=False)
        rig.order("console", "leap", distance=-self.distance)
