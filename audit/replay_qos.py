"""Quality of service as a bag tells it -> as rclpy takes it."""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum
from typing import Any, TypeVar

from rclpy.duration import Duration
from rclpy.qos import DurabilityPolicy, HistoryPolicy, LivelinessPolicy, QoSProfile, ReliabilityPolicy

E = TypeVar("E", bound=IntEnum)

LEAST_DEPTH, MOST_DEPTH = 10, 10_000
"""A replay hands out in bursts what was sent evenly; depth is no part of what publisher and subscriber agree on."""
_LONGEST = 1_000_000_000
"""Longer than any deadline [s]: rosbag2 writes a very large number where there is none."""


def offered_qos(recorded: Mapping[str, Any]) -> QoSProfile:
    """What a played topic offers: what was offered when it was recorded; what the bag does not tell is as rclpy has it.

    Args:
        recorded: One profile in the words of rosbag2, or in the numbers of its older versions.
    """
    durability = _policy(DurabilityPolicy, recorded.get("durability"), DurabilityPolicy.VOLATILE)
    depth = recorded.get("depth")
    depth = depth if isinstance(depth, int) and 1 <= depth <= MOST_DEPTH else LEAST_DEPTH
    profile = QoSProfile(
        history=HistoryPolicy.KEEP_LAST,
        depth=depth if durability == DurabilityPolicy.TRANSIENT_LOCAL else max(depth, LEAST_DEPTH),
        reliability=_policy(ReliabilityPolicy, recorded.get("reliability"), ReliabilityPolicy.RELIABLE),
        durability=durability,
        liveliness=_policy(LivelinessPolicy, recorded.get("liveliness"), LivelinessPolicy.AUTOMATIC),
    )
    for name, key in (("deadline", "deadline"), ("liveliness_lease_duration", "liveliness_lease_duration")):
        duration = _duration(recorded.get(key))
        if duration is not None:
            setattr(profile, name, duration)
    return profile


def _policy(kind: type[E], value: object, otherwise: E) -> E:
    """Member by its name or number; `otherwise` where it is none that can be offered."""
    try:
        found = kind[value.upper()] if isinstance(value, str) else kind(value)
    except (KeyError, ValueError):
        return otherwise
    return otherwise if found.name in ("SYSTEM_DEFAULT", "UNKNOWN", "BEST_AVAILABLE") else found


def _duration(value: object) -> Duration | None:
    if not isinstance(value, Mapping):
        return None
    seconds, nanoseconds = value.get("sec"), value.get("nsec")
    if not (isinstance(seconds, int) and isinstance(nanoseconds, int)):
        return None
    if not (0 <= seconds <= _LONGEST and 0 <= nanoseconds < 1_000_000_000) or seconds == nanoseconds == 0:
        return None
    return Duration(seconds=seconds, nanoseconds=nanoseconds)
