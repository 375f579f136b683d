"""An arm that has to stand first: how hard it brakes, where it comes to rest, and that it stays there."""

from __future__ import annotations

import numpy as np
import pytest

from robot_driver.motion.bounds import motion_bounds
from robot_driver.motion.brake import Brake, stands
from teleop_core.arm_model import arm_model

PERIOD = 0.005
BOUNDS = motion_bounds(arm_model("PSM1"))
HOME, STILL = (0.0, 0.0, 0.12, 0.0, 0.0, 0.0), (0.0,) * 6
GENTLE, HARD = BOUNDS.follow_acceleration, BOUNDS.brake_acceleration
MIXED = (0.8, -0.5, 0.05, -2.0, 0.0, 1.0)


def braked(q: tuple[float, ...], velocity: tuple[float, ...], steps: int = 60) -> np.ndarray:
    """Speeds from period to period (steps + 1, n) [rad/s, m/s], with the one before the brake in front."""
    brake = Brake(BOUNDS, q, velocity, PERIOD)
    path = np.array([brake.at(number * PERIOD) for number in range(steps + 1)])
    assert tuple(path[0]) == q
    return np.vstack([velocity, np.diff(path, axis=0) / PERIOD])


def place(index: int, value: float) -> tuple[float, ...]:
    """Home, but for one joint."""
    return (*HOME[:index], value, *HOME[index + 1 :])


def speed(index: int, value: float) -> tuple[float, ...]:
    """One joint moves."""
    return (*STILL[:index], value, *STILL[index + 1 :])


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_each_joint_brakes_by_a_full_step_in_every_period(sign: float) -> None:
    """Also in the first, where the gate counts from the mean speed of the period before; in the end it stands."""
    velocity = tuple(sign * value for value in MIXED)
    speeds = braked(HOME, velocity)
    for index, acceleration in enumerate(GENTLE):
        step = acceleration * PERIOD
        wanted = np.maximum(0.0, abs(velocity[index]) - step * np.arange(61))
        stopping = int(np.argmin(wanted)) - 1
        whole = [number for number in range(61) if number not in (stopping, stopping + 1)]
        assert np.abs(speeds[:, index]) == pytest.approx(wanted, abs=step)
        assert speeds[whole, index] == pytest.approx(np.copysign(wanted, velocity[index])[whole], abs=1e-9)


def test_it_lasts_until_the_last_joint_stands_and_tells_where_before() -> None:
    """At the speed that each has in the middle of the first period, way = speed^2 / (2 acceleration)."""
    brake = Brake(BOUNDS, HOME, MIXED, PERIOD)
    left = [max(0.0, abs(v) - 0.5 * a * PERIOD) for v, a in zip(MIXED, GENTLE, strict=True)]
    assert brake.duration == pytest.approx(max(v / a for v, a in zip(left, GENTLE, strict=True)))
    ways = [np.sign(w) * v * v / (2.0 * a) for v, w, a in zip(left, MIXED, GENTLE, strict=True)]
    assert brake.rest == pytest.approx(tuple(np.add(HOME, ways)), abs=1e-12)
    for later in (brake.duration, brake.duration + 1.0):
        assert brake.at(later) == pytest.approx(brake.rest, abs=1e-15)
    before = np.abs(np.subtract(brake.at(0.8 * brake.duration), brake.rest))
    assert before.max() > 1e-5


def test_arm_that_stands_needs_no_time() -> None:
    """Nor does one that is slower than half a step."""
    for velocity in (STILL, speed(0, 0.4 * GENTLE[0] * PERIOD)):
        brake = Brake(BOUNDS, HOME, velocity, PERIOD)
        assert (brake.duration, brake.rest) == (0.0, HOME)


@pytest.mark.parametrize("index", [2, 3, 4, 5])
@pytest.mark.parametrize("side", [1.0, -1.0])
def test_it_brakes_harder_where_the_gentle_way_would_leave_the_range(index: int, side: float) -> None:
    """Only there: it rests a hair inside by the gentle way, if there is room for it; and never beyond the end."""
    full = 0.9 * BOUNDS.speed[index]
    gentle = (full - 0.5 * GENTLE[index] * PERIOD) ** 2 / (2.0 * GENTLE[index])
    hard = (full - 0.5 * HARD[index] * PERIOD) ** 2 / (2.0 * HARD[index])
    end = (BOUNDS.upper if side > 0.0 else BOUNDS.lower)[index]
    for room, way in ((1.001 * gentle, gentle), (0.999 * gentle, hard), (0.999 * hard, 0.999 * hard)):
        start = place(index, end - side * room)
        brake = Brake(BOUNDS, start, speed(index, side * full), PERIOD)
        assert side * (brake.rest[index] - start[index]) == pytest.approx(way, rel=1e-6)
        path = np.array([brake.at(number * PERIOD)[index] for number in range(200)])
        assert (side * (end - path)).min() >= 0.0
        assert brake.rest[index] == pytest.approx(path[-1], abs=1e-15)


@pytest.mark.parametrize("signs", [(1.0, 1.0), (-1.0, 1.0), (1.0, -1.0), (-1.0, -1.0)])
def test_it_brakes_harder_before_the_edge_of_the_workspace(signs: tuple[float, float]) -> None:
    """That both joints which tilt the shaft share, whichever way they go."""
    yaw, pitch = signs
    start = (yaw * 1.21, pitch * 0.86, *HOME[2:])
    outward = (yaw * 1.5, pitch * 1.5, *STILL[2:])
    speeds = braked(start, outward)
    assert speeds[1][0] == pytest.approx(yaw * (1.5 - HARD[0] * PERIOD))
    inward = tuple(-value for value in outward)
    assert braked(start, inward)[1][0] == pytest.approx(-yaw * (1.5 - GENTLE[0] * PERIOD))


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_joint_that_creeps_stands(sign: float) -> None:
    """Up to a nanometre or a nanoradian per second; every joint has to."""
    assert stands(STILL) is True
    for index in range(6):
        assert stands(speed(index, sign * 1e-9)) is True
        assert stands(speed(index, sign * 1.01e-9)) is False


def test_numbers_that_do_not_belong_to_the_arm_are_an_error() -> None:
    """A speed for each joint."""
    for velocity in (MIXED[:5], (*MIXED, 0.0)):
        with pytest.raises(ValueError, match="zip"):
            Brake(BOUNDS, HOME, velocity, PERIOD)
    for q in (HOME[:5], (*HOME, 0.0)):
        with pytest.raises(ValueError, match="zip"):
            Brake(BOUNDS, q, MIXED, PERIOD)
