"""What counts as the safety core, and the unit tests that have to prove each part of it. One table for all proofs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class CorePart:
    """One part of the safety core; the patterns are paths from the root of the checkout.

    Attributes:
        name: What people call it.
        sources: Patterns of its files.
        tests: Patterns of the files of unit tests that prove it by themselves.
    """

    name: str
    sources: tuple[str, ...]
    tests: tuple[str, ...]


CORE_PARTS = (
    CorePart(
        "supervisor",
        (
            "safety_monitor/supervisor.py",
            "safety_monitor/conditions.py",
            "safety_monitor/inputs.py",
            "safety_monitor/self_test.py",
            "safety_monitor/recovery.py",
        ),
        (
            "test/unit/test_supervisor*.py",
            "test/unit/test_conditions*.py",
            "test/unit/test_self_test*.py",
            "test/unit/test_recovery*.py",
        ),
    ),
    CorePart(
        "gate",
        ("robot_driver/command_gate.py", "robot_driver/gate_*.py"),
        ("test/unit/test_command_gate*.py", "test/unit/test_gate_*.py"),
    ),
    CorePart("arbitration", ("robot_driver/arbitration.py",), ("test/unit/test_arbitration*.py",)),
    CorePart(
        "clients",
        ("robot_driver/crtk/command_age.py", "robot_driver/crtk/elsewhere.py"),
        ("test/unit/clients/test_command_age*.py", "test/unit/clients/test_elsewhere*.py"),
    ),
    CorePart("holds", ("robot_driver/hold_watch.py",), ("test/unit/test_hold_watch*.py",)),
    CorePart(
        "freshness",
        ("safety_monitor/observations.py", "safety_monitor/arm_observation.py", "teleop_core/permit.py"),
        ("test/unit/test_observations*.py", "test/unit/test_arm_observation*.py", "test/unit/test_permit*.py"),
    ),
    CorePart(
        "session",
        ("teleop_core/session.py", "teleop_core/authentication.py"),
        ("test/unit/test_session*.py", "test/unit/test_authentication*.py"),
    ),
    CorePart(
        "record",
        ("safety_monitor/safety_log.py", "safety_monitor/recorder_watch.py"),
        ("test/unit/test_safety_log*.py",),
    ),
    CorePart("clock", ("teleop_core/clock_alignment.py",), ("test/unit/test_clock_alignment*.py",)),
    CorePart(
        "mapping",
        (
            "teleop_core/teleoperation.py",
            "teleop_core/hand_mapping.py",
            "teleop_core/motion_limits.py",
            "teleop_core/jaw.py",
            "teleop_core/tremor_filter.py",
            "teleop_core/virtual_fixtures.py",
            "teleop_core/fixture_regions.py",
            "teleop_core/setpoint_watch.py",
            "teleop_core/step_time.py",
            "teleop_core/arm_swap.py",
            "teleop_core/camera_control.py",
            "teleop_core/fixture_table.py",
            "teleop_core/link_allowance.py",
        ),
        (
            "test/unit/test_teleoperation*.py",
            "test/unit/test_hand_mapping*.py",
            "test/unit/test_motion_limits*.py",
            "test/unit/test_step_time*.py",
            "test/unit/test_jaw*.py",
            "test/unit/test_tremor_filter*.py",
            "test/unit/test_virtual_fixtures*.py",
            "test/unit/test_arm_swap*.py",
            "test/unit/test_camera_control*.py",
            "test/unit/test_fixture_table*.py",
            "test/unit/test_link_allowance*.py",
        ),
    ),
    CorePart("motion bounds", ("robot_driver/motion/bounds.py",), ("test/unit/test_motion_bounds*.py",)),
    CorePart(
        "moves",
        (
            "robot_driver/motion/motion.py",
            "robot_driver/motion/pose_goal.py",
            "robot_driver/motion/brake.py",
            "robot_driver/motion/joint_move.py",
            "robot_driver/motion/cartesian_move.py",
            "robot_driver/motion/straight_line.py",
        ),
        (
            "test/unit/test_motion_clock*.py",
            "test/unit/test_joint_move*.py",
            "test/unit/test_cartesian_move*.py",
        ),
    ),
)


def sources(parts: tuple[CorePart, ...] = CORE_PARTS) -> tuple[str, ...]:
    """Files of these parts, from the root of the checkout.

    Raises:
        FileNotFoundError: a pattern matches nothing; the table is out of date.
    """
    found: dict[str, None] = {}
    for pattern in (pattern for part in parts for pattern in part.sources):
        matches = _files(pattern)
        if not matches:
            raise FileNotFoundError(f"no file matches {pattern!r} of campaign/core_files.py")
        found.update(dict.fromkeys(matches))
    return tuple(found)


def unit_tests(parts: tuple[CorePart, ...]) -> tuple[str, ...]:
    """Files of unit tests of these parts, from the root of the checkout.

    Raises:
        FileNotFoundError: a part has none; the table is out of date.
    """
    found: dict[str, None] = {}
    for part in parts:
        matches = [file for pattern in part.tests for file in _files(pattern)]
        if not matches:
            raise FileNotFoundError(f"no tests of the {part.name} are where campaign/core_files.py looks for them")
        found.update(dict.fromkeys(matches))
    return tuple(found)


def part_of(source: str) -> CorePart:
    """The part that a file belongs to.

    Raises:
        ValueError: the file is not of the core.
    """
    for part in CORE_PARTS:
        if any(source in _files(pattern) for pattern in part.sources):
            return part
    raise ValueError(f"{source!r} is not a file of the safety core; campaign/core_files.py lists them")


def _files(pattern: str) -> list[str]:
    return sorted(path.relative_to(ROOT).as_posix() for path in ROOT.glob(pattern))
