"""A CRTK client in simulated time, and how the driver takes what it says: as the real driver's face of an arm does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from campaign.simulated_messages import Permit
from campaign.simulated_world import SimulatedNode, World
from robot_driver.crtk import checks
from robot_driver.crtk.external_control import ExternalControl
from teleop_core.arm_model import ArmModel

PERIOD = 0.005


@dataclass(frozen=True)
class Said:
    """One message of a client: its verb, value, and stamp [s]; 0: none."""

    verb: str
    value: Any
    stamp: float = 0.0


@dataclass
class Speech:
    """What a client says.

    Attributes:
        arm: To whom.
        verb: Which command.
        value: Of a message, from the setpoint now and when it began [rad, m], and the time since [s].
        times: Messages in each servo period.
        once: It says it only once.
        clock: Its clock against that of the patient's side [s].
        waits: It waits until motion is permitted.
    """

    arm: str
    verb: str
    value: Callable[[tuple[float, ...], tuple[float, ...], float], Any]
    times: int = 1
    once: bool = False
    clock: float = 0.0
    waits: bool = True


class SimulatedClient(SimulatedNode):
    """A client of the driver; it hears permits and setpoints as every client can."""

    timers = (("step", PERIOD),)

    def __init__(self, world: World) -> None:
        """It says nothing."""
        super().__init__(world, "client")
        self._granted = False
        self._speech: Speech | None = None
        self._began: tuple[float, tuple[float, ...]] | None = None

    def speak(self, speech: Speech) -> None:
        """Begin to say something."""
        self._speech, self._began = speech, None

    def fall_silent(self) -> None:
        """Say nothing more, as one that was killed."""
        self._speech = None

    def on_safety_state(self, permit: Permit) -> None:
        """Whether motion is permitted."""
        self._granted = permit.granted

    def step(self) -> None:
        """Say what is due."""
        speech = self._speech
        if speech is None or (speech.waits and not self._granted):
            return
        q = self.world.nodes["driver"].arms[speech.arm].gate.setpoint
        if self._began is None:
            self._began = self.now(), q
        value = speech.value(q, self._began[1], self.now() - self._began[0])
        for _ in range(speech.times):
            self.world.publish("client", speech.arm, Said(speech.verb, value, self.ros_now() + speech.clock))
        if speech.once:
            self._speech = None


def carry_out(control: ExternalControl, model: ArmModel, now: float, said: Said, sampled_at: float) -> None:
    """Check a command and hand it on; what cannot be done raises CommandRefusedError, MotionRefused."""
    value = said.value
    if said.verb == "servo_jp":
        control.servo_jp(now, checks.joint_values((), value, model.joint_names), sampled_at)
    elif said.verb == "servo_cp":
        control.servo_cp(now, checks.pose(value), sampled_at)
    elif said.verb == "servo_cv":
        control.servo_cv(now, checks.twist(value[:3], value[3:]))
    elif said.verb == "interpolate_jp":
        control.interpolate_jp(now, said.stamp, checks.joint_values((), value, model.joint_names))
    elif said.verb == "move_jp":
        control.move_jp(now, checks.joint_values((), value, model.joint_names))
    else:
        raise KeyError(said.verb)
