"""What teleoperation, CRTK clients and the local team make one arm do: one thing at a time, each step through the gate.

A move ends at its goal, with the next command, with a hold, or when the gate refuses a step; nothing is taken up again
by itself. A servo, an interpolation or a velocity lasts as long as the client speaks.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from operator import add
from typing import TypeVar

from robot_driver.arbitration import LEASE, Arbitration, Owner
from robot_driver.arm_server import ArmServer
from robot_driver.crtk.admission import admit
from robot_driver.crtk.elsewhere import look_elsewhere
from robot_driver.crtk.frames import Frames
from robot_driver.crtk.jaw_control import JawControl
from robot_driver.crtk.reach import Reach, told
from robot_driver.crtk.refusal import CommandRefusedError
from robot_driver.gate_limits import GateReason
from robot_driver.motion.cartesian_move import CartesianMove
from robot_driver.motion.interpolation import CartesianInterpolation, JointInterpolation
from robot_driver.motion.joint_move import JointMove
from robot_driver.motion.motion import Motion
from robot_driver.motion.velocity_servo import VelocityServo
from teleop_core.se3 import FloatArray, Pose, quaternion_multiply
from teleop_core.teller import Teller

LOCAL_TEAM_MOVE = "local_team/move_jp"
_RATHER_NOW = 0.8
"""A servo command acts when it arrives, if the one before is this share of a servo period ago."""
_STREAM = 4.5
"""Servo commands no more servo periods apart carry the jaw: one between them, for its sake, would disturb them."""
_Stream = TypeVar("_Stream", VelocityServo, JointInterpolation, CartesianInterpolation)


class ExternalControl:
    """Commands of clients for one arm, checked already; what cannot be done raises CommandRefusedError, MotionRefused.

    Attributes:
        leases: Who may move the arm.
        teller: What the clients are told.
        ratio: Share of the largest speeds that moves use, above 0 and at most 1 (trajectory_j/ratio).
    """

    def __init__(
        self,
        arm: ArmServer,
        frames: Frames,
        on_state: Callable[[], None],
        on_goal: Callable[[bool], None],
        barred: str = "",
    ) -> None:
        """Nothing moves.

        Args:
            arm: The arm, with its gate and its kinematics.
            frames: Frames of its Cartesian commands.
            on_state: Called when its operating state has to be told.
            on_goal: Called when a move has ended: it reached its goal, or not.
            barred: Why external clients may not command at all; empty where they may.
        """
        self.leases = Arbitration(arm.name)
        self.teller = Teller()
        self.ratio = 1.0
        self._barred = barred
        self._reach = Reach(arm, self.teller)
        self._arm, self._model, self._frames = arm, arm.model, frames
        self._on_state, self._on_goal = on_state, on_goal
        self._jaw = JawControl(arm) if arm.model.jaw is not None else None
        self._motion: Motion | None = None
        self._what, self._who = "", Owner.EXTERNAL
        self._stepped_at = self._commanded_at = self._served_at = self._spoken_at = -math.inf
        self._waiting: tuple[tuple[float, ...], float, str] | None = None

    @property
    def goal(self) -> tuple[float, ...]:
        """Where the motion ends (n,) [rad, m]; the setpoint where there is none."""
        return self._arm.gate.setpoint if self._motion is None else self._motion.goal

    @property
    def jaw_goal(self) -> float:
        """Where the jaw's motion ends [rad]."""
        return self._arm.jaw_setpoint if self._jaw is None else self._jaw.goal

    def teleoperate(self, now: float, q: Sequence[float], sampled_at: float, jaw: float = math.nan) -> bool:
        """Where teleoperation leads the arm; arguments as `ArmServer.servo`.

        Returns:
            It became the setpoint. What is refused, by whoever has the arm or by the gate, gets nobody the arm.
        """
        refusal = self.leases.check(now, Owner.TELEOPERATION)
        if refusal is not None:
            self.teller.refuse(now, "teleop/servo", refusal.reason)
            return False
        if not self._arm.servo(now, q, sampled_at, jaw):
            return False
        self.leases.ask(now, Owner.TELEOPERATION)
        return True

    def servo_jp(self, now: float, q: Sequence[float], sampled_at: float, command: str = "servo_jp") -> None:
        """Go to joint positions (n,) [rad, m], sampled at a monotonic time [s].

        Of commands that come faster than the servo period the newest waits for the next one.
        """
        reachable = self._reach.joints(now, command, q)
        self._reach.check_step(reachable)
        self._take(now)
        self._preempt()
        self._waiting = (reachable, sampled_at, command)
        if now - self._commanded_at >= _RATHER_NOW * self._arm.period:
            self._serve(now)

    def servo_jr(self, now: float, offset: Sequence[float], sampled_at: float) -> None:
        """Go on by (n,) [rad, m]."""
        self.servo_jp(now, tuple(map(add, self._going_to, offset)), sampled_at, "servo_jr")

    def servo_cp(self, now: float, pose: Pose, sampled_at: float, command: str = "servo_cp") -> None:
        """Put the tip at a pose in the arm's base."""
        self.servo_jp(now, self._reach.pose(now, command, pose), sampled_at, command)

    def servo_cr(self, now: float, offset: Pose, frame: str, sampled_at: float) -> None:
        """Go on: an offset of place and a turn, both in the axes of a frame."""
        in_base = frame.lstrip("/") == self._frames.base
        present = self._model.forward(self._going_to)
        present = present if in_base else self._frames.to_plain(present)
        turned = quaternion_multiply(offset.quaternion, present.quaternion)
        goal = Pose(present.position + offset.position, turned)
        self.servo_cp(now, self._frames.to_base(goal, frame, self._frames.plain), sampled_at, "servo_cr")

    def servo_cv(self, now: float, twist: FloatArray) -> None:
        """Move the tip with a twist (6,) in axes of the base [m/s, rad/s] until the next one."""
        motion = self._stream(now, VelocityServo)
        motion.take(now, twist.tolist())
        self._begin(now, "servo_cv", motion)

    def interpolate_jp(self, now: float, stamp: float, q: Sequence[float]) -> None:
        """Follow joint positions (n,) that come seldom and irregularly; `stamp` is the client's time [s]."""
        motion = self._stream(now, JointInterpolation)
        motion.take(now, stamp, q)
        self._begin(now, "interpolate_jp", motion)

    def interpolate_cp(self, now: float, stamp: float, pose: Pose) -> None:
        """Follow poses in the arm's base that come seldom and irregularly; `stamp` is the client's time [s]."""
        motion = self._stream(now, CartesianInterpolation)
        motion.take(now, stamp, pose)
        self._begin(now, "interpolate_cp", motion)

    def move_jp(self, now: float, q: Sequence[float], command: str = "move_jp", who: Owner = Owner.EXTERNAL) -> None:
        """Move to joint positions (n,) [rad, m] and stop there; what is out of range is clamped and told."""
        goal = self._reach.joints(now, command, q)
        self._take(now, who, moves=True)
        present, velocity, began_at = self._state(now)
        speed = velocity or (0.0,) * len(present)
        ratio = 1.0 if who is Owner.LOCAL_TEAM else self.ratio  # no client slows the local team down
        move = JointMove(self._model, present, speed, goal, began_at, ratio, self._arm.period)
        self._begin(now, command, move)

    def move_jr(self, now: float, offset: Sequence[float]) -> None:
        """Move on by (n,) [rad, m]: from the goal of the move that is under way, else from the setpoint."""
        start = self._motion.goal if self._motion is not None and self._motion.busy else self._going_to
        self.move_jp(now, tuple(map(add, start, offset)), "move_jr")

    def move_cp(self, now: float, pose: Pose) -> None:
        """Move the tip to a pose in the arm's base, in a straight line; what is out of reach is clamped and told."""
        goal = self._model.forward(self._reach.pose(now, "move_cp", pose))
        self._take(now, moves=True)
        present, velocity, began_at = self._state(now)
        speed = velocity or (0.0,) * len(present)
        move = CartesianMove(self._model, present, speed, goal, began_at, self.ratio, self._arm.period)
        self._begin(now, "move_cp", move)

    def servo_jaw(self, now: float, angle: float) -> None:
        """Turn the jaw to an angle [rad]."""
        self._take(now)
        jaw, moved = self._the_jaw(), self._the_jaw().moves
        jaw.servo(now, self._reach.jaw(now, "jaw/servo_jp", angle))
        self._spoken_at = now
        if moved:
            self._on_goal(False)
        self._say_busy()

    def move_jaw(self, now: float, angle: float) -> None:
        """Turn the jaw to an angle [rad] and stop there."""
        self._take(now, moves=True)
        jaw, moved = self._the_jaw(), self._the_jaw().moves
        jaw.move(self._reach.jaw(now, "jaw/move_jp", angle), self.ratio)
        self.leases.ask(now, self._who)
        if moved:
            self._on_goal(False)
        if self._motion is None:
            self._what = "jaw/move_jp"
        self._say_busy(begins=True)

    def set_ratio(self, ratio: float) -> None:
        """Share of the largest speeds that moves of clients use from now on."""
        if self._barred:
            raise CommandRefusedError(self._barred)
        if not 0.0 < ratio <= 1.0:
            raise CommandRefusedError(f"ratio {ratio} is not above 0 and at most 1")
        self.ratio = ratio

    def hold(self, now: float) -> None:
        """Stop what a client makes the arm do; the arm stays held at its setpoint."""
        self._take(now)
        self.stop(now, "hold")
        self._arm.stand()
        self.leases.release(Owner.EXTERNAL)

    def stop(self, now: float, reason: str) -> None:
        """End every motion here, and say why; the arm stays held."""
        moved = self._moves
        if moved or self._motion is not None:
            self.teller.tell(now, f"{self._what} ended", reason)
        if self._waiting is not None:
            taken = self.leases.check(now, self._who)
            self.teller.refuse(now, self._waiting[2], reason if taken is None else taken.reason)
        self._motion, self._waiting = None, None
        if self._jaw is not None:
            self._jaw.stop()
        if moved:
            self._on_goal(False)
        self._say_busy()

    def claim(self, now: float, taken: bool) -> None:
        """The local team takes the arm at once, or lets it go."""
        has_it = self.leases.owner(now) is Owner.LOCAL_TEAM
        if taken and not has_it:
            self.leases.ask(now, Owner.LOCAL_TEAM)
            self.stop(now, "the local team has taken the arm")
            self._arm.taken_over()
        elif not taken:
            if has_it:
                self.stop(now, "the local team has let the arm go")
                self._arm.stand()
            self.leases.release(Owner.LOCAL_TEAM)

    def local_move(self, now: float, q: Sequence[float]) -> None:
        """The local team moves the arm to joint positions (n,) [rad, m]; what it does not have yet it takes."""
        self.claim(now, True)
        self.move_jp(now, q, LOCAL_TEAM_MOVE, Owner.LOCAL_TEAM)

    def step(self, now: float) -> None:
        """One servo period: go on with what is under way."""
        elapsed = now - self._stepped_at if self._stepped_at <= now < math.inf else 0.0
        self._stepped_at = now
        look_elsewhere(now, self._arm, self.leases, self.teller, self.stop)
        if self._moves and (refusal := self.leases.ask(now, self._who)) is not None:
            self.stop(now, refusal.reason)
        self._serve_waiting(now)
        self.teller.step(now)
        # A degraded session slows motions down as it slows the gate.
        turning = self._jaw is not None and self._turn_jaw(now, elapsed * self._arm.gate.velocity_ratio)
        if self._motion is not None:
            self._go_on(now)
        elif turning and now - self._served_at > _STREAM * self._arm.period:
            self._drive(now, self._arm.gate.setpoint, self._the_jaw().stamp(now))
        if self._jaw is not None:
            moved = self._jaw.moves
            # A servo of the jaw that has arrived is no move that ends: its client has the arm as long as it speaks.
            if self._jaw.over() and moved:
                self._reach_goal(now)

    def _serve_waiting(self, now: float) -> None:
        if self._waiting is None:
            return
        command = self._waiting[2]
        try:
            self._take(now, self._who)
            self._serve(now)
        except CommandRefusedError as refusal:
            self._waiting = None
            self.teller.refuse(now, command, str(refusal))

    def _may_go_on(self, now: float) -> bool:
        """Nobody else has begun to drive the arm since the client spoke."""
        return self.leases.owner(now) in (None, self._who)

    def _turn_jaw(self, now: float, elapsed: float) -> bool:
        """One servo period of the jaw; True if it is under way."""
        jaw = self._the_jaw()
        if not self._may_go_on(now):
            jaw.stop()
        return jaw.step(now, elapsed)

    def _go_on(self, now: float) -> None:
        motion = self._motion
        if motion is None:
            return
        if not motion.busy and not self._may_go_on(now):
            self._motion = None  # the client fell silent, and somebody else drives
            return
        q = motion.sample(now, self._arm.gate.velocity_ratio)
        for note in motion.notes:
            self.teller.tell(now, f"{self._what} limited", note)
        if q is not None:
            self._drive(now, q, now)
        elif motion.busy:
            self._motion = None
            self._reach_goal(now)
        else:
            self._motion = None

    def _drive(self, now: float, q: Sequence[float], sampled_at: float) -> None:
        """One step through the gate; what it refuses ends the motion, but for one that only comes too early."""
        self._commanded_at = now
        self._arm.servo(now, q, sampled_at)
        decision = self._arm.decision
        if decision is not None and not decision.moved:
            # The tick after a late one comes early. The goal is as good as before: the next tick goes on.
            if any(excess.reason is not GateReason.TOO_OFTEN for excess in decision.reasons):
                self.stop(now, told(decision.reasons))
        else:
            self.leases.ask(now, self._who)
            self._arm.note_applied()

    def _serve(self, now: float) -> None:
        """Carry out the servo command that waits, and tell the client what the gate made of it."""
        if self._waiting is None:
            return
        (q, sampled_at, command), self._waiting = self._waiting, None
        self._commanded_at = self._served_at = now
        self._arm.servo(now, q, sampled_at)
        decision = self._arm.decision
        reasons = () if decision is None else decision.reasons
        if decision is None or not decision.moved:
            raise CommandRefusedError(told(reasons))
        self.leases.ask(now, self._who)
        self._spoken_at = now
        self._arm.note_applied(now - sampled_at)
        if reasons:
            self.teller.tell(now, f"{command} limited", told(reasons))

    def _take(self, now: float, who: Owner = Owner.EXTERNAL, *, moves: bool = False) -> None:
        """Let somebody command the arm, or refuse them."""
        admit(now, self._arm, self.leases, who, self._barred, moves=moves)
        self._who = who

    def _preempt(self) -> None:
        """A command takes the place of the motion that is under way."""
        if self._motion is not None:
            busy, self._motion = self._motion.busy, None
            if busy:
                self._on_goal(False)
            self._say_busy()

    def _stream(self, now: float, kind: type[_Stream]) -> _Stream:
        """The stream that goes on, or one that may begin."""
        self._take(now)
        if isinstance(self._motion, kind):
            return self._motion
        q, velocity, began_at = self._state(now)
        return kind(self._model, q, began_at, period=self._arm.period, velocity=velocity)

    def _begin(self, now: float, what: str, motion: Motion) -> None:
        """A motion begins that can be done: only now it takes the place of another, and a move has the arm."""
        if self._motion is not None and self._motion.busy:
            self._on_goal(False)
        if motion.busy:
            self.leases.ask(now, self._who)
        self._motion, self._what, self._waiting = motion, what, None
        self._say_busy(begins=motion.busy)

    def _state(self, now: float) -> tuple[tuple[float, ...], tuple[float, ...] | None, float]:
        """Setpoint, its speed, when it was commanded; an arm that stands has no speed, and stands now."""
        commanded_at = self._arm.commanded_at
        if commanded_at is None:
            return self._arm.gate.setpoint, None, now
        return self._arm.gate.setpoint, self._arm.setpoint_velocity, commanded_at

    def _reach_goal(self, now: float) -> None:
        """A move is over; the arm is free, unless its client streams beside it: it has the arm as long as it speaks."""
        self._on_goal(True)
        streams = self._motion is not None or now - self._spoken_at <= LEASE
        if not self._moves and not streams and self._who is not Owner.LOCAL_TEAM:
            self.leases.release(self._who)
        self._say_busy()

    @property
    def _going_to(self) -> tuple[float, ...]:
        """Where a relative step begins: the servo command that waits, so that none is lost; else the setpoint."""
        return self._arm.gate.setpoint if self._waiting is None else self._waiting[0]

    def _the_jaw(self) -> JawControl:
        if self._jaw is None:
            raise CommandRefusedError(f"{self._arm.name} has no jaw")
        return self._jaw

    @property
    def _moves(self) -> bool:
        return (self._motion is not None and self._motion.busy) or (self._jaw is not None and self._jaw.moves)

    def _say_busy(self, begins: bool = False) -> None:
        """Tell the operating state when a move begins, and when the last one is over."""
        operating = self._arm.operating
        was, operating.is_busy = operating.is_busy, self._moves or self._arm.homing
        if begins or was != operating.is_busy:
            self._on_state()
