"""Smoothness of a motion from its speed profile: spectral arc length and log dimensionless jerk.

Both as Balasubramanian, Melendez-Calderon, Roby-Brami and Burdet define them (J NeuroEng Rehabil 12:112, 2015).
"""

from __future__ import annotations

import numpy as np

from audit.series.model import Floats

SPARC_HIGHEST = 10.0
"""Highest frequency of the spectral arc length [Hz]."""
SPARC_THRESHOLD = 0.05
"""Share of the largest amplitude below which the spectrum no longer counts."""
SPARC_PADDING = 4
"""The spectrum is taken of so many powers of two more samples than there are."""


def sparc(speed: Floats, rate: float) -> float:
    """Spectral arc length of a speed profile: minus the length of its normalised amplitude spectrum, 0 is smoothest.

    Args:
        speed: (n,) speeds, any unit.
        rate: Sampling rate [Hz].
    """
    size = 2 ** (int(np.ceil(np.log2(len(speed)))) + SPARC_PADDING)
    amplitude = np.abs(np.fft.rfft(speed, size))
    frequency = np.fft.rfftfreq(size, 1.0 / rate)
    if not amplitude.max() > 0.0:
        return float("nan")
    amplitude = amplitude / amplitude.max()
    counts = np.flatnonzero((frequency <= SPARC_HIGHEST) & (amplitude >= SPARC_THRESHOLD))
    kept = slice(counts[0], counts[-1] + 1)
    frequency, amplitude = frequency[kept], amplitude[kept]
    if len(frequency) < 2:
        return float("nan")
    across = np.diff(frequency) / (frequency[-1] - frequency[0])
    return -float(np.sum(np.hypot(across, np.diff(amplitude))))


def ldlj(speed: Floats, rate: float) -> float:
    """Log dimensionless jerk of a speed profile, nearer to 0 is smoother.

    Args:
        speed: (n,) speeds, any unit.
        rate: Sampling rate [Hz].
    """
    peak = float(np.max(speed))
    jerk = np.gradient(np.gradient(speed, 1.0 / rate), 1.0 / rate)
    integral = float(np.sum(jerk**2)) / rate
    duration = len(speed) / rate
    if not (peak > 0.0 and integral > 0.0):
        return float("nan")
    return -float(np.log(integral * duration**3 / peak**2))
