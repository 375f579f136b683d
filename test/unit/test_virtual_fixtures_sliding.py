"""Virtual fixtures, step by step: where a corrected step ends, when the tip stands still instead, and who is named."""

from __future__ import annotations

import math

import numpy as np
import pytest

from teleop_core.fixture_regions import Cone, Plane, Region, Sphere, Vector
from teleop_core.virtual_fixtures import BRAKING, MARGIN, NOTICED, VirtualFixtures, fixture_reason

DT = 0.005
CONE = Cone("cone", 0.01, (0.48, 0.6, -0.64), math.radians(30.0))
FLOOR = Plane("floor", 0.0, (0.0, 0.0, 0.0), (0.0, 0.0, 1.0))
HERE = np.array([0.1 * 0.48, 0.1 * 0.6, -0.1 * 0.64])
"""On the axis of the cone, 4 cm from its side."""


def at_the_side(distance: float) -> tuple[np.ndarray, np.ndarray]:
    """A place inside the cone, this far from its side; and the way around the cone from there, a unit vector."""
    _, way_out = CONE.toward(tuple(HERE))
    place = HERE + (CONE.toward(tuple(HERE))[0] - distance) * np.array(way_out)
    around = np.cross(np.array(CONE.axis), np.array(way_out))
    return place, around / np.linalg.norm(around)


def leaning(name: str, angle: float) -> Plane:
    """A plane through the origin whose allowed side makes this angle with the floor's."""
    return Plane(name, 0.0, (0.0, 0.0, 0.0), (math.sin(angle), 0.0, math.cos(angle)))


def test_a_goal_beside_the_opening_becomes_the_nearest_place_in_it() -> None:
    """Whichever way the hand leads out of a cone: straight back from there, at a right angle to the cone's side."""
    _, outward = CONE.toward(tuple(HERE))
    aside, around = np.array(outward), np.cross(np.array(CONE.axis), np.array(outward))
    for wanted in (HERE + 0.1 * aside, HERE - 0.1 * aside, HERE + 0.1 * around, HERE - 0.08 * around + 0.03 * aside):
        goal, reasons = VirtualFixtures([CONE]).aimed(HERE, wanted)
        distance, way_out = CONE.toward(tuple(wanted))
        assert distance < 0.0
        assert reasons == (fixture_reason("cone"),)
        assert CONE.toward(tuple(goal))[0] == pytest.approx(MARGIN, abs=1e-12)
        assert wanted - goal == pytest.approx((MARGIN - distance) * np.array(way_out), abs=1e-12)


@pytest.mark.parametrize("left", [MARGIN, 0.5 * MARGIN])
def test_a_step_around_the_inside_of_a_cone_is_bent(left: float) -> None:
    """The tip stays as far from the side as it is, even where that is less than the margin, and loses no way."""
    start, around = at_the_side(left)
    for step in (0.001 * around, -0.001 * around):
        place, reasons = VirtualFixtures([CONE]).limited(start, start + step, DT)
        assert CONE.toward(tuple(place))[0] == pytest.approx(left, abs=1e-12)
        assert reasons == (fixture_reason("cone"),)
        assert (place - start) @ step == pytest.approx(step @ step, rel=0.01)


def test_a_tip_that_stands_outside_its_cone_comes_back_with_the_hand() -> None:
    """Where the local team has left it outside, it is neither pushed back nor led farther out; inwards it is free."""
    start, around = at_the_side(-0.002)
    _, outward = CONE.toward(tuple(start))
    fixtures = VirtualFixtures([CONE])
    inwards = start - 0.0005 * np.array(outward)
    assert fixtures.limited(start, inwards, DT) == (pytest.approx(inwards), ())
    for step in (0.0005 * np.array(outward), 0.0005 * around, -0.0005 * around):
        assert fixtures.limited(start, start + step, DT) == (pytest.approx(start), (fixture_reason("cone"),))


def test_only_the_region_that_holds_is_named() -> None:
    """A tip in the middle of its opening meets the floor: the opening has nothing to do with it."""
    floor = Plane("floor", 0.0, (0.0, 0.0, HERE[2]), (0.0, 0.0, 1.0))
    fixtures = VirtualFixtures([CONE, floor])
    down = HERE - (0.0, 0.0, 0.001)
    assert fixtures.limited(HERE, down, DT) == (pytest.approx(HERE), (fixture_reason("floor"),))
    assert fixtures.aimed(HERE, down) == (pytest.approx(HERE), (fixture_reason("floor"),))


def test_a_sphere_in_the_way_is_named_although_the_goal_is_behind_it() -> None:
    """The goal itself is allowed, the way to it is not: the tip heads along the sphere, which is told."""
    ball = Sphere("ball", 0.0, (0.0, 0.0, 0.0), 0.02)
    goal, reasons = VirtualFixtures([ball]).aimed(np.array([0.03, 0.0, 0.0]), np.array([-0.05, 0.04, 0.0]))
    assert goal == pytest.approx((0.02 + MARGIN, 0.04, 0.0), abs=1e-12)
    assert reasons == (fixture_reason("ball"),)


def test_a_free_goal_is_passed_on_as_it_is() -> None:
    """No rounding, no reason."""
    wanted = np.array([0.3, 0.1, 0.2])
    goal, reasons = VirtualFixtures([FLOOR]).aimed(np.array([0.1, 0.1, 0.1]), wanted)
    assert goal is wanted
    assert reasons == ()


def test_two_walls_that_meet_at_a_sharp_angle_leave_the_line_between_them() -> None:
    """What slides along the floor below an overhang goes on along the line where both meet; both are named."""
    fixtures = VirtualFixtures([FLOOR, leaning("overhang", math.radians(120.0))])
    start = np.array([1.5 * MARGIN / math.sin(math.radians(120.0)), 0.1, MARGIN])
    place, reasons = fixtures.limited(start, start + np.array([-0.0001, 0.001, -0.0005]), DT)
    assert place == pytest.approx(start + np.array([0.0, 0.001, 0.0]), abs=1e-8)
    assert reasons == (fixture_reason("floor"), fixture_reason("overhang"))


def test_where_the_corrections_do_not_settle_the_tip_stands_still() -> None:
    """Deep in a wedge each wall pushes the step through the other one: nothing moves, and both are named."""
    fixtures = VirtualFixtures([FLOOR, leaning("lid", math.radians(178.0))])
    start = np.array([0.0005, 0.1, 0.000005])
    assert fixtures.obstacle(start) == ""
    place, reasons = fixtures.limited(start, start + np.array([-0.001, 0.0005, 0.0]), DT)
    assert place == pytest.approx(start, abs=0.0)
    assert reasons == (fixture_reason("lid"),) or reasons == (fixture_reason("floor"), fixture_reason("lid"))


@pytest.mark.parametrize(
    ("too_deep", "reasons"), [(1e-14, ()), (NOTICED, ()), (2.0 * NOTICED, (fixture_reason("floor"),))]
)
def test_a_grazing_step_goes_on(too_deep: float, reasons: tuple[str, ...]) -> None:
    """A correction of next to nothing costs no way along the wall, and the smallest ones are not told."""
    place, told = VirtualFixtures([FLOOR]).limited(np.zeros(3), np.array([0.001, 0.0, -too_deep]), DT)
    assert tuple(place) == (0.001, 0.0, 0.0)
    assert told == reasons


class Ripple(Region):
    """A boundary that claims to be elsewhere than where it was: what it asks for is farther than the step."""

    bends_inwards = True

    def _toward(self, point: Vector) -> tuple[float, Vector]:
        return (-0.0008 if point[1:] == (0.0, 0.0) and point[0] > 0.0 else 0.0), (0.0, -1.0, 0.0)


def test_no_shape_pushes_the_tip() -> None:
    """Even a region whose distances do not fit together never makes a step longer than it was: the tip stands still."""
    place, reasons = VirtualFixtures([Ripple("ripple", 0.0)]).limited(np.zeros(3), np.array([0.001, 0.0, 0.0]), DT)
    assert tuple(place) == (0.0, 0.0, 0.0)
    assert reasons == (fixture_reason("ripple"),)


@pytest.mark.parametrize("left", [0.001, 0.003, 0.01])
def test_a_step_uses_the_room_there_is_to_brake(left: float) -> None:
    """As fast as may be, so that the steps after this one can stop in time: v^2 / 2 a, and half a step."""
    start = np.array([0.0, 0.0, left + MARGIN])
    place, _ = VirtualFixtures([FLOOR]).limited(start, start - (0.0, 0.0, 0.009), DT)
    speed = (start[2] - place[2]) / DT
    assert speed * DT / 2.0 + speed**2 / (2.0 * BRAKING) == pytest.approx(left)
