#!/usr/bin/env python3
"""Does what a ROS machine does: builds the checkout with colcon and starts every executable of the manifest.

Runs under the Python of .venv, whose wheels stand in for the ROS installation. Each node is started alone, must appear
in the ROS graph, stay up, and end by itself on SIGINT. What runs must come from the install folder.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from glob import glob
from pathlib import Path

import rclpy
from project import MESSAGE_PACKAGES, cmake_options
from running import Progress, clean_environment
from steps import PYTHON, ROOT, VENV, SetupError

PACKAGE = "telesurgery"
UNDERLAY = {"AMENT_PREFIX_PATH": str(VENV)}  # what sourcing a ROS installation sets
LOOPBACK = {
    "ROS_AUTOMATIC_DISCOVERY_RANGE": "SYSTEM_DEFAULT",
    "FASTRTPS_DEFAULT_PROFILES_FILE": str(ROOT / "config" / "dds_loopback.xml"),
}
START_LIMIT = 30.0  # [s]
STAY_UP = 1.0  # [s]
END_LIMIT = 15.0  # [s]


def rows(*kinds: str) -> list[list[str]]:
    """The fields of the manifest's rows of these kinds, the kind left out."""
    fields = [line.split() for line in (ROOT / "manifest.txt").read_text().splitlines()]
    return [row[1:] for row in fields if row and row[0] in kinds]


def build(workspace: Path) -> None:
    """Builds a workspace that holds the checkout and crtk_msgs.

    Raises:
        SetupError: colcon ended with an error.
    """
    (workspace / "src").mkdir()
    for name, source in MESSAGE_PACKAGES.items():
        (workspace / "src" / name).symlink_to(source)
    with Progress("colcon build", workspace / "colcon.log") as part:
        part.run(
            *(VENV / "bin" / "colcon", "build", "--event-handlers", "console_direct+", "--cmake-args", "-G", "Ninja"),
            *cmake_options(),
            folder=workspace,
            variables={**UNDERLAY, "COLCON_HOME": str(workspace / "colcon")},
        )


def sourced_environment(workspace: Path) -> dict[str, str]:
    """The environment after `. install/setup.sh`, with the libraries of the wheels behind ours."""
    wheels = [str(VENV / "lib"), *sorted(glob(f"{VENV}/lib/python3*/site-packages/ros_*.libs"))]
    before = {
        **clean_environment(),
        **UNDERLAY,
        **LOOPBACK,
        "ROS_DOMAIN_ID": str(1 + os.getpid() % 100),
        "LD_LIBRARY_PATH": os.pathsep.join(wheels),
        "_ROS_WHEELS_BOOTSTRAP_COMPLETE": "1",  # else the wheels set LD_LIBRARY_PATH in an order of their own
    }
    script = f'. "{workspace}/install/setup.sh" && env -0'
    output = subprocess.run(["sh", "-c", script], env=before, stdout=subprocess.PIPE, check=True).stdout
    return dict(entry.split("=", 1) for entry in output.decode().split("\0") if entry)


def check_files(prefix: Path) -> None:
    """Every data file of the manifest, and the marker by which ROS finds the package.

    Raises:
        SetupError: a file was not installed.
    """
    share = prefix / "share"
    wanted = [share / "ament_index" / "resource_index" / "packages" / PACKAGE]
    for pattern, destination in rows("data"):
        wanted += [share / PACKAGE / destination / Path(path).name for path in glob(str(ROOT / pattern))]
    absent = [str(path.relative_to(prefix)) for path in wanted if not path.is_file()]
    if absent:
        raise SetupError(f"not installed: {', '.join(absent)}")


def check_imports(prefix: Path, environment: dict[str, str]) -> None:
    """Every import package comes from the install folder.

    Raises:
        SetupError: one comes from elsewhere.
    """
    for name in [*(row[0] for row in rows("package")), PACKAGE]:
        command = [str(PYTHON), "-c", f"import {name}; print({name}.__file__)"]
        done = subprocess.run(command, env=environment, cwd=prefix, stdout=subprocess.PIPE, text=True, check=False)
        if prefix not in Path(done.stdout.strip() or "/").parents:
            raise SetupError(f"{name} is imported from {done.stdout.strip() or 'nowhere'}, not from {prefix}")


def foreign_libraries(pid: int, prefix: Path) -> set[str]:
    """Libraries of our messages that a process loaded from elsewhere than the install folder."""
    paths = {line.split()[-1] for line in Path(f"/proc/{pid}/maps").read_text().splitlines()}
    return {path for path in paths if f"lib{PACKAGE}__" in path and prefix not in Path(path).parents}


def until_in_graph(name: str, child: subprocess.Popen[bytes], watcher: rclpy.node.Node) -> None:
    """Waits for a node to appear.

    Raises:
        SetupError: the process ended or the node did not appear.
    """
    limit = time.monotonic() + START_LIMIT
    while name not in watcher.get_node_names():
        if child.poll() is not None:
            raise SetupError(f"ended with {child.returncode} while starting")
        if time.monotonic() > limit:
            raise SetupError(f"no node of this name within {START_LIMIT:.0f} s")
        time.sleep(0.05)


def live_and_end(name: str, child: subprocess.Popen[bytes], prefix: Path, watcher: rclpy.node.Node) -> None:
    """A node's whole life: start, stay, end on SIGINT.

    Raises:
        SetupError: it did one of these wrongly.
    """
    until_in_graph(name, child, watcher)
    with contextlib.suppress(subprocess.TimeoutExpired):
        raise SetupError(f"ended by itself with {child.wait(STAY_UP)}")
    foreign = foreign_libraries(child.pid, prefix)
    if foreign:
        raise SetupError(f"loaded {', '.join(sorted(foreign))}")
    child.send_signal(signal.SIGINT)
    try:
        code = child.wait(END_LIMIT)
    except subprocess.TimeoutExpired:
        raise SetupError(f"still there {END_LIMIT:.0f} s after SIGINT") from None
    if code != 0:
        raise SetupError(f"ended with {code} on SIGINT")


def check_node(name: str, prefix: Path, environment: dict[str, str], watcher: rclpy.node.Node, log: Path) -> None:
    """Starts a node alone and sees it through.

    Raises:
        SetupError: with what the node last said.
    """
    with log.open("wb") as output:
        child = subprocess.Popen(
            [str(prefix / "lib" / PACKAGE / name)],
            env=environment,
            cwd=str(prefix),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        live_and_end(name, child, prefix, watcher)
    except SetupError as failure:
        said = log.read_text(errors="replace").strip().splitlines()[-15:]
        raise SetupError("\n      ".join([str(failure), *said])) from None
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)  # what it left behind, if anything
        child.wait()


def check_script(name: str, prefix: Path, environment: dict[str, str]) -> None:
    """A command answers --help.

    Raises:
        SetupError: it does not.
    """
    command = [str(prefix / "lib" / PACKAGE / name), "--help"]
    done = subprocess.run(command, env=environment, cwd=prefix, capture_output=True, text=True, timeout=60, check=False)
    if done.returncode != 0 or not done.stdout.strip():
        raise SetupError(f"--help ended with {done.returncode}: {done.stderr.strip()[-500:]}")


def all_checks(workspace: Path) -> int:
    """Everything after the build, one line each.

    Returns:
        How many failed.
    """
    prefix = (workspace / "install" / PACKAGE).resolve()
    environment = sourced_environment(workspace)
    os.environ.update(LOOPBACK, ROS_DOMAIN_ID=environment["ROS_DOMAIN_ID"])
    rclpy.init()
    watcher = rclpy.create_node("colcon_check")
    checks = [("data files", lambda: check_files(prefix)), ("imports", lambda: check_imports(prefix, environment))]
    for name, _ in rows("node"):
        log = workspace / f"{name}.log"
        checks.append((name, lambda name=name, log=log: check_node(name, prefix, environment, watcher, log)))
    for name, _ in rows("script"):
        checks.append((name, lambda name=name: check_script(name, prefix, environment)))
    failed = 0
    for title, check in checks:
        started = time.monotonic()
        try:
            check()
            print(f"  {title}: passed in {time.monotonic() - started:.1f} s", flush=True)
        except SetupError as failure:
            failed += 1
            print(f"  {title}: FAILED, {failure}", flush=True)
    rclpy.shutdown()
    print(f"colcon: {len(checks) - failed} passed, {failed} failed", flush=True)
    return failed


def main() -> int:
    """Command line.

    Returns:
        0 if everything passed, else 1; then the workspace is kept.
    """
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # ends child processes as Ctrl-C does
    workspace = Path(tempfile.mkdtemp(prefix="telesurgery_colcon_"))
    failed = 1
    try:
        build(workspace)
        failed = all_checks(workspace)
    except SetupError as failure:
        print(f"colcon: {failure}", file=sys.stderr)
    if failed:
        print(f"the workspace is kept in {workspace}", file=sys.stderr)
        return 1
    shutil.rmtree(workspace)
    return 0


if __name__ == "__main__":
    sys.exit(main())
