"""The robots that the driver can drive."""

from __future__ import annotations

import tempfile
from pathlib import Path

from robot_driver.backend import ArmBackend, BackendError
from robot_driver.crtk_backend import CrtkBackend
from robot_driver.pybullet_backend import PyBulletBackend
from teleop_ros.adapter import TeleopNode
from teleop_ros.parameters import ParameterError

BACKENDS = ("simulation", "crtk")
"""The robot in PyBullet, or the arms of another CRTK driver."""


def connect(node: TeleopNode, arms: list[str], description: str, remote: str) -> ArmBackend:
    """The robot, its arms held.

    Args:
        node: The driver.
        arms: Arms to drive.
        description: Robot description, for the simulation.
        remote: Namespace of another CRTK driver whose arms are driven; empty: the simulation.

    Raises:
        ParameterError: it cannot be reached.
    """
    if not remote:
        return _simulation(arms, description)
    try:
        backend = CrtkBackend(node, arms, remote)
        backend.connect()
    except BackendError as error:
        raise ParameterError(f"parameter {error}") from error
    return backend


def _simulation(arms: list[str], description: str) -> PyBulletBackend:
    """Simulated robot with the arms held in their ready configuration.

    Raises:
        ParameterError: the description cannot be simulated.
    """
    with tempfile.TemporaryDirectory(prefix="telesurgery-") as folder:
        urdf_file = Path(folder) / "cart.urdf"
        urdf_file.write_text(description, encoding="utf-8")
        backend = PyBulletBackend(arms, str(urdf_file))
        try:
            backend.connect()
        except BackendError as error:
            raise ParameterError(str(error)) from error
    return backend
