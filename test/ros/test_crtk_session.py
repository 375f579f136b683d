"""A session without a console: a CRTK client moves an arm while the monitor permits it, and nobody else speaks."""

from __future__ import annotations

from typing import Any

import pytest

from teleop_core.signals import SafetyLevel

pytestmark = pytest.mark.dds

SPEED = 0.1
"""Of the first joint [rad/s]; the client sends 200 times a second."""


class Client:
    """Turns the first joint of PSM1 by servo_jp, from where the arm is held."""

    def __init__(self, node: Any) -> None:
        self._node = node
        self._servo = node.publisher("servo_jp", arm="PSM1")
        self._position: list[float] = []
        node.timer(0.005, self.send)

    def send(self) -> None:
        if "setpoint_js" not in self._node.newest:
            return
        if not self._position:
            self._position = list(self._node.newest["setpoint_js"].position)
        self._position[0] += SPEED * 0.005
        self._servo.publish(self._servo.msg_type(header=self._node.header(), position=self._position))


def test_a_client_moves_the_arm_and_a_console_that_speaks_stops_it(room: Any) -> None:
    """READY to OPERATING without an operator; a publisher of operator commands is a hold that ends with it."""
    console = room.console
    console.speaks = False
    console.destroy_publisher(console._command)
    room.nodes.start("safety_monitor", console="false")
    room.nodes.start("driver", "local_team")
    room.until(lambda: console.safety is SafetyLevel.OPERATING, what="operating")
    client = Client(console)
    room.until(lambda: console.speed() > 0.5 * SPEED, what="PSM1 moves")
    stranger = console.publisher("command")
    room.until(lambda: console.safety is SafetyLevel.HOLD, what="hold")
    assert "UNEXPECTED_PUBLISHER" in console.alarms
    room.until(lambda: console.speed() < 0.002, what="PSM1 stands")
    console.destroy_publisher(stranger)
    room.until(lambda: console.safety is SafetyLevel.OPERATING, what="operating again")
    client._position = []
    room.until(lambda: console.speed() > 0.5 * SPEED, what="PSM1 moves again")
    room.nodes.kill("safety_monitor")
    room.until(lambda: console.speed() < 0.002, what="PSM1 stands without a monitor")
