"""Plays the safety monitor for a driver under test: a permit to move, 100 times a second, until it is ended."""

from __future__ import annotations

import sys
import time

from teleop_ros.adapter import TeleopNode, run

LEASE = 0.3
"""Length of a permit [s]."""


class Permits(TeleopNode):
    """Speaks, and hears nobody."""

    real_time = True

    def __init__(self) -> None:
        super().__init__("safety_monitor")
        self._publisher = self.publisher("safety_state")
        self._state = self._publisher.msg_type(
            session=time.time_ns(), lease=LEASE, velocity_ratio=1.0, motion_permitted=True
        )
        self.timer(0.01, self.permit)

    def permit(self) -> None:
        self._state.header.stamp = self.get_clock().now().to_msg()
        self._state.permit_sequence += 1
        self._publisher.publish(self._state)


if __name__ == "__main__":
    sys.exit(run(Permits))
