"""Every stream between the nodes, in one table: topic, type, who speaks, how often, what silence means.

Nodes create their publishers and subscriptions from this table, the safety monitor its expectations, the documentation
and the tests their lists. Topics are relative; ``{arm}`` and ``{master}`` stand for the name of an arm.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum

MASTERS = ("MTML", "MTMR")
INSTRUMENT_ARMS = ("PSM1", "PSM2", "PSM3")
CAMERA_ARM = "ECM"
ARMS = (*INSTRUMENT_ARMS, CAMERA_ARM)
"""Every arm of the cart."""
DEFAULT_ARMS = ("PSM1", "PSM2")
"""Arms of a session: instrument arms in the order of the hands that drive them, right, left, spare."""
EYES = ("left", "right")
EYE_LINKS = {eye: f"{CAMERA_ARM}_{eye}_optical" for eye in EYES}
"""Frame of the images of each eye."""
SITES = ("robot", "console")
"""Sites that record a session."""


def instruments(arms: Sequence[str]) -> tuple[str, ...]:
    """Instrument arms among some arms, in their order."""
    return tuple(arm for arm in arms if arm in INSTRUMENT_ARMS)


def with_camera(arms: Sequence[str]) -> tuple[str, ...]:
    """Arms of a session and the camera arm, which is always on the cart."""
    return tuple(dict.fromkeys((*arms, CAMERA_ARM)))


def pairs_of(arms: Sequence[str]) -> list[tuple[str, str]]:
    """Pairs of a hand and an instrument arm: as configured, and each spare arm with both hands.

    Args:
        arms: Arms of the session; the first instrument arm is the right hand's, the second one the left hand's.
    """
    hands, driven = tuple(reversed(MASTERS)), instruments(arms)
    pairs = list(zip(hands, driven, strict=False))
    return pairs + [(hand, arm) for arm in driven[len(hands) :] for hand in hands]


class Intent(Enum):
    """What a stream is for; the quality of service follows from it (teleop_ros.qos)."""

    COMMAND = "command"
    SERVO = "servo"
    PERMIT = "permit"
    STATE = "state"
    LATCHED_STATE = "latched state"
    EVENT = "event"
    VIDEO = "video"


@dataclass(frozen=True)
class Stream:
    """One row of the table.

    Attributes:
        name: Key of the row.
        topic: Relative topic; may hold ``{arm}``, ``{master}``, ``{pair}``, ``{eye}`` or ``{site}``.
        type: ROS interface type, ``package/msg/Name``.
        source: Node that publishes it; "any" where it is not one node, "client" where only CRTK clients do.
        sinks: Nodes of the suite that subscribe to it.
        rate: Nominal rate [Hz]; 0 for events.
        intent: What it is for.
        recorded: Part of the record; not where it follows from other streams, and is published only while heard.
        arms: Arms that have it.
        silent: Opened, as clients look for it, and never published: there is nothing true to say.
    """

    name: str
    topic: str
    type: str
    source: str
    sinks: tuple[str, ...]
    rate: float
    intent: Intent
    recorded: bool = True
    arms: tuple[str, ...] = ARMS
    silent: bool = False

    def topic_for(self, **parts: str) -> str:
        """Relative topic with its parts filled in, e.g. ``topic_for(arm="PSM1")``."""
        return self.topic.format(**parts)

    def topics(self, arms: Sequence[str]) -> list[str]:
        """Relative topics of the stream, one for each arm, hand, pair, eye or site."""
        values = {
            "arm": tuple(arm for arm in arms if arm in self.arms),
            "master": MASTERS,
            "pair": tuple(map("_".join, pairs_of(arms))),
            "eye": EYES,
            "site": SITES,
        }
        parts = [part for part in values if f"{{{part}}}" in self.topic]
        chosen = itertools.product(*(values[part] for part in parts))
        return [self.topic_for(**dict(zip(parts, one, strict=True))) for one in chosen]


_JOINT_STATE = "sensor_msgs/msg/JointState"
_POSE = "geometry_msgs/msg/PoseStamped"
_WRENCH = "geometry_msgs/msg/WrenchStamped"
_MATRIX = "std_msgs/msg/Float64MultiArray"
_EMPTY, _BOOL, _NUMBER, _TEXT = (f"std_msgs/msg/{name}" for name in ("Empty", "Bool", "Float64", "String"))


def _asked(name: str, topic: str, kind: str, intent: Intent = Intent.EVENT, rate: float = 0.0) -> Stream:
    """What CRTK clients ask of an arm."""
    return Stream(name, f"{{arm}}/{topic}", kind, "client", ("driver",), rate, intent)


def _derived(name: str, topic: str, kind: str) -> Stream:
    """What follows from the joint states, for clients; published while somebody hears it."""
    return Stream(name, f"{{arm}}/{topic}", kind, "driver", (), 100.0, Intent.STATE, recorded=False)


def _told(name: str, topic: str, kind: str, intent: Intent = Intent.EVENT, rate: float = 0.0) -> Stream:
    """What an arm tells its clients."""
    return Stream(name, f"{{arm}}/{topic}", kind, "driver", (), rate, intent)


def _of_jaw(row: Stream) -> Stream:
    """A row of the arms that have a jaw."""
    return replace(row, arms=INSTRUMENT_ARMS)


_CLIENT_ROWS = (
    # what clients ask: see the README for what each does
    _asked("servo_jp", "servo_jp", _JOINT_STATE, Intent.SERVO, 200.0),
    _asked("servo_cp", "servo_cp", _POSE, Intent.SERVO, 200.0),
    _asked("servo_cv", "servo_cv", "geometry_msgs/msg/TwistStamped", Intent.SERVO, 200.0),
    _asked("servo_jr", "servo_jr", _JOINT_STATE),
    _asked("servo_cr", "servo_cr", _POSE),
    _asked("interpolate_jp", "interpolate_jp", _JOINT_STATE),
    _asked("interpolate_cp", "interpolate_cp", _POSE),
    _asked("move_jp", "move_jp", _JOINT_STATE),
    _asked("move_jr", "move_jr", _JOINT_STATE),
    _asked("move_cp", "move_cp", _POSE),
    _asked("local_servo_cp", "local/servo_cp", _POSE, Intent.SERVO, 200.0),
    _asked("local_interpolate_cp", "local/interpolate_cp", _POSE),
    _asked("local_move_cp", "local/move_cp", _POSE),
    _asked("hold", "hold", _EMPTY),
    _asked("free", "free", _EMPTY),
    _asked("servo_jf", "servo_jf", _JOINT_STATE),
    _asked("servo_ci", "servo_ci", "crtk_msgs/msg/CartesianImpedance"),
    _asked("spatial_servo_cf", "spatial/servo_cf", _WRENCH),
    _asked("body_servo_cf", "body/servo_cf", _WRENCH),
    _asked("set_cf_orientation_absolute", "body/set_cf_orientation_absolute", _BOOL),
    _asked("use_gravity_compensation", "use_gravity_compensation", _BOOL),
    _asked("set_trajectory_ratio", "trajectory_j/set_ratio", _NUMBER),
    _asked("set_base_frame", "set_base_frame", _POSE),
    _of_jaw(_asked("jaw_servo_jp", "jaw/servo_jp", _JOINT_STATE, Intent.SERVO, 100.0)),
    _of_jaw(_asked("jaw_move_jp", "jaw/move_jp", _JOINT_STATE)),
    _of_jaw(_asked("jaw_servo_jf", "jaw/servo_jf", _JOINT_STATE)),
    _of_jaw(_asked("emulate_tool_present", "emulate_tool_present", _BOOL)),
    _of_jaw(_asked("set_tool_type", "set_tool_type", _TEXT)),
    # what an arm tells them
    _derived("measured_cp", "measured_cp", _POSE),
    _derived("setpoint_cp", "setpoint_cp", _POSE),
    _derived("measured_cv", "measured_cv", "geometry_msgs/msg/TwistStamped"),
    _derived("spatial_measured_cf", "spatial/measured_cf", _WRENCH),
    _derived("body_measured_cf", "body/measured_cf", _WRENCH),
    _derived("spatial_jacobian", "spatial/jacobian", _MATRIX),
    _derived("body_jacobian", "body/jacobian", _MATRIX),
    _derived("goal_js", "goal_js", _JOINT_STATE),
    _derived("goal_cp", "goal_cp", _POSE),
    _of_jaw(_derived("jaw_goal_js", "jaw/goal_js", _JOINT_STATE)),
    _told("goal_reached", "goal_reached", _BOOL),
    _told("desired_state", "desired_state", _TEXT),
    _told("error", "error", _TEXT),
    _told("warning", "warning", _TEXT),
    _told("status", "status", _TEXT),
    _told("period_statistics", "period_statistics", "telesurgery/msg/PeriodStatistics", Intent.STATE, 1.0),
    _told("trajectory_ratio", "trajectory_j/ratio", _NUMBER, Intent.LATCHED_STATE),
    _told("stop_policy", "stop_policy", _TEXT, Intent.LATCHED_STATE),
    _of_jaw(_told("tool_type", "tool_type", _TEXT, Intent.LATCHED_STATE)),
    _of_jaw(_told("tool_type_request", "tool_type_request", _EMPTY)),
)


def _asked_of(name: str, topic: str, kind: str) -> Stream:
    """What CRTK clients ask of the console, a master, or a pair of a hand and an arm."""
    return Stream(name, topic, kind, "client", ("master_input",), 0.0, Intent.EVENT)


def _told_of(name: str, topic: str, kind: str, intent: Intent = Intent.LATCHED_STATE) -> Stream:
    """What the console says of itself, a master, or a pair."""
    return Stream(name, topic, kind, "master_input", (), 0.0, intent)


def _while_heard(name: str, topic: str, kind: str, rate: float) -> Stream:
    """What follows from the commands and the feedback, for clients; published while somebody hears it."""
    return Stream(name, topic, kind, "master_input", (), rate, Intent.STATE, recorded=False)


def _never_told(name: str, kind: str) -> Stream:
    """What a CRTK client opens of a master, and a hand without joints, motors and sensors of force does not have."""
    topic = f"{{master}}/{name}"
    row = _while_heard(f"master_{name.replace('/', '_')}", topic, kind, 0.0)
    return replace(row, silent=True)


def _asked_of_master(name: str, kind: str) -> Stream:
    """What a CRTK client may ask of any arm, a master among them."""
    return _asked_of(f"master_{name.replace('/', '_')}", f"{{master}}/{name}", kind)


_MASTER_ROWS = (
    _while_heard("master_local_measured_cp", "{master}/local/measured_cp", _POSE, 100.0),
    _while_heard("master_setpoint_cp", "{master}/setpoint_cp", _POSE, 100.0),
    _while_heard("master_local_setpoint_cp", "{master}/local/setpoint_cp", _POSE, 100.0),
    _never_told("measured_js", _JOINT_STATE),
    _never_told("setpoint_js", _JOINT_STATE),
    _never_told("spatial/measured_cf", _WRENCH),
    _never_told("body/measured_cf", _WRENCH),
    _never_told("spatial/jacobian", _MATRIX),
    _never_told("body/jacobian", _MATRIX),
    _never_told("trajectory_j/ratio", _NUMBER),
    _asked_of_master("hold", _EMPTY),
    _asked_of_master("free", _EMPTY),
    _asked_of_master("servo_jp", _JOINT_STATE),
    _asked_of_master("servo_jr", _JOINT_STATE),
    _asked_of_master("servo_cp", _POSE),
    _asked_of_master("servo_jf", _JOINT_STATE),
    _asked_of_master("servo_ci", "crtk_msgs/msg/CartesianImpedance"),
    _asked_of_master("move_jp", _JOINT_STATE),
    _asked_of_master("move_jr", _JOINT_STATE),
    _asked_of_master("move_cp", _POSE),
    _asked_of_master("spatial/servo_cf", _WRENCH),
    _asked_of_master("body/servo_cf", _WRENCH),
    _asked_of_master("body/set_cf_orientation_absolute", _BOOL),
    _asked_of_master("use_gravity_compensation", _BOOL),
    _asked_of_master("trajectory_j/set_ratio", _NUMBER),
)
"""What dvrk_python's class of a master opens besides: its check of connections passes, each command is answered."""

_CONSOLE_ROWS = (
    _told_of("coag", "footpedals/coag", "sensor_msgs/msg/Joy"),
    _while_heard("master_measured_cv", "{master}/measured_cv", "geometry_msgs/msg/TwistStamped", 100.0),
    _told_of("master_operating_state", "{master}/operating_state", "crtk_msgs/msg/OperatingState"),
    _told_of("master_warning", "{master}/warning", _TEXT, Intent.EVENT),
    _asked_of("master_state_command", "{master}/state_command", "crtk_msgs/msg/StringStamped"),
    _asked_of("lock_orientation", "{master}/lock_orientation", "geometry_msgs/msg/Quaternion"),
    _asked_of("unlock_orientation", "{master}/unlock_orientation", _EMPTY),
    *_MASTER_ROWS,
    # the console and the pairs, as in the da Vinci Research Kit
    _asked_of("teleop_enable", "console/teleop/enable", _BOOL),
    _asked_of("teleop_set_scale", "console/teleop/set_scale", _NUMBER),
    _asked_of("teleop_select", "console/teleop/select", _TEXT),
    _asked_of("teleop_unselect", "console/teleop/unselect", _TEXT),
    _told_of("teleop_enabled", "console/teleop/enabled", _BOOL),
    _told_of("teleop_scale", "console/teleop/scale", _NUMBER),
    _told_of("teleop_selected", "console/teleop/selected", _TEXT),
    _told_of("teleop_unselected", "console/teleop/unselected", _TEXT),
    _told_of("console_warning", "console/warning", _TEXT, Intent.EVENT),
    _asked_of("pair_state_command", "{pair}/state_command", "crtk_msgs/msg/StringStamped"),
    _asked_of("pair_set_scale", "{pair}/set_scale", _NUMBER),
    _asked_of("pair_lock_rotation", "{pair}/lock_rotation", _BOOL),
    _asked_of("pair_lock_translation", "{pair}/lock_translation", _BOOL),
    _asked_of("pair_set_align_mtm", "{pair}/set_align_MTM", _BOOL),
    _told_of("pair_current_state", "{pair}/current_state", _TEXT),
    _told_of("pair_desired_state", "{pair}/desired_state", _TEXT),
    _told_of("pair_scale", "{pair}/scale", _NUMBER),
    _told_of("pair_following", "{pair}/following", _BOOL),
    _told_of("pair_rotation_locked", "{pair}/rotation_locked", _BOOL),
    _told_of("pair_translation_locked", "{pair}/translation_locked", _BOOL),
    _told_of("pair_align_mtm", "{pair}/align_MTM", _BOOL),
    _while_heard("pair_alignment_offset", "{pair}/alignment_offset", "geometry_msgs/msg/QuaternionStamped", 10.0),
)

_ROWS = (
    # name, topic, type, source, sinks, rate, intent
    Stream("command", "teleop/command", "telesurgery/msg/OperatorCommand",
           "master_input", ("kinematics", "safety_monitor"), 200.0, Intent.COMMAND),
    Stream("feedback", "teleop/feedback", "telesurgery/msg/TeleopFeedback",
           "kinematics", ("master_input", "safety_monitor", "telesurgery"), 100.0, Intent.STATE),
    Stream("safety_state", "safety/state", "telesurgery/msg/SafetyState",
           "safety_monitor", ("kinematics", "driver", "master_input", "local_team", "telesurgery"),
           100.0, Intent.PERMIT),
    Stream("protective_stop", "safety/protective_stop", "telesurgery/msg/StopRequest",
           "any", ("safety_monitor", "driver"), 0.0, Intent.EVENT),
    Stream("link_status", "link/status", "telesurgery/msg/LinkStatus", "link", ("safety_monitor",), 10.0, Intent.STATE),
    Stream("teleop_servo", "teleop/servo", "telesurgery/msg/TeleopServo",
           "kinematics", ("driver",), 200.0, Intent.SERVO),
    # arms (CRTK)
    Stream("state_command", "{arm}/state_command", "crtk_msgs/msg/StringStamped",
           "any", ("driver",), 0.0, Intent.EVENT),
    Stream("operating_state", "{arm}/operating_state", "crtk_msgs/msg/OperatingState",
           "driver", ("kinematics", "safety_monitor", "local_team", "telesurgery"), 0.0, Intent.LATCHED_STATE),
    Stream("measured_js", "{arm}/measured_js", _JOINT_STATE,
           "driver", ("kinematics", "safety_monitor"), 100.0, Intent.STATE),
    Stream("setpoint_js", "{arm}/setpoint_js", _JOINT_STATE,
           "driver", ("kinematics", "safety_monitor"), 100.0, Intent.STATE),
    Stream("local_measured_cp", "{arm}/local/measured_cp", _POSE, "driver", (), 100.0, Intent.STATE),
    Stream("local_setpoint_cp", "{arm}/local/setpoint_cp", _POSE, "driver", (), 100.0, Intent.STATE),
    Stream("jaw_measured_js", "{arm}/jaw/measured_js", _JOINT_STATE,
           "driver", ("kinematics",), 100.0, Intent.STATE, arms=INSTRUMENT_ARMS),
    Stream("jaw_setpoint_js", "{arm}/jaw/setpoint_js", _JOINT_STATE,
           "driver", ("kinematics",), 100.0, Intent.STATE, arms=INSTRUMENT_ARMS),
    Stream("servo_report", "{arm}/servo_report", "telesurgery/msg/ServoReport",
           "driver", ("kinematics", "safety_monitor", "telesurgery"), 10.0, Intent.STATE),
    Stream("local_team_claim", "{arm}/local_team/claim", _BOOL, "any", ("driver",), 0.0, Intent.EVENT),
    Stream("local_team_move_jp", "{arm}/local_team/move_jp", _JOINT_STATE, "client", ("driver",), 0.0, Intent.EVENT),
    *_CLIENT_ROWS,
    Stream("joint_states", "joint_states", _JOINT_STATE, "driver", ("video_relay",), 50.0, Intent.STATE),
    # masters and pedals (CRTK)
    Stream("master_measured_cp", "{master}/measured_cp", _POSE, "master_input", ("telesurgery",), 100.0, Intent.STATE),
    Stream("gripper_measured_js", "{master}/gripper/measured_js", _JOINT_STATE,
           "master_input", (), 100.0, Intent.STATE),
    Stream("clutch", "footpedals/clutch", "sensor_msgs/msg/Joy", "master_input", (), 0.0, Intent.LATCHED_STATE),
    Stream("camera", "footpedals/camera", "sensor_msgs/msg/Joy", "master_input", (), 0.0, Intent.LATCHED_STATE),
    Stream("operator_present", "console/operator_present", "sensor_msgs/msg/Joy",
           "master_input", (), 0.0, Intent.LATCHED_STATE),
    *_CONSOLE_ROWS,
    # endoscope
    Stream("image", "endoscope/{eye}/image_raw/compressed", "sensor_msgs/msg/CompressedImage",
           "video_relay", ("safety_monitor", "telesurgery"), 12.0, Intent.VIDEO),
    Stream("camera_info", "endoscope/{eye}/camera_info", "sensor_msgs/msg/CameraInfo",
           "video_relay", (), 12.0, Intent.VIDEO),
    # the record
    Stream("record_status", "record/{site}/status", "telesurgery/msg/RecordStatus",
           "recorder", ("safety_monitor", "telesurgery"), 10.0, Intent.STATE),
    Stream("virtual_fixtures", "virtual_fixtures", "visualization_msgs/msg/MarkerArray",
           "kinematics", (), 0.0, Intent.LATCHED_STATE),
    # standard
    Stream("diagnostics", "/diagnostics", "diagnostic_msgs/msg/DiagnosticArray",
           "any", ("telesurgery",), 1.0, Intent.EVENT),
    Stream("rosout", "/rosout", "rcl_interfaces/msg/Log", "any", (), 0.0, Intent.LATCHED_STATE),
    Stream("robot_description", "robot_description", "std_msgs/msg/String",
           "driver", (), 0.0, Intent.LATCHED_STATE),
)  # fmt: skip

STREAMS: dict[str, Stream] = {row.name: row for row in _ROWS}


@dataclass(frozen=True)
class Service:
    """A service that the driver answers for each arm, or the console for each master.

    Attributes:
        topic: Relative name; holds ``{arm}`` or ``{master}``.
        type: ROS interface type, ``package/srv/Name``.
    """

    topic: str
    type: str


ARM_SERVICES: dict[str, Service] = {
    "forward_kinematics": Service("{arm}/forward_kinematics", "crtk_msgs/srv/QueryForwardKinematics"),
    "inverse_kinematics": Service("{arm}/inverse_kinematics", "crtk_msgs/srv/QueryInverseKinematics"),
    "local_forward_kinematics": Service("{arm}/local/forward_kinematics", "crtk_msgs/srv/QueryForwardKinematics"),
    "local_inverse_kinematics": Service("{arm}/local/inverse_kinematics", "crtk_msgs/srv/QueryInverseKinematics"),
    "operating_state": Service("{arm}/operating_state", "crtk_msgs/srv/TriggerOperatingState"),
    "crtk_version": Service("{arm}/crtk_version", "std_srvs/srv/Trigger"),
}
MASTER_SERVICES: dict[str, Service] = {
    name: Service(ARM_SERVICES[name].topic.replace("{arm}", "{master}"), ARM_SERVICES[name].type)
    for name in ("forward_kinematics", "inverse_kinematics", "local_forward_kinematics")
}
"""What a client of dvrk_python asks a master: without an answer it would wait for ever."""
