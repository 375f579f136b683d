"""How regularly the servo loop runs, and how long its work takes."""

from __future__ import annotations

import math
from dataclasses import dataclass

LATE = 1.5
"""A period counts as an overrun when it takes this many nominal ones."""


@dataclass(frozen=True)
class PeriodStatistics:
    """One interval; times [s], NaN where there was nothing to measure.

    Attributes:
        period: Mean, standard deviation, smallest and largest time between two periods.
        compute: The same of the time that the work took.
        samples: Periods in the interval.
        overruns: Of these, those that took too long.
        interval: Length of the interval.
    """

    period: tuple[float, float, float, float]
    compute: tuple[float, float, float, float]
    samples: int
    overruns: int
    interval: float


class _Sums:
    def __init__(self) -> None:
        self.count, self.sum, self.squares = 0, 0.0, 0.0
        self.smallest, self.largest = math.inf, -math.inf

    def add(self, value: float) -> None:
        self.count += 1
        self.sum += value
        self.squares += value * value
        self.smallest, self.largest = min(self.smallest, value), max(self.largest, value)

    def summary(self) -> tuple[float, float, float, float]:
        if not self.count:
            return (math.nan,) * 4
        mean = self.sum / self.count
        spread = math.sqrt(max(0.0, self.squares / self.count - mean * mean))
        return mean, spread, self.smallest, self.largest


class PeriodWatch:
    """Adds up servo periods until it is asked."""

    def __init__(self, period: float) -> None:
        """`period`: nominal servo period [s]."""
        self._nominal = period
        self._began_at: float | None = None
        self._forget(math.nan)

    def note(self, began_at: float, ended_at: float) -> None:
        """The work of one period began and ended, monotonic [s]."""
        if self._began_at is None:
            self._interval_from = began_at
        else:
            self._periods.add(began_at - self._began_at)
            self._overruns += not began_at - self._began_at <= LATE * self._nominal
        self._computes.add(ended_at - began_at)
        self._began_at = began_at

    def take(self) -> PeriodStatistics:
        """Statistics since the last call."""
        until = self._began_at if self._began_at is not None else math.nan
        taken = PeriodStatistics(
            period=self._periods.summary(),
            compute=self._computes.summary(),
            samples=self._periods.count,
            overruns=self._overruns,
            interval=until - self._interval_from,
        )
        self._forget(until)
        return taken

    def _forget(self, since: float) -> None:
        self._periods, self._computes, self._overruns = _Sums(), _Sums(), 0
        self._interval_from = since
