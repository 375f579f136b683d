"""A stereo endoscope that sends 20 pictures a second of each eye, and can be made to freeze, swap or lose its eyes.

Usage: python -m campaign.endoscope PARENT_PID ORDERS [ROS arguments]; orders as in campaign.actor, and signals as in
campaign.node_host.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from builtin_interfaces.msg import Time

from campaign.actor import OBEY_EVERY, Actor
from campaign.node_host import Lateness
from teleop_cli.child import show_name, tie_to_parent
from teleop_core.contract import EYES
from teleop_ros.adapter import TeleopNode, run

PERIOD = 0.05
"""[s]"""
APART = 0.04
"""How far apart the capture of both eyes is made to be [s]."""
SIZE = (48, 64)
MODES = ("", "silent", "frozen", "frozen_picture", "swapped", "apart", "left_only", "nan_stamp")


class Endoscope(TeleopNode, Actor):
    """Both eyes in one process, as in the product."""

    def __init__(self) -> None:
        """Send at once."""
        super().__init__("video_relay")
        self.mode = ""
        self._count = 0
        self._random = np.random.default_rng(0)
        self._eyes = {eye: self.publisher("image", eye=eye) for eye in EYES}
        self._newest: dict[str, Any] = {}
        self.begin_listening()
        self.timer(PERIOD, self.step)
        self.timer(OBEY_EVERY, self.obey)

    def step(self) -> None:
        """One picture of each eye, as the mode says."""
        if self.mode == "silent":
            return
        if self.mode != "frozen":
            stamp = self.header().stamp
            self._newest = {eye: self._picture(eye, stamp) for eye in EYES}
        for eye, publisher in self._eyes.items():
            if not (self.mode == "left_only" and eye == "right"):
                publisher.publish(self._newest[eye])

    def do_mode(self, mode: str) -> None:
        """Change what is sent."""
        if mode not in MODES:
            raise ValueError(f"mode: {mode!r} is not one of {MODES}")
        self.mode = mode

    def _picture(self, eye: str, stamp: Time) -> Any:
        shown = {"left": "right", "right": "left"}[eye] if self.mode == "swapped" else eye
        header = self.header(f"ECM_{shown}_optical")
        header.stamp = stamp
        if self.mode == "apart" and eye == "right":
            nanoseconds = stamp.sec * 1_000_000_000 + stamp.nanosec - round(APART * 1e9)
            header.stamp = Time(sec=nanoseconds // 1_000_000_000, nanosec=nanoseconds % 1_000_000_000)
        before = self._newest.get(eye)
        if self.mode == "frozen_picture" and before is not None:
            data = before.data
        else:
            picture = self._random.integers(0, 255, SIZE, dtype=np.uint8)
            data = cv2.imencode(".jpg", picture)[1].tobytes()
        return self._eyes[eye].msg_type(header=header, format="jpeg", data=data)


def main() -> int:
    """Run the node."""
    parent, orders, *arguments = sys.argv[1:]
    tie_to_parent(int(parent))
    show_name("endoscope")
    Lateness(Path(orders)).install()
    sys.argv = ["video_relay", *arguments]
    return run(Endoscope)


if __name__ == "__main__":
    sys.exit(main())
