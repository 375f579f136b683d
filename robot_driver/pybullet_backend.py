"""Simulated robot: the URDF in PyBullet, each joint under position control with limited effort, physics in 1 ms steps.

The arms are balanced, as the real ones are by counterweights and gravity compensation, so the world has no gravity.
"""

from __future__ import annotations

from dataclasses import dataclass

import pybullet

from robot_driver.backend import ArmBackend, BackendError, Measured
from teleop_core.arm_model import arm_model
from teleop_core.cart import PLACEMENTS
from teleop_core.contract import CAMERA_ARM
from teleop_core.psm_kinematics import JAW_NAME

PHYSICS_STEP = 0.001
"""[s]"""
MOST_TO_CATCH_UP = 0.05
"""After a pause of this process longer than this the simulation skips the rest [s]."""
POSITION_GAIN = 0.12
"""Share of the position error taken back in one physics step: a servo bandwidth of about 20 Hz."""
VELOCITY_GAIN = 1.0
HOMING_TIME = 0.4
"""From enabling to the end of homing [s]; a real arm takes longer."""


@dataclass
class _Arm:
    """One arm in the physics engine: indices of its joints and of its jaw with both fingers, efforts, setpoint.

    And how much longer homing takes [s].
    """

    joints: list[int]
    jaws: list[int]
    efforts: list[float]
    jaw_effort: float
    setpoint: tuple[float, ...]
    velocity: tuple[float, ...]
    jaw_setpoint: float
    changed: bool = False
    homing_left: float = 0.0


class PyBulletBackend(ArmBackend):
    """All arms of the cart in one physics world."""

    def __init__(self, arms: list[str], urdf_file: str, homing_time: float = HOMING_TIME) -> None:
        """`arms`: those that this backend drives; the camera arm is held where it is not among them.

        `urdf_file`: path of the expanded URDF; `homing_time`: from enabling to the end of homing [s].
        """
        self._names = list(dict.fromkeys((*arms, CAMERA_ARM)))
        self._urdf_file = urdf_file
        self._homing_time = homing_time
        self._arms: dict[str, _Arm] = {}
        self._client = -1
        self._robot = -1
        self._time: float | None = None
        self._moving: dict[str, int] = {}

    def connect(self) -> None:
        """Load the URDF and put every arm into its ready configuration, held."""
        self._client = pybullet.connect(pybullet.DIRECT)
        pybullet.setTimeStep(PHYSICS_STEP, physicsClientId=self._client)
        try:
            self._robot = pybullet.loadURDF(
                self._urdf_file,
                useFixedBase=True,
                flags=pybullet.URDF_USE_INERTIA_FROM_FILE,
                physicsClientId=self._client,
            )
        except pybullet.error as error:
            raise BackendError(f"PyBullet cannot load {self._urdf_file}: {error}") from error
        self._moving = self._moving_joints()
        for name in self._names:
            self._arms[name] = self._arm(name)
            for index, value in zip(self._arms[name].joints, self._arms[name].setpoint, strict=True):
                pybullet.resetJointState(self._robot, index, value, physicsClientId=self._client)
            self.hold(name)

    def enable(self, arm: str, enabled: bool) -> None:
        """Motors and brakes alike hold the arm at its setpoint in the simulation."""
        if enabled:
            self._arms[arm].homing_left = self._homing_time
        self.hold(arm)

    def ready(self, arm: str) -> bool:
        """An arm takes a while to find its joint positions; clients of real ones count on that to hear the first."""
        return self._arms[arm].homing_left <= 0.0

    def fault(self, arm: str) -> str:
        """Nothing breaks in the simulation."""
        return ""

    def servo(self, arm: str, position: tuple[float, ...], velocity: tuple[float, ...], jaw: float) -> None:
        """Track a setpoint with its speed fed forward, from the time to which the physics is brought next."""
        state = self._arms[arm]
        state.setpoint, state.velocity, state.jaw_setpoint = position, velocity, jaw
        state.changed = True

    def hold(self, arm: str) -> None:
        """Stand still at the last setpoint."""
        state = self._arms[arm]
        state.velocity = (0.0,) * len(state.joints)
        self._track(state)

    def measured(self, arm: str) -> Measured:
        """Joint states of the physics engine."""
        state = self._arms[arm]
        wanted = [*state.joints, *state.jaws[:1]]
        found = pybullet.getJointStates(self._robot, wanted, physicsClientId=self._client)
        joints = found[: len(state.joints)]
        jaw = found[-1] if state.jaws else (0.0, 0.0, (), 0.0)
        return Measured(
            tuple(joint[0] for joint in joints),
            tuple(joint[1] for joint in joints),
            tuple(joint[3] for joint in joints),
            jaw[0],
            jaw[1],
            jaw[3],
        )

    def all_joints(self) -> tuple[list[str], list[float]]:
        """Every moving joint of the cart."""
        states = pybullet.getJointStates(self._robot, list(self._moving.values()), physicsClientId=self._client)
        return list(self._moving), [state[0] for state in states]

    def advance(self, now: float) -> float:
        """Step the physics up to `now` in fixed steps, then take up new setpoints; skip what lies too far back."""
        if self._time is None:
            self._time = now
        skipped = max(0.0, now - self._time - MOST_TO_CATCH_UP)
        self._time += skipped
        began_at = self._time
        while self._time + PHYSICS_STEP <= now:
            pybullet.stepSimulation(physicsClientId=self._client)
            self._time += PHYSICS_STEP
        for state in self._arms.values():
            state.homing_left -= self._time - began_at
            if state.changed:
                self._track(state)
        return skipped

    def close(self) -> None:
        """End the physics world."""
        pybullet.disconnect(self._client)

    def _moving_joints(self) -> dict[str, int]:
        moving = {}
        for index in range(pybullet.getNumJoints(self._robot, physicsClientId=self._client)):
            info = pybullet.getJointInfo(self._robot, index, physicsClientId=self._client)
            if info[2] != pybullet.JOINT_FIXED:
                moving[info[1].decode()] = index
        return moving

    def _joint(self, name: str) -> int:
        try:
            return self._moving[name]
        except KeyError:
            raise BackendError(f"{self._urdf_file} has no joint {name}; it has {', '.join(self._moving)}") from None

    def _arm(self, name: str) -> _Arm:
        """One arm of the URDF in its ready configuration."""
        model = arm_model(name)
        joints = [self._joint(f"{name}_{joint}") for joint in model.joint_names]
        jaws = []
        if model.jaw is not None:
            # The jaw joint holds the opening; each finger shows half of it (the engine ignores mimic joints).
            fingers = [f"{name}_{JAW_NAME}_finger_{side}_joint" for side in ("left", "right")]
            jaws = [self._joint(joint) for joint in (f"{name}_{JAW_NAME}", *fingers)]
        ready = tuple(float(value) for value in PLACEMENTS[name].ready)
        return _Arm(
            joints=joints,
            jaws=jaws,
            efforts=[float(effort) for effort in model.limits.effort],
            jaw_effort=0.0 if model.jaw is None else float(model.jaw.effort[0]),
            setpoint=ready,
            velocity=(0.0,) * len(ready),
            jaw_setpoint=0.0,
        )

    def _track(self, state: _Arm) -> None:
        state.changed = False
        self._control(state.joints, state.setpoint, state.velocity, state.efforts)
        if state.jaws:
            jaw, half = state.jaw_setpoint, max(0.0, state.jaw_setpoint / 2.0)
            self._control(state.jaws, (jaw, half, half), (0.0,) * 3, [state.jaw_effort] * 3)

    def _control(
        self, joints: list[int], position: tuple[float, ...], velocity: tuple[float, ...], efforts: list[float]
    ) -> None:
        pybullet.setJointMotorControlArray(
            self._robot,
            joints,
            pybullet.POSITION_CONTROL,
            targetPositions=position,
            targetVelocities=velocity,
            forces=efforts,
            positionGains=[POSITION_GAIN] * len(joints),
            velocityGains=[VELOCITY_GAIN] * len(joints),
            physicsClientId=self._client,
        )
