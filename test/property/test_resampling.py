"""The curve through the samples of both hands passes through them, is smooth, and its velocity is its derivative."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from transforms3d.quaternions import axangle2quat, qmult

from teleop_console.devices.hand_curve import HandCurve
from teleop_console.devices.resampling import closed_curve
from teleop_core.se3 import (
    FloatArray,
    quaternion_angle,
    quaternion_conjugate,
    quaternion_multiply,
    rotate,
    slerp,
)

PERIOD = 1.0 / 30.0
seeds = st.integers(0, 2**32 - 1)
shares = st.floats(0.0, 1.0)


def samples(seed: int, count: int = 12) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Random walks of both hands with at most 20 mm and 0.3 rad from one sample to the next, and back at the end."""
    random = np.random.default_rng(seed)
    around = 2.0 * math.pi * np.arange(count) / count
    phases, sizes = random.uniform(0.0, 6.0, (2, 2, 3, 1)), random.uniform(-0.03, 0.03, (2, 2, 3, 1))
    positions = np.moveaxis(
        np.sum(sizes * np.sin(around * np.array([1, 2]).reshape(2, 1, 1, 1) + phases), axis=0), 2, 0
    )
    axes = random.normal(size=(2, 3))
    turns = [[axangle2quat(axes[hand], 0.5 * math.sin(angle + hand)) for hand in (0, 1)] for angle in around]
    tilts = [axangle2quat(random.normal(size=3), random.uniform(0.0, 0.05)) for _ in around]
    wxyz = np.array([[qmult(tilt, turn) for turn in pair] for tilt, pair in zip(tilts, turns, strict=True)])
    return positions, np.roll(wxyz, -1, axis=-1), random.uniform(-1.0, 1.0, (count, 2))


def curve(seed: int) -> HandCurve:
    return closed_curve(*samples(seed), PERIOD)


@given(seeds, st.integers(0, 11))
def test_the_curve_passes_through_the_samples(seed: int, index: int) -> None:
    """At the time of a sample, from both sides, the hands are there."""
    positions, quaternions, grippers = samples(seed)
    path = closed_curve(positions, quaternions, grippers, PERIOD)
    for time in (index * PERIOD, (index or 12) * PERIOD - 1e-12):
        for hand, signal in enumerate(path.hands(time)):
            np.testing.assert_allclose(signal.pose.position, positions[index, hand], atol=1e-9)
            assert quaternion_angle(signal.pose.quaternion, quaternions[index, hand]) < 1e-8
            assert abs(signal.gripper - grippers[index, hand]) < 1e-9


@given(seeds, shares)
def test_velocities_are_the_derivatives_of_the_poses(seed: int, share: float) -> None:
    """Central differences of position and orientation agree with linear and angular velocity."""
    path = curve(seed)
    step = 1e-6
    time = step + share * (path.duration - 2.0 * step)
    for before, now, after in zip(*(path.hands(moment) for moment in (time - step, time, time + step)), strict=True):
        linear = (after.pose.position - before.pose.position) / (2.0 * step)
        np.testing.assert_allclose(now.linear, linear, atol=2e-4)
        turn = quaternion_multiply(after.pose.quaternion, quaternion_conjugate(before.pose.quaternion))
        angular = np.sign(turn[3]) * turn[:3] / step
        np.testing.assert_allclose(now.angular, angular, atol=2e-3)


@given(seeds, st.integers(0, 11))
def test_velocities_are_continuous_at_every_sample(seed: int, index: int) -> None:
    """Just before and just after a sample, and across the seam of the loop, the velocities agree."""
    path = curve(seed)
    before = path.hands((index or 12) * PERIOD - 1e-9)
    after = path.hands(index * PERIOD)
    for one, two in zip(before, after, strict=True):
        np.testing.assert_allclose(one.linear, two.linear, atol=1e-5)
        np.testing.assert_allclose(one.angular, two.angular, atol=1e-4)


@given(seeds, shares)
def test_the_curve_stays_near_the_straight_way(seed: int, share: float) -> None:
    """Between two samples the hands leave the chord and the slerp by no more than a third of the steps around."""
    positions, quaternions, grippers = samples(seed)
    path = closed_curve(positions, quaternions, grippers, PERIOD)
    time = share * path.duration
    index = path.piece(time)
    along = min(1.0, time / PERIOD - index)
    for hand, signal in enumerate(path.hands(time)):
        chain = [(index + step) % 12 for step in (-1, 0, 1, 2)]
        places = positions[chain, hand]
        longest = np.linalg.norm(np.diff(places, axis=0), axis=1).max()
        straight = places[1] + along * (places[2] - places[1])
        assert np.linalg.norm(signal.pose.position - straight) <= longest / 3.0 + 1e-12
        turned = quaternions[chain, hand]
        widest = max(quaternion_angle(one, two) for one, two in pairwise(turned))
        assert quaternion_angle(signal.pose.quaternion, slerp(turned[1], turned[2], along)) <= widest / 3.0 + 1e-9
        assert abs(np.linalg.norm(signal.pose.quaternion) - 1.0) < 1e-9


@given(st.floats(0.001, 0.5), shares)
@settings(max_examples=50)
def test_a_steady_turn_is_slerp(angle: float, share: float) -> None:
    """Where the hand turns at constant speed the curve is exactly slerp, at exactly that speed."""
    axis = np.array([1.0, -2.0, 2.0]) / 3.0
    count = 6
    turns = [np.roll(axangle2quat(axis, angle * index), -1) for index in range(count)]
    quaternions = np.array([[turn, turn] for turn in turns])
    path = closed_curve(np.zeros((count, 2, 3)), quaternions, np.zeros((count, 2)), PERIOD)
    hand = path.hands((2.0 + min(share, 0.999999)) * PERIOD)[0]
    expected = slerp(quaternions[2, 0], quaternions[3, 0], min(share, 0.999999))
    assert quaternion_angle(hand.pose.quaternion, expected) < 1e-8
    np.testing.assert_allclose(hand.angular, axis * angle / PERIOD, atol=1e-6)


@given(seeds)
@settings(max_examples=50)
def test_turning_the_signs_of_quaternions_changes_nothing(seed: int) -> None:
    """A quaternion and its negative are the same rotation, so the curve is the same."""
    positions, quaternions, grippers = samples(seed)
    signs = np.random.default_rng(seed).choice((-1.0, 1.0), (12, 2, 1))
    for one, two in zip(
        closed_curve(positions, quaternions, grippers, PERIOD).hands(0.123),
        closed_curve(positions, signs * quaternions, grippers, PERIOD).hands(0.123),
        strict=True,
    ):
        assert quaternion_angle(one.pose.quaternion, two.pose.quaternion) < 1e-8
        np.testing.assert_allclose(one.angular, two.angular, atol=1e-7)


def test_angular_velocity_is_in_the_display_frame() -> None:
    """A hand that starts tilted and turns about the vertical of the display shows a vertical angular velocity."""
    tilt = axangle2quat((1.0, 0.0, 0.0), 0.7)
    turns = [np.roll(qmult(axangle2quat((0.0, 1.0, 0.0), 0.1 * index), tilt), -1) for index in range(6)]
    quaternions = np.array([[turn, turn] for turn in turns])
    hand = closed_curve(np.zeros((6, 2, 3)), quaternions, np.zeros((6, 2)), PERIOD).hands(2.5 * PERIOD)[1]
    np.testing.assert_allclose(hand.angular, (0.0, 0.1 / PERIOD, 0.0), atol=1e-9)
    np.testing.assert_allclose(
        rotate(hand.pose.quaternion, (1.0, 0.0, 0.0))[1], 0.0, atol=1e-9
    )  # the hand's own X axis stays level
