"""One hand drives one instrument: engagement, clutch, scaling, and what ends them.

    DISABLED -> ALIGNING -> FOLLOWING <-> CLUTCHED      any hold: -> ALIGNING

An instrument follows only after a deliberate gesture: the operator presses the clutch and releases it, while motion is
permitted. At that instant hand and tool are anchored where they are, so the tool never moves because of where the hand
happens to be:

    position = tool_anchor + scale * R (hand - hand_anchor)
    rotation = R (hand_rotation * hand_anchor_rotation^-1) R^-1 * tool_anchor_rotation

with R = rotation_display_in_base. The hand's orientation offset is kept, as for masters without motors.
"""

from __future__ import annotations

from dataclasses import dataclass

from teleop_core.jaw import JawGhost, JawLimits
from teleop_core.motion_limits import MotionLimiter, MotionLimits
from teleop_core.psm_kinematics import JOINT_LIMITS, forward_pose
from teleop_core.se3 import FloatArray, Pose, quaternion_conjugate, quaternion_from_matrix, quaternion_multiply
from teleop_core.signals import HandSignal, OperatorSignal, TeleopState

GESTURE_PRESS = 0.1
"""Shortest press of the clutch, while permitted, that counts as the engagement gesture [s]."""
ARM_LOST_AFTER = 0.25
"""The pair lets go when the arm's setpoint has been elsewhere than commanded for this long [s]."""
FEEDBACK_LAG = 0.05
"""The setpoint that the arm reports may lag the command by this long [s]."""
LONGEST_STEP = 0.02
"""Motion is planned for at most this long after the previous command [s], however late the next one comes."""
NOT_FOLLOWING = "arm does not follow its commands"


@dataclass(frozen=True)
class ArmStatus:
    """What the pair needs to know of its arm.

    Attributes:
        ready: Enabled and homed.
        setpoint: Joint positions the driver holds as setpoint, 6 values [rad, m]; None before the first was seen.
        jaw: Jaw setpoint of the driver [rad].
    """

    ready: bool
    setpoint: tuple[float, ...] | None
    jaw: float


@dataclass(frozen=True)
class ArmCommand:
    """Joint positions to servo to now.

    Attributes:
        q: 6 joint positions [rad, m].
        jaw: Jaw angle [rad].
        pose: Tool tip pose they give, in the arm's base.
    """

    q: tuple[float, ...]
    jaw: float
    pose: Pose


@dataclass(frozen=True)
class _Anchor:
    clutch_epoch: int
    scale: float
    hand: Pose
    tool: Pose


class HandArmPair:
    """Teleoperation of one arm by one hand."""

    def __init__(
        self, hand: str, rotation_display_in_base: FloatArray, motion: MotionLimits, jaw: JawLimits
    ) -> None:
        """Start stopped.

        Args:
            hand: Master arm that drives the instrument.
            rotation_display_in_base: Rotation of the display frame seen from the arm's base, shape (3, 3).
            motion: Limits of the tool's motion.
            jaw: Limits of the jaw.
        """
        self.hand = hand
        self.state = TeleopState.DISABLED
        self.reasons: tuple[str, ...] = ()
        self._rotation = rotation_display_in_base
        self._turn = quaternion_from_matrix(rotation_display_in_base)
        self._turn_back = quaternion_conjugate(self._turn)
        self._limiter = MotionLimiter(motion)
        self._jaw_limits = jaw
        self._pressed_since: float | None = None
        self._anchor: _Anchor | None = None
        self._command: ArmCommand | None = None
        self._jaw: JawGhost | None = None
        self._commanded_at = 0.0
        self._apart_since: float | None = None

    @property
    def command(self) -> ArmCommand | None:
        """What the arm was told last; None while it is not driven."""
        return self._command

    def stop(self, arm_ready: bool) -> None:
        """Let go of the arm: silence, no permit, no operator. The gesture is needed again."""
        self.state = TeleopState.ALIGNING if arm_ready else TeleopState.DISABLED
        self.reasons = ()
        self._pressed_since = None
        self._anchor = None
        self._command = None
        self._apart_since = None

    def step(self, now: float, signal: OperatorSignal, permitted: bool, arm: ArmStatus) -> ArmCommand | None:
        """Take one accepted packet and say what the arm shall do.

        Args:
            now: Monotonic time [s].
            signal: The packet.
            permitted: The safety monitor permits motion, and the permit is fresh.
            arm: What the arm says of itself.

        Returns:
            Joint positions to servo to, or None: leave the arm where it is.
        """
        hand = next((item for item in signal.hands if item.name == self.hand), None)
        able = arm.ready and arm.setpoint is not None and hand is not None
        if not (able and permitted and signal.operator_present):
            self.stop(arm.ready)
            return None
        assert hand is not None and arm.setpoint is not None  # by `able`
        if self._arm_lost(now, arm.setpoint):
            self.stop(arm.ready)
            self.reasons = (NOT_FOLLOWING,)
            return None
        hands_free = signal.clutch or signal.camera
        if self.state in (TeleopState.DISABLED, TeleopState.ALIGNING):
            self.state = TeleopState.ALIGNING
            if not self._gesture_done(now, signal.clutch) or signal.camera:
                return None
            self._engage(now, signal, hand, arm.setpoint, arm.jaw)
        elif hands_free:
            self.state = TeleopState.CLUTCHED
        elif self.state is TeleopState.CLUTCHED or self._anchor_is_old(signal):
            self._anchor_again(signal, hand)
        if self.state is TeleopState.FOLLOWING:
            self._follow(now, signal, hand)
        self._commanded_at = now
        return self._command

    def _arm_lost(self, now: float, setpoint: tuple[float, ...]) -> bool:
        """True when the command gate has kept the setpoint away from the command for too long."""
        command = self._command
        speeds = JOINT_LIMITS.velocity
        if command is None or all(
            abs(wanted - held) <= speed * FEEDBACK_LAG
            for wanted, held, speed in zip(command.q, setpoint, speeds, strict=True)
        ):
            self._apart_since = None
        elif self._apart_since is None:
            self._apart_since = now
        return self._apart_since is not None and now - self._apart_since >= ARM_LOST_AFTER

    def _gesture_done(self, now: float, clutch: bool) -> bool:
        """True when the clutch has just been released after a long enough press."""
        if clutch:
            if self._pressed_since is None:
                self._pressed_since = now
            return False
        pressed_since, self._pressed_since = self._pressed_since, None
        return pressed_since is not None and now - pressed_since >= GESTURE_PRESS

    def _engage(
        self, now: float, signal: OperatorSignal, hand: HandSignal, setpoint: tuple[float, ...], jaw: float
    ) -> None:
        self._command = ArmCommand(setpoint, jaw, forward_pose(setpoint))
        self._jaw = JawGhost(self._jaw_limits, jaw)
        self._commanded_at = now
        self._anchor_again(signal, hand)

    def _anchor_again(self, signal: OperatorSignal, hand: HandSignal) -> None:
        assert self._command is not None  # set at engagement
        self._anchor = _Anchor(signal.clutch_epoch, signal.motion_scale, hand.pose, self._command.pose)
        self.state = TeleopState.FOLLOWING

    def _anchor_is_old(self, signal: OperatorSignal) -> bool:
        anchor = self._anchor
        return anchor is None or (anchor.clutch_epoch, anchor.scale) != (signal.clutch_epoch, signal.motion_scale)

    def _follow(self, now: float, signal: OperatorSignal, hand: HandSignal) -> None:
        assert self._command is not None and self._jaw is not None  # set at engagement
        dt = min(now - self._commanded_at, LONGEST_STEP)
        wanted = self._wanted_pose(hand.pose)
        pose, slowed = self._limiter.toward(wanted, self._command.pose, dt)
        reachable = self._limiter.reach(pose, self._command.q, dt)
        self.reasons = slowed + reachable.reasons
        jaw = self._jaw.follow(hand.gripper, dt)
        # Where the arm cannot follow, the next step starts from where it is, not from where the hand wanted it.
        reached = forward_pose(reachable.q) if reachable.reasons else pose
        self._command = ArmCommand(reachable.q, jaw, reached)

    def _wanted_pose(self, hand: Pose) -> Pose:
        assert self._anchor is not None  # set at engagement
        anchor = self._anchor
        motion = self._rotation @ (hand.position - anchor.hand.position)
        turned = quaternion_multiply(hand.quaternion, quaternion_conjugate(anchor.hand.quaternion))
        turned_in_base = quaternion_multiply(quaternion_multiply(self._turn, turned), self._turn_back)
        return Pose(
            anchor.tool.position + anchor.scale * motion,
            quaternion_multiply(turned_in_base, anchor.tool.quaternion),
        )
