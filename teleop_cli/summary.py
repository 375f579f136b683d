"""The summary of a session: one dictionary with units in its names, written as JSON.

What was not measured is null, never zero.
"""

from __future__ import annotations

import json
import math
import os
import stat
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from teleop_cli.recorder import SessionRecorder
from teleop_cli.safety_history import AlarmRecord
from teleop_cli.statistics import SampleSet
from teleop_core.graph import CONSOLE, ROBOT

LEVEL_NAMES = ("INFORM", "DEGRADE", "HOLD", "PAUSED", "FAULT", "PROTECTIVE_STOP")
"""Names of the alarm levels in telesurgery/msg/Alarm, by value."""
PRIORITY_NAMES = ("LOW", "MEDIUM", "HIGH")
"""Names of the alarm priorities in telesurgery/msg/Alarm, by value."""


@dataclass(frozen=True)
class Ending:
    """How a session ended.

    Attributes:
        reason: In words.
        code: Exit code of the command.
        crashed: Nodes that ended without being asked.
    """

    reason: str
    code: int
    crashed: tuple[str, ...] = field(default=())


def summarise(
    recorder: SessionRecorder,
    ending: Ending,
    cpu: Mapping[str, float],
    outputs: list[str],
    now: float,
    record_folders: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Make the summary.

    Args:
        recorder: What was seen of the session.
        ending: How it ended.
        cpu: Mean share of one core by process.
        outputs: Files written.
        now: Time of the summary [s], clock of the recorder.
        record_folders: Folders of the session's records, by site; empty where there is none.

    Returns:
        Dictionary of numbers, texts, lists and None, ready for JSON.
    """
    return {
        "duration_s": rounded(recorder.duration(now), 5),
        "commands": {
            "sent": recorder.commands.sent(),
            "accepted": recorder.commands.accepted(),
            "dropped": recorder.commands.dropped(),
        },
        "motion_latency_ms": _percentiles(recorder.latency, 1e3),
        "tracking_error_mm": _percentiles(recorder.tracking_error, 1e3),
        "rcm_deviation_um": {"max": rounded(_scaled(recorder.rcm_deviation, 1e6))},
        "command_rate_hz": rounded(recorder.commands.rate()),
        "servo": _servo(recorder),
        "video": _video(recorder, now),
        "safety": _safety(recorder, now),
        "arms": {
            name: {
                "following_s": rounded(arm.following, 5),
                "path_length_mm": rounded(arm.path_length * 1e3),
                "limited_s": {reason: rounded(seconds) for reason, seconds in sorted(arm.limited.items())},
                "limited_by": {
                    reason: {"max": rounded(amount), "unit": unit}
                    for reason, (amount, unit) in sorted(arm.largest_excess.items())
                },
            }
            for name, arm in recorder.arms.items()
        },
        "outputs": outputs,
        "cpu": {name: rounded(share, 3) for name, share in cpu.items()},
        "exit": {
            "reason": ending.reason,
            "code": ending.code,
            "crashed": list(ending.crashed),
            "holding": {
                name: arm.servo.hold_reason for name, arm in recorder.arms.items() if arm.servo and arm.servo.holding
            },
        },
        "security": recorder.safety.security,
        "record": _record(recorder, ROBOT, record_folders or {}),
        "console_record": _record(recorder, CONSOLE, record_folders or {}),
    }


def rounded(value: float | None, digits: int = 4) -> float | None:
    """The value with so many significant digits; None for what is not a finite number."""
    if value is None or not math.isfinite(value):
        return None
    shorter = float(f"{value:.{digits}g}")
    return shorter if math.isfinite(shorter) else value


def name_of(value: int, names: Sequence[str]) -> str:
    """Name of a constant of a message, by value; the value itself where there is none."""
    return names[value] if 0 <= value < len(names) else str(value)


def write_json(path: Path, summary: Mapping[str, Any]) -> None:
    """Write the summary, whole or not at all.

    Raises:
        OSError: the file cannot be written.
    """
    text = json.dumps(summary, indent=2, allow_nan=False) + "\n"
    if path.exists() and not stat.S_ISREG(path.stat().st_mode):
        with path.open("w", encoding="utf-8") as device:
            device.write(text)
        return
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as part:
            part.write(text)
            part.flush()
            os.fsync(part.fileno())
        os.chmod(name, 0o644)
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _percentiles(samples: SampleSet, scale: float) -> dict[str, float | None]:
    return {
        "p50": rounded(_scaled(samples.percentile(50.0), scale)),
        "p99": rounded(_scaled(samples.percentile(99.0), scale)),
        "max": rounded(_scaled(samples.maximum, scale)),
    }


def _scaled(value: float | None, scale: float) -> float | None:
    return None if value is None else value * scale


def _record(recorder: SessionRecorder, site: str, folders: Mapping[str, str]) -> dict[str, Any] | None:
    folder = folders.get(site, "")
    if not folder:
        return None
    seen = recorder.records.get(site)
    if seen is None:
        return {"folder": folder, "root": None, "lost": None, "bytes": 0, "reason": "no recorder was heard"}
    return {"folder": folder, "root": seen.root, "lost": seen.dropped, "bytes": seen.size, "reason": seen.reason}


def _servo(recorder: SessionRecorder) -> dict[str, float | None]:
    arms = recorder.arms.values()
    reports = sum(arm.rate_count for arm in arms)
    applied = sum(arm.applied() for arm in arms)
    return {
        "rate_hz": rounded(sum(arm.rate_sum for arm in arms) / reports) if reports else None,
        "late_fraction": rounded(sum(arm.late() for arm in arms) / applied) if applied else None,
    }


def _video(recorder: SessionRecorder, now: float) -> dict[str, Any]:
    duration = recorder.duration(now)
    seen = any(eye.seen for eye in recorder.video.values())
    frames = min(eye.frames for eye in recorder.video.values())
    age = _percentiles(recorder.video_age, 1e3)
    return {
        "fps": rounded(frames / duration) if seen and duration > 0.0 else None,
        "age_ms": {"p50": age["p50"], "p99": age["p99"]},
        "renderer": recorder.renderer,
    }


def _safety(recorder: SessionRecorder, now: float) -> dict[str, Any]:
    zero = recorder.began if recorder.began is not None else recorder.created
    end = recorder.ended if recorder.ended is not None else now
    return {
        "final_state": recorder.safety.state,
        "time_in_state_s": {
            state: rounded(seconds, 5) for state, seconds in recorder.safety.time_in_state(end).items()
        },
        "transitions": [
            {
                "at_s": round(change.time - zero, 3),
                "from": change.before or None,
                "to": change.after,
                "reason": change.reason,
            }
            for change in recorder.safety.transitions
        ],
        "arming_denied": list(recorder.safety.guidance.arming_denied),
        "recovery": list(recorder.safety.guidance.recovery),
        "alarms": [_alarm(*key, record, zero) for key, record in recorder.safety.records.items()],
    }


def _alarm(name: str, source: str, record: AlarmRecord, zero: float) -> dict[str, Any]:
    return {
        "id": name,
        "level": name_of(record.level, LEVEL_NAMES),
        "priority": name_of(record.priority, PRIORITY_NAMES),
        "first_at_s": round(record.first - zero, 3),
        "count": record.count,
        "source": source,
        "text": record.text,
        "remedy": record.remedy,
    }
