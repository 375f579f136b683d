"""A device that may fail: when it vanishes or yields rubbish, the operator is absent.

The patient side would refuse rubbish anyway. Here it is told apart from a bad link, counted, and answered by saying
that nobody is there, which holds the arms at once and for a stated reason.
"""

from __future__ import annotations

import math
from dataclasses import replace

from teleop_console.devices.device import LARGEST_COORDINATE, LARGEST_GRIPPER, DeviceError, DeviceSample, MasterDevice
from teleop_core.contract import MASTERS
from teleop_core.se3 import as_floats, is_unit_quaternion
from teleop_core.signals import HandSignal

RECONNECT_EVERY = 1.0
"""Time between attempts to connect a lost device [s]."""
FASTEST_HAND = 5.0
"""Faster than any hand [m/s]: such a jump is a fault of the device."""
_JITTER = 0.002  # However little time has passed, a tracker may be off by this much [m].

_NOBODY = DeviceSample(hands=(), operator_present=False, clutch=False, camera=False)


class WatchedDevice:
    """Reads a device and always has an answer.

    Attributes:
        problem: Why the operator counts as absent; empty while the device works.
        lost: How often the device vanished.
        rubbish: How many samples were refused.
    """

    def __init__(self, device: MasterDevice) -> None:
        """Watch a device that is connected."""
        self._device = device
        self._last_good = _NOBODY
        self._good_at = -math.inf
        self._connected = True
        self._retry_at = -math.inf
        self.problem = ""
        self.lost = 0
        self.rubbish = 0

    def read(self, now: float) -> DeviceSample:
        """Sample at the monotonic time `now` [s]; on any trouble the last good hands, with the operator absent."""
        if not self._connected and not self._reconnect(now):
            return self._absent()
        try:
            sample = self._device.read(now)
            self.problem = rubbish_in(sample) or self._jump_in(sample, now)
        except Exception as error:  # whatever a driver raises means that the device does not answer
            self._lose(now, error)
            return self._absent()
        if self.problem:
            self.rubbish += 1
            return self._absent()
        self._last_good = sample
        self._good_at = now
        return sample

    def close(self) -> None:
        """Let go of the device."""
        self._device.close()

    def _absent(self) -> DeviceSample:
        return replace(_NOBODY, hands=self._last_good.hands)

    def _lose(self, now: float, error: Exception) -> None:
        self._connected = False
        self._retry_at = now + RECONNECT_EVERY
        self.lost += 1
        self.problem = str(error) or type(error).__name__

    def _reconnect(self, now: float) -> bool:
        if now < self._retry_at:
            return False
        self._retry_at = now + RECONNECT_EVERY
        try:
            self._device.connect()
        except (DeviceError, OSError) as error:
            self.problem = str(error)
            return False
        # It may come back with its hands anywhere; nothing moves before a new engagement anyway.
        self._good_at = -math.inf
        self._connected = True
        return True

    def _jump_in(self, sample: DeviceSample, now: float) -> str:
        farthest = FASTEST_HAND * (now - self._good_at) + _JITTER
        before = {hand.name: hand for hand in self._last_good.hands}
        for hand in sample.hands:
            if hand.name in before:
                distance = math.dist(as_floats(hand.pose.position), as_floats(before[hand.name].pose.position))
                if not distance <= farthest:
                    return f"{hand.name}: jump of {distance:.3f} m since the last sample"
        return ""


def rubbish_in(sample: DeviceSample) -> str:
    """What is wrong with a sample, in words; empty if nothing is."""
    names = [hand.name for hand in sample.hands]
    if len(set(names)) != len(names):
        return f"the same hand twice: {', '.join(names)}"
    for hand in sample.hands:
        fault = _fault(hand)
        if fault:
            return f"{hand.name}: {fault}"
    return ""


def _fault(hand: HandSignal) -> str:
    if hand.name not in MASTERS:
        return f"unknown hand, not one of {', '.join(MASTERS)}"
    position = as_floats(hand.pose.position)
    if not all(-LARGEST_COORDINATE <= value <= LARGEST_COORDINATE for value in position):
        return f"position {position} is not within {LARGEST_COORDINATE} m"
    if not is_unit_quaternion(hand.pose.quaternion):
        return f"orientation {as_floats(hand.pose.quaternion)} is not a unit quaternion"
    if not all(map(math.isfinite, (*hand.linear, *hand.angular))):
        return f"velocity {hand.linear}, {hand.angular} is not finite"
    if not -LARGEST_GRIPPER <= hand.gripper <= LARGEST_GRIPPER:
        return f"gripper angle {hand.gripper} is not within {LARGEST_GRIPPER:.4g} rad"
    return ""
