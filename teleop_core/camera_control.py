"""Both hands hold the world: with the camera pedal pressed they move the endoscope, and the instruments stand still.

What the hands would do to the scene if they held it is done by the endoscope the other way round, at the scale of the
instruments. Mean of the hands: the tip moves against it. Line between the hands, as seen in the picture: the picture
turns against it, about the view. The endoscope has four joints; where the view itself points follows from its place.

    position = tip_anchor - scale * R (mean - mean_anchor)      R = rotation of the display at the anchor
    roll     = roll_anchor - turn of the line since the anchor

It needs no gesture but the pedal: pressed while motion is permitted, with both hands there. After anything that holds
it, the pedal has to be released and pressed again. It begins where the endoscope stands: one that has moved just now is
waited for. With the clutch pressed too the hands are free and the endoscope stands; fresh anchors are made afterwards.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from teleop_core.arm_model import arm_model
from teleop_core.contract import CAMERA_ARM, MASTERS
from teleop_core.motion_limits import MotionLimiter, MotionLimits
from teleop_core.se3 import FloatArray, Pose, quaternion_multiply
from teleop_core.setpoint_watch import FEEDBACK_LAG, SetpointWatch
from teleop_core.signals import OperatorSignal, TeleopState
from teleop_core.step_time import is_a_step, step_time

SHORTEST_LINE = 0.03
"""Hands that are nearer to each other in the picture do not turn it [m]: their line has no sure direction."""
ROLL = 3
"""Index of the joint that turns the picture."""
JOINT_SPEED_SHARE = 0.9
"""Share of each joint's largest speed that may be used [1]."""
AT_REST = 1e-6
"""An endoscope whose joints have changed by no more than this stands [rad, m]."""
AT_ITS_LIMIT = "endoscope at the end of its range"
TOO_FAST = "endoscope speed"
OUT_OF_RANGE = "endoscope outside its range"
NOT_FOLLOWING = "endoscope does not follow its commands"
NEEDS_BOTH_HANDS = "the endoscope needs both hands"
RELEASE_FIRST = "release the camera pedal first"


@dataclass(frozen=True)
class CameraLimits:
    """Limits of the endoscope's motion.

    Attributes:
        speed: Largest speed of its tip [m/s].
        acceleration: Largest acceleration of its tip [m/s^2].
        rotation_speed: Largest speed of the picture's turn [rad/s].
    """

    speed: float = 0.1
    acceleration: float = 0.3
    rotation_speed: float = 0.5


@dataclass(frozen=True)
class _Anchor:
    scale: float
    clutch_epoch: int
    mean: FloatArray
    tip: Pose
    rotation: FloatArray


@dataclass
class _Hold:
    """What lasts while the hands hold the world; times are monotonic [s].

    Attributes:
        direction: Angle of the line between the hands about the view [rad]; None while it has no sure one.
        turn: How far the line has turned since the anchor, over whole turns [rad].
        free: The clutch is pressed: the hands hold nothing.
        ratio: Share of full speed that was permitted last: a step lasts that share of the time that passes.
    """

    anchor: _Anchor
    q: tuple[float, ...]
    tip: Pose
    velocity: FloatArray
    watch: SetpointWatch
    commanded_at: float
    stamp: float
    direction: float | None = None
    turn: float = 0.0
    free: bool = False
    ratio: float = 1.0


class CameraControl:
    """The endoscope and the two hands that move it.

    Attributes:
        state: FOLLOWING while the hands move it, CLUTCHED while it may be moved, else DISABLED.
        reasons: Why it does not do all that the hands ask, in the operator's words.
    """

    def __init__(self, limits: CameraLimits) -> None:
        """Start at rest."""
        self.state = TeleopState.DISABLED
        self.reasons: tuple[str, ...] = ()
        self._model = arm_model(CAMERA_ARM)
        self._limiter = MotionLimiter(
            MotionLimits(
                tool_speed=limits.speed,
                tool_acceleration=limits.acceleration,
                # The view tilts with the place, whatever the hands ask; only the roll is limited, and here.
                tool_rotation_speed=math.inf,
            )
        )
        self._speeds = self._model.limits.velocity * JOINT_SPEED_SHARE
        self._rotation_speed = limits.rotation_speed
        self._ends_of_roll = self._model.limits.lower[ROLL], self._model.limits.upper[ROLL]
        self._pedal_was_up = False
        self._hold: _Hold | None = None
        self._rests_at: tuple[float, ...] | None = None
        self._moved_at = -math.inf

    def stop(self, ready: bool) -> None:
        """Let go: silence, no permit, no operator, a hold. The pedal has to be pressed anew."""
        self.state = TeleopState.CLUTCHED if ready else TeleopState.DISABLED
        self.reasons = ()
        self._pedal_was_up = False
        self._hold = None

    def step(
        self,
        now: float,
        signal: OperatorSignal,
        permitted: bool,
        velocity_ratio: float,
        ready: bool,
        setpoint: tuple[float, ...] | None,
    ) -> tuple[float, ...] | None:
        """Take one accepted packet and say where the endoscope shall be.

        Args:
            now: Monotonic time [s].
            signal: The packet.
            permitted: The safety monitor permits motion, and the permit is fresh.
            velocity_ratio: Share of full speed that it permits, 0..1.
            ready: The camera arm is enabled and homed.
            setpoint: Joint positions the driver holds as its setpoint, 4 values [rad, m]; None before the first.

        Returns:
            4 joint positions to servo to [rad, m], or None: leave it where it is.
        """
        if setpoint is not None:
            self._watch_rest(now, setpoint)
        able = permitted and velocity_ratio > 0.0 and signal.operator_present and ready
        if not able or setpoint is None:
            self.stop(ready)
            return None
        self.state = TeleopState.CLUTCHED
        hold, self._hold = self._hold, None
        self.reasons = ()
        if not signal.camera:
            self._pedal_was_up = True
            return None
        hands = {hand.name: hand.pose.position for hand in signal.hands}
        obstacle = self._obstacle(now, hold, hands, setpoint)
        if obstacle:
            self.reasons = (obstacle,)
            self._pedal_was_up = False
            return None
        left, right = (hands[name] for name in MASTERS)
        if hold is None:
            if now - self._moved_at < FEEDBACK_LAG:
                return None  # where it is told to be is not known before the report of it has come
            hold = self._begin(now, signal, left, right, setpoint)
        self._hold = hold
        if signal.clutch:
            hold.free, hold.velocity = True, np.zeros(3)
        else:
            self.state = TeleopState.FOLLOWING
            # Where time goes faster than before, the endoscope does not: it has to gain the speed it may have now.
            hold.velocity = hold.velocity * min(1.0, hold.ratio / velocity_ratio)
            hold.ratio = velocity_ratio
            dt = velocity_ratio * step_time(now - hold.commanded_at, signal.stamp - hold.stamp)
            if is_a_step(dt):
                self._advance(hold, signal, left, right, dt)
                self._watch_rest(now, hold.q)  # the report of it comes later, maybe after the pedal is pressed anew
        hold.commanded_at, hold.stamp = now, signal.stamp
        return hold.q

    def _watch_rest(self, now: float, setpoint: tuple[float, ...]) -> None:
        """Note when the endoscope was seen, or told, to move last."""
        if self._rests_at is None:
            self._rests_at = setpoint
        elif not math.dist(setpoint, self._rests_at) <= AT_REST:
            self._rests_at, self._moved_at = setpoint, now

    def _obstacle(
        self, now: float, hold: _Hold | None, hands: dict[str, FloatArray], setpoint: tuple[float, ...]
    ) -> str:
        """Why the hands cannot move the endoscope; empty if they can."""
        if any(name not in hands for name in MASTERS):
            return NEEDS_BOTH_HANDS
        if hold is not None:
            return NOT_FOLLOWING if hold.watch.lost(now, hold.q, setpoint) else ""
        if not self._pedal_was_up:
            return RELEASE_FIRST
        return "" if self._model.within(setpoint) else OUT_OF_RANGE

    def _begin(
        self, now: float, signal: OperatorSignal, left: FloatArray, right: FloatArray, q: tuple[float, ...]
    ) -> _Hold:
        tip = self._model.forward(q)
        watch = SetpointWatch(self._model.limits.velocity.tolist())
        return _Hold(_anchor(signal, left, right, tip), q, tip, np.zeros(3), watch, now, signal.stamp)

    def _advance(self, hold: _Hold, signal: OperatorSignal, left: FloatArray, right: FloatArray, dt: float) -> None:
        anchor = hold.anchor
        if hold.free or (anchor.scale, anchor.clutch_epoch) != (signal.motion_scale, signal.clutch_epoch):
            hold.anchor, hold.turn, hold.direction, hold.free = _anchor(signal, left, right, hold.tip), 0.0, None, False
        _turn_line(hold, left, right)
        wanted = _wanted(hold, left, right)
        pose, _, slowed = self._limiter.toward(wanted, hold.tip, hold.velocity, dt)
        # There is always an answer: a step is far shorter than the least depth of the tip.
        found = self._model.inverse(pose, hold.q)
        ways = np.subtract(found.q, hold.q)
        turn, most = float(ways[ROLL]), self._rotation_speed * dt
        ways[ROLL] = min(most, max(-most, turn))
        share = 1.0 / max(1.0, float(np.max(np.abs(ways) / (self._speeds * dt))))
        q = tuple((hold.q + share * ways).tolist())
        tip = self._model.forward(q)
        hold.velocity = (tip.position - hold.tip.position) / dt
        hold.q, hold.tip = q, tip
        if found.position_error > 0.0 or q[ROLL] in self._ends_of_roll:
            self.reasons = (AT_ITS_LIMIT,)
        elif slowed or ways[ROLL] != turn or share < 1.0:
            self.reasons = (TOO_FAST,)


def _anchor(signal: OperatorSignal, left: FloatArray, right: FloatArray, tip: Pose) -> _Anchor:
    return _Anchor(signal.motion_scale, signal.clutch_epoch, 0.5 * (left + right), tip, tip.rotation())


def _wanted(hold: _Hold, left: FloatArray, right: FloatArray) -> Pose:
    """Where the tip would be if the hands held the world."""
    anchor = hold.anchor
    motion = anchor.rotation @ (0.5 * (left + right) - anchor.mean)
    half = -0.5 * hold.turn
    turn = (0.0, 0.0, math.sin(half), math.cos(half))
    return Pose(anchor.tip.position - anchor.scale * motion, quaternion_multiply(anchor.tip.quaternion, turn))


def _turn_line(hold: _Hold, left: FloatArray, right: FloatArray) -> None:
    """Count on how far the line between the hands has turned; while it is too short, nobody knows, and it has not."""
    x, y, _ = (left - right).tolist()
    if math.hypot(x, y) < SHORTEST_LINE:
        hold.direction = None
        return
    direction = math.atan2(y, x)
    if hold.direction is not None:
        hold.turn += math.remainder(direction - hold.direction, 2.0 * math.pi)
    hold.direction = direction
