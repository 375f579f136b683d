"""Bounds of motions: a hair inside what the command gate allows; refused or clamped with joint, value and amount."""

from __future__ import annotations

import math

import pytest

from robot_driver.arm_limits import CAMERA_ACCELERATION, MAX_TILT, SERVO_ACCELERATION
from robot_driver.motion.bounds import RANGE_MARGIN, checked_ratio, motion_bounds, tilt
from robot_driver.motion.motion import MotionRefused
from teleop_core.arm_model import arm_model

PSM, ECM = arm_model("PSM1"), arm_model("ECM")
BOUNDS = motion_bounds(PSM)
HOME = (0.0, 0.0, 0.12, 0.0, 0.0, 0.0)
EDGE = MAX_TILT - 0.01


def at(index: int, value: float) -> tuple[float, ...]:
    """Home, but for one joint."""
    return (*HOME[:index], value, *HOME[index + 1 :])


@pytest.mark.parametrize(("model", "gate"), [(PSM, SERVO_ACCELERATION), (ECM, CAMERA_ACCELERATION)])
def test_bounds_are_a_little_less_than_the_gate_allows(model: object, gate: tuple) -> None:
    """Each of them, of each joint, for an instrument and for the camera arm."""
    bounds, limits = motion_bounds(model), model.limits
    assert (bounds.arm, bounds.joint_names, bounds.slides) == (model.name, model.joint_names, model.slides)
    assert bounds.lower == pytest.approx(limits.lower + 1e-6, abs=1e-12)
    assert bounds.upper == pytest.approx(limits.upper - 1e-6, abs=1e-12)
    assert bounds.speed == pytest.approx(0.98 * limits.velocity)
    assert bounds.acceleration == pytest.approx(0.9 * limits.acceleration)
    assert bounds.follow_acceleration == pytest.approx([0.5 * value for value in gate])
    assert bounds.brake_acceleration == pytest.approx([0.98 * value for value in gate])
    assert all(type(value) is float for value in (*bounds.lower, *bounds.upper, *bounds.speed, *bounds.acceleration))


def test_values_are_checked() -> None:
    """One finite number for each joint."""
    assert BOUNDS.checked("goal", [0, 1, 2, 3, 4, 5]) == (0.0, 1.0, 2.0, 3.0, 4.0, 5.0)
    assert all(type(value) is float for value in BOUNDS.checked("goal", [0, 1, 2, 3, 4, 5]))
    with pytest.raises(MotionRefused, match=r"^PSM1: goal has 5 values, 6 joints ask for as many$"):
        BOUNDS.checked("goal", HOME[:5])
    for value in (math.nan, math.inf, -math.inf):
        with pytest.raises(MotionRefused, match=rf"^PSM1 roll: goal {value} is not finite$"):
            BOUNDS.checked("goal", at(3, value))


def test_what_is_inside_stays_as_it_is() -> None:
    """The bounds themselves too."""
    inside = (0.3, -0.2, 0.1, 1.0, -1.0, 1.2)
    assert BOUNDS.clamped(inside, HOME) == (inside, ())
    for corner in (BOUNDS.lower, BOUNDS.upper):
        for index in range(2, 6):
            assert BOUNDS.clamped(at(index, corner[index]), HOME) == (at(index, corner[index]), ())


def test_joint_beyond_its_range_is_clamped_and_told() -> None:
    """Above and below, with unit, limit and amount; of the insertion, what too little of it means."""
    high, low = BOUNDS.upper[4], BOUNDS.lower[4]
    assert BOUNDS.clamped(at(4, 1.5), HOME) == (
        at(4, high),
        ("PSM1 wrist_pitch: 1.5000 rad is 0.1037 rad beyond its limit 1.3963 rad",),
    )
    assert BOUNDS.clamped(at(4, -1.6), HOME) == (
        at(4, low),
        ("PSM1 wrist_pitch: -1.6000 rad is 0.2037 rad beyond its limit -1.3963 rad",),
    )
    assert BOUNDS.clamped(at(2, 0.3), HOME)[1] == ("PSM1 insertion: 0.3000 m is 0.0600 m beyond its limit 0.2400 m",)
    assert BOUNDS.clamped(at(2, 0.05), HOME) == (
        at(2, BOUNDS.lower[2]),
        ("PSM1 insertion: 0.0500 m is 0.0106 m beyond its limit 0.0606 m, the least depth past the remote centre",),
    )
    assert len(BOUNDS.clamped((0.0, 0.0, 0.3, 0.0, 2.0, -2.0), HOME)[1]) == 3


@pytest.mark.parametrize("side", [1.0, -1.0])
def test_hair_beyond_the_range_is_moved_inside_and_not_told(side: float) -> None:
    """The range itself is 1e-6 farther than the bounds: nobody who asks for its end asks for too much."""
    limit = (BOUNDS.upper if side > 0.0 else BOUNDS.lower)[4]
    assert BOUNDS.clamped(at(4, limit + side * RANGE_MARGIN), HOME) == (at(4, limit), ())
    assert BOUNDS.clamped(at(4, limit + side * 1.45 * RANGE_MARGIN), HOME) == (at(4, limit), ())
    assert len(BOUNDS.clamped(at(4, limit + side * 1.55 * RANGE_MARGIN), HOME)[1]) == 1


@pytest.mark.parametrize("side", [1.0, -1.0])
def test_arm_outside_its_range_may_stay_and_go_back_but_no_farther(side: float) -> None:
    """By each of the three ways to hold a value within the bounds."""
    present = at(4, side * 1.5)
    back, out = at(4, side * 1.45), at(4, side * 1.55)
    for q in (present, back):
        assert BOUNDS.clamped(q, present) == (q, ())
        assert BOUNDS.required(q, present) == q
        assert BOUNDS.kept(q, present) == q
        assert BOUNDS.holds(q, q, present)
    assert BOUNDS.clamped(out, present)[0] == present
    assert BOUNDS.kept(out, present) == present
    assert not BOUNDS.holds(out, out, present)
    with pytest.raises(MotionRefused, match="beyond its limit"):
        BOUNDS.required(out, present)


def test_refusal_names_every_joint() -> None:
    """One after the other."""
    with pytest.raises(MotionRefused) as refused:
        BOUNDS.required((0.0, 0.0, 0.3, 0.0, 1.5, 0.0), HOME)
    assert str(refused.value) == (
        "PSM1 insertion: 0.3000 m is 0.0600 m beyond its limit 0.2400 m; "
        "PSM1 wrist_pitch: 1.5000 rad is 0.1037 rad beyond its limit 1.3963 rad"
    )
    assert BOUNDS.required(HOME, HOME) == HOME


def test_kept_is_the_range_of_each_joint() -> None:
    """From below and from above."""
    assert BOUNDS.kept((-9.0,) * 6, HOME) == BOUNDS.lower
    assert BOUNDS.kept((9.0,) * 6, HOME) == BOUNDS.upper
    assert BOUNDS.kept(HOME, HOME) == HOME
    for wrong in (HOME[:5], (*HOME, 0.0)):
        with pytest.raises(ValueError, match="zip"):
            BOUNDS.kept(wrong, HOME)


def test_corners_within_the_bounds_hold() -> None:
    """Each joint, at both ends, the bounds included; and the tilt of the two that share the workspace."""
    low, high = (-0.1, -0.1, *BOUNDS.lower[2:]), (0.1, 0.1, *BOUNDS.upper[2:])
    assert BOUNDS.holds(low, high, HOME) is True
    for index in range(2, 6):
        assert not BOUNDS.holds((*low[:index], low[index] - 1e-9, *low[index + 1 :]), high, HOME)
        assert not BOUNDS.holds(low, (*high[:index], high[index] + 1e-9, *high[index + 1 :]), HOME)
    for wrong in (HOME[:5], (*HOME, 0.0)):
        with pytest.raises(ValueError, match="zip"):
            BOUNDS.holds(wrong, HOME, HOME)


@pytest.mark.parametrize("index", [0, 1])
@pytest.mark.parametrize("side", [1.0, -1.0])
def test_corners_beyond_the_workspace_do_not_hold(index: int, side: float) -> None:
    """Either way of both joints; the margin to the edge is on the inside."""
    other = 1 - index
    for share, holds in ((0.995, True), (1.005, False)):
        angle = share * math.acos(math.cos(EDGE) / math.cos(0.8))
        q = list(HOME)
        q[index], q[other] = side * angle, 0.8
        low = [min(value, here) for value, here in zip(q, HOME, strict=True)]
        high = [max(value, here) for value, here in zip(q, HOME, strict=True)]
        if abs(angle) <= BOUNDS.upper[index]:
            assert BOUNDS.holds(low, high, HOME) is holds


def test_tilt_of_the_shaft() -> None:
    """The angle from straight in; from a right angle on no place is inside."""
    assert tilt(0.0, 0.0) == 0.0
    assert tilt(0.5, 0.0) == pytest.approx(0.5)
    assert tilt(0.0, -0.7) == pytest.approx(0.7)
    assert tilt(0.5, 0.7) == pytest.approx(math.acos(math.cos(0.5) * math.cos(0.7)))
    for yaw, pitch in ((0.5 * math.pi, 0.0), (-0.5 * math.pi, 0.0), (0.0, 0.5 * math.pi), (0.0, -2.0), (1.58, 1.58)):
        assert tilt(yaw, pitch) == math.pi


@pytest.mark.parametrize(("yaw", "pitch"), [(1.4, 0.8), (-1.4, 0.8), (1.5, 0.1), (1.5, -0.9)])
def test_tilt_beyond_the_workspace_is_scaled_to_its_edge_and_told(yaw: float, pitch: float) -> None:
    """Both angles by the same share, as little as it takes; the rest of the joints are as they were."""
    (new_yaw, new_pitch, *rest), notes = BOUNDS.clamped((yaw, pitch, *HOME[2:]), HOME)
    assert tuple(rest) == HOME[2:]
    assert EDGE - 1e-9 < tilt(new_yaw, new_pitch) <= EDGE
    assert new_yaw / yaw == pytest.approx(new_pitch / pitch)
    angle = tilt(yaw, pitch)
    assert notes == (
        f"PSM1: tilt of the shaft {angle:.4f} rad is {angle - EDGE:.4f} rad beyond its limit {EDGE:.4f} rad",
    )


def test_arm_outside_the_workspace_may_stay_and_come_back() -> None:
    """But tilt no farther."""
    present = (1.39, 0.0, *HOME[2:])
    assert tilt(1.39, 0.0) > EDGE
    assert BOUNDS.clamped(present, present) == (present, ())
    assert BOUNDS.clamped((1.388, 0.0, *HOME[2:]), present)[1] == ()
    farther, notes = BOUNDS.clamped((1.39, 0.3, *HOME[2:]), present)
    assert tilt(*farther[:2]) == pytest.approx(tilt(1.39, 0.0), abs=1e-9)
    assert "beyond its limit 1.3900 rad" in notes[0]


@pytest.mark.parametrize("ratio", [0.0, -0.1, 1.0001, math.nan, math.inf])
def test_ratio_that_is_none_is_refused(ratio: float) -> None:
    """With the value."""
    with pytest.raises(MotionRefused, match=rf"^PSM1: trajectory ratio {ratio} must be above 0 and at most 1$"):
        checked_ratio("PSM1", ratio)


@pytest.mark.parametrize("ratio", [1e-6, 0.5, 1.0])
def test_ratio_is_given_back(ratio: float) -> None:
    """As it is."""
    assert checked_ratio("PSM1", ratio) == ratio
