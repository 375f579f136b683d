"""What an arm counts and tells of its commands: exact numbers, largest amounts, and the jaw's way."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("pybullet", reason="PyBullet is not installed here")
pytest.importorskip("xacro", reason="xacro is not installed here")

from robot_driver.arm_limits import gate_limits
from robot_driver.arm_server import JAW_HOLD_AFTER, JAW_LOWER, JAW_UPPER, JAW_VELOCITY, ArmServer
from robot_driver.gate_limits import GateReason
from robot_driver.pybullet_backend import PyBulletBackend
from teleop_core.psm_kinematics import forward, shaft_deviation_from_rcm
from teleop_ros.robot_description import expand

PERIOD = 2.0**-7
SESSION = 7


class Served:
    """PSM1 in PyBullet, enabled, homed and permitted, with a clock that only the test moves."""

    def __init__(self, urdf_file: str) -> None:
        self.backend = PyBulletBackend(["PSM1"], urdf_file, 0.0)
        self.backend.connect()
        self.arm = ArmServer("PSM1", self.backend, replace(gate_limits(PERIOD, 0.125, 0.0625), jump_time=0.0625))
        self.now = 64.0
        self.sequence = 0
        self.backend.advance(self.now)
        self.arm.state_command("enable")
        self.arm.state_command("home")
        self.permit()

    def permit(self, granted: bool = True) -> None:
        self.sequence += 1
        assert self.arm.gate.permit(self.now, granted, SESSION, self.sequence, 1.0, 1.0)

    def command(self, elapsed: float = PERIOD, yaw: float = 0.0, age: float = 0.0) -> None:
        """Some time later, a command `yaw` from the setpoint."""
        self.now += elapsed
        q = list(self.arm.gate.setpoint)
        q[0] += yaw
        if self.arm.servo(self.now, q, self.now - age):
            self.arm.note_applied(age)


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    urdf_file = tmp_path / "cart.urdf"
    urdf_file.write_text(expand(arms=("PSM1", "ECM")), encoding="utf-8")
    made = Served(str(urdf_file))
    yield made
    made.backend.close()


def test_all_counters_start_at_nothing(served: Served) -> None:
    """Commands, late periods, refused and unauthenticated messages, statistics."""
    arm = served.arm
    assert (arm.received, arm.applied, arm.late, arm.permits_refused, arm.unauthenticated) == (0, 0, 0, 0, 0)
    taken = arm.take_statistics()
    assert (taken.motion_latency, taken.tracking_error, taken.rcm_deviation) == ([], [], 0.0)
    assert (taken.limit_seconds, taken.limit_amounts) == ({}, {})


def test_received_and_applied_commands_are_counted(served: Served) -> None:
    """A refused one is received and not applied; the time from sample to setpoint is kept for those applied."""
    served.command(age=0.03125)
    served.command(yaw=1.0)
    served.command(age=0.015625)
    assert (served.arm.received, served.arm.applied) == (3, 2)
    assert served.arm.take_statistics().motion_latency == [0.03125, 0.015625]


def test_a_late_period_is_longer_than_one_and_a_half(served: Served) -> None:
    """Exactly that long is in time; the first command after a hold is never late."""
    served.command()
    served.command(1.5 * PERIOD)
    assert served.arm.late == 0
    served.command(1.625 * PERIOD)
    served.command(2.0 * PERIOD)
    assert served.arm.late == 2
    served.arm.tick(served.now + 0.5)
    served.now += 0.5
    served.command()
    assert served.arm.late == 2


def test_what_was_limited_is_added_up_with_its_largest_amount(served: Served) -> None:
    """A period for each command, the largest amount of all, for each reason; then it starts anew."""
    jump = 0.0625 * math.radians(90.0)
    for beyond in (0.25, 0.75, 0.5):
        served.command(yaw=jump + beyond)
    served.arm.servo(served.now, [math.nan] * 6, served.now)
    taken = served.arm.take_statistics()
    assert taken.limit_seconds == {GateReason.JUMP: 3.0 * PERIOD, GateReason.NOT_FINITE: PERIOD}
    assert list(taken.limit_amounts) == [GateReason.JUMP, GateReason.NOT_FINITE]
    assert taken.limit_amounts[GateReason.JUMP] == pytest.approx(0.75, abs=1e-12)
    assert math.isnan(taken.limit_amounts[GateReason.NOT_FINITE])
    assert served.arm.take_statistics().limit_seconds == {}


def test_a_command_says_whether_it_became_the_setpoint_and_takes_the_jaw_along(served: Served) -> None:
    """A jaw angle of NaN says nothing of the jaw; a refused command is told."""
    arm, q = served.arm, served.arm.gate.setpoint
    assert arm.servo(served.now + PERIOD, q, served.now + PERIOD, 1.0) is True
    opened = arm.jaw_setpoint
    assert opened == pytest.approx(JAW_VELOCITY * PERIOD, abs=1e-12)
    assert arm.servo(served.now + 2.0 * PERIOD, q, served.now + 2.0 * PERIOD, math.nan) is True
    assert arm.jaw_setpoint == pytest.approx(2.0 * opened, abs=1e-12)
    assert arm.servo(served.now + 3.0 * PERIOD, q[:3], served.now + 3.0 * PERIOD, 1.0) is False
    assert arm.take_statistics().limit_seconds == {GateReason.WRONG_SIZE: PERIOD}


@pytest.mark.parametrize(("angle", "beyond"), [(JAW_UPPER + 0.25, 0.25), (JAW_LOWER - 0.5, 0.5)])
def test_a_jaw_angle_out_of_range_tells_by_how_much(served: Served, angle: float, beyond: float) -> None:
    """It counts as range, and the jaw stays."""
    served.arm.servo_jaw(served.now, angle)
    served.command()
    taken = served.arm.take_statistics()
    assert taken.limit_seconds == {GateReason.JOINT_RANGE: PERIOD}
    assert taken.limit_amounts[GateReason.JOINT_RANGE] == pytest.approx(beyond, abs=1e-12)
    assert served.arm.jaw_setpoint == 0.0


@pytest.mark.parametrize("angle", [math.nan, math.inf, -math.inf])
def test_a_jaw_angle_that_is_no_number_has_no_amount(served: Served, angle: float) -> None:
    """It counts as not finite, and the jaw stays."""
    served.arm.servo_jaw(served.now, angle)
    served.command()
    taken = served.arm.take_statistics()
    assert taken.limit_seconds == {GateReason.NOT_FINITE: PERIOD}
    assert math.isnan(taken.limit_amounts[GateReason.NOT_FINITE])
    assert served.arm.jaw_setpoint == 0.0


@pytest.mark.parametrize("angle", [JAW_UPPER, JAW_LOWER])
def test_the_jaw_goes_to_the_ends_of_its_range_at_full_speed(served: Served, angle: float) -> None:
    """A period's worth with the first command, then as long as really passed, and not past its target."""
    sign = math.copysign(1.0, angle)
    served.arm.servo_jaw(served.now, angle)
    served.command()
    assert served.arm.jaw_setpoint == pytest.approx(sign * JAW_VELOCITY * PERIOD, abs=1e-12)
    served.command(0.5 * PERIOD)
    assert served.arm.jaw_setpoint == pytest.approx(sign * JAW_VELOCITY * 1.5 * PERIOD, abs=1e-12)
    for _ in range(30):
        served.arm.servo_jaw(served.now, angle)
        served.permit()
        served.command()
    assert served.arm.jaw_setpoint == pytest.approx(angle, abs=1e-12)
    assert served.arm.take_statistics().limit_seconds == {}


def test_the_jaw_makes_up_for_four_periods_at_most(served: Served) -> None:
    """After a gap in the commands it does not leap."""
    served.arm.servo_jaw(served.now, JAW_LOWER)
    served.command()
    before = served.arm.jaw_setpoint
    served.command(6.0 * PERIOD)
    assert before - served.arm.jaw_setpoint == pytest.approx(min(4.0 * PERIOD * JAW_VELOCITY, before - JAW_LOWER))


def test_the_jaw_stands_when_its_own_commands_end(served: Served) -> None:
    """However many servo commands come; one that is just in time still counts."""
    served.arm.servo_jaw(served.now, JAW_UPPER)
    told_at = served.now
    served.now += JAW_HOLD_AFTER - PERIOD - 1e-6
    served.command()
    moved = served.arm.jaw_setpoint
    assert served.now - told_at < JAW_HOLD_AFTER
    assert moved > 0.0
    served.command(1e-5)
    assert served.now - told_at > JAW_HOLD_AFTER
    assert served.arm.jaw_setpoint == moved


def test_a_jaw_command_at_no_time_moves_nothing(served: Served) -> None:
    """A time that is no number is no fresh command."""
    served.arm.servo_jaw(math.nan, JAW_UPPER)
    served.command()
    assert served.arm.jaw_setpoint == 0.0


def test_the_shaft_is_compared_with_the_remote_centre_in_every_tenth_command(served: Served) -> None:
    """The largest distance since the last report is kept."""
    for _ in range(9):
        served.command()
    assert served.arm.take_statistics().rcm_deviation == 0.0
    served.command()
    assert served.arm.take_statistics().rcm_deviation == shaft_deviation_from_rcm(served.arm.gate.setpoint)
    assert shaft_deviation_from_rcm(served.arm.gate.setpoint) > 0.0


def test_tracking_is_measured_in_every_period_in_motion(served: Served) -> None:
    """Not while the gate holds; as the distance of the tips."""
    measured = served.arm.tick(served.now)
    assert served.arm.hold_reason is GateReason.SILENCE
    assert served.arm.take_statistics().tracking_error == []
    served.command(yaw=2.0**-10)
    measured = served.arm.tick(served.now)
    assert served.arm.hold_reason is None
    expected = math.dist(forward(measured.position)[0], forward(served.arm.gate.setpoint)[0])
    assert expected > 0.0
    assert served.arm.take_statistics().tracking_error == [expected]


def test_every_state_command_opens_or_closes_the_gate(served: Served) -> None:
    """The gate is open exactly while the arm is enabled and homed; what is refused says why."""
    arm = served.arm
    for command, reason in (
        ("pause", GateReason.DISABLED),
        ("resume", GateReason.SILENCE),
        ("unhome", GateReason.DISABLED),
        ("home", GateReason.SILENCE),
        ("disable", GateReason.DISABLED),
        ("enable", GateReason.SILENCE),
    ):
        assert arm.state_command(command) == ""
        assert arm.gate.hold_reason(served.now) is reason
    assert arm.state_command("resume") == "cannot resume while ENABLED"
    assert arm.gate.hold_reason(served.now) is GateReason.SILENCE


def test_a_state_command_that_is_refused_does_not_stop_the_arm(served: Served) -> None:
    """Neither an unknown one nor one that does not fit its state is a hold."""
    for command in ("nonsense", "resume"):
        served.command()
        assert served.arm.state_command(command)
        assert served.arm.gate.hold_reason(served.now) is None


def test_enabling_an_enabled_arm_does_not_take_it_up_anew(served: Served) -> None:
    """Its setpoint stays where the commands put it."""
    served.command(yaw=2.0**-10)
    setpoint = served.arm.gate.setpoint
    assert served.arm.state_command("enable") == ""
    assert served.arm.gate.setpoint == setpoint
    assert served.backend.measured("PSM1").position != setpoint


def test_holds_are_counted_as_they_begin(served: Served) -> None:
    """One for each, however short; that it goes on, or that its reason changes, is no other one."""
    arm = served.arm
    assert arm.holds == 0
    served.command()
    arm.tick(served.now)
    assert (arm.hold_reason, arm.holds) == (None, 0)
    for ticks in (1, 2):
        arm.tick(served.now + 0.0625 + ticks * PERIOD)
    assert (arm.hold_reason, arm.holds) == (GateReason.SILENCE, 1)
    served.now += 0.25
    served.permit(granted=False)
    arm.tick(served.now)
    assert (arm.hold_reason, arm.holds) == (GateReason.NO_PERMIT, 1)
    served.permit()
    served.command()
    arm.tick(served.now)
    assert arm.hold_reason is None
    arm.gate.protective_stop()
    arm.tick(served.now + PERIOD)
    assert arm.holds == 2
