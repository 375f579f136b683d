"""driver: the last node before the robot.

In:  teleop/servo, <ARM>/state_command (CRTK), safety/state (the permit), safety/protective_stop; of CRTK clients and of
     the local team for each arm the topics and services of robot_driver/crtk/client_face.py
Out: <ARM>/measured_js, setpoint_js, local/*, jaw/*, operating_state and what else CRTK clients hear,
     <ARM>/servo_report, joint_states, robot_description, tf where tf2_msgs is installed
Frames: local/*_cp are poses of the tip in <ARM>_base_link, the remote centre of motion; plain ones of an instrument
        arm in ECM_display.
Silence: without fresh commands and a fresh permit an arm holds its position, by this node's own clock alone.
Security: with keys a permit whose hash does not fit is dropped, and so is, in any case, one that was not made just now.
          A stop holds whoever asks for it. CRTK has no authentication: with keys external clients are refused.

A command acts when it arrives: it goes through the gate to the robot in its callback, not at the next tick. Every arm
of a message comes first; the simulation and the bookkeeping come after.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Any

from diagnostic_msgs.msg import DiagnosticStatus

from robot_driver.arm_limits import arm_gate_limits
from robot_driver.arm_publisher import ArmPublisher
from robot_driver.arm_server import ArmServer
from robot_driver.crtk.client_face import ClientFace
from robot_driver.crtk.frames import Frames
from robot_driver.crtk.inbox import Inbox
from robot_driver.crtk.period_watch import PeriodWatch
from robot_driver.robots import BACKENDS, connect
from teleop_core.cart import ready_configuration
from teleop_core.contract import ARMS, CAMERA_ARM, DEFAULT_ARMS, STREAMS, instruments, with_camera
from teleop_core.operating_state import FAULT
from teleop_core.permit import stamp_is_fresh
from teleop_ros.adapter import Health, TeleopNode, run
from teleop_ros.convert import seconds
from teleop_ros.decisions import DECISION_LOG, watcher
from teleop_ros.keys import KEY_FOLDER, authenticator
from teleop_ros.message_mac import sign_stop, verify_permit, verify_stop
from teleop_ros.parameters import ParameterError, check, declare, parameter
from teleop_ros.phase import Phase
from teleop_ros.profiles import profile, require_security
from teleop_ros.robot_description import expand

STATE_RATE = STREAMS["measured_js"].rate
JOINT_STATES_RATE = STREAMS["joint_states"].rate
REPORT_RATE = STREAMS["servo_report"].rate
STATISTICS_RATE = STREAMS["period_statistics"].rate
GATE_DECISIONS = ("permit", "command", "hold_reason", "enable", "protective_stop", "stand_at")
"""Methods of a command gate that decide or change something: what the decision log has to hold."""
EXTERNAL_CLIENTS = ("auto", "accept", "refuse")
NO_CLIENTS = {
    "auto": "external clients are refused while keys are in force: CRTK has no authentication",
    "refuse": "external clients are refused in this session (parameter external_clients of the driver)",
}
TELL_EVERY = 1.0
"""What may come a thousand times a second is logged once in this time [s]."""


@dataclass(frozen=True)
class DriverParameters:
    """Parameters of the driver."""

    arms: list[str] = parameter(list(DEFAULT_ARMS), doc="arms to drive, at least one instrument arm", choices=ARMS)
    backend: str = parameter(
        BACKENDS[0], doc="simulation: the robot in PyBullet; crtk: arms of another CRTK driver", choices=BACKENDS
    )
    remote: str = parameter("", doc="namespace of the arms of the other CRTK driver, e.g. /robot1; only for crtk")
    servo_rate: float = parameter(200.0, unit="Hz", low=50.0, high=500.0, doc="nominal rate of servo commands")
    profile: str = parameter("lan", doc="limits of the link: name of a profile, or a file")
    external_clients: str = parameter(
        "auto", doc="CRTK clients may move the arms; auto: where no keys are in force", choices=EXTERNAL_CLIENTS
    )
    key_folder: str = parameter("", doc=KEY_FOLDER)
    decision_log: str = parameter("", doc=DECISION_LOG)

    def __post_init__(self) -> None:
        """Refuse what cannot be driven."""
        check(self)
        if len(set(self.arms)) != len(self.arms) or not instruments(self.arms):
            raise ParameterError(f"parameter arms: {self.arms} must be different arms, one of them an instrument arm")
        if (self.backend == "crtk") != bool(self.remote):
            raise ParameterError(f"parameter remote: {self.remote!r} is needed for backend crtk, and only there")


class DriverNode(TeleopNode):
    """Commands -> gate -> robot; robot -> CRTK topics."""

    real_time = True

    def __init__(self) -> None:
        """Connect the robot, held and stopped."""
        super().__init__("driver")
        self.parameters = declare(self, DriverParameters)
        period = 1.0 / self.parameters.servo_rate
        self._permit_key = authenticator(self.parameters.key_folder, "permit")
        self._stop_key = authenticator(self.parameters.key_folder, "stop")
        link = profile(self.parameters.profile)
        require_security(link, self._permit_key.level)
        watch = watcher(self.parameters.decision_log)
        description = expand(with_camera(self.parameters.arms))
        self.backend = connect(self, self.parameters.arms, description, self.parameters.remote)
        self.get_logger().info(f"security: {self._permit_key.level}")
        self.arms = {
            name: ArmServer(name, self.backend, arm_gate_limits(name, period, link.command_age, link.command_hold))
            for name in self.parameters.arms
        }
        for name, arm in self.arms.items():
            arm.gate = watch(f"gate {name}", arm.gate, *GATE_DECISIONS)
        self.outputs = {name: ArmPublisher(self, arm) for name, arm in self.arms.items()}
        self._ticks = 0
        self._skipped = 0.0
        self._unsigned_stops = 0
        self._joint_states = self.publisher("joint_states")
        self._stop_request = self.publisher("protective_stop")
        self._description = self.publisher("robot_description")
        self._description.publish(self._description.msg_type(data=description))
        self.subscription("teleop_servo", self.on_teleop_servo, awaited=True)
        self._inbox = Inbox(self)
        self._periods = PeriodWatch(period)
        self.faces = {name: self._face(arm) for name, arm in self.arms.items()}
        for name, output in self.outputs.items():
            self.subscription(
                "state_command", lambda message, name=name: self.on_state_command(name, message), awaited=True, arm=name
            )
            output.publish_operating_state("")
        self.subscription("safety_state", self.on_safety_state)
        self.subscription("protective_stop", self.on_protective_stop, awaited=True)
        self._every = {
            rate: max(1, round(self.parameters.servo_rate / rate))
            for rate in (STATE_RATE, JOINT_STATES_RATE, REPORT_RATE, STATISTICS_RATE)
        }
        self._phase = Phase(self.timer(period, self.step))

    def on_teleop_servo(self, message: Any) -> None:
        """Where teleoperation leads its arms: act on all of them now, as far as they are its own."""
        now = self.now()
        sampled_at = self._sampled_at(now, message.header.stamp)
        strange, applied = [], []
        for command in message.arms:
            face = self.faces.get(command.name)
            if face is None:
                strange.append(command.name)
            elif face.control.teleoperate(now, command.position, sampled_at, command.jaw):
                applied.append(self.arms[command.name])
        latency = self.now() - sampled_at
        for arm in applied:
            arm.note_applied(latency)
        self._phase.heard(now)
        self._skipped += self.backend.advance(now)
        if strange:
            self.get_logger().warning(
                f"teleop/servo: arms {strange} are not driven here", throttle_duration_sec=TELL_EVERY
            )

    def on_state_command(self, name: str, message: Any) -> None:
        """A CRTK state command; every one is answered with an event."""
        self.faces[name].state_command(message.string)

    def on_safety_state(self, message: Any) -> None:
        """The permit, for every arm; one that is dropped changes nothing."""
        now, ros_now = self.now(), self.get_clock().now().nanoseconds * 1e-9
        if not verify_permit(self._permit_key, message):
            for arm in self.arms.values():
                arm.unauthenticated += 1
            return
        fresh = stamp_is_fresh(seconds(message.header.stamp), ros_now)
        for arm in self.arms.values():
            if not (fresh and self._permit(arm, now, message)):
                arm.permits_refused += 1

    def on_protective_stop(self, message: Any) -> None:
        """Somebody asked for a stop: hold at once, without waiting for the monitor, and whoever it was."""
        self.safe_output()
        authentic = verify_stop(self._stop_key, message)
        # Not counted with the permits, whose forgery the monitor latches: stops that anybody sends must not latch.
        self._unsigned_stops += not authentic
        who = message.source if authentic else f"{message.source} (not authenticated)"
        self.get_logger().warning(
            f"protective stop asked for by {who}: {message.reason}", throttle_duration_sec=TELL_EVERY
        )

    def step(self) -> None:
        """One servo period: hear clients, go on with their motions, simulate, hold what may not move, publish."""
        began_at = self.now()
        self._ticks += 1
        self._inbox.read()
        now = self.now()  # later than all that was read: time runs one way
        for face in self.faces.values():
            face.step(now)
        self._skipped += self.backend.advance(now)
        for place, (name, arm) in enumerate(self.arms.items()):  # not all arms in one period
            self._serve(now, place, arm, self.outputs[name], self.faces[name])
        if self._due(JOINT_STATES_RATE):
            names, positions = self.backend.all_joints()
            self._joint_states.publish(
                self._joint_states.msg_type(header=self.header(), name=names, position=positions)
            )
        self._periods.note(began_at, self.now())
        if self._due(STATISTICS_RATE):
            statistics = self._periods.take()
            for face in self.faces.values():
                face.publish_statistics(statistics)

    def safe_output(self) -> None:
        """Close every gate: the arms hold until the monitor has withdrawn its permit and grants a new one."""
        for arm in self.arms.values():
            arm.gate.protective_stop()

    def failed(self, text: str) -> None:
        """A closed gate needs a stop that people see and the local team resets."""
        super().failed(text)
        request = self._stop_request.msg_type(header=self.header(), source="driver", reason=f"internal failure, {text}")
        sign_stop(self._stop_key, request)
        self._stop_request.publish(request)

    def health(self) -> Health:
        """State of each arm."""
        values: dict[str, object] = {
            "security": self._permit_key.level,
            "unsigned_stops": self._unsigned_stops,
            "skipped_s": round(self._skipped, 3),
        }
        for name, arm in self.arms.items():
            values[f"{name} state"] = arm.operating.state
            values[f"{name} hold"] = arm.hold_reason.value if arm.hold_reason else ""
            values[f"{name} received"], values[f"{name} applied"] = arm.received, arm.applied
        if any(arm.operating.state == FAULT for arm in self.arms.values()):
            return DiagnosticStatus.ERROR, "an arm is in FAULT", values
        ready = all(arm.operating.ready for arm in self.arms.values())
        return DiagnosticStatus.OK, "driving" if ready else "stopped", values

    @staticmethod
    def _permit(arm: ArmServer, now: float, message: Any) -> bool:
        return arm.gate.permit(
            now,
            message.motion_permitted,
            message.session,
            message.permit_sequence,
            message.lease,
            message.velocity_ratio,
        )

    def _serve(self, now: float, place: int, arm: ArmServer, output: ArmPublisher, face: ClientFace) -> None:
        """One arm's part of a servo period."""
        measured = arm.tick(now)
        if arm.take_change():
            face.robot_changed()
        if self._due(STATE_RATE, place):
            face.publish(*output.publish_state(measured))
        # A hold is told at once: the kinematics end the engagement with it.
        if self._due(REPORT_RATE) or output.hold_is_new:
            owner = face.control.leases.owner(now)
            output.publish_report("" if owner is None else owner.value)

    def _due(self, rate: float, place: int = 0) -> bool:
        return (self._ticks + place) % self._every[rate] == 0

    def _face(self, arm: ArmServer) -> ClientFace:
        clients, keys = self.parameters.external_clients, self._permit_key.level != "none"
        barred = NO_CLIENTS[clients] if clients == "refuse" or (clients == "auto" and keys) else ""
        frames = Frames(arm.model, self._camera_setpoint)
        return ClientFace(self, self._inbox, arm, self.outputs[arm.name], frames, barred, self._sampled_at)

    def _camera_setpoint(self) -> tuple[float, ...]:
        camera = self.arms.get(CAMERA_ARM)
        return tuple(ready_configuration(CAMERA_ARM)) if camera is None else camera.gate.setpoint

    def _sampled_at(self, now: float, stamp: Any) -> float:
        """Stamp of a command on the monotonic clock [s]; a client that sets no stamp means now."""
        if stamp.sec == 0 and stamp.nanosec == 0:
            return now
        return now - (self.get_clock().now().nanoseconds - stamp.sec * 1_000_000_000 - stamp.nanosec) * 1e-9


def main() -> int:
    """Run the driver."""
    return run(DriverNode)


if __name__ == "__main__":
    sys.exit(main())
