"""An arm whose robot takes its time to come home, or says that it cannot go on."""

from __future__ import annotations

import pytest

from robot_driver.arm_limits import arm_gate_limits
from robot_driver.arm_server import ArmServer
from robot_driver.backend import ArmBackend, Measured

PLACE = (0.0, 0.1, 0.15, 0.0, 0.0, 0.0)
REST = (0.0,) * 6


class Robot(ArmBackend):
    """Says what a test wants it to say, and keeps what it is told."""

    def __init__(self) -> None:
        self.at, self.problem, self.home = PLACE, "", False
        self.told: list[tuple[float, ...]] = []
        self.enabled: list[bool] = []
        self.holds = 0

    def enable(self, arm: str, enabled: bool) -> None:
        self.enabled.append(enabled)

    def ready(self, arm: str) -> bool:
        return self.home

    def fault(self, arm: str) -> str:
        return self.problem

    def servo(self, arm: str, position: tuple[float, ...], velocity: tuple[float, ...], jaw: float) -> None:
        self.told.append(position)

    def hold(self, arm: str) -> None:
        self.holds += 1

    def measured(self, arm: str) -> Measured:
        return Measured(self.at, REST, REST, 0.0, 0.0, 0.0)


def new() -> tuple[Robot, ArmServer]:
    robot = Robot()
    return robot, ArmServer("PSM1", robot, arm_gate_limits("PSM1", 0.005, 0.15, 0.06))


def enabled() -> tuple[Robot, ArmServer]:
    robot, arm = new()
    robot.home = True
    assert arm.state_command("enable") == arm.state_command("home") == ""
    assert arm.operating.ready
    return robot, arm


def moves(arm: ArmServer, now: float) -> bool:
    """A permitted command becomes the setpoint."""
    arm.gate.permit(now, True, 1, round(now * 1000.0), 0.5, 1.0)
    return arm.servo(now, arm.gate.setpoint, now)


def test_homing_is_busy_until_the_robot_knows_its_joints() -> None:
    """Nothing moves until then; the arm is then taken up where it is, and told once."""
    robot, arm = new()
    arm.state_command("enable")
    assert arm.state_command("home") == ""
    assert (arm.operating.is_homed, arm.operating.is_busy, arm.homing) == (False, True, True)
    arm.tick(0.005)
    assert not arm.take_change()
    assert not moves(arm, 0.01)
    robot.home, robot.at = True, (0.2, *PLACE[1:])
    arm.tick(0.015)
    assert (arm.operating.is_homed, arm.operating.is_busy, arm.homing) == (True, False, False)
    assert robot.told[-1] == robot.at
    assert arm.take_change()
    assert not arm.take_change()
    assert moves(arm, 0.02)


def test_homing_ends_when_the_arm_is_disabled() -> None:
    """A robot that comes home later changes nothing."""
    robot, arm = new()
    arm.state_command("enable")
    arm.state_command("home")
    arm.state_command("disable")
    robot.home = True
    arm.tick(0.005)
    assert not arm.homing
    assert not arm.operating.is_homed
    assert not arm.take_change()


def test_a_robot_that_cannot_go_on_is_in_fault_and_held() -> None:
    """Told once, with its reason; a paused arm too, a disabled one is left alone."""
    for command in ("", "pause"):
        robot, arm = enabled()
        assert moves(arm, 0.1)
        if command:
            arm.state_command(command)
        robot.problem = "cable torn"
        arm.tick(0.105)
        assert (arm.operating.state, arm.operating.is_homed, arm.problem) == ("FAULT", False, "cable torn")
        assert arm.take_change()
        assert not moves(arm, 0.11)
        arm.tick(0.115)
        assert not arm.take_change()
    robot, arm = new()
    robot.problem = "cable torn"
    arm.tick(0.005)
    assert arm.operating.state == "DISABLED"


def test_people_enable_and_home_it_anew() -> None:
    """The robot is asked again, the reason is gone, and it has to come home before it moves."""
    robot, arm = enabled()
    robot.problem = "cable torn"
    arm.tick(0.005)
    robot.problem, robot.home = "", False
    assert arm.state_command("enable") == ""
    assert arm.problem == ""
    assert robot.enabled == [True, True]
    arm.tick(0.01)
    assert not moves(arm, 0.015)
    arm.state_command("home")
    robot.home = True
    arm.tick(0.02)
    assert moves(arm, 0.025)


def test_an_enabled_arm_that_is_enabled_again_goes_on_homing() -> None:
    """Clients repeat themselves; the robot is not asked anew, and homing is not forgotten. Unhoming ends it."""
    robot, arm = new()
    arm.state_command("enable")
    arm.state_command("home")
    arm.state_command("enable")
    assert robot.enabled == [True]
    assert (arm.homing, arm.operating.is_busy) == (True, True)
    arm.state_command("unhome")
    robot.home = True
    arm.tick(0.005)
    assert not arm.operating.is_homed


@pytest.mark.parametrize("command", ["enable", "home"])
def test_a_ready_arm_that_is_asked_for_what_it_is_goes_on_moving(command: str) -> None:
    """Neither a hold nor a stop of its motion: the next step begins where the last one ended, at its speed."""
    robot, arm = enabled()
    assert moves(arm, 0.1)
    arm.tick(0.1)
    holds, told, stood = arm.holds, len(robot.told), robot.holds
    assert arm.state_command(command) == ""
    arm.tick(0.105)
    assert (arm.hold_reason, arm.holds) == (None, holds)
    assert arm.commanded_at == 0.1
    assert (len(robot.told), robot.holds, robot.enabled) == (told, stood, [True])
    assert arm.operating.ready


@pytest.mark.parametrize("command", ["enable", "home"])
def test_an_arm_that_homes_is_left_at_it_by_those_who_ask_again(command: str) -> None:
    """A hold would reach the robot in the middle of it."""
    robot, arm = new()
    arm.state_command("enable")
    arm.state_command("home")
    stood = robot.holds
    assert arm.state_command(command) == ""
    assert (robot.holds, robot.enabled, arm.homing) == (stood, [True], True)


@pytest.mark.parametrize("way", [("unhome", "home"), ("pause", "resume")])
def test_an_arm_that_may_be_driven_again_is_taken_up_where_it_is(way: tuple[str, str]) -> None:
    """Somebody else may have moved the robot meanwhile: the old setpoint would be a leap."""
    robot, arm = enabled()
    arm.state_command(way[0])
    robot.at = (0.2, *PLACE[1:])
    assert arm.state_command(way[1]) == ""
    assert arm.operating.ready
    assert arm.gate.setpoint == robot.at == robot.told[-1]


def test_a_robot_that_knows_its_joints_has_nothing_to_home() -> None:
    """CRTK: busy while it homes, then homed. To unhome takes no knowledge from the robot, so there is no while."""
    _robot, arm = enabled()
    arm.state_command("unhome")
    assert (arm.operating.is_homed, arm.operating.is_busy) == (False, False)
    arm.tick(0.005)
    assert not moves(arm, 0.01)
    arm.state_command("home")
    assert (arm.operating.ready, arm.operating.is_busy, arm.homing) == (True, False, False)
    assert moves(arm, 0.02)
