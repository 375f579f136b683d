"""One arm as the driver sees it: operating state, command gate, backend, and what happened since the last report.

No ROS here: the driver node hands in what arrived and publishes what comes out.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from robot_driver.backend import ArmBackend, Measured
from robot_driver.command_gate import CommandGate, Decision
from robot_driver.gate_limits import Excess, GateLimits, GateReason
from teleop_core.arm_model import arm_model
from teleop_core.operating_state import ENABLED, FAULT, PAUSED, OperatingState
from teleop_core.psm_kinematics import JAW_LIMITS

JAW_LOWER, JAW_UPPER = float(JAW_LIMITS.lower[0]), float(JAW_LIMITS.upper[0])
JAW_VELOCITY = float(JAW_LIMITS.velocity[0])
JAW_HOLD_AFTER = 0.1
"""The jaw stands still when its last command is older than this [s]."""
RCM_EVERY = 10
"""The commanded shaft is compared with the remote centre in every tenth command: it takes as long as all else."""
LATE = 1.5
"""A servo period counts as late when it takes this many nominal ones."""


@dataclass
class ServoStatistics:
    """What happened since the last report; times [s], distances [m].

    Attributes:
        motion_latency: From hand sample to setpoint, of each command applied.
        tracking_error: Of the tip, in each servo period in motion.
        rcm_deviation: Largest distance of the commanded shaft from the remote centre of motion.
        limit_seconds: For how long the gate limited or refused commands, for each reason.
        limit_amounts: Largest amount beyond the limit, in the unit of the reason; NaN where it has none.
    """

    motion_latency: list[float] = field(default_factory=list)
    tracking_error: list[float] = field(default_factory=list)
    rcm_deviation: float = 0.0
    limit_seconds: dict[GateReason, float] = field(default_factory=dict)
    limit_amounts: dict[GateReason, float] = field(default_factory=dict)


class ArmServer:
    """Carries out the commands for one arm, as far as the gate lets them pass.

    Attributes:
        name: Name of the arm.
        period: Nominal servo period [s].
        limits: What its gate is given.
        model: Its kinematics.
        operating: Its operating state.
        gate: Its command gate.
        decision: What the gate made of the newest command; None before the first.
        jaw_setpoint: Angle that the jaw is told to take [rad]; of no meaning for an arm without one.
        hold_reason: Why the gate held the arm in the last servo period; None if it might move.
        holds: How often it has begun to hold it since the start.
        received: Servo commands since the start.
        applied: Of these, those that became the setpoint.
        late: Servo periods that took too long while following.
        permits_refused: Permits that were dropped since the start; counted by the driver.
        unauthenticated: Permits whose hash did not fit since the start; counted by the driver.
        statistics: What happened since the last report.
        homing: It was asked to home, and the robot is still at it.
        problem: Why it went to FAULT by itself; empty if it did not.
    """

    def __init__(self, name: str, backend: ArmBackend, limits: GateLimits) -> None:
        """The backend is connected; the arm starts stopped, where it is."""
        self.name = name
        self.limits = limits
        self.model = arm_model(name)
        self.operating = OperatingState()
        measured = backend.measured(name)
        self.gate = CommandGate(limits, measured.position)
        self.decision: Decision | None = None
        self.jaw_setpoint = measured.jaw
        self.hold_reason: GateReason | None = GateReason.DISABLED
        self.holds = 0
        self.received = 0
        self.applied = 0
        self.late = 0
        self.permits_refused = 0
        self.unauthenticated = 0
        self.statistics = ServoStatistics()
        self.homing = False
        self.problem = ""
        self._changed = False
        self._backend = backend
        self.period = limits.servo_period
        self._applied_at: float | None = None
        self._jaw_target = measured.jaw
        self._jaw_commanded_at = float("-inf")
        self._jaw_moved_at: float | None = None

    def state_command(self, name: str) -> str:
        """Carry out a CRTK state command; returns why not, or empty.

        One that is refused changes nothing, nor does one that asks for what is so, or under way, already.
        """
        if self._is_so(name):
            return ""
        before, was_ready = self.operating.state, self.operating.ready
        refusal = self.operating.command(name)
        if refusal:
            return refusal
        if name == "home":
            self.homing = not self._backend.ready(self.name)
        elif name == "unhome" or self.operating.state != ENABLED:
            self.homing = False
        if self.homing:
            self.operating.is_homed, self.operating.is_busy = False, True
        if name == "enable" or (self.operating.ready and not was_ready):
            self._take_up()
        self.gate.enable(self.operating.ready)
        if not self.operating.ready:
            self._backend.hold(self.name)
        if name in ("enable", "disable") and before != self.operating.state:
            self.problem = ""
            self._backend.enable(self.name, self.operating.state == ENABLED)
        return ""

    def servo(self, now: float, q: Sequence[float], sampled_at: float, jaw: float = math.nan) -> bool:
        """One servo command: through the gate, to the robot, at once.

        Args:
            now: Monotonic time [s].
            q: Joint positions [rad, m].
            sampled_at: When the hand was sampled, on the same clock [s].
            jaw: Where the jaw shall go [rad]; NaN: nobody says.

        Returns:
            It became the setpoint, whole or in part; `note_applied` is to be told how long that took.
        """
        self.received += 1
        self.decision = decision = self.gate.command(now, q, sampled_at)
        for excess in decision.reasons:
            self._count_limit(excess)
        if not decision.moved:
            return False
        if not math.isnan(jaw):
            self.servo_jaw(now, jaw)
        self.applied += 1
        if self._applied_at is not None and now - self._applied_at > LATE * self.period:
            self.late += 1
        self._applied_at = now
        self._move_jaw(now)
        self._backend.servo(self.name, decision.setpoint, decision.velocity, self.jaw_setpoint)
        return True

    def note_applied(self, latency: float = math.nan) -> None:
        """Bookkeeping of a command that was applied, for when nothing waits any more.

        Args:
            latency: From hand sample to the setpoint's being with the robot [s]; NaN: no hand made the command.
        """
        if not math.isnan(latency):
            self.statistics.motion_latency.append(latency)
        if self.applied % RCM_EVERY == 0:
            deviation = self.model.shaft_deviation(self.gate.setpoint)
            self.statistics.rcm_deviation = max(self.statistics.rcm_deviation, deviation)

    def servo_jaw(self, now: float, angle: float) -> None:
        """Where the jaw shall go; it moves with the next servo command, so never without a permit."""
        if self.model.jaw is None:
            self._count_limit(Excess(GateReason.WRONG_SIZE))
        elif JAW_LOWER <= angle <= JAW_UPPER:
            self._jaw_target = angle
            self._jaw_commanded_at = now
        elif math.isfinite(angle):
            self._count_limit(Excess(GateReason.JOINT_RANGE, max(angle - JAW_UPPER, JAW_LOWER - angle)))
        else:
            self._count_limit(Excess(GateReason.NOT_FINITE))

    def tick(self, now: float) -> Measured:
        """Once every servo period: hold if nothing may move, and measure.

        Returns:
            Sensor values of the arm.
        """
        self._look_after_robot()
        before, self.hold_reason = self.hold_reason, self.gate.hold_reason(now)
        if self.hold_reason is not None:
            # A command may have been applied and the gate closed again since the last tick.
            moved, self._applied_at = self._applied_at is not None, None
            self._jaw_moved_at = None
            self._jaw_target = self.jaw_setpoint
            if before is None or moved:
                self.holds += 1
                self._backend.hold(self.name)
        measured = self._backend.measured(self.name)
        if self.hold_reason is None:
            tip, wanted = self.model.tip(measured.position), self.model.tip(self.gate.setpoint)
            self.statistics.tracking_error.append(math.dist(tip, wanted))
        return measured

    def take_change(self) -> bool:
        """The robot changed the operating state by itself since the last call."""
        taken, self._changed = self._changed, False
        return taken

    @property
    def setpoint_velocity(self) -> tuple[float, ...]:
        """Speed of the setpoint [rad/s, m/s]; zero while the arm is held."""
        if self._applied_at is None or self.decision is None:
            return (0.0,) * len(self.gate.setpoint)
        return self.decision.velocity

    @property
    def commanded_at(self) -> float | None:
        """When the setpoint moved last, monotonic [s]; None while the arm is held."""
        return self._applied_at

    @property
    def taken(self) -> str:
        """Who has taken the arm at the robot itself; empty: nobody."""
        return self._backend.taken(self.name)

    def stand(self) -> None:
        """Stop at the setpoint; the next command may move on."""
        self.gate.enable(self.operating.ready)
        self._applied_at = None
        self._backend.hold(self.name)

    def taken_over(self) -> None:
        """Somebody else takes the arm: it stands, and who drove it is told by a hold."""
        self.stand()
        self.holds += 1

    def given_back(self) -> None:
        """Whoever took it has let it go: it is held where it is now, and the next command may move on."""
        self.gate.enable(False)
        self._take_up()
        self.stand()

    def take_statistics(self) -> ServoStatistics:
        """Statistics since the last call."""
        taken, self.statistics = self.statistics, ServoStatistics()
        return taken

    def _look_after_robot(self) -> None:
        """A robot that has come home may be driven; one that says that it cannot go on is in FAULT, and held."""
        if self.homing and self._backend.ready(self.name):
            self._take_up()
            self.homing, self.operating.is_homed = False, True
        elif self.operating.state in (ENABLED, PAUSED) and (problem := self._backend.fault(self.name)):
            self.problem, self.homing = problem, False
            self.operating.state, self.operating.is_homed = FAULT, False
        else:
            return
        self.operating.is_busy, self._changed = False, True
        self.gate.enable(self.operating.ready)

    def _is_so(self, name: str) -> bool:
        """The arm is, or is becoming, what it is asked to be: asked again it would hold, or begin homing anew."""
        homes = self.operating.is_homed or self.homing
        return self.operating.state == ENABLED and (name == "enable" or (name == "home" and homes))

    def _take_up(self) -> None:
        """Hold the arm where it is: somebody else may have moved it since it was driven last."""
        measured = self._backend.measured(self.name)
        self.gate.stand_at(measured.position)
        self.jaw_setpoint = self._jaw_target = measured.jaw
        rest = (0.0,) * len(measured.position)
        self._backend.servo(self.name, self.gate.setpoint, rest, self.jaw_setpoint)

    def _move_jaw(self, now: float) -> None:
        elapsed = self.period if self._jaw_moved_at is None else min(now - self._jaw_moved_at, 4.0 * self.period)
        self._jaw_moved_at = now
        if not now - self._jaw_commanded_at <= JAW_HOLD_AFTER:
            return
        step = JAW_VELOCITY * elapsed
        self.jaw_setpoint += min(step, max(-step, self._jaw_target - self.jaw_setpoint))

    def _count_limit(self, excess: Excess) -> None:
        reason, seconds, amounts = excess.reason, self.statistics.limit_seconds, self.statistics.limit_amounts
        seconds[reason] = seconds.get(reason, 0.0) + self.period
        amounts[reason] = max(excess.amount, amounts.get(reason, excess.amount))
