"""Nodes of the suite with a clock at each place that a command passes; for the benchmark.

`Runner` starts these functions in place of the nodes' own. Each node is the product's, with what is timed wrapped; what
it saw it writes at its end, as JSON, into the folder that BENCH_FOLDER names. All times are of the monotonic clock.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from robot_driver.driver_node import DriverNode
from robot_driver.kinematics_node import KinematicsNode
from teleop_console.master_input_node import MasterInputNode
from teleop_core.contract import EYES, STREAMS
from teleop_ros.adapter import TeleopNode, run

FOLDER = "BENCH_FOLDER"
_NANO = 1_000_000_000
Times = list[list[float]]


class Timed:
    """A publisher that notes the stamp of each message, and when it began and ended to publish it."""

    def __init__(self, publisher: Any, rows: Times, begun: Callable[[], float]) -> None:
        """`begun`: when the work on the present message began [s]."""
        self._publisher = publisher
        self._rows = rows
        self._begun = begun

    def __getattr__(self, name: str) -> Any:
        """Whatever else a publisher has."""
        return getattr(self._publisher, name)

    def publish(self, message: Any) -> None:
        """Publish, with the clock read before and after."""
        before = time.monotonic()
        self._publisher.publish(message)
        stamp = message.header.stamp
        self._rows.append([stamp.sec + stamp.nanosec / _NANO, self._begun(), before, time.monotonic()])


class TimedMasterInput(MasterInputNode):
    """Hand sample, beginning and end of publishing.

    The way of a command begins when the device has handed over the hands. What the built-in surgeon takes to make them
    up is noted by itself: a device has measured them by then.
    """

    def __init__(self) -> None:
        """Wrap the device, and the publisher of commands."""
        super().__init__()
        self._begun = 0.0
        self.rows: Times = []
        self.made_up: list[float] = []
        self._commands = Timed(self._commands, self.rows, lambda: self._begun)
        device: Any = self._device
        read = device._device.read

        def timed_read(now: float) -> Any:
            before = time.monotonic()
            sample = read(now)
            self._begun = time.monotonic()
            self.made_up.append(self._begun - before)
            return sample

        device._device.read = timed_read

    def last_words(self) -> None:
        """Keep what was timed."""
        super().last_words()
        _keep("master_input", {"rows": self.rows, "made_up": self.made_up})


class TimedKinematics(KinematicsNode):
    """Arrival of the command, beginning and end of publishing what became of it."""

    def __init__(self) -> None:
        """Wrap the publisher of what leads the arms."""
        super().__init__()
        self._begun = 0.0
        self.rows: Times = []
        self._servo = Timed(self._servo, self.rows, lambda: self._begun)

    def on_command(self, message: Any) -> None:
        """A packet has been read."""
        self._begun = time.monotonic()
        super().on_command(message)

    def last_words(self) -> None:
        """Keep what was timed."""
        super().last_words()
        _keep("kinematics", {"rows": self.rows})


class TimedDriver(DriverNode):
    """Arrival of the commands, setpoint with the robot; and when the robot is told to hold."""

    def __init__(self) -> None:
        """Wrap what the backend is told."""
        super().__init__()
        self.rows: Times = []
        self.holds: list[float] = []
        self._begun = self._applied = 0.0
        backend: Any = self.backend
        servo, hold = backend.servo, backend.hold

        def timed_servo(*arguments: Any) -> None:
            servo(*arguments)
            self._applied = time.monotonic()

        def timed_hold(*arguments: Any) -> None:
            hold(*arguments)
            self.holds.append(time.monotonic())

        backend.servo, backend.hold = timed_servo, timed_hold

    def on_teleop_servo(self, message: Any) -> None:
        """A message for the arms has been read."""
        self._begun, self._applied = time.monotonic(), 0.0
        super().on_teleop_servo(message)
        if self._applied:
            stamp = message.header.stamp
            self.rows.append([stamp.sec + stamp.nanosec / _NANO, self._begun, self._applied])

    def last_words(self) -> None:
        """Keep what was timed."""
        super().last_words()
        _keep("driver", {"rows": self.rows, "holds": self.holds})


class SmallEndoscope(TeleopNode):
    """Stands in for the endoscope where the cost of making pictures shall not be measured: a few bytes for each eye."""

    def __init__(self) -> None:
        """Both eyes at their rate."""
        super().__init__("video_relay")
        self._eyes = {eye: self.publisher("image", eye=eye) for eye in EYES}
        self._count = 0
        self.timer(1.0 / STREAMS["image"].rate, self.step)

    def step(self) -> None:
        """One picture of each eye; no two are the same."""
        self._count += 1
        for eye, publisher in self._eyes.items():
            message = publisher.msg_type(format="jpeg", data=self._count.to_bytes(8, "little"))
            message.header = self.header(f"ECM_{eye}_optical")
            publisher.publish(message)


def _keep(name: str, content: dict[str, Any]) -> None:
    path = Path(os.environ[FOLDER]) / f"{name}.json"
    path.write_text(json.dumps(content), encoding="utf-8")


def master_input() -> int:
    """Run the timed console."""
    return run(TimedMasterInput)


def kinematics() -> int:
    """Run the timed kinematics."""
    return run(TimedKinematics)


def driver() -> int:
    """Run the timed driver."""
    return run(TimedDriver)


def endoscope() -> int:
    """Run the small endoscope."""
    return run(SmallEndoscope)
