"""What every input device of the console looks like to the rest of the suite.

A device is connected, read as often as commands are sent, and closed. It gives poses in the display frame (CRTK axes:
X to the left as the operator sees it, Y up, Z away from the operator).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from teleop_core.session import SessionLimits
from teleop_core.signals import HandSignal

LARGEST_COORDINATE = SessionLimits.max_reach
"""No hand is farther from the display than this along any axis [m]; the patient side would refuse it too."""
LARGEST_GRIPPER = SessionLimits.max_gripper
"""Largest angle of a gripper, either sign [rad]."""


class DeviceError(ValueError):
    """A device cannot be used; the text names the device, the field and the value."""


class DeviceLostError(DeviceError):
    """A connected device stopped answering; it may be connected again."""


@dataclass(frozen=True)
class DeviceSample:
    """Hands and feet at one instant.

    Attributes:
        hands: At most one entry per master arm, display frame.
        operator_present: Someone is at the device and means to operate.
        clutch: Clutch pedal pressed.
        camera: Camera pedal pressed.
        coag: Pedal of the energy device pressed; it moves nothing and is only told to CRTK clients.
    """

    hands: tuple[HandSignal, ...]
    operator_present: bool
    clutch: bool
    camera: bool
    coag: bool = False


class MasterDevice(Protocol):
    """An input device.

    Attributes:
        performs_gesture: No person is behind the device, so the console makes the engagement gesture for it.
    """

    performs_gesture: bool

    def connect(self) -> None:
        """Get ready to be read; called again after `DeviceLostError`.

        Raises:
            DeviceError: the device cannot be used.
        """

    def read(self, now: float) -> DeviceSample:
        """Hands and feet at the monotonic time `now` [s], which never goes back between reads.

        Raises:
            DeviceLostError: the device stopped answering.
        """

    def close(self) -> None:
        """Let go of the device; allowed at any time."""
