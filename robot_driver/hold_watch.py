"""Did the command gate hold an arm that was being driven? Told by its reports, however short the hold was."""

from __future__ import annotations

SETTLED_AFTER = 0.3
"""Before commands have been sent for this long [s] a report may still be of the hold that they ended."""
COUNTS_AFTER = 0.05
"""The same for a further hold: each is reported when it begins, so only its way here counts [s]."""


class HoldWatch:
    """One arm, as the kinematics drive it.

    The gate counts its holds, so one that began and ended between two reports is seen all the same; so is a driver
    that was started anew and counts from nothing.
    """

    def __init__(self) -> None:
        """Nothing is driven, nothing was told."""
        self._driven_since: float | None = None
        self._holds: int | None = None

    def driven(self, now: float) -> None:
        """A command is sent at `now` [s]."""
        if self._driven_since is None:
            self._driven_since = now

    def let_go(self) -> None:
        """No command is sent any more."""
        self._driven_since = None

    def told(self, now: float, holding: bool, holds: int) -> bool:
        """The gate reports at `now` [s]; True if it held the arm although it was being driven.

        Args:
            now: Monotonic time [s].
            holding: It holds the arm.
            holds: How often it has begun to hold it since the driver started.
        """
        more = self._holds is not None and holds != self._holds
        self._holds = holds
        driven_for = 0.0 if self._driven_since is None else now - self._driven_since
        return (holding and driven_for > SETTLED_AFTER) or (more and driven_for > COUNTS_AFTER)
