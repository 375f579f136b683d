"""When a console begins to send: not before the patient side can hear it, so that no command is lost."""

from __future__ import annotations

UNHEARD = 3.0
"""Where something listens but the patient side is not heard, commands begin after this time [s]."""


class StartOfSending:
    """Decides once; what has begun goes on, as the patient side judges silence by itself.

    Attributes:
        begun: Commands are sent.
    """

    def __init__(self) -> None:
        """Nothing is sent at first."""
        self.begun = False
        self._listener_since: float | None = None

    def update(self, now: float, listeners: int, heard: bool) -> bool:
        """Say whether commands are sent.

        Args:
            now: Monotonic time [s].
            listeners: How many subscriptions the commands have.
            heard: The patient side speaks.
        """
        if listeners == 0:
            self._listener_since = None
        elif self._listener_since is None:
            self._listener_since = now
        if self._listener_since is not None and (heard or now - self._listener_since >= UNHEARD):
            self.begun = True
        return self.begun
