"""When each recorded message is due: original timing, rate, pause, step, seek. `now` goes in, due messages come out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol

SLOWEST, FASTEST = 0.01, 100.0
"""Limits of the rate."""
MOST_AT_ONCE = 500
"""Messages handed out in one go: whoever plays has to look after the keyboard, too."""


@dataclass(frozen=True)
class Item:
    """A recorded message.

    Attributes:
        time: When it arrived at the recorder, unix [ns].
        topic: As recorded.
        data: Serialized bytes.
    """

    time: int
    topic: str
    data: bytes


class Source(Protocol):
    """Where the messages come from."""

    def since(self, time: int) -> Iterator[Item]:
        """Messages from `time` [ns] on, in the order of time."""

    def latched_before(self, time: int) -> Iterable[Item]:
        """Newest message before `time` [ns] of each topic whose publisher keeps it for late joiners."""


class ReplayClock:
    """Maps the time of whoever plays to the time of the session."""

    def __init__(self, start: int, end: int, rate: float = 1.0) -> None:
        """Stand at the start, paused.

        Args:
            start: Beginning of what is played, unix [ns].
            end: Its end.
            rate: Session seconds in a second.

        Raises:
            ValueError: the rate is out of range.
        """
        self.start, self.end = start, max(start, end)
        self.paused = True
        self.rate = 1.0
        self._at, self._since = start, 0.0
        self.set_rate(0.0, rate)

    def position(self, now: float) -> int:
        """Time of the session [ns] at `now` [s]; stays within start and end."""
        if self.paused:
            return self._at
        passed = max(0.0, now - self._since) * self.rate
        return min(self.end, self._at + round(passed * 1e9))

    def run(self, now: float) -> None:
        """Go on from where it stands."""
        self._anchor(now)
        self.paused = False

    def pause(self, now: float) -> None:
        """Stand still."""
        self._anchor(now)
        self.paused = True

    def set_rate(self, now: float, rate: float) -> None:
        """Go on at another rate.

        Raises:
            ValueError: it is not within SLOWEST and FASTEST.
        """
        if not SLOWEST <= rate <= FASTEST:
            raise ValueError(f"rate: {rate} is not within {SLOWEST:g} and {FASTEST:g}")
        self._anchor(now)
        self.rate = rate

    def move_to(self, now: float, position: int) -> None:
        """Stand, or go on, at another time of the session [ns]."""
        self._at, self._since = min(self.end, max(self.start, position)), now

    def _anchor(self, now: float) -> None:
        self._at, self._since = self.position(now), now


class Player:
    """Hands out messages when they are due."""

    def __init__(self, source: Source, clock: ReplayClock) -> None:
        """Begin where the clock stands, with what was latched then."""
        self.clock = clock
        self._source = source
        self._messages: Iterator[Item] = iter(())
        self._next: Item | None = None
        self.seek(0.0, clock.position(0.0))

    def due(self, now: float) -> list[Item]:
        """Messages whose time has come by `now` [s], in order; at most MOST_AT_ONCE, the rest at the next call."""
        position = self.clock.position(now)
        taken: list[Item] = []
        while self._next is not None and self._next.time <= position and len(taken) < MOST_AT_ONCE:
            taken.append(self._next)
            self._next = next(self._messages, None)
        return taken

    def step(self, now: float, duration: int) -> None:
        """Pause, and move on by `duration` [ns] of the session: what lies within is due."""
        self.clock.pause(now)
        self.clock.move_to(now, self.clock.position(now) + duration)

    def seek(self, now: float, position: int) -> None:
        """Go to a time of the session [ns]; what was latched then is due first."""
        self.clock.move_to(now, position)
        self._sought = self.clock.position(now)
        self._messages = self._from(self._sought)
        self._next = next(self._messages, None)

    def behind(self, now: float) -> float:
        """How late the next message is [s of the session]; 0 while all is in time."""
        if self._next is None:
            return 0.0
        return max(0, self.clock.position(now) - max(self._next.time, self._sought)) * 1e-9

    def ended(self, now: float) -> bool:
        """Everything up to the end has been handed out."""
        over = self._next is None or self._next.time > self.clock.end
        return over and self.clock.position(now) >= self.clock.end

    def _from(self, position: int) -> Iterator[Item]:
        yield from sorted(self._source.latched_before(position), key=lambda item: item.time)
        yield from self._source.since(position)
