"""CPU time of the processes of a session."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping

import psutil


class CpuShares:
    """Mean share of one core by process, from now on.

    Args:
        processes: Process id by name.
        now: Time at which the measurement begins [s].
    """

    def __init__(self, processes: Mapping[str, int], now: float) -> None:
        self._processes = dict(processes)
        self._began = now
        self._ended: float | None = None
        self._used = dict.fromkeys(processes, 0.0)
        self._sample()
        self._start = dict(self._used)

    def end(self, now: float) -> None:
        """The measurement ends [s]."""
        self._sample()
        self._ended = now

    def shares(self, now: float) -> dict[str, float]:
        """Share of one core by name; a process that is gone keeps the time it was last seen with."""
        if self._ended is None:
            self._sample()
        elapsed = max(1e-3, (self._ended or now) - self._began)
        return {name: (used - self._start[name]) / elapsed for name, used in self._used.items()}

    def _sample(self) -> None:
        for name, process in self._processes.items():
            with contextlib.suppress(psutil.Error):
                times = psutil.Process(process).cpu_times()
                self._used[name] = times.user + times.system
