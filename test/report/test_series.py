"""Reading of a recorded session: what is whole is read, and what is not is told."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from audit.bag_scan import BagError, BagScan
from audit.report.curves import latency_panels
from audit.series.model import SILENT, Session, spans
from audit.series.pictures import picture
from audit.series.read import read_session
from audit.series.topics import stream_of

OPERATING = 2.0
CONSOLE = 0xF00D_0000_0000_0001


def test_what_was_recorded_is_what_is_read(session: Session) -> None:
    """States, arms, hands, commands, control, pictures and stop requests, by the times they were recorded at."""
    assert session.damage == ()
    assert session.duration == pytest.approx(11.991)
    assert session.state.time == pytest.approx([0.0, 1.0, 2.0, 6.03, 8.0, 10.07, 11.0])
    assert list(session.state.value) == [0, 1, 2, 6, 2, 3, 2]
    assert spans(session.permitted, 1.0, session.duration) == [
        pytest.approx((2.0, 6.03)), pytest.approx((8.0, 10.07)), pytest.approx((11.0, 11.991))
    ]  # fmt: skip
    arm = session.arms["PSM1"]
    assert (len(arm.tool), arm.hand) == (1200, "MTMR")
    assert arm.tool.position[-1] == pytest.approx([0.0510, 0.02, -0.15], abs=2e-4)
    assert set(np.round(arm.latency.value, 4)) == {0.002, 0.003, 0.004}
    assert session.hands["MTMR"].position[-1, 0] == pytest.approx(-4.0 * arm.tool.position[-1, 0])
    assert session.commands.session[0] == CONSOLE, "a number of 64 bits keeps all of them"
    assert [int(number) for number in np.unique(session.control.session)] == [0, CONSOLE]
    assert [asked.source for asked in session.stops_asked] == ["nurse"] * 5
    assert {eye: len(frames) for eye, frames in session.frames.items()} == {"left": 120, "right": 120}
    assert session.frames["left"][3].age == pytest.approx(0.02, abs=1e-6)


def test_alarms_last_from_their_first_message_to_the_first_without_them(session: Session) -> None:
    stop, silence = session.alarms
    assert (stop.id, stop.level, stop.latched, stop.source) == ("STOP_REQUEST", 5, True, "nurse")
    assert (stop.since, stop.began, stop.ended) == pytest.approx((6.02, 6.03, 8.0))
    assert (silence.began, silence.ended) == pytest.approx((10.07, 11.0))


def test_missing_publications_are_counted(session: Session) -> None:
    lost = {topic: count.lost for topic, count in session.topics.items() if count.lost}
    assert lost == {"/safety/state": 2, "/teleop/command": 3}
    assert session.topics["/safety/state"].longest_silence == pytest.approx(0.03)


def test_limits_are_summed_by_reason_and_by_who_limited(session: Session) -> None:
    limits = {(limit.reason, limit.by): limit for limit in session.arms["PSM1"].limits}
    gate = limits["tool acceleration", "gate"]
    assert (gate.seconds, gate.times, gate.unit) == (pytest.approx(0.1), 1, "m/s^2")
    assert gate.amount == pytest.approx(3.551, abs=1e-3), "the largest of the reports"
    speed = limits["tool speed", "kinematics"]
    assert (speed.seconds, speed.times) == (pytest.approx(0.5, abs=0.011), 1)


def test_statistics_of_the_link(new_tape: Callable[[str], Any], tmp_path: Path) -> None:
    """What was not measured stays not a number."""
    tape = new_tape("")
    status = {
        "header": {"stamp": {"sec": 0, "nanosec": 0}, "frame_id": ""}, "rtt": 0.15, "jitter": 0.01, "one_way_up": 0.07,
        "one_way_down": 0.08, "clock_error": 0.001, "loss_up": 0.02, "loss_down": float("nan"), "video_age": [],
        "bitrate": 0.0, "level": 1,
    }  # fmt: skip
    for number in range(20):
        tape.add(0.1 * number, "link/status", "telesurgery/msg/LinkStatus", status)
    read = read_session(tape.write(tmp_path / "session"))
    assert len(read.link) == 20
    assert read.link.value[3] == pytest.approx([0.15, 0.01, 0.07, 0.08, 0.02, float("nan"), 1.0], nan_ok=True)
    panels = {panel.title: panel for panel in latency_panels(read)}
    label, _, percent, _ = panels["packets lost on the link [%]"].lines[0]
    assert (label, percent[0]) == ("to the robot", pytest.approx(2.0))


def test_a_picture_is_found_again(session: Session) -> None:
    for frame in (session.frames["right"][0], session.frames["right"][-1]):
        assert picture(session, frame, "right").startswith(b"\xff\xd8\xff")


def test_files_are_read_in_the_order_of_their_numbers(tape: Any, tmp_path: Path) -> None:
    folder = tape.write(tmp_path / "many", files=12, until=4.0)
    read = read_session(folder)
    assert read.damage == ()
    assert np.all(np.diff(read.arms["PSM1"].tool.time) > 0.0), "bag_10 comes after bag_9"


def test_a_namespace_changes_nothing(
    new_tape: Callable[[str], Any], tell: Callable[[Any], Any], tmp_path: Path
) -> None:
    read = read_session(tell(new_tape("/theatre/two")).write(tmp_path / "session", until=4.0))
    assert read.namespace == "/theatre/two"
    assert (len(read.arms["PSM1"].tool), len(read.commands)) == (400, 797)


def test_of_two_namespaces_one_is_read_and_the_other_is_told(new_tape: Callable[[str], Any], tmp_path: Path) -> None:
    folder = tmp_path / "session"
    tape = new_tape("")
    request = {"header": {"stamp": {"sec": 0, "nanosec": 0}, "frame_id": ""}, "source": "a", "reason": "b", "mac": []}
    for topic, times in (("/one/safety/protective_stop", 3), ("/two/safety/protective_stop", 2)):
        for time in range(times):
            tape.add(float(time), topic, "telesurgery/msg/StopRequest", request)
    tape.write(folder)
    read = read_session(folder)
    assert (read.namespace, len(read.stops_asked)) == ("/one", 3)
    assert any("/two" in line for line in read.damage)
    assert len(read_session(folder, "two").stops_asked) == 2
    with pytest.raises(BagError, match="/one, /two"):
        read_session(folder, "three")


@pytest.mark.parametrize("missing", ["safety/", "teleop/", "PSM1", "endoscope", "MTMR", "measured_cp", "servo_report"])
def test_any_topic_may_be_missing(tape: Any, tmp_path: Path, missing: str) -> None:
    read = read_session(tape.write(tmp_path / "session", without=missing, until=2.5))
    assert read.damage == ()
    assert not any(missing in topic for topic in read.topics)


def test_a_killed_writer_costs_what_it_had_not_written(recorded: Path, session: Session, tmp_path: Path) -> None:
    """Cut anywhere, everything before the broken chunk is read, and the place is told."""
    folder = tmp_path / "session"
    shutil.copytree(recorded, folder)
    last = folder / "bag" / "bag_1.mcap"
    content = last.read_bytes()
    whole = [count.recorded for count in session.topics.values()]
    for share in (0.7, 0.4, 0.1):
        last.write_bytes(content[: int(share * len(content))])
        read = read_session(folder)
        assert len(read.damage) == 1
        assert "bag_1.mcap: breaks off at byte" in read.damage[0]
        now = [count.recorded for count in read.topics.values()]
        assert 0.4 * sum(whole) < sum(now) < sum(whole)
        assert read.duration > 5.9, "the first file is whole"


def test_a_damaged_chunk_is_left_out_and_the_rest_is_read(recorded: Path, session: Session, tmp_path: Path) -> None:
    folder = tmp_path / "session"
    shutil.copytree(recorded, folder)
    first = folder / "bag" / "bag_0.mcap"
    place = session.frames["left"][25].place
    content = bytearray(first.read_bytes())
    content[place.offset + 2_000] ^= 0x10
    first.write_bytes(content)
    read = read_session(folder)
    assert len(read.damage) == 1
    assert f"chunk at byte {place.offset} is damaged" in read.damage[0]
    assert read.duration == session.duration
    assert 0 < len(session.arms["PSM1"].tool) - len(read.arms["PSM1"].tool) < 100


def test_rubbish_in_the_place_of_a_message_is_told(new_tape: Callable[[str], Any], tmp_path: Path) -> None:
    tape = new_tape("")
    tape.add(0.0, "safety/state", "std_msgs/msg/String", {"data": "no state"})
    tape.add(1.0, "/diagnostics", "std_msgs/msg/String", {"data": "x"})
    read = read_session(tape.write(tmp_path / "session"))
    assert len(read.state) == 0
    assert any("/safety/state" in line for line in read.damage)


def test_a_silent_monitor_is_a_state_of_its_own(new_tape: Callable[[str], Any], tmp_path: Path) -> None:
    """No permit for half a second and more."""
    tape = new_tape("")
    request = {"header": {"stamp": {"sec": 0, "nanosec": 0}, "frame_id": ""}, "source": "a", "reason": "b", "mac": []}
    for time in (0.0, 0.2, 0.4, 2.0):
        state = {
            "header": request["header"], "state": 2, "motion_permitted": True, "session": 1, "permit_sequence": 1,
            "lease": 0.1, "velocity_ratio": 1.0, "security": "mac", "alarms": [], "arming_denied": [], "recovery": [],
            "mac": [],
        }  # fmt: skip
        tape.add(time, "safety/state", "telesurgery/msg/SafetyState", state)
    tape.add(4.0, "safety/protective_stop", "telesurgery/msg/StopRequest", request)
    read = read_session(tape.write(tmp_path / "session"))
    assert spans(read.state, float(SILENT), read.duration) == [pytest.approx((0.9, 2.0)), pytest.approx((2.5, 4.0))]
    assert spans(read.permitted, 1.0, read.duration) == [pytest.approx((0.0, 0.9)), pytest.approx((2.0, 2.5))]
    assert read.security == "mac"


def test_a_gap_of_the_record_is_no_silence_of_the_monitor(new_tape: Callable[[str], Any], tmp_path: Path) -> None:
    """Its numbers rose as if nothing had happened: the recorder missed them. In another session nothing is known."""
    told = [(0.0, 1, 1), (2.0, 1, 201), (4.0, 1, 250), (6.0, 2, 900)]
    tape = new_tape("")
    for time, session, sequence in told:
        state = {
            "header": {"stamp": {"sec": 0, "nanosec": 0}, "frame_id": ""}, "state": 2, "motion_permitted": True,
            "session": session, "permit_sequence": sequence, "lease": 0.1, "velocity_ratio": 1.0, "security": "none",
            "alarms": [], "arming_denied": [], "recovery": [], "mac": [],
        }  # fmt: skip
        tape.add(time, "safety/state", "telesurgery/msg/SafetyState", state)
    read = read_session(tape.write(tmp_path / "session"))
    assert spans(read.state, float(SILENT), read.duration) == [pytest.approx((2.5, 4.0)), pytest.approx((4.5, 6.0))]


def test_what_is_no_session_is_refused_with_the_way_out(tmp_path: Path) -> None:
    for folder, text in ((tmp_path / "none", "no such folder"), (tmp_path, "no bag/.*mcap in it")):
        with pytest.raises(BagError, match=text):
            BagScan(folder)
    (tmp_path / "bag").mkdir()
    (tmp_path / "bag" / "bag_0.mcap").write_bytes(b"this is no MCAP file, and it is long enough to be read")
    with pytest.raises(BagError, match=r"no message in it can be read; bag_0\.mcap: damaged at byte 0"):
        read_session(tmp_path)


@pytest.mark.parametrize(
    ("topic", "stream", "part", "namespace"),
    [
        ("/PSM1/measured_cp", "measured_cp", "PSM1", ""),
        ("/PSM1/local/measured_cp", "local_measured_cp", "PSM1", ""),
        ("/MTML/measured_cp", "master_measured_cp", "MTML", ""),
        ("/a/b/PSM2/jaw/measured_js", "jaw_measured_js", "PSM2", "/a/b"),
        ("/x/endoscope/left/image_raw/compressed", "image", "left", "/x"),
        ("/x/diagnostics", "diagnostics", "", "/x"),
    ],
)
def test_topics_are_known_in_any_namespace(topic: str, stream: str, part: str, namespace: str) -> None:
    found = stream_of(topic)
    assert found is not None
    assert (found.stream, found.part, found.namespace) == (stream, part, namespace)


@pytest.mark.parametrize("topic", ["/PSM9/measured_cp", "/measured_cp", "/PSM1/measured_cp/more", "/parameter_events"])
def test_other_topics_are_none_of_the_streams(topic: str) -> None:
    assert stream_of(topic) is None


def test_reading_says_how_far_it_is(recorded: Path) -> None:
    """Never backwards, and to the last chunk."""
    seen: list[tuple[int, int]] = []
    read_session(recorded, progress=lambda *so_far: seen.append(so_far))
    sizes = sum(path.stat().st_size for path in recorded.glob("bag/*.mcap"))
    assert {total for _, total in seen} == {sizes}
    assert [done for done, _ in seen] == sorted({done for done, _ in seen})
    assert len(seen) >= 2
