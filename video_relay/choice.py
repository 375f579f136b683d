"""Which source a text means."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from video_relay.camera import StereoCamera
from video_relay.joint_mirror import JointMirror
from video_relay.simulation import Simulation
from video_relay.source import StereoSource
from video_relay.stereo_file import StereoFile

SIMULATION = "simulation"
CAMERA = "camera"
_DEVICES = re.compile(r"\d{1,3}(,\d{1,3})?")


@dataclass(frozen=True)
class Wanted:
    """What a source shall deliver.

    Attributes:
        size: Columns and rows of each picture [px]; files and cameras are reduced to fit.
        rate: Frame rate asked of a camera [Hz].
        layout: Where the eyes are in a picture that holds both.
        field_of_view: Angle from the left to the right edge of each picture [rad].
        baseline: Distance of the eyes of a file or camera [m].
        affordable: Processor time that a pair of rendered pictures may take [s].
    """

    size: tuple[int, int]
    rate: float
    layout: str
    field_of_view: float
    baseline: float
    affordable: float


def make_source(text: str, wanted: Wanted, mirror: JointMirror, describe: Callable[[], str]) -> StereoSource:
    """Return the source that a text means, not yet connected.

    Args:
        text: "simulation"; "camera" for the first device; "0" or "0,1" for devices; else the path of a file.
        wanted: What it shall deliver.
        mirror: Where the robot's joints are, for the simulation.
        describe: Returns the robot description, for the simulation.

    Raises:
        ValueError: the text is empty, or names a device twice.
    """
    if not text.strip():
        raise ValueError("source: empty; give simulation, camera, a device like 0 or 0,1, or the path of a file")
    if text == SIMULATION:
        return Simulation(mirror, describe, wanted.size, wanted.field_of_view, wanted.affordable)
    if text == CAMERA or _DEVICES.fullmatch(text):
        devices = (0,) if text == CAMERA else tuple(map(int, text.split(",")))
        return StereoCamera(devices, wanted.layout, wanted.size, wanted.rate, wanted.field_of_view, wanted.baseline)
    return StereoFile(text, wanted.layout, wanted.size, wanted.field_of_view, wanted.baseline)
