"""Streams of targets from far away: smooth, a bit late, and whatever arrives, nothing leaps and nothing old is played.

A hand that moves (sine, 0.15 rad at 0.5 Hz at the yaw joint, other joints alike) for 20 s; delay and error of the yaw
setpoint by the time shift that fits best; roughness = rms of its acceleration over that of the hand. Loss: share of
bursts with Pareto lengths; 5G: 7.5 ms + exponential of 5 ms (80 %) or 50 ms (20 %); 4G: 15 ms + 10 ms or 150 ms.

| rate, path, loss      | interpolation: delay, error, roughness | newest target as it comes: delay, error, roughness |
|-----------------------|-----------------------------------------|----------------------------------------------------|
| 10 Hz, steady 20 ms   | 170 ms,  1.3 mrad, 1.0                  |  70 ms,  9.6 mrad, 401                             |
| 10 Hz, 5G             | 200 ms,  2.9 mrad, 2.8                  |  70 ms, 11.9 mrad, 409                             |
| 10 Hz, 4G             | 265 ms,  7.4 mrad, 2.1                  |  90 ms, 15.2 mrad, 436                             |
| 10 Hz, 5G, 30 %       | 320 ms, 84.0 mrad, 2.2                  | 155 ms, 64.7 mrad, 589                             |
| 30 Hz, steady 20 ms   |  70 ms,  0.1 mrad, 1.0                  |  35 ms,  3.2 mrad, 232                             |
| 30 Hz, 5G             | 100 ms,  3.6 mrad, 3.7                  |  35 ms,  5.9 mrad, 257                             |
| 30 Hz, 4G             | 125 ms,  3.1 mrad, 4.6                  |  50 ms,  7.7 mrad, 281                             |
| 30 Hz, 5G, 10 %       | 115 ms,  6.6 mrad, 3.1                  |  35 ms,  7.8 mrad, 271                             |
| 30 Hz, 5G, 50 %       | 290 ms, 75.8 mrad, 3.5                  | 125 ms, 47.1 mrad, 576                             |
| 100 Hz, steady 20 ms  |  35 ms,  0.0 mrad, 1.0                  |  25 ms,  1.2 mrad, 127                             |
| 100 Hz, 5G            |  40 ms,  1.0 mrad, 4.1                  |  20 ms,  2.4 mrad, 147                             |
| 100 Hz, 4G            |  60 ms,  1.3 mrad, 3.8                  |  30 ms,  3.0 mrad, 168                             |
| 100 Hz, 5G, 10 %      |  45 ms,  1.3 mrad, 4.4                  |  20 ms,  2.5 mrad, 153                             |
| 100 Hz, 5G, 30 %      |  65 ms,  8.9 mrad, 6.5                  |  25 ms,  8.1 mrad, 218                             |
| 100 Hz, 5G, 50 %      | 110 ms, 25.9 mrad, 7.8                  |  50 ms, 18.3 mrad, 332                             |

Smoothness is what it buys, by a factor of 30 to 400, and delay is the price; bursts longer than the longest delay
cannot be bridged, and there the error is no less than without.
"""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Callable

import numpy as np
import pytest

from robot_driver.motion.bounds import motion_bounds
from robot_driver.motion.interpolation import CartesianInterpolation, JointInterpolation
from robot_driver.motion.motion import MotionRefused
from robot_driver.motion.playout import LONGEST, SHORTEST, Playout
from teleop_core.arm_model import arm_model
from teleop_core.se3 import Pose

PERIOD = 0.005
PSM = arm_model("PSM1")
BOUNDS = motion_bounds(PSM)
HOME = (0.1, -0.1, 0.12, 0.2, 0.1, -0.1)
SIZES, RATES = (0.15, 0.1, 0.02, 0.6, 0.3, 0.3), (0.5, 0.8, 0.6, 0.7, 0.9, 0.4)
CLOCK = 5000.0


def hand(time: float) -> tuple[float, ...]:
    """Where the hand is."""
    return tuple(h + a * math.sin(2.0 * math.pi * f * time) for h, a, f in zip(HOME, SIZES, RATES, strict=True))


def packets(rate: float, seconds: float, transit: Callable[[random.Random], float], seed: int = 1) -> list[tuple]:
    """Arrival, time of the hand and target, in the order of arrival."""
    chance = random.Random(seed)
    times = [number / rate for number in range(round(rate * seconds))]
    return sorted((time + transit(chance), time, hand(time)) for time in times)


def played(stream: JointInterpolation, arrivals: list[tuple], seconds: float) -> np.ndarray:
    """Setpoints at the servo rate, (samples, n); the last one where there is none."""
    path, waiting = [stream.goal], list(arrivals)
    for number in range(round(seconds / PERIOD)):
        while waiting and waiting[0][0] <= number * PERIOD:
            arrival, time, target = waiting.pop(0)
            stream.take(arrival, CLOCK + time, target)
        path.append(stream.sample((number + 1) * PERIOD) or path[-1])
    return np.array(path)


def assert_smooth(path: np.ndarray) -> None:
    """No joint leaps: speed and acceleration are bounded."""
    speed = np.diff(path, axis=0) / PERIOD
    assert (np.abs(speed) <= np.array(BOUNDS.speed) * (1 + 1e-9)).all()
    assert (np.abs(np.diff(speed, axis=0)) <= np.array(BOUNDS.brake_acceleration) * PERIOD * (1 + 1e-6)).all()


def made() -> JointInterpolation:
    return JointInterpolation(PSM, HOME, 0.0, PERIOD)


def steady(_chance: random.Random) -> float:
    """A path without jitter."""
    return 0.02


def mobile(chance: random.Random) -> float:
    """5G."""
    return 0.0075 + chance.expovariate(1.0 / (0.005 if chance.random() < 0.8 else 0.05))


@pytest.mark.parametrize(("rate", "delay", "error"), [(10.0, 0.2, 0.003), (30.0, 0.09, 0.001), (100.0, 0.05, 0.001)])
def test_steady_targets_become_the_motion_of_the_hand(rate: float, delay: float, error: float) -> None:
    """A little later than it was, and as smooth as it was: not in steps of the sender's rate."""
    path = played(made(), packets(rate, 6.0, steady), 6.0)
    assert_smooth(path)
    times = np.arange(len(path)) * PERIOD
    late = [shift * PERIOD for shift in range(60)]
    errors = [max(abs(path[k][0] - hand(times[k] - shift)[0]) for k in range(600, 1200)) for shift in late]
    best = int(np.argmin(errors))
    assert late[best] <= delay
    assert errors[best] <= 2.0 * error
    rough = np.abs(np.diff(path[600:, 0], n=2)).max() / PERIOD**2
    assert rough <= 2.0 * SIZES[0] * (2.0 * math.pi * RATES[0]) ** 2


def test_jitter_is_smoothed_and_delay_follows_it() -> None:
    """Up when the path gets worse, within seconds; down again, slowly; always within its bounds."""
    stream = made()
    rough = [(a + 10.0, t + 10.0, hand(t + 10.0)) for a, t, _q in packets(50.0, 5.0, mobile)]
    calm = [(a + 15.0, t + 15.0, hand(t + 15.0)) for a, t, _q in packets(50.0, 15.0, steady)]
    path, delays = [], []
    waiting = packets(50.0, 10.0, steady) + rough + calm
    for number in range(6000):
        while waiting and waiting[0][0] <= number * PERIOD:
            arrival, time, target = waiting.pop(0)
            stream.take(arrival, CLOCK + time, target)
        path.append(stream.sample((number + 1) * PERIOD) or HOME)
        delays.append(stream.delay)
    assert_smooth(np.array(path))
    before, during, after = delays[1990], max(delays[2000:3000]), delays[5990]
    assert SHORTEST <= before < 0.06
    assert before + 0.02 < during <= LONGEST + 0.05
    assert after < during - 0.02
    assert max(abs(b - a) for a, b in itertools.pairwise(delays[2200:2991])) < 0.02
    naive = np.array([hand(round(number * PERIOD * 50) / 50) for number in range(2400, 3000)])
    ours = np.diff(np.array(path[2400:3000])[:, 0], n=2)
    assert np.square(ours).mean() < 0.05 * np.square(np.diff(naive[:, 0], n=2)).mean()


def test_it_comes_to_rest_at_the_last_target_and_is_over() -> None:
    """Exactly there, without having gone far beyond it."""
    stream = made()
    arrivals = packets(50.0, 2.0, mobile)
    path = played(stream, arrivals, 4.0)
    assert_smooth(path)
    last = max(arrivals, key=lambda packet: packet[1])[2]
    assert np.abs(path[-1] - last).max() < 1e-9
    assert stream.sample(4.1) is None
    assert stream.goal == last
    assert not stream.busy
    assert stream.counts.dry > 0


def test_far_first_target_is_approached_no_faster_than_by_a_move() -> None:
    """The arm is elsewhere when the stream begins."""
    stream = made()
    far = (0.9, 0.3, 0.2, 2.0, 0.5, 0.5)
    path = played(stream, [(0.02 + k * 0.02, k * 0.02, far) for k in range(150)], 4.0)
    assert_smooth(path)
    acceleration = np.abs(np.diff(path, n=2, axis=0)).max(axis=0) / PERIOD**2
    assert (acceleration <= np.array(BOUNDS.acceleration) * 1.1).all()
    assert np.abs(path[-1] - far).max() < 1e-9


def test_after_an_outage_nothing_old_is_played() -> None:
    """What was held up on the way is dropped; the arm goes on from where it stood to where the hand is now."""
    stream = made()
    before = packets(50.0, 1.0, steady)
    held = [(3.0, t, tuple(9.0 for _ in HOME)) for t in np.arange(1.0, 2.7, 0.02)]
    held = [(a, t, (1.0, -0.5, 0.2, 3.0, 1.0, 1.0)) for a, t, _q in held]
    after = [(a + 3.0, t + 3.0, hand(t)) for a, t, _q in packets(50.0, 2.0, steady)]
    path = played(stream, before + held + after, 5.5)
    assert_smooth(path)
    assert stream.counts.late == len(held)
    assert stream.counts.outages == 1
    assert path[:, 0].max() < 0.3
    assert np.abs(path[-1] - hand(1.98)).max() < 1e-9


def test_duplicates_and_overtaken_targets_are_counted() -> None:
    """A duplicate changes nothing; one that was overtaken is put in its place, or dropped when that was played."""
    stream, plain = made(), made()
    arrivals = packets(50.0, 1.0, steady)
    expected = played(plain, arrivals, 2.0)
    doubled = [packet for packet in arrivals for _ in range(2)]
    assert np.abs(played(stream, doubled, 2.0) - expected).max() < 1e-12
    assert stream.counts.duplicate == len(arrivals)
    swapped = made()
    for number in range(4):
        swapped.take(0.02 + 0.02 * number, CLOCK + 0.02 * number, HOME)
    swapped.take(0.101, CLOCK + 0.1, HOME)
    swapped.take(0.102, CLOCK + 0.08, HOME)
    swapped.sample(0.105)
    swapped.take(0.106, CLOCK + 0.01, HOME)
    assert (swapped.counts.reordered, swapped.counts.late) == (1, 1)


def test_targets_without_a_stamp_are_played_as_they_come() -> None:
    """All of them, or some."""
    stream = made()
    for number in range(100):
        stream.take(number * 0.02, 0.0, hand(number * 0.02))
    assert stream.counts.played == 100
    mixed = made()
    for number in range(100):
        mixed.take(0.02 + number * 0.02, 0.0 if number % 3 == 1 else CLOCK + number * 0.02, hand(number * 0.02))
    assert mixed.counts.played == 100
    assert mixed.counts.clocks == 1


def test_buffer_that_is_empty_has_no_place() -> None:
    """It is asked only after a target has come."""
    with pytest.raises(ValueError, match="no target has come yet"):
        Playout().at(1.0)


@pytest.mark.parametrize("leap", [100.0, -100.0])
def test_clock_of_the_sender_that_leaps_is_followed_without_a_jump(leap: float) -> None:
    """Ahead at once; back when it has been so for a quarter of a second."""
    stream = made()
    arrivals = packets(50.0, 4.0, steady)
    moved = [(a, t if t < 2.0 else t + leap, q) for a, t, q in arrivals]
    path = played(stream, moved, 5.0)
    assert_smooth(path)
    assert stream.counts.clocks == 2
    assert np.abs(path[-1] - arrivals[-1][2]).max() < 1e-9


def test_arm_in_motion_goes_on_from_its_speed() -> None:
    """With targets, and smoothly to rest where none come."""
    velocity = (0.5, -0.3, 0.02, 1.0, 0.0, 0.5)
    for targets in ([], [(0.0, 0.0, HOME)]):
        stream = JointInterpolation(PSM, HOME, 0.0, PERIOD, velocity)
        path = played(stream, targets, 2.0)
        speed = np.diff(path, axis=0, prepend=[np.subtract(HOME, np.array(velocity) * PERIOD)]) / PERIOD
        change = np.abs(np.diff(speed, axis=0))
        assert (change <= np.array(BOUNDS.brake_acceleration) * PERIOD * (1 + 1e-6)).all()
        assert stream.sample(2.1) is None


def test_target_out_of_range_is_moved_inside_and_told() -> None:
    """With joint and amount."""
    stream = made()
    path = played(stream, [(k * 0.02, k * 0.02, (0.1, -0.1, 0.03, 0.2, 0.1, -0.1)) for k in range(100)], 3.0)
    assert_smooth(path)
    assert "PSM1 insertion: 0.0300 m is 0.0306 m beyond its limit" in stream.notes[0]
    assert path[-1][2] == pytest.approx(BOUNDS.lower[2])


@pytest.mark.parametrize(
    ("stamp", "target", "text"),
    [
        (1.0, (math.nan, *HOME[1:]), "PSM1 yaw: target nan is not finite"),
        (1.0, HOME[:5], "target has 5 values"),
        (math.nan, HOME, "stamp nan"),
        (math.inf, HOME, "stamp inf"),
    ],
)
def test_target_that_is_none_is_refused(stamp: float, target: tuple, text: str) -> None:
    """The stream goes on without it."""
    stream = made()
    stream.take(0.0, CLOCK, HOME)
    with pytest.raises(MotionRefused, match=text):
        stream.take(0.02, stamp, target)
    assert stream.counts.played == 1


def test_driver_clock_that_runs_backwards_moves_nothing() -> None:
    """Nor does one that shows no time."""
    stream = made()
    for number in range(20):
        stream.take(number * 0.02, CLOCK + number * 0.02, hand(number * 0.02))
    before = stream.sample(0.4)
    for wrong in (0.3, math.nan, math.inf, -math.inf):
        assert stream.sample(wrong) == before


def test_poses_are_interpolated_too() -> None:
    """The tip comes to rest at the last pose; what is out of reach is told, and what is no pose is refused."""
    stream = CartesianInterpolation(PSM, HOME, 0.0, PERIOD)
    path = [HOME]
    for number in range(400):
        if number % 4 == 0 and number < 200:
            stream.take(number * PERIOD, CLOCK + number * PERIOD, PSM.forward(hand(number * PERIOD)))
        path.append(stream.sample((number + 1) * PERIOD) or path[-1])
    assert_smooth(np.array(path))
    assert stream.notes == ()
    assert math.dist(PSM.forward(path[-1]).position, PSM.forward(hand(196 * PERIOD)).position) < 1e-9
    pose = PSM.forward(HOME)
    stream.take(2.0, CLOCK + 2.0, Pose(pose.position + np.array([0.0, 0.0, -0.2]), pose.quaternion))
    assert stream.notes[0].endswith("mm and 0.0000 rad out of reach")
    for bad in (Pose(np.array([math.nan, 0.0, 0.0]), pose.quaternion), Pose(pose.position, np.zeros(4))):
        with pytest.raises(MotionRefused, match=r"PSM1: .* of the target is"):
            stream.take(2.02, CLOCK + 2.02, bad)
    with pytest.raises(MotionRefused, match="PSM1: "):
        stream.take(2.02, CLOCK + 2.02, Pose(np.zeros(3), pose.quaternion))
    assert stream.delay <= LONGEST + 0.1
    assert not stream.busy
    assert stream.goal[2] == pytest.approx(BOUNDS.upper[2], abs=1e-5)
    assert stream.counts.played == 51
