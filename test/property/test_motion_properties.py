"""Whatever a hand does, however packets arrive: the setpoint of an arm moves within its limits, or not at all."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import example, given, settings
from hypothesis import strategies as st

from robot_driver.arm_limits import gate_limits
from robot_driver.command_gate import CommandGate
from teleop_core.jaw import JawLimits
from teleop_core.motion_limits import MotionLimiter, MotionLimits
from teleop_core.psm_kinematics import INSERTION_AT_RCM, JOINT_LIMITS, forward, forward_pose, shaft_deviation_from_rcm
from teleop_core.se3 import Pose, quaternion_angle
from teleop_core.signals import HandSignal, OperatorSignal
from teleop_core.step_time import LONGEST_STEP
from teleop_core.teleoperation import ArmStatus, HandArmPair

START = (0.1, -0.1, 0.14, 0.2, 0.1, -0.1)
finite = st.floats(-0.5, 0.5)
anything = st.floats(allow_nan=True, allow_infinity=True)


@st.composite
def hand_moments(draw: st.DrawFn) -> tuple[float, np.ndarray, np.ndarray, float, bool, bool, bool, float]:
    """Time since the previous packet, hand pose, gripper, clutch, permit, presence, scale."""
    quaternion = np.array([draw(st.floats(-1.0, 1.0)) for _ in range(4)]) + np.array([0.0, 0.0, 0.0, 1e-3])
    return (
        draw(st.sampled_from([0.001, 0.005, 0.01, 0.2])),
        np.array([draw(finite) for _ in range(3)]),
        quaternion / np.linalg.norm(quaternion),
        draw(st.floats(-1.0, 2.0)),
        draw(st.sampled_from([False, False, False, True])),
        draw(st.sampled_from([True, True, True, True, False])),
        draw(st.sampled_from([True, True, True, True, False])),
        draw(st.sampled_from([0.2, 0.2, 1.0])),
    )


@settings(deadline=None, max_examples=150)
@given(st.lists(hand_moments(), min_size=1, max_size=60))
def test_no_sequence_of_a_hand_makes_a_jump(moments: list[tuple]) -> None:
    """Joint commands stay in range and within the speed limits, start at the setpoint, keep the shaft in the RCM."""
    pair = HandArmPair("MTML", np.eye(3), MotionLimits(), JawLimits())
    now, epoch, clutch_before = 10.0, 0, False
    setpoint, jaw = START, 0.1
    limits = MotionLimits()
    for _ in range(2):
        _step(pair, now, np.zeros(3), np.array([0.0, 0.0, 0.0, 1.0]), 0.2, epoch, True, setpoint, jaw)
        now += 0.15
    for elapsed, position, quaternion, gripper, clutch, permitted, present, scale in moments:
        now += elapsed
        epoch += int(clutch and not clutch_before)
        clutch_before = clutch
        hand = HandSignal("MTML", Pose(position, quaternion), (0.0,) * 3, (0.0,) * 3, gripper)
        signal = OperatorSignal(now, 1, 1, epoch, present, clutch, False, scale, 0.0, 0.0, (hand,))
        command = pair.step(now, signal, permitted, 1.0, ArmStatus(True, setpoint, jaw))
        if command is None:
            continue
        assert permitted
        assert present
        dt = min(elapsed, LONGEST_STEP)
        for value, before, speed in zip(command.q, setpoint, JOINT_LIMITS.velocity, strict=True):
            assert abs(value - before) <= speed * dt * (1.0 + 1e-9)
        for value, low, high in zip(command.q, JOINT_LIMITS.lower, JOINT_LIMITS.upper, strict=True):
            assert low <= value <= high
        assert command.q[2] - INSERTION_AT_RCM >= limits.min_depth - 1e-12 or command.q[2] >= setpoint[2]
        assert abs(command.jaw - jaw) <= JawLimits().rate * dt * (1.0 + 1e-9)
        assert shaft_deviation_from_rcm(command.q) <= 1e-6
        setpoint, jaw = command.q, command.jaw


def _step(
    pair: HandArmPair,
    now: float,
    position: np.ndarray,
    quaternion: np.ndarray,
    scale: float,
    epoch: int,
    clutch: bool,
    setpoint: tuple[float, ...],
    jaw: float,
) -> None:
    hand = HandSignal("MTML", Pose(position, quaternion), (0.0,) * 3, (0.0,) * 3, 0.3)
    signal = OperatorSignal(now, 1, 1, epoch, True, clutch, False, scale, 0.0, 0.0, (hand,))
    pair.step(now, signal, True, 1.0, ArmStatus(True, setpoint, jaw))


shares = st.lists(st.floats(0.0, 1.0), min_size=6, max_size=6)
steps = st.lists(st.floats(-0.3, 0.3), min_size=6, max_size=6)


@settings(deadline=None, max_examples=500)
@given(shares=shares, steps=steps, dt=st.sampled_from([0.001, 0.005, 0.02]))
@example(shares=[0.0, 0.0, 0.0, 0.25, 0.375, 0.0], steps=[0.0, 0.25, 0.25, 0.0, 0.28125, 0.0], dt=0.02)
def test_joints_that_fall_short_make_no_tool_faster(shares: list[float], steps: list[float], dt: float) -> None:
    """Joints at the end of their range or speed lead the tool beside its way, at no more than a tool's speeds."""
    limits = MotionLimits()
    q = tuple(
        low + share * (high - low)
        for low, share, high in zip(JOINT_LIMITS.lower, shares, JOINT_LIMITS.upper, strict=True)
    )
    q = (*q[:2], max(q[2], 0.03), *q[3:])
    asked = (q[0] + steps[0], q[1] + steps[1], max(0.03, q[2] + 0.1 * steps[2]), *np.add(q[3:], steps[3:]).tolist())
    reachable = MotionLimiter(limits).reach(forward_pose(asked), q, dt)
    if reachable.reasons:
        before, after = forward_pose(q), forward_pose(reachable.q)
        assert math.dist(before.position, after.position) <= limits.tool_speed * dt * (1.0 + 1e-6)
        turned = quaternion_angle(before.quaternion, after.quaternion)
        assert turned <= limits.tool_rotation_speed * dt * (1.0 + 1e-6)


gate_events = st.one_of(
    st.tuples(st.just("command"), st.lists(st.one_of(st.floats(-2.0, 2.0), anything), min_size=6, max_size=6)),
    st.tuples(st.just("near"), st.lists(st.floats(-0.02, 0.02), min_size=6, max_size=6)),
    st.tuples(st.just("permit"), st.booleans()),
    st.tuples(st.just("wait"), st.sampled_from([0.0, 0.001, 0.005, 0.05, 0.3])),
    st.tuples(st.just("enable"), st.booleans()),
    st.tuples(st.just("stop"), st.just(None)),
)


@settings(deadline=None, max_examples=300)
@given(st.lists(gate_events, max_size=80))
def test_the_gate_never_lets_anything_wild_through(events: list[tuple]) -> None:
    """For any order of commands, rubbish, permits, waits and stops the setpoint stays finite, in range and slow."""
    limits = gate_limits(0.005, 0.15, 0.06)
    gate = CommandGate(limits, START)
    now, sequence, permitted_until, enabled = 5.0, 0, float("-inf"), False
    for kind, value in events:
        before = gate.setpoint
        if kind == "wait":
            now += value
        elif kind == "permit":
            sequence += 1
            gate.permit(now, value, 7, sequence, 0.1, 1.0)
            permitted_until = now + 0.1 if value else float("-inf")
        elif kind == "enable":
            gate.enable(value)
            enabled = value
        elif kind == "stop":
            gate.protective_stop()
        else:
            now += 0.005
            wanted = value if kind == "command" else [a + b for a, b in zip(before, value, strict=True)]
            gate.command(now, wanted, now)
        if gate.setpoint != before:
            assert enabled
            assert now <= permitted_until
        for low, value_now, high in zip(limits.lower, gate.setpoint, limits.upper, strict=True):
            assert low <= value_now <= high
        for after, held, speed in zip(gate.setpoint, before, limits.velocity, strict=True):
            assert abs(after - held) <= speed * limits.jump_time * (1.0 + 1e-9)
        assert np.all(np.isfinite(forward(gate.setpoint)[0]))
