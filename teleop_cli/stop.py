"""How a person or the system asks a session to end."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterator
from dataclasses import dataclass

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@dataclass
class Stop:
    """Which signal asked the session to end; None as long as none did."""

    signal: int | None = None


@contextlib.contextmanager
def noted_signals() -> Iterator[Stop]:
    """Note SIGINT, SIGTERM and SIGHUP instead of being ended by them: the arms hold first, the nodes end, then we."""
    stop = Stop()

    def note(number: int, _frame: object) -> None:
        stop.signal = stop.signal or number

    before = {number: signal.signal(number, note) for number in SIGNALS}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
