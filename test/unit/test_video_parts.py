"""Properties of the small parts of the relay: joint mirror, pictures, statistics, connection, choice of source."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from video_relay.camera import StereoCamera
from video_relay.camera_model import StereoModel
from video_relay.choice import Wanted, make_source
from video_relay.connection import Connection
from video_relay.frame_statistics import FrameStatistics
from video_relay.joint_mirror import JointMirror
from video_relay.picture import resized, size_within, split
from video_relay.simulation import Simulation
from video_relay.source import SourceError, SourceSilentError, StereoFrame
from video_relay.stereo_file import StereoFile


def test_mirror_goes_stale() -> None:
    """Positions are shown up to their time limit, then not at all."""
    mirror = JointMirror(0.5)
    assert mirror.fresh(0.0) is None
    assert mirror.update(["PSM1_yaw"], [0.1], 10.0)
    assert mirror.fresh(10.5) == {"PSM1_yaw": 0.1}
    assert mirror.fresh(10.51) is None
    assert mirror.update(["PSM1_yaw"], [0.2], 11.0)
    assert mirror.fresh(11.0) == {"PSM1_yaw": 0.2}


@pytest.mark.parametrize("positions", [[], [0.1], [0.1, math.nan], [math.inf, 0.0], [0.1, 0.2, 0.3]])
def test_mirror_refuses_unusable_messages_as_a_whole(positions: list[float]) -> None:
    """A message with a missing, surplus or non-finite position changes nothing, not even the age."""
    mirror = JointMirror(0.5)
    mirror.update(["a", "b"], [1.0, 2.0], 0.0)
    assert not mirror.update(["a", "b"], positions, 0.4)
    assert mirror.fresh(0.5) == {"a": 1.0, "b": 2.0}
    assert mirror.fresh(0.6) is None
    assert mirror.refused == 1


@given(st.integers(64, 300), st.integers(64, 300), st.sampled_from(["side_by_side", "top_bottom"]))
def test_split_gives_equal_eyes(rows: int, columns: int, layout: str) -> None:
    """Both eyes have one size, come from the right halves, and lose at most one column or row."""
    picture = np.random.default_rng(1).integers(0, 255, (rows, columns, 3), dtype=np.uint8)
    left, right = split(picture, layout)
    assert left.shape == right.shape
    axis = 1 if layout == "side_by_side" else 0
    rebuilt = np.concatenate((left, right), axis=axis)
    np.testing.assert_array_equal(rebuilt, picture[: rebuilt.shape[0], : rebuilt.shape[1]])
    assert picture.size - rebuilt.size <= 3 * max(rows, columns)


@pytest.mark.parametrize(
    ("shape", "text"), [((200, 40, 3), "20 columns"), ((20, 200, 3), "20 rows"), ((90, 90), "colour")]
)
def test_split_refuses_what_cannot_hold_two_eyes(shape: tuple[int, ...], text: str) -> None:
    """Too few columns or rows, or no colour, is an error that says so."""
    with pytest.raises(SourceError, match=text):
        split(np.zeros(shape, dtype=np.uint8), "side_by_side")


@given(st.integers(32, 4000), st.integers(32, 4000), st.integers(64, 1920), st.integers(48, 1080))
def test_reduction_keeps_the_shape(width: int, height: int, largest_width: int, largest_height: int) -> None:
    """A picture fits its limits, keeps its shape within a pixel and is never enlarged."""
    columns, rows = size_within(width, height, largest_width, largest_height)
    assert columns <= min(width, largest_width)
    assert rows <= min(height, largest_height)
    assert abs(columns * height - rows * width) <= max(width, height)


def test_resized_leaves_fitting_pictures_alone() -> None:
    """A picture of the wanted size is not copied; another gets that size."""
    picture = np.zeros((60, 80, 3), dtype=np.uint8)
    assert resized(picture, (80, 60)) is picture
    assert resized(picture, (40, 30)).shape == (30, 40, 3)


@given(st.floats(1.0, 60.0))
def test_frame_rate_is_measured_and_falls_to_zero(rate: float) -> None:
    """Even frames give their rate; when they stay away it is 0 after two seconds, and the age grows."""
    statistics = FrameStatistics()
    times = [index / rate for index in range(int(5 * rate))]
    for time in times:
        statistics.add(time, time, 0.01, 0.001)
    assert statistics.rate(times[-1]) == pytest.approx(rate, abs=0.75)
    assert statistics.rate(times[-1] + 2.01) == 0.0
    assert statistics.age(times[-1] + 7.0) == pytest.approx(7.0)
    assert statistics.frames == len(times)


class ScriptedSource:
    """A source that does what it is told, one entry per read: a frame, None, or an error."""

    name = "script"
    renderer = "none"
    model = StereoModel(64, 48, 50.0, 0.005)

    def __init__(self, reads: list, connects: list | None = None) -> None:
        self.reads = reads
        self.connects = connects or []
        self.connected_at: list[float] = []
        self.now = 0.0

    def connect(self) -> None:
        """Note when, and fail if told so."""
        self.connected_at.append(self.now)
        if self.connects and (error := self.connects.pop(0)):
            raise error

    def read(self, now: float) -> StereoFrame | None:
        """Do what is next."""
        result = self.reads.pop(0) if self.reads else None
        if isinstance(result, Exception):
            raise result
        return result

    def close(self) -> None:
        """Nothing to let go of."""


def frame_at(captured_at: float) -> StereoFrame:
    """A black frame."""
    picture = np.zeros((48, 64, 3), dtype=np.uint8)
    return StereoFrame(picture, picture, captured_at)


def drive(source: ScriptedSource, until: float, step: float = 0.1) -> tuple[list, list[str], list[str]]:
    """Ask for frames at even steps; returns the frames with their times, the problems and the recoveries told."""
    told: list[str] = []
    recovered: list[str] = []
    connection = Connection(source, told.append, recovered.append)
    frames = []
    for index in range(round(until / step)):
        source.now = index * step
        frame = connection.frame(source.now)
        if frame is not None:
            frames.append((source.now, frame))
    return frames, told, recovered


def test_failed_source_is_tried_once_a_second_and_told_once() -> None:
    """A source that cannot be opened is tried once a second; its error is told once, its return too."""
    absent = SourceError("no camera")
    source = ScriptedSource([frame_at(5.0)], [absent, absent, absent, None])
    frames, told, recovered = drive(source, 6.0)
    assert source.connected_at == pytest.approx([0.0, 1.0, 2.0, 3.0])
    assert told == ["no camera"]
    assert len(frames) == len(recovered) == 1


def test_failure_in_operation_shows_nothing_old() -> None:
    """After a failure no frame comes until the source was opened again and delivered a new one."""
    source = ScriptedSource([frame_at(0.0), SourceError("unplugged"), frame_at(1.2), SourceError("unplugged")])
    frames, told, recovered = drive(source, 2.0)
    assert [frame.captured_at for _, frame in frames] == [0.0, 1.2]
    assert frames[1][0] >= 1.1
    assert told == ["unplugged", "unplugged"]
    assert len(recovered) == 2


def test_silent_source_stays_connected() -> None:
    """A source with nothing true to show is not opened again, and shows again without a pause."""
    silent = SourceSilentError("no joint states")
    source = ScriptedSource([silent, silent, frame_at(0.2), silent, frame_at(0.4)])
    frames, told, recovered = drive(source, 1.0)
    assert source.connected_at == [0.0]
    assert [at for at, _ in frames] == pytest.approx([0.2, 0.4])
    assert told == ["no joint states"] * 2
    assert len(recovered) == 2


WANTED = Wanted((400, 300), 12.0, "side_by_side", 1.05, 0.005, 0.05)


@pytest.mark.parametrize(
    ("text", "kind", "name"),
    [("simulation", Simulation, "simulation"), ("camera", StereoCamera, "camera 0"), ("0", StereoCamera, "camera 0"),
     ("2,1", StereoCamera, "camera 2,1"), ("operation.avi", StereoFile, "file operation.avi"),
     ("1,2,3", StereoFile, "file 1,2,3")],
)  # fmt: skip
def test_text_chooses_the_source(text: str, kind: type, name: str) -> None:
    """simulation, camera, devices and paths are told apart."""
    source = make_source(text, WANTED, JointMirror(0.5), str)
    assert isinstance(source, kind)
    assert source.name == name


@pytest.mark.parametrize(("text", "reason"), [("", "empty"), ("  ", "empty"), ("1,1", "different")])
def test_unusable_text_is_refused(text: str, reason: str) -> None:
    """An empty text and one device for both eyes are refused."""
    with pytest.raises(ValueError, match=reason):
        make_source(text, WANTED, JointMirror(0.5), str)


def test_missing_camera_is_named(capfd: pytest.CaptureFixture[str]) -> None:
    """A device that is not there is a clear error that names it."""
    camera = StereoCamera((97, 98), "side_by_side", (400, 300), 12.0, 1.05, 0.005)
    with pytest.raises(SourceError, match="no camera 97"):
        camera.connect()
    with pytest.raises(SourceError, match="not connected"):
        camera.read(0.0)
    capfd.readouterr()
