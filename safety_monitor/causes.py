"""Every cause that degrades or stops the motion, in one table: how bad, how it clears, what people are told.

Adding a cause is one row here and one line in conditions.py.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, IntEnum


class Level(IntEnum):
    """What a cause does to the motion; values as in telesurgery/msg/Alarm."""

    INFORM = 0
    DEGRADE = 1
    HOLD = 2
    PAUSED = 3
    FAULT = 4
    PROTECTIVE_STOP = 5


class Clears(Enum):
    """What ends the effect of a cause once the cause itself is gone."""

    WITH_CAUSE = "with its cause; the operator re-engages"
    OPERATOR = "the operator presses the clutch"
    LOCAL_RESET = "the local team resets, with the operator's deadman released"


@dataclass(frozen=True)
class Cause:
    """One row.

    Attributes:
        id: Name of the cause.
        level: What it does.
        debounce: It counts after it has lasted this long [s].
        text: What is wrong and what to do, for the people in the room.
    """

    id: str
    level: Level
    debounce: float
    text: str

    @property
    def clears(self) -> Clears:
        """What ends its effect; follows from the level."""
        if self.level >= Level.FAULT:
            return Clears.LOCAL_RESET
        return Clears.OPERATOR if self.level is Level.PAUSED else Clears.WITH_CAUSE


_ROWS = (
    Cause("NEVER_SEEN", Level.HOLD, 0.0, "has not been heard yet: start it, or check the network"),
    Cause("COMMAND_SILENCE", Level.HOLD, 0.0, "commands of the operator are missing: check console and link"),
    Cause("COMMAND_LOST", Level.PAUSED, 0.0, "no commands for a second: when the link is back, press the clutch"),
    Cause("COMMAND_REFUSED", Level.HOLD, 0.0, "commands arrive and are refused: restart the console if this lasts"),
    Cause("CONSOLE_GONE", Level.HOLD, 0.0, "the console has left: start it again"),
    Cause("OPERATOR_ABSENT", Level.HOLD, 0.0, "nobody operates the console: sit down, or check the input device"),
    Cause("ARM_NOT_READY", Level.HOLD, 0.0, "the arm is not enabled and homed: enable and home it"),
    Cause("KINEMATICS_LATE", Level.HOLD, 0.0, "the kinematics are late: the computer may be overloaded"),
    Cause("KINEMATICS_GONE", Level.FAULT, 0.0, "the kinematics have stopped: restart them, then reset"),
    Cause("DRIVER_LATE", Level.HOLD, 0.0, "the driver is late: the computer may be overloaded"),
    Cause("DRIVER_GONE", Level.FAULT, 0.0, "the driver has stopped: restart it, then reset"),
    Cause("VIDEO_OLD", Level.DEGRADE, 0.1, "the endoscope's image is late: motion is slowed"),
    Cause("VIDEO_STALE", Level.HOLD, 0.0, "the endoscope's image is too old: check camera and link"),
    Cause("VIDEO_LOST", Level.PAUSED, 0.0, "no image of the endoscope: when it is back, press the clutch"),
    Cause("EYES_APART", Level.HOLD, 0.4, "left and right image are not of one instant: check the cameras"),
    Cause("TRACKING_SLOW", Level.DEGRADE, 0.05, "the instrument lags its commands: motion is slowed"),
    Cause("TRACKING_ERROR", Level.HOLD, 0.02, "the instrument does not follow: check for contact"),
    Cause("TRACKING_LOST", Level.FAULT, 0.0, "the instrument is far from its commanded place: free it, then reset"),
    Cause("DUPLICATE_PUBLISHER", Level.FAULT, 0.5, "two nodes speak where one may: stop the second, then reset"),
    Cause("QOS_MISMATCH", Level.FAULT, 0.0, "a node offers the wrong quality of service: fix it, then reset"),
    Cause("SELF_LAG", Level.HOLD, 0.0, "the safety monitor itself was late: the computer may be overloaded"),
    Cause("STOP_REQUEST", Level.PROTECTIVE_STOP, 0.0, "protective stop: when it is safe to go on, reset"),
)
CAUSES: dict[str, Cause] = {row.id: row for row in _ROWS}
