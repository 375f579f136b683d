"""Whoever is beside a robot that another CRTK driver serves: permits motion there, and can take an arm away.

Usage: python -m campaign.hospital PARENT_PID [ROS arguments]; orders as in campaign.actor. It stands for that robot's
own safety monitor and local team, in the namespace of that driver.
"""

from __future__ import annotations

import sys
import time

from campaign.actor import OBEY_EVERY, Actor
from teleop_cli.child import show_name, tie_to_parent
from teleop_ros.adapter import TeleopNode, run

ARM = "PSM1"
PERMIT_EVERY, LEASE = 0.01, 0.1
"""[s]"""


class Hospital(TeleopNode, Actor):
    """Not part of the suite that is tested; of the robot that it drives."""

    def __init__(self) -> None:
        """Permit from now on."""
        super().__init__("hospital")
        self._permits = self.publisher("safety_state")
        self._permit = self._permits.msg_type(
            session=time.time_ns(), motion_permitted=True, lease=LEASE, velocity_ratio=1.0
        )
        self._state_commands = self.publisher("state_command", arm=ARM)
        self._claims = self.publisher("local_team_claim", arm=ARM)
        self.begin_listening()
        self.timer(OBEY_EVERY, self.obey)
        self.timer(PERMIT_EVERY, self.permit)

    def permit(self) -> None:
        """Motion is permitted for a while."""
        self._permit.header = self.header()
        self._permit.permit_sequence += 1
        self._permits.publish(self._permit)

    def do_state_command(self, command: str) -> None:
        """What a person at that robot would do."""
        self._state_commands.publish(self._state_commands.msg_type(header=self.header(), string=command))

    def do_claim(self, taken: bool) -> None:
        """That robot's local team takes the arm, or lets it go."""
        self._claims.publish(self._claims.msg_type(data=taken))


def main() -> int:
    """Run the node."""
    parent, *arguments = sys.argv[1:]
    tie_to_parent(int(parent))
    show_name("hospital")
    sys.argv = ["hospital", *arguments]
    return run(Hospital)


if __name__ == "__main__":
    sys.exit(main())
