"""The endoscope's pictures without the rest of a session: a chain of bare nodes is measured beside them, too.

`Runner` starts `endoscope` in place of the node's own: rendered, compressed and sent as in a session, at the same
priority, of a robot that stands ready.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from teleop_cli.runner import Runner
from teleop_core.arm_model import arm_model
from teleop_core.cart import ready_configuration
from teleop_core.graph import NodeSpec
from teleop_ros.adapter import run
from video_relay.video_relay_node import VideoRelayNode

FOLDER = "BENCH_FOLDER"
FIRST = "first_picture"
"""File that tells that there are pictures."""
START_LIMIT = 60.0


class Endoscope(VideoRelayNode):
    """Needs nobody to tell it where the robot is."""

    def __init__(self) -> None:
        """All arms of the picture stand ready."""
        super().__init__()
        self._joints = {
            f"{arm}_{joint}": float(q)
            for arm in self.parameters.arms
            for joint, q in zip(arm_model(arm).joint_names, ready_configuration(arm), strict=True)
        }

    def step(self) -> bool:
        """Relay one frame if it is time for one."""
        self._mirror.update(list(self._joints), list(self._joints.values()), self.now())
        relayed = super().step()
        if relayed:
            Path(os.environ[FOLDER], FIRST).touch()
        return relayed


@contextmanager
def pictures(arms: Sequence[str], environment: Mapping[str, str], folder: Path) -> Iterator[None]:
    """Have pictures of these arms made.

    Raises:
        RuntimeError: there are none; the text says what the endoscope said.
    """
    first = folder / FIRST
    first.unlink(missing_ok=True)
    spec = NodeSpec("video_relay", "robot", {"arms": list(arms), "source": "simulation"})
    runner = Runner([spec], folder, {**environment, FOLDER: str(folder)}, lambda _: "campaign.bench_pictures:endoscope")
    try:
        runner.start()
        end = time.monotonic() + START_LIMIT
        while not first.exists():
            if runner.crashed() or time.monotonic() > end:
                raise RuntimeError(f"no pictures: {' '.join(runner.children[0].last_lines())[-400:]}")
            time.sleep(0.05)
        yield
    finally:
        runner.stop()


def endoscope() -> int:
    """Run the endoscope."""
    return run(Endoscope)
