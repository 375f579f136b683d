"""Keeps the tip of one instrument out of forbidden regions: it slides along them, and brakes before it reaches them.

Each step of the tool is brought within, for every region, the half-space that lies before it: the step may go towards
the region no faster than the tool can brake on the way that is left (a velocity damper, Faverjon and Tournassoud 1987).
All half-spaces hold the present place, so none of these corrections makes a step longer: a fixture never speeds a tool
up and never moves it by itself. What the corrections do not settle is settled by standing still.

The point that is kept out is the tip of the tool frame, the wrist yaw axis. Jaws reach farther: see `clearance`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from teleop_core.fixture_regions import Region, Vector
from teleop_core.se3 import FloatArray

BRAKING = 1.5
"""Deceleration before a region [m/s^2]: half of what the tool is allowed, so that the arm can do it with ease."""
MARGIN = 1e-5
"""The tip stays this much farther away than asked for: rounding and the inverse kinematics never use it up [m]."""
SWEEPS = 12
"""Corrections of a step by all regions in turn; where that is not enough, the tip stands still."""
NOTICED = 1e-7
"""A smaller correction of a step is not told [m]."""


_Wall = tuple[Region, Vector, float]
"""A region as it lies before the tip: the unit vector towards it, and how far a step may go that way [m]."""


def fixture_reason(name: str) -> str:
    """Reason text for a tool that a fixture holds back."""
    return f"virtual fixture {name}"


class VirtualFixtures:
    """The regions of one arm, in its base."""

    def __init__(self, regions: Sequence[Region]) -> None:
        """Take the regions."""
        self._regions = tuple(regions)

    def obstacle(self, position: FloatArray) -> str:
        """Name of the first region that a place (3,) is not allowed by [m]; empty where it is allowed by all."""
        x, y, z = position.tolist()
        for region in self._regions:
            if not region.toward((x, y, z))[0] >= 0.0:
                return region.name
        return ""

    def aimed(self, present: FloatArray, wanted: FloatArray) -> tuple[FloatArray, tuple[str, ...]]:
        """Where to head for, so that the tip slides along what is in its way.

        Args:
            present: Where the tip was told to be last, shape (3,) [m].
            wanted: Where the hand wants it, shape (3,) [m].

        Returns:
            The goal, and the reasons where it is not the wanted one.
        """
        at, step = _vector(present), _difference(_vector(wanted), _vector(present))
        kept, reasons = self._kept(at, step, self._walls(at))
        return (wanted, ()) if kept == step else (np.array(_sum(at, kept)), reasons)

    def limited(self, present: FloatArray, wanted: FloatArray, dt: float) -> tuple[FloatArray, tuple[str, ...]]:
        """What of a step is allowed.

        Args:
            present: Where the tip was told to be last, shape (3,) [m].
            wanted: Where it would go now, shape (3,) [m].
            dt: Time for the step [s].

        Returns:
            Where it may go, no farther than `wanted`, and the reasons where that is another place.
        """
        at, step = _vector(present), _difference(_vector(wanted), _vector(present))
        kept, reasons = self._kept(at, step, [(wall, way, _braking(left, dt)) for wall, way, left in self._walls(at)])
        if kept == step:
            return wanted, ()
        place = np.array(_sum(at, kept))
        if self.obstacle(place) or not math.hypot(*kept) <= math.hypot(*step) * (1.0 + 1e-9):
            place = present
        return place, () if math.dist(place.tolist(), wanted.tolist()) <= NOTICED else reasons

    def _walls(self, present: Vector) -> list[_Wall]:
        """What lies before the tip: each region, the direction towards it, and how much room is left that way [m]."""
        ways = [(region, *region.toward(present)) for region in self._regions]
        return [(region, inward, max(0.0, distance - MARGIN)) for region, distance, inward in ways]

    def _kept(self, present: Vector, step: Vector, walls: Sequence[_Wall]) -> tuple[Vector, tuple[str, ...]]:
        """The step, corrected by every region in turn until nothing changes any more, and who has corrected it."""
        kept, correcting = step, set()
        for _ in range(SWEEPS):
            before = kept
            for region, inward, most in walls:
                asked = kept
                kept = _behind(kept, inward, most)
                if region.bends_inwards:
                    kept = _brought_back(region, present, kept)
                if kept != asked:
                    correcting.add(region.name)
            if before == kept:
                break
        return kept, tuple(fixture_reason(region.name) for region in self._regions if region.name in correcting)


def _braking(left: float, dt: float) -> float:
    """Longest step of `dt` [s] from which the rest of the room [m] suffices to stop [m]."""
    change = BRAKING * dt
    return min(left, (math.sqrt(2.0 * BRAKING * left + 0.25 * change * change) - 0.5 * change) * dt)


def _behind(step: Vector, inward: Vector, most: float) -> Vector:
    """The step without what goes farther in a direction than it may."""
    excess = step[0] * inward[0] + step[1] * inward[1] + step[2] * inward[2] - most
    if excess <= 0.0:
        return step
    return step[0] - excess * inward[0], step[1] - excess * inward[1], step[2] - excess * inward[2]


def _brought_back(region: Region, present: Vector, step: Vector) -> Vector:
    """A step that leads out of a region that one stays in, with its end brought back to the boundary."""
    distance, inward = region.toward(_sum(present, step))
    # Not beyond the present place: where that is too near to the boundary already, or outside, it is near enough.
    short = min(MARGIN, region.toward(present)[0]) - distance
    if short <= 0.0:
        return step
    return step[0] - short * inward[0], step[1] - short * inward[1], step[2] - short * inward[2]


def _sum(first: Vector, second: Vector) -> Vector:
    return first[0] + second[0], first[1] + second[1], first[2] + second[2]


def _vector(place: FloatArray) -> Vector:
    x, y, z = place.tolist()
    return x, y, z


def _difference(first: Vector, second: Vector) -> Vector:
    return first[0] - second[0], first[1] - second[1], first[2] - second[2]
