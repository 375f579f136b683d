"""The tremor filter: how much of a tremor is left, how late voluntary motion becomes, and what cannot disturb it."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest

from teleop_core.se3 import Pose, quaternion_angle
from teleop_core.tremor_filter import TremorFilter

PERIOD = 0.005
UPRIGHT = np.array([0.0, 0.0, 0.0, 1.0])
SETTLED = 2.0


def filtered(motion: Callable[[float], float], stamps: np.ndarray) -> np.ndarray:
    """X of the filtered hand whose x follows a function of time."""
    made = TremorFilter()
    return np.array([made.filtered(t, Pose(np.array([motion(t), 0.2, 0.3]), UPRIGHT)).position[0] for t in stamps])


def response(frequency: float, stamps: np.ndarray) -> tuple[float, float]:
    """Gain and delay [s] at a frequency."""
    rate = 2.0 * math.pi * frequency
    output = filtered(lambda t: math.sin(rate * t), stamps)
    late = stamps > SETTLED
    basis = np.column_stack((np.sin(rate * stamps), np.cos(rate * stamps)))
    (sine, cosine), *_ = np.linalg.lstsq(basis[late], output[late], rcond=None)
    return math.hypot(sine, cosine), -math.atan2(cosine, sine) / rate


@pytest.mark.parametrize("period", [0.002, 0.005, 0.0083])
@pytest.mark.parametrize("frequency", [8.0, 8.7, 9.5, 10.0, 11.3, 12.0])
def test_a_seventh_of_a_tremor_is_left(frequency: float, period: float) -> None:
    """From 8 to 12 Hz at least 16.7 dB are taken out, at any rate of samples."""
    gain, _ = response(frequency, np.arange(0.0, 6.0, period))
    assert gain < 0.146


@pytest.mark.parametrize("frequency", [0.2, 0.5, 1.0, 2.0])
def test_voluntary_motion_is_27_ms_late(frequency: float) -> None:
    """Below 2 Hz motion keeps its size to within 3 % and is 25 to 27 ms late."""
    gain, delay = response(frequency, np.arange(0.0, 12.0, PERIOD))
    assert 0.97 < gain <= 1.001
    assert 0.025 < delay < 0.027


def test_irregular_samples_and_losses_change_little() -> None:
    """With random gaps from 1 to 40 ms voluntary motion comes out as with even ones, and no step is larger than its."""
    random = np.random.default_rng(3)
    stamps = np.cumsum(random.choice([0.001, 0.004, 0.005, 0.006, 0.04], 1500))
    gain, delay = response(1.0, stamps)
    assert gain == pytest.approx(1.0, abs=0.02)
    assert 0.02 < delay < 0.032


def test_the_first_sample_passes_and_a_hand_at_rest_stays() -> None:
    """Where the hand rests the filter adds nothing, from the first sample on and after each reset."""
    made = TremorFilter()
    for x in (0.1, -0.4):
        made.reset()
        for step in range(100):
            pose = Pose(np.array([x, 0.0, 0.3]), UPRIGHT)
            assert made.filtered(step * PERIOD, pose).position == pytest.approx(pose.position, abs=1e-12)


def test_nothing_of_a_motion_outlives_a_reset() -> None:
    """A hand that moved when it let go of the tool adds nothing to what it does next."""
    made = TremorFilter()
    for step in range(30):
        made.filtered(step * PERIOD, Pose(np.array([0.3 * step * PERIOD, 0.0, 0.0]), UPRIGHT))
    made.reset()
    for step in range(30, 60):
        pose = Pose(np.array([0.05, 0.0, 0.3]), UPRIGHT)
        assert made.filtered(step * PERIOD, pose).position == pytest.approx(pose.position, abs=1e-12)


def test_a_hand_that_moves_when_the_filter_begins_is_followed_at_once() -> None:
    """The first step after a reset goes most of the way that the hand goes: no pause in the motion."""
    stamps = np.arange(0.0, 0.05, PERIOD)
    output = filtered(lambda t: 0.2 * t, stamps)
    steps = np.diff(output) / (0.2 * PERIOD)
    assert steps[0] > 0.6
    assert ((steps > 0.0) & (steps < 1.1)).all()


@pytest.mark.parametrize("stamps", [(0.0, 0.0, 0.0), (5.0, 4.0, 3.0), (0.0, 1e9, 2e9), (0.0, -1e300, 1e300)])
def test_stamps_that_stand_or_jump_move_nothing(stamps: tuple[float, ...]) -> None:
    """Whatever the stamps of a hand at rest say, it stays at rest; a hand that moves is not thrown."""
    made = TremorFilter()
    for stamp in stamps:
        assert made.filtered(stamp, Pose(np.full(3, 0.1), UPRIGHT)).position == pytest.approx(np.full(3, 0.1))
    for stamp in stamps:
        assert np.abs(made.filtered(stamp, Pose(np.full(3, 0.2), UPRIGHT)).position).max() <= 0.25


def test_after_a_long_gap_it_is_where_the_hand_is() -> None:
    """A gap of half a second or more leaves nothing of what was before."""
    made = TremorFilter()
    made.filtered(0.0, Pose(np.zeros(3), UPRIGHT))
    for stamp in (0.5, 10.0):
        made.filtered(stamp, Pose(np.ones(3), UPRIGHT))
    assert made.filtered(20.0, Pose(np.ones(3), UPRIGHT)).position == pytest.approx(np.ones(3), abs=1e-3)


def turned(angle: float, sign: float = 1.0) -> np.ndarray:
    sine = math.sin(angle / 2.0)
    return sign * np.array([sine * 2.0 / 7.0, sine * 3.0 / 7.0, sine * 6.0 / 7.0, math.cos(angle / 2.0)])


def test_orientation_goes_through_the_same_filter() -> None:
    """A trembling orientation is calmed like a position; what comes out is a unit quaternion."""
    made = TremorFilter()
    largest = 0.0
    for step in range(1200):
        angle = 0.02 * math.sin(2.0 * math.pi * 10.0 * step * PERIOD)
        out = made.filtered(step * PERIOD, Pose(np.zeros(3), turned(angle))).quaternion
        assert math.sqrt(out @ out) == pytest.approx(1.0, abs=1e-12)
        if step > 400:
            largest = max(largest, quaternion_angle(out, UPRIGHT))
    assert largest < 0.02 / 7.0


def test_the_sign_of_a_quaternion_is_nothing() -> None:
    """A device may write the same rotation as q or as -q, from sample to sample."""
    plain, mixed = TremorFilter(), TremorFilter()
    for step in range(200):
        angle = 4.0 * math.sin(step * PERIOD)
        one = plain.filtered(step * PERIOD, Pose(np.zeros(3), turned(angle)))
        other = mixed.filtered(step * PERIOD, Pose(np.zeros(3), turned(angle, (-1.0) ** step)))
        assert quaternion_angle(one.quaternion, other.quaternion) < 1e-9


def test_a_hand_that_turns_over_within_samples_gives_no_rubbish() -> None:
    """Where the filtered quaternion would vanish, the hand's own orientation is taken."""
    made = TremorFilter()
    for step in range(400):
        out = made.filtered(step * PERIOD, Pose(np.zeros(3), turned(math.pi * 0.99 * step))).quaternion
        assert math.sqrt(out @ out) == pytest.approx(1.0, abs=1e-9)


def test_where_nothing_is_left_of_an_orientation_the_hands_own_is_taken() -> None:
    """A quaternion that goes round at the frequency of a notch is filtered to almost nothing: no direction is left."""
    made = TremorFilter()
    for step in range(800):
        hand = turned(2.0 * 2.0 * math.pi * 8.7 * step * PERIOD)
        out = made.filtered(step * PERIOD, Pose(np.zeros(3), hand)).quaternion
    assert quaternion_angle(out, hand) < 1e-9
