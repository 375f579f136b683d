"""The camera arm behind its gate: range, depth, cone, speed and acceleration of its own, in the physics engine too."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("pybullet", reason="PyBullet is not installed here")
pytest.importorskip("xacro", reason="xacro is not installed here")

from robot_driver.arm_limits import (
    CAMERA_ACCELERATION,
    MAX_TILT,
    MIN_CAMERA_INSERTION,
    arm_gate_limits,
    camera_gate_limits,
    gate_limits,
)
from robot_driver.arm_server import ArmServer
from robot_driver.command_gate import CommandGate
from robot_driver.gate_limits import GateReason
from robot_driver.pybullet_backend import PyBulletBackend
from teleop_core import cart
from teleop_core.contract import ARMS, CAMERA_ARM
from teleop_core.ecm_kinematics import ECM_LIMITS
from teleop_ros.robot_description import expand

PERIOD = 0.005
LIMITS = camera_gate_limits(PERIOD, 0.15, 0.06)
YAW, PITCH, INSERTION, ROLL = range(4)


class Gated:
    """A gate of the camera arm with a permit, and a clock that only the test moves."""

    def __init__(self, start: tuple[float, ...]) -> None:
        self.gate = CommandGate(LIMITS, start)
        self.gate.enable(True)
        self.now, self._sequence = 0.0, 0

    def ask(self, joint: int, position: float) -> dict[GateReason, float]:
        """Ask for a position of a joint, one period later; what was limited."""
        self.now += PERIOD
        self._sequence += 1
        self.gate.permit(self.now, True, 1, self._sequence, 0.1, 1.0)
        q = list(self.gate.setpoint)
        q[joint] = position
        return {excess.reason: excess.amount for excess in self.gate.command(self.now, q, self.now).reasons}

    def towards(self, joint: int, goal: float, seconds: float) -> tuple[float, dict[GateReason, float]]:
        """Ask for half a jump towards a goal in every period; where the joint gets to, and what was limited."""
        found: dict[GateReason, float] = {}
        largest = 0.5 * LIMITS.velocity[joint] * LIMITS.jump_time
        for _ in range(round(seconds / PERIOD)):
            present = self.gate.setpoint[joint]
            found |= self.ask(joint, present + max(-largest, min(largest, goal - present)))
        return self.gate.setpoint[joint], found


def test_limits_are_those_of_the_controller() -> None:
    """Range and speed of the ECM's own controller, 40 mm of insertion, the cone of all arms."""
    assert LIMITS.lower == tuple(ECM_LIMITS.lower)
    assert LIMITS.upper == tuple(ECM_LIMITS.upper)
    assert LIMITS.velocity == tuple(ECM_LIMITS.velocity)
    assert LIMITS.acceleration == CAMERA_ACCELERATION == (6.0, 6.0, 0.75, 6.0)
    assert (LIMITS.insertion_index, LIMITS.tilt_indices) == (INSERTION, (YAW, PITCH))
    assert (LIMITS.min_insertion, MIN_CAMERA_INSERTION) == (0.04, 0.04)
    assert LIMITS.max_tilt == MAX_TILT
    assert (LIMITS.servo_period, LIMITS.max_command_age, LIMITS.silence) == (PERIOD, 0.15, 0.06)


def test_every_arm_gets_its_own() -> None:
    """By its name: the camera arm those of a camera, the others those of an instrument."""
    for name in ARMS:
        expected = camera_gate_limits if name == CAMERA_ARM else gate_limits
        assert arm_gate_limits(name, PERIOD, 0.15, 0.06) == expected(PERIOD, 0.15, 0.06)


@pytest.mark.parametrize(
    ("joint", "goal", "stops_at", "reason"),
    [
        (YAW, 1.6, MAX_TILT, GateReason.WORKSPACE),
        (YAW, -1.6, -MAX_TILT, GateReason.WORKSPACE),
        (PITCH, 1.5, math.radians(65.0), GateReason.JOINT_RANGE),
        (PITCH, -1.5, math.radians(-44.0), GateReason.JOINT_RANGE),
        (INSERTION, 0.3, 0.255, GateReason.INSERTION_RANGE),
        (INSERTION, 0.0, 0.04, GateReason.RCM_DEPTH),
        (ROLL, 2.0, math.radians(88.0), GateReason.JOINT_RANGE),
        (ROLL, -2.0, math.radians(-88.0), GateReason.JOINT_RANGE),
    ],
)
def test_the_gate_stops_at_every_limit(joint: int, goal: float, stops_at: float, reason: GateReason) -> None:
    """Pushed on against each end the camera arm stops there, and the gate says which limit it is."""
    reached, found = Gated((0.0, 0.0, 0.085, 0.0)).towards(joint, goal, 6.0)
    assert reached == pytest.approx(stops_at, abs=1e-6)
    assert found[reason] > 0.0


def test_the_cone_holds_for_both_angles_together() -> None:
    """With the pitch at 60 degrees less yaw is left, so that the endoscope never tilts by more than 80 degrees."""
    gated = Gated((0.0, math.radians(60.0), 0.085, 0.0))
    yaw, found = gated.towards(YAW, 1.6, 6.0)
    assert math.acos(math.cos(yaw) * math.cos(math.radians(60.0))) == pytest.approx(MAX_TILT, abs=1e-6)
    assert found[GateReason.WORKSPACE] > 0.0


def test_speed_and_acceleration_are_limited_and_told() -> None:
    """Full speed is reached no sooner than the acceleration allows, and never passed."""
    gated, speeds, found = Gated((0.0, 0.0, 0.085, 0.0)), [0.0], {}
    wanted, speed = 0.0, 0.0
    for _ in range(60):
        speed = min(1.1 * LIMITS.velocity[YAW], speed + 1.2 * CAMERA_ACCELERATION[YAW] * PERIOD)
        wanted += speed * PERIOD
        before = gated.gate.setpoint[YAW]
        found |= gated.ask(YAW, wanted)
        speeds.append((gated.gate.setpoint[YAW] - before) / PERIOD)
    assert max(speeds) == pytest.approx(LIMITS.velocity[YAW])
    assert max(np.diff(speeds)) <= CAMERA_ACCELERATION[YAW] * PERIOD * (1.0 + 1e-9)
    assert {GateReason.VELOCITY, GateReason.ACCELERATION} <= set(found)


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[PyBulletBackend, ArmServer]]:
    """The camera arm in the physics engine."""
    urdf_file = tmp_path / "cart.urdf"
    urdf_file.write_text(expand(arms=("PSM1", CAMERA_ARM)))
    backend = PyBulletBackend(["PSM1", CAMERA_ARM], str(urdf_file), 0.0)
    backend.connect()
    yield backend, ArmServer(CAMERA_ARM, backend, LIMITS)
    backend.close()


def test_the_camera_arm_follows_and_stands(served: tuple[PyBulletBackend, ArmServer]) -> None:
    """It tracks a slow turn within half a millimetre, keeps its place without commands, and has no jaw."""
    backend, arm = served
    assert arm.state_command("enable") == arm.state_command("home") == ""
    now = 0.0
    backend.advance(now)
    for sequence in range(1, 401):
        now += PERIOD
        arm.gate.permit(now, True, 7, sequence, 0.1, 1.0)
        if sequence <= 200:
            q = list(cart.ready_configuration(CAMERA_ARM))
            q[YAW] += 0.2 * now
            assert arm.servo(now, q, now)
            arm.note_applied(0.0)
        backend.advance(now)
        measured = arm.tick(now)
    assert arm.gate.setpoint[YAW] == pytest.approx(cart.ready_configuration(CAMERA_ARM)[YAW] + 0.2, abs=0.01)
    assert measured.position == pytest.approx(arm.gate.setpoint, abs=1e-4)
    assert (measured.jaw, measured.jaw_velocity, measured.jaw_effort) == (0.0, 0.0, 0.0)
    assert arm.statistics.rcm_deviation <= 1e-6
    assert max(arm.statistics.tracking_error) < 5e-4
    arm.servo_jaw(now, 0.3)
    assert arm.statistics.limit_seconds[GateReason.WRONG_SIZE] > 0.0


def test_an_arm_that_is_not_driven_holds_the_camera(tmp_path: Path) -> None:
    """The camera arm is on the cart in every session, held where it starts."""
    urdf_file = tmp_path / "cart.urdf"
    urdf_file.write_text(expand(arms=("PSM2", CAMERA_ARM)))
    backend = PyBulletBackend(["PSM2"], str(urdf_file), 0.0)
    backend.connect()
    for step in range(100):
        backend.advance(step * PERIOD)
    names, positions = backend.all_joints()
    held = [position for name, position in zip(names, positions, strict=True) if name.startswith("ECM_")]
    assert held == pytest.approx(cart.ready_configuration(CAMERA_ARM), abs=1e-4)
    backend.close()
