"""Whatever a device does, there is an answer; when it vanishes or yields rubbish, the operator is absent."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from teleop_console.devices.device import DeviceError, DeviceLostError, DeviceSample
from teleop_console.watched_device import RECONNECT_EVERY, WatchedDevice, rubbish_in
from teleop_core.se3 import Pose
from teleop_core.signals import HandSignal

UPRIGHT = np.array((0.0, 0.0, 0.0, 1.0))


def hand(name: str = "MTML", x: float = 0.1) -> HandSignal:
    return HandSignal(name, Pose(np.array((x, 0.0, 0.3)), UPRIGHT), (0.0,) * 3, (0.0,) * 3, 0.5)


def good(x: float = 0.1) -> DeviceSample:
    return DeviceSample((hand("MTML", x), hand("MTMR", -x)), True, True, False)


class FileDevice:
    """A device whose cable is a file: it is there while the file is there, and gives what it is told to."""

    performs_gesture = False

    def __init__(self, cable: Path) -> None:
        self.cable = cable
        self.sample = good()
        self.error: Exception = DeviceLostError("device 'file': unplugged")
        self.connections = 0
        cable.touch()

    def connect(self) -> None:
        self.connections += 1
        if not self.cable.exists():
            raise DeviceError("device 'file': not plugged in")

    def read(self, now: float) -> DeviceSample:
        if not self.cable.exists():
            raise self.error
        return self.sample

    def close(self) -> None:
        """Nothing to let go of."""


@pytest.fixture
def device(tmp_path: Path) -> FileDevice:
    return FileDevice(tmp_path / "cable")


def spoiled(**changes: object) -> DeviceSample:
    """A good sample whose right hand has something wrong."""
    sample = good()
    return replace(sample, hands=(sample.hands[0], replace(sample.hands[1], **changes)))


RUBBISH = [
    spoiled(pose=Pose(np.array((math.nan, 0.0, 0.3)), UPRIGHT)),
    spoiled(pose=Pose(np.array((0.0, 0.0, math.inf)), UPRIGHT)),
    spoiled(pose=Pose(np.array((-0.1, 0.0, 3.0)), UPRIGHT)),
    spoiled(pose=Pose(np.array((-0.1, 0.0, 0.3)), np.array((0.0, 0.0, 0.0, 1.01)))),
    spoiled(pose=Pose(np.array((-0.1, 0.0, 0.3)), np.array((math.nan, 0.0, 0.0, 1.0)))),
    spoiled(linear=(0.0, math.nan, 0.0)),
    spoiled(angular=(math.inf, 0.0, 0.0)),
    spoiled(gripper=math.nan),
    spoiled(gripper=4.0),
    spoiled(name="PSM1"),
    spoiled(name="MTML"),
]


@pytest.mark.parametrize("sample", RUBBISH)
def test_rubbish_makes_the_operator_absent_and_is_counted(device: FileDevice, sample: DeviceSample) -> None:
    """The last good hands, nobody present, no pedal; then the device works again."""
    watched = WatchedDevice(device)
    before = watched.read(0.0)
    assert before.operator_present
    device.sample = sample
    bad = watched.read(0.005)
    assert (bad.operator_present, bad.clutch, bad.camera) == (False, False, False)
    assert bad.hands == before.hands
    assert watched.rubbish == 1
    assert watched.problem
    device.sample = good()
    assert watched.read(0.01).operator_present
    assert watched.problem == ""


def test_a_good_sample_is_not_rubbish() -> None:
    """Nor is one without hands."""
    assert rubbish_in(good()) == ""
    assert rubbish_in(DeviceSample((), True, False, False)) == ""


def test_a_jump_is_rubbish_and_a_fast_hand_is_not(device: FileDevice) -> None:
    """10 cm in 5 ms no hand can do; 4 m/s is fast but possible."""
    watched = WatchedDevice(device)
    watched.read(0.0)
    device.sample = good(0.12)
    assert watched.read(0.005).operator_present
    device.sample = good(0.22)
    assert not watched.read(0.010).operator_present
    assert "jump" in watched.problem


def test_a_hand_that_stays_elsewhere_is_believed_after_a_while(device: FileDevice) -> None:
    """A tracker that found itself again may go on: nothing moves before a new engagement."""
    watched = WatchedDevice(device)
    watched.read(0.0)
    device.sample = good(0.6)
    answers = [watched.read(0.005 * tick).operator_present for tick in range(1, 60)]
    assert not answers[0]
    assert answers[-1]


@pytest.mark.parametrize("error", [DeviceLostError("gone"), OSError("no such device"), RuntimeError("driver broke")])
def test_a_vanished_device_is_absent_then_connected_again(device: FileDevice, error: Exception) -> None:
    """One attempt a second; back in place it is read again, wherever the hands are."""
    watched = WatchedDevice(device)
    watched.read(0.0)
    device.error = error
    device.cable.unlink()
    assert not watched.read(0.1).operator_present
    assert watched.problem == str(error)
    for tick in range(50):
        assert not watched.read(0.2 + 0.1 * tick).operator_present
    assert 4 <= device.connections <= 5
    assert watched.lost == 1
    device.cable.touch()
    device.sample = good(0.5)
    assert watched.read(5.2 + RECONNECT_EVERY).operator_present
    assert watched.problem == ""


def test_a_device_that_never_gave_anything_has_no_hands(device: FileDevice) -> None:
    """Absent, without inventing a pose."""
    device.sample = RUBBISH[0]
    assert WatchedDevice(device).read(0.0) == DeviceSample((), False, False, False)
