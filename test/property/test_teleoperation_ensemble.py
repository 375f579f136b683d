"""Two hands, three instruments, an endoscope: no order of what people and links do makes any of them jump.

Everything at once: motion of the hands, clutch, camera pedal, scale, swaps of arms, locks, tremor filter, virtual
fixtures, a poor link, lost and irregular packets, stamps that stand or go back, quaternions of either sign that are not
quite units, silence, holds of the gate, permits that come and go, setpoints that are reported late.
"""

from __future__ import annotations

import math
from collections import deque

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from teleop_core import ecm_kinematics, psm_kinematics
from teleop_core.arm_swap import HANDS, ArmSwap
from teleop_core.camera_control import CameraControl, CameraLimits
from teleop_core.cart import ready_configuration, rotation_display_in_base
from teleop_core.fixture_table import fixtures_of
from teleop_core.jaw import JawLimits
from teleop_core.link_allowance import LinkAllowance, LinkQuality, link_allowance
from teleop_core.motion_limits import MotionLimits
from teleop_core.psm_kinematics import JOINT_LIMITS
from teleop_core.se3 import Pose, quaternion_angle, quaternion_multiply
from teleop_core.signals import HandSignal, OperatorSignal, TeleopState
from teleop_core.teleoperation import ArmStatus, HandArmPair
from test.helpers.regions import ARMS, FIXTURES, REGIONS

PERIOD = 0.005
MOTION, JAW, CAMERA = MotionLimits(), JawLimits(), CameraLimits()
NO_MOTION = 1e-9
strides = st.integers(-10, 10).map(lambda value: value * 4e-4)
leaps = st.integers(-300, 300).map(lambda value: value * 1e-3)
counts = st.integers(1, 25)
hand_names = st.sampled_from(HANDS)


class Ensemble(RuleBasedStateMachine):
    """What the kinematics node does with a packet, and drivers that do at once what they are told."""

    def __init__(self) -> None:
        super().__init__()
        self.now = self.sent_at = 100.0
        self.scale, self.ratio, self.epoch = 0.2, 1.0, 0
        self.clutch = self.camera_pedal = False
        self.permitted = self.present = self.both = self.follows = True
        self.position = {"MTMR": np.array([-0.1, 0.0, 0.3]), "MTML": np.array([0.1, 0.0, 0.3])}
        self.quaternion = {name: np.array([0.0, 0.0, 0.0, 1.0]) for name in HANDS}
        self.turned_over = dict.fromkeys(HANDS, 1.0)
        self.gripper = 0.4
        self.stamp_error = 0.0
        self.link = LinkAllowance()
        self.wishes: dict[str, dict[str, object]] = {name: {} for name in HANDS}
        self.q = {arm: tuple(ready_configuration(arm).tolist()) for arm in (*ARMS, "ECM")}
        self.jaws = dict.fromkeys(ARMS, 0.3)
        self.commanded: dict[str, tuple[float, ...] | None] = dict.fromkeys((*ARMS, "ECM"), None)
        self.commanded_jaws: dict[str, float | None] = dict.fromkeys(ARMS, None)
        self.reports: deque[tuple[dict[str, tuple[float, ...]], dict[str, float]]] = deque(maxlen=1)

    @initialize(tremor_filter=st.booleans(), fixtures=st.booleans(), engaged=st.booleans(), late=st.integers(1, 5))
    def the_session_begins(self, tremor_filter: bool, fixtures: bool, engaged: bool, late: int) -> None:
        self.fenced = fixtures
        self.reports = deque([(dict(self.q), dict(self.jaws))] * late, maxlen=late)
        self.swap = ArmSwap(ARMS)
        self.camera = CameraControl(CAMERA)
        hands = {arm: hand for hand, arm in self.swap.arm_of.items()}
        self.pairs = {
            arm: HandArmPair(
                hands.get(arm, ""),
                rotation_display_in_base(arm),
                MOTION,
                JAW,
                tremor_filter=tremor_filter,
                fixtures=fixtures_of(arm, FIXTURES) if fixtures else None,
            )
            for arm in ARMS
        }
        if engaged:
            self.packets(1)
            self.the_gesture()

    # --- what people and machines do

    @rule(name=hand_names, x=strides, y=strides, z=strides, count=counts)
    def a_hand_moves(self, name: str, x: float, y: float, z: float, count: int) -> None:
        for _ in range(count):
            self.position[name] = self.position[name] + np.array([x, y, z])
            self.packets(1)

    @rule(x=strides, y=strides, z=strides, count=counts)
    def both_hands_move(self, x: float, y: float, z: float, count: int) -> None:
        for _ in range(count):
            for name in HANDS:
                self.position[name] = self.position[name] + np.array([x, y, z])
            self.packets(1)

    @rule(name=hand_names, x=leaps, y=leaps, z=leaps, count=counts)
    def a_hand_leaps(self, name: str, x: float, y: float, z: float, count: int) -> None:
        self.position[name] = np.array([x, y, 0.3 + z])
        self.packets(count)

    @rule(name=hand_names, axis=st.integers(0, 2), angle=st.integers(-40, 40))
    def a_hand_turns(self, name: str, axis: int, angle: int) -> None:
        turn = np.array([0.0, 0.0, 0.0, math.cos(0.01 * angle)])
        turn[axis] = math.sin(0.01 * angle)
        self.quaternion[name] = quaternion_multiply(turn, self.quaternion[name])
        self.packets(3)

    @rule()
    def the_gesture(self) -> None:
        self.epoch += 1
        self.clutch = True
        self.packets(25)
        self.clutch = False
        self.packets(1)

    @rule(x=strides, y=strides, z=strides, count=counts)
    def the_gesture_and_both_hands_move(self, x: float, y: float, z: float, count: int) -> None:
        self.the_gesture()
        self.both_hands_move(x, y, z, count)

    @rule(count=counts, x=leaps)
    def the_clutch_is_pressed_while_hands_move(self, count: int, x: float) -> None:
        self.epoch += 1
        self.clutch = True
        self.packets(count)
        self.position["MTMR"] = self.position["MTMR"] + x
        self.clutch = False

    @rule(count=counts)
    def the_camera_pedal(self, count: int) -> None:
        self.camera_pedal = True
        self.packets(count)
        self.camera_pedal = False

    @rule(x=strides, y=strides, z=strides, turn=strides, count=counts)
    def the_hands_hold_the_world(self, x: float, y: float, z: float, turn: float, count: int) -> None:
        self.camera_pedal = False
        self.packets(1)
        self.camera_pedal = True
        for _ in range(count):
            for name, sign in zip(HANDS, (-1.0, 1.0), strict=True):
                self.position[name] = self.position[name] + np.array([x, y + sign * turn, z])
            self.packets(1)
        self.camera_pedal = False

    @rule(scale=st.sampled_from([0.1, 0.2, 1.0]))
    def another_scale(self, scale: float) -> None:
        self.scale = scale

    @rule(ratio=st.sampled_from([0.25, 1.0]))
    def another_share_of_the_speed(self, ratio: float) -> None:
        self.ratio = ratio

    @rule(angle=st.integers(-10, 90))
    def the_grippers_move(self, angle: int) -> None:
        self.gripper = math.radians(angle)

    @rule(name=hand_names, norm=st.sampled_from([-1.0, 1.0, 0.9991, 1.0009, -1.0009]))
    def a_quaternion_is_written_otherwise(self, name: str, norm: float) -> None:
        """The same orientation: of the other sign, or not quite a unit."""
        self.turned_over[name] = norm

    @rule(error=st.sampled_from([0.0, 0.004, 0.005, 0.02, -0.05]))
    def stamps_go_wrong(self, error: float) -> None:
        """One packet has the stamp of the one before, or an older or younger one than its hands."""
        self.stamp_error = error
        self.now += PERIOD
        self.one_packet()
        self.stamp_error = 0.0

    @rule(round_trip=st.sampled_from([0.05, 0.25, 0.4, math.nan]), level=st.sampled_from([0, 0, 2]))
    def another_link(self, round_trip: float, level: int) -> None:
        self.link = link_allowance(LinkQuality(round_trip, 0.0, math.nan, level), self.link)

    @rule(x=strides, y=strides, count=counts)
    def the_clutch_while_the_hands_hold_the_world(self, x: float, y: float, count: int) -> None:
        self.packets(1)
        self.camera_pedal = True
        self.both_hands_move(x, y, 0.0, 12)
        self.epoch += 1
        self.clutch = True
        before = self.q["ECM"]
        self.both_hands_move(x, y, 0.0, count)
        assert self.q["ECM"] == before, "the endoscope stands while the hands are free"
        self.clutch = False
        self.packets(2)
        self.camera_pedal = False

    @rule(up=st.integers(1, 3))
    def the_camera_pedal_bounces(self, up: int) -> None:
        self.camera_pedal = True
        self.both_hands_move(0.002, 0.0, 0.0, 15)
        self.camera_pedal = False
        self.packets(up)
        self.camera_pedal = True
        self.packets(15)
        self.camera_pedal = False

    @rule(name=hand_names, arm=st.sampled_from(["", *ARMS]), freely=st.booleans())
    def another_arm(self, name: str, arm: str, freely: bool) -> None:
        self.clutch = freely
        self.packets(1)
        self.wishes[name] = {**self.wishes[name], "arm": arm}
        self.packets(1)
        self.clutch = False

    @rule(name=hand_names, lock=st.sampled_from(["lock_rotation", "lock_translation", "aligns"]), on=st.booleans())
    def a_lock(self, name: str, lock: str, on: bool) -> None:
        self.wishes[name] = {**self.wishes[name], lock: on}

    @rule(lost=st.integers(1, 100), x=leaps)
    def packets_are_lost(self, lost: int, x: float) -> None:
        self.time_passes(lost * PERIOD)
        self.position["MTML"] = self.position["MTML"] + 0.2 * x

    @rule(elapsed=st.sampled_from([0.0, 0.0005, 0.002, 0.015, 0.05]))
    def a_packet_out_of_step(self, elapsed: float) -> None:
        self.time_passes(elapsed)
        self.one_packet()

    @rule(what=st.sampled_from(["permitted", "present", "both", "follows"]), count=st.integers(1, 70))
    def something_is_missing_for_a_while(self, what: str, count: int) -> None:
        setattr(self, what, False)
        self.packets(count)
        setattr(self, what, True)

    @rule()
    def silence(self) -> None:
        self.time_passes(0.3)
        for pair in self.pairs.values():
            pair.stop(True)
        self.camera.stop(True)
        self.commanded = dict.fromkeys(self.commanded, None)
        self.commanded_jaws = dict.fromkeys(ARMS, None)

    @rule(joint=st.integers(0, 3), way=st.integers(-20, 20))
    def somebody_else_moves_the_endoscope(self, joint: int, way: int) -> None:
        """The local team, for instance: in small steps, while the hands may lead instruments."""
        if self.camera.state is not TeleopState.FOLLOWING:
            q = list(self.q["ECM"])
            q[joint] = min(max(q[joint] + 1e-3 * way, ecm_kinematics.ECM_LIMITS.lower[joint]), 0.2)
            self.q["ECM"] = tuple(q)
            for setpoints, _ in self.reports:
                setpoints["ECM"] = self.q["ECM"]  # meanwhile the arm belongs to them, and is not ready for the hands
            self.look()

    @rule(count=counts)
    def packets(self, count: int) -> None:
        for _ in range(count):
            self.now += PERIOD
            self.one_packet()

    def time_passes(self, elapsed: float) -> None:
        """Without packets; the arms report where they stand all the same."""
        self.now += elapsed
        self.reports.extend([(dict(self.q), dict(self.jaws))] * round(elapsed / PERIOD))

    # --- what the kinematics node does, and what has to be true of it

    def one_packet(self) -> None:
        hands = tuple(
            HandSignal(
                name,
                Pose(self.position[name], self.turned_over[name] * self.quaternion[name]),
                (0.0,) * 3,
                (0.0,) * 3,
                self.gripper,
                **self.wishes[name],
            )
            for name in (HANDS if self.both else HANDS[:1])
        )
        scale, ratio = self.link.scale * self.scale, self.link.speed * self.ratio
        stamp = self.now - self.stamp_error
        signal = OperatorSignal(
            stamp, 1, 1, self.epoch, self.present, self.clutch, self.camera_pedal, scale, 0.0, 0.0, hands
        )
        states = {arm: pair.state for arm, pair in self.pairs.items()}
        for arm, hand in self.swap.update(signal, states):
            assert states[arm] is not TeleopState.FOLLOWING
            self.pairs[arm].assign(hand, True)
        elapsed = ratio * min(max(self.now - self.sent_at + PERIOD, 0.001), 0.02) * (1.0 + 1e-6)
        reported, reported_jaws = self.reports[0]
        for arm, pair in self.pairs.items():
            status = ArmStatus(True, reported[arm], reported_jaws[arm])
            command = pair.step(self.now, signal, self.permitted, ratio, status)
            self.judge_jaw(arm, None if command is None else command.jaw, elapsed)
            self.judge(arm, None if command is None else command.q, elapsed)
        q = self.camera.step(self.now, signal, self.permitted, ratio, True, reported["ECM"])
        self.judge_camera(q, elapsed)
        self.reports.append((dict(self.q), dict(self.jaws)))
        self.sent_at = self.now

    def judge(self, arm: str, q: tuple[float, ...] | None, elapsed: float) -> None:
        before = self.q[arm] if self.commanded[arm] is None else self.commanded[arm]
        if q is not None:
            assert self.permitted
            assert self.present
            assert self.pairs[arm].hand in HANDS
            here, there = psm_kinematics.forward_pose(q), psm_kinematics.forward_pose(before)
            assert math.dist(here.position, there.position) <= MOTION.tool_speed * elapsed + NO_MOTION
            turned = quaternion_angle(here.quaternion, there.quaternion)
            assert turned <= MOTION.tool_rotation_speed * elapsed + NO_MOTION
            for value, old, speed in zip(q, before, JOINT_LIMITS.velocity, strict=True):
                assert abs(value - old) <= speed * elapsed + NO_MOTION
            if self.camera_pedal or self.clutch:
                assert q == before, "instruments stand still while the hands are free or hold the world"
            if self.follows:
                self.q[arm] = q
        self.commanded[arm] = q

    def judge_jaw(self, arm: str, jaw: float | None, elapsed: float) -> None:
        before = self.jaws[arm] if self.commanded_jaws[arm] is None else self.commanded_jaws[arm]
        if jaw is not None:
            assert abs(jaw - before) <= JAW.rate * elapsed + NO_MOTION
            if self.camera_pedal or self.clutch:
                assert jaw == before, "jaws stand still with their instruments"
            if self.follows:
                self.jaws[arm] = jaw
        self.commanded_jaws[arm] = jaw

    def judge_camera(self, q: tuple[float, ...] | None, elapsed: float) -> None:
        before = self.q["ECM"] if self.commanded["ECM"] is None else self.commanded["ECM"]
        if q is not None:
            assert self.camera_pedal
            assert self.both
            moved = math.dist(ecm_kinematics.forward(q)[0], ecm_kinematics.forward(before)[0])
            assert moved <= CAMERA.speed * elapsed + NO_MOTION
            if self.commanded["ECM"] is None:
                assert moved <= CAMERA.acceleration * elapsed * elapsed + NO_MOTION
            limits = ecm_kinematics.ECM_LIMITS
            for value, old, speed in zip(q, before, limits.velocity, strict=True):
                assert abs(value - old) <= speed * elapsed + NO_MOTION
            if self.follows:
                self.q["ECM"] = q
                self.look()
        self.commanded["ECM"] = q

    def look(self) -> None:
        for arm, pair in self.pairs.items():
            pair.look(rotation_display_in_base(arm, self.q["ECM"]))

    @invariant()
    def no_arm_has_two_hands(self) -> None:
        if hasattr(self, "pairs"):
            hands = [pair.hand for pair in self.pairs.values() if pair.hand]
            assert len(set(hands)) == len(hands)
            assert {pair.hand: arm for arm, pair in self.pairs.items() if pair.hand} == self.swap.arm_of

    @invariant()
    def no_forbidden_region_is_entered(self) -> None:
        if hasattr(self, "pairs") and self.fenced:
            for arm in ARMS:
                tip = tuple(psm_kinematics.forward(self.q[arm])[0].tolist())
                for region in REGIONS[arm]:
                    assert region.toward(tip)[0] >= 0.0, f"{arm} in {region.name}"


def test_no_order_of_events_makes_an_arm_jump_or_enter_a_region() -> None:
    """Nor does it move an instrument while the hands hold the world, nor give an arm two hands."""
    run_state_machine_as_test(Ensemble, settings=settings(max_examples=30, stateful_step_count=40, deadline=None))
