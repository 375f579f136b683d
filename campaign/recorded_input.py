"""Hands of a surgeon, recorded into a file and played from it: the same input for every run of a campaign.

A recording is made at run time: from any input device (the built-in surgeon, a file of recorded hands), or from the
decision log of a live session. A line of the file is one sample; the first line says how far they are apart.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

from teleop_console.devices.device import DeviceSample
from teleop_console.devices.registry import open_device
from teleop_core.exact_json import ExactJsonError, Reader, dumps, tree
from teleop_core.graph import BUILT_IN_SURGEON
from teleop_core.signals import OperatorSignal

RATE = 200.0
"""Samples of a recording [Hz]."""


class RecordedInputError(ValueError):
    """A recording cannot be used; says which file, and why."""


class RecordedInput:
    """Samples at equal intervals, played forwards and backwards in turn, so that the hands never jump.

    Attributes:
        rate: Samples per second [Hz].
        samples: Hands and pedals.
    """

    def __init__(self, samples: list[DeviceSample], rate: float = RATE) -> None:
        """Refuses fewer than two samples, and a rate that is none.

        Raises:
            RecordedInputError: says which.
        """
        if len(samples) < 2 or not 1.0 <= rate <= 10_000.0:
            raise RecordedInputError(f"{len(samples)} samples at {rate} Hz are no recording")
        self.samples = samples
        self.rate = rate

    def __deepcopy__(self, _memo: dict[int, Any]) -> RecordedInput:
        """A copy of whatever plays a recording plays the same one."""
        return self

    @property
    def duration(self) -> float:
        """From the first to the last sample [s]."""
        return (len(self.samples) - 1) / self.rate

    def at(self, time: float) -> DeviceSample:
        """Newest sample at a time since the beginning [s], 0 or more."""
        last = len(self.samples) - 1
        index = int(time * self.rate + 1e-6) % (2 * last)
        return self.samples[index if index <= last else 2 * last - index]

    def save(self, path: Path) -> None:
        """Write the file.

        Raises:
            OSError: it cannot be written.
        """
        lines = [json.dumps({"rate": self.rate}), *(dumps(tree(sample)) for sample in self.samples)]
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def load(path: Path) -> RecordedInput:
    """Read a file that `save` wrote.

    Raises:
        RecordedInputError: the file is no recording; names file and line.
        OSError: it cannot be read.
    """
    reader = Reader()
    number = 1
    try:
        first, *lines = path.read_text(encoding="utf-8").splitlines() or [""]
        rate = float(json.loads(first)["rate"])
        samples = []
        for number, line in enumerate(lines, start=2):  # noqa: B007 (the line of an error)
            sample = reader.value(json.loads(line))
            if not isinstance(sample, DeviceSample):
                raise RecordedInputError("not a sample of a device")
            samples.append(sample)
        return RecordedInput(samples, rate)
    except (ValueError, KeyError, TypeError, ExactJsonError) as error:
        raise RecordedInputError(f"{path}, line {number}: {error}") from error


def from_device(name: str, seed: int, duration: float) -> RecordedInput:
    """Sample an input device.

    Args:
        name: "surgeon" (built in), or the path of a file of recorded hands.
        seed: Seed of the built-in surgeon.
        duration: Length of the recording [s].

    Raises:
        DeviceError: the device cannot be used.
    """
    device = open_device(name, seed)
    device.connect()
    try:
        return RecordedInput([device.read(index / RATE) for index in range(math.ceil(duration * RATE) + 1)])
    finally:
        device.close()


def from_decision_log(path: Path, receiver: str = "receiver") -> RecordedInput:
    """Accepted packets of a live session, from the decision log of the kinematics.

    Args:
        path: The decision log.
        receiver: What the receiver of the commands is called there.

    Raises:
        RecordedInputError: the log holds no packets.
        OSError: it cannot be read.
    """
    reader, signals = Reader(), []
    for line in path.read_bytes().splitlines():
        try:
            record = json.loads(line)
        except ValueError:
            continue  # a line that breaks off where the node was ended
        if record.get("of") == receiver and record.get("call") == "receive" and record.get("result") is None:
            signal = reader.value(record["with"])[0][0]
            if isinstance(signal, OperatorSignal):
                signals.append(signal)
    if len(signals) < 2 or not signals[-1].stamp > signals[0].stamp:
        raise RecordedInputError(f"{path}: holds no packets of a {receiver}")
    rate = (len(signals) - 1) / (signals[-1].stamp - signals[0].stamp)
    return RecordedInput(
        [DeviceSample(each.hands, each.operator_present, each.clutch, each.camera) for each in signals], rate
    )


def recorded_input(source: str = BUILT_IN_SURGEON, seed: int = 1, duration: float = 30.0) -> RecordedInput:
    """Recording from whatever a person names: a device, a file of recorded hands, a recording, or a decision log.

    Args:
        source: "surgeon", or a path; a recording made before ends in .jsonl, a decision log in .log.
        seed: Seed of the built-in surgeon.
        duration: Length of what is sampled from a device [s].

    Raises:
        ValueError: it cannot be used; says why.
        OSError: it cannot be read.
    """
    if source.endswith(".jsonl"):
        return load(Path(source))
    if source.endswith(".log"):
        return from_decision_log(Path(source))
    return from_device(source, seed, duration)
