"""Virtual fixtures as a file says them: checked field by field, and carried into the base of each arm.

    fixtures:
      - {name: aorta, shape: sphere, frame: cart, centre: [0.80, 0.02, 0.86], radius: 0.01}
      - {name: bowel, shape: box, frame: cart, centre: [...], size: [...], roll_pitch_yaw: [0, 0, 30]}
      - {name: table, shape: plane, frame: cart, point: [0, 0, 0.84], normal: [0, 0, 1], arms: [PSM1]}
      - {name: opening, shape: cone, frame: PSM1_base_link, axis: [0, 0, -1], half_angle: 50, arms: [PSM1]}

`frame` is `cart` or `<ARM>_base_link`; lengths in metres, angles in degrees. `arms` says whom it holds for, `clearance`
how far the tip of the tool frame keeps away: both may be left out. A file that cannot be used is refused as a whole.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from teleop_core.cart import base_pose_in_cart, quaternion_from_degrees
from teleop_core.contract import INSTRUMENT_ARMS
from teleop_core.fixture_regions import Box, Cone, Plane, Region, Sphere, Vector
from teleop_core.psm_kinematics import LENGTH_JAW
from teleop_core.se3 import Pose, compose, inverse, rotate
from teleop_core.virtual_fixtures import VirtualFixtures

CART = "cart"
FRAMES = (CART, *(f"{arm}_base_link" for arm in INSTRUMENT_ARMS))
FARTHEST = 5.0
"""Largest coordinate of a fixture [m]."""
SIZES = (0.0005, 2.0)
"""Smallest and largest radius or edge [m]."""
CLEARANCES = (0.0, 0.2)
"""Smallest and largest clearance [m]."""
CLEARANCE = LENGTH_JAW
"""Clearance where the file says none [m]: with it the tips of the jaws stay out too."""
HALF_ANGLES = (5.0, 85.0)
"""Smallest and largest half opening of a cone [deg]."""
MOST_FIXTURES = 64
LARGEST_FILE = 65536
_COMMON = ("name", "shape", "frame", "arms", "clearance")


class FixtureError(ValueError):
    """A file of fixtures cannot be used; one line that names file, fixture, field and value."""


@dataclass(frozen=True)
class Fixture:
    """One virtual fixture.

    Attributes:
        frame: Frame in which its region is given.
        arms: Arms that it holds for.
        region: Its shape, in that frame.
    """

    frame: str
    arms: tuple[str, ...]
    region: Region

    def in_base(self, arm: str) -> Region:
        """Its region in the base of an arm."""
        frame_in_cart = Pose.identity() if self.frame == CART else base_pose_in_cart(self.frame.partition("_")[0])
        return _moved(self.region, compose(inverse(base_pose_in_cart(arm)), frame_in_cart))


def fixtures_of(arm: str, fixtures: Sequence[Fixture]) -> VirtualFixtures | None:
    """What holds for one arm, in its base; None where nothing does."""
    regions = [fixture.in_base(arm) for fixture in fixtures if arm in fixture.arms]
    return VirtualFixtures(regions) if regions else None


def read_fixtures(path: Path) -> tuple[Fixture, ...]:
    """Read a file of fixtures.

    Raises:
        FixtureError: the file cannot be used; says why.
    """
    try:
        if path.stat().st_size > LARGEST_FILE:
            raise FixtureError(f"{path}: more than {LARGEST_FILE} bytes")
        return fixtures_from(yaml.safe_load(path.read_bytes()))
    except OSError as error:
        raise FixtureError(f"{path}: {error.strerror}") from error
    except (yaml.YAMLError, RecursionError) as error:
        raise FixtureError(f"{path}: no YAML file: {' '.join(str(error).split())}") from error
    except FixtureError as error:
        raise FixtureError(f"{path}: {error}") from error


def fixtures_from(table: Any) -> tuple[Fixture, ...]:
    """Fixtures of what a file holds.

    Raises:
        FixtureError: names fixture, field and value.
    """
    if not isinstance(table, dict) or set(table) != {"fixtures"} or not isinstance(table["fixtures"], list):
        raise FixtureError("the file has to hold `fixtures:` with a list, and nothing else")
    rows = table["fixtures"]
    if len(rows) > MOST_FIXTURES:
        raise FixtureError(f"fixtures: {len(rows)} of them, at most {MOST_FIXTURES} are allowed")
    fixtures = tuple(_fixture(number, row) for number, row in enumerate(rows, start=1))
    names = [fixture.region.name for fixture in fixtures]
    for name in names:
        if names.count(name) > 1:
            raise FixtureError(f"name: {name!r} is given twice")
    return fixtures


def _fixture(number: int, row: Any) -> Fixture:
    if not isinstance(row, dict):
        raise FixtureError(f"fixture {number}: {row!r:.60} is no mapping of fields")
    fields = _Fields(f"fixture {number}", row)
    name = fields.text("name")
    fields.place = f"fixture {number} ({name})"
    make, own = _SHAPES[fields.choice("shape", tuple(_SHAPES))]
    fields.only((*_COMMON, *own))
    clearance = fields.number("clearance", CLEARANCES, "m", CLEARANCE)
    frame, arms = fields.choice("frame", FRAMES), fields.arms()
    return Fixture(frame, arms, make(fields, name, clearance))


class _Fields:
    """The fields of one fixture, each checked when it is asked for."""

    def __init__(self, place: str, row: Mapping[str, Any]) -> None:
        self.place = place
        self._row = row

    def only(self, known: Sequence[str]) -> None:
        for field in self._row:
            if field not in known:
                raise FixtureError(f"{self.place}: {field!r} is not one of {', '.join(known)}")

    def text(self, field: str) -> str:
        value = self._get(field)
        if not isinstance(value, str) or not 1 <= len(value) <= 40 or not value.isprintable():
            raise self._wrong(field, value, "is not a text of 1 to 40 printable characters")
        return value

    def choice(self, field: str, choices: Sequence[str]) -> str:
        value = self._get(field)
        if value not in choices:
            raise self._wrong(field, value, f"is not one of {', '.join(choices)}")
        return str(value)

    def arms(self) -> tuple[str, ...]:
        value = self._row.get("arms", list(INSTRUMENT_ARMS))
        if not isinstance(value, list) or not value or any(arm not in INSTRUMENT_ARMS for arm in value):
            raise self._wrong("arms", value, f"is not a list of arms out of {', '.join(INSTRUMENT_ARMS)}")
        return tuple(dict.fromkeys(value))

    def number(self, field: str, within: tuple[float, float], unit: str, default: float | None = None) -> float:
        value = self._get(field) if default is None else self._row.get(field, default)
        return self._number(field, value, within, unit)

    def vector(self, field: str, within: tuple[float, float], unit: str, default: Any = None) -> Vector:
        value = self._get(field) if default is None else self._row.get(field, default)
        if not isinstance(value, list) or len(value) != 3:
            raise self._wrong(field, value, "is not a list of three numbers")
        x, y, z = (self._number(field, item, within, unit) for item in value)
        return x, y, z

    def unit_vector(self, field: str) -> Vector:
        x, y, z = self.vector(field, (-1e3, 1e3), "")
        length = math.hypot(x, y, z)
        if not length >= 1e-3:
            raise self._wrong(field, [x, y, z], "has no direction")
        return x / length, y / length, z / length

    def _number(self, field: str, value: Any, within: tuple[float, float], unit: str) -> float:
        low, high = within
        number = isinstance(value, (int, float)) and not isinstance(value, bool)
        if not number or not low <= value <= high:
            raise self._wrong(field, value, f"is not a number within {low} to {high}{' ' + unit if unit else ''}")
        return float(value)

    def _get(self, field: str) -> Any:
        if field not in self._row:
            raise FixtureError(f"{self.place}: {field}: missing")
        return self._row[field]

    def _wrong(self, field: str, value: Any, what: str) -> FixtureError:
        return FixtureError(f"{self.place}: {field}: {value!r:.60} {what}")


_PLACES = (-FARTHEST, FARTHEST)


def _sphere(fields: _Fields, name: str, clearance: float) -> Region:
    return Sphere(name, clearance, fields.vector("centre", _PLACES, "m"), fields.number("radius", SIZES, "m"))


def _box(fields: _Fields, name: str, clearance: float) -> Region:
    turn = quaternion_from_degrees(fields.vector("roll_pitch_yaw", (-360.0, 360.0), "deg", [0.0, 0.0, 0.0]))
    x, y, z = fields.vector("size", SIZES, "m")
    centre = np.array(fields.vector("centre", _PLACES, "m"))
    return Box(name, clearance, Pose(centre, turn), (0.5 * x, 0.5 * y, 0.5 * z))


def _plane(fields: _Fields, name: str, clearance: float) -> Region:
    return Plane(name, clearance, fields.vector("point", _PLACES, "m"), fields.unit_vector("normal"))


def _cone(fields: _Fields, name: str, clearance: float) -> Region:
    half_angle = math.radians(fields.number("half_angle", HALF_ANGLES, "deg"))
    return Cone(name, clearance, fields.unit_vector("axis"), half_angle)


_SHAPES: dict[str, tuple[Callable[[_Fields, str, float], Region], tuple[str, ...]]] = {
    "sphere": (_sphere, ("centre", "radius")),
    "box": (_box, ("centre", "size", "roll_pitch_yaw")),
    "plane": (_plane, ("point", "normal")),
    "cone": (_cone, ("axis", "half_angle")),
}


def _moved(region: Region, frame: Pose) -> Region:
    """A region seen from where its frame has this pose."""

    def place(point: Vector) -> Vector:
        x, y, z = (frame.position + rotate(frame.quaternion, point)).tolist()
        return x, y, z

    def direction(vector: Vector) -> Vector:
        x, y, z = rotate(frame.quaternion, vector).tolist()
        return x, y, z

    if isinstance(region, Sphere):
        return Sphere(region.name, region.clearance, place(region.centre), region.radius)
    if isinstance(region, Box):
        return Box(region.name, region.clearance, compose(frame, region.pose), region.half)
    if isinstance(region, Plane):
        return Plane(region.name, region.clearance, place(region.point), direction(region.normal))
    assert isinstance(region, Cone)
    return Cone(region.name, region.clearance, direction(region.axis), region.half_angle)
