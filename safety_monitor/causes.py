"""Every cause that degrades or stops the motion, in one table: how bad, how it clears, what people are told.

Adding a cause is one row here and the condition that raises it in conditions.py.
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


class Priority(IntEnum):
    """How urgently people have to act; values as in telesurgery/msg/Alarm."""

    LOW = 0
    MEDIUM = 1
    HIGH = 2


class Clears(Enum):
    """What ends the effect of a cause once the cause itself is gone."""

    WITH_CAUSE = "with its cause; the operator re-engages"
    OPERATOR = "the operator presses the clutch"
    LOCAL_RESET = "the local team resets, with the operator's deadman released"
    NEVER = "never: end the session and start it anew"


class Role(Enum):
    """Who has to act."""

    OPERATOR = "operator"
    LOCAL_TEAM = "local team"
    ENGINEER = "engineer"


@dataclass(frozen=True)
class Cause:
    """One row.

    Attributes:
        id: Name of the cause.
        level: What it does.
        debounce: It counts after it has lasted this long [s].
        clears: What ends its effect once it is gone.
        priority: How urgently people have to act.
        role: Who has to act.
        text: What is wrong.
        remedy: What to do.
        blocks_arming: Motion does not begin while it is there, whatever its level.
    """

    id: str
    level: Level
    debounce: float
    clears: Clears
    priority: Priority
    role: Role
    text: str
    remedy: str
    blocks_arming: bool = False


_INFORM, _DEGRADE, _HOLD, _PAUSED, _FAULT, _STOP = Level
_LOW, _MEDIUM, _HIGH = Priority
_ITSELF, _PRESS, _RESET, _NEVER = Clears
_OPERATOR, _TEAM, _ENGINEER = Role

_ROWS = (
    # id, level, debounce, clears, priority, role, text, remedy
    Cause("NEVER_SEEN", _HOLD, 0.0, _ITSELF, _LOW, _TEAM, "has not been heard yet", "start it, or check the network"),
    Cause("SELF_TEST_FAILED", _INFORM, 10.0, _ITSELF, _MEDIUM, _TEAM,
          "the self-test does not pass", "mend the failing item", blocks_arming=True),
    # the operator's commands
    Cause("COMMAND_SILENCE", _HOLD, 0.0, _ITSELF, _MEDIUM, _TEAM,
          "commands of the operator are missing", "check console and link"),
    Cause("COMMAND_LOST", _PAUSED, 0.0, _PRESS, _MEDIUM, _TEAM,
          "no commands for a second", "bring console and link back"),
    Cause("COMMAND_REFUSED", _HOLD, 0.0, _ITSELF, _MEDIUM, _TEAM,
          "commands arrive and are refused", "restart the console if this lasts"),
    Cause("CONSOLE_GONE", _HOLD, 0.0, _ITSELF, _MEDIUM, _TEAM, "the console has left", "start it again"),
    Cause("OPERATOR_ABSENT", _HOLD, 0.0, _ITSELF, _LOW, _OPERATOR,
          "nobody operates the console", "sit down at the console; if somebody does, check the input device"),
    Cause("SEQUENCE_REPLAY", _INFORM, 0.0, _ITSELF, _MEDIUM, _ENGINEER,
          "old, repeated or foreign commands arrive; they are refused", "find out who sends them"),
    Cause("REPLAY_FLOOD", _HOLD, 0.0, _ITSELF, _HIGH, _ENGINEER,
          "old, repeated or foreign commands arrive in numbers", "find out who sends them and take it off the network"),
    Cause("NON_FINITE", _HOLD, 0.0, _ITSELF, _MEDIUM, _ENGINEER,
          "commands that are no motion arrive (not finite, out of range); they are refused", "check the input device"),
    Cause("AUTH_FAIL", _FAULT, 0.0, _RESET, _HIGH, _ENGINEER,
          "a message is not signed with the key of this session", "find who sends it; check the keys of all nodes"),
    # the patient's side
    Cause("ARM_NOT_READY", _HOLD, 0.0, _ITSELF, _LOW, _TEAM, "the arm is not enabled and homed", "enable and home it"),
    Cause("KINEMATICS_LATE", _HOLD, 0.0, _ITSELF, _MEDIUM, _TEAM,
          "the kinematics are late", "the computer may be overloaded: end other programs"),
    Cause("KINEMATICS_GONE", _FAULT, 0.0, _RESET, _HIGH, _TEAM, "the kinematics have stopped", "restart them"),
    Cause("DRIVER_LATE", _HOLD, 0.0, _ITSELF, _MEDIUM, _TEAM,
          "the driver is late", "the computer may be overloaded: end other programs"),
    Cause("DRIVER_GONE", _FAULT, 0.0, _RESET, _HIGH, _TEAM, "the driver has stopped", "restart it"),
    Cause("GATE_OPEN", _FAULT, 0.6, _RESET, _HIGH, _ENGINEER,
          "the arm says that it may move although no permit is given", "end the session and check the driver"),
    Cause("PERMIT_NOT_TAKEN", _FAULT, 0.6, _RESET, _MEDIUM, _ENGINEER,
          "the arm does not take the permit", "check keys and clocks of the driver"),
    Cause("LIMIT_REPEATED", _FAULT, 0.0, _RESET, _HIGH, _ENGINEER,
          "the command gate has to overrule commands again and again", "find out who commands the arm"),
    Cause("TRACKING_SLOW", _DEGRADE, 0.05, _ITSELF, _LOW, _OPERATOR,
          "the instrument lags its commands: motion is slowed", "move more slowly"),
    Cause("TRACKING_ERROR", _HOLD, 0.02, _ITSELF, _MEDIUM, _TEAM,
          "the instrument does not follow", "check for contact"),
    Cause("TRACKING_LOST", _FAULT, 0.0, _RESET, _HIGH, _TEAM,
          "the instrument is far from its commanded place", "free it"),
    # the endoscope
    Cause("VIDEO_OLD", _DEGRADE, 0.1, _ITSELF, _LOW, _TEAM,
          "the endoscope's image is late: motion is slowed", "check camera and link"),
    Cause("VIDEO_STALE", _HOLD, 0.0, _ITSELF, _MEDIUM, _TEAM,
          "the endoscope's image is too old", "check camera and link"),
    Cause("VIDEO_FROZEN", _HOLD, 0.0, _ITSELF, _MEDIUM, _TEAM,
          "the endoscope's image is frozen", "check camera and video computer"),
    Cause("VIDEO_LOST", _PAUSED, 0.0, _PRESS, _MEDIUM, _TEAM, "no image of the endoscope", "bring the image back"),
    Cause("EYES_APART", _HOLD, 0.4, _ITSELF, _MEDIUM, _TEAM,
          "left and right image are not of one instant", "check the cameras"),
    Cause("EYES_SWAPPED", _HOLD, 0.0, _ITSELF, _MEDIUM, _TEAM,
          "the image is of the other eye: left and right are swapped", "swap the cables of the cameras back"),
    # the link
    Cause("LINK_DEGRADED", _DEGRADE, 0.0, _ITSELF, _LOW, _TEAM,
          "the link is slow or loses packets: motion is slowed", "check the link"),
    Cause("LINK_POOR", _HOLD, 0.0, _ITSELF, _MEDIUM, _TEAM, "the link is too slow or loses too much", "check the link"),
    Cause("LINK_LOST", _PAUSED, 0.0, _PRESS, _MEDIUM, _TEAM, "the link is far too slow", "bring the link back"),
    # who speaks
    Cause("DUPLICATE_PUBLISHER", _FAULT, 0.15, _RESET, _HIGH, _ENGINEER,
          "two nodes speak where one may", "stop the second"),
    Cause("UNEXPECTED_PUBLISHER", _HOLD, 0.15, _ITSELF, _HIGH, _ENGINEER,
          "a console speaks in a session that has none", "end it, or start a session with a console"),
    Cause("QOS_MISMATCH", _FAULT, 0.0, _RESET, _HIGH, _ENGINEER,
          "a node offers the wrong quality of service", "stop it, or mend it"),
    # this computer
    Cause("SELF_LAG", _HOLD, 0.0, _ITSELF, _MEDIUM, _TEAM,
          "the safety monitor itself was late", "the computer may be overloaded: end other programs"),
    Cause("CLOCK_STEP", _FAULT, 0.0, _RESET, _HIGH, _ENGINEER,
          "the clock of the patient's side has jumped", "stop what sets the clock"),
    Cause("RECORDER_DOWN", _INFORM, 0.0, _ITSELF, _MEDIUM, _TEAM,
          "the session is not being recorded", "start the recorder", blocks_arming=True),
    Cause("DECISIONS_LOST", _INFORM, 0.0, _ITSELF, _LOW, _ENGINEER,
          "the monitor's decisions are not written down any more", "free space; they are again in the next session"),
    Cause("DISK_LOW", _INFORM, 0.0, _ITSELF, _MEDIUM, _TEAM,
          "the disk is nearly full", "free space", blocks_arming=True),
    Cause("INTERNAL_FAILURE", _STOP, 0.0, _NEVER, _HIGH, _ENGINEER,
          "the safety monitor failed", "end the session and start it anew"),
    Cause("MONITOR_RESTARTED", _STOP, 0.0, _RESET, _HIGH, _TEAM,
          "the safety monitor was started while the arm was enabled", "see why it ended before"),
    # people
    Cause("STOP_UNSIGNED", _HOLD, 0.0, _ITSELF, _HIGH, _ENGINEER,
          "a stop was asked for without the key of this session", "find out who asked"),
    Cause("STOP_REQUEST", _STOP, 0.0, _RESET, _HIGH, _TEAM, "protective stop", "make it safe to go on"),
)  # fmt: skip
CAUSES: dict[str, Cause] = {row.id: row for row in _ROWS}
