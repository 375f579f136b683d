from __future__ import annotations

import io
import json
import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from teleop_cli.arm_history import ArmSeen, ServoSeen
from teleop_cli.command_count import CommandCount, Counters
from teleop_cli.recorder import RecordSeen, SessionRecorder
from teleop_cli.safety_history import SILENT, AlarmSeen, SafetyHistory
from teleop_cli.summary import Ending, rounded, summarise, write_json
from teleop_cli.tables import live_status, summary_table
from teleop_core.signals import TeleopState

KEYS = {
    "duration_s", "commands", "motion_latency_ms", "tracking_error_mm", "rcm_deviation_um", "command_rate_hz", "servo",
    "video", "safety", "arms", "outputs", "cpu", "exit", "security", "record", "console_record",
}  # fmt: skip
ARMS = ("PSM1", "PSM2")
SILENCE_ALARM = AlarmSeen("COMMAND_SILENCE", 2, "no command for 60 ms", "console")


def seen(name: str, x: float, state: TeleopState = TeleopState.FOLLOWING, limits: tuple[str, ...] = ()) -> ArmSeen:
    return ArmSeen(name, state, limits, 0.0, (x, 0.0, -0.1))


def report(name: str, applied: int, late: int = 0, **more: Any) -> ServoSeen:
    return ServoSeen(name, applied, late, 200.0, [0.002, 0.004], [1e-4, 3e-4], 1e-9, **more)


def short_session() -> SessionRecorder:
    """Ten seconds: 2 s start-up, then 8 s of which the last two are HOLD and PAUSED."""
    recorder = SessionRecorder(ARMS, created=100.0)
    recorder.on_safety(100.5, "SELF_TEST", (AlarmSeen("START", 0, "no video yet"),))
    recorder.on_safety(101.5, "OPERATING", ())
    for step in range(81):
        now = 102.0 + 0.1 * step
        accepted = 500 + 20 * step
        counters = Counters(7, accepted + 10, accepted, {"stale": 3, "duplicate": 0})
        recorder.on_feedback(now, counters, [seen(name, 0.001 * step) for name in ARMS])
        if step == 0:
            for name in ARMS:
                recorder.on_servo(now, report(name, 400))
            recorder.begin(now)
        for name in ARMS:
            recorder.on_servo(now, report(name, 400 + 20 * step, late=step // 40, limit_seconds={"workspace": 0.01}))
        for eye in ("left", "right"):
            recorder.on_image(now, eye, 5, 0.05, b"")
        if step < 60:
            recorder.on_safety(now, "OPERATING", ())
        else:
            recorder.on_safety(now, "HOLD" if step < 70 else "PAUSED", (SILENCE_ALARM,))
    recorder.end(110.0)
    return recorder


def test_the_summary_has_exactly_the_documented_keys() -> None:
    """Every key is there whether or not anything was measured, and the text is JSON without NaN."""
    for recorder in (short_session(), SessionRecorder(ARMS, created=0.0)):
        summary = summarise(recorder, Ending("over", 0), {"driver": 0.25}, ["a.png"], now=120.0)
        assert set(summary) == KEYS
        json.dumps(summary, allow_nan=False)


def test_what_was_not_measured_is_null() -> None:
    """A session that saw nothing reports null, not zero."""
    summary = summarise(SessionRecorder(ARMS, created=0.0), Ending("failed", 3), {}, [], now=20.0)
    assert summary["commands"]["sent"] is None
    assert summary["commands"]["accepted"] is None
    assert summary["motion_latency_ms"] == {"p50": None, "p99": None, "max": None}
    assert summary["rcm_deviation_um"]["max"] is None
    assert summary["command_rate_hz"] is None
    assert summary["servo"] == {"rate_hz": None, "late_fraction": None}
    assert summary["video"] == {"fps": None, "age_ms": {"p50": None, "p99": None}, "renderer": None}
    assert summary["safety"]["final_state"] is None


def test_the_figures_are_those_of_the_measured_time() -> None:
    """Counts of the start-up are left out; times, rates and ways are those of the measurement."""
    summary = summarise(short_session(), Ending("over", 0), {}, [], now=120.0)
    assert summary["duration_s"] == pytest.approx(8.0)
    assert summary["commands"]["accepted"] == 1600
    assert summary["commands"]["sent"] == 1600
    assert summary["commands"]["dropped"] == {"stale": 0, "duplicate": 0, "lost": 0}
    assert summary["command_rate_hz"] == pytest.approx(200.0)
    assert summary["servo"] == {"rate_hz": 200.0, "late_fraction": pytest.approx(2 * 2 / 3200)}
    assert summary["video"]["fps"] == pytest.approx(81 / 8.0, rel=1e-3)
    assert summary["motion_latency_ms"]["p50"] == pytest.approx(3.0, rel=1e-3)
    assert summary["tracking_error_mm"]["max"] == pytest.approx(0.3, rel=1e-3)
    assert summary["rcm_deviation_um"]["max"] == pytest.approx(1e-3)
    arm = summary["arms"]["PSM1"]
    assert arm["following_s"] == pytest.approx(8.0)
    assert arm["path_length_mm"] == pytest.approx(80.0)
    assert arm["limited_s"] == {"workspace": pytest.approx(0.81)}


def test_safety_tells_states_transitions_and_alarms() -> None:
    """The hold is in the transitions with its time and reason; start-up lies before zero; times add up."""
    safety = summarise(short_session(), Ending("over", 0), {}, [], now=120.0)["safety"]
    assert safety["final_state"] == "PAUSED"
    assert [(row["from"], row["to"]) for row in safety["transitions"]] == [
        (None, "SELF_TEST"),
        ("SELF_TEST", "OPERATING"),
        ("OPERATING", "HOLD"),
        ("HOLD", "PAUSED"),
    ]
    assert [row["at_s"] for row in safety["transitions"]] == [-1.5, -0.5, 6.0, 7.0]
    assert safety["transitions"][2]["reason"] == "COMMAND_SILENCE: no command for 60 ms"
    assert safety["time_in_state_s"] == {"OPERATING": 6.0, "HOLD": 1.0, "PAUSED": 1.0}
    alarm = next(row for row in safety["alarms"] if row["id"] == "COMMAND_SILENCE")
    assert (alarm["level"], alarm["first_at_s"], alarm["count"]) == ("HOLD", 6.0, 1)


def test_nothing_changes_a_record_that_has_ended() -> None:
    """What the nodes say while they are being stopped does not become the final state."""
    recorder = short_session()
    before = summarise(recorder, Ending("over", 0), {}, [], now=120.0)
    recorder.on_safety(110.1, "FAULT", ())
    recorder.on_servo(110.1, report("PSM1", 9000))
    recorder.on_image(110.1, "left", 9, 0.5, b"")
    assert summarise(recorder, Ending("over", 0), {}, [], now=130.0) == before


def test_a_silent_monitor_is_a_state_of_its_own() -> None:
    """A monitor that died does not leave its last good state standing as the final one."""
    history = SafetyHistory()
    history.begin(0.0)
    history.update(0.0, "OPERATING", ())
    history.tick(0.4)
    assert history.state == "OPERATING"
    history.tick(0.6)
    assert history.state == SILENT
    assert history.transitions[-1].reason == "no message from safety_monitor"
    history.update(0.7, "READY", ())
    assert history.state == "READY"


def test_an_alarm_is_counted_each_time_it_becomes_active() -> None:
    """Present in a hundred messages is once; gone and back is twice."""
    history = SafetyHistory()
    for step in range(100):
        history.update(0.01 * step, "HOLD", (SILENCE_ALARM,))
    history.update(1.0, "OPERATING", ())
    history.update(1.1, "HOLD", (SILENCE_ALARM,))
    assert history.records[SILENCE_ALARM.key].count == 2


@given(st.lists(st.sampled_from(["accepted", "stale", "malformed", "lost"]), max_size=60))
def test_every_command_is_accounted_for_once(fates: list[str]) -> None:
    """Sent = accepted + stale + malformed + lost."""
    count = CommandCount()
    totals = {"accepted": 0, "stale": 0, "malformed": 0}
    last, expected = 0, dict.fromkeys(["accepted", "stale", "malformed", "lost"], 0)
    count.update(0.0, Counters(5, 0, 0, {"stale": 0, "malformed": 0}))
    count.begin()
    for sequence, fate in enumerate([*fates, "accepted"], start=1):
        expected[fate] += 1
        if fate != "lost":
            totals[fate] += 1
        last = sequence if fate == "accepted" else last
        dropped = {"stale": totals["stale"], "malformed": totals["malformed"]}
        count.update(0.1 * sequence, Counters(5, last, totals["accepted"], dropped))
    assert count.sent() == len(fates) + 1
    assert count.accepted() == expected["accepted"]
    assert {reason: count.dropped()[reason] for reason in ("stale", "malformed", "lost")} == {
        reason: expected[reason] for reason in ("stale", "malformed", "lost")
    }


def test_commands_after_the_last_accepted_one_are_known_from_the_sender() -> None:
    """A receiver that refuses everything does not hide what was sent."""
    count = CommandCount()
    count.update(0.0, Counters(5, 10, 10, {"stale": 0}))
    count.begin()
    count.update(1.0, Counters(5, 10, 10, {"stale": 40}))
    count.sender_says(60)
    assert count.sent() == 50
    assert count.accepted() == 0
    assert count.dropped() == {"stale": 40, "lost": 10}


def test_following_does_not_grow_while_nothing_is_heard() -> None:
    """Silence of the feedback counts for at most half a second of following."""
    recorder = SessionRecorder(("PSM1",), created=0.0)
    recorder.on_feedback(0.0, Counters(1, 1, 1), [seen("PSM1", 0.0)])
    recorder.begin(0.0)
    recorder.on_feedback(10.0, Counters(1, 2, 2), [seen("PSM1", 0.0)])
    assert recorder.arms["PSM1"].following == pytest.approx(0.5)


def test_clutching_is_no_way_of_the_tool() -> None:
    """Where the tool did not follow, the distance to where it goes on is not part of its path."""
    recorder = SessionRecorder(("PSM1",), created=0.0)
    recorder.begin(0.0)
    steps = [(0.0, TeleopState.FOLLOWING), (0.01, TeleopState.FOLLOWING), (0.05, TeleopState.CLUTCHED)]
    for index, (x, state) in enumerate([*steps, (0.09, TeleopState.FOLLOWING), (0.10, TeleopState.FOLLOWING)]):
        recorder.on_feedback(0.1 * index, Counters(1, index, index), [seen("PSM1", x, state)])
    assert recorder.arms["PSM1"].path_length == pytest.approx(0.02)


def test_missing_names_node_and_stream() -> None:
    """A start-up that does not succeed can be told by node and topic."""
    recorder = SessionRecorder(ARMS, created=0.0)
    assert "safety_monitor: nothing on safety/state" in recorder.missing()
    assert "driver: nothing on PSM2/servo_report" in recorder.missing()
    assert "video_relay: nothing on endoscope/left/image_raw/compressed" in recorder.missing()
    assert short_session().missing() == []


@given(st.floats(allow_nan=True, allow_infinity=True))
def test_rounding_keeps_the_value_or_says_nothing(value: float) -> None:
    """A finite number keeps its first digits; anything else is null."""
    result = rounded(value)
    if math.isfinite(value):
        assert result == pytest.approx(value, rel=1e-3)
    else:
        assert result is None


def test_a_summary_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    """A failed write leaves the old file as it was and no half-written one beside it."""
    path = tmp_path / "summary.json"
    write_json(path, {"a": 1})
    with pytest.raises(ValueError, match="JSON"):
        write_json(path, {"a": math.nan})
    assert json.loads(path.read_text()) == {"a": 1}
    assert list(tmp_path.iterdir()) == [path]


def test_a_full_disk_is_an_error() -> None:
    """Writing to a device without space raises, so that it can be told."""
    with pytest.raises(OSError, match="No space left"):
        write_json(Path("/dev/full"), {"a": 1})


def test_a_better_state_is_explained_by_what_is_over() -> None:
    """Out of HOLD the reason names the cause that went, not one that stays; into HOLD the cause that came."""
    history = SafetyHistory()
    old, stale = AlarmSeen("VIDEO_OLD", 1, "late", "left eye"), AlarmSeen("VIDEO_STALE", 2, "too old", "left eye")
    for now, state, alarms in ((0.0, "OPERATING", (old,)), (0.1, "HOLD", (stale, old)), (0.2, "OPERATING", (old,))):
        history.update(now, state, alarms)
    assert [change.reason for change in history.transitions[1:]] == [
        "VIDEO_STALE: too old (and VIDEO_OLD)",
        "over: VIDEO_STALE",
    ]


def test_the_roots_of_both_sites_are_shown() -> None:
    """Live enough digits for `verify --root`, in the summary all; one site alone is not named."""
    recorder = short_session()
    roots = {"console": "ab" * 32, "robot": "cd" * 32}
    for count, (site, root) in enumerate(roots.items(), start=1):
        recorder.records[site] = RecordSeen(True, "", root, 0, 2_000_000)
        console = Console(width=120, file=io.StringIO(), force_terminal=False)
        console.print(live_status(recorder, {}, 110.0, "title"))
        text = console.file.getvalue()  # type: ignore[attr-defined]
        assert [site for site in roots if f"at the {site}:" in text] == ([] if count == 1 else list(roots))
        assert all(recorder.records[site].root[:16] in text for site in recorder.records)
    summary = summarise(recorder, Ending("over", 0), {}, [], now=120.0, record_folders={"robot": "/r", "console": "/c"})
    assert {summary["record"]["root"], summary["console_record"]["root"]} == set(roots.values())


@pytest.mark.parametrize("width", [40, 80, 120])
def test_the_live_status_is_whole_at_any_width(width: int) -> None:
    """States, reasons and figures stay readable: no line is wider than the terminal, no word is cut off."""
    recorder = short_session()
    recorder.on_operating_state("PSM1", "ENABLED, homed")
    console = Console(width=width, file=io.StringIO(), force_terminal=False)
    console.print(live_status(recorder, {"driver": 0.25}, 110.0, "title"))
    text = console.file.getvalue()  # type: ignore[attr-defined]
    assert all(len(line) <= width for line in text.splitlines())
    assert "…" not in text
    words = " ".join(text.split())
    for expected in (
        "PAUSED",
        "COMMAND_SILENCE",
        "PSM1 FOLLOWING",
        "PSM2 FOLLOWING",
        "workspace",
        "ms hand",
        "fps",
        "25%",
    ):
        assert expected in words


def test_the_summary_table_fits_80_columns() -> None:
    """At 80 columns the table shows each arm, each change of state and its reason."""
    console = Console(width=80, file=io.StringIO(), force_terminal=False)
    console.print(summary_table(summarise(short_session(), Ending("over", 0), {}, ["a.png"], now=120.0)))
    text = console.file.getvalue()  # type: ignore[attr-defined]
    assert all(len(line) <= 80 for line in text.splitlines())
    for expected in ("PSM1", "PSM2", "OPERATING → HOLD", "HOLD → PAUSED", "COMMAND_SILENCE", "a.png"):
        assert expected in text
