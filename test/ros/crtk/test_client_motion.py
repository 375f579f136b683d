"""CRTK clients move every arm over real DDS: each kind of motion gets there, what cannot be done is told."""

from __future__ import annotations

import copy
import math
import time
from typing import Any

import numpy as np
import pytest

pytest.importorskip("rclpy", reason="ROS is not installed here")

from telesurgery.msg import ArmServo

from robot_driver.arbitration import Owner
from teleop_core import cart
from teleop_core.arm_model import arm_model
from teleop_core.se3 import Pose
from teleop_ros.convert import pose_message

pytestmark = [pytest.mark.dds, pytest.mark.slow]

KINDS = ("PSM1", pytest.param("ECM", marks=pytest.mark.exhaustive))
"""One arm of each kind."""


def stream(theatre: Any, name: str, arm: str, seconds: float, fill: Any, rate: float = 100.0) -> dict[str, Any]:
    """Publish `fill(t)` at a rate for a time; returns the last."""
    publisher = theatre.client.speaker(name, arm)
    theatre.until(lambda: publisher.get_subscription_count() > 0, f"the driver hears {name}")
    began = time.monotonic()
    while (now := time.monotonic() - began) < seconds:
        sent = fill(now)
        publisher.publish(publisher.msg_type(**sent))
        theatre.spin(1.0 / rate)
    return sent


def near(arm: str, share: float) -> list[float]:
    """Ready, each joint on by a share of the way to the middle of its range."""
    limits, ready = arm_model(arm).limits, cart.ready_configuration(arm)
    return (ready + share * (0.5 * (limits.lower + limits.upper) - ready)).tolist()


@pytest.mark.parametrize("arm", KINDS)
def test_moves_in_joint_space_reach_their_goal(theatre: Any, arm: str) -> None:
    """move_jp and move_jr: busy, then at the goal and not busy; the tool is there too. A move to where it is pulses."""
    theatre.prepare(arm)
    goal = near(arm, 0.15)
    assert theatre.move("move_jp", arm, position=goal)[-2:] == [True, False]
    assert theatre.position(arm) == pytest.approx(goal, abs=1e-9)
    offset = [0.02, -0.02, 0.005, *[0.02] * (len(goal) - 3)]
    theatre.move("move_jr", arm, position=offset)
    assert theatre.position(arm) == pytest.approx(np.add(goal, offset), abs=1e-9)
    assert theatre.move("move_jp", arm, position=theatre.position(arm))[-2:] == [True, False]
    theatre.spin(0.3)
    assert list(theatre.newest("measured_js", arm).position) == pytest.approx(theatre.position(arm), abs=2e-3)


@pytest.mark.parametrize("arm", KINDS)
def test_a_move_in_space_is_a_straight_line(theatre: Any, arm: str) -> None:
    """move_cp of 2 cm in the plain frame: the commanded tip stays within 20 micrometres of the line."""
    theatre.prepare(arm)
    theatre.move("move_jp", arm, position=near(arm, 0.1))
    start = theatre.newest("setpoint_cp", arm)
    theatre.newest("local_setpoint_cp", arm)
    kept = theatre.client.hear("local_setpoint_cp", arm)
    del kept[:]
    goal = copy.deepcopy(start.pose)
    goal.position.x += 0.012
    goal.position.z -= 0.016
    theatre.move("move_cp", arm, pose=goal)
    end = theatre.newest("setpoint_cp", arm).pose.position
    theatre.newest("local_setpoint_cp", arm)
    assert math.dist((end.x, end.y, end.z), (goal.position.x, goal.position.y, goal.position.z)) <= 1e-6
    tips = np.array([(m.pose.position.x, m.pose.position.y, m.pose.position.z) for m in kept])
    way = tips[-1] - tips[0]
    assert len(tips) > 20
    assert np.linalg.norm(way) == pytest.approx(0.02, abs=1e-6)
    axis = way / np.linalg.norm(way)
    away = tips - tips[0]
    deviation = np.linalg.norm(away - np.outer(away @ axis, axis), axis=1)
    assert deviation.max() <= 2e-5


@pytest.mark.parametrize("arm", KINDS)
def test_servo_follows_at_a_hundred_hertz(theatre: Any, arm: str) -> None:
    """servo_jp and servo_cp: the setpoint is where the last command was; the arm is not busy."""
    theatre.prepare(arm)
    del theatre.client.hear("warning", arm)[:]
    theatre.move("move_jp", arm, position=near(arm, 0.1))
    start = theatre.position(arm)

    def joints(now: float) -> dict[str, Any]:
        return {"position": [start[0] + 0.1 * now, *start[1:]]}

    sent = stream(theatre, "servo_jp", arm, 0.5, joints)
    assert sent["position"][0] > start[0] + 0.03
    assert theatre.position(arm)[0] == pytest.approx(sent["position"][0], abs=0.01)
    assert not theatre.ask("operating_state", arm).operating_state.is_busy
    theatre.spin(0.4)
    pose = copy.deepcopy(theatre.newest("local_setpoint_cp", arm).pose)
    height = pose.position.z

    def poses(now: float) -> dict[str, Any]:
        pose.position.z = height - 0.02 * now
        return {"pose": pose}

    stream(theatre, "local_servo_cp", arm, 0.5, poses)
    found = theatre.newest("local_setpoint_cp", arm).pose.position
    assert found.z == pytest.approx(pose.position.z, abs=0.002)
    assert pose.position.z < height - 0.006
    theatre.spin(0.4)
    plain = theatre.newest("setpoint_cp", arm)
    stream(theatre, "servo_cp", arm, 0.2, lambda _now: {"pose": plain.pose})
    assert not [m.data for m in theatre.client.hear("warning", arm) if "servo_cp refused" in m.data]


@pytest.mark.parametrize("arm", KINDS)
def test_interpolation_of_rare_targets_is_smooth(theatre: Any, arm: str) -> None:
    """interpolate_jp at 25 Hz with jitter and losses: the setpoint keeps its speed between targets, and gets there."""
    theatre.prepare(arm)
    theatre.move("move_jp", arm, position=near(arm, 0.1))
    start, random = theatre.position(arm), np.random.default_rng(4)
    publisher = theatre.client.speaker("interpolate_jp", arm)
    theatre.until(lambda: publisher.get_subscription_count() > 0, "the driver hears it")
    theatre.newest("setpoint_js", arm)
    kept = theatre.client.hear("setpoint_js", arm)
    del kept[:]
    for step in range(50):
        target = [start[0] + 0.15 * (1.0 - math.cos(2.0 * step / 25.0)), *start[1:]]
        message = publisher.msg_type(position=target)
        message.header.stamp.sec, message.header.stamp.nanosec = 1000 + step // 25, (step % 25) * 40_000_000
        theatre.spin(max(0.005, 0.04 + random.normal(0.0, 0.008)))
        if random.random() > 0.1 or step == 49:
            publisher.publish(message)
    theatre.spin(0.8)
    assert theatre.position(arm)[0] == pytest.approx(target[0], abs=1e-3)
    stamps = np.array([m.header.stamp.sec + 1e-9 * m.header.stamp.nanosec for m in kept])
    yaw = np.array([m.position[0] for m in kept])
    keep = np.diff(stamps, prepend=0.0) > 0.004
    speed = np.diff(yaw[keep]) / np.diff(stamps[keep])
    assert np.abs(speed).max() <= 1.2
    moving = speed[(stamps[keep][1:] > stamps[0] + 0.6) & (stamps[keep][1:] < stamps[0] + 1.8)]
    # A server that jumps from target to target would stand still three times out of four.
    assert np.mean(np.abs(moving) > 0.02) > 0.8


@pytest.mark.parametrize("arm", KINDS)
def test_a_velocity_stops_with_the_client(theatre: Any, arm: str) -> None:
    """servo_cv along the view of the camera, away from the operator; silence is a stop."""
    theatre.prepare(arm)
    theatre.move("move_jp", arm, position=near(arm, 0.1))
    before = theatre.newest("setpoint_cp", arm).pose.position
    twist = theatre.client.speaker("servo_cv", arm).msg_type().twist
    twist.linear.z = -0.02
    stream(theatre, "servo_cv", arm, 0.5, lambda _now: {"twist": twist})
    theatre.spin(0.5)
    after = theatre.newest("setpoint_cp", arm).pose.position
    assert -0.03 < after.z - before.z < -0.004
    assert math.hypot(after.x - before.x, after.y - before.y) <= 0.3 * (before.z - after.z)
    stood = theatre.position(arm)
    theatre.spin(0.3)
    assert theatre.position(arm) == stood


@pytest.mark.parametrize("arm", KINDS[:1])
def test_the_jaw_opens_and_closes(theatre: Any, arm: str) -> None:
    """jaw/move_jp is busy until it is there; jaw/servo_jp follows; the finger joints of the robot do."""
    theatre.prepare(arm)
    assert theatre.move("jaw_move_jp", arm, position=[math.radians(60.0)])[-2:] == [True, False]
    assert theatre.newest("jaw_setpoint_js", arm).position[0] == pytest.approx(math.radians(60.0), abs=1e-5)
    theatre.move("jaw_move_jp", arm, position=[math.radians(-20.0)])
    stream(theatre, "jaw_servo_jp", arm, 0.4, lambda now: {"position": [min(0.3, now)]})
    theatre.spin(0.3)
    assert theatre.newest("jaw_setpoint_js", arm).position[0] == pytest.approx(0.3, abs=1e-5)
    theatre.spin(0.3)
    assert theatre.newest("jaw_measured_js", arm).position[0] == pytest.approx(0.3, abs=0.02)


@pytest.mark.parametrize("arm", KINDS)
def test_what_cannot_be_done_is_refused_and_told(theatre: Any, arm: str) -> None:
    """Wrong sizes and names, numbers that are none, jumps, unknown frames, no rotation: told, and nothing moves."""
    theatre.prepare(arm)
    theatre.move("move_jp", arm, position=near(arm, 0.1))
    q, pose = theatre.position(arm), theatre.newest("local_setpoint_cp", arm).pose
    unset = type(pose)()
    unset.orientation.w = 0.0
    far = [q[0] + 1.0, *q[1:]]
    old = theatre.client.header()
    old.stamp.sec -= 60
    for name, text, fields in (
        *(
            (f"{kind}_{what}", "command too old", {"header": old})
            for kind in ("servo", "move")
            for what in ("jp", "jr")
        ),
        ("servo_cp", "command too old", {"header": old, "pose": pose}),
        ("servo_cv", "command too old", {"header": old}),
        ("move_cp", "command too old", {"header": old, "pose": pose}),
        ("servo_jp", "values", {"position": q[:-1]}),
        ("servo_jp", "position of yaw is nan", {"position": [math.nan, *q[1:]]}),
        ("servo_jp", "elbow", {"position": q, "name": ["elbow"] * len(q)}),
        ("servo_jp", "yaw jumps by 1.00", {"position": far}),
        ("servo_jr", "values", {"position": []}),
        ("move_jp", "position of yaw is inf", {"position": [math.inf, *q[1:]]}),
        ("move_jr", "values", {"position": [0.0]}),
        ("interpolate_jp", "position of yaw is nan", {"position": [math.nan, *q[1:]]}),
        ("servo_cp", "no unit quaternion", {"pose": unset}),
        ("move_cp", "no unit quaternion", {"pose": unset}),
        ("interpolate_cp", "no unit quaternion", {"pose": unset}),
        ("servo_cr", "no unit quaternion", {"pose": unset}),
        ("move_cp", "frame_id 'moon'", {"pose": pose, "header": type(old)(frame_id="moon")}),
        ("set_trajectory_ratio", "ratio nan", {"data": math.nan}),
    ):
        theatre.warned(arm, text, lambda name=name, fields=fields: theatre.say(name, arm, **fields))
    theatre.spin(0.2)
    assert theatre.position(arm) == q
    assert theatre.ask("operating_state", arm).operating_state.state == "ENABLED"


@pytest.mark.parametrize("arm", KINDS)
def test_a_goal_beyond_the_range_is_clamped_and_told(theatre: Any, arm: str) -> None:
    """The arm stops at the limit, and the client knows by how much it fell short."""
    theatre.prepare(arm)
    goal = near(arm, 0.1)
    goal[2] = float(arm_model(arm).limits.upper[2]) + 0.03
    theatre.warned(arm, "beyond its limit", lambda: theatre.move("move_jp", arm, position=goal))
    assert theatre.position(arm)[2] == pytest.approx(arm_model(arm).limits.upper[2], abs=1e-5)
    theatre.move("move_jp", arm, position=near(arm, 0.1))


@pytest.mark.parametrize("arm", KINDS)
def test_hold_stops_a_move_and_a_lost_permit_does(theatre: Any, arm: str) -> None:
    """The arm stands, not busy, still enabled; with the permit back it does not go on by itself."""
    theatre.prepare(arm)
    theatre.move("move_jp", arm, position=near(arm, 0.0))
    theatre.say("set_trajectory_ratio", arm, data=0.2)
    kept = theatre.client.hear("operating_state", arm)
    reached = theatre.client.hear("goal_reached", arm)
    for stop in ("hold", "permit"):
        theatre.spin(0.2)
        del kept[:], reached[:]
        theatre.say("move_jp", arm, position=near(arm, 0.6))
        theatre.until(lambda: any(message.is_busy for message in kept), "busy")
        theatre.spin(0.3)
        if stop == "hold":
            theatre.say("hold", arm)
        theatre.client.permits = stop == "hold"
        theatre.until(lambda: not kept[-1].is_busy, f"not busy after {stop}")
        stood = theatre.position(arm)
        theatre.client.permits = True
        theatre.spin(0.4)
        assert theatre.position(arm) == stood
        assert kept[-1].state == "ENABLED"
        assert [message.data for message in reached] == [False]
        theatre.move("move_jp", arm, position=near(arm, 0.0))
    theatre.say("set_trajectory_ratio", arm, data=1.0)


@pytest.mark.parametrize("arm", KINDS)
def test_without_a_permit_nothing_moves_and_the_client_is_told(theatre: Any, arm: str) -> None:
    """Servo and move pass the same gate as teleoperation."""
    theatre.prepare(arm)
    q = theatre.position(arm)
    theatre.client.permits = False
    theatre.spin(0.5)
    theatre.warned(arm, "permit", lambda: theatre.say("servo_jp", arm, position=q))
    theatre.warned(arm, "permit", lambda: theatre.say("move_jp", arm, position=near(arm, 0.3)))
    assert theatre.position(arm) == q
    theatre.client.permits = True


@pytest.mark.parametrize("arm", KINDS)
def test_the_local_team_wins_over_a_running_move(theatre: Any, arm: str) -> None:
    """A claim ends the move at once; the client is refused until the release; the local team moves the arm itself."""
    theatre.prepare(arm)
    theatre.move("move_jp", arm, position=near(arm, 0.0))
    theatre.say("set_trajectory_ratio", arm, data=0.2)
    kept = theatre.client.hear("operating_state", arm)
    del kept[:]
    theatre.say("move_jp", arm, position=near(arm, 0.6))
    theatre.until(lambda: any(message.is_busy for message in kept), "busy")
    theatre.spin(0.2)
    theatre.say("local_team_claim", arm, data=True)
    theatre.until(lambda: not kept[-1].is_busy, "the move ends")
    stood = theatre.position(arm)
    report = theatre.client.hear("servo_report", arm)
    theatre.until(lambda: report and report[-1].owner == Owner.LOCAL_TEAM.value, "the report says who has the arm")
    theatre.warned(arm, "the local team", lambda: theatre.say("move_jp", arm, position=near(arm, 0.6)))
    theatre.warned(arm, "the local team", lambda: theatre.say("servo_jp", arm, position=stood))
    assert theatre.position(arm) == stood
    theatre.say("set_trajectory_ratio", arm, data=1.0)
    theatre.move("local_team_move_jp", arm, position=near(arm, 0.1))
    assert theatre.position(arm) == pytest.approx(near(arm, 0.1), abs=1e-9)
    theatre.say("local_team_claim", arm, data=False)
    theatre.until(lambda: not report[-1].owner, "nobody has the arm")
    theatre.move("move_jp", arm, position=near(arm, 0.0))


@pytest.mark.parametrize("arm", KINDS[:1])
def test_teleoperation_and_a_client_do_not_share_an_arm(theatre: Any, arm: str) -> None:
    """While teleoperation commands an arm a client is refused, and the other way round; the other arms stay free."""
    theatre.prepare(arm)
    q = theatre.position(arm)
    servo = theatre.teleoperation
    theatre.until(lambda: servo.get_subscription_count() > 0, "the driver hears teleop/servo")

    def teleoperate(seconds: float) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            command = ArmServo(name=arm, position=q, jaw=math.nan)
            servo.publish(servo.msg_type(header=theatre.client.header(), arms=[command]))
            theatre.spin(0.01)

    def newcomer_client() -> None:
        teleoperate(0.2)
        theatre.say("move_jp", arm, position=near(arm, 0.3))
        teleoperate(0.5)

    theatre.warned(arm, Owner.TELEOPERATION.value, newcomer_client)
    assert theatre.position(arm) == q
    theatre.spin(0.5)

    def newcomer_teleoperation() -> None:
        theatre.say("move_jp", arm, position=near(arm, 0.5))
        theatre.spin(0.1)
        teleoperate(0.3)

    theatre.warned(arm, Owner.EXTERNAL.value, newcomer_teleoperation)
    theatre.until(lambda: not theatre.ask("operating_state", arm).operating_state.is_busy, "the end of the move")
    assert theatre.position(arm) == pytest.approx(near(arm, 0.5), abs=1e-9)


def test_the_frame_of_an_instrument_follows_the_camera(theatre: Any) -> None:
    """When the camera moves a tool that stands still moves in the picture, and commands mean the new one."""
    theatre.prepare("ECM")
    theatre.prepare("PSM1")
    theatre.move("move_jp", "ECM", position=near("ECM", 0.0))
    before = theatre.newest("setpoint_cp", "PSM1").pose.position
    theatre.move("move_jp", "ECM", position=near("ECM", 0.2))
    camera = theatre.position("ECM")
    found = theatre.newest("setpoint_cp", "PSM1").pose.position
    assert math.dist((before.x, before.y, before.z), (found.x, found.y, found.z)) > 0.005
    goal = theatre.newest("setpoint_cp", "PSM1").pose
    goal.position.y += 0.01
    tip = theatre.newest("local_setpoint_cp", "PSM1").pose.position
    theatre.move("move_cp", "PSM1", pose=goal)
    moved = theatre.newest("local_setpoint_cp", "PSM1").pose.position
    expected = cart.rotation_display_in_base("PSM1", camera) @ np.array([0.0, 0.01, 0.0])
    assert np.subtract((moved.x, moved.y, moved.z), (tip.x, tip.y, tip.z)) == pytest.approx(expected, abs=1e-6)


def test_a_pose_in_the_base_is_taken_on_the_plain_topic(theatre: Any) -> None:
    """A client that knows no camera names <ARM>_base_link."""
    theatre.prepare("PSM2")
    model, q = arm_model("PSM2"), theatre.position("PSM2")
    tip = model.forward(q)
    goal = Pose(tip.position + np.array([0.0, 0.0, -0.01]), tip.quaternion)
    header = type(theatre.client.header())(frame_id="PSM2_base_link")
    theatre.move("move_cp", "PSM2", header=header, pose=pose_message(goal))
    assert math.dist(model.tip(theatre.position("PSM2")), goal.position) <= 1e-8
