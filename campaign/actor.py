"""A process of the campaign that does what it is told: one JSON object a line on stdin, one answer a line on stdout.

Orders ``{"id": n, "do": "name", ...}`` call the method ``do_name``; the answer ``{"id": n, "at": t}`` gives the
monotonic time just before it was carried out. Orders are carried out in the thread that runs the node's callbacks.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from collections import deque
from typing import Any

OBEY_EVERY = 0.002
"""Time between looks at the orders [s]."""


class Actor:
    """Carries out orders; subclasses have methods ``do_<name>``."""

    def begin_listening(self) -> None:
        """Read orders from stdin from now on."""
        self._orders: deque[dict[str, Any]] = deque()
        threading.Thread(target=self._listen, daemon=True, name="orders").start()

    def obey(self) -> None:
        """Carry out what was ordered meanwhile; to be called every OBEY_EVERY seconds."""
        while self._orders:
            order = self._orders.popleft()
            at = time.monotonic()
            answer: dict[str, Any] = {"id": order.pop("id"), "at": at}
            try:
                answer["value"] = getattr(self, f"do_{order.pop('do')}")(**order)
            except Exception as error:  # told to the campaign, which ends
                answer["error"] = f"{type(error).__name__}: {error}"
            say(answer)

    def _listen(self) -> None:
        for line in sys.stdin:
            self._orders.append(json.loads(line))


def say(content: Any) -> None:
    """One line to the campaign."""
    sys.stdout.write(json.dumps(content) + "\n")
    sys.stdout.flush()
