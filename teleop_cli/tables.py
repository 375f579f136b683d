"""What the terminal shows: the live status, the one-line progress, the summary table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from rich import box
from rich.console import Group
from rich.table import Table
from rich.text import Text

from teleop_cli.arm_history import ServoSeen
from teleop_cli.recorder import RecordSeen, SessionRecorder
from teleop_cli.safety_history import SafetyHistory, reason_of
from teleop_cli.summary import PRIORITY_NAMES, name_of
from teleop_core.contract import SITES

SHOWN_TRANSITIONS = 12
SHOWN_ALARMS = 3
SHOWN_ROOT = 16
"""Digits of a root: enough to compare by eye, and for `telesurgery audit verify --root`."""
STYLE_OF_PRIORITY = {"HIGH": "bold red", "MEDIUM": "bold yellow", "LOW": "cyan"}
STYLE_OF_STATE = {
    "OPERATING": "bold green",
    "READY": "cyan",
    "SELF_TEST": "cyan",
    "HOLD": "bold yellow",
    "PAUSED": "bold yellow",
    "FAULT": "bold red",
    "PROTECTIVE_STOP": "bold red",
    "SILENT": "bold red",
    "FOLLOWING": "green",
    "CLUTCHED": "cyan",
    "ALIGNING": "yellow",
}
HINT_OF_STATE = {"ALIGNING": "waits for the clutch: press, release", "CLUTCHED": "rests: clutch pressed"}
"""What a person can do about the state of a hand-arm pair."""


def number(value: float | None, form: str = ".1f") -> str:
    """The value in this format; a dash where nothing was measured."""
    return "-" if value is None else format(value, form)


def progress_line(recorder: SessionRecorder, now: float) -> str:
    """One plain line about the present: for logs and terminals without a screen."""
    arms = ", ".join(f"{name} {_teleop_state(recorder, name)}" for name in recorder.arms)
    safety = recorder.safety
    return (
        f"{recorder.duration(now):6.1f} s  {safety.state or 'no safety state'}, "
        f"security {safety.guidance.security or 'unknown'}  {arms}  "
        f"{number(recorder.command_rate.value, '.0f')} commands/s  "
        f"latency {number(_scaled(recorder.last_latency, 1e3), '.2f')} ms  "
        f"error {number(_scaled(recorder.last_error, 1e3), '.2f')} mm  "
        f"video {number(recorder.video_rate.value)} fps  dropped {_dropped(recorder.commands.dropped())}"
    )


def live_status(recorder: SessionRecorder, cpu: Mapping[str, float], now: float, title: str) -> Group:
    """The live screen."""
    state = recorder.safety.state or "no safety state"
    time = f"{recorder.duration(now):.1f} s" if recorder.began is not None else "starting"
    rows = Table(box=None, show_header=False, padding=(0, 1))
    rows.add_column(style="cyan", no_wrap=True)
    rows.add_column()
    security = f"  security {recorder.safety.guidance.security or 'unknown'}"
    rows.add_row("safety", Text.assemble((state, STYLE_OF_STATE.get(state, "")), (security, "dim")))
    for name, line in _guidance_rows(recorder.safety):
        rows.add_row(name, line)
    for name in recorder.arms:
        rows.add_row(name, _arm_line(recorder, name))
    dropped = _dropped(recorder.commands.dropped())
    rows.add_row("commands", f"{number(recorder.command_rate.value, '.0f')} Hz, dropped {dropped}")
    rows.add_row("latency", f"{number(_scaled(recorder.last_latency, 1e3), '.2f')} ms hand to setpoint")
    rows.add_row("tracking", f"{number(_scaled(recorder.last_error, 1e3), '.2f')} mm error")
    rows.add_row("video", f"{number(recorder.video_rate.value)} fps per eye  {recorder.renderer or ''}")
    for name, line in _record_rows(recorder):
        rows.add_row(name, line)
    rows.add_row("CPU", Text(_shares(cpu) or "-", "dim"))
    return Group(Text.assemble((title, "bold"), f"  {time}"), rows)


def _guidance_rows(safety: SafetyHistory) -> Iterator[tuple[str, Text]]:
    """What is wrong, what keeps the arms from being permitted to move beside that, and what is left to do."""
    for alarm in safety.alarms[:SHOWN_ALARMS]:
        priority = name_of(alarm.priority, PRIORITY_NAMES)
        remedy = f": {alarm.remedy}" if alarm.remedy else ""
        line = Text.assemble((priority, STYLE_OF_PRIORITY.get(priority, "")), f" {reason_of((alarm,))}{remedy}")
        yield "alarm", line
    if len(safety.alarms) > SHOWN_ALARMS:
        yield "", Text(f"and {len(safety.alarms) - SHOWN_ALARMS} more")
    told = {alarm.text for alarm in safety.alarms}
    denied = [reason for reason in safety.guidance.arming_denied if reason not in told]
    if denied:
        yield "not armed", Text("; ".join(denied))
    for index, step in enumerate(safety.guidance.recovery):
        yield "" if index else "to do", Text(f"{index + 1}. {step}")


def summary_table(summary: Mapping[str, Any]) -> Table:
    """The summary as a table."""
    table = Table(title="Session", box=box.ROUNDED, show_header=False, title_style="bold")
    table.add_column(style="cyan", no_wrap=True)
    table.add_column()
    for name, text in [*_motion_rows(summary), *_safety_rows(summary["safety"], summary["security"])]:
        state = text.partition("  ")[0]
        table.add_row(name, Text(text, STYLE_OF_STATE.get(state, "") if name == "safety" else ""))
    table.add_row("record", _record(summary["record"]))
    if summary["console_record"] is not None:
        table.add_row("at the console", _record(summary["console_record"]))
    table.add_row("CPU", _shares(summary["cpu"]) or "-")
    ending = summary["exit"]
    table.add_row("end", Text(ending["reason"], "green" if ending["code"] == 0 else "bold red"))
    for index, path in enumerate(summary["outputs"]):
        table.add_row("" if index else "written", Text(path))
    return table


def _motion_rows(summary: Mapping[str, Any]) -> list[tuple[str, str]]:
    video, servo = summary["video"], summary["servo"]
    rows = [
        ("duration", f"{number(summary['duration_s'])} s"),
        ("commands", _commands(summary["commands"], summary["command_rate_hz"])),
        ("motion latency", f"{_percentiles(summary['motion_latency_ms'])} ms  (hand sample to setpoint applied)"),
        ("tracking error", f"{_percentiles(summary['tracking_error_mm'])} mm"),
        ("RCM deviation", f"max {number(summary['rcm_deviation_um']['max'], '.3g')} µm"),
        ("servo", f"{number(servo['rate_hz'], '.0f')} Hz, late {number(servo['late_fraction'], '.2%')}"),
        (
            "video",
            f"{number(video['fps'])} fps per eye, age p50 {number(video['age_ms']['p50'], '.0f')}, "
            f"p99 {number(video['age_ms']['p99'], '.0f')} ms, {video['renderer'] or 'renderer unknown'}",
        ),
    ]
    for name, arm in summary["arms"].items():
        limited = ", ".join(f"{reason} {seconds:.2g} s" for reason, seconds in arm["limited_s"].items())
        text = f"followed {number(arm['following_s'])} s, path {number(arm['path_length_mm'], '.0f')} mm"
        rows.append((name, text + (f", limited: {limited}" if limited else "")))
    return rows


def _safety_rows(safety: Mapping[str, Any], security: str | None) -> list[tuple[str, str]]:
    times = ", ".join(f"{name} {seconds:.1f} s" for name, seconds in safety["time_in_state_s"].items())
    rows = [("safety", (safety["final_state"] or "never heard") + (f"  ({times})" if times else ""))]
    changes = [change for change in safety["transitions"] if change["at_s"] >= 0.0]
    for change in changes[:SHOWN_TRANSITIONS]:
        rows.append(("", f"{change['at_s']:.2f} s  {change['from'] or 'start'} → {change['to']}  {change['reason']}"))
    if len(changes) > SHOWN_TRANSITIONS:
        rows.append(("", f"and {len(changes) - SHOWN_TRANSITIONS} more"))
    for index, step in enumerate(safety["recovery"]):
        rows.append(("" if index else "left to do", f"{index + 1}. {step}"))
    rows.append(("security", security or "never heard"))
    return rows


def _record(record: Mapping[str, Any] | None) -> Text:
    if record is None:
        return Text("none")
    lost = f", {record['lost']} messages lost" if record["lost"] else ""
    text = f"{record['folder']}, {record['bytes'] / 1e6:.1f} MB{lost}, root {record['root']}"
    if not record["reason"]:
        return Text(text)
    return Text.assemble((f"not written to the end: {record['reason']}  ", "bold red"), text)


def _commands(commands: Mapping[str, Any], rate: float | None) -> str:
    sent, accepted = commands["sent"], commands["accepted"]
    if not sent:
        return "none"
    share = f" ({accepted / sent:.2%})" if accepted is not None else ""
    return f"{sent} sent, {accepted} accepted{share}, dropped {_dropped(commands['dropped'])}, {number(rate)} Hz"


def _arm_line(recorder: SessionRecorder, name: str) -> Text:
    """State of a hand-arm pair, and what a person can do about it."""
    arm, state = recorder.arms[name], _teleop_state(recorder, name)
    line = Text.assemble((f"{state:<9}", STYLE_OF_STATE.get(state, "")))
    for text in (f"hand {arm.hand}" if arm.hand else "", arm.operating_state, HINT_OF_STATE.get(state, "")):
        line.append(f"  {text}" if text else "")
    servo = arm.servo
    if servo is not None and servo.holding:
        line.append(f"  holds: {servo.hold_reason}", "yellow")
    elif servo is not None and servo.limit_seconds:
        line.append(f"  limited: {', '.join(_limit(servo, reason) for reason in servo.limit_seconds)}", "yellow")
    return line


def _limit(servo: ServoSeen, reason: str) -> str:
    """What limits the motion, and by how much."""
    amount, unit = servo.limit_amounts.get(reason, (None, ""))
    return reason if amount is None else f"{reason} by {amount:.2g} {unit}"


def _record_rows(recorder: SessionRecorder) -> Iterator[tuple[str, Text]]:
    """How well each site records the session, and the root that vouches for it."""
    records = recorder.records
    if not records:
        yield "record", Text("not recorded", "yellow")
    for index, site in enumerate(sorted(records, key=SITES.index)):
        line = _record_line(records[site])
        yield "" if index else "record", Text(f"at the {site}: ").append_text(line) if len(records) > 1 else line


def _record_line(record: RecordSeen) -> Text:
    state = Text("writing", "green") if record.writing else Text(f"not writing: {record.reason}", "bold red")
    lost = f", {record.dropped} messages lost" if record.dropped else ""
    return state.append(f"  {record.size / 1e6:.1f} MB{lost}  root {record.root[:SHOWN_ROOT]}", "dim")


def _shares(cpu: Mapping[str, float | None]) -> str:
    return ", ".join(f"{name} {share:.0%}" for name, share in cpu.items() if share is not None)


def _percentiles(values: Mapping[str, float | None]) -> str:
    return f"p50 {number(values['p50'], '.3g')}, p99 {number(values['p99'], '.3g')}, max {number(values['max'], '.3g')}"


def _dropped(dropped: Mapping[str, int]) -> str:
    found = [f"{count} {reason}" for reason, count in dropped.items() if count]
    return ", ".join(found) or "0"


def _teleop_state(recorder: SessionRecorder, name: str) -> str:
    state = recorder.arms[name].teleop_state
    return "-" if state is None else state.name


def _scaled(value: float | None, scale: float) -> float | None:
    return None if value is None else value * scale
