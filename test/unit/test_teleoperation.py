"""One hand drives one instrument: engagement, clutch, scale, limits, and every way of letting go."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest

from teleop_core.jaw import JawLimits
from teleop_core.motion_limits import LimitReason, MotionLimits
from teleop_core.psm_kinematics import JOINT_LIMITS, forward_pose
from teleop_core.se3 import Pose, quaternion_angle, quaternion_multiply
from teleop_core.signals import HandSignal, OperatorSignal, TeleopState
from teleop_core.teleoperation import ArmCommand, ArmStatus, HandArmPair

START = (0.1, -0.1, 0.14, 0.2, 0.1, -0.1)
PERIOD = 0.005
IDENTITY = np.array([0.0, 0.0, 0.0, 1.0])


def about_z(angle: float) -> np.ndarray:
    return np.array([0.0, 0.0, math.sin(angle / 2.0), math.cos(angle / 2.0)])


class Operated:
    """A pair with a hand, a clock, and an arm that does at once what it is told."""

    def __init__(self, rotation: np.ndarray | None = None, tremor_filter: bool = False) -> None:
        rotation = np.eye(3) if rotation is None else rotation
        self.pair = HandArmPair("MTML", rotation, MotionLimits(), JawLimits(), tremor_filter=tremor_filter)
        self.now = 50.0
        self.position = np.array([0.05, 0.02, -0.1])
        self.quaternion = about_z(0.3)
        self.gripper = 0.5
        self.setpoint = START
        self.jaw = 0.2
        self.epoch = 0
        self.follows = True
        self.velocity_ratio = 1.0
        self.hand_says: dict[str, object] = {}

    def step(self, *, clutch: bool = False, permitted: bool = True, **changes: object) -> ArmCommand | None:
        self.now += PERIOD
        hand = HandSignal("MTML", Pose(self.position, self.quaternion), (0.0,) * 3, (0.0,) * 3, self.gripper)
        hand = dataclasses.replace(hand, **self.hand_says)
        signal = OperatorSignal(self.now, 1, 1, self.epoch, True, clutch, False, 0.2, 0.0, 0.0, (hand,))
        status = ArmStatus(bool(changes.pop("ready", True)), self.setpoint, self.jaw)
        command = self.pair.step(
            self.now, dataclasses.replace(signal, **changes), permitted, self.velocity_ratio, status
        )
        if command is not None and self.follows:
            self.setpoint, self.jaw = command.q, command.jaw
        return command

    def press_and_release(self, duration: float = 0.15) -> None:
        self.epoch += 1
        for _ in range(round(duration / PERIOD) + 1):
            self.step(clutch=True)
        self.step()

    def move(self, offset: tuple[float, float, float], steps: int = 200) -> None:
        for _ in range(steps):
            self.position = self.position + np.array(offset) / steps
            self.step()


@pytest.fixture
def operated() -> Operated:
    made = Operated()
    made.step()
    made.press_and_release()
    assert made.pair.state is TeleopState.FOLLOWING
    return made


def test_nothing_moves_without_the_gesture() -> None:
    """A ready arm, a permit and a moving hand are not enough."""
    made = Operated()
    for _ in range(100):
        made.position = made.position + 0.001
        assert made.step() is None
    assert made.pair.state is TeleopState.ALIGNING


def test_a_tap_is_not_the_gesture() -> None:
    """A press shorter than 0.1 s engages nothing."""
    made = Operated()
    made.step()
    made.press_and_release(0.05)
    assert made.pair.state is TeleopState.ALIGNING


def test_a_press_before_the_permit_does_not_count() -> None:
    """The press counts from the permit: whoever keeps the pedal down is not surprised by motion."""
    made = Operated()
    for _ in range(100):
        made.step(clutch=True, permitted=False)
    made.step(clutch=True)
    made.step()
    assert made.pair.state is TeleopState.ALIGNING


def test_engaging_moves_nothing(operated: Operated) -> None:
    """At engagement the command is the setpoint the arm already has."""
    assert operated.setpoint == pytest.approx(START, abs=1e-9)


def test_a_permitted_share_of_speed_that_is_next_to_nothing_moves_nothing(operated: Operated) -> None:
    """The least number above 0 leaves no time for a step: the arm stands, is not let go, and follows again later."""
    operated.velocity_ratio, stood = 5e-324, operated.setpoint
    operated.move((0.02, 0.0, 0.0))
    assert operated.setpoint == stood
    assert operated.pair.state is TeleopState.FOLLOWING
    operated.velocity_ratio = 1.0
    operated.move((0.0, 0.0, 0.0))
    assert operated.setpoint != stood


def test_the_tool_moves_by_the_scaled_motion_of_the_hand() -> None:
    """Hand motion, rotated into the arm's base and scaled, is tool motion; orientation keeps its offset."""
    rotation = np.array([[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
    made = Operated(rotation)
    made.step()
    made.press_and_release()
    before = forward_pose(made.setpoint)
    made.move((0.05, 0.0, 0.02))
    after = forward_pose(made.setpoint)
    assert after.position - before.position == pytest.approx((0.0, 0.01, 0.004), abs=1e-9)
    assert quaternion_angle(before.quaternion, after.quaternion) == pytest.approx(0.0, abs=1e-7)


def test_the_tool_turns_as_the_hand_turns(operated: Operated) -> None:
    """A turn of the hand is the same turn of the tool, unscaled, about the same axis."""
    before = forward_pose(operated.setpoint)
    for step in range(100):
        operated.quaternion = about_z(0.3 + 0.4 * (step + 1) / 100.0)
        operated.step()
    after = forward_pose(operated.setpoint)
    turn = after.rotation() @ before.rotation().T
    expected = Pose(np.zeros(3), about_z(0.4)).rotation()
    assert turn == pytest.approx(expected, abs=1e-7)


def test_the_clutch_frees_the_hand(operated: Operated) -> None:
    """While the clutch is pressed the tool stands still; after its release it goes on from there without a jump."""
    operated.move((0.02, 0.0, 0.0))
    held = operated.setpoint
    operated.epoch += 1
    for _ in range(50):
        operated.position = operated.position + 0.002
        operated.step(clutch=True)
    assert operated.pair.state is TeleopState.CLUTCHED
    assert operated.setpoint == held
    operated.step()
    assert operated.pair.state is TeleopState.FOLLOWING
    assert operated.setpoint == pytest.approx(held, abs=1e-9)


def test_a_missed_clutch_press_does_not_jump(operated: Operated) -> None:
    """If press and release were lost on the way, the new epoch alone makes fresh anchors."""
    held = operated.setpoint
    operated.epoch += 1
    operated.position = operated.position + 0.1
    operated.step()
    assert operated.setpoint == pytest.approx(held, abs=1e-9)


def test_a_change_of_scale_does_not_jump(operated: Operated) -> None:
    """A new scale counts from where the hand is now."""
    operated.move((0.03, 0.0, 0.0))
    held = operated.setpoint
    operated.step(motion_scale=0.9)
    assert operated.setpoint == pytest.approx(held, abs=1e-9)


@pytest.mark.parametrize(
    "changes",
    [{"permitted": False}, {"operator_present": False}, {"ready": False}, {"hands": ()}],
    ids=["no permit", "operator absent", "arm not ready", "hand missing"],
)
def test_every_hold_needs_a_new_gesture(operated: Operated, changes: dict[str, object]) -> None:
    """One packet under which motion is not possible ends following; only the gesture brings it back."""
    assert operated.step(**changes) is None
    for _ in range(20):
        assert operated.step() is None
    assert operated.pair.state is TeleopState.ALIGNING
    operated.press_and_release()
    assert operated.pair.state is TeleopState.FOLLOWING


def test_the_camera_pedal_holds_the_instrument(operated: Operated) -> None:
    """While the hands move the endoscope the instruments stand still."""
    held = operated.setpoint
    operated.position = operated.position + 0.02
    operated.step(camera=True)
    assert operated.setpoint == held


def test_a_sudden_hand_is_followed_at_limited_speed_and_told(operated: Operated) -> None:
    """A hand that leaps moves the tool at the speed limit, and the operator hears why."""
    before = forward_pose(operated.setpoint).position
    operated.position = operated.position + np.array([0.2, 0.0, 0.0])
    operated.step()
    moved = np.linalg.norm(forward_pose(operated.setpoint).position - before)
    assert moved <= MotionLimits().tool_speed * PERIOD * (1.0 + 1e-6)
    assert LimitReason.SPEED.value in operated.pair.reasons


def test_a_hand_that_turns_round_is_followed_with_limited_acceleration_and_caught_up_with(operated: Operated) -> None:
    """Full speed one way, then the other: the tip's velocity changes no faster than the limit, then tip meets hand."""
    start = forward_pose(operated.setpoint).position
    places = [start]
    for step in range(300):
        speed = 0.8 if step < 20 else -0.8 if step < 40 else 0.0
        operated.position = operated.position + np.array([speed * PERIOD, 0.0, 0.0])
        operated.step()
        places.append(forward_pose(operated.setpoint).position)
    velocities = np.diff(np.array(places), axis=0) / PERIOD
    changes = np.linalg.norm(np.diff(velocities, axis=0), axis=1)
    assert changes.max() <= MotionLimits().tool_acceleration * PERIOD * (1.0 + 1e-6)
    assert places[-1] == pytest.approx(start, abs=1e-9)


def test_joint_limits_clamp_and_name_the_joint(operated: Operated) -> None:
    """A turn beyond the wrist's range stops at the limit, says which joint, and comes back at once."""
    for step in range(400):
        operated.quaternion = np.array([math.sin(0.004 * step), 0.0, 0.0, math.cos(0.004 * step)])
        operated.step()
    lower, upper = JOINT_LIMITS.lower, JOINT_LIMITS.upper
    assert all(low <= value <= high for low, value, high in zip(lower, operated.setpoint, upper, strict=True))
    assert any("at its limit" in reason for reason in operated.pair.reasons)


@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize("sense", [1.0, -1.0])
def test_a_wrist_at_its_limit_does_not_move_the_tip(operated: Operated, axis: int, sense: float) -> None:
    """While the hand turns farther than the wrist can, the tip stays exactly where it is."""
    place = forward_pose(operated.setpoint).position
    start = operated.quaternion
    limited = set()
    for step in range(300):
        half = 0.5 * sense * 0.008 * step
        turn = np.array([0.0, 0.0, 0.0, math.cos(half)])
        turn[axis] = math.sin(half)
        operated.quaternion = quaternion_multiply(turn, start)
        operated.step()
        limited.update(operated.pair.reasons)
        assert forward_pose(operated.setpoint).position == pytest.approx(place, abs=1e-9)
    assert any("at its limit" in reason for reason in limited)


def test_an_instrument_inside_the_cannula_is_not_engaged() -> None:
    """With too little shaft past the remote centre the gesture engages nothing, moves nothing, and says why."""
    made = Operated()
    made.setpoint = (0.1, -0.1, 0.03, 0.2, 0.1, -0.1)
    made.step()
    made.press_and_release()
    assert made.pair.state is TeleopState.ALIGNING
    assert made.pair.reasons == (LimitReason.RCM_DEPTH.value,)
    made.setpoint = START
    made.press_and_release()
    assert made.pair.state is TeleopState.FOLLOWING


def test_half_speed_means_half_speed(operated: Operated) -> None:
    """While the monitor permits half of the speed, the tool takes twice the time, so the gate has nothing to limit."""
    operated.velocity_ratio = 0.5
    before = forward_pose(operated.setpoint).position
    operated.position = operated.position + np.array([0.2, 0.0, 0.0])
    operated.step()
    moved = np.linalg.norm(forward_pose(operated.setpoint).position - before)
    assert moved <= 0.5 * MotionLimits().tool_speed * PERIOD * (1.0 + 1e-6)


def test_the_jaw_catches_up_slowly_after_the_clutch(operated: Operated) -> None:
    """A gripper that was opened while the clutch was pressed does not fling the jaw open at its release."""
    for _ in range(300):
        operated.step()
    operated.epoch += 1
    operated.step(clutch=True)
    operated.gripper = 1.0
    for _ in range(20):
        operated.step(clutch=True)
    held = operated.jaw
    for _ in range(round(JawLimits().opening_dwell / PERIOD) - 2):
        operated.step()
    assert operated.jaw == held
    for _ in range(3):
        operated.step()
    assert 0.0 < operated.jaw - held <= 3 * JawLimits().catch_up_rate * PERIOD * (1.0 + 1e-9)


def test_the_operator_pulls_out_no_further_than_the_cannula(operated: Operated) -> None:
    """Pulled far out, the tool stops at the least depth and the reason is told."""
    operated.move((0.0, 0.0, 0.8), steps=2000)
    assert LimitReason.RCM_DEPTH.value in operated.pair.reasons


def test_the_pair_lets_go_of_an_arm_that_does_not_follow(operated: Operated) -> None:
    """When the gate keeps the setpoint away from the command, following ends and is explained."""
    operated.follows = False
    operated.move((0.3, 0.0, 0.0), steps=100)
    assert operated.pair.state is TeleopState.ALIGNING
    assert operated.pair.command is None


@pytest.mark.parametrize("ratio", [1e-307, 1e-310, 5e-324])
def test_after_next_to_no_speed_the_hand_is_followed_again(operated: Operated, ratio: float) -> None:
    """Numbers too small to divide by leave nothing behind."""
    operated.velocity_ratio = ratio
    before = operated.setpoint
    operated.move((0.02, 0.0, 0.0), 3)
    assert operated.setpoint == before
    operated.velocity_ratio = 1.0
    for _ in range(100):
        operated.step()
    moved = forward_pose(operated.setpoint).position - forward_pose(before).position
    assert moved == pytest.approx([0.004, 0.0, 0.0], abs=1e-7)


@pytest.mark.parametrize("norm", [0.9991, 1.0009])
def test_a_quaternion_that_is_not_quite_a_unit_adds_nothing(operated: Operated, norm: float) -> None:
    """However often anchors are made, what the driver gets is a unit quaternion, and the tool stands."""
    operated.quaternion = operated.quaternion * norm
    start = forward_pose(operated.setpoint)
    for _ in range(300):
        operated.epoch += 1
        operated.step()
        operated.step()
    command = operated.pair.command
    assert command is not None
    assert float(np.linalg.norm(command.pose.quaternion)) == pytest.approx(1.0, abs=1e-9)
    assert quaternion_angle(start.quaternion, command.pose.quaternion) <= 1e-9


def test_more_speed_is_taken_up_within_the_acceleration() -> None:
    """Permitted a larger share of speed, the tip gains it at its acceleration, not at once; less counts at once."""
    operated, limits = Operated(), MotionLimits(tool_speed=0.05)
    operated.pair = HandArmPair("MTML", np.eye(3), limits, JawLimits())
    operated.step()
    operated.press_and_release()
    tip, before = forward_pose(operated.setpoint).position, 0.0
    for ratio, packets in ((0.25, 20), (0.5, 15), (1.0, 15), (0.5, 2)):
        operated.velocity_ratio = ratio
        for _ in range(packets):
            operated.move((0.01, 0.0, 0.0), 1)
            place = forward_pose(operated.setpoint).position
            moved, tip = math.dist(place, tip), place
            assert moved - before <= limits.tool_acceleration * PERIOD * PERIOD * 1.01
            assert moved <= limits.tool_speed * ratio * PERIOD * 1.01
            assert moved >= min(before, limits.tool_speed * ratio * PERIOD) * 0.99, "what it has it keeps"
            before = moved
        assert moved == pytest.approx(limits.tool_speed * ratio * PERIOD, rel=0.01)
