"""`python -m campaign.tremor_figure`: filters of tremor compared on the motion of hands, recorded ones where given.

For each filter: what is left of a tremor of 0.1 mm at 8 to 12 Hz that is added to the motion [dB], how late it makes
the motion below 2 Hz (least squares over shifts) [ms], and how far behind that leaves it (root mean square) [mm].
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np

from teleop_console.devices.builtin_surgeon import BuiltInSurgeon
from teleop_console.devices.device import MasterDevice
from teleop_console.devices.recorded_hands import RecordedHands
from teleop_console.devices.tremor import Tremor
from teleop_core.se3 import FloatArray, Pose
from teleop_core.tremor_filter import TremorFilter

PERIOD = 0.005
VOLUNTARY = 2.0
"""Motion below this frequency is meant [Hz]."""
LONGEST_DELAY = 0.15
_UPRIGHT = np.array([0.0, 0.0, 0.0, 1.0])

Filter = Callable[[FloatArray], FloatArray]


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m campaign.tremor_figure", description="Filters of tremor compared.")
    parser.add_argument("--hands", type=Path, metavar="FILE", help="recorded hands (default: the built-in surgeon)")
    parser.add_argument("--duration", type=float, default=60.0, metavar="SECONDS", help="(default %(default)s)")
    options = parser.parse_args(arguments)
    device: MasterDevice = BuiltInSurgeon(1) if options.hands is None else RecordedHands(options.hands)
    motion = voluntary(hands(device, options.duration))
    tremor = np.array([Tremor(np.random.default_rng(1), 3).at(step * PERIOD)[0] for step in range(len(motion))])
    print(f"{'filter':<34}{'tremor left':>14}{'delay':>10}{'behind':>12}")
    for name, apply in FILTERS.items():
        calm = apply(motion)
        left = 20.0 * math.log10(_rms(apply(motion + tremor) - calm) / _rms(tremor))
        behind = 1e3 * _rms(calm - motion)
        print(f"{name:<34}{left:>11.1f} dB{1e3 * delay(motion, calm):>7.1f} ms{behind:>9.3f} mm")
    return 0


def hands(device: MasterDevice, duration: float) -> FloatArray:
    """Path (n, 3) of the right hand [m]."""
    device.connect()
    samples = [device.read(step * PERIOD) for step in range(round(duration / PERIOD))]
    return np.array([hand.pose.position for sample in samples for hand in sample.hands if hand.name == "MTMR"])


def voluntary(path: FloatArray) -> FloatArray:
    """The part of a path that is slower than VOLUNTARY, without delay."""
    trend = np.linspace(path[0], path[-1], len(path))
    spectrum = np.fft.rfft(path - trend, axis=0)
    spectrum[np.fft.rfftfreq(len(path), PERIOD) > VOLUNTARY] = 0.0
    slow: FloatArray = np.fft.irfft(spectrum, len(path), axis=0) + trend
    return slow


def delay(motion: FloatArray, output: FloatArray) -> float:
    """Shift of the motion that is nearest to the output [s]."""
    times = np.arange(len(motion)) * PERIOD
    shifts = np.arange(0.0, LONGEST_DELAY, 2e-4)
    misses = [
        _rms(output - np.column_stack([np.interp(times - shift, times, axis) for axis in motion.T])) for shift in shifts
    ]
    return float(shifts[int(np.argmin(misses))])


def notches(path: FloatArray) -> FloatArray:
    """The suite's own filter."""
    made = TremorFilter()
    return np.array([made.filtered(step * PERIOD, Pose(place, _UPRIGHT)).position for step, place in enumerate(path)])


def low_pass(cutoff: float) -> Filter:
    """Second-order Butterworth low-pass, trapezoidal rule."""

    def apply(path: FloatArray) -> FloatArray:
        gain = math.tan(math.pi * cutoff * PERIOD)
        band, low, output = np.zeros(3), path[0].copy(), []
        for place in path:
            band_now = (band + gain * (place - low)) / (1.0 + gain * (gain + math.sqrt(2.0)))
            low_now = low + gain * band_now
            band, low = 2.0 * band_now - band, 2.0 * low_now - low
            output.append(low_now)
        return np.array(output)

    return apply


def one_euro(least_cutoff: float, slope: float) -> Filter:
    """Low-pass whose cutoff rises with the speed of the hand (Casiez, Roussel and Vogel 2012)."""

    def apply(path: FloatArray) -> FloatArray:
        value, speed, output = path[0], np.zeros(3), [path[0]]
        for before, place in pairwise(path):
            speed = speed + _share(1.0) * ((place - before) / PERIOD - speed)
            cutoff = least_cutoff + slope * math.sqrt(speed @ speed)
            value = value + _share(cutoff) * (place - value)
            output.append(value)
        return np.array(output)

    return apply


def _share(cutoff: float) -> float:
    rate = 2.0 * math.pi * cutoff * PERIOD
    return rate / (rate + 1.0)


def _rms(values: FloatArray) -> float:
    return float(np.sqrt(np.mean(values**2)))


FILTERS: dict[str, Filter] = {
    "none": lambda path: path,
    "two notches (the suite's)": notches,
    "low-pass 3 Hz": low_pass(3.0),
    "low-pass 4 Hz": low_pass(4.0),
    "low-pass 6 Hz": low_pass(6.0),
    "one euro, 1 Hz + 50 Hz s/m": one_euro(1.0, 50.0),
    "one euro, 2 Hz + 20 Hz s/m": one_euro(2.0, 20.0),
}


if __name__ == "__main__":
    sys.exit(main())
