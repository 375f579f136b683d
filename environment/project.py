"""Our own part of the environment: the messages and the project itself."""

from __future__ import annotations

import shutil
from pathlib import Path

from packages import INSTALL
from running import Progress
from steps import ENVIRONMENT, PYTHON, ROOT, VENV

BUILD = VENV / "build"
MESSAGE_PACKAGES = {"crtk_msgs": ENVIRONMENT / "crtk_msgs", "telesurgery": ROOT}
CHECK = "import rclpy, crtk_msgs.msg, telesurgery.msg; rclpy.init(); rclpy.create_node('check'); rclpy.shutdown()"


def cmake_options() -> list[str]:
    """What CMake must be told to build against the wheels in .venv."""
    return [
        f"-DCMAKE_PREFIX_PATH={VENV}",
        f"-DPython3_EXECUTABLE={PYTHON}",
        f"-DCMAKE_PROJECT_INCLUDE={ENVIRONMENT / 'wheel_targets.cmake'}",
        "-DCMAKE_BUILD_TYPE=Release",
        "-DBUILD_TESTING=OFF",
        "--no-warn-unused-cli",
    ]


def uninstall_messages(package: str) -> None:
    """Deletes what an earlier build of a message package installed."""
    manifest = BUILD / package / "install_manifest.txt"
    for line in manifest.read_text().splitlines() if manifest.exists() else []:
        if Path(line).is_file():
            Path(line).unlink()
    for path in [*VENV.glob(f"lib/python*/site-packages/{package}"), BUILD / package]:
        if path.exists():
            shutil.rmtree(str(path))


def build_messages() -> None:
    """Builds the messages with CMake and installs them in .venv.

    Raises:
        SetupError: a message file or the compiler is at fault.
    """
    for package, source in MESSAGE_PACKAGES.items():
        uninstall_messages(package)
        build = BUILD / package
        options = [*cmake_options(), f"-DCMAKE_INSTALL_PREFIX={VENV}", "-DTELESURGERY_ONLY_MESSAGES=ON"]
        with Progress(f"messages of {package}") as part:
            part.run(VENV / "bin" / "cmake", "-G", "Ninja", "-S", source, "-B", build, *options)
            part.run(VENV / "bin" / "cmake", "--build", build, "--target", "install")
        forget_distribution("telesurgery")


def forget_distribution(name: str) -> None:
    """Deletes the metadata by which pip would take our message package for the project and uninstall it."""
    for path in VENV.glob(f"lib/python*/site-packages/{name}-*.egg-info"):
        shutil.rmtree(str(path))


def install() -> None:
    """Installs the project in .venv, editable.

    Raises:
        SetupError: setup.py, pyproject.toml or the manifest is at fault.
    """
    with Progress("the project") as part:
        part.run(*INSTALL, "--no-build-isolation", "-e", ROOT)


def check() -> None:
    """Starts a ROS node with our messages imported.

    Raises:
        SetupError: the environment does not work on this machine.
    """
    with Progress("check") as part:
        part.run(PYTHON, "-c", CHECK)
