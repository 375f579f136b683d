"""Holding a permit: it ends by itself, on the holder's own clock."""

from __future__ import annotations


class PermitHolder:
    """The newest permit of the safety monitor, as a node that commands motion holds it.

    Attributes:
        velocity_ratio: Share of full speed that it permits, 0..1.
    """

    def __init__(self) -> None:
        """No permit at first."""
        self._sequence = 0
        self._until = float("-inf")
        self.velocity_ratio = 0.0

    def take(self, now: float, granted: bool, sequence: int, lease: float, velocity_ratio: float) -> None:
        """A permit arrived; one that does not rise, or whose numbers are out of range, is dropped.

        Args:
            now: Monotonic time of its arrival [s].
            granted: Motion is permitted.
            sequence: Number of the permit.
            lease: How long it lasts from now [s].
            velocity_ratio: Share of full speed that it permits, 0..1.
        """
        if sequence > self._sequence and 0.0 < lease <= 1.0 and 0.0 <= velocity_ratio <= 1.0:
            self._sequence = sequence
            self.velocity_ratio = velocity_ratio
            self._until = now + lease if granted else float("-inf")

    def valid(self, now: float) -> bool:
        """Motion is permitted at `now` [s]."""
        return now <= self._until
