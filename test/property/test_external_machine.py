"""Whatever clients, teleoperation, the local team and the monitor do to one arm, in whatever order: the whole of it.

Operating state, leases, motions and gate together, as the driver wires them. No order of events moves an arm that may
not move, makes a setpoint leap, leaves an arm busy or owned, or lets a refused client go without an answer.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from campaign.simulated_robot import SimulatedRobot
from robot_driver.arbitration import LEASE, Owner
from robot_driver.arm_limits import arm_gate_limits
from robot_driver.arm_server import JAW_VELOCITY, ArmServer
from robot_driver.crtk.external_control import ExternalControl
from robot_driver.crtk.frames import Frames
from robot_driver.crtk.refusal import CommandRefusedError
from robot_driver.motion.motion import MotionRefused
from teleop_core.cart import ready_configuration
from teleop_core.contract import CAMERA_ARM
from teleop_core.operating_state import COMMANDS
from teleop_core.se3 import Pose

PERIOD = 0.005
SLACK = 1.0 + 1e-9
CAMERA_READY = tuple(ready_configuration(CAMERA_ARM).tolist())
wild = st.one_of(st.floats(allow_nan=True, allow_infinity=True), st.sampled_from([1e308, -1e308, math.nan, math.inf]))
shares = st.lists(st.floats(-1.2, 1.2), min_size=6, max_size=6)
ages = st.sampled_from([0.0, 0.0, 0.004, 0.02, 0.1, 0.2, -0.02])
elapsed_times = st.sampled_from([0.0, 1e-4, 0.001, 0.003, PERIOD])


class External(RuleBasedStateMachine):
    """One arm, all who may move it, and a plain model of when it may move."""

    @initialize(name=st.sampled_from(["PSM1", "PSM3", CAMERA_ARM]), ready=st.sampled_from([True, True, False]))
    def begin(self, name: str, ready: bool) -> None:
        """Stopped; or ready, with a permit."""
        self.arm = ArmServer(name, SimulatedRobot((name,)), arm_gate_limits(name, PERIOD, 0.15, 0.06))
        self.frames = Frames(self.arm.model, lambda: CAMERA_READY)
        self.events: list[bool] = []
        self.goals: list[bool] = []
        self.control = ExternalControl(
            self.arm, self.frames, lambda: self.events.append(self.arm.operating.is_busy), self.goals.append
        )
        self.now, self.sequence, self.until, self.ratio = 100.0, 0, -math.inf, 1.0
        self.stop_asked = self.stop_acknowledged = False
        self.size = len(self.arm.gate.setpoint)
        self.take_up()
        if ready:
            self.state("enable")
            self.state("home")
            self.permit(True, 1.0, 0.1)
            self.tick(4)

    @rule(elapsed=elapsed_times)
    def wait(self, elapsed: float) -> None:
        """Time passes between two servo periods."""
        self.now += elapsed

    @rule(
        granted=st.sampled_from([True, True, True, False]),
        ratio=st.sampled_from([1.0, 0.3, 0.0]),
        lease=st.sampled_from([0.1, 1.0]),
    )
    def permit(self, granted: bool, ratio: float, lease: float) -> None:
        """The monitor speaks."""
        self.sequence += 1
        assert self.arm.gate.permit(self.now, granted, 7, self.sequence, lease, ratio)
        self.until, self.ratio = (self.now + lease if granted else -math.inf), ratio
        if not granted:
            self.stop_acknowledged = True
        elif self.stop_acknowledged:
            self.stop_asked = False

    @rule()
    def protective_stop(self) -> None:
        """Somebody asks for one."""
        self.arm.gate.protective_stop()
        self.stop_asked, self.stop_acknowledged = True, False

    @rule(command=st.sampled_from([*COMMANDS, "home", "enable", "rubbish"]))
    def state(self, command: str) -> None:
        """A CRTK state command, as the driver carries it out."""
        ready = self.arm.operating.ready
        self.arm.state_command(command)
        if command == "enable" or (self.arm.operating.ready and not ready):
            self.take_up()
        if not self.arm.operating.ready:
            self.control.stop(self.now, "not ready")
            assert self.goal_is_the_setpoint()
        self.check()

    @rule(
        count=st.integers(1, 30),
        renewed=st.sampled_from([True, True, True, False]),
        late=st.sampled_from([PERIOD, PERIOD, 0.004, 0.012, 0.07]),
    )
    def tick(self, count: int, renewed: bool = True, late: float = PERIOD) -> None:
        """Servo periods; the permit is renewed, or runs out."""
        for _ in range(count):
            self.now += late
            if renewed and self.now <= self.until:
                self.permit(True, self.ratio, 0.1)
            self.control.step(self.now)
            self.check()
            self.arm.tick(self.now)
            if not self.may_move():
                assert not self.control._moves, "a move outlasts the stop of its arm"
                assert self.control.goal == self.arm.gate.setpoint

    @rule(share=shares, far=st.sampled_from([0.02, 0.5]), relative=st.booleans())
    def move_jp(self, share: list[float], far: float, relative: bool) -> None:
        """To somewhere, near or far."""
        offset = self.offset(share, far)
        move = self.control.move_jr if relative else self.control.move_jp
        self.ask(lambda: move(self.now, offset if relative else self.from_setpoint(offset)), moves=True)

    @rule(share=shares, far=st.sampled_from([0.02, 0.3]))
    def move_cp(self, share: list[float], far: float) -> None:
        """In a straight line, if there is one."""
        pose = self.arm.model.forward(self.from_setpoint(self.offset(share, far)))
        self.ask(lambda: self.control.move_cp(self.now, pose), moves=True)

    @rule(share=shares, age=ages, count=st.integers(1, 5), relative=st.booleans())
    def servo_jp(self, share: list[float], age: float, count: int, relative: bool) -> None:
        """Some commands, faster or slower than the servo period, with stamps of before."""
        offset = tuple(part * speed * PERIOD for part, speed in zip(share, self.arm.limits.velocity, strict=False))
        for number in range(count):
            self.now += 0.001 * (number % 3)
            if relative:
                self.ask(lambda: self.control.servo_jr(self.now, offset, self.now - age))
            else:
                self.ask(lambda: self.control.servo_jp(self.now, self.from_setpoint(offset), self.now - age))

    @rule(share=shares, age=ages)
    def servo_cp(self, share: list[float], age: float) -> None:
        """A pose nearby."""
        pose = self.arm.model.forward(self.from_setpoint(self.offset(share, 0.002)))
        self.ask(lambda: self.control.servo_cp(self.now, pose, self.now - age))

    @rule(share=shares)
    def servo_cv(self, share: list[float]) -> None:
        """A twist."""
        self.ask(lambda: self.control.servo_cv(self.now, np.array(share) * (0.2, 0.2, 0.2, 2.0, 2.0, 2.0)))

    @rule(share=shares, stamp=st.sampled_from([0.0, 0.01, -0.3, 5.0, 1e9]), pose=st.booleans())
    def interpolate(self, share: list[float], stamp: float, pose: bool) -> None:
        """A target, with a stamp of any clock."""
        q = self.from_setpoint(self.offset(share, 0.1))
        if pose:
            target = self.arm.model.forward(q)
            self.ask(lambda: self.control.interpolate_cp(self.now, self.now + stamp, target))
        else:
            self.ask(lambda: self.control.interpolate_jp(self.now, self.now + stamp, q))

    @rule(values=st.lists(wild, min_size=6, max_size=7), what=st.integers(0, 8))
    def rubbish(self, values: list[float], what: int) -> None:
        """Numbers that are none, and sizes of other arms."""
        q, pose = values[: self.size], Pose(np.array(values[:3]), np.array([0.0, 0.0, 0.0, 1.0]))
        if what in (3, 4, 5) and not all(map(math.isfinite, values[:3])):
            return  # refused by the checks in front
        act = (
            lambda: self.control.servo_jp(self.now, q, self.now),
            lambda: self.control.move_jp(self.now, values),
            lambda: self.control.interpolate_jp(self.now, self.now, q),
            lambda: self.control.servo_cp(self.now, self.frames.to_base(pose, "", self.frames.plain), self.now),
            lambda: self.control.move_cp(self.now, self.frames.to_base(pose, "", self.frames.plain)),
            lambda: self.control.interpolate_cp(self.now, self.now, pose),
            lambda: self.control.servo_cv(self.now, np.array(values[:6])),
            lambda: self.control.servo_jp(self.now, self.arm.gate.setpoint, values[0]),
            lambda: self.control.set_ratio(values[0]),
        )[what]
        self.ask(act)

    @rule(angle=st.floats(-1.0, 2.0), move=st.booleans())
    def jaw(self, angle: float, move: bool) -> None:
        """The jaw, of an arm that has one or not."""
        act = self.control.move_jaw if move else self.control.servo_jaw
        self.ask(lambda: act(self.now, angle), moves=move)

    @rule()
    def hold(self) -> None:
        """A client stops what clients do."""
        if self.ask(lambda: self.control.hold(self.now)):
            assert self.goal_is_the_setpoint()
            assert self.control.leases.owner(self.now) is not Owner.EXTERNAL

    @rule(taken=st.booleans())
    def claim(self, taken: bool) -> None:
        """The local team takes the arm, or lets it go."""
        self.control.claim(self.now, taken)
        assert (self.control.leases.owner(self.now) is Owner.LOCAL_TEAM) == taken
        self.check()

    @rule(share=shares)
    def local_move(self, share: list[float]) -> None:
        """The local team moves it."""
        self.ask(lambda: self.control.local_move(self.now, self.from_setpoint(self.offset(share, 0.3))))
        assert self.control.leases.owner(self.now) is Owner.LOCAL_TEAM

    @rule(share=shares, count=st.integers(1, 20), age=ages)
    def teleoperate(self, share: list[float], count: int, age: float) -> None:
        """The session, as it streams."""
        for _ in range(count):
            owner = self.control.leases.owner(self.now)
            step = tuple(
                0.5 * part * speed * PERIOD for part, speed in zip(share, self.arm.limits.velocity, strict=False)
            )
            moved = self.control.teleoperate(self.now, self.from_setpoint(step), self.now - age, 0.2)
            assert not moved or owner in (None, Owner.TELEOPERATION)
            self.check()
            self.tick(1)

    @rule()
    def everybody_falls_silent(self) -> None:
        """In the end nothing moves, nobody but the local team has the arm, and it is not busy."""
        for _ in range(4000):
            self.now += PERIOD
            if self.may_move():
                self.permit(True, 1.0, 0.1)
            self.control.step(self.now)
            self.check()
            self.arm.tick(self.now)
            if not self.arm.operating.is_busy and self.control._motion is None:
                break
        self.tick(round((LEASE + 0.3) / PERIOD))
        assert self.control.leases.owner(self.now) in (None, Owner.LOCAL_TEAM)
        assert not self.arm.operating.is_busy
        setpoint = self.arm.gate.setpoint
        self.tick(3)
        assert self.arm.gate.setpoint == setpoint

    @invariant()
    def it_is_busy_exactly_while_a_move_goes_on(self) -> None:
        """And its last event said so."""
        operating = self.arm.operating
        assert operating.is_busy == (self.control._moves or self.arm.homing)
        if self.events:
            assert self.events[-1] == operating.is_busy or self.arm.homing

    def ask(self, act: Callable[[], None], *, moves: bool = False) -> bool:
        """A command: it is carried out, or refused in words and then changes nothing that was under way."""
        motion, owner, busy = self.control._motion, self.control.leases.owner(self.now), self.arm.operating.is_busy
        try:
            act()
        except (CommandRefusedError, MotionRefused):
            assert self.control.leases.owner(self.now) in (owner, Owner.LOCAL_TEAM)
            if moves:
                assert (self.control._motion, self.arm.operating.is_busy) == (motion, busy)
            self.check()
            return False
        assert not moves or self.arm.operating.is_busy
        assert (
            owner in (None, Owner.EXTERNAL) or self.control.leases.owner(self.now) is Owner.LOCAL_TEAM or owner is None
        )
        self.check()
        return True

    def check(self) -> None:
        """The setpoint moved only if it might, and no farther than real time and a jump allow."""
        setpoint, jaw, limits = self.arm.gate.setpoint, self.arm.jaw_setpoint, self.arm.limits
        passed = self.now - self.before_at
        if setpoint != self.before or jaw != self.before_jaw:
            assert self.may_move(), "an arm moved without a permit"
        for index, speed in enumerate(limits.velocity):
            assert abs(setpoint[index] - self.before[index]) <= speed * limits.jump_time * SLACK
        assert abs(jaw - self.before_jaw) <= JAW_VELOCITY * max(4.0 * PERIOD, 2.0 * passed) * SLACK
        assert all(
            low - 1e-9 <= value <= high + 1e-9
            for low, value, high in zip(limits.lower, setpoint, limits.upper, strict=True)
        )
        self.take_up()

    def take_up(self) -> None:
        """An arm that is enabled is held where it is."""
        self.before, self.before_jaw, self.before_at = self.arm.gate.setpoint, self.arm.jaw_setpoint, self.now

    def may_move(self) -> bool:
        """The model's word."""
        return self.arm.operating.ready and not self.stop_asked and self.now <= self.until

    def goal_is_the_setpoint(self) -> bool:
        """Nothing is under way."""
        return self.control.goal == self.arm.gate.setpoint and self.control.jaw_goal == self.arm.jaw_setpoint

    def offset(self, share: list[float], far: float) -> tuple[float, ...]:
        """Part of the range of each joint."""
        limits = self.arm.limits
        return tuple(
            far * part * (high - low) for part, low, high in zip(share, limits.lower, limits.upper, strict=False)
        )

    def from_setpoint(self, offset: tuple[float, ...]) -> tuple[float, ...]:
        """Joint positions that far away."""
        return tuple(value + step for value, step in zip(self.arm.gate.setpoint, offset, strict=True))


TestExternal = External.TestCase
TestExternal.__doc__ = """In any order of events an arm moves only for its owner, with a permit, and without a leap."""
TestExternal.settings = settings(deadline=None, max_examples=100, stateful_step_count=40)
