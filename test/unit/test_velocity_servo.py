"""A tool that is told its speed: where it goes, how it stops, what it says at its limits."""

from __future__ import annotations

import math

import numpy as np
import pytest

from robot_driver.motion.bounds import TIP_SPEEDS, motion_bounds
from robot_driver.motion.motion import MotionRefused
from robot_driver.motion.velocity_servo import ACCELERATION, VelocityServo
from teleop_core.arm_model import arm_model
from teleop_core.se3 import quaternion_angle

PERIOD = 0.005
PSM, ECM = arm_model("PSM1"), arm_model("ECM")
HOME = (0.0, 0.0, 0.12, 0.0, 0.0, 0.0)
ASIDE = (0.1, -0.2, 0.15, 0.4, 0.3, -0.2)


def driven(servo: VelocityServo, twist: list[float], seconds: float, start: float = 0.0) -> np.ndarray:
    """Positions while a twist is told in each period, (samples, n)."""
    path = []
    for number in range(1, round(seconds / PERIOD) + 1):
        servo.take(start + (number - 1) * PERIOD, twist)
        path.append(servo.sample(start + number * PERIOD))
    return np.array(path)


@pytest.mark.parametrize(("model", "q"), [(PSM, ASIDE), (ECM, (0.1, 0.2, 0.1, 0.3))])
@pytest.mark.parametrize("velocity", [(0.03, 0.0, 0.0), (0.0, 0.02, 0.02), (-0.01, 0.02, -0.03)])
def test_tip_has_the_speed_it_is_told(model: object, q: tuple, velocity: tuple) -> None:
    """In the axes of the base; the orientation of an arm that can keep it stays."""
    path = driven(VelocityServo(model, q, 0.0), [*velocity, 0.0, 0.0, 0.0], 0.5 if model is PSM else 1.5)
    reached = [model.forward(each) for each in path]
    speed = (reached[-1].position - reached[-21].position) / (20 * PERIOD)
    assert np.abs(speed - velocity).max() < 1e-4
    if model is PSM:
        assert quaternion_angle(reached[-1].quaternion, PSM.forward(q).quaternion) < 1e-6


def test_tip_turns_in_its_place() -> None:
    """About an axis of the base."""
    path = driven(VelocityServo(PSM, ASIDE, 0.0), [0.0, 0.0, 0.0, 0.0, 0.0, 0.5], 0.5)
    first, last = PSM.forward(path[-21]), PSM.forward(path[-1])
    assert quaternion_angle(first.quaternion, last.quaternion) == pytest.approx(0.5 * 20 * PERIOD, abs=1e-6)
    turn = last.rotation() @ first.rotation().T
    assert turn[1, 0] == pytest.approx(math.sin(0.05), abs=1e-6)
    assert np.abs(last.position - PSM.forward(ASIDE).position).max() < 1e-6


def test_twist_changes_within_its_acceleration() -> None:
    """Up, over to the other direction, and the tool never leaps."""
    servo = VelocityServo(PSM, HOME, 0.0)
    path = np.vstack(
        [HOME, driven(servo, [0.1, 0, 0, 0, 0, 0], 0.3), driven(servo, [-0.1, 0, 0, 0, 0, 0], 0.3, start=0.3)]
    )
    tips = np.array([PSM.forward(q).position for q in path])
    change = np.linalg.norm(np.diff(tips, n=2, axis=0), axis=1) / PERIOD**2
    assert change.max() <= ACCELERATION[0] * 1.05
    assert change.max() > ACCELERATION[0] * 0.8


def test_silence_is_a_smooth_stop() -> None:
    """After 0.1 s; then the motion is over."""
    servo = VelocityServo(PSM, HOME, 0.0)
    path = driven(servo, [0.05, 0.0, 0.0, 0.0, 0.0, 0.0], 0.3)
    now, positions = 0.3, [path[-1]]
    while (q := servo.sample(now := now + PERIOD)) is not None:
        positions.append(np.array(q))
        assert now < 1.0
    assert not servo.busy
    assert servo.sample(now + PERIOD) is None
    assert 0.09 < now - 0.3 < 0.2
    tips = np.array([PSM.forward(q).position for q in positions])
    assert np.linalg.norm(np.diff(tips, n=2, axis=0), axis=1).max() <= ACCELERATION[0] * 1.05 * PERIOD**2
    assert servo.goal == tuple(positions[-1])


def test_too_fast_a_twist_is_slowed_in_its_direction_and_told() -> None:
    """With the amount."""
    servo = VelocityServo(PSM, HOME, 0.0)
    path = driven(servo, [0.3, 0.4, 0.0, 0.0, 0.0, 0.0], 0.2)
    assert servo.notes == ("PSM1: 0.500 m/s is 0.300 m/s too fast",)
    tips = np.array([PSM.forward(q).position for q in path])
    speed = (tips[-1] - tips[-2]) / PERIOD
    assert np.linalg.norm(speed) <= TIP_SPEEDS[0] * 1.001
    assert speed[1] / speed[0] == pytest.approx(4.0 / 3.0, rel=0.1)
    servo.take(0.2, [0.0, 0.0, 0.0, 30.0, 0.0, 0.0])
    servo.sample(0.205)
    assert servo.notes[0] == "PSM1: 30.000 rad/s is 15.000 rad/s too fast"


@pytest.mark.parametrize(
    ("q", "twist", "text"),
    [
        ((0.0, 0.0, 0.07, 0.0, 0.0, 0.0), [0, 0, 0.05, 0, 0, 0], "PSM1 insertion at the end of the range: 0.049"),
        ((0.0, 0.0, 0.23, 0.0, 0.0, 0.0), [0, 0, -0.05, 0, 0, 0], "PSM1 insertion at the end of the range: 0.049"),
        ((1.36, 0.0, 0.12, 0.0, 0.0, 0.0), [0.01, 0, 0.05, 0, 0, 0], "PSM1: tilt of the shaft"),
    ],
)
def test_end_of_the_range_stops_it_and_is_told(q: tuple, twist: list, text: str) -> None:
    """Depth past the remote centre, range, workspace: it brakes in time, stays there, and comes back."""
    servo, bounds = VelocityServo(PSM, q, 0.0), motion_bounds(PSM)
    path = np.vstack([q, driven(servo, twist, 1.0)])
    assert any(note.startswith(text) for note in servo.notes), servo.notes
    assert (path >= bounds.lower).all()
    assert (path <= bounds.upper).all()
    change = np.abs(np.diff(path, n=2, axis=0)).max(axis=0) / PERIOD**2
    assert (change <= np.array(bounds.brake_acceleration) * (1 + 1e-6)).all()
    back = driven(servo, [-value for value in twist], 0.3, start=1.0)
    assert math.dist(PSM.forward(back[-1]).position, PSM.forward(path[-1]).position) > 0.005


@pytest.mark.parametrize("twist", [[math.nan, 0, 0, 0, 0, 0], [0, 0, 0, 0, 0, math.inf], [0, 0, 0], []])
def test_twist_that_is_none_is_refused(twist: list) -> None:
    """And the one before counts on."""
    servo = VelocityServo(PSM, HOME, 0.0)
    servo.take(0.0, [0.05, 0.0, 0.0, 0.0, 0.0, 0.0])
    with pytest.raises(MotionRefused, match=r"PSM1: twist .* is not six finite numbers"):
        servo.take(0.001, twist)
    assert servo.sample(0.005) != HOME


def test_clock_that_runs_backwards_moves_nothing() -> None:
    """Nor does one that shows no time."""
    servo = VelocityServo(PSM, HOME, 10.0)
    servo.take(10.0, [0.05, 0.0, 0.0, 0.0, 0.0, 0.0])
    before = servo.sample(10.005)
    for wrong in (9.0, math.nan, math.inf, 10.005):
        assert servo.sample(wrong) == before


def test_arm_in_motion_goes_on_from_its_speed() -> None:
    """Where the servo takes over from something else."""
    velocity = (0.3, -0.2, 0.02, 0.5, 0.0, 0.0)
    servo = VelocityServo(PSM, HOME, 0.0, velocity)
    first = (np.array(servo.sample(PERIOD)) - HOME) / PERIOD
    assert (np.abs(first - velocity) <= np.array(motion_bounds(PSM).follow_acceleration) * PERIOD * 1.001).all()
    now = PERIOD
    while servo.sample(now := now + PERIOD) is not None:
        assert now < 0.5


def test_at_the_remote_centre_it_says_that_it_cannot() -> None:
    """An instrument that is not in yet has no direction there."""
    servo = VelocityServo(PSM, (0.0, 0.0, 0.0159, 0.0, 0.0, 0.0), 0.0)
    driven(servo, [0.0, 0.0, -0.01, 0.0, 0.0, 0.0], 0.1)
    assert "too close to the remote centre" in servo.notes[0]
