"""What a recorded session is, as numpy series. Time is seconds since the first recorded message.

Times are arrivals at the recorder (MCAP log_time): one clock for every topic, whoever stamped it.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from audit.bag_scan import BagScan, Place

Floats = NDArray[np.float64]

SILENT = 7
"""State of the series beside those of telesurgery/msg/SafetyState: no permit arrived for `SILENCE`."""
SILENCE = 0.5
"""The permit comes at 100 Hz; without one for this long the safety monitor counts as silent [s]."""
STATES = ("SELF_TEST", "READY", "OPERATING", "HOLD", "PAUSED", "FAULT", "PROTECTIVE_STOP", "SILENT")
"""Names of the safety states, by value."""
LEVELS = ("INFORM", "DEGRADE", "HOLD", "PAUSED", "FAULT", "PROTECTIVE_STOP")
"""Names of the levels of an alarm, by value."""
FOLLOWING = 2
"""Value of telesurgery/msg/ArmFeedback in which the instrument follows the hand."""
CLUTCHED = 3
"""Value of telesurgery/msg/ArmFeedback in which the clutch is pressed: the instrument holds, the hand is free."""


@dataclass(frozen=True, eq=False)
class Series:
    """Values over time.

    Attributes:
        time: (n,) [s].
        value: (n,) or (n, k).
    """

    time: Floats
    value: Floats

    @staticmethod
    def empty(width: int = 0) -> Series:
        """A series of nothing."""
        return Series(np.empty(0), np.empty((0, width) if width else 0))

    def __len__(self) -> int:
        """Number of samples."""
        return len(self.time)


@dataclass(frozen=True, eq=False)
class Poses:
    """Poses over time.

    Attributes:
        time: (n,) [s].
        position: (n, 3) [m].
        quaternion: (n, 4) x, y, z, w.
    """

    time: Floats
    position: Floats
    quaternion: Floats

    def __len__(self) -> int:
        """Number of samples."""
        return len(self.time)


@dataclass
class AlarmSpan:
    """One cause from its first to its last message in the safety state.

    Attributes:
        id: Row of the cause table.
        source: Stream, node or arm concerned.
        level: Highest level it had, an index into LEVELS.
        latched: It stayed after its cause was gone.
        text: What was wrong.
        remedy: What to do.
        since: When it became active by the monitor's own stamp, on the recorder's clock [s].
        began: First message that held it [s].
        ended: First message that did not [s]; None if it was there to the end.
    """

    id: str
    source: str
    level: int
    latched: bool
    text: str
    remedy: str
    since: float
    began: float
    ended: float | None = None


@dataclass(frozen=True)
class LimitHit:
    """One limit of one arm, summed over the session.

    Attributes:
        reason: In the words of the limit table.
        by: Who limited: gate or kinematics.
        seconds: For how long [s].
        times: How often it began.
        first: When it was first told [s].
        amount: Largest amount beyond the limit; NaN where there is none.
        unit: Of the amount.
    """

    reason: str
    by: str
    seconds: float
    times: int
    first: float
    amount: float
    unit: str


@dataclass(frozen=True, eq=False)
class Arm:
    """One instrument arm.

    Attributes:
        tool: Measured tip in `<ARM>_base_link`.
        setpoint: Commanded tip in the same frame.
        latency: Hand sample to setpoint applied, one value per applied command, at the time of its report [s].
        error: Distance of measured and commanded tip, one value per servo period, at the time of its report [m].
        holding: 1 while the command gate holds the arm.
        hold_reasons: (time [s], reason) at each change of the gate's reason to hold.
        teleop: State of the hand-arm pair, a value of telesurgery/msg/ArmFeedback.
        jaw: Measured opening of the jaw [rad].
        hand: Master arm that drives it; empty if it was not told.
        limits: Limits hit.
    """

    tool: Poses
    setpoint: Poses
    latency: Series
    error: Series
    holding: Series
    hold_reasons: tuple[tuple[float, str], ...]
    teleop: Series
    jaw: Series
    hand: str
    limits: tuple[LimitHit, ...]


@dataclass(frozen=True, eq=False)
class Commands:
    """The operator's packets as they arrived at the recorder.

    Attributes:
        time: (n,) [s].
        session: (n,) console session, uint64.
        sequence: (n,) number of the packet in its session, uint64.
        pedals: (n, 4) operator_present, clutch, camera (0 or 1), motion_scale.
    """

    time: Floats
    session: NDArray[np.uint64]
    sequence: NDArray[np.uint64]
    pedals: Floats

    def __len__(self) -> int:
        """Number of samples."""
        return len(self.time)


@dataclass(frozen=True, eq=False)
class Control:
    """Who was in control and what became of the packets, from TeleopFeedback.

    Attributes:
        time: (n,) [s].
        session: (n,) console session in control, 0 for none, uint64.
        counts: (n, 7) accepted, stale, duplicate, reordered, malformed, foreign, unauthenticated: since the node
            started.
    """

    time: Floats
    session: NDArray[np.uint64]
    counts: Floats

    def __len__(self) -> int:
        """Number of samples."""
        return len(self.time)


@dataclass(frozen=True)
class Frame:
    """A recorded picture: when it arrived [s], how old it was then by its stamp [s], and where it stands."""

    time: float
    age: float
    place: Place


@dataclass(frozen=True)
class StopAsked:
    """One StopRequest: when [s], who asked, and why."""

    time: float
    source: str
    reason: str


@dataclass
class TopicCount:
    """What was recorded of one topic.

    Attributes:
        recorded: Messages.
        lost: Missing publication sequence numbers; None where the numbers do not tell.
        first: Time of the first message [s].
        last: Time of the last one [s].
        longest_silence: Longest time between two messages [s].
    """

    recorded: int = 0
    lost: int | None = None
    first: float = 0.0
    last: float = 0.0
    longest_silence: float = 0.0


@dataclass(frozen=True, eq=False)
class Session:
    """One recorded session.

    Attributes:
        bag: Its files.
        namespace: ROS namespace of the streams that were read.
        zero_ns: UTC of time 0 [ns since 1970].
        duration: From the first recorded message to the last [s].
        state: Safety state, one sample at each change, values as in STATES.
        permitted: 1 while motion is permitted, one sample at each change.
        ratio: Permitted share of full speed, one sample at each change.
        alarms: Causes, in the order in which they began.
        security: Level of security in force; empty if it was not told.
        arms: Instrument arms by name.
        hands: Master arms by name, in the display frame.
        commands: The operator's packets.
        control: Who was in control.
        link: Columns rtt, jitter, one_way_up, one_way_down [s], loss_up, loss_down (shares), level.
        frames: Pictures by eye, in order.
        stops_asked: Protective stops asked for.
        topics: What was recorded, by full topic name.
        damage: What could not be read, in words.
    """

    bag: BagScan
    namespace: str
    zero_ns: int
    duration: float
    state: Series
    permitted: Series
    ratio: Series
    alarms: tuple[AlarmSpan, ...]
    security: str
    arms: dict[str, Arm]
    hands: dict[str, Poses]
    commands: Commands
    control: Control
    link: Series
    frames: dict[str, tuple[Frame, ...]]
    stops_asked: tuple[StopAsked, ...]
    topics: dict[str, TopicCount]
    damage: tuple[str, ...] = field(default=())


def spans(series: Series, wanted: float, end: float) -> list[tuple[float, float]]:
    """Times (from, to) [s] in which a series that holds its value until the next sample has the wanted one.

    Args:
        series: (n,) values.
        wanted: The value.
        end: Where the last sample's value ends [s].
    """
    found: list[tuple[float, float]] = []
    ends = [*series.time[1:], end][: len(series)]
    for time, value, until in zip(series.time, series.value, ends, strict=True):
        if value != wanted or until <= time:
            continue
        if found and found[-1][1] == time:
            found[-1] = (found[-1][0], float(until))
        else:
            found.append((float(time), float(until)))
    return found
