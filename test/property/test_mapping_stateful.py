"""Any order of what operators, links, arms and monitors do: the commanded tool never jumps and never moves unasked."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from teleop_core.jaw import JawLimits
from teleop_core.motion_limits import MotionLimits
from teleop_core.psm_kinematics import JOINT_LIMITS, forward
from teleop_core.se3 import Pose, quaternion_multiply
from teleop_core.signals import HandSignal, OperatorSignal, TeleopState
from teleop_core.teleoperation import ArmCommand, ArmStatus, HandArmPair

START = (0.1, -0.1, 0.14, 0.2, 0.1, -0.1)
PERIOD = 0.005
SHORTEST_PRESS = 0.1
MOTION = MotionLimits()
JAW = JawLimits()
NO_MOTION = 1e-9
"""What rounding may move the tip by [m]."""

millimetres = st.integers(-400, 400).map(lambda value: value * 1e-3)
counts = st.integers(1, 30)
strides = st.integers(-10, 10).map(lambda value: value * 2e-4)
small_turns = st.integers(-40, 40).map(lambda value: value * 0.02)
grippers = st.integers(-10, 80).map(lambda value: math.radians(value))


class Mapping(RuleBasedStateMachine):
    """One pair with its operator, link, monitor and arm; the rules written here are the operator's, not the code's."""

    def __init__(self) -> None:
        super().__init__()
        self.pair = HandArmPair("MTML", np.eye(3), MOTION, JAW)
        self.now = 100.0
        self.sent_at = 100.0
        self.position = np.array([0.05, 0.02, -0.1])
        self.quaternion = np.array([0.0, 0.0, 0.0, 1.0])
        self.gripper = 0.4
        self.epoch = 0
        self.scale = 0.2
        self.ratio = 1.0
        self.clutch = self.camera = False
        self.permitted = self.present = self.ready = self.follows = True
        self.setpoint, self.jaw = START, 0.2
        self.command: ArmCommand | None = None
        self.engaged = False
        self.pressed_since: float | None = None
        self.tool_rests = False
        self.last_seen = self.what_moves_the_tool()

    # --- what people and machines do

    @rule(x=millimetres, y=millimetres, z=millimetres)
    def the_hand_moves(self, x: float, y: float, z: float) -> None:
        self.position = np.array([x, y, z])

    @rule(axis=st.integers(0, 2), angle=small_turns)
    def the_hand_turns(self, axis: int, angle: float) -> None:
        turn = np.array([0.0, 0.0, 0.0, math.cos(angle / 2.0)])
        turn[axis] = math.sin(angle / 2.0)
        self.quaternion = quaternion_multiply(turn, self.quaternion)

    @rule(angle=grippers)
    def the_gripper_moves(self, angle: float) -> None:
        self.gripper = angle

    @rule(x=strides, y=strides, z=strides, packets=counts)
    def the_hand_moves_on(self, x: float, y: float, z: float, packets: int) -> None:
        for _ in range(packets):
            self.position = self.position + np.array([x, y, z])
            self.packets(1)

    @rule(scale=st.sampled_from([0.1, 0.2, 0.5, 1.0]))
    def another_scale(self, scale: float) -> None:
        self.scale = scale

    @rule(ratio=st.sampled_from([0.5, 1.0]))
    def another_share_of_the_speed(self, ratio: float) -> None:
        self.ratio = ratio

    @rule(pedal=st.sampled_from(["clutch", "camera"]), packets=counts)
    def a_pedal_is_pressed(self, pedal: str, packets: int) -> None:
        setattr(self, pedal, True)
        self.epoch += int(pedal == "clutch")
        self.packets(packets)
        setattr(self, pedal, False)

    @rule(pedal=st.sampled_from(["clutch", "camera"]), packets=counts)
    def a_pedal_is_pressed_while_the_hand_moves(self, pedal: str, packets: int) -> None:
        self.a_pedal_is_pressed(pedal, packets)
        self.position = self.position + 0.05

    @initialize(engaged=st.booleans())
    def the_session_begins(self, engaged: bool) -> None:
        if engaged:
            self.the_gesture()

    @rule()
    def the_gesture(self) -> None:
        self.a_pedal_is_pressed("clutch", 25)
        self.packets(1)

    @rule(missing=st.sampled_from(["permitted", "present", "ready"]), packets=counts)
    def something_is_missing_for_a_while(self, missing: str, packets: int) -> None:
        setattr(self, missing, False)
        self.packets(packets)
        setattr(self, missing, True)

    @rule(packets=st.integers(1, 80))
    def the_gate_holds_the_arm_for_a_while(self, packets: int) -> None:
        self.follows = False
        self.packets(packets)
        self.follows = True

    @rule(lost=st.integers(1, 200), pressed=st.booleans())
    def packets_are_lost(self, lost: int, pressed: bool) -> None:
        self.now += lost * PERIOD
        self.epoch += int(pressed)

    @rule()
    def the_link_is_silent_for_long(self) -> None:
        self.now += 0.2
        self.pair.stop(self.ready)
        self.command, self.engaged, self.pressed_since = None, False, None

    @rule(count=counts)
    def packets(self, count: int) -> None:
        for _ in range(count):
            self.now += PERIOD
            self.one_packet()

    @rule(elapsed=st.sampled_from([0.0, 0.0005, 0.002, 0.015, 0.05]))
    def a_packet_out_of_step(self, elapsed: float) -> None:
        self.now += elapsed
        self.one_packet()

    @rule()
    def a_packet_without_the_hand(self) -> None:
        self.now += PERIOD
        self.one_packet(with_hand=False)

    # --- one packet, and what has to be true of it

    def one_packet(self, with_hand: bool = True) -> None:
        hand = HandSignal("MTML", Pose(self.position, self.quaternion), (0.0,) * 3, (0.0,) * 3, self.gripper)
        hands = (hand,) if with_hand else ()
        signal = OperatorSignal(
            self.now, 1, 1, self.epoch, self.present, self.clutch, self.camera, self.scale, 0.0, 0.0, hands
        )
        before, state_before = self.command, self.pair.state
        command = self.pair.step(
            self.now, signal, self.permitted, self.ratio, ArmStatus(self.ready, self.setpoint, self.jaw)
        )
        able = self.permitted and self.present and self.ready and with_hand
        may_begin = self.gesture_seen(able)
        if command is None:
            assert self.pair.command is None
            if not self.engaged and may_begin:
                assert self.pair.reasons
            self.command, self.engaged = None, False
        else:
            assert able
            assert self.engaged or may_begin
            self.compare(command, before, state_before)
            self.command, self.engaged = command, True
            if self.follows:
                self.setpoint, self.jaw = command.q, command.jaw
        self.sent_at = self.now
        self.last_seen = self.what_moves_the_tool()

    def what_moves_the_tool(self) -> tuple[np.ndarray, tuple[int, float]]:
        """The hand's pose, and what makes anchors new."""
        return np.concatenate([self.position, self.quaternion]), (self.epoch, self.scale)

    def gesture_seen(self, able: bool) -> bool:
        """The clutch has just been released after a press that began and lasted while motion was possible."""
        if not able or self.engaged:
            self.pressed_since = None
            return False
        if self.clutch:
            self.pressed_since = self.now if self.pressed_since is None else self.pressed_since
            return False
        pressed_since, self.pressed_since = self.pressed_since, None
        return pressed_since is not None and self.now - pressed_since >= SHORTEST_PRESS and not self.camera

    def compare(self, command: ArmCommand, before: ArmCommand | None, state_before: TeleopState) -> None:
        """The step from the command before, or from where the arm stands, to this one."""
        q_before, jaw_before = (self.setpoint, self.jaw) if before is None else (before.q, before.jaw)
        elapsed = min(max(self.now - self.sent_at + PERIOD, 0.001), 0.02) * self.ratio * (1.0 + 1e-9)
        moved = math.dist(forward(command.q)[0], forward(q_before)[0])
        assert moved <= MOTION.tool_speed * elapsed + NO_MOTION
        if before is None or state_before is TeleopState.CLUTCHED or self.clutch or self.camera:
            assert moved <= NO_MOTION
        for value, old, speed in zip(command.q, q_before, JOINT_LIMITS.velocity, strict=True):
            assert abs(value - old) <= speed * elapsed + NO_MOTION
        # A tool at rest stays so while the hand does, and whatever the hand did where the anchors are new.
        hand, anchors = self.what_moves_the_tool()
        still, same_anchors = np.array_equal(hand, self.last_seen[0]), anchors == self.last_seen[1]
        if self.tool_rests and (still or not same_anchors):
            assert moved <= NO_MOTION
        self.tool_rests = moved <= NO_MOTION and not self.pair.reasons
        asked = JAW.jaw_closed + min(1.0, max(0.0, self.gripper / JAW.gripper_open)) * (JAW.jaw_open - JAW.jaw_closed)
        assert min(jaw_before, asked) - NO_MOTION <= command.jaw <= max(jaw_before, asked) + NO_MOTION
        fastest = JAW.catch_up_rate if before is None or state_before is TeleopState.CLUTCHED else JAW.rate
        assert abs(command.jaw - jaw_before) <= fastest * elapsed + NO_MOTION
        if self.clutch or self.camera:
            assert command.jaw == jaw_before

    @invariant()
    def the_state_tells_what_is_done(self) -> None:
        following = self.pair.state in (TeleopState.FOLLOWING, TeleopState.CLUTCHED)
        assert following == (self.pair.command is not None) == self.engaged

    @invariant()
    def the_setpoint_is_within_the_range_of_the_joints(self) -> None:
        for low, value, high in zip(JOINT_LIMITS.lower, self.setpoint, JOINT_LIMITS.upper, strict=True):
            assert low <= value <= high


TestMapping = Mapping.TestCase
TestMapping.__doc__ = (
    """No order of rules makes the tool jump, move without permit and gesture, or open its jaw unasked."""
)
TestMapping.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
