"""local_team: stands in for the team at the patient's side, in simulation only.

In:  safety/state, <ARM>/operating_state
Out: <ARM>/state_command (CRTK)

Once the safety monitor is READY it enables and homes each arm, once. It never resets a stop and never enables an arm
again: after a fault people decide.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Any

from diagnostic_msgs.msg import DiagnosticStatus

from teleop_core.contract import ARMS, DEFAULT_ARMS
from teleop_core.signals import SafetyLevel
from teleop_ros.adapter import Health, TeleopNode, run
from teleop_ros.parameters import check, declare, parameter

PERIOD = 0.05
RETRY = 0.5
"""A command that was not answered is sent again after this long [s]."""


@dataclass(frozen=True)
class LocalTeamParameters:
    """Parameters of the local team."""

    arms: list[str] = parameter(list(DEFAULT_ARMS), doc="arms to prepare", choices=ARMS)

    def __post_init__(self) -> None:
        """Refuse unknown arms."""
        check(self)


class LocalTeamNode(TeleopNode):
    """Enable, then home, each arm."""

    def __init__(self) -> None:
        """Wait for READY."""
        super().__init__("local_team")
        parameters = declare(self, LocalTeamParameters)
        self._ready = False
        self._sent_at = dict.fromkeys(parameters.arms, float("-inf"))
        self._to_do = {arm: ["enable", "home"] for arm in parameters.arms}
        self._commands = {arm: self.publisher("state_command", arm=arm) for arm in parameters.arms}
        self.subscription("safety_state", self.on_safety_state)
        for arm in parameters.arms:
            self.subscription(
                "operating_state", lambda message, arm=arm: self.on_operating_state(arm, message), arm=arm
            )
        self.timer(PERIOD, self.step)

    def on_safety_state(self, message: Any) -> None:
        """All streams are healthy: the arms may be prepared."""
        self._ready = message.state == SafetyLevel.READY

    def on_operating_state(self, arm: str, message: Any) -> None:
        """An answer of an arm: go on with its next step."""
        to_do = self._to_do[arm]
        done = {"enable": message.state == "ENABLED", "home": message.is_homed}
        if to_do and done[to_do[0]]:
            del to_do[0]
            self._sent_at[arm] = float("-inf")

    def step(self) -> None:
        """Send each arm the command that it has not answered yet."""
        now = self.now()
        for arm, to_do in self._to_do.items():
            if self._ready and to_do and now - self._sent_at[arm] >= RETRY:
                self._sent_at[arm] = now
                publisher = self._commands[arm]
                publisher.publish(publisher.msg_type(header=self.header(), string=to_do[0]))

    def health(self) -> Health:
        """What is left to do."""
        left = {arm: ", ".join(to_do) for arm, to_do in self._to_do.items() if to_do}
        return DiagnosticStatus.OK, "preparing" if left else "arms prepared", dict(left)


def main() -> int:
    """Run the local team."""
    return run(LocalTeamNode)


if __name__ == "__main__":
    sys.exit(main())
