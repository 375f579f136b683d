"""Every fault of the live campaign, in one table: in which phases, how, what has to follow, and what has to explain it.

Adding a fault is one row here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from campaign import rig
from campaign.environment_faults import (
    ClockStep,
    CorruptParameters,
    FullDisk,
    StaleSegments,
    can_mount,
)
from campaign.injections import (
    Absent,
    Eyes,
    Freeze,
    Hang,
    Injection,
    Kill,
    Leap,
    Load,
    Nothing,
    Overrun,
    Restart,
    RestartDriver,
    SecondSpeaker,
    StateCommand,
    StopRequest,
    Tamper,
)
from campaign.judge import Outcome
from campaign.owner_injections import Client, ClientLost, HandsLost, LocalTeamTakes, RemoteLost
from campaign.rig import INSTRUMENTS
from robot_driver.arbitration import Owner
from teleop_core.contract import CAMERA_ARM

PHASES = ("rest", "engagement", "motion", "clutched", "recovering")
"""Arms follow hands that stand; the clutch is about to be released for the first time; arms follow moving hands; the
clutch is held; the monitor is coming back from another hold."""
MOVING = ("engagement", "motion", "clutched")
CAMERA = "camera"
"""Both hands move the endoscope, with the camera pedal pressed."""
STANDING = "standing"
"""Arms follow hands that stand and go on standing: any motion is somebody else's."""
REMOTE_ARMS = tuple(f"{rig.REMOTE}/{arm}" for arm in rig.ARMS)
"""Where the robot itself is there: the arms of this driver only repeat what they heard of it last."""
FLOOD = 2000.0
"""A client that knows no measure [Hz]."""
CLOCKS, REMOTE = "clocks", "remote"
"""Processes whose clocks can be set; a robot behind another CRTK driver."""


@dataclass(frozen=True)
class Fault:
    """One row.

    Attributes:
        name: Of the fault.
        make: Makes its injection.
        outcome: What has to follow.
        explains: Alarms, hold reasons, limits and counters of which one has to be told.
        phases: In which it is injected.
        within: Time in which the robot has to stand [s].
        watch: Watch for at least so long [s].
        freely: The arm may move within the product's limits, not only where the hands ask it to.
        concerned: Arms that have to stand; empty: all.
        goes_on: Arms that have to go on following all the same.
        rig: Processes that it needs: CLOCKS, REMOTE, or those of every other row.
        impossible: Why it cannot be done here; empty if it can.
    """

    name: str
    make: Callable[[], Injection]
    outcome: Outcome
    explains: frozenset[str]
    phases: tuple[str, ...] = PHASES
    within: float = 0.4
    watch: float = 0.0
    freely: bool = False
    concerned: tuple[str, ...] = ()
    goes_on: tuple[str, ...] = ()
    rig: str = ""
    impossible: Callable[[], str] = lambda: ""


_MONITOR = ("permit not renewed", "no permit to move", "SELF_LAG", "MONITOR_RESTARTED")
_KINEMATICS = ("KINEMATICS_LATE", "KINEMATICS_GONE", "no commands", "COMMAND_REFUSED")
_DRIVER = ("DRIVER_LATE", "DRIVER_GONE", "TRACKING_LOST", "TRACKING_ERROR", "arm does not follow its commands")
_CONSOLE = ("COMMAND_SILENCE", "COMMAND_LOST", "CONSOLE_GONE", "no commands")
_VIDEO = ("VIDEO_OLD", "VIDEO_STALE", "VIDEO_LOST")
_OF_NODE = {
    "safety_monitor": _MONITOR,
    "kinematics": _KINEMATICS,
    "driver": _DRIVER,
    "console": _CONSOLE,
    "endoscope": _VIDEO,
}
_REFUSED = ("COMMAND_REFUSED", "COMMAND_SILENCE", "NON_FINITE", "malformed", "no commands", "OPERATOR_ABSENT")
_REPLAY = ("SEQUENCE_REPLAY", "REPLAY_FLOOD", "duplicate", "reordered", "stale", "foreign")
_LATE = ("stale", "command too old")
_TWO = ("DUPLICATE_PUBLISHER",)
_MAC = ("AUTH_FAIL", "unauthenticated")
_CLOCK = (
    "CLOCK_STEP",
    "PERMIT_NOT_TAKEN",
    "permit not renewed",
    "permits_refused",
    "command too old",
    "stale",
    "COMMAND_REFUSED",
    *_VIDEO,
)
_PATIENT_SIDE = ("safety_monitor", "driver", "kinematics")


def _per_node() -> list[Fault]:
    rows = []
    for node, reasons in _OF_NODE.items():
        late = 0.9 if node == "endoscope" else 0.4
        why = frozenset(reasons)
        rows += [
            Fault(f"kill_{node}", partial(Kill, node), Outcome.STOP, why, (*PHASES, CAMERA), within=late),
            Fault(f"freeze_{node}", partial(Freeze, node), Outcome.STOP, why, within=late),
            Fault(f"hang_{node}", partial(Hang, node, 2.0 * late), Outcome.STOP, why, within=late, watch=2.0 * late),
        ]
        if node != "endoscope":
            why = frozenset((*reasons, *_CONSOLE))
            often, seldom = partial(Overrun, node, 0.2, 0.02, 0.7), partial(Overrun, node, 0.02, 0.02, 0.4)
            rows += [
                Fault(f"overrun_{node}", often, Outcome.STOP, why, within=late, watch=0.7),
                Fault(f"sluggish_{node}", seldom, Outcome.TOLERATED, why | set(_LATE), MOVING, watch=0.5),
            ]
    return rows


def _values() -> list[Fault]:
    """Rubbish in the console's packets: all of them, or one in four."""
    why = frozenset((*_REFUSED, *_CONSOLE))
    all_of_them = ("nan_position", "infinite_position", "unnormalised", "unknown_hand", "scale_nan")
    some = (
        "nan_position",
        "huge_position",
        "nan_orientation",
        "unnormalised",
        "zero_orientation",
        "nan_gripper",
        "infinite_twist",
        "unknown_hand",
        "same_hand_twice",
        "scale_zero",
        "scale_too_large",
        "nan_feedback_age",
        "negative_stamp",
    )
    return [
        *(Fault(f"all_{way}", partial(Tamper, way), Outcome.STOP, why, MOVING, watch=0.3) for way in all_of_them),
        *(
            Fault(name, partial(Tamper, name), Outcome.REFUSED, why | set(_REPLAY), ("motion",), watch=0.4)
            for name in (f"some_{way}" for way in some)
        ),
        Fault("denormal", partial(Tamper, "denormal"), Outcome.TOLERATED, why, MOVING, watch=0.4, freely=True),
    ]


def _clients() -> list[Fault]:
    """External clients: of an arm of the session, and of the camera arm, which they may have meanwhile."""
    foreign = frozenset((f"belongs to {Owner.TELEOPERATION.value}",))
    said = {"servo_jp": "joint_creep", "local_servo_cp": "pose_creep", "move_jp": "joints_away",
            "local_move_cp": "pose_away", "servo_cv": "twist"}  # fmt: skip
    refused = partial(Fault, outcome=Outcome.REFUSED, phases=("motion", "clutched"), watch=0.6, goes_on=INSTRUMENTS)
    without_effect = partial(Fault, outcome=Outcome.STOP, explains=foreign, phases=(STANDING,), within=0.05, watch=0.6)
    stands = partial(Fault, outcome=Outcome.STOP, watch=0.4, concerned=(CAMERA_ARM,), goes_on=INSTRUMENTS)
    rubbish = {
        "nan": (("servo_jp", "nan"), "is nan"),
        "short": (("servo_jp", "short"), "position has 2 values"),
        "leap": (("servo_jp", "leap"), "yaw jumps by"),
        "far": (("local_servo_cp", "far"), "jumps by"),
        "flood_nan": (("servo_jp", "nan", FLOOD), "is nan"),
    }
    return [
        *(refused(f"client_{stream}", partial(Client, "PSM1", stream, way), explains=foreign)
          for stream, way in said.items()),
        # told may be what is done all the same: where nobody else moves the arm, that is seen
        *(without_effect(f"client_{stream}_standing", partial(Client, "PSM1", stream, way))
          for stream, way in said.items()),
        without_effect("client_flood_standing", partial(Client, "PSM1", "servo_jp", "joint_creep", FLOOD)),
        refused("client_flood", partial(Client, "PSM1", "servo_jp", "joint_creep", FLOOD), explains=foreign),
        *(stands(f"client_{name}", partial(Client, CAMERA_ARM, *what), explains=frozenset((told,)), phases=("motion",))
          for name, (what, told) in rubbish.items()),
        *(stands(f"client_{how}_{stream}", partial(ClientLost, stream, how == "killed"),
                 explains=frozenset(("no commands",)), phases=("motion", "clutched"))
          for how in ("killed", "silent") for stream in ("servo_jp", "servo_cv")),
        *(stands(f"local_team_takes_from_{stream}", partial(LocalTeamTakes, CAMERA_ARM, stream),
                 explains=frozenset((f"belongs to {Owner.LOCAL_TEAM.value}", "has taken the arm")), phases=("motion",))
          for stream in ("servo_jp", "servo_cv")),
    ]  # fmt: skip


_ROWS = [
    Fault("no_fault", Nothing, Outcome.MOVES, frozenset(), watch=0.8),
    *_per_node(),
    # what died is there again before anybody has acted: it comes up stopped, and the arms stay where they are
    Fault("restart_safety_monitor", lambda: Restart("safety_monitor"), Outcome.STOP, frozenset(_MONITOR), watch=3.0),
    Fault("restart_kinematics", lambda: Restart("kinematics"), Outcome.STOP, frozenset(_KINEMATICS), watch=3.0),
    Fault("restart_driver", RestartDriver, Outcome.STOP, frozenset((*_DRIVER, "ARM_NOT_READY", "arm not enabled")),
          watch=1.5),
    Fault("kill_local_team", lambda: Kill("local_team"), Outcome.TOLERATED, frozenset(), MOVING, watch=0.5),
    Fault("freeze_local_team", lambda: Freeze("local_team"), Outcome.TOLERATED, frozenset(), MOVING, watch=0.5),
    Fault("busy_cpu", lambda: Load(4), Outcome.TOLERATED,
          frozenset((*_KINEMATICS, *_DRIVER, *_CONSOLE, *_VIDEO, *_MONITOR)), watch=1.2),
    *_values(),
    # what a console or somebody on the way may do to the packets
    Fault("silent_console", lambda: Tamper("silent"), Outcome.STOP, frozenset(_CONSOLE), (*PHASES, CAMERA)),
    Fault("sequence_gap", lambda: Tamper("gap"), Outcome.TOLERATED, frozenset((*_CONSOLE, *_REPLAY)), MOVING,
          watch=0.5),
    Fault("sequence_leading", lambda: Tamper("leading"), Outcome.REFUSED, frozenset(_REPLAY), MOVING, watch=0.5),
    Fault("sequence_duplicate", lambda: Tamper("twice"), Outcome.REFUSED, frozenset(_REPLAY), MOVING, watch=0.5),
    Fault("sequence_reorder", lambda: Tamper("swapped"), Outcome.REFUSED, frozenset(_REPLAY), MOVING, watch=0.5),
    Fault("sequence_replay", lambda: Tamper("replayed"), Outcome.REFUSED, frozenset(_REPLAY), MOVING, watch=0.5),
    Fault("old_session", lambda: Tamper("old_session"), Outcome.REFUSED, frozenset(_REPLAY), MOVING, watch=0.5),
    Fault("delayed_commands", lambda: Tamper("delayed"), Outcome.STOP, frozenset((*_REPLAY, *_REFUSED, *_CONSOLE)),
          MOVING),
    Fault("forged_mac", lambda: Tamper("forged"), Outcome.REFUSED, frozenset(_MAC), watch=0.5),
    Fault("wrong_mac", lambda: Tamper("wrong_mac"), Outcome.STOP, frozenset((*_MAC, *_REFUSED)), MOVING),
    Fault("some_wrong_mac", lambda: Tamper("some_wrong_mac"), Outcome.REFUSED, frozenset(_MAC), ("motion",),
          watch=0.5),
    Fault("no_mac", lambda: Tamper("no_mac"), Outcome.STOP, frozenset((*_MAC, *_REFUSED)), MOVING),
    # somebody else speaks, or only could
    Fault("second_console_silent", lambda: SecondSpeaker("command"), Outcome.STOP, frozenset(_TWO), within=0.9),
    Fault("second_monitor_silent", lambda: SecondSpeaker("safety_state"), Outcome.STOP, frozenset(_TWO), within=0.9),
    Fault("second_kinematics_silent", lambda: SecondSpeaker("teleop_servo"), Outcome.STOP, frozenset(_TWO), MOVING,
          within=0.9),
    Fault("second_console", lambda: SecondSpeaker("command", "command"), Outcome.STOP,
          frozenset((*_TWO, *_MAC, *_REPLAY)), within=0.9),
    Fault("second_monitor", lambda: SecondSpeaker("safety_state", "permit"), Outcome.STOP,
          frozenset((*_TWO, *_MAC, "permits_refused")), within=0.9),
    Fault("servo_creep", lambda: SecondSpeaker("teleop_servo", "servo_creep"), Outcome.STOP,
          frozenset((*_TWO, "command too old", "arm does not follow its commands")), within=0.9, freely=True),
    Fault("servo_jump", lambda: SecondSpeaker("teleop_servo", "servo_jump"), Outcome.STOP,
          frozenset((*_TWO, "command jumps")), within=0.9),
    Fault("servo_nan", lambda: SecondSpeaker("teleop_servo", "servo_nan"), Outcome.STOP,
          frozenset((*_TWO, "command is not a finite number", "NON_FINITE")), MOVING, within=0.9),
    Fault("servo_short", lambda: SecondSpeaker("teleop_servo", "servo_short"), Outcome.STOP,
          frozenset((*_TWO, "command has the wrong number of joints")), ("motion",), within=0.9),
    Fault("servo_old", lambda: SecondSpeaker("teleop_servo", "servo_old"), Outcome.STOP,
          frozenset((*_TWO, "command too old")), MOVING, within=0.9),
    Fault("wrong_qos_command", lambda: SecondSpeaker("command", qos="wrong"), Outcome.STOP,
          frozenset(("QOS_MISMATCH", *_TWO)), within=0.9),
    Fault("wrong_qos_permit", lambda: SecondSpeaker("safety_state", qos="wrong"), Outcome.STOP,
          frozenset(("QOS_MISMATCH", *_TWO)), MOVING, within=0.9),
    Fault("second_endoscope", lambda: SecondSpeaker("image", "image"), Outcome.STOP,
          frozenset((*_TWO, "EYES_APART", "EYES_SWAPPED")), MOVING, within=0.9),
    Fault("arm_disabled", lambda: StateCommand("disable"), Outcome.STOP,
          frozenset(("ARM_NOT_READY", "arm not enabled"))),
    Fault("arm_paused", lambda: StateCommand("pause"), Outcome.STOP, frozenset(("ARM_NOT_READY", "arm not enabled")),
          ("motion", "clutched")),
    Fault("protective_stop", StopRequest, Outcome.STOP, frozenset(("STOP_REQUEST", "protective stop")),
          (*PHASES, CAMERA)),
    Fault("unsigned_stop", lambda: StopRequest(signed=False), Outcome.REFUSED,
          frozenset(("STOP_UNSIGNED", "STOP_REQUEST", *_MAC)), MOVING, watch=0.5),
    Fault("operator_absent", Absent, Outcome.STOP, frozenset(("OPERATOR_ABSENT",)), (*PHASES, CAMERA)),
    Fault("hand_jump", lambda: Leap(0.2), Outcome.TOLERATED, frozenset(("OPERATOR_ABSENT", "tool speed")), MOVING,
          watch=0.6, freely=True),
    # the endoscope
    Fault("video_silent", lambda: Eyes("silent"), Outcome.STOP, frozenset(_VIDEO), within=0.9),
    Fault("video_frozen", lambda: Eyes("frozen"), Outcome.STOP, frozenset(_VIDEO), within=0.9),
    Fault("video_frozen_picture", lambda: Eyes("frozen_picture"), Outcome.STOP,
          frozenset((*_VIDEO, "VIDEO_FROZEN")), MOVING, within=1.5),
    Fault("video_eyes_swapped", lambda: Eyes("swapped"), Outcome.STOP, frozenset(("EYES_SWAPPED", "EYES_APART")),
          within=0.9),
    Fault("video_eyes_apart", lambda: Eyes("apart"), Outcome.STOP, frozenset(("EYES_APART",)), MOVING, within=0.9),
    Fault("video_one_eye", lambda: Eyes("left_only"), Outcome.STOP, frozenset((*_VIDEO, "EYES_APART")), MOVING,
          within=0.9),
    # somebody else wants an arm, or has one
    *_clients(),
    Fault("local_team_takes", lambda: LocalTeamTakes("PSM1"), Outcome.STOP,
          # a refused command, in a text, or what the operator sees, where the hold came before the next command
          frozenset((f"belongs to {Owner.LOCAL_TEAM.value}", f"the arm belongs to {Owner.LOCAL_TEAM.value}")),
          ("motion", "clutched"), watch=0.4,
          concerned=("PSM1",), goes_on=("PSM2",)),
    # both hands move the endoscope
    Fault("camera_device_lost", lambda: HandsLost("lost"), Outcome.STOP, frozenset(("OPERATOR_ABSENT",)), (CAMERA,)),
    Fault("camera_one_hand_lost", lambda: HandsLost("one_handed"), Outcome.STOP,
          frozenset(("the endoscope needs both hands",)), (CAMERA,)),  # nor does the hand that is left move its arm
    Fault("camera_pedal_lost", lambda: HandsLost("camera"), Outcome.STOP, frozenset(("no commands",)), (CAMERA,),
          concerned=(CAMERA_ARM,), goes_on=INSTRUMENTS),
    # the robot is behind another CRTK driver
    # which has to be told as what it is: an arm that does not follow its commands is noticed in any case
    *(Fault(f"remote_{how}", partial(RemoteLost, how), Outcome.STOP, frozenset(why), ("motion",), within=within,
            watch=0.6, concerned=REMOTE_ARMS, rig=REMOTE)
      for how, why, within in (
          ("freeze", ("no measured_js",), 0.6),
          ("kill", ("no measured_js",), 0.6),
          ("disable", ("took it to DISABLED",), 0.4),
      )),
    Fault("remote_claim", lambda: RemoteLost("claim"), Outcome.STOP,
          frozenset((f"belongs to {Owner.ELSEWHERE.value}",)), ("motion",), watch=0.4,
          concerned=(f"{rig.REMOTE}/PSM1",), goes_on=(f"{rig.REMOTE}/PSM2",), rig=REMOTE),
    # around the processes
    Fault("clock_forwards", lambda: ClockStep(_PATIENT_SIDE, 5.0), Outcome.STOP, frozenset(_CLOCK), within=0.6,
          rig=CLOCKS),
    Fault("clock_backwards", lambda: ClockStep(_PATIENT_SIDE, -5.0), Outcome.STOP, frozenset(_CLOCK), within=0.6,
          rig=CLOCKS),
    Fault("clock_forwards_console", lambda: ClockStep(("console",), 5.0), Outcome.TOLERATED,
          frozenset((*_CLOCK, *_REFUSED, *_REPLAY)), MOVING, watch=0.6, rig=CLOCKS),
    Fault("clock_backwards_console", lambda: ClockStep(("console",), -5.0), Outcome.TOLERATED,
          frozenset((*_CLOCK, *_REFUSED, *_REPLAY)), MOVING, watch=0.6, rig=CLOCKS),
    Fault("clock_forwards_driver", lambda: ClockStep(("driver",), 5.0), Outcome.STOP,
          frozenset((*_CLOCK, *_DRIVER)), ("motion",), rig=CLOCKS),
    Fault("full_disk", FullDisk, Outcome.TOLD, frozenset(("DISK_LOW",)), MOVING, watch=1.6,
          impossible=can_mount),
    Fault("corrupt_parameters",
          lambda: CorruptParameters("kinematics", "NODE:\n  ros__parameters: {tool_speed: .nan}\n"), Outcome.STOP,
          frozenset(_KINEMATICS), MOVING, watch=1.0),
    Fault("corrupt_parameter_file", lambda: CorruptParameters("driver", "NODE: [\0 not yaml"), Outcome.STOP,
          frozenset(_DRIVER), ("motion",), watch=1.0),
    Fault("stale_segments", lambda: StaleSegments("kinematics"), Outcome.STOP, frozenset(_KINEMATICS),
          ("motion", "clutched")),
]  # fmt: skip
FAULTS: dict[str, Fault] = {row.name: row for row in _ROWS}
