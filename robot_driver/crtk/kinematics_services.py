"""Answers to clients that ask where the tip would be, or which joint positions would put it there."""

from __future__ import annotations

from typing import Any

from robot_driver.arm_server import ArmServer
from robot_driver.crtk import checks
from robot_driver.crtk.frames import Frames
from robot_driver.crtk.refusal import CommandRefusedError
from teleop_core.arm_model import EXACT
from teleop_core.psm_kinematics import InverseKinematicsError
from teleop_ros.convert import fill_pose, pose_from_message


class KinematicsServices:
    """Forward and inverse kinematics of one arm, in its plain frame or in its base."""

    def __init__(self, arm: ArmServer, frames: Frames) -> None:
        """Take the arm and its frames."""
        self._arm, self._frames = arm, frames

    def forward(self, request: Any, response: Any, *, local: bool) -> Any:
        """Where the tip is at the joint positions of the request; where they are missing, at the setpoint.

        Of the first joints alone: where the frame of the last one is, as that of the wrist of an instrument.
        """
        model = self._arm.model
        given = request.jp or self._arm.gate.setpoint
        try:
            q = checks.joint_values((), given, model.joint_names[: len(given)])
        except CommandRefusedError as refusal:
            response.result, response.message = False, str(refusal)
            return response
        whole = len(q) == len(model.joint_names)
        pose = model.forward(q) if whole else model.link(q)
        fill_pose(response.cp, pose if local else self._frames.to_plain(pose))
        response.result, response.message = True, ""
        if not whole:
            response.message = f"not the tip: the frame of {model.joint_names[len(q) - 1]}, joint {len(q)}"
        elif not model.within(q):
            response.message = "these joint positions are outside the range of the arm"
        return response

    def inverse(self, request: Any, response: Any, *, local: bool) -> Any:
        """Joint positions for the pose of the request: exact, or false with the nearest ones and by how much."""
        model = self._arm.model
        frame = self._frames.base if local else self._frames.plain
        try:
            pose = self._frames.to_base(checks.pose(pose_from_message(request.cp)), frame, frame)
            seed = checks.joint_values((), request.jp or self._arm.gate.setpoint, model.joint_names)
            found = model.inverse(pose, seed)
        except (CommandRefusedError, InverseKinematicsError) as refusal:
            response.result, response.message = False, str(refusal)
            return response
        response.jp = found.q
        response.result = found.position_error <= EXACT and found.rotation_error <= EXACT
        if not response.result:
            response.message = (
                f"out of reach by {1000.0 * found.position_error:.3f} mm and {found.rotation_error:.4f} rad; "
                "jp is the nearest"
            )
        return response
