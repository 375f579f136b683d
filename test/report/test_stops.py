"""Stops: what they are, and their reaction times from the recorded data alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from audit.series.model import AlarmSpan, Frame, Poses, Series, Session
from audit.series.read import read_session
from audit.stops import last_motion, stops


def test_a_stop_request_is_timed_from_its_first_message(session: Session) -> None:
    """Asked for at 6.000, permission withdrawn at 6.030, the last setpoint that moved at 6.031."""
    first = stops(session)[0]
    assert (first.causes, first.worst) == (("STOP_REQUEST",), "PROTECTIVE_STOP")
    assert "stop request" in first.onset_is
    assert (first.onset, first.withdrawn) == pytest.approx((6.0, 6.03))
    assert first.to_withdrawal == pytest.approx(0.03)
    assert first.to_hold == pytest.approx(0.031)
    assert first.permitted_again == pytest.approx(8.0)
    assert first.followed_again == pytest.approx(8.501)


def test_a_silence_is_timed_from_the_last_command(session: Session) -> None:
    second = stops(session)[1]
    assert second.causes == ("COMMAND_SILENCE",)
    assert second.onset == pytest.approx(10.0)
    assert second.to_withdrawal == pytest.approx(0.07)
    assert second.to_hold == pytest.approx(0.061)
    assert second.followed_again is None, "the arms did not follow any more"
    assert len(stops(session)) == 2, "the end of the record while motion is permitted is no stop"


def test_a_stop_of_the_pictures_is_timed_from_the_newest_stamp(session: Session) -> None:
    """What counts is when the picture was taken, not when it came."""
    place = session.frames["left"][0].place
    frames = (Frame(5.7, 0.1, place), Frame(6.0, 0.25, place), Frame(6.1, 0.0, place))
    stale = AlarmSpan("VIDEO_STALE", "left eye", 2, False, "too old", "check", 6.02, 6.03, 7.0)
    changed = replace(session, frames={"left": frames}, alarms=(stale,))
    first = stops(changed)[0]
    assert first.onset == pytest.approx(5.75)
    assert "left eye" in first.onset_is


def test_other_causes_are_timed_from_what_the_monitor_says(session: Session) -> None:
    lost = AlarmSpan("TRACKING_LOST", "PSM1", 4, True, "far away", "free it", 6.015, 6.03, 7.0)
    hint = AlarmSpan("VIDEO_OLD", "left eye", 1, False, "late", "check", 5.0, 5.5, 7.0)
    first = stops(replace(session, alarms=(hint, lost)))[0]
    assert first.causes == ("TRACKING_LOST",), "what only slows is no cause of a stop"
    assert first.onset == pytest.approx(6.015)


def test_without_any_trace_the_onset_is_the_withdrawal_and_it_is_told(session: Session) -> None:
    first = stops(replace(session, alarms=()))[0]
    assert (first.causes, first.to_withdrawal) == ((), 0.0)
    assert "no earlier trace" in first.onset_is


def test_an_arm_that_stood_still_has_no_reaction_time(session: Session) -> None:
    arm = session.arms["PSM1"]
    still = replace(arm, setpoint=Poses(arm.setpoint.time, 0.0 * arm.setpoint.position, arm.setpoint.quaternion))
    first = stops(replace(session, arms={"PSM1": still}))[0]
    assert (first.still, first.to_hold) == ({"PSM1": None}, None)


def test_motion_that_the_clutch_ended_was_not_ended_by_the_stop(session: Session) -> None:
    """The clutch at 4.0 s; the permission is withdrawn at 4.2 s for a cause that began at 3.9 s."""
    withdrawn = Series(np.array([0.0, 2.0, 4.2, 8.0]), np.array([0.0, 1.0, 0.0, 1.0]))
    cause = AlarmSpan("SELF_LAG", "monitor", 2, False, "late", "wait", 3.9, 4.2, 8.0)
    first = stops(replace(session, permitted=withdrawn, alarms=(cause,)))[0]
    assert first.onset == pytest.approx(3.9)
    assert first.still == {"PSM1": None}


def test_a_monitor_that_fell_silent_is_a_stop(new_tape: Callable[[str], Any], tmp_path: Path) -> None:
    tape = new_tape("")
    for time in (0.0, 0.1, 0.2):
        state = {
            "header": {"stamp": {"sec": 0, "nanosec": 0}, "frame_id": ""}, "state": 2, "motion_permitted": True,
            "session": 1, "permit_sequence": 1, "lease": 0.1, "velocity_ratio": 1.0, "security": "mac", "alarms": [],
            "arming_denied": [], "recovery": [], "mac": [],
        }  # fmt: skip
        tape.add(time, "safety/state", "telesurgery/msg/SafetyState", state)
    tape.add(3.0, "/diagnostics", "std_msgs/msg/String", {"data": ""})
    (only,) = stops(read_session(tape.write(tmp_path / "session")))
    assert (only.causes, only.worst) == (("SAFETY_SILENT",), "SILENT")
    assert only.onset == pytest.approx(0.2)


@pytest.mark.parametrize(
    ("moving", "wanted"),
    [
        ((0.0, 1.05), 1.05),  # stops just behind the withdrawal
        ((0.0, 0.95), 0.95),  # stopped by the gate before the monitor withdrew
        ((0.0, 0.5), None),  # stood still when the cause began
        ((1.5, 2.0), None),  # moved only long after it
    ],
)
def test_last_motion(moving: tuple[float, float], wanted: float | None) -> None:
    """Onset at 0.9 s, withdrawal at 1.0 s."""
    time = np.arange(300) * 0.01
    speed = np.where((time > moving[0]) & (time <= moving[1] + 1e-9), 1e-4, 0.0)
    position = np.column_stack((np.cumsum(speed), np.zeros(300), np.zeros(300)))
    quaternion = np.tile([0.0, 0.0, 0.0, 1.0], (300, 1))
    found = last_motion(Poses(time, position, quaternion), 0.9, 1.0)
    assert found == (None if wanted is None else pytest.approx(wanted))


def test_turning_is_motion_too_and_the_sign_of_a_quaternion_is_none() -> None:
    time = np.arange(300) * 0.01
    angle = np.where(time <= 1.02, 0.5 * time, 0.51)
    sign = np.where(np.arange(300) % 7 == 0, -1.0, 1.0)[:, None]
    quaternion = sign * np.column_stack((np.zeros((300, 2)), np.sin(angle / 2.0), np.cos(angle / 2.0)))
    assert last_motion(Poses(time, np.zeros((300, 3)), quaternion), 0.9, 1.0) == pytest.approx(1.02)
