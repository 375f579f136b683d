"""What CRTK clients are told of their commands that were refused or limited, and how often."""

from __future__ import annotations

TELL_EVERY = 1.0
"""What may come a thousand times a second is told once in this time [s]."""


class Teller:
    """Texts for the client, each kind at most once a second; of what is left out the newest is told, and the number.

    Attributes:
        refused: Commands refused since the start, by what they asked for.
    """

    def __init__(self) -> None:
        """Nothing told yet."""
        self.refused: dict[str, int] = {}
        self._texts: list[str] = []
        self._told_at: dict[str, float] = {}
        self._unsaid: dict[str, tuple[int, str]] = {}

    def refuse(self, now: float, command: str, text: str) -> None:
        """A command was refused at `now` [s], for this reason."""
        self.refused[command] = self.refused.get(command, 0) + 1
        self.tell(now, f"{command} refused", text)

    def tell(self, now: float, kind: str, text: str) -> None:
        """Say something of this kind at `now` [s]."""
        told_at = self._told_at.get(kind)
        if told_at is not None and now - told_at < TELL_EVERY:
            self._unsaid[kind] = (self._unsaid_of(kind) + 1, text)
            return
        unsaid = self._unsaid_of(kind)
        self._unsaid.pop(kind, None)
        self._told_at[kind] = now
        self._texts.append(f"{kind}: {text}" + (f" (and {unsaid} more)" if unsaid else ""))

    def step(self, now: float) -> None:
        """Say at `now` [s] what had to wait and has waited long enough: nobody is left without an answer."""
        for kind in [kind for kind in self._unsaid if now - self._told_at[kind] >= TELL_EVERY]:
            count, text = self._unsaid.pop(kind)
            if count > 1:
                self._unsaid[kind] = (count - 1, text)
            self.tell(now, kind, text)

    def _unsaid_of(self, kind: str) -> int:
        return self._unsaid.get(kind, (0, ""))[0]

    def take(self) -> list[str]:
        """What is to be said since the last call."""
        taken, self._texts = self._texts, []
        return taken
