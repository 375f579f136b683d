"""What the safety monitor advises reaches people: security, priorities, remedies, steps, amounts of limits."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.console import Console

from teleop_cli.arm_history import ServoSeen
from teleop_cli.recorder import SessionRecorder
from teleop_cli.runner import Runner
from teleop_cli.safety_history import SILENT, AlarmSeen, Guidance, SafetyHistory
from teleop_cli.screen import Screen
from teleop_cli.summary import Ending, summarise
from teleop_cli.tables import live_status, progress_line, summary_table

ARMS = ("PSM1", "PSM2")
SILENCE_ALARM = AlarmSeen("COMMAND_SILENCE", 2, "no command for 60 ms", "console")
FAULT_ALARM = AlarmSeen("DRIVER_GONE", 4, "the driver has stopped", "driver", 2, "restart it")
STEPS = ("local team: restart it (driver)", "operator: leave the console", "local team: reset")


def faulty_session(width: int) -> tuple[SessionRecorder, str]:
    """A session in FAULT with advice, and its live status as text."""
    recorder = SessionRecorder(ARMS, created=100.0)
    recorder.begin(101.0)
    guidance = Guidance("mac", (FAULT_ALARM.text, "self-test: PSM1 does not report HOLD"), STEPS)
    recorder.on_safety(110.1, "FAULT", (FAULT_ALARM,), guidance)
    console = Console(width=width, file=io.StringIO(), force_terminal=False)
    console.print(live_status(recorder, {}, 110.2, "title"))
    return recorder, " ".join(console.file.getvalue().split())  # type: ignore[attr-defined]


@pytest.mark.parametrize("width", [60, 120])
def test_the_screen_says_what_is_wrong_how_urgent_and_what_to_do(width: int) -> None:
    """Security, priority, remedy, every step in order, and what else keeps the arms from being permitted to move."""
    _, text = faulty_session(width)
    assert "FAULT security mac" in text
    assert "HIGH DRIVER_GONE: the driver has stopped: restart it" in text
    assert "not armed self-test: PSM1 does not report HOLD" in text
    assert "to do 1. local team: restart it (driver) 2. operator: leave the console 3. local team: reset" in text


def test_the_summary_keeps_security_priority_remedy_and_what_was_left_to_do() -> None:
    """They are in the JSON and the steps in the table."""
    recorder, _ = faulty_session(80)
    summary = summarise(recorder, Ending("over", 1), {}, [], now=120.0)
    assert summary["security"] == "mac"
    assert summary["safety"]["recovery"] == list(STEPS)
    assert summary["safety"]["arming_denied"] == [FAULT_ALARM.text, "self-test: PSM1 does not report HOLD"]
    alarm = next(row for row in summary["safety"]["alarms"] if row["id"] == "DRIVER_GONE")
    assert (alarm["level"], alarm["priority"], alarm["remedy"]) == ("FAULT", "HIGH", "restart it")
    console = Console(width=80, file=io.StringIO(), force_terminal=False)
    console.print(summary_table(summary))
    text = console.file.getvalue()  # type: ignore[attr-defined]
    assert all(expected in text for expected in ("left to do", "3. local team: reset", "security", "mac"))


def test_the_plain_line_names_the_security() -> None:
    """What the monitor says, and unknown as long as it says nothing."""
    recorder, _ = faulty_session(80)
    assert "FAULT, security mac" in progress_line(recorder, 110.2)
    assert "security unknown" in progress_line(SessionRecorder(ARMS, created=0.0), 1.0)


@pytest.mark.parametrize(
    ("levels", "expected"),
    [((), None), (("",), None), (("none",), "none"), (("mac", "mac"), "mac"), (("mac", "none", "mac"), "none"),
     (("mac", "moon"), "moon")],
)  # fmt: skip
def test_the_summary_tells_the_weakest_security(levels: tuple[str, ...], expected: str | None) -> None:
    """A monitor that restarted without keys, or says what nobody knows, does not count as secured."""
    recorder = SessionRecorder(ARMS, created=0.0)
    for step, level in enumerate(levels):
        recorder.on_safety(0.1 * step, "READY", (), Guidance(level))
    assert summarise(recorder, Ending("over", 0), {}, [], now=1.0)["security"] == expected


def test_what_a_silent_monitor_said_last_no_longer_counts() -> None:
    """Its alarms and steps leave the screen; the security that was in force stays in the record."""
    history = SafetyHistory()
    history.update(0.0, "HOLD", (SILENCE_ALARM,), Guidance("mac", ("a",), ("b",)))
    history.tick(1.0)
    assert (history.state, history.alarms, history.guidance, history.security) == (SILENT, (), Guidance(), "mac")


def test_an_alarm_keeps_its_highest_priority() -> None:
    """An alarm that became urgent stays so in the record."""
    history = SafetyHistory()
    for step, priority in enumerate((0, 2, 1)):
        history.update(0.1 * step, "HOLD", (AlarmSeen("A", 2, "text", "here", priority, "remedy"),))
    assert history.records[("A", "here")].priority == 2


def test_a_limit_is_told_with_its_amount() -> None:
    """By how much, with the unit: now on the screen, the most of the session in the summary."""
    recorder = SessionRecorder(("PSM1",), created=0.0)
    recorder.begin(0.0)
    for amount in (0.5, 2.0, 0.25):
        limits = {
            "limit_seconds": {"joint speed": 0.1, "jump": 0.1},
            "limit_amounts": {"joint speed": (amount, "rad/s")},
        }
        recorder.on_servo(1.0, ServoSeen("PSM1", 10, 0, 200.0, [0.002], [1e-4], 0.0, **limits))
    console = Console(width=120, file=io.StringIO(), force_terminal=False)
    console.print(live_status(recorder, {}, 1.0, "title"))
    assert "limited: joint speed by 0.25 rad/s, jump" in console.file.getvalue()  # type: ignore[attr-defined]
    arm = summarise(recorder, Ending("over", 0), {}, [], now=1.0)["arms"]["PSM1"]
    assert arm["limited_by"] == {"joint speed": {"max": 2.0, "unit": "rad/s"}}


def test_a_plain_session_says_every_step_as_it_changes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Between two of its regular lines each new set of steps is a line of its own, the same steps are not."""
    recorder = SessionRecorder(ARMS, created=0.0)
    recorder.begin(0.0)
    with Screen(Runner([], tmp_path, {}), recorder, plain=True) as screen:
        screen.show(0.0)
        for step, (state, left) in enumerate(
            [("HOLD", ("a", "b")), ("HOLD", ("b", "a")), ("HOLD", ("b",)), ("OPERATING", ()), ("OPERATING", ())]
        ):
            recorder.on_safety(0.1 * step, state, (), Guidance("none", (), left))
            screen.show(0.1 * step)
    _, *told = capsys.readouterr().out.splitlines()
    assert told == ["HOLD, to do: a; then b", "HOLD, to do: b", "OPERATING"]
