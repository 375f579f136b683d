from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from teleop_cli.statistics import Envelope, PathTrace, SampleSet

SAMPLES = st.lists(st.floats(0.0, 1e3, width=32), min_size=1, max_size=200)


@given(st.lists(SAMPLES, min_size=1, max_size=5), st.sampled_from([0.0, 50.0, 99.0, 100.0]))
def test_percentiles_are_those_of_all_samples(batches: list[list[float]], share: float) -> None:
    """Below its capacity a sample set gives the exact percentile of everything it was given."""
    samples = SampleSet(capacity=1000)
    for batch in batches:
        samples.add(batch)
    everything = np.concatenate([np.asarray(batch, dtype=np.float32) for batch in batches])
    assert samples.percentile(share) == pytest.approx(float(np.percentile(everything, share)))
    assert samples.maximum == float(everything.max())


def test_percentiles_of_an_hour_are_exact() -> None:
    """An hour of two arms at 500 Hz fits: the 99th percentile is that of all 3.6 million samples."""
    generator = np.random.default_rng(3)
    samples, everything = SampleSet(), []
    for _ in range(60):
        batch = generator.gamma(2.0, 1e-3, 60_000).astype(np.float32)
        samples.add(batch)
        everything.append(batch)
    assert samples.percentile(99.0) == pytest.approx(float(np.percentile(np.concatenate(everything), 99.0)))


def test_beyond_the_capacity_memory_is_bounded_and_percentiles_are_close() -> None:
    """A full sample set keeps a fair choice of all samples and the exact maximum."""
    samples = SampleSet(capacity=5000)
    for start in range(0, 100_000, 700):
        samples.add(np.arange(start, min(start + 700, 100_000)) / 1000.0)
    assert samples._values.size == 5000
    assert samples.percentile(50.0) == pytest.approx(50.0, abs=4.0)
    assert samples.maximum == pytest.approx(99.999, abs=1e-3)


def test_what_was_not_measured_is_none() -> None:
    """No samples, or only samples that are not finite, give None and never zero."""
    samples = SampleSet()
    samples.add([float("nan"), float("inf")])
    assert samples.percentile(50.0) is None
    assert samples.maximum is None


@settings(deadline=None)
@given(st.integers(1, 3000), st.integers(0, 2999))
def test_an_envelope_keeps_every_peak(count: int, peak_at: int) -> None:
    """However much is merged, the largest value of a session stays in its curve, and the curve stays short."""
    envelope = Envelope(interval=1.0, points=50)
    for index in range(count):
        envelope.add(float(index), [1.0, 9.0 if index == peak_at else 2.0])
    table = envelope.table()
    assert len(table) <= 51
    assert table[:, 2].max() == (9.0 if peak_at < count else 2.0)
    assert np.all(np.diff(table[:, 0]) > 0.0)


def test_a_long_path_is_thinned_and_stays_in_bounds() -> None:
    """A path never holds more points than allowed and still covers its whole way."""
    path = PathTrace(points=100)
    for index in range(10_000):
        path.add((float(index), 0.0, 0.0))
    table = path.table()
    assert len(table) <= 100
    assert table[0, 0] < 200.0
    assert table[-1, 0] > 9700.0


def test_a_gap_breaks_the_path_even_when_it_is_thinned() -> None:
    """Where the tool did not follow, the drawn line is broken, once, and stays so."""
    path = PathTrace(points=64)
    for index in range(500):
        if index == 250:
            path.gap()
            path.gap()
        path.add((float(index), 0.0, 0.0))
    table = path.table()
    gaps = np.flatnonzero(np.isnan(table[:, 0]))
    assert gaps.size == 1
    assert table[gaps[0] - 1, 0] < 250.0 <= table[gaps[0] + 1, 0]
