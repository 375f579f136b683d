"""Holding a permit: it ends by itself, on the holder's own clock."""

from __future__ import annotations


class PermitHolder:
    """The newest permit of the safety monitor, as a node that commands motion holds it."""

    def __init__(self) -> None:
        """No permit at first."""
        self._sequence = 0
        self._until = float("-inf")

    def take(self, now: float, granted: bool, sequence: int, lease: float) -> None:
        """A permit arrived at monotonic time `now` [s]; it lasts `lease` [s]. One that does not rise is dropped."""
        if sequence > self._sequence and 0.0 < lease <= 1.0:
            self._sequence = sequence
            self._until = now + lease if granted else float("-inf")

    def valid(self, now: float) -> bool:
        """Motion is permitted at `now` [s]."""
        return now <= self._until
