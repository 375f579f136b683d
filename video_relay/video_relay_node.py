"""Node video_relay: the stereo endoscope's pictures, newest frame only.

In: joint_states (only where the source is the simulation).
Out: endoscope/{left,right}/image_raw/compressed and endoscope/{left,right}/camera_info, all four with one stamp, the
time of capture. Frames: ECM_left_optical, ECM_right_optical.
Parameters: `VideoRelayParameters`.
Silence: where the source fails, or the simulated robot's joint states stop, no picture is published at all, and never
an old one again; the safety monitor holds the arms on it. The source is tried again every second.
"""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass

import cv2
from diagnostic_msgs.msg import DiagnosticStatus
from rclpy.clock import Clock, ClockType
from rclpy.duration import Duration
from sensor_msgs.msg import JointState
from std_msgs.msg import Header

from teleop_core.cart import STEREO_BASELINE
from teleop_core.contract import DEFAULT_ARMS, EYE_LINKS, EYES, with_camera
from teleop_ros.adapter import Health, TeleopNode, run
from teleop_ros.parameters import ParameterError, check, declare, parameter
from teleop_ros.robot_description import expand
from teleop_ros.scheduling import follow_the_loop
from video_relay.choice import SIMULATION, Wanted, make_source
from video_relay.connection import Connection
from video_relay.frame_statistics import FrameStatistics
from video_relay.governor import RateGovernor
from video_relay.joint_mirror import JointMirror
from video_relay.messages import camera_info, compressed_image
from video_relay.picture import LAYOUTS, SIDE_BY_SIDE
from video_relay.simulation import JOINTS_STALE_AFTER
from video_relay.source import StereoFrame, StereoSource

_POLLS_PER_FRAME = 10  # How often a source is asked in a frame period while it has no newer frame [1].
_SHORTEST_WAIT = 0.001  # Between two frames that follow each other at once, for the inputs to be taken in [s].

_STEADY = Clock(clock_type=ClockType.STEADY_TIME)  # No clock step and no simulated time may stop the pictures.


@dataclass(frozen=True)
class VideoRelayParameters:
    """Parameters of the node; fixed while it runs."""

    arms: list[str] = parameter(list(DEFAULT_ARMS), doc="arms in the simulated picture")
    source: str = parameter(
        SIMULATION, doc="simulation, camera (first device), a device like 0 or 0,1 (left, right), or the path of a file"
    )
    width: int = parameter(400, unit="px", low=64, high=1920, doc="columns of each eye, at most")
    height: int = parameter(300, unit="px", low=48, high=1080, doc="rows of each eye, at most")
    rate: float = parameter(12.0, unit="Hz", low=1.0, high=60.0, doc="frames of each eye per second, at most")
    jpeg_quality: int = parameter(80, low=10, high=100, doc="JPEG quality")
    share: float = parameter(0.4, low=0.05, high=1.0, doc="share of one core that video may take")
    minimum_rate: float = parameter(6.0, unit="Hz", low=1.0, high=60.0, doc="frame rate kept even beyond the share")
    layout: str = parameter(SIDE_BY_SIDE, choices=LAYOUTS, doc="where the eyes are in a picture that holds both")
    field_of_view: float = parameter(
        1.05, unit="rad", low=0.1, high=2.6, doc="angle from the left to the right edge of each picture"
    )
    baseline: float = parameter(
        STEREO_BASELINE, unit="m", low=0.0005, high=0.2, doc="distance of the eyes of a file or camera"
    )

    def __post_init__(self) -> None:
        """Refuse values outside their range."""
        check(self)


class VideoRelayNode(TeleopNode):
    """Relays the newest frame, as often as rate and share allow."""

    def __init__(self) -> None:
        """Wire up; the source is connected by the first step."""
        super().__init__("video_relay")
        cv2.setNumThreads(1)
        self.parameters = declare(self, VideoRelayParameters)
        self._mirror = JointMirror(JOINTS_STALE_AFTER)
        self._governor = RateGovernor(self.parameters.rate, self.parameters.share, self.parameters.minimum_rate)
        self._statistics = FrameStatistics()
        self._source = self._made_source()
        self._connection = Connection(self._source, self.get_logger().error, self._on_recovery)
        self._busy_before = time.process_time()
        self._poll_period = 1.0 / (_POLLS_PER_FRAME * self.parameters.rate)
        self._images = {eye: self.publisher("image", eye=eye) for eye in EYES}
        self._infos = {eye: self.publisher("camera_info", eye=eye) for eye in EYES}
        if self.parameters.source == SIMULATION:
            self.subscription("joint_states", self.on_joint_states)
        self._timer = self.create_timer(self._poll_period, self._step_and_wait, clock=_STEADY)

    def on_joint_states(self, message: JointState) -> None:
        """Keep where the robot is."""
        self._mirror.update(message.name, message.position, self.now())

    def step(self) -> bool:
        """Relay one frame if there is a newer one; tell whether there was."""
        now = self.now()
        frame = self._connection.frame(now)
        if frame is None:
            return False
        read_at = self.now()
        self._publish(frame)
        ended = self.now()
        if not self._statistics.frames:
            follow_the_loop()  # not before: the start of the others should not take longer for it
        self._statistics.add(frame.captured_at, ended, read_at - now, ended - read_at)
        busy = time.process_time()
        self._governor.finished(now, ended, busy - self._busy_before)
        self._busy_before = busy
        return True

    def health(self) -> Health:
        """Frame rate, age and cost of the frames, what makes them, what is wrong."""
        now = self.now()
        values = {
            "source": self._source.name,
            "renderer": self._source.renderer,
            "fps": f"{self._statistics.rate(now):.1f}",
            "frames": self._statistics.frames,
            "age_ms": f"{1e3 * self._statistics.age(now):.0f}",
            "render_ms": f"{1e3 * self._statistics.render_time:.1f}",
            "encode_ms": f"{1e3 * self._statistics.encode_time:.1f}",
            "dropped": self._governor.missed,
            "refused_joint_states": self._mirror.refused,
        }
        if self._connection.problem:
            return DiagnosticStatus.ERROR, self._connection.problem, values
        return DiagnosticStatus.OK, "running" if self._statistics.frames else "starting", values

    def last_words(self) -> None:
        """Final diagnostics, then let go of the source."""
        super().last_words()
        self._connection.close()

    def _step_and_wait(self) -> None:
        relayed = self.guarded(self.step)()
        wait = max(self._governor.delay(self.now()), _SHORTEST_WAIT) if relayed else self._poll_period
        self._timer.timer_period_ns = int(1e9 * wait)
        self._timer.reset()

    def _publish(self, frame: StereoFrame) -> None:
        stamp = (self.get_clock().now() - Duration(seconds=self.now() - frame.captured_at)).to_msg()
        pictures = {"left": frame.left, "right": frame.right}
        headers = {eye: Header(stamp=stamp, frame_id=EYE_LINKS[eye]) for eye in EYES}
        # Both are compressed before either is sent, so that they leave together.
        images = {eye: compressed_image(headers[eye], pictures[eye], self.parameters.jpeg_quality) for eye in EYES}
        for eye in EYES:
            self._images[eye].publish(images[eye])
            self._infos[eye].publish(camera_info(headers[eye], self._source.model, eye))

    def _on_recovery(self, text: str) -> None:
        self._governor.restart()
        self.get_logger().info(f"showing {text}")

    def _made_source(self) -> StereoSource:
        values = self.parameters
        wanted = Wanted(
            size=(values.width, values.height),
            rate=values.rate,
            layout=values.layout,
            field_of_view=values.field_of_view,
            baseline=values.baseline,
            affordable=values.share / min(values.minimum_rate, values.rate),
        )
        try:
            return make_source(values.source, wanted, self._mirror, lambda: expand(with_camera(values.arms)))
        except ValueError as error:
            raise ParameterError(f"parameter {error}") from error


def main() -> int:
    """Run the node."""
    return run(VideoRelayNode)


if __name__ == "__main__":
    sys.exit(main())
