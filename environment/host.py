"""What the machine itself must bring: a Python interpreter, a C++ compiler, libraries for fast rendering."""

from __future__ import annotations

import ctypes
import glob
import os
import platform
import re
import shutil
import subprocess
import sys
from typing import NamedTuple

from running import Progress
from steps import ROOT, SetupError

VERSIONS = ("3.11", "3.10", "3.12")  # in order of preference: PyBullet has no wheel for 3.12
FREE_DISK = 3e9  # [bytes]

PROBE = """
import os, sys, sysconfig
def importable(name):
    try:
        __import__(name)
        return True
    except ImportError:
        return False
headers = os.path.join(sysconfig.get_paths()["include"], "Python.h")
print("%d.%d" % sys.version_info[:2], os.path.realpath(sys.executable),
      int(importable("venv") and importable("ensurepip")), int(os.path.isfile(headers)))
"""


class Interpreter(NamedTuple):
    """A Python that runs."""

    version: str
    path: str
    has_venv: bool
    has_headers: bool


class Missing(NamedTuple):
    """Something the machine lacks and the Debian package that brings it."""

    what: str
    package: str
    required: bool = True


def probe(command: str) -> Interpreter | None:
    """Runs an interpreter; None if it does not run (a pyenv shim of a version that is not chosen, for one)."""
    try:
        answer = subprocess.run(
            [command, "-E", "-c", PROBE], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=20, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    version, path, has_venv, has_headers = answer.stdout.decode().split()
    return Interpreter(version, path, has_venv == "1", has_headers == "1")


def candidates(version: str) -> list[str]:
    """Commands that may be this Python: those on PATH, then pyenv's versions."""
    folders = os.environ.get("PATH", os.defpath).split(os.pathsep)
    on_path = [os.path.join(folder, f"python{version}") for folder in folders]
    pyenv = os.environ.get("PYENV_ROOT") or os.path.expanduser("~/.pyenv")
    return [path for path in on_path if os.access(path, os.X_OK)] + sorted(
        glob.glob(f"{pyenv}/versions/{version}.*/bin/python{version}"), reverse=True
    )


def find_interpreter(requested: str) -> Interpreter:
    """The Python to use: the requested one, else the first complete one in order of preference.

    Raises:
        SetupError: there is none, or the requested one does not fit.
    """
    if requested:
        version = re.fullmatch(r"python(3\.\d+)", requested)
        commands = candidates(version.group(1)) if version else [requested]
        found = next(filter(None, map(probe, commands)), None)
        if found is None:
            raise SetupError(f"PYTHON={requested} is not there or does not run")
        if found.version not in VERSIONS:
            raise SetupError(f"PYTHON={requested} is Python {found.version}, but 3.10, 3.11 or 3.12 is needed")
        return found
    runs = [found for version in VERSIONS for command in candidates(version) for found in [probe(command)] if found]
    runs = [found for found in runs if found.version in VERSIONS]
    if not runs:
        raise SetupError("no Python 3.10, 3.11 or 3.12 found; install one: apt-get install python3, or set PYTHON=...")
    return next((found for found in runs if found.has_venv and found.has_headers), runs[0])


def has_library(name: str) -> bool:
    """Whether the dynamic linker finds a shared library."""
    try:
        ctypes.CDLL(name)
    except OSError:
        return False
    return True


def missing(interpreter: Interpreter) -> list[Missing]:
    """What the machine lacks."""
    lacks = []
    if not interpreter.has_venv:
        lacks.append(Missing("Python's venv", f"python{interpreter.version}-venv"))
    if not interpreter.has_headers:
        lacks.append(Missing("the Python headers", f"python{interpreter.version}-dev"))
    if not all(shutil.which(os.environ.get(name, default)) for name, default in (("CXX", "c++"), ("CC", "cc"))):
        lacks.append(Missing("a C++ compiler", "build-essential"))
    if not has_library("libEGL.so.1"):
        lacks.append(Missing("libEGL (fast rendering)", "libegl1", required=False))
    if not glob.glob("/usr/lib/*/dri/*_dri.so"):
        lacks.append(Missing("Mesa's renderer (fast rendering)", "libgl1-mesa-dri", required=False))
    return lacks


def check_platform() -> None:
    """Refuses machines for which the ROS wheels do not exist, and full disks.

    Raises:
        SetupError: wrong kind of machine, or too little disk space.
    """
    kind = f"{platform.system()} {platform.machine()}"
    if kind != "Linux x86_64":
        raise SetupError(
            f"this is {kind}; the ROS wheels exist for Linux x86_64 only: use ROS 2 Jazzy and colcon instead"
        )
    free = shutil.disk_usage(str(ROOT)).free
    if free < FREE_DISK:
        raise SetupError(f"only {free / 1e9:.1f} GB free at {ROOT}; {FREE_DISK / 1e9:.0f} GB are needed")


def may_install(need: str) -> bool:
    """Whether to install Debian packages now: as root in CI without asking, as root at a terminal after asking.

    Args:
        need: What is missing and how to get it, in one line.
    """
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        return False
    if os.environ.get("CI") == "true":
        return True
    if not sys.stdin.isatty():
        return False
    return input(f"  {need}\n  Do it now? [Y/n] ").strip().lower() in ("", "y", "yes")


def install(packages: list[str]) -> None:
    """Installs Debian packages."""
    quiet = ["env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-y", "-q"]
    with Progress(f"apt-get install {' '.join(packages)}") as part:
        part.run(*quiet, "update")
        part.run(*quiet, "install", "--no-install-recommends", *packages)


def prepare(requested: str) -> Interpreter:
    """Finds the interpreter and sees to what the machine lacks.

    Raises:
        SetupError: something needed is missing and was not installed.
    """
    check_platform()
    interpreter = find_interpreter(requested)
    lacks = missing(interpreter)
    if not lacks:
        return interpreter
    packages = [item.package for item in lacks]
    command = f"{'' if os.geteuid() == 0 else 'sudo '}apt-get install {' '.join(packages)}"
    need = f"missing: {', '.join(item.what for item in lacks)}; get it with: {command}"
    if may_install(need):
        install(packages)
        return find_interpreter(requested)
    if any(item.required for item in lacks):
        raise SetupError(need)
    print(f"  {need}", flush=True)
    return interpreter
