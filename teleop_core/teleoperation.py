"""One hand drives one instrument: engagement, clutch, scaling, and what ends them.

    DISABLED -> ALIGNING -> FOLLOWING <-> CLUTCHED      any hold: -> ALIGNING

An instrument follows only after a deliberate gesture: the operator presses the clutch and releases it, while motion is
permitted. At that instant hand and tool are anchored where they are (`teleop_core.hand_mapping`), so the tool never
moves because of where the hand happens to be. Anchors are made anew when the clutch or the camera pedal is released,
and when scale, locks or the view of the endoscope change.

The offset between the orientations of hand and tool is kept, as for masters without motors. A device that turns its
handle to the tool by itself says so (`HandSignal.aligns`): its hand is followed only from an offset of 5 degrees down.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from teleop_core.hand_mapping import Anchor, HandMapping
from teleop_core.jaw import JawGhost, JawLimits
from teleop_core.motion_limits import LimitReason, MotionLimiter, MotionLimits
from teleop_core.psm_kinematics import JOINT_LIMITS, forward_pose
from teleop_core.se3 import FloatArray, Pose
from teleop_core.setpoint_watch import SetpointWatch
from teleop_core.signals import HandSignal, OperatorSignal, TeleopState
from teleop_core.step_time import is_a_step, step_time
from teleop_core.tremor_filter import TremorFilter
from teleop_core.virtual_fixtures import VirtualFixtures, fixture_reason

GESTURE_PRESS = 0.1
"""Shortest press of the clutch, while permitted, that counts as the engagement gesture [s]."""
ALIGNED = math.radians(5.0)
"""A device that aligns itself is followed when its handle is this near to the tool's orientation [rad]."""
NOT_FOLLOWING = "arm does not follow its commands"
NO_HAND = "no data of this hand"
NOT_ALIGNED = "handle not aligned with the instrument"
_SPEEDS: list[float] = JOINT_LIMITS.velocity.tolist()


@dataclass(frozen=True)
class ArmStatus:
    """What the pair needs to know of its arm.

    Attributes:
        ready: Enabled and homed.
        setpoint: Joint positions the driver holds as setpoint, 6 values [rad, m]; None before the first was seen.
        jaw: Jaw setpoint of the driver [rad]; None before the first was seen.
    """

    ready: bool
    setpoint: tuple[float, ...] | None
    jaw: float | None


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


@dataclass
class _Engagement:
    """What lasts from the gesture until the pair lets go; times are monotonic [s].

    Attributes:
        velocity: Of the tip, by the time of steps [m/s]: a step lasts the permitted share of the time that passes.
        ratio: That share, as it was last.
    """

    anchor: Anchor
    command: ArmCommand
    jaw: JawGhost
    commanded_at: float
    stamp: float
    velocity: FloatArray
    watch: SetpointWatch
    ratio: float


class HandArmPair:
    """Teleoperation of one arm by one hand.

    Attributes:
        hand: Master arm that drives the instrument; empty while none does.
        state: Where the pair is.
        reasons: Why the instrument does not do all that the hand asks, in the operator's words.
    """

    def __init__(
        self,
        hand: str,
        rotation_display_in_base: FloatArray,
        motion: MotionLimits,
        jaw: JawLimits,
        *,
        tremor_filter: bool = False,
        fixtures: VirtualFixtures | None = None,
    ) -> None:
        """Start stopped.

        Args:
            hand: Master arm that drives the instrument; empty: none yet.
            rotation_display_in_base: Rotation of the display frame seen from the arm's base, shape (3, 3).
            motion: Limits of the tool's motion.
            jaw: Limits of the jaw.
            tremor_filter: Take tremor out of the hand's motion.
            fixtures: Where the tool must not go; None: it may go anywhere.
        """
        self.hand = hand
        self.state = TeleopState.DISABLED
        self.reasons: tuple[str, ...] = ()
        self._mapping = HandMapping(rotation_display_in_base)
        self._filter = TremorFilter() if tremor_filter else None
        self._fixtures = fixtures
        self._limiter = MotionLimiter(motion)
        self._jaw_limits = jaw
        self._pressed_since: float | None = None
        self._engagement: _Engagement | None = None

    @property
    def command(self) -> ArmCommand | None:
        """What the arm was told last; None while it is not driven."""
        return None if self._engagement is None else self._engagement.command

    def stop(self, arm_ready: bool) -> None:
        """Let go of the arm: silence, no permit, no operator. The gesture is needed again."""
        self.state = TeleopState.ALIGNING if arm_ready and self.hand else TeleopState.DISABLED
        self.reasons = ()
        self._pressed_since = None
        self._engagement = None

    def assign(self, hand: str, arm_ready: bool) -> None:
        """Let go, and take the instrument's motion from another hand from now on; empty: from none."""
        self.hand = hand
        self.stop(arm_ready)

    def look(self, rotation_display_in_base: FloatArray) -> None:
        """The endoscope looks another way: rotation (3, 3) of the display frame in the arm's base. Nothing moves."""
        self._mapping.look(rotation_display_in_base)

    def step(
        self, now: float, signal: OperatorSignal, permitted: bool, velocity_ratio: float, arm: ArmStatus
    ) -> ArmCommand | None:
        """Take one accepted packet and say what the arm shall do.

        Args:
            now: Monotonic time [s].
            signal: The packet.
            permitted: The safety monitor permits motion, and the permit is fresh.
            velocity_ratio: Share of full speed that it permits, 0..1: beyond it the command gate would hold back.
            arm: What the arm says of itself.

        Returns:
            Joint positions to servo to, or None: leave the arm where it is.
        """
        hand = next((item for item in signal.hands if item.name == self.hand), None)
        able = permitted and velocity_ratio > 0.0 and signal.operator_present and arm.ready and self.hand != ""
        if not able or hand is None or arm.setpoint is None or arm.jaw is None:
            self.stop(arm.ready)
            self.reasons = (NO_HAND,) if able and hand is None else ()
            return None
        engagement = self._engagement
        if engagement is None:
            engagement = self._try_to_engage(now, signal, hand, arm.setpoint, arm.jaw)
            if engagement is None:
                return None
        elif engagement.watch.lost(now, engagement.command.q, arm.setpoint):
            self.stop(arm.ready)
            self.reasons = (NOT_FOLLOWING,)
            return None
        self._advance(engagement, now, signal, hand, velocity_ratio)
        return engagement.command

    def _try_to_engage(
        self, now: float, signal: OperatorSignal, hand: HandSignal, setpoint: tuple[float, ...], jaw: float
    ) -> _Engagement | None:
        """The engagement, where the gesture has just been made and nothing is in its way; it is said what is."""
        self.state = TeleopState.ALIGNING
        command = ArmCommand(setpoint, jaw, forward_pose(setpoint))
        obstacle = self._obstacle(hand, command)
        if obstacle:
            self._pressed_since = None
            self.reasons = (obstacle,)
            return None
        if self.reasons != (NOT_FOLLOWING,):  # that is told until the operator has answered it
            self.reasons = ()
        if not self._gesture_done(now, signal.clutch) or signal.camera:
            return None
        anchor = self._anchored(signal, hand, command)
        ghost, watch = JawGhost(self._jaw_limits, jaw), SetpointWatch(_SPEEDS)
        self._engagement = _Engagement(anchor, command, ghost, now, signal.stamp, np.zeros(3), watch, 1.0)
        return self._engagement

    def _gesture_done(self, now: float, clutch: bool) -> bool:
        """True when the clutch has just been released after a long enough press."""
        if clutch:
            if self._pressed_since is None:
                self._pressed_since = now
            return False
        pressed_since, self._pressed_since = self._pressed_since, None
        return pressed_since is not None and now - pressed_since >= GESTURE_PRESS

    def _obstacle(self, hand: HandSignal, command: ArmCommand) -> str:
        """Why the hand cannot take hold of the arm where it stands; empty if it can."""
        if not self._limiter.deep_enough(command.q):
            return LimitReason.RCM_DEPTH.value
        region = self._fixtures.obstacle(command.pose.position) if self._fixtures is not None else ""
        if region:
            return fixture_reason(region)
        return "" if self._aligned(hand, command) else NOT_ALIGNED

    def _aligned(self, hand: HandSignal, command: ArmCommand) -> bool:
        return not hand.aligns or self._mapping.misalignment(hand.pose, command.pose) <= ALIGNED

    def _anchored(self, signal: OperatorSignal, hand: HandSignal, command: ArmCommand) -> Anchor:
        """Hand and tool put together where they are; the filter begins with this very sample, so it adds nothing."""
        if self._filter is not None:
            self._filter.reset()
        return Anchor(self._mapping.key(signal, hand), hand.pose, command.pose)

    def _advance(
        self, engagement: _Engagement, now: float, signal: OperatorSignal, hand: HandSignal, velocity_ratio: float
    ) -> None:
        """Follow the hand, or stand still while it is free; fresh anchors whenever the old ones no longer hold."""
        was_free = self.state is TeleopState.CLUTCHED
        askew = was_free and not self._aligned(hand, engagement.command)
        hands_free = signal.clutch or signal.camera or askew
        self.state = TeleopState.CLUTCHED if hands_free else TeleopState.FOLLOWING
        if hands_free:
            self.reasons = (NOT_ALIGNED,) if askew else ()
            engagement.velocity = np.zeros(3)
        else:
            if was_free or engagement.anchor.key != self._mapping.key(signal, hand):
                engagement.anchor = self._anchored(signal, hand, engagement.command)
            if was_free:
                engagement.jaw = JawGhost(self._jaw_limits, engagement.command.jaw)
            filtered = hand.pose if self._filter is None else self._filter.filtered(signal.stamp, hand.pose)
            wanted = self._mapping.wanted(engagement.anchor, filtered)
            dt = velocity_ratio * step_time(now - engagement.commanded_at, signal.stamp - engagement.stamp)
            # Where time goes faster than before, the tip does not: it has to gain the speed it may have now.
            engagement.velocity = engagement.velocity * min(1.0, engagement.ratio / velocity_ratio)
            engagement.ratio = velocity_ratio
            if is_a_step(dt):
                self._follow(engagement, wanted, hand.gripper, dt)
        engagement.commanded_at, engagement.stamp = now, signal.stamp

    def _follow(self, engagement: _Engagement, wanted: Pose, gripper: float, dt: float) -> None:
        present, fixtures = engagement.command, self._fixtures
        in_the_way: tuple[str, ...] = ()
        if fixtures is not None:
            goal, in_the_way = fixtures.aimed(present.pose.position, wanted.position)
            wanted = Pose(goal, wanted.quaternion)
        pose, engagement.velocity, slowed = self._limiter.toward(wanted, present.pose, engagement.velocity, dt)
        if fixtures is not None:
            place, braked = fixtures.limited(present.pose.position, pose.position, dt)
            pose, engagement.velocity = Pose(place, pose.quaternion), (place - present.pose.position) / dt
            in_the_way = tuple(dict.fromkeys(in_the_way + braked))
        reachable = self._limiter.reach(pose, present.q, dt)
        self.reasons = in_the_way + slowed + reachable.reasons
        # Where the arm cannot follow, the next step starts from where it is, not from where the hand wanted it.
        reached = forward_pose(reachable.q) if reachable.reasons else pose
        q = reachable.q
        region = fixtures.obstacle(reached.position) if fixtures is not None else ""
        if region:
            # What the joints make of the step leads into a region that the step itself keeps out of.
            q, reached, engagement.velocity = present.q, present.pose, np.zeros(3)
            self.reasons += (fixture_reason(region),)
        engagement.command = ArmCommand(q, engagement.jaw.follow(gripper, dt), reached)
