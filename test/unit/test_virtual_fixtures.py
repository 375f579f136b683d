"""Virtual fixtures: distances of the shapes, sliding, braking, and a tip that never gets in and is never pushed."""

from __future__ import annotations

import math

import numpy as np
import pytest

from teleop_core.fixture_regions import Box, Cone, Plane, Region, Sphere
from teleop_core.jaw import JawLimits
from teleop_core.motion_limits import MotionLimits
from teleop_core.psm_kinematics import forward_pose
from teleop_core.se3 import Pose
from teleop_core.signals import TeleopState
from teleop_core.teleoperation import HandArmPair
from teleop_core.virtual_fixtures import BRAKING, MARGIN, VirtualFixtures, fixture_reason
from test.unit.test_teleoperation import START, Operated

DT = 0.005
SPHERE = Sphere("sphere", 0.01, (0.0, 0.0, -0.1), 0.02)
TURNED = Pose(np.array([0.0, 0.0, -0.1]), np.array([0.0, 0.0, math.sin(math.pi / 8), math.cos(math.pi / 8)]))
BOX = Box("box", 0.01, TURNED, (0.02, 0.01, 0.03))
PLANE = Plane("plane", 0.01, (0.0, 0.0, -0.1), (0.0, 0.0, 1.0))
CONE = Cone("cone", 0.01, (0.0, 0.0, -1.0), math.radians(30.0))


@pytest.mark.parametrize(
    ("region", "point", "distance", "toward"),
    [
        (SPHERE, (0.05, 0.0, -0.1), 0.02, (-1.0, 0.0, 0.0)),
        (SPHERE, (0.0, 0.0, -0.11), -0.02, (0.0, 0.0, 1.0)),
        (SPHERE, (0.0, 0.0, -0.1), -0.03, (1.0, 0.0, 0.0)),
        (BOX, (0.0, 0.0, -0.05), 0.01, (0.0, 0.0, -1.0)),
        (BOX, (0.0, 0.0, -0.1), -0.02, (0.5**0.5, -(0.5**0.5), 0.0)),
        (BOX, (0.05 * 0.5**0.5, 0.05 * 0.5**0.5, -0.1), 0.02, (-(0.5**0.5), -(0.5**0.5), 0.0)),
        (PLANE, (0.3, 0.2, -0.05), 0.04, (0.0, 0.0, -1.0)),
        (PLANE, (0.3, 0.2, -0.15), -0.06, (0.0, 0.0, -1.0)),
        (CONE, (0.0, 0.0, -0.1), 0.04, None),
        (CONE, (0.0, 0.1, 0.0), -0.1 * math.cos(math.radians(30.0)) - 0.01, (0.0, 0.75**0.5, 0.5)),
    ],
)
def test_distance_and_direction(
    region: Region, point: tuple[float, float, float], distance: float, toward: tuple[float, float, float] | None
) -> None:
    """The distance is that to the boundary less the clearance, the direction the nearest way to what is forbidden."""
    found, direction = region.toward(point)
    assert found == pytest.approx(distance, abs=1e-12)
    assert math.hypot(*direction) == pytest.approx(1.0)
    if toward is not None:
        assert direction == pytest.approx(toward, abs=1e-12) or region is BOX


def test_the_corner_of_a_box_is_round_at_its_clearance() -> None:
    """Beyond a corner the distance is that to the corner."""
    box = Box("box", 0.0, Pose(np.zeros(3), np.array([0.0, 0.0, 0.0, 1.0])), (0.01, 0.02, 0.03))
    distance, toward = box.toward((0.01 + 0.003, 0.02 + 0.004, 0.03))
    assert distance == pytest.approx(0.005)
    assert toward == pytest.approx((-0.6, -0.8, 0.0))


@pytest.mark.parametrize(
    "axis", [(1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, -1.0), (0.6, 0.0, -0.8), (0.48, 0.6, -0.64)]
)
def test_on_the_axis_of_a_cone_every_way_out_is_as_far(axis: tuple[float, float, float]) -> None:
    """There the direction is some way out: it makes the angle with the axis that the side of the cone has to it."""
    cone = Cone("cone", 0.0, axis, math.radians(30.0))
    distance, toward = cone.toward((0.1 * axis[0], 0.1 * axis[1], 0.1 * axis[2]))
    assert distance == pytest.approx(0.05)
    assert np.dot(toward, axis) == pytest.approx(-0.5)
    assert math.hypot(*toward) == pytest.approx(1.0)


def walk(regions: list[Region], start: tuple[float, ...], goal: tuple[float, ...], steps: int = 600) -> np.ndarray:
    """Path of a tip that is asked to go straight to a goal, at 0.2 m/s."""
    fixtures, place, path = VirtualFixtures(regions), np.array(start), []
    for _ in range(steps):
        way = np.array(goal) - place
        wanted = place + way * min(1.0, 0.001 / max(1e-12, float(np.linalg.norm(way))))
        after, _ = fixtures.limited(place, wanted, DT)
        assert np.linalg.norm(after - place) <= np.linalg.norm(wanted - place) * (1.0 + 1e-9)
        place = after
        path.append(place)
    return np.array(path)


CASES = [
    ([SPHERE], (0.05, 0.002, -0.1), (0.0, 0.0, -0.1)),
    ([SPHERE], (0.05, 0.002, -0.1), (-0.05, 0.0, -0.1)),
    ([BOX], (0.06, 0.01, -0.1), (-0.06, 0.0, -0.1)),
    ([PLANE], (0.0, 0.0, -0.05), (0.03, 0.0, -0.2)),
    ([CONE], (0.0, 0.0, -0.1), (0.1, 0.05, -0.1)),
    ([CONE], (0.0, 0.001, -0.1), (0.0, 0.0, 0.1)),
    ([CONE, PLANE, SPHERE], (0.0, 0.0, -0.05), (0.05, 0.01, -0.2)),
    ([PLANE, Plane("other", 0.01, (0.0, 0.0, -0.1), (0.6, 0.0, 0.8))], (0.02, 0.0, -0.05), (-0.1, 0.0, -0.2)),
]


@pytest.mark.parametrize(("regions", "start", "goal"), CASES)
def test_no_path_enters_and_no_step_is_lengthened(regions: list[Region], start: tuple, goal: tuple) -> None:
    """Head on, through and past: the tip stays at its clearance from every region."""
    for place in walk(regions, start, goal):
        assert VirtualFixtures(regions).obstacle(place) == ""


def test_the_tip_slides_along_to_the_nearest_place() -> None:
    """A goal behind a plane is reached up to the plane, right above it."""
    path = walk([PLANE], (0.0, 0.0, -0.05), (0.03, 0.02, -0.12))
    assert path[-1] == pytest.approx((0.03, 0.02, -0.09 + MARGIN), abs=1e-4)


def test_it_slides_around_a_sphere() -> None:
    """A goal on the other side is reached around the sphere, not through it."""
    path = walk([SPHERE], (0.05, 0.002, -0.1), (-0.05, 0.0, -0.1), 1500)
    assert path[-1] == pytest.approx((-0.05, 0.0, -0.1), abs=1e-6)


def test_it_slides_along_a_cone() -> None:
    """A goal outside a cone is reached up to the cone's side."""
    path = walk([CONE], (0.0, 0.0, -0.1), (0.1, 0.0, -0.15), 1500)
    assert CONE.toward(tuple(path[-1]))[0] == pytest.approx(MARGIN, abs=1e-5)
    assert path[-1][0] > 0.05


@pytest.mark.parametrize("region", [PLANE, SPHERE])
def test_it_brakes_before_it_arrives(region: Region) -> None:
    """The speed falls no faster than said on the way to a region that lies straight ahead."""
    path = walk([region], (0.0, 0.0, 0.0), (0.0, 0.0, -0.1))
    speeds = np.linalg.norm(np.diff(path, axis=0), axis=1) / DT
    assert speeds.max() == pytest.approx(0.2)
    assert speeds[-1] == pytest.approx(0.0, abs=1e-3)
    assert -BRAKING * DT * 1.1 <= np.diff(speeds).min() <= -BRAKING * DT * 0.9


def test_why_is_told_and_only_then() -> None:
    """The region that holds the tool back is named; a step that is free is passed on as it is, without a reason."""
    fixtures = VirtualFixtures([SPHERE, PLANE])
    wanted = np.array([0.2, 0.0, 0.0])
    after, reasons = fixtures.limited(np.array([0.2, 0.0, 0.001]), wanted, DT)
    assert after is wanted
    assert reasons == ()
    start = np.array([0.2, 0.0, -0.0899])
    after, reasons = fixtures.limited(start, start - (0.0, 0.0, 0.001), DT)
    assert reasons == (fixture_reason("plane"),) == ("virtual fixture plane",)
    assert -0.09 < after[2] < -0.0899


def test_a_place_is_judged_by_every_region() -> None:
    """The first region that a place is in is named, the boundary is allowed, and NaN is in all of them."""
    fixtures = VirtualFixtures([PLANE, SPHERE])
    assert fixtures.obstacle(np.array([0.0, 0.0, -0.085])) == "sphere"
    assert fixtures.obstacle(np.array([0.3, 0.0, -0.2])) == "plane"
    assert fixtures.obstacle(np.array([0.0, 0.0, 0.0])) == ""
    assert VirtualFixtures([Plane("at", 0.0, (0.0, 0.0, 0.0), (0.0, 0.0, 1.0))]).obstacle(np.zeros(3)) == ""
    assert fixtures.obstacle(np.array([math.nan, 0.0, 0.0])) != ""


@pytest.mark.parametrize("region", [SPHERE, BOX, PLANE])
def test_a_tip_inside_is_neither_pushed_nor_led_deeper(region: Region) -> None:
    """Where the tip is inside already (the local team put it there) it stays, whatever is asked."""
    inside = np.array([0.0, 0.001, -0.105])
    for step in np.eye(3) * 0.001:
        after, _ = VirtualFixtures([region]).limited(inside, inside + step, DT)
        assert region.toward(tuple(after))[0] <= 0.0
        assert after == pytest.approx(inside) or region.toward(tuple(after))[0] >= region.toward(tuple(inside))[0]


# --- in the pair


def fenced(regions: list[Region]) -> Operated:
    made = Operated()
    fixtures = VirtualFixtures(regions)
    made.pair = HandArmPair("MTML", np.eye(3), MotionLimits(), JawLimits(), fixtures=fixtures)
    made.step()
    made.press_and_release()
    return made


def ahead(distance: float) -> Plane:
    """A plane in front of the tip, at the side of +x."""
    x, y, z = forward_pose(START).position.tolist()
    return Plane("wall", 0.0, (x + distance, y, z), (-1.0, 0.0, 0.0))


def test_a_hand_cannot_lead_the_tool_behind_a_plane() -> None:
    """The tool stops at the wall and says so, slides along it, and comes back with the hand at once."""
    made = fenced([ahead(0.005)])
    wall = ahead(0.005).point[0]
    made.move((0.2, 0.0, 0.0))
    assert made.pair.reasons == (fixture_reason("wall"),)
    assert wall - 1e-4 < forward_pose(made.setpoint).position[0] <= wall
    before = forward_pose(made.setpoint).position
    made.move((0.0, 0.05, 0.0))
    after = forward_pose(made.setpoint).position
    assert after[1] - before[1] == pytest.approx(0.01, abs=1e-4)
    made.move((-0.25, 0.0, 0.0))
    assert forward_pose(made.setpoint).position[0] < wall - 0.005
    for _ in range(20):
        made.step()
    assert made.pair.reasons == ()


def test_the_tool_of_a_hand_brakes_before_the_plane() -> None:
    """A hand that goes straight at a wall: the tool slows down on the way, no faster than fixtures brake."""
    made = fenced([ahead(0.03)])
    places = []
    for _ in range(150):
        made.move((0.0045, 0.0, 0.0), 1)
        places.append(forward_pose(made.setpoint).position[0])
    speeds = np.diff(places) / DT
    assert speeds.max() == pytest.approx(0.18, rel=0.01)
    assert speeds[-1] == pytest.approx(0.0, abs=1e-3)
    assert np.diff(speeds)[speeds[1:] > 0.03].min() >= -BRAKING * DT * 1.1


def test_a_tool_inside_is_not_engaged() -> None:
    """A hand takes no hold of a tool that stands in a forbidden region; the operator is told which."""
    made = fenced([ahead(-0.001)])
    assert (made.pair.state, made.pair.reasons) == (TeleopState.ALIGNING, (fixture_reason("wall"),))


class OnlyAfterwards(VirtualFixtures):
    """Regions that no step is kept out of, so that only the judgement of what the joints reached is left."""

    region = ""

    def obstacle(self, position: np.ndarray) -> str:
        return self.region


def test_what_the_joints_make_of_a_step_is_judged_too() -> None:
    """Where limits of the joints lead the tip into a region that the step itself kept out of, the arm stands still."""
    made, fixtures = fenced([]), OnlyAfterwards([])
    made.pair = HandArmPair("MTML", np.eye(3), MotionLimits(), JawLimits(), fixtures=fixtures)
    made.step()
    made.press_and_release()
    made.move((0.01, 0.0, 0.0), 20)
    before, fixtures.region = made.setpoint, "wall"
    made.move((0.01, 0.0, 0.0), 20)
    assert made.setpoint == before
    assert made.pair.reasons[-1] == fixture_reason("wall")
    made.move((0.3, 0.0, 0.0), 1)
    assert len(made.pair.reasons) > 1, "what slows the tool is told with what stops it"
    assert made.pair.reasons[-1] == fixture_reason("wall")
    made.move((-0.3, 0.0, 0.0), 1)
    fixtures.region = ""
    for _ in range(50):
        made.step()
    assert forward_pose(made.setpoint).position[0] - forward_pose(START).position[0] == pytest.approx(0.004, abs=1e-8)
