"""Clocks of single processes that can be set while they run: libfaketime, loaded into them and into nothing else."""

from __future__ import annotations

import importlib.util
from pathlib import Path

_DEBIAN = Path("/usr/lib")


def clock_library() -> Path | None:
    """libfaketime, from PyPI or from Debian; None where it is not installed."""
    found = importlib.util.find_spec("libfaketime")
    folders = [Path(found.origin).parent] if found is not None and found.origin else []
    for folder in (*folders, *_DEBIAN.glob("*/faketime")):
        libraries = sorted(folder.rglob("libfaketime*.so.1"), reverse=True)
        if libraries:
            return libraries[0]
    return None


def stepping_clock(library: Path, folder: Path) -> dict[str, str]:
    """Environment of processes whose clock can be set: a file each, looked at with every question for the time.

    The monotonic clock is left alone.
    """
    return {
        "LD_PRELOAD": str(library),
        "FAKETIME_TIMESTAMP_FILE": str(folder / "clock.{name}"),
        "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DISABLE_SHM": "1",
        "FAKETIME_DONT_RESET": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        "DONT_FAKE_MONOTONIC": "1",
    }


def set_clock(folder: Path, name: str, seconds: float) -> None:
    """Set the clock of one process to `seconds` off the true time."""
    fresh = folder / f"{name}.new"
    fresh.write_text(f"{seconds:+.3f}\n", encoding="ascii")
    fresh.replace(folder / f"clock.{name}")
