"""Both hands hold the world: how the endoscope moves, how fast at most, and everything that makes it stand still."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest

from teleop_core.arm_model import arm_model
from teleop_core.camera_control import (
    AT_ITS_LIMIT,
    NEEDS_BOTH_HANDS,
    NOT_FOLLOWING,
    OUT_OF_RANGE,
    RELEASE_FIRST,
    TOO_FAST,
    CameraControl,
    CameraLimits,
)
from teleop_core.cart import ready_configuration
from teleop_core.se3 import Pose
from teleop_core.signals import HandSignal, OperatorSignal, TeleopState
from teleop_core.step_time import ARRIVAL_JITTER

PERIOD = 0.005
MODEL = arm_model("ECM")
READY = tuple(ready_configuration("ECM").tolist())
UPRIGHT = np.array([0.0, 0.0, 0.0, 1.0])
LIMITS = CameraLimits()


class Held:
    """An endoscope with two hands, a pedal, a clock, and a driver that does at once what it is told."""

    def __init__(self, q: tuple[float, ...] = READY) -> None:
        self.control = CameraControl(LIMITS)
        self.now = 20.0
        self.left, self.right = np.array([0.1, 0.0, 0.2]), np.array([-0.1, 0.0, 0.2])
        self.setpoint: tuple[float, ...] | None = q
        self.follows = True

    def step(self, *, camera: bool = True, permitted: bool = True, ready: bool = True, ratio: float = 1.0, **changes):
        self.now += PERIOD
        hands = tuple(
            HandSignal(name, Pose(place, UPRIGHT), (0.0,) * 3, (0.0,) * 3, 0.3)
            for name, place in (("MTML", self.left), ("MTMR", self.right))
        )
        signal = OperatorSignal(self.now, 1, 1, 0, True, False, camera, 0.2, 0.0, 0.0, hands)
        signal = dataclasses.replace(signal, **changes)
        q = self.control.step(self.now, signal, permitted, ratio, ready, self.setpoint)
        if q is not None and self.follows:
            self.setpoint = q
        return q

    def both(self, shift: tuple[float, float, float], steps: int = 1000) -> None:
        """Move both hands, and wait until the endoscope has come after them."""
        for _ in range(steps):
            self.left = self.left + np.array(shift) / steps
            self.right = self.right + np.array(shift) / steps
            self.step()
        for _ in range(400):
            self.step()

    def tip(self) -> Pose:
        assert self.setpoint is not None
        return MODEL.forward(self.setpoint)


@pytest.fixture
def held() -> Held:
    made = Held()
    made.step(camera=False)
    made.step()
    assert made.control.state is TeleopState.FOLLOWING
    return made


def test_a_pedal_that_was_down_before_anything_moves_nothing() -> None:
    """The session begins with a foot on the pedal: it has to be let go first, and that is told."""
    made = Held()
    assert (made.control.state, made.control.reasons) == (TeleopState.DISABLED, ())
    for _ in range(3):
        assert made.step() is None
        assert (made.control.state, made.control.reasons) == (TeleopState.CLUTCHED, (RELEASE_FIRST,))
    assert made.step(permitted=False) is None
    assert (made.control.state, made.control.reasons) == (TeleopState.CLUTCHED, ())


def test_pressing_the_pedal_moves_nothing(held: Held) -> None:
    """At the press the command is the setpoint that the arm has, and stays so while the hands rest."""
    for _ in range(100):
        assert held.step() == pytest.approx(READY, abs=1e-9)


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("way", [-0.05, 0.05])
def test_the_tip_moves_against_the_hands(held: Held, axis: int, way: float) -> None:
    """The scene goes with the hands: the tip goes the other way, in the axes of the picture, at the scale."""
    before = held.tip()
    held.both(tuple(way if index == axis else 0.0 for index in range(3)))
    moved = before.rotation().T @ (held.tip().position - before.position)
    assert moved == pytest.approx([-0.2 * way if index == axis else 0.0 for index in range(3)], abs=1e-6)


def turn_hands(held: Held, angle: float, steps: int = 1000) -> None:
    """Turn the line between the hands about the view, counted as seen from the display's z axis."""
    for step in range(steps):
        a = angle * (step + 1) / steps
        held.left = np.array([0.1 * math.cos(a), 0.1 * math.sin(a), 0.2])
        held.right = -held.left + np.array([0.0, 0.0, 0.4])
        held.step()
    for _ in range(400):
        held.step()


@pytest.mark.parametrize("angle", [-0.7, 0.4, 1.2])
def test_the_picture_turns_against_the_hands(held: Held, angle: float) -> None:
    """The scene turns with the line between the hands: the endoscope rolls the other way, the tip stays."""
    before = held.tip()
    turn_hands(held, angle)
    after = held.tip()
    assert after.position == pytest.approx(before.position, abs=1e-6)
    # A thing of the scene that was to the left of the picture is now where the left hand went.
    left_then = before.rotation()[:, 0]
    seen_now = after.rotation().T @ left_then
    assert seen_now == pytest.approx((math.cos(angle), math.sin(angle), 0.0), abs=1e-6)


def test_the_line_is_followed_over_half_a_turn_without_a_jump(held: Held) -> None:
    """Counted on, not taken from -pi to pi: roll ends at the joint's range, never on the other side of it."""
    last = held.setpoint
    for step in range(3000):
        angle = 2.5 * math.pi * step / 3000
        held.left = np.array([0.1 * math.cos(angle), 0.1 * math.sin(angle), 0.2])
        held.right = -held.left + np.array([0.0, 0.0, 0.4])
        held.step()
        assert abs(held.setpoint[3] - last[3]) <= LIMITS.rotation_speed * PERIOD * 1.001
        last = held.setpoint
    assert MODEL.within(held.setpoint)


def test_hands_close_to_each_other_do_not_turn_the_picture(held: Held) -> None:
    """A line that is too short has no direction; neither has one along the view."""
    held.left, held.right = np.array([0.1, 0.0, 0.2]), np.array([-0.1, 0.0, 0.2])
    turn_hands(held, 0.3)
    before = held.setpoint[3]
    centre = 0.5 * (held.left + held.right)
    for step in range(100):
        a = step * 0.1
        held.left = centre + np.array([0.014 * math.cos(a), 0.014 * math.sin(a), 0.1])
        held.right = 2.0 * centre - held.left
        held.step()
    assert held.setpoint[3] == pytest.approx(before, abs=1e-6)


def test_a_motion_within_all_limits_has_no_reason(held: Held) -> None:
    """Nothing is told while the endoscope does all it can of what the hands ask; that its view tilts is no lack."""
    for _ in range(3000):
        held.left, held.right = held.left + np.array([3e-5, 1e-5, 0.0]), held.right + np.array([3e-5, 0.9e-5, 0.0])
        held.step()
        assert held.control.reasons == ()
    assert abs(held.setpoint[0] - READY[0]) > 0.1


def test_the_tip_is_no_faster_than_said(held: Held) -> None:
    """Hands that are flung move the tip at the limits of speed and acceleration; that is told."""
    held.left, held.right = held.left + 1.0, held.right + 1.0
    before, speed_before = held.tip().position, 0.0
    fastest = 0.0
    for _ in range(200):
        held.step()
        speed = float(np.linalg.norm(held.tip().position - before)) / PERIOD
        assert speed <= LIMITS.speed * (1.0 + 1e-6)
        assert speed - speed_before <= LIMITS.acceleration * PERIOD * (1.0 + 1e-6)
        assert held.control.reasons[0] in (TOO_FAST, AT_ITS_LIMIT)
        fastest, before, speed_before = max(fastest, speed), held.tip().position, speed
    assert fastest > 0.03


def test_a_lower_speed_of_the_tip_is_kept(held: Held) -> None:
    """Where the joints could be faster than the tip may be, the tip's limit holds; at the end it stands."""
    held.control = CameraControl(CameraLimits(speed=0.01))
    held.step(camera=False)
    held.step()
    start = before = held.tip().position
    held.left, held.right = held.left + 0.1, held.right + 0.1
    speeds = []
    for _ in range(1200):
        held.step()
        speeds.append(math.dist(held.tip().position, before) / PERIOD)
        assert held.control.reasons == (TOO_FAST,) or len(speeds) > 600
        before = held.tip().position
    assert max(speeds) == pytest.approx(0.01, rel=1e-3)
    assert speeds[-1] == pytest.approx(0.0, abs=1e-6)
    assert held.control.reasons == ()
    assert math.dist(before, start) == pytest.approx(0.2 * 0.1 * 3**0.5, abs=1e-6)


def test_stamps_that_run_ahead_make_it_no_faster(held: Held) -> None:
    """Samples three periods apart that come in one: the step is for the time that has passed, and a little."""
    held.control = CameraControl(CameraLimits(speed=0.01))
    held.step(camera=False)
    held.step()
    held.left, held.right = held.left + 0.5, held.right + 0.5
    stamp = held.now
    for _ in range(40):
        stamp += 3.0 * PERIOD
        before = held.tip().position
        held.step(stamp=stamp)
    assert math.dist(held.tip().position, before) == pytest.approx(0.01 * (PERIOD + ARRIVAL_JITTER), rel=1e-6)


def test_a_share_of_speed_of_next_to_nothing_moves_nothing(held: Held) -> None:
    """So little that no time is left for a step: the endoscope waits in the hands, and goes on with the next permit."""
    held.left, held.right = held.left + 0.02, held.right + 0.02
    for _ in range(3):
        assert held.step(ratio=5e-324) == pytest.approx(READY, abs=1e-12)
        assert held.control.state is TeleopState.FOLLOWING
    before = held.tip()
    for _ in range(400):
        held.step()
    assert math.dist(held.tip().position, before.position) == pytest.approx(0.2 * 0.02 * 3**0.5, abs=1e-6)


@pytest.mark.parametrize("ratio", [0.25, 1.0])
def test_joints_keep_to_their_share_of_speed_and_to_their_range(held: Held, ratio: float) -> None:
    """Wherever the hands go, each joint stays within its range, and within its speed times what is permitted."""
    random = np.random.default_rng(2)
    for _ in range(60):
        held.left, held.right = random.uniform(-1.5, 1.5, (2, 3))
        for _ in range(25):
            before = held.setpoint
            q = held.step(ratio=ratio)
            for value, old, speed in zip(q, before, MODEL.limits.velocity, strict=True):
                assert abs(value - old) <= 0.9 * ratio * speed * PERIOD * (1.0 + 1e-6) + 1e-12
            assert MODEL.within(q)


def test_the_end_of_the_range_is_told(held: Held) -> None:
    """A hand that pulls the endoscope out to its least depth is told so."""
    held.both((0.0, 0.0, 1.0), 2000)
    assert AT_ITS_LIMIT in held.control.reasons
    assert held.setpoint[2] == pytest.approx(MODEL.limits.lower[2], abs=1e-6)


def test_a_scale_that_changes_moves_nothing(held: Held) -> None:
    """Anchors are made anew: of the place as of the turn."""
    turn_hands(held, 0.4)
    held.both((0.03, 0.0, 0.0))
    before = held.setpoint
    for _ in range(50):
        held.step(motion_scale=0.5)
    assert held.setpoint == pytest.approx(before, abs=1e-9)


@pytest.mark.parametrize(
    "missing", [{"permitted": False}, {"ready": False}, {"ratio": 0.0}, {"operator_present": False}, {"hands": ()}]
)
def test_what_holds_it_asks_for_a_new_press(held: Held, missing: dict[str, object]) -> None:
    """After anything that is missing it stays until the pedal has been released and pressed again."""
    assert held.step(**missing) is None
    assert held.control.state is not TeleopState.FOLLOWING
    assert held.step() is None
    assert held.control.reasons == (RELEASE_FIRST,)
    held.left = held.left + 0.1
    assert held.step(camera=False) is None
    assert held.control.reasons == ()
    assert held.step() == pytest.approx(READY, abs=1e-9)


def test_one_hand_is_not_enough(held: Held) -> None:
    """The operator is told what is missing."""
    assert held.step(hands=()) is None
    assert held.control.reasons == (NEEDS_BOTH_HANDS,)


def test_a_pedal_that_is_down_from_the_beginning_moves_nothing() -> None:
    """Nobody is surprised by a foot that was on the pedal when motion became permitted."""
    made = Held()
    for _ in range(10):
        made.step(permitted=False)
        assert made.control.state is TeleopState.CLUTCHED
    assert made.step() is None
    made.setpoint = None
    assert made.step(camera=False) is None
    assert made.step(ready=False) is None
    assert made.control.state is TeleopState.DISABLED


def test_an_endoscope_outside_its_range_is_left_alone() -> None:
    """It never moves into its range by itself."""
    made = Held((0.0, 0.5, 0.01, 0.0))
    made.step(camera=False)
    assert made.step() is None
    assert made.control.reasons == (OUT_OF_RANGE,)


def test_an_endoscope_that_does_not_follow_is_let_go(held: Held) -> None:
    """When the driver has held it elsewhere for a quarter of a second, the hands have lost it."""
    held.follows = False
    held.left, held.right = held.left + 0.5, held.right + 0.5
    steps = 0
    while held.step() is not None:
        steps += 1
        assert steps < 400
    assert held.control.reasons == (NOT_FOLLOWING,)
    assert steps * PERIOD > 0.25


def test_stopping_lets_go(held: Held) -> None:
    """After silence the state says whether it can be moved again, and the pedal has to be pressed anew."""
    held.control.stop(True)
    assert held.control.state is TeleopState.CLUTCHED
    assert held.step() is None
    held.control.stop(False)
    assert held.control.state is TeleopState.DISABLED
