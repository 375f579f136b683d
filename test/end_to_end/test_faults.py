"""A short fault campaign in every test run: real processes, real DDS, an observer that watches the robot itself."""

from __future__ import annotations

import time
from typing import Any

import pytest

pytest.importorskip("rclpy", reason="ROS is not installed here")

from campaign import live
from campaign.fault_table import CAMERA, FAULTS, PHASES, STANDING
from campaign.plan import Planned
from campaign.report import failed

pytestmark = [pytest.mark.dds, pytest.mark.slow, pytest.mark.timeout(240)]

CHOSEN = (
    ("no_fault", "motion"),
    ("no_fault", "engagement"),
    ("kill_safety_monitor", "motion"),
    ("kill_kinematics", "clutched"),
    ("kill_driver", "rest"),
    ("freeze_safety_monitor", "engagement"),
    ("freeze_driver", "motion"),
    ("hang_kinematics", "recovering"),
    ("silent_console", "motion"),
    ("some_nan_position", "motion"),
    ("sequence_replay", "clutched"),
    ("forged_mac", "motion"),
    ("second_monitor", "engagement"),
    ("servo_jump", "motion"),
    ("video_frozen", "recovering"),
    ("protective_stop", "rest"),
    ("client_servo_jp", "motion"),
    ("client_servo_jp_standing", "standing"),
    ("client_flood", "clutched"),
    ("client_leap", "motion"),
    ("client_killed_servo_cv", "motion"),
    ("local_team_takes", "motion"),
    ("camera_device_lost", "camera"),
)
SEED = 11


@pytest.fixture(scope="module")
def rows() -> list[dict[str, Any]]:
    """One row for each chosen fault."""
    plan = [Planned(number, fault, phase) for number, (fault, phase) in enumerate(CHOSEN)]
    return list(live.run(plan, SEED, lambda row: print(row["text"]), time.monotonic() + 200.0))


def test_every_fault_is_detected_explained_and_recovered_from(rows: list[dict[str, Any]]) -> None:
    """Required stops and refusals are seen in the robot's motion, their reasons are told, and the arms follow again."""
    assert [(row["fault"], row["phase"]) for row in rows] == list(CHOSEN)
    assert [row for row in rows if failed(row)] == []


def test_without_a_fault_the_robot_moves(rows: list[dict[str, Any]]) -> None:
    """The attempt to move that goes with every fault does move the arms where nothing prevents it."""
    moved = [row["moved_mm"] for row in rows if row["fault"] == "no_fault"]
    assert len(moved) == 2
    assert min(moved) > 3.0


def test_stops_come_soon(rows: list[dict[str, Any]]) -> None:
    """With a margin of several times for a machine that is busy with other tests."""
    stops = [row["stop_ms"] for row in rows if FAULTS[row["fault"]].outcome.name == "STOP"]
    assert None not in stops
    assert max(stops) < 1000.0


def test_all_phases_are_in_it() -> None:
    """The short campaign covers what the full one covers, a little of everything."""
    assert {phase for _, phase in CHOSEN} == {*PHASES, CAMERA, STANDING}
