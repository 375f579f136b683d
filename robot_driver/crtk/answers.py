"""When clients hear the state of an arm: after each state command, and when they have begun to listen.

A state command is not answered before whoever has just begun to listen can hear the arm.

A client that finds its topics connected sends its commands, and reads the joints as soon as it is answered. But
DDS delivers the first message of a topic some 70 ms after it was connected (the reader asks the writer where to begin).
What stops an arm is told at once.

Some clients send a command before their topics are connected, so that it is lost, and then wait to hear of the state
that they want. Where the arm is in that state already, it is enough to tell whoever has begun to listen.
"""

from __future__ import annotations

from math import inf

CONNECTING = 0.2
"""From the connection of a topic until its messages surely arrive [s]."""
LONGEST = 1.0
"""However many clients come, one after the other: whoever waits is answered after so long [s]."""
MOST_OWED = 50
"""So many answers wait at most, however many commands come: further ones are not put off."""
STOPPING = ("disable", "pause", "unhome")


class Answers:
    """Those that one arm still owes; times are monotonic [s]."""

    def __init__(self) -> None:
        """Nobody listens, nothing is owed."""
        self._listeners = 0
        self._connected_at = -inf
        self._owed: list[str] = []
        self._owed_since = inf
        self._somebody_new = False

    def listeners(self, now: float, count: int) -> None:
        """How many listen to the arm now."""
        if count > self._listeners:
            self._connected_at = now + CONNECTING
            self._somebody_new = True
        self._listeners = count

    def at_once(self, now: float, command: str) -> bool:
        """Whether a state command is answered now; if not, `due` names it later."""
        connected = now >= self._connected_at and not self._owed
        if command in STOPPING or connected or len(self._owed) >= MOST_OWED:
            return True
        if not self._owed:
            self._owed_since = now
        self._owed.append(command)
        return False

    def due(self, now: float) -> list[str]:
        """State commands to be answered now, each with an event of its own; one that is empty for somebody new."""
        waits = now < min(self._connected_at, self._owed_since + LONGEST)
        if waits or not (self._owed or self._somebody_new):
            return []
        due, self._owed, self._owed_since = self._owed or [""], [], inf
        self._somebody_new = now < self._connected_at
        return due
