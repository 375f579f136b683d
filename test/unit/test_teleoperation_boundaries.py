"""The edges of teleoperation: exact times, exact distances, what is missing, and what is told when."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest

from teleop_core.jaw import JawLimits
from teleop_core.motion_limits import ENGAGE_TOLERANCE, LimitReason, MotionLimits
from teleop_core.psm_kinematics import INSERTION_AT_RCM, JOINT_LIMITS, forward_pose
from teleop_core.se3 import Pose
from teleop_core.setpoint_watch import ARM_LOST_AFTER, FEEDBACK_LAG
from teleop_core.signals import HandSignal, OperatorSignal, TeleopState
from teleop_core.step_time import ARRIVAL_JITTER, LONGEST_STEP, SHORTEST_STEP
from teleop_core.teleoperation import (
    GESTURE_PRESS,
    NO_HAND,
    NOT_FOLLOWING,
    ArmCommand,
    ArmStatus,
    HandArmPair,
)

START = (0.1, -0.1, 0.14, 0.2, 0.1, -0.1)
READY = ArmStatus(True, START, 0.2)
IDENTITY = np.array([0.0, 0.0, 0.0, 1.0])
# Of the limits only the speed matters: slower than any joint, and reached at once.
MOTION = MotionLimits(tool_speed=0.05, tool_acceleration=1e6)


def packet(stamp: float, x: float = 0.0, **changes: object) -> OperatorSignal:
    hand = HandSignal("MTML", Pose(np.array([x, 0.0, 0.0]), IDENTITY), (0.0,) * 3, (0.0,) * 3, 0.3)
    made = OperatorSignal(stamp, 1, 1, 0, True, False, False, 1.0, 0.0, 0.0, (hand,))
    return dataclasses.replace(made, **changes)


def a_pair() -> HandArmPair:
    return HandArmPair("MTML", np.eye(3), MOTION, JawLimits())


def engaged(now: float, arm: ArmStatus = READY) -> HandArmPair:
    """A pair that follows since `now`."""
    pair = a_pair()
    pair.step(now - 1.0, packet(now - 1.0, clutch=True), True, 1.0, arm)
    assert pair.step(now, packet(now), True, 1.0, arm) is not None
    assert pair.state is TeleopState.FOLLOWING
    return pair


def commanded(pair: HandArmPair) -> ArmCommand:
    assert pair.command is not None
    return pair.command


def test_a_new_pair_drives_nothing_and_says_nothing() -> None:
    """Before the first packet: disabled, no command, no reason."""
    pair = a_pair()
    assert pair.state is TeleopState.DISABLED
    assert pair.command is None
    assert pair.reasons == ()


@pytest.mark.parametrize(("ready", "state"), [(True, TeleopState.ALIGNING), (False, TeleopState.DISABLED)])
def test_what_lets_go_says_whether_the_arm_is_ready(ready: bool, state: TeleopState) -> None:
    """A stop and a packet without a permit leave the pair aligning if the arm is ready, else disabled."""
    pair = engaged(5.0)
    pair.stop(ready)
    assert (pair.state, pair.reasons, pair.command) == (state, (), None)
    pair = engaged(5.0)
    arm = dataclasses.replace(READY, ready=ready)
    assert pair.step(5.005, packet(5.005), False, 1.0, arm) is None
    assert (pair.state, pair.reasons, pair.command) == (state, (), None)


@pytest.mark.parametrize("missing", [{"setpoint": None}, {"jaw": None}, {"setpoint": None, "jaw": None}], ids=str)
def test_an_arm_whose_place_is_unknown_is_not_driven(missing: dict[str, None]) -> None:
    """Joints and jaw have to be known, both of them, to engage and to go on."""
    arm = dataclasses.replace(READY, **missing)
    pair = a_pair()
    pair.step(1.0, packet(1.0, clutch=True), True, 1.0, arm)
    assert pair.step(2.0, packet(2.0), True, 1.0, arm) is None
    pair = engaged(5.0)
    assert pair.step(5.005, packet(5.005), True, 1.0, arm) is None
    assert pair.command is None
    assert pair.state is TeleopState.ALIGNING


def test_only_the_hand_of_its_own_name_drives_it() -> None:
    """The other hand's motion is nothing to this pair, whichever comes first in the packet."""
    pair = engaged(5.0)
    other = HandSignal("MTMR", Pose(np.array([0.3, 0.0, 0.0]), IDENTITY), (0.0,) * 3, (0.0,) * 3, 0.3)
    before = commanded(pair).q
    signal = packet(5.005)
    pair.step(5.005, dataclasses.replace(signal, hands=(other, *signal.hands)), True, 1.0, READY)
    assert commanded(pair).q == pytest.approx(before, abs=1e-12)
    assert pair.step(5.01, dataclasses.replace(signal, hands=(other,)), True, 1.0, READY) is None


def test_a_press_of_exactly_the_shortest_time_is_the_gesture() -> None:
    """The shortest press counts, one a little shorter does not."""
    for released, state in (
        (GESTURE_PRESS, TeleopState.FOLLOWING),
        (math.nextafter(GESTURE_PRESS, 0.0), TeleopState.ALIGNING),
    ):
        pair = a_pair()
        pair.step(0.0, packet(0.0, clutch=True), True, 1.0, READY)
        pair.step(released, packet(released), True, 1.0, READY)
        assert pair.state is state


def test_a_release_while_the_camera_is_moved_engages_nothing() -> None:
    """With the camera pedal pressed the gesture is spent without effect."""
    pair = a_pair()
    pair.step(1.0, packet(1.0, clutch=True), True, 1.0, READY)
    assert pair.step(2.0, packet(2.0, camera=True), True, 1.0, READY) is None
    assert pair.step(2.005, packet(2.005), True, 1.0, READY) is None
    assert pair.state is TeleopState.ALIGNING


def test_the_cannula_is_the_reason_only_while_it_is() -> None:
    """Too near to the cannula is told while it lasts and no longer; the arm stays ready to be aligned."""
    least = MOTION.min_depth + INSERTION_AT_RCM - ENGAGE_TOLERANCE
    pair = a_pair()
    shallow = dataclasses.replace(READY, setpoint=(*START[:2], least - 1e-6, *START[3:]))
    assert pair.step(1.0, packet(1.0, clutch=True), True, 1.0, shallow) is None
    assert (pair.state, pair.reasons) == (TeleopState.ALIGNING, (LimitReason.RCM_DEPTH.value,))
    pair.step(2.0, packet(2.0, clutch=True), True, 1.0, READY)
    assert (pair.state, pair.reasons) == (TeleopState.ALIGNING, ())


def test_a_press_while_too_near_to_the_cannula_does_not_count() -> None:
    """The press counts from when the arm may be engaged."""
    pair = a_pair()
    shallow = dataclasses.replace(READY, setpoint=(*START[:2], 0.02, *START[3:]))
    pair.step(1.0, packet(1.0, clutch=True), True, 1.0, shallow)
    pair.step(2.0, packet(2.0, clutch=True), True, 1.0, READY)
    assert pair.step(2.005, packet(2.005), True, 1.0, READY) is None


def test_why_the_arm_was_let_go_is_told_until_it_is_engaged_again() -> None:
    """An arm that does not follow is named as the reason while the operator aligns anew."""
    pair = engaged(5.0)
    elsewhere = dataclasses.replace(READY, setpoint=(*START[:1], 0.4, *START[2:]))
    pair.step(5.25, packet(5.25), True, 1.0, elsewhere)
    assert pair.step(5.5, packet(5.5), True, 1.0, elsewhere) is None
    assert (pair.state, pair.reasons) == (TeleopState.ALIGNING, (NOT_FOLLOWING,))
    pair.step(5.75, packet(5.75, clutch=True), True, 1.0, elsewhere)
    assert pair.reasons == (NOT_FOLLOWING,)
    pair.step(6.0, packet(6.0), True, 1.0, elsewhere)
    assert (pair.state, pair.reasons) == (TeleopState.FOLLOWING, ())


def test_an_arm_is_lost_after_exactly_the_time_said() -> None:
    """A setpoint that is elsewhere is put up with for a quarter of a second, counted from when it was first so."""
    pair = engaged(64.0)
    elsewhere = dataclasses.replace(READY, setpoint=(*START[:1], 0.4, *START[2:]))
    for now in (64.0625, 64.125, 64.1875, 64.25):
        assert pair.step(now, packet(now), True, 1.0, elsewhere) is not None
    lost_at = 64.0625 + ARM_LOST_AFTER
    assert pair.step(lost_at, packet(lost_at), True, 1.0, elsewhere) is None


def test_an_arm_that_comes_back_in_time_is_not_lost() -> None:
    """The time counts anew whenever the setpoint has been where it was told to be."""
    pair = engaged(64.0)
    elsewhere = dataclasses.replace(READY, setpoint=(*START[:1], 0.4, *START[2:]))
    for step in range(20):
        now = 64.125 + 0.125 * step
        arm = elsewhere if step % 2 else dataclasses.replace(READY, setpoint=commanded(pair).q)
        assert pair.step(now, packet(now), True, 1.0, arm) is not None


def test_a_setpoint_behind_by_the_lag_of_the_feedback_is_where_it_shall_be() -> None:
    """As far as a joint moves in that lag is near enough, and not a hair more."""
    for behind, followed in ((1.0, True), (1.0 + 1e-9, False)):
        pair = engaged(64.0)
        index, lag = next(
            (joint, speed * FEEDBACK_LAG)
            for joint, speed in enumerate(JOINT_LIMITS.velocity)
            if abs(commanded(pair).q[joint] - (commanded(pair).q[joint] - speed * FEEDBACK_LAG)) == speed * FEEDBACK_LAG
        )
        for step in range(1, 9):
            now = 64.0 + 0.0625 * step
            present = commanded(pair).q
            held = (*present[:index], present[index] - behind * lag, *present[index + 1 :])
            pair.step(now, packet(now), True, 1.0, ArmStatus(True, held, 0.2))
            if pair.state is not TeleopState.FOLLOWING:
                break
        assert (pair.state is TeleopState.FOLLOWING) == followed


def test_an_arm_that_tells_too_few_joints_is_an_error() -> None:
    """Joints that are not told are not taken for joints that follow."""
    pair = engaged(5.0)
    with pytest.raises(ValueError, match="shorter"):
        pair.step(5.005, packet(5.005), True, 1.0, ArmStatus(True, START[:5], 0.2))


@pytest.mark.parametrize("pedal", ["clutch", "camera"])
def test_with_free_hands_there_is_nothing_to_tell(pedal: str) -> None:
    """Reasons of the motion before are gone while the clutch or the camera pedal is pressed."""
    pair = engaged(5.0)
    pair.step(5.005, packet(5.005, x=0.3), True, 1.0, READY)
    assert pair.reasons == (LimitReason.SPEED.value,)
    pair.step(5.01, packet(5.01, x=0.3, **{pedal: True}), True, 1.0, READY)
    assert pair.state is TeleopState.CLUTCHED
    assert pair.reasons == ()


@pytest.mark.parametrize(
    ("sampled", "arrived", "time"),
    [
        (0.005, 0.005, 0.005),
        (0.010, 0.001, 0.001 + ARRIVAL_JITTER),
        (0.010, 0.020, 0.010),
        (0.500, 0.500, LONGEST_STEP),
        (0.000, 0.005, SHORTEST_STEP),
        (-0.50, 0.005, SHORTEST_STEP),
    ],
    ids=["even", "in a burst", "after a gap", "after long", "same stamp", "stamp that goes back"],
)
def test_a_step_takes_the_time_between_samples_within_bounds(sampled: float, arrived: float, time: float) -> None:
    """A leap of the hand moves the tip as far as it may go in the step, however the packets arrive."""
    pair = engaged(5.0)
    before = commanded(pair).pose.position
    pair.step(5.0 + arrived, packet(5.0 + sampled, x=0.5), True, 1.0, READY)
    moved = commanded(pair).pose.position - before
    assert moved == pytest.approx((MOTION.tool_speed * time, 0.0, 0.0), abs=1e-9)


def test_less_speed_means_less_way() -> None:
    """At a quarter of the speed the tip goes a quarter of the way."""
    pair = engaged(5.0)
    before = commanded(pair).pose.position
    pair.step(5.01, packet(5.01, x=0.5), True, 0.25, READY)
    moved = commanded(pair).pose.position - before
    assert moved == pytest.approx((MOTION.tool_speed * 0.01 * 0.25, 0.0, 0.0), abs=1e-9)


def test_rounding_does_not_pile_up() -> None:
    """Within the limits the commanded pose is the hand's own, to the last bit, after many steps too."""
    pair = engaged(5.0)
    anchor = commanded(pair).pose.position
    for step in range(1, 200):
        now, x = 5.0 + 0.005 * step, 1e-4 * step / 3.0
        pair.step(now, packet(now, x=x), True, 1.0, dataclasses.replace(READY, setpoint=commanded(pair).q))
        assert pair.reasons == ()
        assert commanded(pair).pose.position.tolist() == (anchor + 1.0 * np.array([x, 0.0, 0.0])).tolist()


def test_where_the_arm_falls_short_the_next_step_starts_from_the_arm() -> None:
    """At a limit of a joint the commanded pose is the one the joints give, so no debt has to be worked off later."""
    pair = engaged(5.0)
    for step in range(1, 400):
        now = 5.0 + 0.005 * step
        half = 0.005 * step
        turned = Pose(np.zeros(3), np.array([math.sin(half), 0.0, 0.0, math.cos(half)]))
        hand = HandSignal("MTML", turned, (0.0,) * 3, (0.0,) * 3, 0.3)
        arm = dataclasses.replace(READY, setpoint=commanded(pair).q)
        pair.step(now, packet(now, hands=(hand,)), True, 1.0, arm)
        if any("at its limit" in reason for reason in pair.reasons):
            break
    reached = forward_pose(commanded(pair).q)
    assert commanded(pair).pose.position.tolist() == reached.position.tolist()
    assert commanded(pair).pose.quaternion.tolist() == reached.quaternion.tolist()
    assert any("at its limit" in reason for reason in pair.reasons)


def test_packets_without_its_hand_stop_it_and_say_so() -> None:
    """The reason stands while the hand is missing and goes when it is back; without a permit it is not the reason."""
    pair = engaged(5.0)
    assert pair.step(5.005, packet(5.005, hands=()), True, 1.0, READY) is None
    assert (pair.state, pair.reasons) == (TeleopState.ALIGNING, (NO_HAND,))
    pair.step(5.01, packet(5.01), True, 1.0, READY)
    assert pair.reasons == ()
    pair.step(5.015, packet(5.015, hands=()), False, 1.0, READY)
    assert pair.reasons == ()
    assert pair.step(5.02, packet(5.02), False, 1.0, READY) is None
    assert pair.reasons == ()


def test_a_permit_for_no_speed_lets_go() -> None:
    """A share of nothing is no permit to move; the smallest share is one."""
    pair = engaged(5.0)
    assert pair.step(5.005, packet(5.005), True, 1e-9, READY) is not None
    assert pair.step(5.01, packet(5.01), True, 0.0, READY) is None
    assert (pair.state, pair.reasons) == (TeleopState.ALIGNING, ())
