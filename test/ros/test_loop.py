"""The loop of real nodes on real DDS: it moves, and every way of losing a part of it stops the arms."""

from __future__ import annotations

import cmath
import signal
from typing import Any

import pytest

from teleop_core.contract import STREAMS
from teleop_core.signals import SafetyLevel
from teleop_ros.adapter import message_type

pytestmark = pytest.mark.dds


def still(room: Any) -> bool:
    """PSM1 stands."""
    return room.console.speed() < 0.002


def test_hands_move_the_arms_and_every_process_ends_cleanly(room: Any) -> None:
    """From start to following without a person but the gesture; commands are accepted; exit codes are 0."""
    room.operate()
    accepted = room.console.newest["feedback"].accepted
    room.spin(1.0)
    feedback = room.console.newest["feedback"]
    assert feedback.accepted > accepted
    assert all(arm.tracking_error < 0.005 for arm in feedback.arms)
    assert set(room.nodes.stop().values()) == {0}


def test_silence_of_the_console_holds_then_pauses_and_needs_the_operator(room: Any) -> None:
    """No packet: HOLD, after a second PAUSED; packets alone bring nothing back, the clutch does."""
    room.operate()
    room.console.speaks = False
    room.until(lambda: room.console.safety is SafetyLevel.HOLD, what="hold")
    room.until(lambda: still(room), what="PSM1 stands")
    room.until(lambda: room.console.safety is SafetyLevel.PAUSED, what="paused")
    room.console.session += 1
    room.console.sequence = 0
    room.console.speaks = True
    room.spin(1.0)
    assert room.console.safety is SafetyLevel.PAUSED
    assert still(room)
    room.engage()
    room.until(lambda: not still(room), what="PSM1 moves again")


def test_killed_monitor_the_driver_holds_by_itself(room: Any) -> None:
    """Without the monitor the lease ends and the gate says so; nobody told it to stop."""
    room.operate()
    room.nodes.kill("safety_monitor")
    reasons = ("permit not renewed", "no commands")
    room.until(lambda: room.console.newest["servo_report"].hold_reason in reasons, what="gate holds")
    room.until(lambda: still(room), what="PSM1 stands")


def test_a_restarted_monitor_does_not_forget_a_stop(room: Any) -> None:
    """After a protective stop the monitor is killed and started again: it stays stopped until somebody resets."""
    room.operate()
    publisher = room.console.stop_requests
    publisher.publish(publisher.msg_type(source="nurse", reason="test"))
    room.until(lambda: room.console.safety is SafetyLevel.PROTECTIVE_STOP, what="protective stop")
    room.nodes.kill("safety_monitor")
    room.nodes.processes["safety_monitor"].wait()
    room.console.newest.pop("safety_state")
    room.nodes.start("safety_monitor")
    room.until(lambda: room.console.safety is SafetyLevel.PROTECTIVE_STOP, what="stopped again")
    room.spin(1.0)
    assert room.console.safety is SafetyLevel.PROTECTIVE_STOP


def test_a_bad_stamp_does_not_close_the_gates(room: Any) -> None:
    """A servo command with an impossible time is refused like any other old one; it is no protective stop."""
    room.operate()
    stranger = room.console.publisher("servo_jp", arm="PSM1")
    room.until(lambda: stranger.get_subscription_count() > 0, what="driver listens")
    message = stranger.msg_type(position=[0.0] * 6)
    message.header.stamp.sec = -1
    stranger.publish(message)
    room.console.destroy_publisher(stranger)
    room.spin(0.3)
    assert room.console.newest["servo_report"].hold_reason != "protective stop"


def test_killed_kinematics_hold_then_fault(room: Any) -> None:
    """The monitor sees it, the gate sees it by itself, and the fault stays latched."""
    room.operate()
    room.nodes.kill("kinematics")
    room.until(lambda: still(room), what="PSM1 stands")
    room.until(lambda: room.console.safety is SafetyLevel.FAULT, what="fault")
    assert "KINEMATICS_GONE" in room.console.alarms


def test_a_frozen_driver_is_a_fault(room: Any) -> None:
    """A driver that is stopped in mid-motion and continued comes back holding, and the fault stays latched."""
    room.operate()
    room.nodes.kill("driver", signal.SIGSTOP)
    room.until(lambda: room.console.safety is SafetyLevel.FAULT, what="fault")
    room.nodes.kill("driver", signal.SIGCONT)
    room.spin(1.0)
    assert room.console.safety is SafetyLevel.FAULT
    assert still(room)
    assert room.console.newest["servo_report"].holding


def test_no_motion_without_eyes(room: Any) -> None:
    """When the images stop the arms hold; when they are back the operator engages again."""
    room.operate()
    room.console.sees = False
    room.until(lambda: "VIDEO_STALE" in room.console.alarms, what="the alarm")
    assert room.console.safety is SafetyLevel.HOLD
    room.console.sees = True
    room.until(lambda: room.console.safety is SafetyLevel.OPERATING, what="operating")
    assert not room.console.following
    room.engage()


def test_swapped_eyes_hold(room: Any) -> None:
    """Images that are of the other eye hold the arms; when they are right again the operator engages."""
    room.operate()
    room.console.swaps = True
    room.until(lambda: "EYES_SWAPPED" in room.console.alarms, what="the alarm")
    room.until(lambda: still(room), what="PSM1 stands")
    room.console.swaps = False
    room.until(lambda: room.console.safety is SafetyLevel.OPERATING, what="operating")
    assert not room.console.following


def test_a_frozen_picture_with_fresh_stamps_holds(room: Any) -> None:
    """One picture again and again holds the arms; after two seconds it counts as none."""
    room.operate()
    room.console.stuck = True
    room.until(lambda: "VIDEO_FROZEN" in room.console.alarms, what="the alarm")
    room.until(lambda: still(room), what="PSM1 stands")
    assert "VIDEO_STALE" not in room.console.alarms
    room.until(lambda: room.console.safety is SafetyLevel.PAUSED, what="paused")
    room.console.stuck = False
    room.until(lambda: "VIDEO_FROZEN" not in room.console.alarms, what="a living picture")
    assert not room.console.following
    room.engage()


def test_an_absent_operator_holds(room: Any) -> None:
    """Who leaves the console moves nothing; coming back needs the gesture."""
    room.operate()
    room.console.present = False
    room.until(lambda: room.console.safety is SafetyLevel.HOLD, what="hold")
    room.until(lambda: still(room), what="PSM1 stands")
    room.console.present = True
    room.until(lambda: room.console.safety is SafetyLevel.OPERATING, what="operating")
    assert not room.console.following
    room.engage()


def test_protective_stop_latches_until_reset_with_the_deadman_released(room: Any) -> None:
    """One request stops; the reset is refused while the operator is present, and works when absent."""
    from std_srvs.srv import Trigger

    room.operate()
    publisher = room.console.stop_requests
    publisher.publish(publisher.msg_type(source="nurse", reason="test"))
    room.until(lambda: room.console.safety is SafetyLevel.PROTECTIVE_STOP, what="protective stop")
    room.until(lambda: still(room), what="PSM1 stands")
    client = room.console.create_client(Trigger, "safety/reset")
    room.until(client.service_is_ready, what="reset service")

    def reset() -> Any:
        answer = client.call_async(Trigger.Request())
        room.until(answer.done, what="answer to the reset")
        return answer.result()

    assert "deadman" in reset().message
    room.console.present = False
    room.until(lambda: "OPERATOR_ABSENT" in room.console.alarms, what="operator absent")
    assert reset().success
    room.console.present = True
    room.until(lambda: room.console.safety is SafetyLevel.OPERATING, what="operating")
    assert still(room)
    room.engage()
    room.until(lambda: not still(room), what="PSM1 moves again")


@pytest.mark.parametrize("stream", ["command", "safety_state", "teleop_servo"])
def test_a_second_speaker_is_a_fault(room: Any, stream: str) -> None:
    """A second publisher of commands, permits or servo commands, though it says nothing, stops the motion."""
    room.operate()
    second = room.console.publisher(stream)
    room.until(lambda: room.console.safety is SafetyLevel.FAULT, what="fault")
    assert "DUPLICATE_PUBLISHER" in room.console.alarms
    room.until(lambda: still(room), what="PSM1 stands")
    room.console.destroy_publisher(second)


@pytest.mark.parametrize(
    "parameter", ["lease:=nan", "lease:=5.0", "profile:=moon", "arms:=[PSM9]", "use_sim_time:=true"]
)
def test_a_parameter_that_cannot_be_used_ends_the_node_with_its_name(
    root: Any, ros_domain: int, parameter: str
) -> None:
    """Exit code 2 and one line that names the parameter."""
    import subprocess
    import sys

    command = [sys.executable, "-m", "safety_monitor.safety_monitor_node", "--ros-args", "-p", parameter]
    ended = subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=30, check=False)
    assert ended.returncode == 2
    assert f"parameter {parameter.split(':')[0]}" in ended.stderr


def test_the_self_test_names_what_is_missing_and_trips_every_arm(room: Any) -> None:
    """Without the driver it says so, with all reasons at once; with it the arms answer the withheld permit."""
    room.nodes.start("safety_monitor", "kinematics")
    room.until(lambda: "self-test: PSM1 (driver) has not been heard" in room.console.denied, what="the missing stream")
    assert "self-test: PSM2 does not report that it hears this monitor" in room.console.denied
    assert room.console.safety is SafetyLevel.SELF_TEST
    room.nodes.start("driver", "local_team")
    room.until(lambda: room.console.safety is SafetyLevel.OPERATING, what="operating")
    gesture = ["operator: press and release the clutch"]
    room.until(lambda: room.console.newest["safety_state"].recovery == gesture, what="only the gesture is left")
    assert room.console.denied == []
    room.until(lambda: "servo_report" in room.console.newest, what="a report of the gate")
    report = room.console.newest["servo_report"]
    assert report.permit_session == room.console.newest["safety_state"].session
    room.engage()
    room.until(lambda: room.console.newest["safety_state"].recovery == [], what="nothing left to do")


def test_a_wrong_quality_of_service_latches_until_it_is_mended(room: Any) -> None:
    """A speaker that offers less is a fault; after it has gone a reset clears it, not before."""
    from rclpy.qos import QoSProfile, ReliabilityPolicy
    from std_srvs.srv import Trigger

    room.operate()
    offer = QoSProfile(depth=1, reliability=ReliabilityPolicy.BEST_EFFORT)
    wrong = room.console.create_publisher(message_type(STREAMS["command"].type), "teleop/command", offer)
    room.until(lambda: "QOS_MISMATCH" in room.console.alarms, what="the alarm")
    assert room.console.safety is SafetyLevel.FAULT
    room.until(lambda: still(room), what="PSM1 stands")
    room.console.present = False
    client = room.console.create_client(Trigger, "safety/reset")
    room.until(client.service_is_ready, what="reset service")

    def reset() -> Any:
        answer = client.call_async(Trigger.Request())
        room.until(answer.done, what="answer to the reset")
        return answer.result()

    room.until(lambda: "OPERATOR_ABSENT" in room.console.alarms, what="operator absent")
    assert "quality of service" in reset().message
    room.console.destroy_publisher(wrong)
    room.until(lambda: reset().success, what="reset")
    room.console.present = True
    room.until(lambda: room.console.safety is SafetyLevel.OPERATING, what="operating")
    room.engage()


def test_each_stream_has_its_row_in_the_diagnostics(room: Any) -> None:
    """An engineer sees who is heard, by topic, and the level of security."""
    from diagnostic_msgs.msg import DiagnosticArray

    rows: dict[str, Any] = {}

    def keep(message: Any) -> None:
        rows.update({status.name: status for status in message.status})

    room.console.create_subscription(DiagnosticArray, "/diagnostics", keep, 10)
    room.operate()
    room.until(lambda: "safety_monitor: teleop/command" in rows, what="rows of the streams")
    node = {value.key: value.value for value in rows["safety_monitor: node"].values}
    assert node["security"] == "none"
    assert rows["safety_monitor: PSM1/measured_js"].message in ("heard", "never heard")
    room.until(lambda: rows["safety_monitor: PSM1/measured_js"].level == b"\x00", what="heard")


def test_a_hold_of_the_gate_is_told_at_once(room: Any) -> None:
    """The report comes with the hold, not only at the next tenth of a second."""
    room.operate()
    console, phases = room.console, []
    for _ in range(6):
        room.spin(0.15)  # for a report of after the engagement
        holds = console.newest["servo_report"].holds
        console.present = False
        room.until(lambda holds=holds: console.newest["servo_report"].holds > holds, what="the hold is counted")
        stamp = console.newest["servo_report"].header.stamp
        phases.append(cmath.exp(2.0j * cmath.pi * stamp.nanosec / 1e8))
        console.present = True
        room.until(lambda: console.safety is SafetyLevel.OPERATING, what="operating")
        room.engage()
    # Reports that are due come at one place within the tenths of a second, and would add up to 1.
    assert abs(sum(phases)) / len(phases) < 0.95
