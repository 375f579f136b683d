"""The relay's node on real DDS: pairs with one stamp, silence when the source fails, and its return."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

rclpy = pytest.importorskip("rclpy", reason="ROS is not installed here")

from teleop_core.cart import PLACEMENTS  # noqa: E402
from teleop_core.ecm_kinematics import ECM_JOINT_NAMES  # noqa: E402
from teleop_core.psm_kinematics import JOINT_NAMES  # noqa: E402
from teleop_ros.adapter import TeleopNode  # noqa: E402

pytestmark = pytest.mark.dds

LIMIT = 40.0  # For a node to start and choose its renderer on a loaded machine [s].


class Viewer(TeleopNode):
    """Collects everything the relay says, and speaks for the robot."""

    def __init__(self) -> None:
        super().__init__("test_viewer")
        self.robot_speaks = False
        self.messages: dict[tuple[str, str], list[Any]] = {}
        for stream in ("image", "camera_info"):
            for eye in ("left", "right"):
                kept = self.messages[stream, eye] = []
                self.subscription(stream, kept.append, eye=eye)
        self.status: dict[str, str] = {}
        self.level = b""
        self.subscription("diagnostics", self.on_diagnostics)
        self._joints = self.publisher("joint_states")
        self.timer(0.02, self.send)

    def on_diagnostics(self, message: Any) -> None:
        """Keep the relay's row."""
        for status in message.status:
            if status.name.startswith("video_relay"):
                self.level = status.level
                self.status = {value.key: value.value for value in status.values} | {"message": status.message}

    def send(self) -> None:
        """Joint states of the ready pose with one instrument in motion."""
        if not self.robot_speaks:
            return
        message = self._joints.msg_type(header=self.header())
        for arm, names in (("PSM1", JOINT_NAMES), ("PSM2", JOINT_NAMES), ("ECM", ECM_JOINT_NAMES)):
            message.name.extend(f"{arm}_{joint}" for joint in names)
            message.position.extend(PLACEMENTS[arm].ready)
        message.position[2] += 0.03 * np.sin(3.0 * self.now())
        self._joints.publish(message)

    def images(self, eye: str = "left") -> list[Any]:
        """Pictures of one eye so far."""
        return self.messages["image", eye]


class Room:
    """One relay process and the viewer."""

    def __init__(self, root: Path, domain: int) -> None:
        rclpy.init(domain_id=domain, signal_handler_options=rclpy.signals.SignalHandlerOptions.NO)
        self._root = root
        self._environment = {**os.environ, "ROS_DOMAIN_ID": str(domain), "PYTHONPATH": str(root)}
        self.viewer = Viewer()
        self._executor = rclpy.executors.SingleThreadedExecutor()
        self._executor.add_node(self.viewer)
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, **parameters: object) -> None:
        """Start the relay."""
        arguments = [word for key, value in parameters.items() for word in ("-p", f"{key}:={value}")]
        command = [sys.executable, "-m", "video_relay.video_relay_node", "--ros-args", *arguments]
        self._process = subprocess.Popen(command, cwd=self._root, env=self._environment, stderr=subprocess.PIPE)

    def until(self, condition: Callable[[], Any], what: str) -> None:
        """Spin until the condition holds."""
        end = time.monotonic() + LIMIT
        while not condition():
            assert time.monotonic() < end, f"not within {LIMIT} s: {what}; {self.viewer.status}"
            self._executor.spin_once(timeout_sec=0.05)

    def spin(self, duration: float) -> None:
        """Spin for a while."""
        end = time.monotonic() + duration
        while time.monotonic() < end:
            self._executor.spin_once(timeout_sec=0.02)

    def stop(self) -> tuple[int, str]:
        """End the relay; returns its exit code and what it logged."""
        assert self._process is not None
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
        try:
            _, log = self._process.communicate(timeout=20.0)
        except subprocess.TimeoutExpired:
            self._process.kill()
            _, log = self._process.communicate()
        code = self._process.returncode
        self._process = None
        return code, log.decode(errors="replace")

    def close(self) -> None:
        """End everything."""
        if self._process is not None:
            self.stop()
        self._executor.remove_node(self.viewer)
        self.viewer.destroy_node()
        rclpy.try_shutdown()


@pytest.fixture
def room(root: Path, ros_domain: int) -> Iterator[Room]:
    """A relay's surroundings."""
    room = Room(root, ros_domain)
    try:
        yield room
    finally:
        room.close()


def video(path: Path, frames: int = 30) -> Path:
    """A side-by-side video, left blue and right green."""
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 20.0, (160, 60))
    picture = np.zeros((60, 160, 3), dtype=np.uint8)
    for index in range(frames):
        picture[:, :80, 0] = picture[:, 80:, 1] = 80 + 5 * index
        writer.write(picture)
    writer.release()
    return path


def decoded(message: Any) -> np.ndarray:
    """The picture in a message."""
    picture = cv2.imdecode(np.frombuffer(message.data, dtype=np.uint8), cv2.IMREAD_COLOR)
    assert picture is not None
    return picture


def stamps(messages: list[Any]) -> list[int]:
    """Stamps [ns]."""
    return [message.header.stamp.sec * 1_000_000_000 + message.header.stamp.nanosec for message in messages]


def check_pairs(viewer: Viewer) -> None:
    """All four topics have the same stamps, but for the ones just under way; frames and geometry are right."""
    found = {key: set(stamps(messages)) for key, messages in viewer.messages.items()}
    everywhere = set.intersection(*found.values())
    assert len(everywhere) >= 0.8 * max(map(len, found.values()))
    for eye in ("left", "right"):
        image, info = viewer.messages["image", eye][-1], viewer.messages["camera_info", eye][-1]
        assert image.header.frame_id == info.header.frame_id == f"ECM_{eye}_optical"
        assert "jpeg" in image.format
        assert decoded(image).shape == (info.height, info.width, 3)
        assert info.k[0] > 0.0
        assert list(info.d) == [0.0] * 5
        assert bool(info.p[3] < 0.0) is (eye == "right")
        assert sorted(stamps(viewer.images(eye))) == stamps(viewer.images(eye))


def test_simulated_endoscope_shows_the_robot_and_goes_dark_with_it(room: Room) -> None:
    """No picture before and after the robot's joint states; with them pairs of changing pictures, and a clean end."""
    viewer = room.viewer
    room.start(width=160, height=120)
    room.until(lambda: "no joint states" in viewer.status.get("message", ""), "the relay says what it misses")
    assert not viewer.images()
    viewer.robot_speaks = True
    room.until(lambda: len(viewer.images()) > 12, "pictures")
    check_pairs(viewer)
    first, last = decoded(viewer.images()[0]), decoded(viewer.images()[-1])
    assert cv2.absdiff(first, last).max() > 40
    age = time.time() - stamps(viewer.images())[-1] * 1e-9
    assert -0.001 <= age < 2.0
    room.until(lambda: viewer.status.get("frames", "0") > "0" and viewer.level == b"\x00", "good health")
    assert float(viewer.status["fps"]) > 0.0
    assert any(name in viewer.status["renderer"] for name in ("EGL", "TinyRenderer"))
    viewer.robot_speaks = False
    room.until(lambda: viewer.level == b"\x02", "the relay says that the robot is silent")
    count = len(viewer.images())
    room.spin(1.0)
    assert len(viewer.images()) == count
    viewer.robot_speaks = True
    room.until(lambda: len(viewer.images()) > count + 3, "pictures again")
    code, log = room.stop()
    assert code == 0
    assert "Traceback" not in log
    assert log.count("no joint states") == 2


def test_file_that_fails_is_silence_until_it_is_back(room: Room, tmp_path: Path) -> None:
    """A file is relayed; when it cannot be read any more nothing is published, and when it is back it goes on."""
    viewer = room.viewer
    path = video(tmp_path / "operation.avi")
    room.start(source=path, rate=20.0)
    room.until(lambda: len(viewer.images("right")) > 5, "pictures")
    check_pairs(viewer)
    left, right = (decoded(viewer.images(eye)[-1]).mean(axis=(0, 1)) for eye in ("left", "right"))
    assert left[0] > 60.0 > left[1]
    assert right[1] > 60.0 > right[0]
    aside = path.with_name("aside.avi")
    shutil.move(path, aside)
    room.until(lambda: "no such file" in viewer.status.get("message", ""), "the failure is told")
    count = len(viewer.images())
    newest = stamps(viewer.images())[-1]
    room.spin(1.5)
    assert len(viewer.images()) == count
    shutil.move(aside, path)
    room.until(lambda: len(viewer.images()) > count + 3, "pictures again")
    assert stamps(viewer.images())[count] > newest
    code, log = room.stop()
    assert code == 0
    assert log.count("no such file") == 1
    assert "Traceback" not in log


@pytest.mark.parametrize(
    ("parameters", "text"),
    [
        ({"rate": 0.5}, "parameter rate"),
        ({"share": 2.0}, "parameter share"),
        ({"layout": "diagonal"}, "parameter layout"),
        ({"source": "'3,3'"}, "different"),
    ],
)
def test_unusable_parameters_end_the_start(room: Room, parameters: dict[str, object], text: str) -> None:
    """A parameter out of range stops the node at once with exit code 2 and its name."""
    room.start(**parameters)
    assert room._process.wait(LIMIT) == 2
    code, log = room.stop()
    assert code == 2
    assert text in log
