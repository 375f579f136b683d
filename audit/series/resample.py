"""Series on a common time base. Nothing is extrapolated: outside of what was recorded, and across gaps, it is NaN."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from audit.series.model import Floats

_SLERP_LINEAR_ABOVE = 1.0 - 1e-10


def grid(since: float, until: float, rate: float) -> Floats:
    """Times from `since` on, before `until` [s], at a rate [Hz]."""
    steps: Floats = np.arange(max(0, int(np.ceil((until - since) * rate - 1e-9))), dtype=np.float64)
    return since + steps / rate


def _neighbours(time: Floats, base: Floats, longest_gap: float) -> tuple[NDArray[np.intp], Floats, NDArray[np.bool_]]:
    """Index of the sample before each instant, fraction of the way to the next one, and whether both may be used."""
    before = np.clip(np.searchsorted(time, base, side="right") - 1, 0, max(len(time) - 2, 0))
    step = time[before + 1] - time[before]
    fraction = np.where(step > 0.0, (base - time[before]) / np.where(step > 0.0, step, 1.0), 0.0)
    valid = (base >= time[0]) & (base <= time[-1]) & ((step <= longest_gap) | (fraction == 0.0) | (fraction == 1.0))
    return before, np.clip(fraction, 0.0, 1.0), valid


def linear(time: Floats, value: Floats, base: Floats, longest_gap: float = np.inf) -> Floats:
    """Linear interpolation.

    Args:
        time: (n,) times of the samples, rising [s].
        value: (n,) or (n, k) samples.
        base: (m,) times wanted [s].
        longest_gap: Between samples further apart than this nothing is interpolated [s].

    Returns:
        (m,) or (m, k) values; NaN outside of the samples and in gaps.
    """
    result = np.full((len(base), *value.shape[1:]), np.nan)
    if len(time) < 2:
        return result
    before, fraction, valid = _neighbours(time, base, longest_gap)
    weight = fraction.reshape(-1, *(1,) * (value.ndim - 1))
    result[valid] = ((1.0 - weight) * value[before] + weight * value[before + 1])[valid]
    return result


def slerp(time: Floats, quaternion: Floats, base: Floats, longest_gap: float = np.inf) -> Floats:
    """Spherical interpolation of unit quaternions along the shorter arc.

    Args:
        time: (n,) times of the samples, rising [s].
        quaternion: (n, 4) x, y, z, w.
        base: (m,) times wanted [s].
        longest_gap: Between samples further apart than this nothing is interpolated [s].

    Returns:
        (m, 4) unit quaternions; NaN outside of the samples and in gaps.
    """
    result = np.full((len(base), 4), np.nan)
    if len(time) < 2:
        return result
    before, fraction, valid = _neighbours(time, base, longest_gap)
    start, end = quaternion[before], quaternion[before + 1]
    cosine = np.sum(start * end, axis=1)
    end = np.where(cosine[:, None] < 0.0, -end, end)
    cosine = np.clip(np.abs(cosine), 0.0, 1.0)
    angle = np.arccos(cosine)
    close = cosine > _SLERP_LINEAR_ABOVE
    sine = np.where(close, 1.0, np.sin(angle))
    first = np.where(close, 1.0 - fraction, np.sin((1.0 - fraction) * angle) / sine)
    second = np.where(close, fraction, np.sin(fraction * angle) / sine)
    mixed = first[:, None] * start + second[:, None] * end
    norm = np.linalg.norm(mixed, axis=1, keepdims=True)
    valid &= np.isfinite(norm[:, 0]) & (norm[:, 0] > 0.0)
    result[valid] = (mixed / np.where(norm > 0.0, norm, 1.0))[valid]
    return result


def hold(time: Floats, value: Floats, base: Floats, end: float, longest: float = np.inf) -> Floats:
    """Zero-order hold: each sample counts until the next one.

    Args:
        time: (n,) times of the samples, rising [s].
        value: (n,) or (n, k) samples.
        base: (m,) times wanted [s].
        end: The last sample counts until here [s].
        longest: No sample counts for longer than this [s].

    Returns:
        (m,) or (m, k) values; NaN before the first sample, after `end`, and where the last sample is too old.
    """
    result = np.full((len(base), *value.shape[1:]), np.nan)
    if not len(time):
        return result
    before = np.searchsorted(time, base, side="right") - 1
    age = base - time[np.maximum(before, 0)]
    valid = (before >= 0) & (base <= end) & (age <= longest)
    result[valid] = value[before[valid]]
    return result
