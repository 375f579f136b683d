"""One arm in the physics engine behind its gate: it tracks, it holds, and the jaw never opens on loss."""

from __future__ import annotations

import math
from collections.abc import Iterator

import pytest

pytest.importorskip("pybullet", reason="PyBullet is not installed here")
pytest.importorskip("xacro", reason="xacro is not installed here")

from robot_driver.arm_limits import gate_limits
from robot_driver.arm_server import ArmServer
from robot_driver.pybullet_backend import PyBulletBackend
from teleop_core.psm_kinematics import forward
from teleop_ros.robot_description import expand

PERIOD = 0.005


def tip_distance(first: tuple[float, ...], second: tuple[float, ...]) -> float:
    """Distance of the tool tips of two joint configurations [m]."""
    return math.dist(forward(first)[0], forward(second)[0])


class Driven:
    """PSM1 in PyBullet, with a clock that only the test moves."""

    def __init__(self, folder: object) -> None:
        urdf_file = f"{folder}/cart.urdf"
        with open(urdf_file, "w", encoding="utf-8") as file:
            file.write(expand(arms=("PSM1", "ECM")))
        self.backend = PyBulletBackend(["PSM1"], urdf_file, 0.0)
        self.backend.connect()
        self.arm = ArmServer("PSM1", self.backend, gate_limits(PERIOD, 0.15, 0.06))
        self.now = 0.0
        self.sequence = 0
        self.backend.advance(self.now)

    def start(self) -> None:
        assert self.arm.state_command("enable") == ""
        assert self.arm.state_command("home") == ""

    def permit(self) -> None:
        self.sequence += 1
        self.arm.gate.permit(self.now, True, 7, self.sequence, 0.1, 1.0)

    def period(self, offset: float | None = None, jaw: float | None = None) -> None:
        """One servo period, with a command `offset` from the setpoint in yaw, and a jaw angle."""
        self.now += PERIOD
        if jaw is not None:
            self.arm.servo_jaw(self.now, jaw)
        if offset is not None:
            q = list(self.arm.gate.setpoint)
            q[0] += offset
            if self.arm.servo(self.now, q, self.now):
                self.arm.note_applied(0.0)
        self.backend.advance(self.now)
        self.arm.tick(self.now)


@pytest.fixture
def driven(tmp_path: object) -> Iterator[Driven]:
    made = Driven(tmp_path)
    yield made
    made.backend.close()


def test_it_comes_up_stopped(driven: Driven) -> None:
    """Permits and commands move nothing before the arm is enabled and homed."""
    start = driven.arm.gate.setpoint
    for _ in range(20):
        driven.permit()
        driven.period(0.001)
    assert driven.arm.gate.setpoint == start
    assert driven.arm.applied == 0
    assert driven.arm.received == 20


def test_it_tracks_the_setpoint(driven: Driven) -> None:
    """At 0.2 rad/s, from a standing start, the measured tip stays within 0.3 mm of the commanded one."""
    driven.start()
    for _ in range(200):
        driven.permit()
        driven.period(0.001)
    statistics = driven.arm.take_statistics()
    assert max(statistics.tracking_error) < 3e-4
    assert statistics.rcm_deviation < 1e-6
    assert len(statistics.motion_latency) == 200


def test_it_stands_within_a_few_periods_when_the_permit_ends(driven: Driven) -> None:
    """Without a permit the arm stops at its setpoint, under control, and goes on when permitted again."""
    driven.start()
    for _ in range(100):
        driven.permit()
        driven.period(0.002)
    for _ in range(25):
        driven.period(0.002)
    held = driven.arm.gate.setpoint
    for _ in range(20):
        driven.period(0.002)
    measured = driven.backend.measured("PSM1")
    assert driven.arm.gate.setpoint == held
    assert driven.arm.hold_reason is not None
    assert abs(measured.velocity[0]) < 1e-3
    assert tip_distance(measured.position, held) < 1e-4
    driven.permit()
    driven.period(0.0005)
    assert driven.arm.gate.setpoint != held


def test_the_jaw_never_opens_on_loss(driven: Driven) -> None:
    """A jaw on its way open stops where it is when commands or permits end."""
    driven.start()
    for _ in range(4):
        driven.permit()
        driven.period(0.0, jaw=1.0)
    driven.permit()
    driven.now += 0.2
    driven.arm.tick(driven.now)
    held = driven.arm.jaw_setpoint
    assert 0.0 < held < 1.0
    for _ in range(50):
        driven.period(0.0, jaw=1.0)
    assert driven.arm.jaw_setpoint == held


def test_a_setpoint_acts_from_its_own_time_on(driven: Driven) -> None:
    """Physics that is brought to the time of a command afterwards does not move the arm before it."""
    driven.start()
    driven.backend.advance(driven.now)
    before = driven.backend.measured("PSM1").position
    moved = (before[0] + 0.01, *before[1:])
    driven.backend.servo("PSM1", moved, (0.0,) * 6, 0.0)
    driven.backend.advance(driven.now + 0.04)
    assert driven.backend.measured("PSM1").position == pytest.approx(before, abs=1e-6)
    driven.backend.advance(driven.now + 0.08)
    assert driven.backend.measured("PSM1").position[0] == pytest.approx(moved[0], abs=5e-3)


def test_enabling_takes_the_arm_up_where_it_is(driven: Driven) -> None:
    """An arm that was moved while disabled is held where it was left, not pulled back."""
    moved = [value + 0.01 for value in driven.arm.gate.setpoint]
    driven.backend.servo("PSM1", tuple(moved), (0.0,) * 6, 0.3)
    for _ in range(100):
        driven.period()
    driven.start()
    assert driven.arm.gate.setpoint == pytest.approx(moved, abs=1e-3)
    assert driven.arm.jaw_setpoint == pytest.approx(0.3, abs=1e-2)


def test_a_command_between_two_ticks_does_not_leave_the_arm_pushed_forward(driven: Driven) -> None:
    """Held, permitted, commanded and held again before the next tick: it stands at its setpoint, not ahead of it."""
    driven.start()
    driven.arm.tick(driven.now)
    assert driven.arm.hold_reason is not None
    driven.permit()
    q = list(driven.arm.gate.setpoint)
    q[0] += 0.002
    driven.arm.servo(driven.now, q, driven.now)
    assert driven.arm.applied == 1
    driven.sequence += 1
    driven.arm.gate.permit(driven.now, False, 7, driven.sequence, 0.1, 1.0)
    for _ in range(40):
        driven.period()
    assert tip_distance(driven.backend.measured("PSM1").position, driven.arm.gate.setpoint) < 2e-5


def test_a_jaw_on_its_way_open_does_not_go_on_after_a_short_hold(driven: Driven) -> None:
    """Held and permitted again within a moment, the jaw waits for a new command of its own."""
    driven.start()
    driven.permit()
    driven.period(0.0, jaw=1.0)
    driven.sequence += 1
    driven.arm.gate.permit(driven.now, False, 7, driven.sequence, 0.1, 1.0)
    driven.period()
    held = driven.arm.jaw_setpoint
    assert 0.0 < held < 1.0
    driven.permit()
    driven.period(0.0)
    driven.period(0.0)
    assert driven.arm.jaw_setpoint == held


@pytest.mark.parametrize("angle", [float("nan"), float("inf"), 2.0, -1.0])
def test_a_jaw_angle_out_of_range_is_refused_and_told(driven: Driven, angle: float) -> None:
    """It changes nothing and shows in the report."""
    driven.start()
    driven.permit()
    driven.period(0.0, jaw=angle)
    assert driven.arm.jaw_setpoint == 0.0
    assert driven.arm.take_statistics().limit_seconds


def test_a_description_without_the_arm_is_refused_with_its_name(tmp_path: object) -> None:
    """The error names the joint that is missing."""
    from robot_driver.backend import BackendError

    urdf_file = f"{tmp_path}/cart.urdf"
    with open(urdf_file, "w", encoding="utf-8") as file:
        file.write(expand(arms=("PSM1", "ECM")))
    with pytest.raises(BackendError, match="PSM3_yaw"):
        PyBulletBackend(["PSM3"], urdf_file).connect()


def test_homing_takes_its_time_also_when_asked_before_the_first_servo_period(driven: Driven, tmp_path: object) -> None:
    """An arm that is enabled while the driver starts is not homed at once."""
    backend = PyBulletBackend(["PSM1"], f"{tmp_path}/cart.urdf", 0.3)
    backend.connect()
    backend.enable("PSM1", True)
    assert not backend.ready("PSM1")
    for step in range(100):
        backend.advance(5000.0 + step * PERIOD)
        assert backend.ready("PSM1") is (step * PERIOD > 0.3), step
    backend.close()
