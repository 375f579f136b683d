"""Source: the endoscope's view of the simulated robot, with the fastest renderer that this machine has."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

from video_relay.camera_model import StereoModel
from video_relay.egl_probe import egl_works, remember_that_it_works
from video_relay.joint_mirror import JointMirror
from video_relay.scene import EGL, TINY, Scene
from video_relay.sensor_noise import SensorNoise
from video_relay.source import SourceError, SourceSilentError, StereoFrame

# Older joint states do not show the robot as it is: better no picture, so that the arms are held [s].
JOINTS_STALE_AFTER = 0.5
# The slower renderer takes long over a pair of full size; a quarter of the pixels tells as well which one it is.
_TRIAL_SCALE = 0.5
_TRIALS = 2
_SMALLEST_SCALE = 0.25  # Smaller pictures show too little of the instruments [1].


class Simulation:
    """Renders the scene mirrored from the robot's joint states.

    Attributes:
        name: "simulation".
        renderer: The renderer chosen and what the trial measured.
    """

    name = "simulation"

    def __init__(
        self,
        mirror: JointMirror,
        describe: Callable[[], str],
        size: tuple[int, int],
        field_of_view: float,
        affordable: float,
    ) -> None:
        """Keep what is needed to connect.

        Args:
            mirror: Where the robot's joints are.
            describe: Returns the robot description, expanded.
            size: Columns and rows of each picture [px]; less where the machine is too slow.
            field_of_view: Angle from the left to the right edge of each picture [rad].
            affordable: Processor time that a pair of pictures may take [s].
        """
        self._mirror = mirror
        self._describe = describe
        self._size = size
        self._field_of_view = field_of_view
        self._affordable = affordable
        self._scene: Scene | None = None
        self._model: StereoModel | None = None
        self._noise: SensorNoise | None = None
        self.renderer = "not chosen yet"

    @property
    def model(self) -> StereoModel:
        """Geometry of the pair; the baseline is the robot description's."""
        assert self._model is not None, "not connected"
        return self._model

    def connect(self) -> None:
        """Load the scene, choose the renderer, and reduce the pictures if even that one is too slow.

        Raises:
            SourceError: the robot description cannot be made or loaded, or has no usable endoscope.
        """
        self.close()
        try:
            urdf = self._describe()
        except (RuntimeError, ValueError) as error:
            raise SourceError(f"simulation: {error}") from error
        scene, trial = self._chosen(urdf)
        full = self._model_at(1.0, scene)
        cost = _cost(scene, full)
        scale = max(_SMALLEST_SCALE, min(1.0, math.sqrt(self._affordable / cost)))
        self._scene, self._model = scene, self._model_at(scale, scene)
        self._noise = SensorNoise(self._model.height, self._model.width)
        reduced = f", reduced to {self._model.width} x {self._model.height} px" if scale < 1.0 else ""
        self.renderer = f"{scene.renderer} ({1e3 * cost:.0f} ms a pair{reduced}; {trial})"

    def read(self, now: float) -> StereoFrame | None:
        """Render the robot as it is now.

        Raises:
            SourceSilentError: there are no fresh joint states.
        """
        positions = self._mirror.fresh(now)
        if positions is None or self._scene is None or self._noise is None:
            raise SourceSilentError(
                f"simulation: no joint states for {JOINTS_STALE_AFTER:g} s, so nothing true to show"
            )
        self._scene.set_joints(positions)
        left, right = self._scene.render(self.model)
        return StereoFrame(self._noise.on(left), self._noise.on(right), captured_at=now)

    def close(self) -> None:
        """Let go of the scene."""
        if self._scene is not None:
            self._scene.close()
            self._scene = None

    def _chosen(self, urdf: str) -> tuple[Scene, str]:
        """Return the scene with the renderer that is faster here, and how the other one did."""
        slow = Scene(urdf, TINY)
        works, reason = egl_works()
        if not works:
            return slow, f"no {EGL}: {reason}"
        try:
            fast = Scene(urdf, EGL)
        except SourceError as error:
            return slow, f"no {EGL}: {error}"
        cost = {scene: _cost(scene, self._model_at(_TRIAL_SCALE, scene)) for scene in (fast, slow)}
        remember_that_it_works()
        chosen, other = sorted(cost, key=cost.__getitem__)
        other.close()
        return chosen, f"{other.renderer} is {cost[other] / cost[chosen]:.1f} times as slow"

    def _model_at(self, scale: float, scene: Scene) -> StereoModel:
        width, height = (max(2, round(scale * length)) for length in self._size)
        return StereoModel.from_field_of_view(width, height, self._field_of_view, scene.baseline())


def _cost(scene: Scene, model: StereoModel) -> float:
    """Return the processor time of a pair of pictures [s]: the best of two, since the first one may warm up."""
    costs = []
    for _ in range(_TRIALS):
        before = time.process_time()
        scene.render(model)
        costs.append(time.process_time() - before)
    return max(min(costs), 1e-6)
