"""The table of checks, in the order in which they are made."""

from __future__ import annotations

from functools import partial

from conformance import bad_probes, motion_probes, probes, servo_probes
from conformance import judge_kinematics as kinematics
from conformance import judge_motion as motion
from conformance import judge_refusals as refusals
from conformance import judge_states as states
from conformance import judge_streams as streams
from conformance import judge_topics as topics
from conformance.check import Check, Kind
from conformance.features import STREAMS
from conformance.session import Session

API = "CRTK API, robot motion"
STATE_API = "CRTK API, operating state"
CLIENT = "crtk_python_client, utils"
DVRK = "dvrk_python"
OURS = "telesurgery, no contract of CRTK"

LEAST_RATE = 50.0
"""Least rate of a stream [Hz]; dVRK publishes 100 Hz."""

LOOK, COMMAND, MOVE = Kind.LOOK, Kind.COMMAND, Kind.MOVE


def _rates(session: Session) -> probes.Evidence:
    return session.recording, probes.offered(session, STREAMS), session.least_rate


CHECKS: tuple[Check, ...] = (
    # what is offered
    Check("topics", "an arm has operating_state, state_command, measured_js and a motion command", API,
          "names in the ROS graph", LOOK, (), probes.graph, topics.required_topics),
    Check("client_topics", "known clients find all that they open; what a server does not support is absent",
          "dvrk_python arm.py, psm.py; dvrk_arm_from_ros; CRTK API, other notes",
          "names in the ROS graph against the lists of the clients", LOOK, (),
          probes.graph_and_clients, topics.client_topics),
    Check("types", "every CRTK name has its type", API + "; crtk_msgs", "types in the ROS graph", LOOK, (),
          probes.graph, topics.types),
    Check("reliable_publishers", "publishers reach a subscription that is reliable and volatile",
          CLIENT + ": subscriber", "quality of service of every publisher against that of the client", LOOK, (),
          probes.graph, topics.reliable_publishers),
    Check("command_subscriptions", "commands are heard from volatile and from transient local publishers",
          CLIENT + ": add_operating_state publishes latched", "quality of service of every subscription", LOOK, (),
          probes.graph, topics.command_subscriptions),
    Check("one_server", "one publisher speaks for the arm", API, "publishers in the ROS graph", LOOK, (),
          probes.graph, topics.one_server),
    Check("state_for_late_clients", "the state can be queried", STATE_API + ": state queries",
          "a late subscription that asks for kept messages, one that does not, the service operating_state", LOOK,
          ("operating_state",), probes.late_state, topics.state_is_known_late),
    # what arrives
    Check("stamps_set", "a stamp of zero marks invalid data; a ready arm has valid data", API + ": data validity",
          "every stamp", LOOK, ("measured_js",), probes.stamped_and_ready, streams.stamps_are_set),
    Check("stamps_rise", "stamps of events rise strictly, those of streams never fall",
          CLIENT + ": drops an event that is not newer", "every pair of messages", LOOK, (),
          probes.streams_and_events, streams.stamps_rise),
    Check("same_clock", "stamps are of the clock of the clients", CLIENT + ": compares stamps with now",
          "median age at arrival", LOOK, ("measured_js",), probes.stamped, streams.same_clock),
    Check("pose_stamp", "a measured_cp has the stamp of the measured_js it was worked out from", API + ": measured_cp",
          "stamps of both", LOOK, ("measured_cp", "measured_js"), probes.measured_poses,
          streams.pose_has_the_stamp_of_joints),
    Check("joint_arrays", "arrays are empty or of one size; joints are named, in one order", API + ": other notes",
          "names and sizes of every JointState", LOOK, ("measured_js",), probes.joint_streams, streams.joint_arrays),
    Check("finite", "numbers are numbers", API, "every number", LOOK, (), probes.recording, streams.finite),
    Check("rates", "streams are fast and even enough for a loop", "dVRK publishes 100 Hz; dvrk_teleoperation.py",
          "messages a second and gaps, while the arm stands", LOOK, ("measured_js",), _rates, streams.rates),
    Check("frames", "poses name their frame, the same for measured, setpoint and goal", API + ": measured_cp",
          "every frame_id", LOOK, ("measured_cp",), probes.framed, streams.frames),
    Check("quaternions", "rotations are unit quaternions", "geometry_msgs/Quaternion", "every pose", LOOK,
          ("measured_cp",), probes.recording, streams.quaternions),
    Check("plausible_values", "radians and metres", "ROS REP 103", "size of every joint and position", LOOK, (),
          probes.recording, streams.plausible_values),
    Check("states_are_words", "the state is DISABLED, ENABLED, PAUSED or FAULT; busy only while enabled", STATE_API,
          "every event", LOOK, ("operating_state",), probes.recording, streams.operating_states),
    Check("jacobians", "six rows, a column for each joint", DVRK + " arm.py; crtk_python_client: jacobian",
          "layout of every matrix", LOOK, ("spatial/jacobian",), probes.jacobian_topics, streams.jacobians),
    # services
    Check("forward_kinematics", "the service agrees with measured_cp", API + ": measured_cp; crtk_msgs",
          "asked for measured_js, compared with the measured_cp of the same stamp", LOOK,
          ("forward_kinematics", "measured_cp"),
          partial(probes.forward_pairs, service="forward_kinematics", topic="measured_cp"), kinematics.forward_agrees),
    Check("local_forward_kinematics", "the service agrees with local/measured_cp", DVRK + " arm.py: local",
          "asked for measured_js, compared with the local/measured_cp of the same stamp", LOOK,
          ("local/forward_kinematics", "local/measured_cp"),
          partial(probes.forward_pairs, service="local/forward_kinematics", topic="local/measured_cp"),
          kinematics.forward_agrees),
    Check("kinematic_units", "radians and metres", "ROS REP 103",
          "a joint turned by x in forward kinematics turns the tip by x, or slides it by x", LOOK,
          ("forward_kinematics",), probes.forward_trials, kinematics.forward_has_units),
    Check("inverse_kinematics", "the service finds the joints of a pose", "crtk_msgs/QueryInverseKinematics",
          "joints to pose and back", LOOK, ("inverse_kinematics",), probes.inverse_round_trip,
          kinematics.inverse_agrees),
    Check("services_refuse", "what has no answer gets result false or a message",
          "crtk_msgs: result and message", "a wrong size, NaN, a pose 10 m away", LOOK, ("forward_kinematics",),
          probes.services_asked_badly, kinematics.services_refuse),
    # operating state
    Check("gets_ready", "an arm that is enabled and homed is ready", STATE_API + ": is_ready", "enable, home", COMMAND,
          ("state_command", "operating_state"), probes.readiness, states.is_ready),
    Check("transitions", "the table of transitions", STATE_API + ": state transitions",
          "a walk through every row that commands can reach, refused ones included", COMMAND,
          ("state_command", "operating_state"), probes.walk_through_states, states.transitions),
    Check("event_after_command", "an event after every command, a no-op too",
          CLIENT + ": waits for a new event after each state command", "the same walk", COMMAND,
          ("state_command", "operating_state"), probes.walk_through_states, states.events_follow),
    Check("unknown_command", "a command that is none changes nothing and is answered", STATE_API,
          f"state_command {states.UNKNOWN!r}", COMMAND, ("state_command", "operating_state"),
          probes.unknown_command, states.unknown_command),
    Check("homing", "home and unhome act on is_homed, with an event, and busy ends", STATE_API + "; " + CLIENT,
          "home of a homed arm; unhome and home with --unhome", COMMAND, ("state_command", "operating_state"),
          probes.homing, states.homing),
    Check("trajectory_ratio", "the ratio of speed is in ]0, 1] and told back", DVRK + " arm.py: trajectory_j",
          "a half, then NaN, 0 and 2, then as before", COMMAND, ("trajectory_j/ratio", "trajectory_j/set_ratio"),
          probes.ratio, refusals.ratio_is_kept),
    Check("stands_at_setpoint", "measured is what the sensors say, setpoint what the controller tracks", API,
          "both, while the arm is ready and stands", COMMAND, ("setpoint_js",),
          probes.standing, streams.stands_at_its_setpoint),
    # motions
    Check("servo_jp", "servo_jp sets the setpoint of the joints", API + ": servo_jp",
          "each joint a small step and back at 100 Hz", MOVE, ("servo_jp",), servo_probes.from_steps("targets"),
          motion.joints_follow),
    Check("servo_is_not_busy", "busy is false during servo", STATE_API + ": is_busy", "events of the same motions",
          MOVE, ("servo_jp", "operating_state"), servo_probes.during_servo, states.never_busy),
    Check("units_in_motion", "radians and metres", "ROS REP 103",
          "the tip turns as far as a hinge did and slides as far as a slide did, in the same motions", MOVE,
          ("servo_jp", "measured_cp"), servo_probes.from_steps("trials"), kinematics.tip_moves_as_joints_say),
    Check("plain_and_local", "plain and local pose are one pose in two frames", API + ": namespaces",
          "they differ by one transform at every place of the tip", MOVE,
          ("servo_jp", "measured_cp", "local/measured_cp"), servo_probes.from_steps("places"),
          kinematics.plain_frame_is_rigid),
    Check("joint_velocity", "velocity is how fast the position changes", API + ": measured_js",
          "differences of positions in the same motions", MOVE, ("servo_jp", "measured_js"),
          servo_probes.from_steps("joints"), kinematics.joint_velocities),
    Check("tip_velocity", "measured_cv is how fast measured_cp moves", API + ": measured_cv",
          "differences of poses in the same motions", MOVE, ("servo_jp", "measured_cv", "measured_cp"),
          servo_probes.from_steps("poses", "twists"), kinematics.tip_velocities),
    Check("servo_jr", "relative joints add to the newest setpoint", API + ": servo", "a step in many small parts", MOVE,
          ("servo_jr",), servo_probes.relative_stream, motion.joints_add_up),
    Check("servo_cp", "servo_cp sets the setpoint of the tip", API + ": servo_cp; dvrk_arm_test.py: 2 mm",
          "to a reachable pose near by and back at 100 Hz", MOVE, ("servo_cp",), servo_probes.tip_stream("servo_cp"),
          motion.tip_follows),
    Check("servo_cr", "relative poses add to the newest setpoint; the frame is left open", API + ": limitations",
          "a few millimetres in many small parts", MOVE, ("servo_cr", "measured_cp"), servo_probes.relative_tip,
          motion.tip_travels),
    Check("servo_cv", "servo_cv sets the velocity of the tip", API + ": servo_cv; crtk_servo_cv_example.py",
          "10 mm/s along a way that the arm can go", MOVE, ("servo_cv", "measured_cp"), servo_probes.velocity,
          motion.velocity_drives),
    Check("interpolate_jp", "interpolate smooths slow commands", API + ": interpolate", "a small step at 20 Hz", MOVE,
          ("interpolate_jp",), servo_probes.joint_stream("interpolate_jp"), motion.joints_follow),
    Check("interpolate_cp", "interpolate smooths slow commands", API + ": interpolate",
          "to a pose near by and back at 20 Hz", MOVE, ("interpolate_cp",),
          servo_probes.tip_stream("interpolate_cp"), motion.tip_follows),
    Check("move_jp", "move goes to its goal and stops there", API + ": move", "a small step and back", MOVE,
          ("move_jp",), motion_probes.move_joints("move_jp"), motion.joints_follow),
    Check("move_jr", "a relative move goes so far from the setpoint", API + ": move", "a small step and back", MOVE,
          ("move_jr",), motion_probes.move_joints("move_jr"), motion.joints_follow),
    Check("move_cp", "move goes to its goal and stops there", API + ": move", "to a pose near by and back", MOVE,
          ("move_cp",), motion_probes.move_tip_targets, motion.tip_follows),
    Check("move_cp_straight", "the way of move_cp: a line is what a surgeon expects", OURS,
          "setpoint_cp against the line, in the same move", MOVE, ("move_cp",), motion_probes.move_tip_path,
          motion.straight),
    Check("move_is_busy", "busy is true during a move and false after it", STATE_API + ": is_busy; " + CLIENT,
          "events of a small move_jp", MOVE, ("move_jp", "operating_state"), motion_probes.pulse_of_a_move,
          states.busy_pulse),
    Check("move_of_no_way_is_busy", "a client waits for busy, even of a move to where the arm is",
          "wait_move_handle; dvrk_arm_test.py: move to current position", "events of a move_jp to the setpoint", MOVE,
          ("move_jp", "operating_state"), motion_probes.pulse_of_no_way("move_jp"), states.busy_pulse),
    Check("move_cp_of_no_way_is_busy", "the same for a pose", "wait_move_handle", "events of a move_cp to the setpoint",
          MOVE, ("move_cp", "operating_state"), motion_probes.pulse_of_no_way("move_cp"), states.busy_pulse),
    Check("goal_js", "goal is the end of a move", API + ": goal_js", "goal_js after a move_jp", MOVE,
          ("goal_js", "move_jp"), motion_probes.goal_of_joints, motion.goals),
    Check("goal_cp", "goal is the end of a move", API + ": goal_cp", "goal_cp after a move_cp", MOVE,
          ("goal_cp", "move_cp"), motion_probes.goal_of_tip, motion.goals),
    Check("move_is_preempted", "a new command takes the place of a move", API + ": move is pre-emptive",
          "a move, and another one back before it ends", MOVE, ("move_jp",), motion_probes.preempted,
          motion.preempts),
    Check("hold", "hold stops a move", DVRK + " arm.py: hold", "hold in the middle of a move_jp", MOVE,
          ("hold", "move_jp"), motion_probes.held, motion.hold_stops),
    Check("jaw_servo_jp", "the jaw follows", DVRK + " psm.py", "a small way and back", MOVE,
          ("jaw/servo_jp", "jaw/measured_js"), servo_probes.jaw_stream, motion.joints_follow),
    Check("jaw_move_jp", "the jaw moves to its goal", DVRK + " psm.py", "a small way and back", MOVE,
          ("jaw/move_jp", "jaw/measured_js"), motion_probes.jaw_move, motion.joints_follow),
    Check("jaw_move_is_busy", "a client waits for busy of a jaw move too", DVRK + " dvrk_psm_test.py",
          "events of a jaw/move_jp to where the jaw is", MOVE, ("jaw/move_jp", "operating_state"),
          motion_probes.pulse_of_no_way("jaw/move_jp"), states.busy_pulse),
    # what makes no sense
    Check("refuses_nan", "invalid numbers are refused in words and change nothing", API + ": servo may be rejected",
          "NaN in each command", MOVE, ("measured_js",), bad_probes.not_finite, refusals.refuses),
    Check("refuses_wrong_size", "the size matches the number of joints", API + ": other notes",
          "joints too few, too many, none", MOVE, ("measured_js",), bad_probes.wrong_size, refusals.refuses),
    Check("refuses_wrong_names", "names are for validation; a server need not look at them", API + ": servo_jp",
          "a small step for joints that the arm does not have", MOVE, ("measured_js",), bad_probes.wrong_names,
          refusals.refuses),
    Check("names_in_another_order", "names are for validation; a server need not look at them", API + ": servo_jp",
          "a small step with two names exchanged", MOVE, ("servo_jp",), bad_probes.names_in_another_order,
          refusals.names_are_kept),
    Check("refuses_wrong_frame", "frames are for validation; a server need not look at them", API + ": servo_jp",
          "a pose near by in a frame that nobody knows", MOVE, ("measured_cp",), bad_probes.wrong_frame,
          refusals.refuses),
    Check("refuses_no_rotation", "a rotation is a unit quaternion", "geometry_msgs/Quaternion",
          "a pose near by with a quaternion of zeros", MOVE, ("measured_cp",), bad_probes.no_rotation,
          refusals.refuses),
    Check("goal_beyond_reach", "goals are feasible; others are refused, or cut off at a limit, and that is told",
          API + ": move, continuity", "a pose 10 m away and a joint at 100 rad, as moves; held as soon as it moves",
          MOVE, ("measured_cp",), bad_probes.unreachable, refusals.limits),
    Check("stop_policy", "what an arm does when commands stop; CRTK says nothing, so it should be declared", OURS,
          "a stream that ends in the middle of a motion, beside the latched topic stop_policy", MOVE,
          ("measured_cp",), servo_probes.silence, motion.silence),
    # over all that was seen
    Check("stays_ready", "no command leads to FAULT, and the arm is ready until it is told otherwise",
          STATE_API + ": FAULT", "the state after all commands of this check", COMMAND, ("operating_state",),
          probes.readiness, states.is_ready),
    Check("no_jumps", "setpoints and joints move through space", API + ": continuity",
          "steps between messages of the whole session", LOOK, ("measured_js",), probes.moving_joint_streams,
          streams.continuous),
    Check("events_rise", "stamps of events rise strictly", CLIENT + ": drops an event that is not newer",
          "every event of the whole session", LOOK, ("operating_state",), probes.events, states.events_rise),
)  # fmt: skip

BY_NAME = {check.name: check for check in CHECKS}
