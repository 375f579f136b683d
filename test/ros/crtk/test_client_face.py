"""The CRTK face of all four arms on real DDS: every topic and service, with type, quality of service and answer."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest

pytest.importorskip("rclpy", reason="ROS is not installed here")

from rclpy.duration import Duration
from rclpy.qos import (
    DurabilityPolicy,
    LivelinessPolicy,
    QoSCompatibility,
    QoSProfile,
    ReliabilityPolicy,
    qos_check_compatible,
)

from robot_driver.crtk.answers import CONNECTING
from teleop_core import cart, se3
from teleop_core.arm_model import arm_model
from teleop_core.contract import ARM_SERVICES, ARMS, CAMERA_ARM, INSTRUMENT_ARMS, STREAMS, Intent
from teleop_core.psm_kinematics import INSERTION_AT_RCM
from teleop_ros.convert import pose_from_message, pose_message, seconds

pytestmark = [pytest.mark.dds, pytest.mark.slow]

KINDS = ("PSM1", pytest.param("ECM", marks=pytest.mark.exhaustive))
"""One arm of each kind."""
CLIENT = QoSProfile(depth=10)
TABLE = {
    ("DISABLED", "enable"): "ENABLED",
    ("DISABLED", "disable"): "DISABLED",
    ("DISABLED", "pause"): "DISABLED",
    ("DISABLED", "resume"): "DISABLED",
    ("ENABLED", "enable"): "ENABLED",
    ("ENABLED", "disable"): "DISABLED",
    ("ENABLED", "pause"): "PAUSED",
    ("ENABLED", "resume"): "ENABLED",
    ("PAUSED", "enable"): "PAUSED",
    ("PAUSED", "disable"): "DISABLED",
    ("PAUSED", "pause"): "PAUSED",
    ("PAUSED", "resume"): "ENABLED",
}
WAY_TO = {"DISABLED": ("disable",), "ENABLED": ("disable", "enable"), "PAUSED": ("disable", "enable", "pause")}


def rows(source: str) -> list[tuple[str, str]]:
    """Streams of an arm that come from a source, with every arm that has them."""
    return [
        (row.name, arm) for row in STREAMS.values() if "{arm}" in row.topic and row.source == source for arm in row.arms
    ]


def test_what_clients_ask_has_a_listener_of_the_right_type(theatre: Any) -> None:
    """Every command topic of every arm: one subscription of the driver, which a reliable client reaches."""
    for name, arm in rows("client"):
        row = STREAMS[name]
        topic = "/" + row.topic_for(arm=arm)
        theatre.until(lambda topic=topic: theatre.client.count_subscribers(topic) > 0, topic)
        (found,) = theatre.client.get_subscriptions_info_by_topic(topic)
        assert (found.node_name, found.topic_type) == ("driver", row.type), topic
        # A reliable, volatile publisher without deadline and lease fits whoever asks for none of these.
        assert found.qos_profile.durability is DurabilityPolicy.VOLATILE, topic
        assert found.qos_profile.liveliness is LivelinessPolicy.AUTOMATIC, topic
        assert min(found.qos_profile.deadline, found.qos_profile.liveliness_lease_duration) > Duration(seconds=1e9)


def test_what_an_arm_tells_is_offered_as_clients_ask_for_it(theatre: Any) -> None:
    """Every feedback topic of every arm: one publisher, of the right type, reliable; latched where that is promised."""
    for name, arm in rows("driver"):
        row = STREAMS[name]
        topic = "/" + row.topic_for(arm=arm)
        theatre.until(lambda topic=topic: theatre.client.count_publishers(topic) > 0, topic)
        (found,) = theatre.client.get_publishers_info_by_topic(topic)
        assert (found.node_name, found.topic_type) == ("driver", row.type), topic
        assert found.qos_profile.reliability is ReliabilityPolicy.RELIABLE, topic
        latched = found.qos_profile.durability is DurabilityPolicy.TRANSIENT_LOCAL
        assert latched is (row.intent is Intent.LATCHED_STATE), topic
        verdict, reason = qos_check_compatible(found.qos_profile, CLIENT)
        assert verdict != QoSCompatibility.ERROR, f"{topic}: {reason}"


def test_the_camera_arm_has_no_jaw(theatre: Any) -> None:
    """What an arm cannot do has no topic."""
    names = [name for name, _ in theatre.client.get_topic_names_and_types()]
    assert not [name for name in names if name.startswith("/ECM/jaw")]


def test_every_service_is_there(theatre: Any) -> None:
    """By name and type, for every arm."""
    services = dict(theatre.client.get_service_names_and_types())
    for service in ARM_SERVICES.values():
        for arm in ARMS:
            assert services["/" + service.topic.format(arm=arm)] == [service.type]


@pytest.mark.parametrize("arm", ARMS)
def test_feedback_arrives_and_belongs_together(theatre: Any, arm: str) -> None:
    """Each derived topic comes when somebody hears it; poses have the stamps of the joints they come from."""
    model = arm_model(arm)
    joints = theatre.client.hear("measured_js", arm)
    heard = [name for name, of in rows("driver") if of == arm and not STREAMS[name].recorded]
    kept = {name: theatre.client.hear(name, arm) for name in heard}
    theatre.until(lambda: all(kept.values()), f"derived topics of {arm}")
    theatre.until(lambda: len(kept["measured_cp"]) > 10, "a few poses")
    by_stamp = {(message.header.stamp.sec, message.header.stamp.nanosec): message for message in joints}
    frame = f"{arm}_base_link" if arm == "ECM" else "ECM_display"
    ecm = theatre.position("ECM")
    matched = 0
    for message in kept["measured_cp"]:
        assert message.header.frame_id == frame
        found = by_stamp.get((message.header.stamp.sec, message.header.stamp.nanosec))
        if found is None:
            continue
        matched += 1
        assert list(found.name) == list(model.joint_names)
        expected = model.forward(found.position)
        if arm != "ECM":
            expected = se3.compose(se3.inverse(cart.display_in_base(arm, ecm)), expected)
        pose = pose_from_message(message.pose)
        assert math.dist(pose.position, expected.position) <= 1e-9
        assert se3.quaternion_angle(pose.quaternion, expected.quaternion) <= 1e-6
    assert matched > 0
    for name in ("spatial_jacobian", "body_jacobian"):
        message = kept[name][-1]
        assert [dimension.size for dimension in message.layout.dim] == [6, len(model.joint_names)]
        assert len(message.data) == 6 * len(model.joint_names)
    assert kept["body_measured_cf"][-1].header.frame_id == model.tip_frame
    assert kept["spatial_measured_cf"][-1].header.frame_id == model.base_frame
    assert list(kept["goal_js"][-1].position) == pytest.approx(theatre.position(arm), abs=1e-12)


@pytest.mark.parametrize("arm", ARMS)
def test_the_state_table_of_crtk(theatre: Any, arm: str) -> None:
    """Every command from every state leads where the table says; each is answered by an event with a newer stamp."""
    stamps = [0]
    for (state, command), following in TABLE.items():
        for step in WAY_TO[state]:
            theatre.command(arm, step)
        event = theatre.command(arm, command)
        assert event.state == following, f"{command} in {state}"
        assert not event.is_busy
    for message in theatre.client.messages[f"{arm}/operating_state"]:
        stamps.append(message.header.stamp.sec * 1_000_000_000 + message.header.stamp.nanosec)
    assert stamps == sorted(set(stamps)), "stamps rise strictly"


@pytest.mark.parametrize("arm", ARMS)
def test_home_and_unhome(theatre: Any, arm: str) -> None:
    """Homing needs an enabled arm, and is told; an unknown command changes nothing and is answered all the same."""
    theatre.command(arm, "disable")
    theatre.command(arm, "enable")
    assert not theatre.command(arm, "unhome").is_homed
    event = theatre.command(arm, "home")
    assert (event.state, event.is_homed, event.is_busy) == ("ENABLED", True, False)
    theatre.warned(arm, "unknown command 'dance'", lambda: theatre.say("state_command", arm, string="dance"))
    assert theatre.ask("operating_state", arm).operating_state.state == "ENABLED"
    assert theatre.command(arm, "disable").state == "DISABLED"
    theatre.warned(arm, "cannot home while DISABLED", lambda: theatre.say("state_command", arm, string="home"))


def test_a_client_that_has_just_connected_is_answered_when_it_can_hear_the_arm(theatre: Any) -> None:
    """It asks a homed arm as soon as its topics are connected, and reads the joints as soon as it is answered."""
    theatre.prepare("PSM1")
    theatre.client.forget()
    theatre.spin(0.2)  # the driver sees that nobody listens
    began = theatre.client.get_clock().now().nanoseconds * 1e-9
    states, setpoints = theatre.client.hear("operating_state", "PSM1"), theatre.client.hear("setpoint_js", "PSM1")
    for command in ("enable", "home"):
        theatre.say("state_command", "PSM1", string=command)

    def answers() -> list[float]:
        return [at for message in states if (at := seconds(message.header.stamp)) > began]

    theatre.until(lambda: len(answers()) == 2, "an answer to each")
    assert min(answers()) - began >= CONNECTING
    assert setpoints


@pytest.mark.parametrize("arm", ARMS)
def test_kinematics_services_answer_in_both_frames(theatre: Any, arm: str) -> None:
    """Forward there and inverse back; the wrong size and a pose out of reach are answered with false and why."""
    model, q = arm_model(arm), theatre.position(arm)
    for where in ("", "local_"):
        forward = theatre.ask(f"{where}forward_kinematics", arm, jp=q)
        assert forward.result, forward.message
        back = theatre.ask(f"{where}inverse_kinematics", arm, cp=forward.cp, jp=q)
        assert back.result, back.message
        assert list(back.jp) == pytest.approx(q, abs=1e-8)
    local = pose_from_message(theatre.ask("local_forward_kinematics", arm, jp=q).cp)
    assert math.dist(local.position, model.forward(q).position) <= 1e-12
    for wrong in ([*q, 0.0], [math.nan] * len(q), [math.inf]):
        refused = theatre.ask("forward_kinematics", arm, jp=wrong)
        assert not refused.result
        assert "position" in refused.message
    far = model.forward(q)
    far.position[2] -= 1.0
    refused = theatre.ask("local_inverse_kinematics", arm, cp=pose_message(far), jp=q)
    assert not refused.result
    assert "out of reach by" in refused.message
    assert model.within(list(refused.jp))


@pytest.mark.parametrize("arm", ARMS)
def test_forward_kinematics_of_the_first_joints_give_the_frame_of_the_last_one(theatre: Any, arm: str) -> None:
    """At zero an instrument's wrist is above the remote centre by what it has to be inserted; told it is no tip."""
    joints, above = (3, 0.3822) if arm == CAMERA_ARM else (4, INSERTION_AT_RCM)
    answer = theatre.ask("local_forward_kinematics", arm, jp=[0.0] * joints)
    assert answer.result, answer.message
    assert "not the tip" in answer.message
    assert pose_from_message(answer.cp).position == pytest.approx((0.0, 0.0, above), abs=1e-9)
    assert theatre.ask("forward_kinematics", arm, jp=[0.0] * joints).result


@pytest.mark.parametrize("arm", ARMS)
def test_services_answer_within_50_ms_of_a_machine_that_is_not_busy(theatre: Any, arm: str) -> None:
    """The best of ten calls: the driver looks for requests in every fourth servo period."""
    theatre.ask("crtk_version", arm)
    assert theatre.ask("crtk_version", arm).message == "1.3.0"
    client = theatre.client.asker("crtk_version", arm)
    times = []
    for _ in range(10):
        future = client.call_async(client.srv_type.Request())
        times.append(theatre.until(future.done, "an answer"))
    assert min(times) <= 0.05


@pytest.mark.parametrize("arm", ARMS)
def test_an_arm_declares_what_it_does_on_silence(theatre: Any, arm: str) -> None:
    """stop_policy is latched: who joins late gets it too."""
    kept = theatre.client.hear("stop_policy", arm, latched=True)
    theatre.until(lambda: kept, "the policy")
    policy = json.loads(kept[-1].data)
    assert policy["on_silence"] == "hold"
    assert policy["goes_limp"] is False
    assert 0.0 < policy["silence_s"] <= policy["lease_s"] <= 1.0
    assert 0.0 < policy["permit_s"] <= 1.0


@pytest.mark.parametrize("arm", KINDS)
def test_what_a_position_controlled_robot_does_not_do_is_answered(theatre: Any, arm: str) -> None:
    """Forces, limpness and switches without effect: a warning each, and the arm stays as it is."""
    theatre.prepare(arm)
    before = theatre.position(arm)
    for stream, text in (
        ("servo_jf", "position-controlled"),
        ("servo_ci", "position-controlled"),
        ("spatial_servo_cf", "position-controlled"),
        ("body_servo_cf", "position-controlled"),
        ("free", "never limp"),
        ("use_gravity_compensation", "balanced"),
        ("set_cf_orientation_absolute", "measured only"),
        ("set_base_frame", "follows the camera arm"),
    ):
        theatre.warned(arm, text, lambda stream=stream: theatre.say(stream, arm))
    assert theatre.position(arm) == before
    assert theatre.ask("operating_state", arm).operating_state.state == "ENABLED"


@pytest.mark.parametrize("arm", INSTRUMENT_ARMS)
def test_the_tool_is_a_large_needle_driver(theatre: Any, arm: str) -> None:
    """Its type is latched; another one is refused, and so is taking it out."""
    kept = theatre.client.hear("tool_type", arm, latched=True)
    theatre.until(lambda: kept, "the type")
    assert kept[-1].data == "LARGE_NEEDLE_DRIVER:400006"
    theatre.warned(arm, "'SCALPEL' is not", lambda: theatre.say("set_tool_type", arm, data="SCALPEL"))
    theatre.warned(arm, "cannot be taken out", lambda: theatre.say("emulate_tool_present", arm, data=False))
    theatre.warned(arm, "position-controlled", lambda: theatre.say("jaw_servo_jf", arm))
    said = theatre.client.hear("status", arm)
    theatre.spin(0.2)
    theatre.say("emulate_tool_present", arm, data=True)
    theatre.until(lambda: said, "the status")
    del kept[:]
    theatre.say("set_tool_type", arm, data="LARGE_NEEDLE_DRIVER_400006")
    theatre.until(lambda: kept, "the type again")


@pytest.mark.parametrize("arm", ARMS)
def test_period_statistics_come_every_second(theatre: Any, arm: str) -> None:
    """Of a loop that runs 200 times a second."""
    found = theatre.newest("period_statistics", arm)
    assert found.number_of_samples > 20
    assert 0.0 < found.period_min <= found.period_avg <= found.period_max
    assert 0.0 < found.compute_time_avg <= found.period_avg
    assert found.statistics_interval == pytest.approx(found.number_of_samples * found.period_avg, rel=0.05)
