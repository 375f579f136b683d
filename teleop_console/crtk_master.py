"""One master as a CRTK device: its state, and an answer to whatever a client may ask of an arm.

A hand is moved by a person. Devices without motors, recorded hands and built-in ones have no joints that are known and
no sensors of force: the topics of those exist, as clients look for them, and stay silent; the services of kinematics
say so. What would move or hold the hand is refused on <MASTER>/warning, with the reason.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from teleop_core.contract import MASTER_SERVICES, STREAMS
from teleop_core.operating_state import OperatingState
from teleop_core.teller import Teller
from teleop_ros.adapter import TeleopNode, service_type

NO_MOTORS = "this device has no motors: it is neither moved nor held"
NO_ORIENTATION_LOCK = "this device has no motors: its orientation is neither locked nor moved"
NO_FORCES = "this device has no motors: it exerts no forces"
NOTHING_TO_BALANCE = "this device has no motors: there is nothing to balance"
NO_JOINTS = "this device has no joints that are known: there are no kinematics"
NO_TRAJECTORIES = "this device has no motors: it makes no moves whose speed could be set"
REFUSED = {
    "lock_orientation": NO_ORIENTATION_LOCK,
    "unlock_orientation": NO_ORIENTATION_LOCK,
    "master_hold": NO_MOTORS,
    "master_servo_jp": NO_MOTORS,
    "master_servo_jr": NO_MOTORS,
    "master_servo_cp": NO_MOTORS,
    "master_move_jp": NO_MOTORS,
    "master_move_jr": NO_MOTORS,
    "master_move_cp": NO_MOTORS,
    "master_servo_jf": NO_FORCES,
    "master_servo_ci": NO_FORCES,
    "master_spatial_servo_cf": NO_FORCES,
    "master_body_servo_cf": NO_FORCES,
    "master_body_set_cf_orientation_absolute": NO_FORCES,
    "master_use_gravity_compensation": NOTHING_TO_BALANCE,
    "master_trajectory_j_set_ratio": NO_TRAJECTORIES,
}
"""What is understood and refused, and why."""
ANSWERED_WITH_STATE = ("master_hold", "master_servo_jf")
"""Refusals after which clients wait for an operating state all the same, as with an arm."""

Ask = Callable[[Any], None]


class CrtkMaster:
    """Ready from the start, as nothing of it has to be powered or homed."""

    def __init__(self, node: TeleopNode, name: str) -> None:
        """Open its topics on the node, and tell its state.

        Args:
            node: The node of the console.
            name: MTML or MTMR.
        """
        self._node, self._name = node, name
        self._state = OperatingState("ENABLED", is_homed=True)
        self._teller = Teller()
        self._states = node.publisher("master_operating_state", master=name)
        self._warnings = node.publisher("master_warning", master=name)
        for stream, row in STREAMS.items():
            if row.silent:
                node.publisher(stream, master=name)
        self._services = [
            node.create_service(
                service_type(row.type), row.topic.format(master=name), node.guarded(self._without_kinematics)
            )
            for row in MASTER_SERVICES.values()
        ]
        self._tell_state()

    @property
    def ready(self) -> bool:
        """Whether it may lead an arm: enabled, as its state commands say."""
        return self._state.ready

    def turn(self) -> None:
        """Say what had to wait; answer a request to each service, if there is one."""
        self._teller.step(self._node.now())
        self._say()
        for service in self._services:
            request, header = service.handle.service_take_request(service.srv_type.Request)
            if header is not None:
                service.send_response(service.callback(request, service.srv_type.Response()), header)

    def asks(self) -> Iterator[tuple[str, Ask]]:
        """Streams that clients command it with, each with what is done."""
        yield "master_state_command", self._command
        yield "master_free", self._free
        for stream in REFUSED:
            yield stream, self._refusing(stream)

    def _command(self, message: Any) -> None:
        refusal = self._state.command(message.string)
        self._tell_state()  # after every command, also one that changes nothing: clients wait for it
        if refusal:
            self._refuse("master_state_command", refusal)

    def _free(self, _message: Any) -> None:
        """It is always free; clients wait for a state."""
        self._tell_state()

    @staticmethod
    def _without_kinematics(_request: Any, response: Any) -> Any:
        response.result, response.message = False, NO_JOINTS
        return response

    def _refusing(self, stream: str) -> Ask:
        def refuse(_message: Any) -> None:
            if stream in ANSWERED_WITH_STATE:
                self._tell_state()
            self._refuse(stream, REFUSED[stream])

        return refuse

    def _refuse(self, stream: str, why: str) -> None:
        self._teller.refuse(self._node.now(), STREAMS[stream].topic.removeprefix("{master}/"), why)
        self._say()

    def _say(self) -> None:
        for text in self._teller.take():
            told = f"{self._name}: {text}"
            self._warnings.publish(self._warnings.msg_type(data=told))
            self._node.get_logger().warning(told)

    def _tell_state(self) -> None:
        state = self._state
        self._states.publish(
            self._states.msg_type(
                header=self._node.header(), state=state.state, is_homed=state.is_homed, is_busy=state.is_busy
            )
        )
