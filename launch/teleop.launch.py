"""Starts one side of a session, or both: ros2 launch telesurgery teleop.launch.py side:=robot sim:=false.

The nodes and their parameters are those of teleop_core.graph, which `telesurgery demo` starts too. No node is started
again when it ends: an arm that moves again by itself would surprise the people beside it.
"""

from __future__ import annotations

from ament_index_python.packages import PackageNotFoundError, get_package_share_directory
from launch import LaunchContext, LaunchDescription
from launch.actions import DeclareLaunchArgument, GroupAction, LogInfo, OpaqueFunction
from launch.launch_description_entity import LaunchDescriptionEntity
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import Node, PushRosNamespace, SetRemap
from launch_ros.parameter_descriptions import ParameterValue

from teleop_core.contract import ARMS, DEFAULT_ARMS, with_camera
from teleop_core.graph import BUILT_IN_SURGEON, CONTROLS, SIDES, NodeSpec, SessionOptions, enclave, node_graph, site_of
from teleop_core.profiles import PROFILE_NAMES
from teleop_ros.new_record import new_record
from teleop_ros.profile_files import session_link
from teleop_ros.robot_description import expand

PACKAGE = "telesurgery"
SWITCH = ["true", "false"]
RECORD_TIMEOUT = "20"
"""From the end of a session to the end of what records it, at most [s]."""
LOG_LEVELS = ["debug", "info", "warn", "error", "fatal"]


def arguments() -> list[LaunchDescriptionEntity]:
    """The arguments, as `ros2 launch telesurgery teleop.launch.py --show-args` lists them."""
    return [
        DeclareLaunchArgument(
            "side",
            default_value="both",
            choices=list(SIDES),
            description="Which site this computer is: the robot's, the surgeon's console, or both.",
        ),
        DeclareLaunchArgument(
            "sim",
            default_value="true",
            choices=SWITCH,
            description="Simulated robot and endoscope; false: the real ones.",
        ),
        DeclareLaunchArgument(
            "remote",
            default_value="",
            description="Namespace of another CRTK driver whose arms are driven, e.g. /robot1; empty: simulated arms.",
        ),
        DeclareLaunchArgument(
            "control",
            default_value=CONTROLS[0],
            choices=list(CONTROLS),
            description="Who moves the arms: an operator at the console, or CRTK clients, with no console.",
        ),
        DeclareLaunchArgument(
            "arms",
            default_value=" ".join(DEFAULT_ARMS),
            description=f"Arms of the session, out of {', '.join(ARMS)}: right hand, left hand, spare.",
        ),
        DeclareLaunchArgument(
            "profile",
            default_value=PROFILE_NAMES[0],
            description=f"Limits for the link between the sites: {', '.join(PROFILE_NAMES)}, or a file like theirs.",
        ),
        DeclareLaunchArgument(
            "keys",
            default_value="",
            description="Folder of the keys that sign commands, permits and stops; empty: nothing is signed.",
        ),
        DeclareLaunchArgument(
            "hands",
            default_value=BUILT_IN_SURGEON,
            description=f"Input device: {BUILT_IN_SURGEON} (built in), gamepad, or a file of recorded hands.",
        ),
        DeclareLaunchArgument(
            "record",
            default_value="true",
            choices=SWITCH,
            description="Record the session; without it nothing is proved.",
        ),
        DeclareLaunchArgument(
            "records",
            default_value="",
            description="Folder of all records; empty: $TELESURGERY_RECORDS, or telesurgery/records in ~/.ros.",
        ),
        DeclareLaunchArgument(
            "case",
            default_value="",
            description="What the hospital calls the operation, for the record; never the name of a person.",
        ),
        DeclareLaunchArgument(
            "namespace",
            default_value="",
            description="Namespace of all nodes and topics, to run several robots in one ROS domain; empty: none.",
        ),
        DeclareLaunchArgument(
            "rviz", default_value="false", choices=SWITCH, description="Show robot, markers and endoscope in RViz."
        ),
        DeclareLaunchArgument(
            "log_level", default_value="info", choices=LOG_LEVELS, description="Least severe messages that are logged."
        ),
    ]


def session(context: LaunchContext) -> list[LaunchDescriptionEntity]:
    """The nodes for the chosen arguments; what cannot be used ends the launch before a node starts."""
    names = (
        "side",
        "sim",
        "remote",
        "control",
        "arms",
        "profile",
        "keys",
        "hands",
        "record",
        "records",
        "case",
        "rviz",
    )
    chosen = {name: LaunchConfiguration(name).perform(context) for name in names}
    profile, keys = session_link(chosen["profile"], chosen["keys"])
    record = chosen["record"] == "true"
    options = SessionOptions(
        side=chosen["side"],
        sim=chosen["sim"] == "true",
        remote=chosen["remote"],
        control=chosen["control"],
        arms=tuple(chosen["arms"].split()),
        profile=profile,
        keys=keys,
        hands=chosen["hands"],
        record=record,
        record_folder=new_record(site_of(chosen["side"]), chosen["records"], chosen["case"]) if record else "",
    )
    actions = [suite_node(spec) for spec in node_graph(options)]
    if options.side != "console":
        actions += optional_node(
            "robot_state_publisher",
            "robot_state_publisher",
            ros_arguments=["--enclave", enclave("robot_state_publisher")],
            parameters=[{"robot_description": as_text(expand(with_camera(options.arms)))}],
        )
    if chosen["rviz"] == "true":
        actions += optional_node(
            "rviz2", "rviz2", arguments=["-d", f"{get_package_share_directory(PACKAGE)}/rviz/teleop.rviz"]
        )
    return [
        GroupAction(
            [
                PushRosNamespace(LaunchConfiguration("namespace")),
                SetRemap("/tf", "tf"),
                SetRemap("/tf_static", "tf_static"),
                *actions,
            ]
        )
    ]


def suite_node(spec: NodeSpec) -> Node:
    """One node of the suite."""
    return Node(
        package=PACKAGE,
        executable=spec.executable,
        name=spec.node,
        exec_name=spec.node,
        parameters=[
            {name: as_text(value) if isinstance(value, str) else value for name, value in spec.parameters.items()}
        ],
        output="screen",
        sigterm_timeout=RECORD_TIMEOUT if spec.records else LaunchConfiguration("sigterm_timeout", default=5),
        ros_arguments=["--enclave", enclave(spec.node), "--log-level", LaunchConfiguration("log_level")],
    )


def as_text(value: str) -> ParameterValue:
    """A text that stays one: without this, a file called 7 would arrive as a number."""
    return ParameterValue(value, value_type=str)


def optional_node(package: str, executable: str, **options: object) -> list[LaunchDescriptionEntity]:
    """A node of another package, or a line that says that the package is not installed."""
    try:
        get_package_share_directory(package)
    except PackageNotFoundError:
        debian = f"ros-jazzy-{package.replace('_', '-')}"
        return [LogInfo(msg=f"{package} is not installed: going on without it (apt install {debian})")]
    return [Node(package=package, executable=executable, output="screen", **options)]


def generate_launch_description() -> LaunchDescription:
    """Arguments, then the nodes they ask for."""
    return LaunchDescription([*arguments(), OpaqueFunction(function=session)])
