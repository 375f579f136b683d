"""Everything the supervisor decides from, as plain values of one instant."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

COMMAND, FEEDBACK, DRIVER, VIDEO = "command", "feedback", "driver", "video"
SOLE = "sole speaker"
"""Kind of a stream of which only the number of publishers is watched."""
NOBODY = "no speaker"
"""Kind of a stream that nobody may publish in this session."""


@dataclass(frozen=True)
class StreamHealth:
    """What the monitor knows of one stream.

    Attributes:
        source: Node or arm that speaks, as people know it.
        kind: COMMAND, FEEDBACK, DRIVER, VIDEO, SOLE or NOBODY.
        age: Since the newest message arrived (video: since it was captured) [s]; None if never.
        publishers: How many nodes publish it.
        qos_mismatch: A publisher offered less than is asked for.
        liveliness_lost: The middleware says that its publisher is no longer alive.
    """

    source: str
    kind: str
    age: float | None
    publishers: int = 1
    qos_mismatch: bool = False
    liveliness_lost: bool = False


@dataclass(frozen=True)
class ArmHealth:
    """What the monitor knows of one arm.

    Attributes:
        ready: Enabled and homed; None before the arm said anything.
        aligning: It waits for the operator's gesture.
        tracking_error: Distance of measured and commanded tip [m].
        permitted: Its gate holds a fresh permit, by its newest report; None before the first one.
        holding: Its gate holds it in position, by the same report.
        permit_sequence: Newest permit of this monitor that its gate took; 0 for none.
        overruled: How long its gate had to overrule commands, of late [s].
    """

    ready: bool | None = None
    aligning: bool = False
    tracking_error: float = 0.0
    permitted: bool | None = None
    holding: bool = False
    permit_sequence: int = 0
    overruled: float = 0.0


def worse_loss(up: float, down: float) -> float:
    """The larger share of packets lost; NaN, which every limit refuses, where either way was not measured."""
    return math.nan if math.isnan(up) or math.isnan(down) else max(up, down)


@dataclass(frozen=True)
class LinkQuality:
    """Newest report of the wide-area link.

    Attributes:
        age: Since it arrived [s].
        round_trip: 95th percentile over a second [s].
        jitter: Of the one-way delay [s].
        loss: Share of packets lost in the worse direction, 0..1.
    """

    age: float
    round_trip: float
    jitter: float
    loss: float


@dataclass(frozen=True)
class Inputs:
    """One instant; what happened since the last step is in it once.

    Attributes:
        streams: The streams that are expected.
        arms: The arms of the session.
        console_expected: An operator drives the arms; without one CRTK clients and the local team do.
        operator_present: As the newest command says.
        clutch: As the newest command says.
        command_refused_for: How long commands have been arriving without one being accepted [s].
        replayed: Old, repeated and foreign commands that were refused within the last second.
        not_finite: Who received commands of late that are no motion.
        eyes_apart: Difference of the capture stamps of the newest left and right image [s].
        eyes_swapped: Eyes whose newest image says that it is of the other one.
        eyes_unchanged: For how long each eye has been showing one and the same picture [s].
        link: Quality of the wide-area link; None where there is none.
        unauthenticated: Who received a wrongly signed command or permit since the last step.
        stop_requests: Who asked for a protective stop since the last step, and why.
        unsigned_stops: The same without the key, while keys are in force.
        found_enabled: Arms that were enabled already when this monitor first heard of them, since the last step.
        failure: What failed inside the monitor since the last step; empty if nothing.
        reset_requested: The local team asked for a reset since the last step.
        loop_lag: Time since the previous step [s].
        clock_step: How far the wall clock jumped since the last step [s].
        recorder_writing: The recorder writes; None where none has been heard.
        decisions_lost: Why the decisions are not written down any more; empty while they are, or nobody asked for it.
        withheld: A permit that was granted in the last step has not been told: its record is not on the disk yet.
        recorder_problem: Why it does not; empty where it does, or is not known.
        disk_free: Free space where logs are written [bytes]; None where it is not known.
    """

    streams: tuple[StreamHealth, ...]
    arms: dict[str, ArmHealth] = field(default_factory=dict)
    console_expected: bool = True
    operator_present: bool = False
    clutch: bool = False
    command_refused_for: float = 0.0
    replayed: int = 0
    not_finite: tuple[str, ...] = ()
    eyes_apart: float = 0.0
    eyes_swapped: tuple[str, ...] = ()
    eyes_unchanged: dict[str, float] = field(default_factory=dict)
    link: LinkQuality | None = None
    unauthenticated: tuple[str, ...] = ()
    stop_requests: tuple[tuple[str, str], ...] = ()
    unsigned_stops: tuple[tuple[str, str], ...] = ()
    found_enabled: tuple[str, ...] = ()
    failure: str = ""
    reset_requested: bool = False
    loop_lag: float = 0.0
    clock_step: float = 0.0
    recorder_writing: bool | None = None
    recorder_problem: str = ""
    decisions_lost: str = ""
    withheld: bool = False
    disk_free: float | None = None
