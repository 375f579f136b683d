"""The record of a session, fed with plain values: what the live status, the summary and the pictures are made from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from teleop_cli.arm_history import ArmHistory, ArmSeen, ServoSeen
from teleop_cli.command_count import CommandCount, Counters
from teleop_cli.safety_history import NO_GUIDANCE, AlarmSeen, Guidance, SafetyHistory
from teleop_cli.statistics import Envelope, PathTrace, SampleSet
from teleop_core.contract import EYES, INSTRUMENT_ARMS, MASTERS, STREAMS
from teleop_core.signals import SafetyLevel, TeleopState

RATE_WINDOW = 2.0
"""Live rates are taken over at least this long [s]."""
MOST_REASONS = 5
"""Reasons told in one line when the start-up does not succeed."""


@dataclass
class VideoCount:
    """Frames of one eye.

    Attributes:
        frames: Frames since the measurement began.
        jpeg: The newest picture, as it came.
        stamp: When it was captured, [ns] of its clock.
        seen: Frames since the session began.
    """

    frames: int = 0
    jpeg: bytes = b""
    stamp: int = 0
    seen: int = 0


@dataclass(frozen=True)
class RecordSeen:
    """What the recorder says of the record it writes (telesurgery/msg/RecordStatus).

    Attributes:
        writing: Log and bag are written, and there is room for more.
        reason: Why not.
        root: Newest signed Merkle root, hexadecimal.
        dropped: Messages that were not recorded.
        size: Of the bag [bytes].
    """

    writing: bool
    reason: str
    root: str
    dropped: int
    size: int


@dataclass
class LiveRate:
    """Rate of a growing count over the last seconds.

    Attributes:
        value: Newest rate [Hz]; None until the first window is over.
    """

    value: float | None = None
    _start: tuple[float, int] | None = None

    def update(self, now: float, count: int) -> None:
        """Take the count at `now` [s]."""
        if self._start is None:
            self._start = (now, count)
        elapsed = now - self._start[0]
        if elapsed >= RATE_WINDOW:
            self.value = (count - self._start[1]) / elapsed
            self._start = (now, count)


@dataclass
class SessionRecorder:
    """Everything seen of a session.

    The measurement begins once (`begin`); before that only states are kept, not counts. Latencies and errors are kept
    as samples, exact for sessions of up to an hour at the highest command rate (statistics.SampleSet).

    Attributes:
        arm_names: Arms of the session.
        created: When the recording started [s].
        console: An operator drives the arms.
        records: What the recorder of each site says, by site.
    """

    arm_names: tuple[str, ...]
    created: float
    console: bool = True
    began: float | None = None
    ended: float | None = None
    renderer: str | None = None
    rcm_deviation: float | None = None
    commands: CommandCount = field(default_factory=CommandCount)
    safety: SafetyHistory = field(default_factory=SafetyHistory)
    latency: SampleSet = field(default_factory=SampleSet)
    tracking_error: SampleSet = field(default_factory=SampleSet)
    video_age: SampleSet = field(default_factory=SampleSet)
    latency_curve: Envelope = field(default_factory=Envelope)
    error_curve: Envelope = field(default_factory=Envelope)
    command_rate: LiveRate = field(default_factory=LiveRate)
    video_rate: LiveRate = field(default_factory=LiveRate)
    last_latency: float | None = None
    last_error: float | None = None
    records: dict[str, RecordSeen] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Make the parts that depend on the arms."""
        self.arms = {name: ArmHistory() for name in self.arm_names}
        self.video = {eye: VideoCount() for eye in EYES}
        self.hand_paths = {master: PathTrace() for master in MASTERS}
        self.has_feedback = False

    def begin(self, now: float) -> None:
        """Begin the measurement at `now` [s]."""
        self.began = now
        self.commands.begin()
        self.safety.begin(now)
        for arm in self.arms.values():
            arm.begin()
        for eye in self.video.values():
            eye.frames = 0

    def end(self, now: float) -> None:
        """End it: from here nothing is counted but the commands that were already under way."""
        self.tick(now)
        self.ended = now

    def tick(self, now: float) -> None:
        """Notice what has fallen silent."""
        if self.ended is None:
            self.safety.tick(now)

    @property
    def measuring(self) -> bool:
        """Whether the measurement runs."""
        return self.began is not None and self.ended is None

    def duration(self, now: float) -> float:
        """Length of the measurement [s]."""
        return 0.0 if self.began is None else (self.ended or now) - self.began

    def on_feedback(self, now: float, counters: Counters, arms: Sequence[ArmSeen]) -> None:
        """Take a telesurgery/msg/TeleopFeedback."""
        self.has_feedback = True
        self.commands.update(now, counters)
        if self.ended is not None:
            return
        self.command_rate.update(now, counters.received)
        for seen in arms:
            if seen.name in self.arms:
                self.arms[seen.name].on_feedback(now, seen)

    def on_safety(
        self, now: float, state: str, alarms: tuple[AlarmSeen, ...], guidance: Guidance = NO_GUIDANCE
    ) -> None:
        """Take a telesurgery/msg/SafetyState."""
        if self.ended is None:
            self.safety.update(now, state, alarms, guidance)

    def on_servo(self, now: float, seen: ServoSeen) -> None:
        """Take a telesurgery/msg/ServoReport."""
        if seen.name not in self.arms or self.ended is not None:
            return
        self.arms[seen.name].on_servo(seen)
        if not self.measuring:
            return
        self.latency.add(seen.motion_latency)
        self.tracking_error.add(seen.tracking_error)
        self.latency_curve.add(now, seen.motion_latency)
        self.error_curve.add(now, seen.tracking_error)
        if len(seen.motion_latency):
            self.last_latency = sorted(seen.motion_latency)[len(seen.motion_latency) // 2]
        if len(seen.tracking_error):
            self.last_error = max(seen.tracking_error)
        if seen.rcm_deviation >= 0.0:
            self.rcm_deviation = max(self.rcm_deviation or 0.0, seen.rcm_deviation)

    def on_image(self, now: float, eye: str, stamp: int, age: float, jpeg: bytes) -> None:
        """Take a picture captured at `stamp` [ns], `age` [s] ago."""
        if self.ended is not None:
            return
        count = self.video[eye]
        count.seen += 1
        count.jpeg, count.stamp = jpeg, stamp
        if eye == EYES[0]:
            self.video_rate.update(now, count.seen)
        if self.measuring:
            count.frames += 1
            self.video_age.add([age])

    def on_hand(self, master: str, position: tuple[float, float, float]) -> None:
        """Take the position of a hand in the display frame, shape (3,) [m]."""
        if self.measuring:
            self.hand_paths[master].add(position)

    def on_operating_state(self, arm: str, state: str) -> None:
        """Take the CRTK operating state of an arm."""
        if arm in self.arms and self.ended is None:
            self.arms[arm].operating_state = state

    def under_way(self) -> bool:
        """Whether each hand's arm follows it; without a console: whether CRTK clients may move the arms."""
        if not self.console:
            return self.safety.state == SafetyLevel.OPERATING.name
        driven = [name for name in self.arm_names if name in INSTRUMENT_ARMS][: len(MASTERS)]
        return all(self.arms[name].teleop_state is TeleopState.FOLLOWING for name in driven)

    def missing(self) -> list[str]:
        """What is not up yet, node by node; empty once the session can be operated."""
        found = []
        if self.safety.state is None:
            found.append(_nothing_on("safety_state"))
        elif self.safety.state in ("SELF_TEST", "SILENT"):
            texts = tuple(alarm.text or alarm.id for alarm in self.safety.alarms)
            why = "; ".join((self.safety.guidance.arming_denied or texts)[:MOST_REASONS])
            found.append(f"safety_monitor is in {self.safety.state}" + (f" ({why})" if why else ""))
        if self.console and not self.has_feedback:
            found.append(_nothing_on("feedback"))
        for name, arm in self.arms.items():
            if arm.servo is None:
                found.append(_nothing_on("servo_report", arm=name))
        found += [_nothing_on("image", eye=eye) for eye, count in self.video.items() if not count.seen]
        return found


def _nothing_on(stream: str, **parts: str) -> str:
    row = STREAMS[stream]
    return f"{row.source}: nothing on {row.topic_for(**parts)}"
