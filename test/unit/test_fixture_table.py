"""Files of virtual fixtures: what they say, in which frame, and one clear line about what they must not say."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from teleop_core.cart import base_pose_in_cart, ready_configuration
from teleop_core.contract import INSTRUMENT_ARMS
from teleop_core.fixture_regions import Box, Cone, Plane, Sphere
from teleop_core.fixture_table import CLEARANCE, FixtureError, fixtures_from, fixtures_of, read_fixtures
from teleop_core.psm_kinematics import forward_pose
from teleop_core.se3 import compose, inverse, rotate

SPHERE = {"name": "aorta", "shape": "sphere", "frame": "cart", "centre": [0.8, 0.02, 0.86], "radius": 0.01}
BOX = {"name": "bowel", "shape": "box", "frame": "cart", "centre": [0.8, 0, 0.8], "size": [0.1, 0.02, 0.03]}
PLANE = {"name": "table", "shape": "plane", "frame": "PSM2_base_link", "point": [0, 0, -0.2], "normal": [0, 0, 2]}
CONE = {"name": "opening", "shape": "cone", "frame": "cart", "axis": [0, 0, -1], "half_angle": 50, "arms": ["PSM1"]}


def one(row: dict[str, Any], **changes: Any) -> Any:
    return fixtures_from({"fixtures": [{**row, **changes}]})[0]


@pytest.mark.parametrize("arm", ["PSM1", "PSM2", "PSM3"])
@pytest.mark.parametrize("row", [SPHERE, BOX, {**BOX, "roll_pitch_yaw": [10, 20, 30]}, PLANE])
def test_a_region_is_the_same_seen_from_every_base(row: dict[str, Any], arm: str) -> None:
    """Distances of points do not depend on the arm in whose base they are worked out."""
    fixture = one(row)
    frame = fixture.frame
    in_cart = np.array([0.79, 0.03, 0.87])
    points = {}
    for base in (arm, "PSM1"):
        pose = inverse(base_pose_in_cart(base))
        point = tuple((pose.position + rotate(pose.quaternion, in_cart)).tolist())
        points[base] = fixture.in_base(base).toward(point)[0]
    assert points[arm] == pytest.approx(points["PSM1"], abs=1e-12)
    if frame == "cart":
        assert points[arm] == pytest.approx(fixture.region.toward(tuple(in_cart))[0], abs=1e-12)


def test_a_cone_has_its_apex_in_the_remote_centre_of_each_arm() -> None:
    """Its axis is turned into the base of the arm, its apex is that base."""
    cone = one(CONE).in_base("PSM1")
    assert isinstance(cone, Cone)
    down = rotate(base_pose_in_cart("PSM1").quaternion, cone.axis)
    assert down == pytest.approx((0.0, 0.0, -1.0), abs=1e-12)
    assert cone.half_angle == pytest.approx(math.radians(50.0))


def test_a_fixture_in_the_frame_of_an_arm_stays_there() -> None:
    """What is given in the base of an arm is not taken for a place in the cart; a direction has any length."""
    plane = one(PLANE, normal=[3, 4, 12]).in_base("PSM2")
    assert isinstance(plane, Plane)
    assert plane.point == pytest.approx((0.0, 0.0, -0.2), abs=1e-12)
    assert plane.normal == pytest.approx((3 / 13, 4 / 13, 12 / 13), abs=1e-12)
    assert one(PLANE, normal=[0.001, 0, 0]).region.normal == (1.0, 0.0, 0.0)


@pytest.mark.parametrize("row", [SPHERE, BOX, PLANE, CONE])
def test_name_and_clearance_are_the_same_in_every_base(row: dict[str, Any]) -> None:
    """The surgeon is told by name what stops the tool."""
    moved = one(row, clearance=0.03).in_base("PSM1")
    assert (moved.name, moved.clearance) == (row["name"], 0.03)


def test_a_box_is_as_large_as_it_says() -> None:
    """Half of each edge to either side of its centre; without angles it is upright."""
    box = one(BOX).region
    assert isinstance(box, Box)
    assert box.half == pytest.approx((0.05, 0.01, 0.015))
    assert box.pose.quaternion == pytest.approx((0.0, 0.0, 0.0, 1.0))
    assert box.toward((0.9, 0.0, 0.8))[0] == pytest.approx(0.05 - CLEARANCE)


def test_the_largest_and_smallest_values_may_be_used() -> None:
    """The bounds that are told belong to what is allowed."""
    for radius in (0.0005, 2.0):
        assert one(SPHERE, radius=radius).region.radius == radius
    assert one(SPHERE, name="x" * 40).region.name == "x" * 40
    assert one(BOX, roll_pitch_yaw=[-360, 0, 360]).region.pose.quaternion == pytest.approx((0.0, 0.0, 0.0, 1.0))


def test_what_may_be_left_out() -> None:
    """Without arms it holds for all, without clearance for the length of the jaws, without angles a box is upright."""
    fixture = one(SPHERE)
    assert fixture.arms == ("PSM1", "PSM2", "PSM3")
    assert fixture.region.clearance == CLEARANCE == 0.0102
    assert one(SPHERE, clearance=0).region.clearance == 0.0
    assert one(BOX).region.toward((0.8, 0.0, 0.9))[0] == pytest.approx(0.1 - 0.015 - CLEARANCE)
    assert one(BOX, roll_pitch_yaw=[90, 0, 0]).region.toward((0.8, 0.0, 0.9))[0] == pytest.approx(0.09 - CLEARANCE)


def test_fixtures_of_an_arm() -> None:
    """Each arm gets those that hold for it; one without any gets none."""
    fixtures = fixtures_from({"fixtures": [CONE, {**SPHERE, "arms": ["PSM1", "PSM3", "PSM1"]}]})
    assert fixtures_of("PSM2", fixtures) is None
    made = fixtures_of("PSM3", fixtures)
    assert made is not None
    place = compose(inverse(base_pose_in_cart("PSM3")), base_pose_in_cart("PSM3")).position
    assert made.obstacle(place) == ""
    sphere = fixtures[1].in_base("PSM3")
    assert isinstance(sphere, Sphere)
    assert made.obstacle(np.array(sphere.centre)) == "aorta"


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ({**SPHERE, "radius": math.nan}, r"fixture 1 \(aorta\): radius: nan is not a number within 0.0005 to 2.0 m"),
        ({**SPHERE, "radius": 3.0}, "radius: 3.0 is not"),
        ({**SPHERE, "radius": "big"}, "radius: 'big' is not a number"),
        ({**SPHERE, "radius": True}, "radius: True is not a number"),
        ({**SPHERE, "centre": [0.0, math.inf, 0.0]}, "centre: inf is not a number within -5.0 to 5.0 m"),
        ({**SPHERE, "centre": [0.0, 1.0]}, r"centre: \[0.0, 1.0\] is not a list of three numbers"),
        ({**SPHERE, "centre": 1.0}, "centre: 1.0 is not a list of three"),
        ({**SPHERE, "shape": "ball"}, "shape: 'ball' is not one of sphere, box, plane, cone"),
        ({**SPHERE, "frame": "ECM"}, "frame: 'ECM' is not one of cart, PSM1_base_link"),
        ({**SPHERE, "frame": ["cart"]}, r"frame: \['cart'\] is not one of"),
        ({**SPHERE, "arms": "PSM1"}, "arms: 'PSM1' is not a list of arms"),
        ({**SPHERE, "arms": []}, r"arms: \[\] is not a list of arms"),
        ({**SPHERE, "arms": ["ECM"]}, "arms: .'ECM'. is not a list of arms"),
        ({**SPHERE, "clearance": -0.001}, "clearance: -0.001 is not a number within 0.0 to 0.2 m"),
        ({**SPHERE, "raduis": 1.0}, "'raduis' is not one of name, shape"),
        ({**SPHERE, "normal": [0, 0, 1]}, "'normal' is not one of"),
        ({**SPHERE, "name": ""}, "name: '' is not a text"),
        ({**SPHERE, "name": "x" * 41}, "name: 'xxx"),
        ({**SPHERE, "name": "a\nb"}, r"name: 'a\\nb' is not a text"),
        ({**SPHERE, "name": 7}, "name: 7 is not a text"),
        ({key: SPHERE[key] for key in SPHERE if key != "radius"}, "radius: missing"),
        ({key: SPHERE[key] for key in SPHERE if key != "name"}, "fixture 1: name: missing"),
        ({**SPHERE, "arms": [7]}, r"arms: \[7\] is not a list of arms out of PSM1, PSM2, PSM3$"),
        ({**PLANE, "normal": [0, 0, 0]}, r"normal: \[0.0, 0.0, 0.0\] has no direction"),
        ({**PLANE, "normal": [0, 0, 1000.5]}, r"normal: 1000.5 is not a number within -1000.0 to 1000.0$"),
        ({**PLANE, "normal": [-1000.5, 0, 1]}, r"normal: -1000.5 is not a number within -1000.0 to 1000.0$"),
        ({**PLANE, "point": [0, 0, 6]}, r"point: 6 is not a number within -5.0 to 5.0 m$"),
        ({**CONE, "half_angle": 90}, "half_angle: 90 is not a number within 5.0 to 85.0 deg"),
        ({**BOX, "size": [0.1, 0.1, 0.0]}, r"size: 0.0 is not a number within 0.0005 to 2.0 m$"),
        ({**BOX, "centre": [-6, 0, 0]}, r"centre: -6 is not a number within -5.0 to 5.0 m$"),
        ({**BOX, "roll_pitch_yaw": [360.5, 0, 0]}, r"yaw: 360.5 is not a number within -360.0 to 360.0 deg$"),
        ({**BOX, "roll_pitch_yaw": [0, 0, -360.5]}, r"yaw: -360.5 is not a number within -360.0 to 360.0 deg$"),
        ({key: BOX[key] for key in BOX if key != "size"}, "size: missing"),
        ("sphere", "fixture 1: 'sphere' is no mapping of fields"),
    ],
)
def test_what_cannot_be_used_is_named(row: Any, told: str) -> None:
    """Fixture, field and value stand in the error."""
    with pytest.raises(FixtureError, match=told):
        fixtures_from({"fixtures": [row]})


@pytest.mark.parametrize("table", [None, [], {}, {"fixtures": {}}, {"fixtures": [], "more": 1}, "fixtures"])
def test_the_file_holds_fixtures_and_nothing_else(table: Any) -> None:
    """Anything else is refused."""
    with pytest.raises(FixtureError, match=r"^the file has to hold `fixtures:` with a list, and nothing else$"):
        fixtures_from(table)


def test_names_are_given_once_and_there_are_not_too_many() -> None:
    """Two of the same name could not be told apart; each costs time in the control loop."""
    with pytest.raises(FixtureError, match="name: 'aorta' is given twice"):
        fixtures_from({"fixtures": [SPHERE, SPHERE]})
    many = [{**SPHERE, "name": str(number)} for number in range(65)]
    assert len(fixtures_from({"fixtures": many[:64]})) == 64
    with pytest.raises(FixtureError, match="65 of them, at most 64"):
        fixtures_from({"fixtures": many})


def test_files(tmp_path: Path) -> None:
    """A file that cannot be read, is no YAML, is too large, or holds something wrong is named with the reason."""
    path = tmp_path / "fixtures.yaml"
    with pytest.raises(FixtureError, match=r"fixtures.yaml: No such file"):
        read_fixtures(path)
    path.write_text(yaml.safe_dump({"fixtures": [SPHERE, BOX, PLANE, CONE]}))
    assert [fixture.region.name for fixture in read_fixtures(path)] == ["aorta", "bowel", "table", "opening"]
    path.write_text("fixtures: [")
    with pytest.raises(FixtureError, match=r"fixtures.yaml: no YAML file: while parsing a flow node expected the"):
        read_fixtures(path)
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(FixtureError, match=r"no YAML file"):
        read_fixtures(path)
    path.write_text("fixtures: [3]")
    with pytest.raises(FixtureError, match=r"fixtures.yaml: fixture 1: 3 is no mapping"):
        read_fixtures(path)
    path.write_text("fixtures: []".ljust(65536))
    assert read_fixtures(path) == ()
    path.write_text("fixtures: []".ljust(65537))
    with pytest.raises(FixtureError, match=r"more than 65536 bytes"):
        read_fixtures(path)


def test_the_example_holds_one_of_each_and_leaves_the_arms_free(root: Path) -> None:
    """config/virtual_fixtures.example.yaml can be used, and no tool stands in a region at the start."""
    fixtures = read_fixtures(root / "config" / "virtual_fixtures.example.yaml")
    assert [type(fixture.region).__name__ for fixture in fixtures] == ["Sphere", "Box", "Plane", "Cone"]
    for arm in INSTRUMENT_ARMS:
        made = fixtures_of(arm, fixtures)
        assert made is not None
        assert made.obstacle(forward_pose(ready_configuration(arm)).position) == ""
