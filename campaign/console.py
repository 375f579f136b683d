"""The product's console node with commanded hands, and a publisher that can be made to lie.

Usage: python -m campaign.console PARENT_PID ORDERS [arguments of master_input]; orders as in campaign.actor, and
signals as in campaign.node_host.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

from rclpy.serialization import deserialize_message
from telesurgery.msg import OperatorCommand

from campaign.actor import OBEY_EVERY, Actor
from campaign.hands import CommandedHands, Gesture
from campaign.node_host import Lateness
from campaign.signing import signer
from campaign.tampering import TamperingPublisher
from teleop_cli.child import show_name, tie_to_parent
from teleop_console import master_input_node
from teleop_console.master_input_node import MasterInputNode
from teleop_ros.adapter import run
from teleop_ros.cdr import writer

HANDS = CommandedHands()
WRITE = writer(OperatorCommand)


def _commanded_hands(name: str, seed: int) -> CommandedHands:
    """Stands where the product opens the device that a parameter names."""
    return HANDS


class Tampering(TamperingPublisher):
    """Gets packets as the product makes them, which nobody can change, and goes on with messages."""

    def publish(self, message: Any) -> None:
        """Send a packet, or what the present way makes of it."""
        super().publish(deserialize_message(WRITE(message), OperatorCommand))


class Console(MasterInputNode, Actor):
    """master_input, with orders."""

    def __init__(self) -> None:
        """Start the product's node with the commanded hands as its device."""
        self.tampering: TamperingPublisher | None = None
        super().__init__()
        self.begin_listening()
        self.timer(OBEY_EVERY, self.obey)
        self.timer(OBEY_EVERY, self._add_packets)

    def publisher(self, stream: str, **parts: str) -> Any:
        """The product's publishers; that of the commands can be made to lie."""
        created = super().publisher(stream, **parts)
        if stream != "command":
            return created
        self.tampering = Tampering(created, lambda message: self._sign(message))
        return self.tampering

    def _add_packets(self) -> None:
        assert self.tampering is not None
        self.tampering.add_packets(self.now())

    def _sign(self, message: Any) -> None:
        folder = self.get_parameter("key_folder").value if self.has_parameter("key_folder") else ""
        signer(folder, "command")(message)

    def do_set(self, **values: bool) -> None:
        """Present, clutch, camera, moving, lost, one_handed."""
        for name, value in values.items():
            if not isinstance(getattr(HANDS, name), bool):
                raise ValueError(f"{name}: cannot be set")
            setattr(HANDS, name, value)

    def do_gesture(self, after: float, press: float) -> None:
        """Press the clutch `after` [s] from now, for `press` [s]."""
        begin = time.monotonic() + after
        HANDS.gestures.append(Gesture(begin, begin + press))

    def do_leap(self, distance: float) -> None:
        """Both hands are elsewhere at once."""
        HANDS.leap(distance)

    def do_tamper(self, way: str) -> None:
        """Send what the way makes of the packets; empty: the truth."""
        assert self.tampering is not None
        self.tampering.tamper(way)

    def do_has_old_session(self) -> bool:
        """Whether packets of an earlier session are remembered."""
        return self.tampering is not None and bool(self.tampering.memory.old_session)


def main() -> int:
    """Run the node."""
    parent, orders, *arguments = sys.argv[1:]
    tie_to_parent(int(parent))
    show_name("console")
    Lateness(Path(orders)).install()
    sys.argv = ["master_input", *arguments]
    vars(master_input_node)["open_device"] = _commanded_hands
    return run(Console)


if __name__ == "__main__":
    sys.exit(main())
