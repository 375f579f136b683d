"""Faults of what is around the processes: the clock, the disk, parameter files, what killed processes leave behind."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from campaign.clocks import set_clock
from campaign.injections import Unprepared
from campaign.processes import OrderError
from campaign.rig import Rig

TMPFS_SIZE = "256k"
STEP_IS_NOTICED = 0.4
"""A clock that is set back is a fault of its own; it takes so long to show [s]."""


@dataclass
class ClockStep(Unprepared):
    """The clocks of some processes jump, and stay there."""

    nodes: Sequence[str]
    seconds: float

    def begin(self, rig: Rig) -> float:
        """Set them."""
        at = time.monotonic()
        self._set(rig, self.seconds)
        return at

    def end(self, rig: Rig) -> None:
        """Back to the true time: a step of its own, while everything holds."""
        self._set(rig, 0.0)
        time.sleep(STEP_IS_NOTICED)

    def _set(self, rig: Rig, seconds: float) -> None:
        for node in self.nodes:
            set_clock(rig.clock_folder, node, seconds)


@dataclass
class FullDisk(Unprepared):
    """The folder of the logs is full; a small file system of its own, which needs root."""

    _mounted: bool = False

    def begin(self, rig: Rig) -> float:
        """Fill it, and make the nodes want to write."""
        command = ["mount", "-t", "tmpfs", "-o", f"size={TMPFS_SIZE}", "tmpfs", str(rig.log_folder)]
        subprocess.run(command, check=True, capture_output=True)
        self._mounted = True
        at = time.monotonic()
        with (rig.log_folder / "ballast").open("wb", buffering=0) as ballast:
            try:
                while True:
                    ballast.write(b"\0" * 65536)
            except OSError:
                pass
        return at

    def end(self, rig: Rig) -> None:
        """Give the space back."""
        if self._mounted:
            subprocess.run(["umount", "--lazy", str(rig.log_folder)], check=True, capture_output=True)
            self._mounted = False


@dataclass
class CorruptParameters(Unprepared):
    """A node ends, and is started again with a parameter file that is none, or holds rubbish."""

    node: str
    content: str

    def begin(self, rig: Rig) -> float:
        """End it and start it with the file."""
        path = rig.folder / "corrupt.yaml"
        path.write_text(self.content.replace("NODE", self.node), encoding="utf-8")
        child = rig.children[self.node]
        at = child.send_signal(signal.SIGTERM)
        child.end()
        rig.start(self.node, parameters=path)
        return at

    def end(self, rig: Rig) -> None:
        """It must have refused to start.

        Raises:
            OrderError: it runs.
        """
        child = rig.children[self.node]
        try:
            code = child.process.wait(10.0)
        except subprocess.TimeoutExpired:
            child.kill()
            raise OrderError(f"{self.node} runs with a corrupt parameter file") from None
        if code == 0:
            raise OrderError(f"{self.node} ended with code 0 upon a corrupt parameter file")


@dataclass
class StaleSegments(Unprepared):
    """A process that used shared memory in this domain was killed; a node is killed, too, and has to come back."""

    node: str
    _left: list[Path] = field(default_factory=list)

    def begin(self, rig: Rig) -> float:
        """Leave segments behind, then kill the node."""
        code = (
            "import rclpy, sys, time\n"
            "from std_msgs.msg import String\n"
            "rclpy.init()\n"
            "node = rclpy.create_node('crashed')\n"
            "publisher = node.create_publisher(String, 'crashed', 10)\n"
            "subscription = node.create_subscription(String, 'crashed', lambda m: None, 10)\n"
            "print('ready', flush=True)\n"
            "while True:\n"
            "    publisher.publish(String(data='x' * 1000))\n"
            "    rclpy.spin_once(node, timeout_sec=0.01)\n"
        )
        environment = {key: value for key, value in rig.environment.items() if not key.startswith("FASTRTPS_")}
        environment["FASTDDS_BUILTIN_TRANSPORTS"] = "SHM"
        crashed = subprocess.Popen([sys.executable, "-c", code], env=environment, stdout=subprocess.PIPE)
        assert crashed.stdout is not None
        crashed.stdout.readline()
        maps = Path(f"/proc/{crashed.pid}/maps").read_text(encoding="utf-8")
        files = os.listdir(f"/proc/{crashed.pid}/fd")
        held = {os.readlink(f"/proc/{crashed.pid}/fd/{number}") for number in files}
        crashed.kill()
        crashed.wait()
        crashed.stdout.close()
        names = {*re.findall(r"/dev/shm/\S+", maps), *held}
        self._left = [Path(name) for name in names if name.startswith("/dev/shm/")]
        return rig.children[self.node].send_signal(signal.SIGKILL)

    def end(self, rig: Rig) -> None:
        """The segments stay until the node is back; they are taken away with the next fault of this kind."""
        for path in self._left:
            path.unlink(missing_ok=True)


def can_mount() -> str:
    """Why a file system cannot be mounted here; empty if it can."""
    if os.geteuid() != 0:
        return "mounting a small file system needs root"
    return "" if shutil.which("mount") and shutil.which("umount") else "no mount command"
