"""The built-in surgeon: repeatable, smooth, within its space, with tremor and clutching."""

from __future__ import annotations

import math

import numpy as np
import pytest

from teleop_console.devices.builtin_surgeon import BuiltInSurgeon
from teleop_console.devices.device import DeviceSample
from teleop_console.devices.peg_transfer import LARGEST_TURN, plan, rest
from teleop_console.devices.tremor import AMPLITUDE, HIGHEST_FREQUENCY, LOWEST_FREQUENCY, Tremor
from teleop_core.se3 import quaternion_angle

UPRIGHT = (0.0, 0.0, 0.0, 1.0)
SEEDS = [0, 1, 7]


def round_duration(seed: int) -> float:
    return sum(move.duration for move in plan(np.random.default_rng(seed)))


def watch(seed: int, step: float = 0.01) -> list[DeviceSample]:
    """A little more than one round of the task."""
    surgeon = BuiltInSurgeon(seed)
    return [surgeon.at(time) for time in np.arange(0.0, round_duration(seed) + 5.0, step).tolist()]


def test_the_motion_depends_on_seed_and_time_alone() -> None:
    """Two surgeons with one seed agree, whenever they start and however often they are read; another seed differs."""
    one, two, other = BuiltInSurgeon(5), BuiltInSurgeon(5), BuiltInSurgeon(6)
    one.read(100.0)
    two.read(7.0)
    for tick in range(500):
        two.read(7.0 + 0.02 * tick)
    for device, start in ((one, 100.0), (other, 0.0)):
        device.read(start)
    a, b, c = one.read(110.0), two.read(17.0), other.read(10.0)
    assert np.array_equal(a.hands[0].pose.position, b.hands[0].pose.position)
    assert a.clutch == b.clutch
    assert math.dist(a.hands[0].pose.position, c.hands[0].pose.position) > 1e-3


@pytest.mark.parametrize("seed", SEEDS)
def test_hands_stay_within_their_space(seed: int) -> None:
    """Within 6 cm of their places along each axis, 30 degrees of turn, gripper between closed and open; never still."""
    home = rest()
    for sample in watch(seed):
        assert sample.operator_present
        assert [hand.name for hand in sample.hands] == ["MTML", "MTMR"]
        for index, hand in enumerate(sample.hands):
            assert np.abs(hand.pose.position - home[index, :3]).max() <= 0.06
            assert quaternion_angle(hand.pose.quaternion, UPRIGHT) <= LARGEST_TURN + 1e-9
            assert -1e-9 <= hand.gripper <= 1.0 + 1e-9
            assert math.hypot(*hand.linear) < 0.3


@pytest.mark.parametrize("seed", SEEDS)
def test_position_and_velocity_are_continuous_also_where_the_round_begins_again(seed: int) -> None:
    """From one millisecond to the next nothing jumps, around every change of move and around the end of the round."""
    surgeon = BuiltInSurgeon(seed)
    ends = np.cumsum([move.duration for move in plan(np.random.default_rng(seed))]).tolist()
    for end in [*ends, 2.0 * ends[-1]]:
        before, after = surgeon.at(end - 5e-4), surgeon.at(end + 5e-4)
        for one, two in zip(before.hands, after.hands, strict=True):
            assert math.dist(one.pose.position, two.pose.position) < 2e-5
            assert math.dist(one.linear, two.linear) < 2e-3
            assert math.dist(one.angular, two.angular) < 0.02
            assert abs(one.gripper - two.gripper) < 1e-3


def test_velocity_is_the_derivative_of_position() -> None:
    """Tremor included."""
    surgeon = BuiltInSurgeon(2)
    for time in np.linspace(0.5, 50.0, 200).tolist():
        before, now, after = (surgeon.at(time + shift) for shift in (-1e-5, 0.0, 1e-5))
        for index in (0, 1):
            change = after.hands[index].pose.position - before.hands[index].pose.position
            assert now.hands[index].linear == pytest.approx(change / 2e-5, abs=1e-4)


@pytest.mark.parametrize("seed", SEEDS)
def test_clutching_brings_the_hands_back_and_the_instruments_nowhere(seed: int) -> None:
    """Several presses a round, each well over 0.1 s; over a round the unclutched motion adds up to nothing."""
    samples = watch(seed, step=0.005)
    count = round(round_duration(seed) / 0.005)
    presses = [index for index in range(1, count + 1) if samples[index].clutch and not samples[index - 1].clutch]
    assert 3 <= len(presses) <= 6
    assert 0.02 <= sum(sample.clutch for sample in samples[:count]) / count <= 0.15
    for press in presses:
        assert all(samples[index].clutch for index in range(press, press + 60))
    for hand in (0, 1):
        moved = np.zeros(3)
        clutched = 0.0
        for index in range(count):
            change = samples[index + 1].hands[hand].pose.position - samples[index].hands[hand].pose.position
            if samples[index].clutch and samples[index + 1].clutch:
                clutched += float(np.linalg.norm(change))
            else:
                moved += change
        assert clutched > 0.01
        assert np.linalg.norm(moved) < 2e-3


def test_rings_change_hands() -> None:
    """Each of twelve transfers closes and opens both grippers once."""
    samples = watch(3)
    for hand in (0, 1):
        closed = np.array([sample.hands[hand].gripper < 0.5 for sample in samples[: round(round_duration(3) / 0.01)]])
        assert np.count_nonzero(np.diff(closed.astype(int)) == 1) == 12


def test_tremor_has_the_amplitude_and_the_frequencies_of_a_hand() -> None:
    """0.1 mm rms per hand, nearly all power between 8 and 12 Hz."""
    tremor = Tremor(np.random.default_rng(4), axes=6)
    track = np.array([tremor.at(time)[0] for time in np.arange(0.0, 20.0, 0.01).tolist()])
    for hand in (track[:, :3], track[:, 3:]):
        assert math.sqrt(np.mean(np.sum(hand**2, axis=1))) == pytest.approx(AMPLITUDE, rel=0.1)
    power = np.abs(np.fft.rfft(track * np.hanning(len(track))[:, np.newaxis], axis=0)) ** 2
    frequencies = np.fft.rfftfreq(len(track), 0.01)
    inside = (frequencies >= LOWEST_FREQUENCY - 0.2) & (frequencies <= HIGHEST_FREQUENCY + 0.2)
    assert power[inside].sum() > 0.99 * power.sum()
