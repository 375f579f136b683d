"""Virtual fixtures as markers for rviz, each in the frame in which its file gives it."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from geometry_msgs.msg import Point
from std_msgs.msg import ColorRGBA
from visualization_msgs.msg import Marker, MarkerArray

from teleop_core.fixture_regions import Box, Cone, Plane, Sphere, Vector
from teleop_core.fixture_table import Fixture
from teleop_core.se3 import FloatArray, Pose, quaternion_from_matrix
from teleop_ros.convert import pose_message

FORBIDDEN = ColorRGBA(r=0.85, g=0.15, b=0.15, a=0.35)
SHOWN_PLANE, THICKNESS = 0.4, 0.001
"""Edge and thickness of what is shown of a plane [m]."""
SHOWN_CONE, CORNERS = 0.25, 36
"""Length of what is shown of a cone [m], and triangles around it."""


def fixture_markers(fixtures: Sequence[Fixture]) -> MarkerArray:
    """One marker for each fixture; for each arm of a cone one, as each has a remote centre of its own."""
    markers = [_marker(fixture) for fixture in fixtures if not isinstance(fixture.region, Cone)]
    for fixture in fixtures:
        if isinstance(fixture.region, Cone):
            markers += [_cone(arm, fixture) for arm in fixture.arms]
    for number, marker in enumerate(markers):
        marker.id, marker.color, marker.action, marker.frame_locked = number, FORBIDDEN, Marker.ADD, True
    return MarkerArray(markers=markers)


def _marker(fixture: Fixture) -> Marker:
    region = fixture.region
    marker = Marker(ns=region.name)
    marker.header.frame_id = fixture.frame
    if isinstance(region, Sphere):
        marker.type, size = Marker.SPHERE, (2.0 * region.radius,) * 3
        pose = Pose(np.array(region.centre), np.array([0.0, 0.0, 0.0, 1.0]))
    elif isinstance(region, Box):
        marker.type, size = Marker.CUBE, (2.0 * region.half[0], 2.0 * region.half[1], 2.0 * region.half[2])
        pose = region.pose
    else:
        assert isinstance(region, Plane)
        marker.type, size = Marker.CUBE, (SHOWN_PLANE, SHOWN_PLANE, THICKNESS)
        pose = Pose(np.array(region.point), quaternion_from_matrix(_with_z_along(region.normal)))
    marker.pose = pose_message(pose)
    marker.scale.x, marker.scale.y, marker.scale.z = size
    return marker


def _cone(arm: str, fixture: Fixture) -> Marker:
    region = fixture.in_base(arm)
    assert isinstance(region, Cone)
    marker = Marker(ns=f"{region.name} {arm}", type=Marker.TRIANGLE_LIST)
    marker.header.frame_id = f"{arm}_base_link"
    marker.pose.orientation.w = 1.0
    marker.scale.x = marker.scale.y = marker.scale.z = 1.0
    axes = _with_z_along(region.axis)
    sine, cosine = math.sin(region.half_angle), math.cos(region.half_angle)
    angles = np.arange(CORNERS + 1) * (2.0 * math.pi / CORNERS)
    rim = [axes @ (SHOWN_CONE * np.array((sine * math.cos(a), sine * math.sin(a), cosine))) for a in angles]
    for corner in range(CORNERS):
        marker.points += [Point(), _point(rim[corner]), _point(rim[corner + 1])]
    return marker


def _with_z_along(axis: Vector) -> FloatArray:
    """A rotation (3, 3) that turns z into a unit vector."""
    z = np.array(axis)
    x = np.cross(np.eye(3)[int(np.argmin(np.abs(z)))], z)
    x /= np.linalg.norm(x)
    return np.column_stack((x, np.cross(z, x), z))


def _point(place: FloatArray) -> Point:
    x, y, z = place.tolist()
    return Point(x=x, y=y, z=z)
