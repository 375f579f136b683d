"""The virtual environment with the locked packages in it."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

import host
from running import LOG, Progress
from steps import ENVIRONMENT, PYTHON, VENV

LOCK = ENVIRONMENT / "requirements.lock"
INSTALLERS = ("numpy", "pip", "setuptools", "wheel")  # these build the packages that PyPI has as source only
NO_PYBULLET_WHEEL = ("3.12",)

PIP = (PYTHON, "-m", "pip", "--disable-pip-version-check", "--no-input")
INSTALL = (*PIP, "install", "--no-deps", "--progress-bar=off")
LOCKED = ("--require-hashes", "-r")


def lock_entries() -> dict[str, str]:
    """The lock, package by package: from the name to the requirement with its hashes."""
    blocks = re.split(r"\n(?=[a-z0-9])", LOCK.read_text())
    named = [(re.match(r"[a-z0-9.-]+(?===)", block), block) for block in blocks]
    return {match.group(): block for match, block in named if match}


def write_lock(name: str, entries: list[str]) -> Path:
    """A part of the lock as a file for pip."""
    path = VENV / name
    path.write_text("\n".join(entries) + "\n")
    return path


def interpreter_fits(requested: str) -> bool:
    """Whether .venv works and was made from the requested interpreter, if one is requested."""
    if not PYTHON.exists():
        return False
    return not requested or host.find_interpreter(requested).path == os.path.realpath(str(PYTHON))


def clear() -> None:
    """Deletes what is in .venv but the log."""
    VENV.mkdir(exist_ok=True)
    for path in VENV.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(str(path))
        elif path != LOG:
            path.unlink()


def compile_pybullet(python_version: str, entries: dict[str, str]) -> Path:
    """Builds PyBullet's wheel, or finds the one built before.

    Returns:
        The wheel, in the user's cache folder.
    """
    cache = Path(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"))
    versions = [re.split(r"[ \\]", entries[name])[0].replace("==", "-") for name in ("pybullet", "numpy")]
    kept = cache / "telesurgery" / "wheels" / "-".join([*versions, f"python-{python_version}"])
    if not list(kept.glob("*.whl")):
        print(f"  PyBullet has no wheel for Python {python_version}: compiling it once, 4 to 15 minutes", flush=True)
        building = kept.with_name(f"{kept.name}.{os.getpid()}")
        with Progress("compile PyBullet") as part:
            lock = write_lock("pybullet.lock", [entries["pybullet"]])
            part.run(*PIP, "wheel", "--no-deps", "--no-build-isolation", "-w", building, *LOCKED, lock)
        kept.mkdir(parents=True, exist_ok=True)
        for wheel in building.glob("*.whl"):
            os.replace(str(wheel), str(kept / wheel.name))
        shutil.rmtree(str(building))
    return next(kept.glob("*.whl"))


def make(requested_python: str) -> None:
    """Makes .venv anew, with every package of the lock that this Python needs.

    Args:
        requested_python: Interpreter to use; empty for the best one found.

    Raises:
        SetupError: a part of it failed.
    """
    interpreter = host.prepare(requested_python)
    clear()
    entries = lock_entries()
    with Progress(f"virtual environment with Python {interpreter.version} ({interpreter.path})") as part:
        part.run(interpreter.path, "-m", "venv", VENV)
        installers = write_lock("installers.lock", [entries[name] for name in INSTALLERS])
        part.run(*INSTALL, "--only-binary=:all:", *LOCKED, installers)
    compiled = []
    if interpreter.version in NO_PYBULLET_WHEEL:
        compiled = [compile_pybullet(interpreter.version, entries)]
        del entries["pybullet"]
    with Progress(f"{len(entries)} packages") as part:
        part.run(*INSTALL, "--no-build-isolation", *LOCKED, write_lock("packages.lock", list(entries.values())))
        if compiled:
            part.run(*INSTALL, *compiled)
