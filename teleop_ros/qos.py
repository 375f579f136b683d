"""Quality of service by intent: the only place where profiles are made.

A subscription may ask for no more than the publisher offers, or the two never connect. So subscriptions to topics
that foreign CRTK clients publish ask for nothing beyond delivery, and the receiver judges freshness by itself.
"""

from __future__ import annotations

from typing import Any

from rclpy.duration import Duration
from rclpy.qos import DurabilityPolicy, HistoryPolicy, LivelinessPolicy, QoSProfile, ReliabilityPolicy

from teleop_core.contract import Intent, Stream

COMMAND_DEADLINE = 0.05
"""Ten periods of 200 Hz [s]; 20 ms gives four false events a second on a loaded machine."""
LEASE = 0.1
"""Liveliness lease of commands and permits [s], asserted by each message the work loop sends."""

_SECOND = 1_000_000_000
_FOREVER = 2**63 - 1
RECORDED_STALL = 2.0
"""A recorder that stands still for this long [s] loses nothing of a stream."""
RECORDED_EVENTS = 100
"""Messages that wait for a recorder at least."""


def _profile(
    reliable: bool, depth: int, *, latched: bool = False, deadline: float = 0.0, lease: float = 0.0
) -> QoSProfile:
    profile = QoSProfile(
        history=HistoryPolicy.KEEP_LAST,
        depth=depth,
        reliability=ReliabilityPolicy.RELIABLE if reliable else ReliabilityPolicy.BEST_EFFORT,
        durability=DurabilityPolicy.TRANSIENT_LOCAL if latched else DurabilityPolicy.VOLATILE,
        liveliness=LivelinessPolicy.MANUAL_BY_TOPIC if lease else LivelinessPolicy.AUTOMATIC,
    )
    if deadline:
        profile.deadline = Duration(seconds=deadline)
    if lease:
        profile.liveliness_lease_duration = Duration(seconds=lease)
    return profile


def publisher_qos(stream: Stream) -> QoSProfile:
    """What a publisher of the stream offers."""
    if stream.intent is Intent.COMMAND:
        return _profile(False, 1, deadline=COMMAND_DEADLINE, lease=LEASE)
    if stream.intent is Intent.SERVO:
        return _profile(True, 1)
    if stream.intent is Intent.PERMIT:
        return _profile(True, 1, deadline=COMMAND_DEADLINE, lease=LEASE)
    if stream.intent is Intent.STATE:
        return _profile(True, 10)
    if stream.intent is Intent.LATCHED_STATE:
        return _profile(True, 1, latched=True)
    if stream.intent is Intent.EVENT:
        return _profile(True, 10)
    return _profile(False, 1)


def recording_qos(stream: Stream) -> QoSProfile:
    """What a recorder asks for: no acknowledgements where a stream is fast, and room for all that comes in a stall."""
    if stream.intent is Intent.LATCHED_STATE:
        return _profile(True, RECORDED_EVENTS, latched=True)
    if stream.intent is Intent.EVENT:
        return _profile(True, RECORDED_EVENTS)
    return _profile(False, max(RECORDED_EVENTS, round(RECORDED_STALL * stream.rate)))


def subscription_qos(stream: Stream) -> QoSProfile:
    """What a subscription of the suite to the stream asks for."""
    if stream.intent in (Intent.COMMAND, Intent.PERMIT, Intent.VIDEO):
        return publisher_qos(stream)
    if stream.intent is Intent.LATCHED_STATE:
        return _profile(True, 1, latched=True)
    if stream.intent is Intent.EVENT:
        return _profile(True, 10)
    return _profile(False, 1)


def rosbag2_qos(profile: QoSProfile) -> dict[str, Any]:
    """A profile in the words of rosbag2's metadata.yaml."""
    return {
        "history": profile.history.short_key,
        "depth": profile.depth,
        "reliability": profile.reliability.short_key,
        "durability": profile.durability.short_key,
        "deadline": _rosbag2_time(profile.deadline),
        "lifespan": _rosbag2_time(profile.lifespan),
        "liveliness": profile.liveliness.short_key,
        "liveliness_lease_duration": _rosbag2_time(profile.liveliness_lease_duration),
        "avoid_ros_namespace_conventions": profile.avoid_ros_namespace_conventions,
    }


def _rosbag2_time(duration: Duration) -> dict[str, int]:
    """Seconds and nanoseconds; ROS says 0 where nothing is asked for, rosbag2 the longest time there is."""
    nanoseconds = duration.nanoseconds or _FOREVER
    return {"sec": nanoseconds // _SECOND, "nsec": nanoseconds % _SECOND}
