"""Faults of what the monitor watches: pictures, link, publishers, streams, clock, disk, recorder."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from campaign.simulated_faults import (
    CENSUS,
    REPORTED,
    TOLD_TO_MONITOR,
    FaultMaker,
    Injection,
    Outcome,
    Scene,
    dropped,
    nothing,
)
from campaign.simulated_permit_faults import PERMIT
from campaign.simulated_room import ARMS
from teleop_core.contract import EYES

FRAME = 0.04 + 0.01
"""Period of a camera and its jitter [s]."""


def patient_clock(scene: Scene) -> Injection:
    """The wall clock of the patient's side jumps, and stays there."""
    step = scene.random.choice((-1.0, 1.0)) * scene.duration(0.004, 30.0)

    def start() -> None:
        scene.room.clock_offset["patient"] += step

    told = ("alarm CLOCK_STEP",)
    large = abs(step) > 0.055
    return Injection(
        start,
        nothing,
        0.2,
        Outcome.STOP if large else Outcome.EITHER,
        TOLD_TO_MONITOR,
        told if large else (),
        f"patient clock {step:+.3f} s",
    )


def video_frozen(scene: Scene) -> Injection:
    """The camera repeats its last frame."""
    ladder, endoscope = scene.room.profile.video_age, scene.room.nodes["endoscope"]
    duration = scene.random.uniform(0.05, ladder.hold + 0.3)

    def start() -> None:
        endoscope.frozen = endoscope.ros_now()

    return Injection(
        start,
        lambda: setattr(endoscope, "frozen", None),
        duration,
        scene.silence(duration, ladder.hold, 0.08) if duration > ladder.hold else Outcome.EITHER,
        ladder.hold + FRAME,
        ("alarm VIDEO_OLD", "alarm VIDEO_STALE"),
        f"video frozen {duration * 1000.0:.0f} ms",
    )


def video_stuck(scene: Scene) -> Injection:
    """The camera repeats its last picture, with fresh stamps."""
    hold, endoscope = scene.room.profile.video_age.hold, scene.room.nodes["endoscope"]
    duration = scene.random.uniform(0.05, hold + 0.3)
    return Injection(
        lambda: setattr(endoscope, "stuck", True),
        lambda: setattr(endoscope, "stuck", False),
        duration,
        scene.silence(duration, hold, 0.08) if duration > hold else Outcome.EITHER,
        hold + FRAME,
        ("alarm VIDEO_FROZEN",),
        f"one picture for {duration * 1000.0:.0f} ms",
    )


def video_gone(scene: Scene) -> Injection:
    """Frames of one eye, or of both, do not arrive."""
    ladder = scene.room.profile.video_age
    eyes = scene.random.choice((("left",), ("right",), EYES))
    duration = ladder.hold + scene.random.uniform(0.1, 0.4)

    def start() -> None:
        for eye in eyes:
            scene.tap(f"image {eye}", dropped)

    def end() -> None:
        for eye in eyes:
            scene.room.taps.pop(f"image {eye}")

    return Injection(
        start,
        end,
        duration,
        Outcome.STOP,
        ladder.hold + FRAME,
        ("alarm VIDEO_STALE", "alarm EYES_APART"),
        f"no frames of {' and '.join(eyes)}",
    )


def video_late(scene: Scene) -> Injection:
    """Frames take longer."""
    ladder = scene.room.profile.video_age
    late, duration = scene.duration(0.02, 1.0), 0.6

    def delayed(message: Any) -> list[tuple[Any, float]]:
        return [(message, late)]

    def start() -> None:
        for eye in EYES:
            scene.tap(f"image {eye}", delayed)

    def end() -> None:
        for eye in EYES:
            scene.room.taps.pop(f"image {eye}")

    known = late > ladder.hold + 0.1
    return Injection(
        start,
        end,
        max(duration, ladder.hold + 0.2),
        Outcome.STOP if known else Outcome.EITHER,
        ladder.hold + FRAME,
        ("alarm VIDEO_",) if known else (),
        f"frames {late * 1000.0:.0f} ms late",
    )


def eyes_apart(scene: Scene) -> Injection:
    """Left and right picture are not of one instant; a whole frame late, an eye looks like one that arrives late."""
    endoscope, apart = (
        scene.room.nodes["endoscope"],
        scene.random.choice((-1.0, 1.0)) * scene.duration(0.002, 0.6 * FRAME),
    )
    return Injection(
        lambda: setattr(endoscope, "apart", apart),
        lambda: setattr(endoscope, "apart", 0.0),
        0.4 + 2.0 * FRAME + scene.random.uniform(0.05, 0.2),
        Outcome.STOP,
        0.4 + FRAME + 0.02,
        ("alarm EYES_APART",),
        f"eyes {apart * 1000.0:+.1f} ms apart",
    )


def link_quality(scene: Scene) -> Injection:
    """The link is slow, unsteady or loses packets."""
    profile, link = scene.room.profile, scene.room.nodes["link"]
    poor = scene.random.random() < 0.5
    kind = scene.random.randrange(3)
    ladders = (
        (profile.round_trip.degrade, profile.round_trip.hold),
        (profile.jitter_degrade, profile.jitter_hold),
        (profile.loss_degrade, profile.loss_hold),
    )
    degrade, hold = ladders[kind]
    value = scene.random.choice((hold * 1.2, math.nan, math.inf)) if poor else 0.5 * (degrade + hold)
    good = link.quality
    bad = tuple(value if index == kind else number for index, number in enumerate(good))
    return Injection(
        lambda: setattr(link, "quality", bad),
        lambda: setattr(link, "quality", good),
        scene.random.uniform(0.2, 0.4),
        Outcome.STOP if poor else Outcome.TOLD,
        REPORTED,
        ("alarm LINK_",),
        f"link {bad}",
    )


def wrong_qos(scene: Scene) -> Injection:
    """A publisher comes that offers the wrong quality of service."""
    monitor = scene.room.nodes["monitor"]
    topic = scene.random.choice(("teleop/command", "teleop/feedback", f"{scene.arm}/measured_js", "image left"))

    def start() -> None:
        monitor.wrong_qos.add(topic)
        scene.room.at(scene.room.now, "monitor", "on_wrong_qos", (topic,))

    return Injection(
        start,
        lambda: monitor.wrong_qos.discard(topic),
        0.15,
        Outcome.STOP,
        TOLD_TO_MONITOR,
        ("alarm QOS_MISMATCH",),
        f"wrong quality of service on {topic}",
    )


def second_publisher(scene: Scene) -> Injection:
    """A second node speaks where one may, silent so far."""
    topics = ("teleop/command", PERMIT, "teleop/feedback", "teleop/servo", f"{scene.arm}/measured_js")
    topic, publishers = scene.random.choice(topics), scene.room.publishers

    def count(value: int) -> Callable[[], None]:
        return lambda: publishers.update({topic: value})

    return Injection(
        count(2),
        count(1),
        CENSUS + 0.1,
        Outcome.STOP,
        CENSUS,
        ("alarm DUPLICATE_PUBLISHER",),
        f"second publisher on {topic}",
    )


def disk_low(scene: Scene) -> Injection:
    """The disk is nearly full."""
    monitor = scene.room.nodes["monitor"]
    free = scene.random.choice((0.0, 1e6, 199e6, math.nan))
    return Injection(
        lambda: setattr(monitor, "disk_free", free),
        lambda: setattr(monitor, "disk_free", 1e12),
        0.15,
        Outcome.TOLD,
        TOLD_TO_MONITOR,
        ("alarm DISK_LOW",),
        f"{free} bytes free",
    )


def recorder_down(scene: Scene) -> Injection:
    """The recorder does not write."""
    monitor = scene.room.nodes["monitor"]
    return Injection(
        lambda: setattr(monitor, "recorder", False),
        lambda: setattr(monitor, "recorder", True),
        0.15,
        Outcome.TOLD,
        TOLD_TO_MONITOR,
        ("alarm RECORDER_DOWN",),
        "recorder down",
    )


def stream_gone(scene: Scene) -> Injection:
    """One stream of the patient's side stays away."""
    topic = scene.random.choice(
        ("teleop/feedback", *(f"{arm}/{name}" for arm in ARMS for name in ("measured_js", "setpoint_js")))
    )
    duration = scene.duration(0.01, 0.7)
    late = 0.1
    return Injection(
        lambda: scene.tap(topic, dropped),
        scene.untap(topic),
        duration,
        scene.silence(duration, late, 0.025) if duration > late else Outcome.EITHER,
        late + TOLD_TO_MONITOR,
        ("alarm KINEMATICS_LATE", "alarm DRIVER_LATE", "limit "),
        f"no {topic} for {duration * 1000.0:.0f} ms",
    )


WATCH_FAULTS: dict[str, FaultMaker] = {
    maker.__name__: maker
    for maker in (
        patient_clock,
        video_frozen,
        video_stuck,
        video_gone,
        video_late,
        eyes_apart,
        link_quality,
        wrong_qos,
        second_publisher,
        disk_low,
        recorder_down,
        stream_gone,
    )
}
"""Name -> what draws it."""
