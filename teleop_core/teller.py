"""What CRTK clients are told of their commands that were refused or limited, and how often."""

from __future__ import annotations

TELL_EVERY = 1.0
"""What may come a thousand times a second is told once in this time [s]."""


class Teller:
    """Texts for the client, each kind at most once a second; what is left out is counted and told with the next.

    Attributes:
        refused: Commands refused since the start, by what they asked for.
    """

    def __init__(self) -> None:
        """Nothing told yet."""
        self.refused: dict[str, int] = {}
        self._texts: list[str] = []
        self._told_at: dict[str, float] = {}
        self._unsaid: dict[str, int] = {}

    def refuse(self, now: float, command: str, text: str) -> None:
        """A command was refused at `now` [s], for this reason."""
        self.refused[command] = self.refused.get(command, 0) + 1
        self.tell(now, f"{command} refused", text)

    def tell(self, now: float, kind: str, text: str) -> None:
        """Say something of this kind at `now` [s]."""
        told_at = self._told_at.get(kind)
        if told_at is not None and now - told_at < TELL_EVERY:
            self._unsaid[kind] = self._unsaid.get(kind, 0) + 1
            return
        self._told_at[kind] = now
        unsaid = self._unsaid.pop(kind, 0)
        self._texts.append(f"{kind}: {text}" + (f" (and {unsaid} more)" if unsaid else ""))

    def take(self) -> list[str]:
        """What is to be said since the last call."""
        taken, self._texts = self._texts, []
        return taken
