"""The robot's scene in PyBullet, only to be looked at: joints are set, nothing is simulated.

The renderer is one of two: EGL (OpenGL without a screen, on a graphics card or on Mesa's software renderer) or
PyBullet's own TinyRenderer, which needs nothing.
"""

from __future__ import annotations

import math
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

import cv2
import numpy as np
import pybullet
from numpy.typing import NDArray

from teleop_core.contract import EYE_LINKS
from video_relay.camera_model import StereoModel
from video_relay.egl_probe import load_plugin
from video_relay.source import Picture, SourceError

EGL = "EGL"
TINY = "TinyRenderer"

_NEAR = 0.005  # Nearest distance shown [m].
_FAR = 0.5  # Farthest distance shown [m]: what lies beyond costs time and is hidden anyway.
_PARALLEL_TOLERANCE = 1e-4  # Rotation between the eyes, or offset across the baseline, that is still none [rad, m].
_BACKGROUND = np.array((46, 38, 34), dtype=np.uint8)  # Blue green red of a dark operating room.
# Towards the light, in the optical frame of the left eye: the endoscope brings its own light, here from above its
# shoulder, so that shapes have a bright and a dark side [1].
_LIGHT_IN_EYE = np.array((0.35, -0.8, -0.9))
_LIGHT_DISTANCE = 5.0  # [m]; far enough for parallel rays.


@dataclass(frozen=True)
class _Mimic:
    """A joint that follows another one: position = multiplier * other + offset."""

    follower: str
    leader: str
    multiplier: float
    offset: float


class Scene:
    """One PyBullet client with the robot in it."""

    def __init__(self, urdf: str, renderer: str) -> None:
        """Load the robot.

        Args:
            urdf: Robot description, expanded.
            renderer: `EGL` or `TINY`.

        Raises:
            SourceError: the renderer or the description cannot be loaded, or there is no stereo endoscope in it.
        """
        self.renderer = renderer
        self._client = pybullet.connect(pybullet.DIRECT)
        try:
            if renderer == EGL and not load_plugin(self._client):
                raise SourceError("the EGL renderer does not load")
            self._robot = self._loaded(urdf)
            self._joints, links = self._indices()
            self._mimics = _mimics(urdf)
            self._eyes = {eye: _found(links, name) for eye, name in EYE_LINKS.items()}
            self.baseline()  # Refuses eyes that are no stereo pair while the client can still be closed.
        except Exception:
            self.close()
            raise

    def close(self) -> None:
        """Disconnect; closing twice does no harm."""
        if self._client >= 0:
            pybullet.disconnect(self._client)
            self._client = -1

    def set_joints(self, positions: Mapping[str, float]) -> None:
        """Put the joints where the robot's are; names that the scene does not have are left out.

        Args:
            positions: Position by joint name [rad, m].
        """
        for name, position in positions.items():
            self._set_joint(name, position)
        for mimic in self._mimics:
            if mimic.leader in positions and mimic.follower not in positions:
                self._set_joint(mimic.follower, mimic.multiplier * positions[mimic.leader] + mimic.offset)

    def baseline(self) -> float:
        """Return the distance of the eyes [m].

        Raises:
            SourceError: the eyes are not parallel, or the right one is not to the right of the left one.
        """
        left, rotation_left_in_world = self._eye("left")
        right, rotation_right_in_world = self._eye("right")
        x, y, z = rotation_left_in_world.T @ (right - left)
        turned = np.abs(rotation_left_in_world.T @ rotation_right_in_world - np.eye(3)).max()
        if not (x > 0.0 and max(abs(y), abs(z), turned) <= _PARALLEL_TOLERANCE):
            raise SourceError(
                f"{EYE_LINKS['right']} is at ({x:.4g}, {y:.4g}, {z:.4g}) m in {EYE_LINKS['left']}, turned by "
                f"{turned:.3g}: the eyes must be parallel and side by side along x"
            )
        return float(x)

    def render(self, model: StereoModel) -> tuple[Picture, Picture]:
        """Return what the left and the right eye see.

        Args:
            model: Size and focal length of the pictures.

        Raises:
            SourceError: PyBullet cannot render.
        """
        _, rotation_left_in_world = self._eye("left")
        light = _LIGHT_DISTANCE * (rotation_left_in_world @ (_LIGHT_IN_EYE / np.linalg.norm(_LIGHT_IN_EYE)))
        projection = pybullet.computeProjectionMatrix(*model.frustum(_NEAR), _NEAR, _FAR)
        try:
            return self._seen("left", model, projection, light), self._seen("right", model, projection, light)
        except pybullet.error as error:
            raise SourceError(f"PyBullet cannot render: {error}") from error

    def _seen(self, eye: str, model: StereoModel, projection: tuple[float, ...], light: NDArray[np.float64]) -> Picture:
        position, rotation_eye_in_world = self._eye(eye)
        ahead, up = position + rotation_eye_in_world[:, 2], -rotation_eye_in_world[:, 1]
        view = pybullet.computeViewMatrix(position.tolist(), ahead.tolist(), up.tolist())
        flags = pybullet.ER_NO_SEGMENTATION_MASK
        choice = pybullet.ER_TINY_RENDERER
        if self.renderer == EGL:
            choice = pybullet.ER_BULLET_HARDWARE_OPENGL
            # The plugin always draws shadows, except with a projected texture; none is projected, so only the shadows
            # go, and with them a quarter to a half of the time.
            flags |= pybullet.ER_USE_PROJECTIVE_TEXTURE
        _, _, pixels, depth, _ = pybullet.getCameraImage(
            model.width,
            model.height,
            view,
            projection,
            lightDirection=light.tolist(),
            shadow=0,
            renderer=choice,
            flags=flags,
            physicsClientId=self._client,
        )
        size = (model.height, model.width)
        picture = cv2.cvtColor(np.reshape(pixels, (*size, 4)), cv2.COLOR_RGBA2BGR)
        picture[np.reshape(depth, size) >= 1.0] = _BACKGROUND
        return picture  # type: ignore[return-value]

    def _eye(self, eye: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        state = pybullet.getLinkState(
            self._robot, self._eyes[eye], computeForwardKinematics=1, physicsClientId=self._client
        )
        return np.array(state[4]), np.reshape(pybullet.getMatrixFromQuaternion(state[5]), (3, 3))

    def _set_joint(self, name: str, position: float) -> None:
        index = self._joints.get(name)
        if index is not None:
            pybullet.resetJointState(self._robot, index, position, physicsClientId=self._client)

    def _loaded(self, urdf: str) -> int:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "robot.urdf")
            path.write_text(urdf, encoding="utf-8")
            try:
                return int(
                    pybullet.loadURDF(
                        str(path),
                        useFixedBase=True,
                        flags=pybullet.URDF_IGNORE_COLLISION_SHAPES | pybullet.URDF_USE_INERTIA_FROM_FILE,
                        physicsClientId=self._client,
                    )
                )
            except pybullet.error as error:
                raise SourceError(f"PyBullet cannot load the robot description: {error}") from error

    def _indices(self) -> tuple[dict[str, int], dict[str, int]]:
        joints, links = {}, {}
        for index in range(pybullet.getNumJoints(self._robot, physicsClientId=self._client)):
            info = pybullet.getJointInfo(self._robot, index, physicsClientId=self._client)
            links[info[12].decode()] = index
            if info[2] in (pybullet.JOINT_REVOLUTE, pybullet.JOINT_PRISMATIC):
                joints[info[1].decode()] = index
        return joints, links


def _found(links: Mapping[str, int], name: str) -> int:
    if name not in links:
        raise SourceError(f"the robot description has no link {name}")
    return links[name]


def _mimics(urdf: str) -> list[_Mimic]:
    """Return the joints that follow others; PyBullet reads past them."""
    found = []
    for joint in ElementTree.fromstring(urdf).iter("joint"):
        mimic = joint.find("mimic")
        if mimic is not None:
            multiplier, offset = float(mimic.get("multiplier", "1")), float(mimic.get("offset", "0"))
            if math.isfinite(multiplier) and math.isfinite(offset):
                found.append(_Mimic(joint.get("name", ""), mimic.get("joint", ""), multiplier, offset))
    return found
