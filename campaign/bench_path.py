"""The way of each command from the hand to the setpoint, put together from what the nodes on it noted."""

from __future__ import annotations

from bisect import bisect_left
from typing import Any

SAME = 2e-6
"""Stamps of one hand sample may differ by rounding [s]."""
STAGES = ("sample to sending", "sending and hop to kinematics", "kinematics", "sending and hop to driver", "driver")


def motion_path(seen: dict[str, Any], begin: float, end: float) -> dict[str, Any]:
    """Latencies from hand sample to setpoint, and of each stage.

    Args:
        seen: Node -> what it noted: ``rows`` of stamp, beginning of work, then beginning and end of publishing or, for
            the driver, the time when the last setpoint was with the robot [s].
        begin: Only hand samples from this time on count [s].
        end: And to this one [s].

    Returns:
        ``motion``: list of latencies [s]; ``stages``: stage -> list [s]; ``sent``: number of commands in that time.
    """
    kinematics, driver = (_by_stamp(seen[node]["rows"]) for node in ("kinematics", "driver"))
    sent = [row for row in seen["master_input"]["rows"] if begin <= row[1] <= end]
    motion: list[float] = []
    stages: dict[str, list[float]] = {stage: [] for stage in STAGES}
    for stamp, sampled, sending, _ in sent:
        passed, applied = _find(kinematics, stamp), _find(driver, stamp)
        if passed is None or applied is None:
            continue
        places = (sampled, sending, passed[1], passed[2], applied[1], applied[2])
        motion.append(places[-1] - sampled)
        for stage, earlier, later in zip(STAGES, places, places[1:], strict=False):
            stages[stage].append(later - earlier)
    return {"motion": motion, "stages": stages, "sent": len(sent)}


def _by_stamp(rows: list[list[float]]) -> tuple[list[float], list[list[float]]]:
    rows = sorted(rows)
    return [row[0] for row in rows], rows


def _find(table: tuple[list[float], list[list[float]]], stamp: float) -> list[float] | None:
    stamps, rows = table
    place = bisect_left(stamps, stamp - SAME)
    return rows[place] if place < len(rows) and abs(stamps[place] - stamp) <= SAME else None
