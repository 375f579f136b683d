"""The simulated endoscope shows the scene where the joints are, and camera_info says where in the picture."""

from __future__ import annotations

import math

import cv2
import numpy as np
import pytest

from teleop_core.cart import PLACEMENTS
from teleop_core.ecm_kinematics import ECM_JOINT_NAMES
from teleop_core.psm_kinematics import JOINT_NAMES
from teleop_ros.robot_description import expand
from video_relay.camera_model import StereoModel
from video_relay.egl_probe import egl_works
from video_relay.joint_mirror import JointMirror
from video_relay.scene import EGL, TINY, Scene
from video_relay.simulation import Simulation
from video_relay.source import SourceError, SourceSilentError

BASELINE = 0.006
MODEL = StereoModel.from_field_of_view(320, 240, 1.0, BASELINE)
RADIUS = 0.003
ROLL = math.pi + 0.4  # Half a turn looks straight down; more, ahead along y.
# The sphere slides along x of the world, a follower joint along y; the endoscope looks down from above, tilted.
URDF = f"""
<robot name="stand_in">
  <link name="world"/>
  <link name="slider"/>
  <link name="follower"/>
  <link name="ball"><visual><geometry><sphere radius="{RADIUS}"/></geometry>
    <material name="red"><color rgba="1 0 0 1"/></material></visual></link>
  <link name="ECM_tip"/><link name="ECM_left_optical"/><link name="ECM_right_optical"/>
  <joint name="slide" type="prismatic"><parent link="world"/><child link="slider"/><axis xyz="1 0 0"/>
    <limit lower="-1" upper="1" effort="1" velocity="1"/></joint>
  <joint name="follow" type="prismatic"><parent link="slider"/><child link="follower"/><axis xyz="0 1 0"/>
    <limit lower="-1" upper="1" effort="1" velocity="1"/><mimic joint="slide" multiplier="0.5" offset="0.002"/></joint>
  <joint name="hold" type="fixed"><parent link="follower"/><child link="ball"/></joint>
  <joint name="ECM_yaw" type="revolute"><parent link="world"/><child link="ECM_tip"/><axis xyz="0 0 1"/>
    <origin xyz="0.01 -0.05 0.1" rpy="{ROLL} 0 0"/>
    <limit lower="-1" upper="1" effort="1" velocity="1"/></joint>
  <joint name="left" type="fixed"><parent link="ECM_tip"/><child link="ECM_left_optical"/></joint>
  <joint name="right" type="fixed"><parent link="ECM_left_optical"/><child link="ECM_right_optical"/>
    <origin xyz="{BASELINE} 0 0"/></joint>
</robot>
"""


@pytest.fixture(scope="module", params=[EGL, TINY])
def scene(request: pytest.FixtureRequest):
    """The stand-in scene, with each renderer that works here."""
    if request.param == EGL:
        works, reason = egl_works()
        if not works:
            pytest.skip(f"EGL does not work here: {reason}")
    scene = Scene(URDF, request.param)
    yield scene
    scene.close()


def centroid(picture: np.ndarray) -> np.ndarray:
    """Column and row of the middle of what is red."""
    blue, green, red = (picture[:, :, index].astype(int) for index in range(3))
    rows, columns = np.nonzero(red > 2 * np.maximum(blue, green) + 20)
    assert len(rows) > 30, "no red ball in the picture"
    return np.array([columns.mean(), rows.mean()])


def ball_in_left_eye(slide: float, yaw: float) -> np.ndarray:
    """Where the ball is in the optical frame of the left eye, worked out from the description by hand."""
    ball = np.array([slide, 0.5 * slide + 0.002, 0.0])
    rotation_mount = np.array(
        [[1, 0, 0], [0, math.cos(ROLL), -math.sin(ROLL)], [0, math.sin(ROLL), math.cos(ROLL)]], dtype=float
    )
    rotation_yaw = np.array([[math.cos(yaw), -math.sin(yaw), 0], [math.sin(yaw), math.cos(yaw), 0], [0, 0, 1]])
    return (rotation_mount @ rotation_yaw).T @ (ball - np.array([0.01, -0.05, 0.1]))


@pytest.mark.parametrize(("slide", "yaw"), [(0.0, 0.0), (0.02, 0.0), (-0.01, 0.5), (0.025, -0.7), (-0.02, -0.3)])
def test_a_known_point_is_where_camera_info_says(scene: Scene, slide: float, yaw: float) -> None:
    """The ball's middle in both pictures is its projection by P within a pixel, with follower joint and moved eye."""
    scene.set_joints({"slide": slide, "ECM_yaw": yaw})
    point = ball_in_left_eye(slide, yaw)
    pictures = scene.render(MODEL)
    for eye, picture in zip(("left", "right"), pictures, strict=True):
        column, row, depth = MODEL.projection(eye) @ [*point, 1.0]
        assert picture.shape == (240, 320, 3)
        assert centroid(picture) == pytest.approx([column / depth, row / depth], abs=1.0)


def test_the_right_eye_sees_it_farther_left(scene: Scene) -> None:
    """The disparity is focal length * baseline / depth, with the sign of eyes that are not swapped."""
    scene.set_joints({"slide": 0.0, "ECM_yaw": 0.0})
    left, right = scene.render(MODEL)
    expected = MODEL.focal_length * BASELINE / ball_in_left_eye(0.0, 0.0)[2]
    assert expected > 5.0
    assert (centroid(left) - centroid(right))[0] == pytest.approx(expected, abs=0.7)


def test_baseline_is_the_descriptions(scene: Scene) -> None:
    """The distance of the eyes comes from the robot description."""
    assert scene.baseline() == pytest.approx(BASELINE, abs=1e-6)


def test_unknown_joints_are_left_out(scene: Scene) -> None:
    """Joint states of a robot with more joints than the scene do no harm."""
    scene.set_joints({"slide": 0.01, "PSM9_elbow": 1.0})
    scene.render(MODEL)


EYES_APART = f'xyz="{BASELINE} 0 0"'


@pytest.mark.parametrize(
    ("old", "new", "text"),
    [
        ("ECM_right_optical", "ECM_third_eye", "no link ECM_right_optical"),
        (EYES_APART, 'xyz="-0.005 0 0"', "parallel"),
        (EYES_APART, EYES_APART + ' rpy="0 0.05 0"', "parallel"),
        ("<robot", "<rowboat", "cannot load"),
    ],
)
def test_unusable_descriptions_are_refused(old: str, new: str, text: str) -> None:
    """Missing, swapped or squinting eyes and texts that are no description give an error that says so."""
    with pytest.raises(SourceError, match=text):
        Scene(URDF.replace(old, new), TINY).baseline()


def simulation(mirror: JointMirror, affordable: float = 10.0) -> Simulation:
    """The stand-in as a source."""
    return Simulation(mirror, lambda: URDF, (320, 240), 1.0, affordable)


def test_source_shows_fresh_joints_only() -> None:
    """Pictures follow the joints; when they become stale there is none, and fresh ones bring them back."""
    mirror = JointMirror(0.5)
    source = simulation(mirror)
    source.connect()
    with pytest.raises(SourceSilentError, match="no joint states"):
        source.read(0.0)
    mirror.update(["slide", "ECM_yaw"], [0.0, 0.0], 1.0)
    before = source.read(1.2)
    mirror.update(["slide"], [0.02], 1.3)
    after = source.read(1.3)
    assert after.captured_at == 1.3
    assert abs(centroid(after.left)[0] - centroid(before.left)[0]) > 20.0
    with pytest.raises(SourceSilentError):
        source.read(1.81)
    mirror.update(["slide"], [0.0], 2.0)
    np.testing.assert_allclose(centroid(source.read(2.0).left), centroid(before.left), atol=0.1)
    assert any(name in source.renderer for name in (EGL, TINY))
    source.close()
    source.close()


def test_slow_machine_gets_smaller_pictures() -> None:
    """Where a pair costs more than is affordable the pictures shrink, with a model that fits them."""
    source = simulation(JointMirror(0.5), affordable=1e-9)
    source.connect()
    assert (source.model.width, source.model.height) == (80, 60)
    assert source.model.focal_length == pytest.approx(MODEL.focal_length / 4.0)
    assert "reduced to 80 x 60" in source.renderer
    source.close()


def test_the_robots_own_scene_shows_both_instruments() -> None:
    """With the arms at their ready pose the picture differs from one without each of the arms, in its own half."""
    urdf = expand(arms=("PSM1", "PSM2", "ECM"))
    names = {arm: ECM_JOINT_NAMES if arm == "ECM" else JOINT_NAMES for arm in ("PSM1", "PSM2", "ECM")}
    ready = {
        f"{arm}_{joint}": value
        for arm, joints in names.items()
        for joint, value in zip(joints, PLACEMENTS[arm].ready, strict=True)
    }
    scene = Scene(urdf, TINY)
    try:
        model = StereoModel.from_field_of_view(160, 120, 1.05, scene.baseline())
        scene.set_joints(ready)
        both, _ = scene.render(model)
        for arm, half in (("PSM1", slice(80, 160)), ("PSM2", slice(0, 80))):
            scene.set_joints({**ready, f"{arm}_insertion": 0.0})
            without, _ = scene.render(model)
            changed = cv2.absdiff(both, without).max(axis=2) > 30
            assert changed[:, half].mean() > 0.02
            assert changed[:, half].sum() > 0.9 * changed.sum()
        assert both.mean() > 60.0
    finally:
        scene.close()
