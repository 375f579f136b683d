"""From the name that a person gives to the device it means."""

from __future__ import annotations

from pathlib import Path

from teleop_console.devices.builtin_surgeon import BuiltInSurgeon
from teleop_console.devices.device import DeviceError, MasterDevice
from teleop_console.devices.gamepad import Gamepad
from teleop_console.devices.recorded_hands import RecordedHands
from teleop_core.graph import BUILT_IN_SURGEON

GAMEPAD = "gamepad"


def open_device(name: str, seed: int) -> MasterDevice:
    """Make the device, not yet connected.

    Args:
        name: "surgeon" (built in), "gamepad", or the path of a file of recorded hands.
        seed: Seed of the built-in surgeon.

    Raises:
        DeviceError: the name is empty.
    """
    if name == BUILT_IN_SURGEON:
        return BuiltInSurgeon(seed)
    if name == GAMEPAD:
        return Gamepad()
    if not name:
        raise DeviceError(f"device: {name!r} is neither {BUILT_IN_SURGEON}, {GAMEPAD} nor a file of recorded hands")
    return RecordedHands(Path(name))
