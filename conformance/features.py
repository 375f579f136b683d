"""What a CRTK arm may offer: topics and services with their types, and which of them known clients need.

Sources: the CRTK API text (collaborative-robotics/documentation), the messages (crtk_msgs), and what two clients open:
``dvrk.arm``, ``dvrk.psm`` and ``dvrk.mtm`` of dvrk_python, and the "arm from ROS" of the dVRK console.
"""

from __future__ import annotations

from dataclasses import dataclass

JOINTS = "sensor_msgs/msg/JointState"
POSE = "geometry_msgs/msg/PoseStamped"
TWIST = "geometry_msgs/msg/TwistStamped"
WRENCH = "geometry_msgs/msg/WrenchStamped"
MATRIX = "std_msgs/msg/Float64MultiArray"
NUMBER = "std_msgs/msg/Float64"
FLAG = "std_msgs/msg/Bool"
EMPTY = "std_msgs/msg/Empty"
TEXT = "std_msgs/msg/String"
STATE = "crtk_msgs/msg/OperatingState"
COMMAND = "crtk_msgs/msg/StringStamped"
FORWARD = "crtk_msgs/srv/QueryForwardKinematics"
INVERSE = "crtk_msgs/srv/QueryInverseKinematics"

PUBLISHED = {
    "operating_state": STATE,
    **{f"{level}_js": JOINTS for level in ("measured", "setpoint", "goal")},
    **{f"{level}_cp": POSE for level in ("measured", "setpoint", "goal", "local/measured", "local/setpoint")},
    **{f"{level}_cv": TWIST for level in ("measured", "setpoint")},
    **{f"{frame}/measured_cf": WRENCH for frame in ("spatial", "body")},
    **{f"{frame}/jacobian": MATRIX for frame in ("spatial", "body")},
    **{f"jaw/{level}_js": JOINTS for level in ("measured", "setpoint")},
    "trajectory_j/ratio": NUMBER,
    "error": TEXT,
    "warning": TEXT,
    "status": TEXT,
}
"""Topics that the arm publishes."""

ACCEPTED = {
    "state_command": COMMAND,
    "hold": EMPTY,
    "free": EMPTY,
    **{f"{verb}_{what}": JOINTS for verb in ("servo", "interpolate", "move") for what in ("jp", "jr")},
    **{f"servo_{what}": JOINTS for what in ("jv", "jf")},
    **{f"{verb}_{what}": POSE for verb in ("servo", "interpolate", "move") for what in ("cp", "cr")},
    "servo_cv": TWIST,
    **{f"{frame}/servo_cf": WRENCH for frame in ("spatial", "body")},
    **{f"jaw/{what}": JOINTS for what in ("servo_jp", "move_jp", "servo_jf")},
    "body/set_cf_orientation_absolute": FLAG,
    "use_gravity_compensation": FLAG,
    "trajectory_j/set_ratio": NUMBER,
    "emulate_tool_present": FLAG,
}
"""Topics that the arm subscribes to."""

SERVICES = {
    "forward_kinematics": FORWARD,
    "inverse_kinematics": INVERSE,
    "local/forward_kinematics": FORWARD,
    "local/inverse_kinematics": INVERSE,
    "operating_state": "crtk_msgs/srv/TriggerOperatingState",
    "crtk_version": "std_srvs/srv/Trigger",
}

REQUIRED = ("operating_state", "state_command", "measured_js")
"""Without these there is no CRTK arm; besides, it takes one motion command at least."""
MOTION_COMMANDS = tuple(
    topic for topic in ACCEPTED if topic.rpartition("/")[2].startswith(("servo_", "interpolate_", "move_"))
)

STREAMS = (
    "measured_js", "setpoint_js", "measured_cp", "setpoint_cp", "local/measured_cp", "local/setpoint_cp",
    "measured_cv", "jaw/measured_js", "jaw/setpoint_js",
)  # fmt: skip
"""What a control loop of a client waits for."""


@dataclass(frozen=True)
class Client:
    """A known client and what it opens; `check_connections` of the first one fails where a topic is missing."""

    name: str
    topics: tuple[str, ...]


_DVRK_ARM = (
    "operating_state", "measured_js", "setpoint_js", "measured_cp", "setpoint_cp", "local/measured_cp",
    "local/setpoint_cp", "measured_cv", "spatial/measured_cf", "body/measured_cf", "spatial/jacobian", "body/jacobian",
    "trajectory_j/ratio", "state_command", "hold", "free", "servo_jp", "servo_jr", "servo_jf", "move_jp", "move_jr",
    "servo_cp", "move_cp", "spatial/servo_cf", "body/servo_cf", "body/set_cf_orientation_absolute",
    "use_gravity_compensation", "trajectory_j/set_ratio", "forward_kinematics", "inverse_kinematics",
    "local/forward_kinematics",
)  # fmt: skip
_DVRK_JAW = ("jaw/measured_js", "jaw/setpoint_js", "jaw/servo_jp", "jaw/move_jp", "jaw/servo_jf")
_DVRK_MASTER = ("gripper/measured_js", "lock_orientation", "unlock_orientation", "servo_ci")
_CONSOLE = (
    "hold", "free", "state_command", "servo_cp", "servo_jp", "body/servo_cf", "use_gravity_compensation",
    "operating_state", "period_statistics", "setpoint_js", "measured_js", "setpoint_cp", "measured_cp", "measured_cv",
    "error", "warning", "status",
)  # fmt: skip
_CONSOLE_JAW = ("jaw/servo_jp", "jaw/setpoint_js", "jaw/measured_js")


def is_master(arm: str) -> bool:
    """Whether an arm of this name is a surgeon's hand (MTML, MTMR, ...)."""
    return "MTM" in arm.rpartition("/")[2].upper()


def clients(arm: str) -> tuple[Client, ...]:
    """Known clients of an arm of this name; the last part of the name tells what it is (PSM1, ECM, ...)."""
    if "PSM" in arm.rpartition("/")[2].upper():
        return (
            Client("dvrk_python's psm", (*_DVRK_ARM, *_DVRK_JAW, "emulate_tool_present")),
            Client("the dVRK console", (*_CONSOLE, *_CONSOLE_JAW)),
        )
    if is_master(arm):
        return (Client("dvrk_python's mtm", (*_DVRK_ARM, *_DVRK_MASTER)),)
    return (Client("dvrk_python's arm", _DVRK_ARM), Client("the dVRK console", _CONSOLE))
