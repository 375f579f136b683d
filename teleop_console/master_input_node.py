"""Sends what the operator's hands and feet do.

In:   teleop/feedback (echo and state of the arms), safety/state (only where the console makes the engagement gesture);
      what CRTK clients ask of masters, console and pairs (`teleop_console.crtk_console`)
Out:  teleop/command at `rate`; MTML and MTMR measured_cp, measured_cv and gripper/measured_js at 100 Hz;
      footpedals/clutch, camera, coag and console/operator_present at the start and on change; the states of
      `crtk_console`; /diagnostics
Frame: display (X to the left as the operator sees it, Y up, Z away from the operator).

Commands begin when the patient side is heard and listens, so none is lost before. No feedback: commands go on, as the
patient side decides by itself; no gesture is made. A device that vanishes or yields rubbish: the operator is absent.
Ends with code 2 and one line if the device cannot be used at the start.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from typing import Any

from diagnostic_msgs.msg import DiagnosticStatus

from teleop_console.arm_reports import ArmReport
from teleop_console.console_sender import ConsoleSender
from teleop_console.console_state import ConsoleState
from teleop_console.crtk_console import CrtkConsole
from teleop_console.crtk_publisher import CrtkPublisher
from teleop_console.devices.device import DeviceError, DeviceSample, MasterDevice
from teleop_console.devices.registry import open_device
from teleop_console.engagement import GesturePerformer
from teleop_console.start_of_sending import StartOfSending
from teleop_console.timing import Punctuality
from teleop_console.watched_device import WatchedDevice
from teleop_core.contract import ARMS, DEFAULT_ARMS, instruments
from teleop_core.graph import BUILT_IN_SURGEON
from teleop_core.signals import OperatorSignal, SafetyLevel, TeleopState
from teleop_ros.adapter import Health, TeleopNode, run
from teleop_ros.convert import operator_command, pose_from_message, seconds
from teleop_ros.keys import KEY_FOLDER, authenticator
from teleop_ros.message_mac import signed_command
from teleop_ros.parameters import ParameterError, check, declare, parameter

FRAME = "display"
FRESH = 0.3
"""Feedback and safety state older than this are not acted on [s]."""
CLIENTS_PERIOD = 0.05
"""What CRTK clients ask is read this often [s]."""


@dataclass(frozen=True)
class MasterInputParameters:
    """What can be set."""

    arms: list[str] = parameter(
        list(DEFAULT_ARMS), doc="arms of the session: the right hand's, the left hand's, others", choices=ARMS
    )
    device: str = parameter(BUILT_IN_SURGEON, doc="surgeon (built in), gamepad, or a file of recorded hands")
    rate: float = parameter(200.0, unit="Hz", low=50.0, high=500.0, doc="rate of operator commands")
    seed: int = parameter(1, low=0, high=2**31 - 1, doc="seed of the built-in surgeon")
    motion_scale: float = parameter(0.2, low=0.01, high=1.0, doc="instrument motion per hand motion")
    key_folder: str = parameter("", doc=KEY_FOLDER)

    def __post_init__(self) -> None:
        """Refuse what is out of range."""
        check(self)


def connected_device(parameters: MasterInputParameters) -> MasterDevice:
    """Device that the parameters name, connected.

    Raises:
        ParameterError: it cannot be used.
    """
    try:
        device = open_device(parameters.device, parameters.seed)
        device.connect()
    except DeviceError as error:
        raise ParameterError(f"parameter device: {error}") from error
    return device


class MasterInputNode(TeleopNode):
    """The surgeon's site."""

    real_time = True
    hops_to_robot = 2

    def __init__(self) -> None:
        """Connect the device and begin."""
        super().__init__("master_input")
        parameters = declare(self, MasterInputParameters)
        self._key = authenticator(parameters.key_folder, "command")
        device = connected_device(parameters)
        self.get_logger().info(f"security: {self._key.level}")
        self._name = parameters.device
        self._device = WatchedDevice(device)
        self._state = ConsoleState(instruments(parameters.arms), parameters.motion_scale)
        self._sender = ConsoleSender(parameters.motion_scale)
        self._gesture = GesturePerformer() if device.performs_gesture else None
        self._punctuality = Punctuality(1.0 / parameters.rate)
        self._arms: tuple[TeleopState, ...] = ()
        self._feedback_arms: list[Any] = []
        self._arms_at = self._safety_at = float("-inf")
        self._safety: SafetyLevel | None = None
        self._last_sample: DeviceSample | None = None
        self._told_absent = False
        self._sent = 0
        self._start = StartOfSending()

        self._commands = self.publisher("command")
        self._crtk = CrtkPublisher(self.publisher, parameters.rate, FRAME)
        self._crtk_console = CrtkConsole(self, self._state)
        self.subscription("feedback", self.on_feedback)
        if self._gesture is not None:
            self.subscription("safety_state", self.on_safety_state)
        self.timer(1.0 / parameters.rate, self.step)
        self.timer(CLIENTS_PERIOD, self.serve_clients)

    def on_feedback(self, message: Any) -> None:
        """What became of the commands, and what the arms wait for."""
        self._arms_at = self.now()
        self._arms = tuple(TeleopState(arm.teleop_state) for arm in message.arms)
        self._feedback_arms = message.arms
        sessions = self._sender.sessions
        self._sender.take_feedback(
            self._arms_at, seconds(message.header.stamp), message.session, seconds(message.command_stamp)
        )
        if self._sender.sessions != sessions:
            self.get_logger().warning("nothing has been accepted for a while: starting a new session")

    def on_safety_state(self, message: Any) -> None:
        """What the safety monitor says."""
        self._safety_at = self.now()
        self._safety = SafetyLevel(message.state)

    def step(self) -> None:
        """Read the device, send what it says."""
        now = self.now()
        self._punctuality.turn(now)
        stamp = self.get_clock().now()
        sample = self._with_gesture(now, self._device.read(now))
        self._last_sample = sample
        self._tell_problem()
        heard = now - self._arms_at <= FRESH
        asked = self._asked(now, sample)
        if self._start.begun or self._start.update(now, self._commands.get_subscription_count(), heard):
            self._sender.motion_scale = self._state.scale
            self._send(self._sender.signal(now, stamp.nanoseconds * 1e-9, asked))
        self._crtk.publish(now, sample, stamp.to_msg(), measured=not self._device.problem)

    def serve_clients(self) -> None:
        """Take what CRTK clients ask, tell them what has changed."""
        fresh = self.now() - self._arms_at <= FRESH
        reports = {
            arm.name: ArmReport(arm.hand, TeleopState(arm.teleop_state), pose_from_message(arm.setpoint))
            for arm in (self._feedback_arms if fresh else ())
        }
        sample = self._last_sample
        self._crtk_console.turn(sample.hands if sample is not None else (), reports)

    def _asked(self, now: float, sample: DeviceSample) -> DeviceSample:
        """The sample with what CRTK clients asked for: arms, locks, hands that shall lead none."""
        asked = self._state.applied(now, sample)
        hands = tuple(hand for hand in asked.hands if self._crtk_console.ready(hand.name))
        return asked if len(hands) == len(asked.hands) else replace(asked, hands=hands)

    def _with_gesture(self, now: float, sample: DeviceSample) -> DeviceSample:
        if self._gesture is None or not sample.operator_present:
            return sample
        arms = self._arms if now - self._arms_at <= FRESH else ()
        safety = self._safety if now - self._safety_at <= FRESH else None
        clutch = self._gesture.clutch(now, sample.clutch, arms, safety)
        return replace(sample, operator_present=self._gesture.present(safety), clutch=clutch)

    def _send(self, signal: OperatorSignal) -> None:
        self._commands.publish(signed_command(self._key, operator_command(signal, FRAME)))
        self._sent += 1

    def _tell_problem(self) -> None:
        """Tell the beginning and the end of a problem; in between its text may change with every sample."""
        absent = bool(self._device.problem)
        if absent != self._told_absent:
            self._told_absent = absent
            if absent:
                self.get_logger().error(f"operator counts as absent: {self._device.problem}")
            else:
                self.get_logger().info("device works again")

    def safe_output(self) -> None:
        """Say that nobody is at the console."""
        if self._start.begun:
            hands = self._last_sample.hands if self._last_sample is not None else ()
            nobody = DeviceSample(hands, operator_present=False, clutch=False, camera=False)
            now = self.get_clock().now().nanoseconds * 1e-9
            self._send(self._sender.signal(self.now(), now, nobody))

    def health(self) -> Health:
        """Device, commands sent, punctuality."""
        problem = self._device.problem
        present = self._last_sample is not None and self._last_sample.operator_present
        values: dict[str, object] = {
            "security": self._key.level,
            "device": self._name,
            "sent": self._sent,
            "operator_present": present,
            "device_lost": self._device.lost,
            "rubbish": self._device.rubbish,
            "sessions": self._sender.sessions,
            "late": self._punctuality.late,
            "longest_period_ms": f"{1e3 * self._punctuality.take_longest():.1f}",
        }
        if problem:
            return DiagnosticStatus.WARN, problem, values
        return DiagnosticStatus.OK, "sending" if self._start.begun else "waiting for the patient side", values


def main() -> int:
    """Run the node."""
    return run(MasterInputNode)


if __name__ == "__main__":
    sys.exit(main())
