"""Runs a node of the suite so that its Python thread can be made to hang or to be late, from outside.

Usage: python -m campaign.node_host PARENT_PID NAME ORDERS TARGET [arguments of the node]

SIGUSR1: the thread that runs the node's callbacks sleeps once; the middleware's own threads live on.
SIGUSR2: it sleeps again and again, as if its callbacks took too long.
ORDERS is a file with JSON: ``{"hang": s}`` or ``{"busy": s, "gap": s, "duration": s}``.
The node itself is the product's, unchanged: Python runs signal handlers in the thread that runs the callbacks.
"""

from __future__ import annotations

import json
import signal
import sys
import time
from pathlib import Path
from types import FrameType

from teleop_cli.child import run_target, show_name, tie_to_parent


class Lateness:
    """What the signals do."""

    def __init__(self, orders: Path) -> None:
        """Obey the file `orders`."""
        self._orders = orders
        self._busy = 0.0
        self._ends_at = 0.0

    def install(self) -> None:
        """Take the three signals."""
        signal.signal(signal.SIGUSR1, self.hang)
        signal.signal(signal.SIGUSR2, self.begin_overrun)
        signal.signal(signal.SIGALRM, self.overrun)

    def hang(self, _number: int, _frame: FrameType | None) -> None:
        """Sleep once."""
        time.sleep(float(self._read()["hang"]))

    def begin_overrun(self, _number: int, _frame: FrameType | None) -> None:
        """Begin to be late."""
        orders = self._read()
        self._busy = float(orders["busy"])
        self._ends_at = time.monotonic() + float(orders["duration"])
        signal.setitimer(signal.ITIMER_REAL, 0.001, self._busy + float(orders["gap"]))

    def overrun(self, _number: int, _frame: FrameType | None) -> None:
        """Be late once more, or stop being late."""
        if time.monotonic() >= self._ends_at:
            signal.setitimer(signal.ITIMER_REAL, 0.0)
            return
        time.sleep(self._busy)

    def _read(self) -> dict[str, float]:
        content: dict[str, float] = json.loads(self._orders.read_text(encoding="utf-8"))
        return content


def main() -> int:
    """Become the node, with the signals taken."""
    parent, name, orders, target, *arguments = sys.argv[1:]
    tie_to_parent(int(parent))
    show_name(name)
    Lateness(Path(orders)).install()
    sys.argv = [name, *arguments]
    return run_target(target)


if __name__ == "__main__":
    sys.exit(main())
