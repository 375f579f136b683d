"""An arm behind its gate with the control for its clients, and a clock that only the test moves."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace

import pytest

from campaign.simulated_robot import SimulatedRobot
from robot_driver.arm_limits import arm_gate_limits
from robot_driver.arm_server import ArmServer
from robot_driver.crtk.external_control import ExternalControl
from robot_driver.crtk.frames import Frames
from teleop_core import cart
from teleop_core.arm_model import arm_model
from teleop_core.contract import CAMERA_ARM

PERIOD = 0.005
CAMERA_READY = tuple(cart.ready_configuration(CAMERA_ARM).tolist())


class Served:
    """An arm with its gate open, and a clock that only the test moves."""

    def __init__(self, name: str, barred: str = "") -> None:
        self.arm = ArmServer(name, SimulatedRobot((name,)), arm_gate_limits(name, PERIOD, 0.15, 0.06))
        self.frames = Frames(self.arm.model, lambda: CAMERA_READY)
        self.states: list[tuple[str, bool]] = []
        self.goals: list[bool] = []
        self.control = ExternalControl(
            self.arm,
            self.frames,
            lambda: self.states.append((self.arm.operating.state, self.arm.operating.is_busy)),
            self.goals.append,
            barred,
        )
        self.arm.state_command("enable")
        self.arm.state_command("home")
        self.now, self.ratio, self.permitted, self._sequence = 10.0, 1.0, True, 0
        self.path: list[tuple[float, ...]] = []
        self.told: list[str] = []
        self.run(0.02)

    @property
    def q(self) -> tuple[float, ...]:
        return self.arm.gate.setpoint

    def run(self, seconds: float) -> None:
        """Let servo periods pass; the permit is renewed while there is one."""
        for _ in range(round(seconds / PERIOD)):
            self.now += PERIOD
            if self.permitted:
                self._sequence += 1
                self.arm.gate.permit(self.now, True, 7, self._sequence, 0.1, self.ratio)
            self.control.step(self.now)
            self.arm.tick(self.now)
            self.path.append(self.q)
            self.told += self.control.teller.take()

    def until_idle(self, limit: float = 20.0) -> None:
        end = self.now + limit
        while self.arm.operating.is_busy:
            assert self.now < end, "the move does not end"
            self.run(PERIOD)


def _near(name: str, share: float = 0.1) -> tuple[float, ...]:
    """A configuration near the ready one: each joint on by a share of its range towards the middle of it."""
    model = arm_model(name)
    ready, limits = cart.ready_configuration(name), model.limits
    middle = 0.5 * (limits.lower + limits.upper)
    return tuple((ready + share * (middle - ready)).tolist())


@pytest.fixture(scope="session")
def serve() -> Callable[..., Served]:
    """Makes a served arm from its name; `serve.near(name, share)` is a configuration near its ready one."""

    class Serve(SimpleNamespace):
        def __call__(self, name: str, barred: str = "") -> Served:
            return Served(name, barred)

    return Serve(near=_near)
