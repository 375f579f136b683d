"""Statistics of a session in bounded memory: samples for exact percentiles, curves and paths for the pictures."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

EXACT_SAMPLES = 4_000_000
"""Samples kept per quantity: an hour of two arms at 500 Hz, 16 MB."""
CURVE_POINTS = 3000
PATH_POINTS = 20_000

Point = tuple[float, float, float]


class SampleSet:
    """All samples of one quantity, for percentiles and the largest value.

    Percentiles are exact up to `capacity` samples. After that each sample seen so far is kept with equal probability
    (reservoir sampling, Vitter's algorithm R); the largest value stays exact. Values that are not finite are left out.

    Args:
        capacity: Samples kept.
        seed: Seed of the reservoir's choice.
    """

    def __init__(self, capacity: int = EXACT_SAMPLES, seed: int = 0) -> None:
        self.capacity = capacity
        self.seen = 0
        self.maximum: float | None = None
        self._values = np.empty(min(1024, capacity), dtype=np.float32)
        self._random = np.random.default_rng(seed)

    def add(self, values: ArrayLike) -> None:
        """Add samples, shape (n,)."""
        batch = np.asarray(values, dtype=np.float32).reshape(-1)
        batch = batch[np.isfinite(batch)]
        if batch.size == 0:
            return
        largest = float(batch.max())
        self.maximum = largest if self.maximum is None else max(self.maximum, largest)
        kept = batch[: max(0, self.capacity - self.seen)]
        if kept.size:
            self._reserve(self.seen + kept.size)
            self._values[self.seen : self.seen + kept.size] = kept
            self.seen += int(kept.size)
        self._replace(batch[kept.size :])

    def percentile(self, share: float) -> float | None:
        """Value below which `share` [%] of the samples lie, linearly interpolated; None without samples."""
        count = min(self.seen, self.capacity)
        return float(np.percentile(self._values[:count], share)) if count else None

    def _reserve(self, size: int) -> None:
        if size > self._values.size:
            grown = np.empty(min(self.capacity, max(size, 2 * self._values.size)), dtype=np.float32)
            grown[: self.seen] = self._values[: self.seen]
            self._values = grown

    def _replace(self, batch: NDArray[np.float32]) -> None:
        if batch.size == 0:
            return
        numbers = self.seen + 1 + np.arange(batch.size)
        places = self._random.integers(0, numbers)
        chosen = places < self.capacity
        self._values[places[chosen]] = batch[chosen]
        self.seen += int(batch.size)


class Envelope:
    """A quantity over time for a picture: median and largest value of each interval.

    When full, neighbouring intervals are merged, so that a short peak stays visible however long the session.

    Args:
        interval: Length of an interval [s]; doubles with every merge.
        points: Most intervals kept.
    """

    def __init__(self, interval: float = 0.1, points: int = CURVE_POINTS) -> None:
        self.interval = interval
        self.points = points
        self._rows: list[Point] = []
        self._pending: list[Point] = []

    def add(self, time: float, values: ArrayLike) -> None:
        """Add samples, shape (n,), that arrived at `time` [s]."""
        batch = np.asarray(values, dtype=float).reshape(-1)
        batch = batch[np.isfinite(batch)]
        if batch.size == 0:
            return
        if self._pending and time - self._pending[0][0] >= self.interval:
            self._rows.append(_merged(self._pending))
            self._pending = []
        self._pending.append((time, float(np.median(batch)), float(batch.max())))
        if len(self._rows) >= self.points:
            self._rows = [_merged(self._rows[i : i + 2]) for i in range(0, len(self._rows), 2)]
            self.interval *= 2.0

    def table(self) -> NDArray[np.float64]:
        """Rows of time, median, largest value; shape (n, 3)."""
        rows = [*self._rows, _merged(self._pending)] if self._pending else self._rows
        return np.array(rows, dtype=float).reshape(-1, 3)


def _merged(rows: Sequence[Point]) -> Point:
    return rows[-1][0], float(np.mean([row[1] for row in rows])), max(row[2] for row in rows)


class PathTrace:
    """A path in space for a picture: every n-th point, n doubling whenever the path is full.

    A gap (the tool did not follow) is a row of NaN, at which a drawn line breaks.
    """

    def __init__(self, points: int = PATH_POINTS) -> None:
        self.points = points
        self._rows: list[Point] = []
        self._stride = 1
        self._offered = 0

    def add(self, position: Sequence[float]) -> None:
        """Add a point, shape (3,) [m]."""
        self._offered += 1
        if self._offered % self._stride == 0:
            self._append((float(position[0]), float(position[1]), float(position[2])))

    def gap(self) -> None:
        """Break the line."""
        if self._rows and not math.isnan(self._rows[-1][0]):
            self._append((math.nan, math.nan, math.nan))

    def table(self) -> NDArray[np.float64]:
        """Points, shape (n, 3) [m], with rows of NaN at gaps."""
        return np.array(self._rows, dtype=float).reshape(-1, 3)

    def _append(self, row: Point) -> None:
        self._rows.append(row)
        if len(self._rows) >= self.points:
            self._rows = [_thinned(self._rows[i : i + 2]) for i in range(0, len(self._rows), 2)]
            self._stride *= 2


def _thinned(pair: Sequence[Point]) -> Point:
    """The first of two points, or the gap if one of them is one."""
    return next((point for point in pair if math.isnan(point[0])), pair[0])
