"""Shapes of virtual fixtures, in the base of one arm: how far a point is from what is forbidden, and which way it lies.

Every region gives a distance [m], positive where a point is allowed, and the unit vector along which that distance
shrinks fastest. Either the forbidden part is convex (sphere, box, far side of a plane), or the allowed one (cone).
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

from teleop_core.se3 import Pose, as_floats, quaternion_conjugate, rotate

Vector = tuple[float, float, float]

_AXES: tuple[Vector, ...] = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))


@dataclass(frozen=True)
class Region(ABC):
    """What all regions have.

    Attributes:
        name: What the operator is told.
        clearance: The tip of the tool frame stays this far away from it [m].
    """

    name: str
    clearance: float

    bends_inwards = False
    """The allowed part is convex: a step along the boundary leads out of it and has to be brought back."""

    def toward(self, point: Vector) -> tuple[float, Vector]:
        """Distance of a point from what is forbidden, less the clearance [m], and the unit vector toward it."""
        distance, direction = self._toward(point)
        return distance - self.clearance, direction

    @abstractmethod
    def _toward(self, point: Vector) -> tuple[float, Vector]:
        """The same without the clearance."""


@dataclass(frozen=True)
class Sphere(Region):
    """Nothing enters a sphere with this centre [m] and radius [m]."""

    centre: Vector
    radius: float

    def _toward(self, point: Vector) -> tuple[float, Vector]:
        way = _minus(self.centre, point)
        distance = math.hypot(*way)
        return distance - self.radius, _scaled(way, 1.0 / distance) if distance > 0.0 else _AXES[0]


@dataclass(frozen=True)
class Box(Region):
    """Nothing enters a box: pose of its middle in the base, and half of its edges [m]."""

    pose: Pose
    half: Vector

    def _toward(self, point: Vector) -> tuple[float, Vector]:
        turn = self.pose.quaternion
        x, y, z = as_floats(rotate(quaternion_conjugate(turn), _minus(point, _vector(as_floats(self.pose.position)))))
        beyond = [abs(value) - half for value, half in zip((x, y, z), self.half, strict=True)]
        outside = [max(value, 0.0) for value in beyond]
        distance = math.hypot(*outside)
        if distance > 0.0:
            inward = [-math.copysign(out / distance, value) for out, value in zip(outside, (x, y, z), strict=True)]
        else:
            nearest = beyond.index(max(beyond))
            distance = beyond[nearest]
            inward = [-math.copysign(share, value) for share, value in zip(_AXES[nearest], (x, y, z), strict=True)]
        return distance, _vector(as_floats(rotate(turn, inward)))


@dataclass(frozen=True)
class Plane(Region):
    """Nothing goes behind a plane through this point [m]; its unit normal points to the side that is allowed."""

    point: Vector
    normal: Vector

    def _toward(self, point: Vector) -> tuple[float, Vector]:
        return _dot(_minus(point, self.point), self.normal), _scaled(self.normal, -1.0)


@dataclass(frozen=True)
class Cone(Region):
    """Nothing leaves a cone with its apex in the remote centre: unit axis in the base, and half its opening [rad]."""

    axis: Vector
    half_angle: float

    bends_inwards = True

    def _toward(self, point: Vector) -> tuple[float, Vector]:
        along = _dot(point, self.axis)
        aside = _minus(point, _scaled(self.axis, along))
        off = math.hypot(*aside)
        outward = _scaled(aside, 1.0 / off) if off > 0.0 else _across(self.axis)
        sine, cosine = math.sin(self.half_angle), math.cos(self.half_angle)
        return along * sine - off * cosine, _minus(_scaled(outward, cosine), _scaled(self.axis, sine))


def _across(axis: Vector) -> Vector:
    """Some unit vector at right angles to a unit vector."""
    least = min(_AXES, key=lambda one: abs(_dot(one, axis)))
    across = _minus(least, _scaled(axis, _dot(least, axis)))
    return _scaled(across, 1.0 / math.hypot(*across))


def _minus(first: Vector, second: Vector) -> Vector:
    return first[0] - second[0], first[1] - second[1], first[2] - second[2]


def _scaled(vector: Vector, factor: float) -> Vector:
    return vector[0] * factor, vector[1] * factor, vector[2] * factor


def _dot(first: Vector, second: Vector) -> float:
    return first[0] * second[0] + first[1] * second[1] + first[2] * second[2]


def _vector(values: Sequence[float]) -> Vector:
    return values[0], values[1], values[2]
