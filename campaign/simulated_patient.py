"""The nodes of the patient side that move arms, in simulated time: kinematics and driver, around the real core.

Each method does what the method of the real node does, without ROS around it.
"""

from __future__ import annotations

import math
from functools import partial
from typing import Any

from campaign.simulated_clients import Said, carry_out
from campaign.simulated_messages import ArmTold, Feedback, Joints, Permit, Report
from campaign.simulated_robot import SimulatedRobot
from campaign.simulated_world import SimulatedNode, World
from robot_driver.arbitration import Owner
from robot_driver.arm_limits import gate_limits
from robot_driver.arm_server import ArmServer
from robot_driver.crtk.external_control import ExternalControl
from robot_driver.crtk.frames import Frames
from robot_driver.crtk.refusal import CommandRefusedError
from robot_driver.hold_watch import HoldWatch
from robot_driver.motion.motion import MotionRefused
from teleop_core.cart import ready_configuration, rotation_display_in_base
from teleop_core.contract import CAMERA_ARM
from teleop_core.jaw import JawLimits
from teleop_core.motion_limits import MotionLimits
from teleop_core.permit import PermitHolder, stamp_is_fresh
from teleop_core.profiles import Profile
from teleop_core.psm_kinematics import forward_pose
from teleop_core.session import CommandReceiver, SessionLimits
from teleop_core.signals import OperatorSignal
from teleop_core.teleoperation import ArmStatus, HandArmPair

PERIOD = 0.005
HANDS = ("MTMR", "MTML")
STATE_EVERY = 2
REPORT_EVERY = 20
BEGIN_ROUND_TRIP = 1.0


class SimulatedKinematics(SimulatedNode):
    """Accepts commands, maps hands to joints, tells the operator."""

    timers = (("step", 0.01),)

    def __init__(self, world: World, arms: tuple[str, ...], profile: Profile) -> None:
        """Fresh, as after a start."""
        super().__init__(world, "kinematics")
        self._silence = profile.command_hold
        self.receiver = CommandReceiver(SessionLimits(max_age=profile.command_hold, begin_round_trip=BEGIN_ROUND_TRIP))
        self.permit = PermitHolder()
        self.pairs = {
            arm: HandArmPair(hand, rotation_display_in_base(arm), MotionLimits(), JawLimits())
            for hand, arm in zip(HANDS, arms, strict=False)
        }
        self._enabled = dict.fromkeys(arms, False)
        self._elsewhere = dict.fromkeys(arms, False)
        self._setpoint: dict[str, tuple[float, ...] | None] = dict.fromkeys(arms)
        self._jaw: dict[str, float | None] = dict.fromkeys(arms)
        self._gate_reasons: dict[str, tuple[str, ...]] = dict.fromkeys(arms, ())
        self._holds = {arm: HoldWatch() for arm in arms}
        self._last_signal: OperatorSignal | None = None

    def on_command(self, signal: OperatorSignal, authentic: bool) -> None:
        """A packet of the operator."""
        now, ros_now = self.now(), self.ros_now()
        echoed = signal.feedback_stamp > 0.0
        round_trip = ros_now - signal.feedback_stamp - signal.feedback_age if echoed else None
        if now - self.receiver.last_arrival > self._silence:
            self._let_go()
        if self.receiver.receive(signal, now, round_trip, authentic) is not None:
            return
        self._last_signal = signal
        permitted = self.permit.valid(now)
        stamp = ros_now - (now - self.receiver.sampled_at(signal))
        commands = []
        for arm, pair in self.pairs.items():
            status = ArmStatus(self._ready(arm), self._setpoint[arm], self._jaw[arm])
            command = pair.step(now, signal, permitted, self.permit.velocity_ratio, status)
            if command is None:
                self._holds[arm].let_go()
            else:
                self._holds[arm].driven(now)
                commands.append((arm, command.q, command.jaw))
        if commands:
            self.world.publish("teleop/servo", tuple(commands), stamp)

    def on_safety_state(self, permit: Permit) -> None:
        """The permit."""
        now = self.now()
        fresh = permit.authentic and stamp_is_fresh(permit.stamp, self.ros_now())
        taken = fresh and self.permit.take(
            now, permit.granted, permit.session, permit.sequence, permit.lease, permit.ratio
        )
        if taken and not self.permit.valid(now):
            self._let_go()

    def on_arm_state(self, arm: str, ready: bool) -> None:
        """The arm may be driven, or not."""
        self._enabled[arm] = ready

    def on_arm_setpoint(self, arm: str, joints: Joints, jaw: float) -> None:
        """Where the driver holds the arm; rubbish is not a place to start from."""
        self._setpoint[arm] = joints.position if all(map(math.isfinite, joints.position)) else None
        self._jaw[arm] = jaw if math.isfinite(jaw) else None

    def on_arm_report(self, arm: str, report: Report) -> None:
        """What the command gate limited lately; a hold of it ends the engagement."""
        self._gate_reasons[arm] = tuple(report.limit_reasons)
        self._elsewhere[arm] = report.owner not in ("", Owner.TELEOPERATION.value)
        if self._elsewhere[arm]:
            self._gate_reasons[arm] += (f"the arm belongs to {report.owner}",)
        if self._holds[arm].told(self.now(), report.holding, report.holds):
            self._stop(arm)

    def step(self) -> None:
        """Let go after silence, tell the operator."""
        now, receiver = self.now(), self.receiver
        if now - receiver.last_arrival > self._silence or not self.permit.valid(now):
            self._let_go()
        signal = self._last_signal
        self.world.publish(
            "teleop/feedback",
            Feedback(
                stamp=self.ros_now(),
                session=receiver.session,
                last_sequence=receiver.last_sequence,
                command_stamp=0.0 if signal is None else signal.stamp,
                command_hold=0.0 if signal is None else now - receiver.last_arrival,
                refused={refusal.value: count for refusal, count in receiver.refused.items()},
                arms=tuple(
                    ArmTold(arm, pair.state, (*pair.reasons, *self._gate_reasons[arm]))
                    for arm, pair in self.pairs.items()
                ),
            ),
        )

    def failed(self, text: str) -> None:
        """Let go of every arm."""
        self._let_go()

    def _let_go(self) -> None:
        for arm in self.pairs:
            self._stop(arm)

    def _stop(self, arm: str) -> None:
        self._holds[arm].let_go()
        self.pairs[arm].stop(self._ready(arm))

    def _ready(self, arm: str) -> bool:
        return self._enabled[arm] and not self._elsewhere[arm]


class SimulatedDriver(SimulatedNode):
    """Commands through the gate to the robot, and what the robot says back."""

    timers = (("step", PERIOD),)

    def __init__(self, world: World, arms: tuple[str, ...], profile: Profile, robot: SimulatedRobot) -> None:
        """Every arm is held where it is, stopped."""
        super().__init__(world, "driver")
        self.robot = robot
        limits = gate_limits(PERIOD, profile.command_age, profile.command_hold)
        self.arms = {arm: ArmServer(arm, robot, limits) for arm in arms}
        self.controls = {name: self._control(arm) for name, arm in self.arms.items()}
        self._ticks = 0
        self._holds_reported = dict.fromkeys(arms, 0)

    def on_teleop_servo(self, commands: tuple[tuple[str, tuple[float, ...], float], ...], stamp: float) -> None:
        """Where teleoperation leads its arms: act on all of them now."""
        now = self.now()
        sampled_at = now if stamp == 0.0 else now - (self.ros_now() - stamp)
        self.robot.advance(self.world.now)  # this robot takes up a setpoint where its time stands
        for arm, q, jaw in commands:
            if self.controls[arm].teleoperate(now, q, sampled_at, jaw):
                self.arms[arm].note_applied(now - sampled_at)

    def on_client(self, arm: str, said: Said) -> None:
        """A command of a CRTK client; one that cannot be carried out is told."""
        now, control = self.now(), self.controls[arm]
        sampled_at = now - (self.ros_now() - said.stamp)
        self.robot.advance(self.world.now)
        try:
            carry_out(control, self.arms[arm].model, now, said, sampled_at)
        except (CommandRefusedError, MotionRefused) as refusal:
            control.teller.refuse(now, said.verb, str(refusal))
        self._tell(arm)

    def on_claim(self, arm: str, taken: bool) -> None:
        """The local team takes an arm, or lets it go."""
        self.controls[arm].claim(self.now(), taken)
        self._tell(arm)

    def on_safety_state(self, permit: Permit) -> None:
        """The permit, for every arm; one that is dropped changes nothing."""
        now = self.now()
        fresh = stamp_is_fresh(permit.stamp, self.ros_now())
        for arm in self.arms.values():
            if not permit.authentic:
                arm.unauthenticated += 1
            elif not fresh or not arm.gate.permit(
                now, permit.granted, permit.session, permit.sequence, permit.lease, permit.ratio
            ):
                arm.permits_refused += 1

    def on_protective_stop(self, _source: str, _reason: str, _authentic: bool) -> None:
        """Hold at once, whoever asks."""
        self._close()

    def state_command(self, arm: str, name: str) -> str:
        """A CRTK state command; answered with an event."""
        refusal = self.arms[arm].state_command(name)
        if not self.arms[arm].operating.ready:
            self.controls[arm].stop(self.now(), f"the arm is {self.arms[arm].operating.state}")
        self.publish_states()
        return refusal

    def publish_states(self) -> None:
        """Operating state of every arm, to all who are there."""
        for name in self.arms:
            self._publish_operating_state(name)

    def step(self) -> None:
        """One servo period."""
        now = self.now()
        self._ticks += 1
        self.robot.advance(self.world.now)
        for name, control in self.controls.items():
            control.step(now)
            self._tell(name)
        for name, arm in self.arms.items():
            measured = arm.tick(now)
            if self._ticks % STATE_EVERY == 0:
                self._publish_state(name, arm, measured)
            if self._ticks % REPORT_EVERY == 0 or arm.holds != self._holds_reported[name]:
                self._publish_report(now, name, arm)

    def failed(self, text: str) -> None:
        """Close every gate, and ask for a stop that people see."""
        self._close()
        self.world.publish("safety/protective_stop", "driver", f"internal failure, {text}", True)

    def _close(self) -> None:
        for arm in self.arms.values():
            arm.gate.protective_stop()

    def _control(self, arm: ArmServer) -> ExternalControl:
        # What is handed in is copied with the room, so it is no function that remembers this driver.
        told = partial(self._publish_operating_state, arm.name)
        return ExternalControl(arm, Frames(arm.model, _camera_setpoint), told, _goal_reached)

    def _tell(self, arm: str) -> None:
        for text in self.controls[arm].teller.take():
            self.world.publish(f"{arm}/warning", arm, text)

    def _publish_operating_state(self, name: str) -> None:
        self.world.publish(f"{name}/operating_state", name, self.arms[name].operating.ready)

    def _publish_state(self, name: str, arm: ArmServer, measured: Any) -> None:
        stamp, setpoint = self.ros_now(), arm.gate.setpoint
        forward_pose(measured.position)
        self.world.publish(f"{name}/measured_js", name, Joints(stamp, measured.position))
        self.world.publish(f"{name}/setpoint_js", name, Joints(stamp, setpoint), arm.jaw_setpoint)

    def _publish_report(self, now: float, name: str, arm: ArmServer) -> None:
        taken, owner = arm.take_statistics(), self.controls[name].leases.owner(now)
        self._holds_reported[name] = arm.holds
        self.world.publish(
            f"{name}/servo_report",
            name,
            Report(
                permitted=arm.gate.permitted(now),
                holding=arm.hold_reason is not None,
                hold_reason=arm.hold_reason.value if arm.hold_reason is not None else "",
                holds=arm.holds,
                permit_session=arm.gate.permit_session,
                permit_sequence=arm.gate.permit_sequence,
                permits_refused=arm.permits_refused,
                unauthenticated=arm.unauthenticated,
                limit_reasons=[reason.value for reason in taken.limit_seconds],
                limit_seconds=list(taken.limit_seconds.values()),
                owner="" if owner is None else owner.value,
            ),
        )


def _camera_setpoint() -> tuple[float, ...]:
    """The endoscope of the simulated room does not move."""
    return tuple(ready_configuration(CAMERA_ARM))


def _goal_reached(_reached: bool) -> None:
    """Nobody waits for it."""
