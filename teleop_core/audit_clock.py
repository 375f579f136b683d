"""The clocks that stamp a record: monotonic, wall clock, and how wrong the kernel says that the wall clock may be."""

from __future__ import annotations

import ctypes
import sys
import time
from pathlib import Path

from teleop_core.audit_record import Stamp

_STA_UNSYNC = 0x0040
_KERNEL_GIVES_UP = 16_000_000
"""From this error on the kernel calls its clock unsynchronised [us]."""


class _Timex(ctypes.Structure):
    """What adjtimex(2) fills in; only the first fields are read."""

    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("rest", ctypes.c_char * 256),
    )


def stamp_now() -> Stamp:
    """Now, by the clocks of this computer."""
    return Stamp(time.monotonic_ns(), time.time_ns(), clock_error_ns(), _BOOT)


def clock_error_ns() -> int | None:
    """Bound of the wall clock's error that the kernel keeps [ns]; None if it is not disciplined, or no Linux."""
    if _adjtimex is None:
        return None
    timex = _Timex()  # modes 0: only read
    if _adjtimex(ctypes.byref(timex)) < 0 or timex.status & _STA_UNSYNC:
        return None
    return timex.maxerror * 1000 if 0 <= timex.maxerror < _KERNEL_GIVES_UP else None


def clock_source() -> str:
    """What the kernel counts time with, e.g. tsc; empty if unknown."""
    return _text("/sys/devices/system/clocksource/clocksource0/current_clocksource")


def _text(path: str) -> str:
    try:
        return Path(path).read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        return ""


_BOOT = _text("/proc/sys/kernel/random/boot_id")
_adjtimex = ctypes.CDLL(None).adjtimex if sys.platform == "linux" else None
