"""A recorded session made by the test: the real definitions of the messages, CDR, MCAP, and no ROS."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from mcap.writer import CompressionType
from mcap_ros2.writer import Writer

from audit.definitions import definition
from audit.series.model import Session
from audit.series.read import read_session

ZERO_NS = 1_795_000_000_000_000_000
HOSTILE = "smoke <script>alert(1)</script> & \"quotes\" $x^2$ 'single'"
CONSOLE = 0xF00D_0000_0000_0001
SELF_TEST, READY, OPERATING, HOLD, PROTECTIVE_STOP = 0, 1, 2, 3, 6
ALIGNING, FOLLOWING, CLUTCHED = 1, 2, 3


def stamp(time: float) -> dict[str, int]:
    """A time since the beginning [s] as builtin_interfaces/Time."""
    nanoseconds = ZERO_NS + round(time * 1e9)
    return {"sec": nanoseconds // 1_000_000_000, "nanosec": nanoseconds % 1_000_000_000}


def header(time: float, frame: str = "") -> dict[str, Any]:
    return {"stamp": stamp(time), "frame_id": frame}


def pose(x: float, y: float = 0.0, z: float = 0.0) -> dict[str, Any]:
    return {"position": {"x": x, "y": y, "z": z}, "orientation": {"x": 0.0, "y": 0.0, "z": 0.0, "w": 1.0}}


class Tape:
    """Messages of a session, written to one or more MCAP files in order of time."""

    def __init__(self, namespace: str = "") -> None:
        self._namespace = namespace
        self._rows: list[tuple[float, str, str, dict[str, Any], int]] = []
        self._numbers: dict[str, int] = {}

    def add(self, time: float, topic: str, interface: str, message: dict[str, Any], lost: int = 0) -> None:
        """One message; `lost` publications before it were never recorded."""
        full = topic if topic.startswith("/") else f"{self._namespace}/{topic}"
        number = self._numbers[full] = self._numbers.get(full, 0) + 1 + lost
        self._rows.append((time, full, interface, message, number))

    def write(self, folder: Path, *, files: int = 1, without: str = "", until: float = 1e9) -> Path:
        """Write bag/bag_0.mcap ... up to a time [s]; topics that contain `without` are left out."""
        (folder / "bag").mkdir(parents=True, exist_ok=True)
        told = [row for row in self._rows if row[0] < until and (not without or without not in row[1])]
        rows = sorted(told, key=lambda row: row[0])
        for index, part in enumerate(np.array_split(np.arange(len(rows)), files)):
            with (folder / "bag" / f"bag_{index}.mcap").open("wb") as file:
                writer = Writer(file, chunk_size=16_384, compression=CompressionType.NONE)
                schemas: dict[str, Any] = {}
                for time, topic, interface, message, number in (rows[row] for row in part):
                    if interface not in schemas:
                        schemas[interface] = writer.register_msgdef(interface, definition(interface))
                    arrival = ZERO_NS + round(time * 1e9)
                    writer.write_message(topic, schemas[interface], message, arrival, arrival, number)
                writer.finish()
        return folder


def alarm(name: str, level: int, since: float, source: str, text: str) -> dict[str, Any]:
    return {
        "id": name, "level": level, "priority": 2, "since": stamp(since), "latched": level >= 4, "source": source,
        "text": text, "remedy": "make it safe to go on",
    }  # fmt: skip


def safety(time: float, state: int, number: int, alarms: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "header": header(time), "state": state, "motion_permitted": state == OPERATING, "session": 7,
        "permit_sequence": number, "lease": 0.1, "velocity_ratio": 1.0, "security": "none", "alarms": alarms,
        "arming_denied": [], "recovery": [], "mac": [],
    }  # fmt: skip


def jpeg() -> bytes:
    import matplotlib.image

    file = io.BytesIO()
    matplotlib.image.imsave(file, np.full((24, 32, 3), 0.4), format="jpeg")
    return file.getvalue()


def tell_session(tape: Tape) -> Tape:
    """Twelve seconds of PSM1: a stop request at 6.00 s, heard at 6.03 s; silence of the console from 10.00 s on.

    The tool moves at 10 mm/s along x from 2 s to the stop, apart from a clutch from 4.0 to 4.5 s, and again from 8.5 s
    to 10.06 s. Two safety states and three commands are missing in the record.
    """
    stop = alarm("STOP_REQUEST", 5, 6.02, "nurse", f"nurse: protective stop ({HOSTILE})")
    silence = alarm("COMMAND_SILENCE", 2, 10.06, "console", "console: commands of the operator are missing (0.06 s)")
    for number in range(1200):
        time = number * 0.01
        state, alarms = state_at(time, stop, silence)
        message = safety(time, state, number + 1, alarms)
        if number not in (300, 301):
            tape.add(time, "safety/state", "telesurgery/msg/SafetyState", message, lost=2 if number == 302 else 0)
    for time in np.arange(6.0, 6.05, 0.01):
        request = {"header": header(time), "source": "nurse", "reason": HOSTILE, "mac": []}
        tape.add(float(time), "safety/protective_stop", "telesurgery/msg/StopRequest", request)
    _tell_commands(tape)
    _tell_arm(tape)
    image = jpeg()
    for number in range(120):
        time = number * 0.1 + 0.033
        for eye in ("left", "right"):
            picture = {"header": header(time - 0.02, f"ECM_{eye}_optical"), "format": "jpeg", "data": image}
            tape.add(time, f"endoscope/{eye}/image_raw/compressed", "sensor_msgs/msg/CompressedImage", picture)
    return tape


def state_at(time: float, stop: dict[str, Any], silence: dict[str, Any]) -> tuple[int, list[dict[str, Any]]]:
    if time < 1.0:
        return SELF_TEST, []
    if time < 2.0:
        return READY, []
    if 6.025 < time < 8.0:
        return PROTECTIVE_STOP, [stop]
    if 10.065 < time < 11.0:
        return HOLD, [silence]
    return OPERATING, []


def moves(time: float) -> bool:
    return 2.0 <= time < 4.0 or 4.5 <= time < 6.035 or 8.5 <= time < 10.065


def _tell_commands(tape: Tape) -> None:
    for number in range(2001):
        time = number * 0.005
        clutch = 4.0 <= time < 4.5 or 8.2 <= time < 8.5
        message = {
            "header": header(time), "session": CONSOLE, "sequence": number + 1, "clutch_epoch": 0,
            "operator_present": True, "clutch": clutch, "camera": False, "motion_scale": 0.25,
            "feedback_stamp": stamp(0.0), "feedback_age": 0.0, "hands": [], "mac": [],
        }  # fmt: skip
        if number not in (700, 701, 702):
            tape.add(time, "teleop/command", "telesurgery/msg/OperatorCommand", message, lost=3 if number == 703 else 0)


def _tell_arm(tape: Tape) -> None:
    x = 0.0
    for number in range(1200):
        time = number * 0.01 + 0.001
        x += 0.0001 if moves(time) else 0.0
        pair = FOLLOWING if moves(time) else CLUTCHED if 4.0 <= time < 4.5 else ALIGNING
        arm = {
            "name": "PSM1", "hand": "MTMR", "teleop_state": pair,
            "limit_reasons": ["tool speed"] if 3.0 <= time < 3.5 else [],
            "tracking_error": 0.0, "tracking_error_angle": 0.0, "setpoint": pose(x), "measured": pose(x),
            "jaw_setpoint": 0.0, "jaw_measured": 0.0,
        }  # fmt: skip
        feedback = {
            "header": header(time), "session": CONSOLE if time > 0.5 else 0, "last_sequence": 1,
            "command_stamp": stamp(0.0), "command_hold": 0.0, "accepted": 2 * number, "stale": number // 400,
            "duplicate": 0, "reordered": 0, "malformed": 0, "foreign": 0, "unauthenticated": 0, "arms": [arm],
        }  # fmt: skip
        tape.add(time, "teleop/feedback", "telesurgery/msg/TeleopFeedback", feedback)
        for topic in ("PSM1/local/measured_cp", "PSM1/local/setpoint_cp"):
            tape.add(
                time, topic, "geometry_msgs/msg/PoseStamped", {"header": header(time), "pose": pose(x, 0.02, -0.15)}
            )
        hand = {"header": header(time), "pose": pose(-4.0 * x)}
        tape.add(time, "MTMR/measured_cp", "geometry_msgs/msg/PoseStamped", hand)
        if number % 10 == 5:
            tape.add(time, "PSM1/servo_report", "telesurgery/msg/ServoReport", _report(time, moves(time)))


def _report(time: float, moving: bool) -> dict[str, Any]:
    limited = 3.0 <= time < 3.2
    return {
        "header": header(time), "name": "PSM1", "received": 1, "applied": 1, "late": 0, "servo_rate": 200.0,
        "motion_latency": [0.002, 0.003, 0.004] if moving else [], "tracking_error": [1e-5, 2e-5] if moving else [],
        "rcm_deviation": 0.0, "limit_reasons": ["tool acceleration"] if limited else [],
        "limit_seconds": [0.05] if limited else [], "limit_amounts": [0.4 + time] if limited else [],
        "limit_units": ["m/s^2"] if limited else [], "holding": not moving,
        "hold_reason": "" if moving else "no commands", "permitted": moving,
        "permit_session": 7, "permit_sequence": 1, "permits_refused": 0, "unauthenticated": 0,
    }  # fmt: skip


@pytest.fixture(scope="session")
def tape() -> Tape:
    """The session, not yet written."""
    return tell_session(Tape())


@pytest.fixture(scope="session")
def recorded(tape: Tape, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of the session in two files, for reading only."""
    return tape.write(tmp_path_factory.mktemp("recorded") / "session", files=2)


@pytest.fixture(scope="session")
def session(recorded: Path) -> Session:
    """The session as it was read."""
    return read_session(recorded)


@pytest.fixture
def new_tape() -> Callable[[str], Tape]:
    """Makes an empty tape in a namespace."""
    return Tape


@pytest.fixture
def tell() -> Callable[[Tape], Tape]:
    """Tells the session on a tape."""
    return tell_session
