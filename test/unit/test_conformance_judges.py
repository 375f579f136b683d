"""Every judge of the conformance check passes what is right and fails what is wrong."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from conformance_samples import endpoint, graph, joints, pose, recording, sine, spoiled, state, swing, text, tip

from conformance import judge_kinematics as kinematics
from conformance import judge_motion as motion
from conformance import judge_refusals as refusals
from conformance import judge_states as states
from conformance import judge_streams as streams
from conformance import judge_topics as topics
from conformance.checks import CHECKS
from conformance.features import clients
from conformance.judge_kinematics import Answer, JointTrial
from conformance.judge_motion import JointTarget, Silence, TipTarget
from conformance.judge_refusals import BadCommand
from conformance.judge_states import TRANSITIONS, Step
from conformance.samples import CartesianPose, Joints, Matrix
from conformance.verdict import Verdict
from teleop_core.se3 import Pose

STREAM = ("measured_js", "setpoint_js", "measured_cp", "setpoint_cp", "measured_cv")
POSES = ("measured_cp", "setpoint_cp")
JOINTS = ("measured_js", "setpoint_js")
TURNED = Answer(pose(0.1, 0.0, -0.1, 0.05), (), True, "")


def walk(command: str = "", leads_to: str = "", silent: bool = False) -> list[Step]:
    """A walk through the table in which one command may lead elsewhere, or be answered by no event."""
    steps = []
    for index, ((before, word), after) in enumerate(TRANSITIONS.items()):
        wrong = word == command
        event = state(index, leads_to if wrong and leads_to else after)
        steps.append(Step(state(index, before), word, () if wrong and silent else (event,)))
    return steps


def target(setpoint: float = 0.03, measured: float = 0.03) -> JointTarget:
    """A step of 0.03 rad of one joint, and what was reached."""
    return JointTarget("yaw", (0.0, 0.0), (0.03, 0.0), (setpoint, 0.0), (measured, 0.0))


def tip_target(setpoint: Pose, measured: Pose) -> TipTarget:
    """A goal 5 mm away, and what was reached."""
    return TipTarget("there", pose(), pose(0.005), setpoint, measured)


def path(ends_at: float, bend: float = 0.0, seconds: float = 0.5) -> list[CartesianPose]:
    """A way along x in 50 poses, bent by so much in its middle [m]."""
    count = 50
    shares = [index / (count - 1) for index in range(count)]
    at = [pose(ends_at * share, bend * math.sin(math.pi * share)) for share in shares]
    step = round(100.0 * seconds / count)
    return [tip(index * step, one) for index, one in enumerate(at)]


def stopping(travel: float, drift: float = 0.0) -> list[Joints]:
    """Setpoints from hold on: so far on, and on from there."""
    shares = [min(1.0, index / 20.0) for index in range(100)]
    return [joints(i, (travel * share + drift * i / 100.0, 0.0, 0.0)) for i, share in enumerate(shares)]


def returning(turns_at: float, ends_at: float = 0.0) -> list[Joints]:
    """Setpoints on their way to a first goal that turn back."""
    there = [joints(index, (turns_at * index / 20.0, 0.0, 0.0)) for index in range(21)]
    return [*there, joints(21, (ends_at, 0.0, 0.0))]


def bad(moved: float = 0.0, words: bool = True, alive: bool = True, now: str = "ENABLED") -> BadCommand:
    """What followed a command that makes no sense."""
    return BadCommand("servo_jp with NaN", (text(),) if words else (), moved, alive, now)


HELD = Silence("servo_cv", 0.002, 0.0, "ENABLED", 1.5)
DRIFTS = Silence("servo_cv", 0.02, 0.006, "ENABLED", 1.5)
HINGE = JointTrial("yaw", 0.03, pose(0.1), pose(0.1, 0.003, turn=0.03))
SLIDE = JointTrial("insertion", 0.003, pose(0.1), pose(0.103))
DEGREES = JointTrial("yaw", 0.03, pose(0.1), pose(0.1, 0.00005, turn=0.03 * math.pi / 180.0))
MILLIMETRES = JointTrial("insertion", 0.003, pose(100.0), pose(103.0))
HERE, Q = pose(0.1, 0.0, -0.1), (0.1, -0.2, 0.12)
FOUND = Answer(None, Q, True, "")
MANY = endpoint("measured_js", "sensor_msgs/msg/JointState", True)
TO_BOTH = tuple(name for client in clients("PSM1") for name in client.topics)

Arguments = tuple[Any, ...]
CASES: dict[Callable[..., Any], tuple[Arguments, list[Arguments]]] = {
    topics.required_topics: ((graph(),), [(graph(without=("measured_js",)),), (graph(without=("servo_jp",)),)]),
    topics.types: (
        (graph(),),
        [
            (graph(endpoint("measured_cp", "geometry_msgs/msg/TransformStamped", True)),),
            (graph(services={"forward_kinematics": "std_srvs/srv/Trigger"}),),
        ],
    ),
    topics.reliable_publishers: (
        (graph(),),
        [
            (
                graph(
                    endpoint("measured_cp", "geometry_msgs/msg/PoseStamped", True, reliable=False, reaches_client=False)
                ),
            )
        ],
    ),
    topics.command_subscriptions: (
        (graph(),),
        [
            (graph(endpoint("servo_jp", "sensor_msgs/msg/JointState", False, reaches_client=False)),),
            (graph(endpoint("state_command", "crtk_msgs/msg/StringStamped", False, reaches_latched_client=False)),),
        ],
    ),
    topics.one_server: ((graph(),), [(graph(MANY, MANY),)]),
    topics.state_is_known_late: (([state(0)], [], False), [([], [], False)]),
    streams.stamps_are_set: ((recording(), STREAM, True), [(spoiled("measured_cp", stamp=0), STREAM, True)]),
    streams.stamps_rise: (
        (recording(), STREAM, ("operating_state",)),
        [
            (spoiled("operating_state", 2, stamp=1_000_000_000), STREAM, ("operating_state",)),
            (spoiled("measured_js", stamp=7), STREAM, ()),
        ],
    ),
    streams.same_clock: (
        (recording(), STREAM),
        [(spoiled("measured_js", 1, age=30.0), STREAM), (spoiled("measured_js", 1, age=-2.0), STREAM)],
    ),
    streams.pose_has_the_stamp_of_joints: (
        (recording(), POSES),
        [(spoiled("measured_cp", 2, stamp=1_000_000_777), POSES)],
    ),
    streams.joint_arrays: (
        (recording(), JOINTS),
        [
            (spoiled("setpoint_js", 1, names=("insertion", "pitch", "yaw")), JOINTS),
            (spoiled("measured_js", 1, velocity=(0.0,)), JOINTS),
            (spoiled("measured_js", 1, names=()), JOINTS),
            (spoiled("measured_js", 1, names=("yaw", "yaw", "pitch")), JOINTS),
            (spoiled("measured_js", 3, names=("a", "b", "c")), JOINTS),
        ],
    ),
    streams.finite: (
        (recording(),),
        [
            (spoiled("measured_js", position=(math.nan, 0.0, 0.0)),),
            (spoiled("measured_cp", pose=pose(math.inf)),),
            (spoiled("measured_cv", values=(math.nan,) * 6),),
        ],
    ),
    streams.rates: (
        (recording(), STREAM, 50.0),
        [
            (recording(spoil=lambda _, i, sample: sample if i % 4 == 0 else None), STREAM, 50.0),
            (recording(spoil=lambda _, i, sample: None if i % 50 < 20 else sample), STREAM, 50.0),
            (recording(spoil=lambda topic, _, sample: None if topic == "measured_cp" else sample), STREAM, 50.0),
        ],
    ),
    streams.frames: (
        (recording(), STREAM),
        [
            (spoiled("measured_cp", 1, frame=""), STREAM),
            (spoiled("measured_cp", 3, frame="other"), STREAM),
            (spoiled("setpoint_cp", 1, frame="other"), STREAM),
        ],
    ),
    streams.quaternions: (
        (recording(),),
        [(spoiled("measured_cp", pose=Pose(np.zeros(3), np.array([0.0, 0.0, 0.0, 2.0]))),)],
    ),
    streams.plausible_values: (
        (recording(),),
        [(spoiled("measured_js", position=(40.0, 0.0, 0.1)),), (spoiled("measured_cp", pose=pose(100.0)),)],
    ),
    streams.operating_states: (
        (recording(),),
        [
            (spoiled("operating_state", 2, state="READY"),),
            (spoiled("operating_state", 2, state="PAUSED", is_busy=True),),
        ],
    ),
    streams.jacobians: (
        (recording(), {"spatial/jacobian": 3}),
        [
            (recording(), {"spatial/jacobian": 6}),
            (spoiled("spatial/jacobian", 1, shape=()), {"spatial/jacobian": 3}),
        ],
    ),
    streams.stands_at_its_setpoint: (
        (recording(),),
        [(spoiled("setpoint_js", 1, position=(0.3, -0.2, 0.12)),), (spoiled("setpoint_cp", 1, pose=pose(0.2)),)],
    ),
    streams.continuous: ((recording(), JOINTS), [(spoiled("measured_js", 100, position=(0.4, -0.2, 0.12)), JOINTS)]),
    kinematics.forward_agrees: (
        ([(HERE, Answer(HERE, (), True, ""))], "measured_cp"),
        [([(HERE, TURNED)], "measured_cp"), ([(HERE, Answer(None, (), False, "no"))], "measured_cp")],
    ),
    kinematics.forward_has_units: (([HINGE, SLIDE],), [([DEGREES],), ([MILLIMETRES],)]),
    kinematics.inverse_agrees: (
        (HERE, Q, FOUND, HERE),
        [
            (HERE, Q, Answer(None, (0.3, 0.0, 0.1), True, ""), pose(0.2)),
            (HERE, Q, Answer(None, (), False, "no"), None),
            (HERE, Q, Answer(None, (0.3, 0.0, 0.1), True, ""), None),
        ],
    ),
    kinematics.services_refuse: (
        ([("NaN", Answer(None, (), False, "not finite"))],),
        [
            ([("NaN", Answer(HERE, (), True, ""))],),
            ([("NaN", Answer(None, (), False, ""))],),
            ([("NaN", None)],),
        ],
    ),
    kinematics.plain_frame_is_rigid: (
        ([(tip(0, pose(0.3)), tip(0, pose(0.1))), (tip(1, pose(0.3, 0.01)), tip(1, pose(0.1, 0.01)))],),
        [([(tip(0, pose(0.3)), tip(0, pose(0.1))), (tip(1, pose(0.3, 10.0)), tip(1, pose(0.1, 0.01)))],)],
    ),
    kinematics.tip_moves_as_joints_say: (
        ([HINGE, SLIDE],),
        [([DEGREES],), ([MILLIMETRES],), ([JointTrial("yaw", 0.0, pose(), pose())],)],
    ),
    kinematics.joint_velocities: ((sine(),), [(sine(180.0 / math.pi),), (sine(2.0),), (sine(0.0),), (sine(-1.0),)]),
    kinematics.tip_velocities: (swing(), [swing(1000.0), swing(0.0)]),
    states.is_ready: ((state(0),), [(state(0, "FAULT"),), (state(0, homed=False),)]),
    states.transitions: ((walk(),), [(walk("resume", "ENABLED"),), (walk("enable", "DISABLED"),), (walk()[:5],)]),
    states.events_follow: ((walk(),), [(walk("pause", silent=True),)]),
    states.unknown_command: (
        (Step(state(0), "fly", (state(1),), (text(),)), True),
        [
            (Step(state(0), "fly", (state(1),)), True),
            (Step(state(0), "fly", (state(1, "FAULT"),), (text(),)), True),
            (Step(state(0), "fly", (), (text(),)), True),
        ],
    ),
    states.homing: (
        ([Step(state(0, homed=False), "home", (state(1, busy=True), state(2)))],),
        [
            ([Step(state(0, homed=False), "home", (state(1, homed=False),))],),
            ([Step(state(0, homed=False), "home", (state(1, busy=True),))],),
            ([Step(state(0), "unhome", (state(1),))],),
            ([Step(state(0), "home", ())],),
        ],
    ),
    states.busy_pulse: (
        ([state(0, busy=True), state(1)], 2.0),
        [([], 2.0), ([state(0)], 2.0), ([state(0, busy=True)], 2.0)],
    ),
    states.never_busy: (([state(0)], "servo_jp"), [([state(0, busy=True)], "servo_jp")]),
    states.events_rise: (([state(0), state(1)],), [([state(1), state(1)],), ([state(2), state(1)],)]),
    motion.joints_follow: (([target()],), [([target(0.015)],), ([target(measured=0.0)],), ([target(math.nan)],)]),
    motion.joints_add_up: ((target(),), [(target(0.001),), (target(0.06),)]),
    motion.tip_follows: (
        ([tip_target(pose(0.005), pose(0.005))],),
        [
            ([tip_target(pose(), pose())],),
            ([tip_target(pose(0.005), pose(5.0))],),
            ([tip_target(pose(0.005, turn=0.1), pose(0.005))],),
        ],
    ),
    motion.tip_travels: ((0.003, path(0.003)), [(0.003, path(0.0)), (0.003, path(3.0))]),
    motion.velocity_drives: (
        (0.01, (1.0, 0.0, 0.0), path(0.005)),
        [
            (0.01, (1.0, 0.0, 0.0), path(0.0)),
            (0.01, (0.0, 1.0, 0.0), path(0.005)),
            (0.01, (1.0, 0.0, 0.0), path(5.0)),
        ],
    ),
    motion.straight: ((path(0.005),), [(path(0.005, bend=0.003),)]),
    motion.goals: (
        ("goal_js", (0.1, 0.2), (0.1, 0.2), 1e-3),
        [("goal_js", (0.1, 0.2), (0.0, 0.2), 1e-3), ("goal_js", (0.1, 0.2), None, 1e-3)],
    ),
    motion.hold_stops: (
        ((0.1, 0.0, 0.0), stopping(0.01), [state(0)]),
        [
            ((0.1, 0.0, 0.0), stopping(0.1), [state(0)]),
            ((0.1, 0.0, 0.0), stopping(0.01, 0.02), [state(0)]),
            ((0.1, 0.0, 0.0), stopping(0.01), [state(0, busy=True)]),
        ],
    ),
    motion.preempts: (
        ((0.0, 0.0, 0.0), (0.1, 0.0, 0.0), returning(0.05)),
        [
            ((0.0, 0.0, 0.0), (0.1, 0.0, 0.0), returning(0.1)),
            ((0.0, 0.0, 0.0), (0.1, 0.0, 0.0), returning(0.05, 0.02)),
        ],
    ),
    refusals.refuses: (
        ([bad()], True),
        [
            ([bad(words=False)], True),
            ([bad(0.03)], True),
            ([bad(math.nan)], True),
            ([bad(alive=False)], True),
            ([bad(now="FAULT")], True),
        ],
    ),
    refusals.limits: (
        ([bad(), bad(0.03)], True),
        [([bad(0.03, words=False)], True), ([bad(alive=False)], True), ([bad(now="FAULT")], True)],
    ),
    refusals.names_are_kept: (
        ((0.003, 0.0), (0.0, 0.003), (0.0, 0.0), (0.003, 0.0), ()),
        [
            ((0.003, 0.0), (0.0, 0.003), (0.0, 0.0), (0.5, 0.5), ()),
            ((0.003, 0.0), (0.0, 0.003), (0.0, 0.0), (0.0, 0.0), ()),
        ],
    ),
    motion.silence: (([HELD], "hold"), [([DRIFTS], "hold"), ([HELD], '{"on_silence": "fault"}')]),
    refusals.ratio_is_kept: (
        (0.5, 0.5, 1.0, 0.5, (text(),), True),
        [
            (0.5, 1.0, 1.0, 1.0, (text(),), True),
            (0.5, 0.5, 1.0, 2.0, (text(),), True),
            (0.5, 0.5, 1.0, 0.5, (), True),
            (0.5, None, 1.0, None, (text(),), True),
        ],
    ),
}
NEVER_FAIL = (topics.client_topics,)
"""Judges that only note: CRTK lets a server leave things out."""


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.name)
def test_every_check_has_a_case_in_which_it_fails(check: Any) -> None:
    """A new check needs data that it refuses."""
    assert check.judge in CASES or check.judge in NEVER_FAIL


@pytest.mark.parametrize("judge", CASES, ids=lambda judge: judge.__name__)
def test_judge_passes_what_is_right_and_fails_what_is_wrong(judge: Callable[..., Any]) -> None:
    """Good observations pass, each spoiled one fails, and both say something."""
    good, wrong = CASES[judge]
    verdict = judge(*good)
    assert verdict.ok is True, verdict.detail
    assert verdict.detail
    for index, arguments in enumerate(wrong):
        verdict = judge(*arguments)
        assert verdict.ok is False, f"case {index}: {verdict.detail}"
        assert verdict.detail


def test_what_crtk_leaves_open_is_noted_and_not_failed() -> None:
    """Absent features, names and frames that a server does not look at, a way that is no line, no stop policy."""
    assert topics.client_topics(graph(), clients("PSM1")).ok is None
    full = graph(*(endpoint(name, "", True) for name in TO_BOTH))
    assert topics.client_topics(full, clients("PSM1")).ok is True
    assert refusals.refuses([bad(0.03)], True, True).ok is None
    assert refusals.refuses([bad(0.03), bad(alive=False)], True, True).ok is False
    assert refusals.refuses([bad(words=False)], False).ok is True
    by_place = ((0.003, 0.0), (0.0, 0.003), (0.0, 0.0), (0.0, 0.003), ())
    assert refusals.names_are_kept(*by_place).ok is None
    assert motion.straight(path(0.005, bend=0.0005)).ok is None
    assert motion.silence([DRIFTS], "").ok is None
    assert streams.stamps_are_set(spoiled("measured_cp", stamp=0), STREAM, False).ok is None


def test_the_policy_is_read_from_words_and_from_json() -> None:
    """The latched topic may hold one word, a sentence that begins with it, or an object."""
    assert motion.declared_policy("hold") == "hold"
    assert motion.declared_policy("Hold: within 60 ms of the last command") == "hold"
    assert motion.declared_policy('{"on_silence": "drift", "silence_s": 0.1}') == "drift"
    assert motion.declared_policy("stops") == ""
    assert motion.declared_policy("[1]") == ""


def test_a_verdict_is_a_bool_of_python() -> None:
    """JSON takes no other, and what is counted as failed is compared by identity."""
    assert Verdict(np.float64(1.0) <= 0.5, "").ok is False


def test_a_matrix_without_layout_is_wrong() -> None:
    """Clients read the sizes from the layout."""
    samples = recording()
    samples.samples["body/jacobian"] = [Matrix(1.0, 0, 0.0, (18,), (0.0,) * 18)]
    assert streams.jacobians(samples, {"body/jacobian": 3}).ok is False
