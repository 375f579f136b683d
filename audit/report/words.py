"""Numbers and times in words, the same way everywhere on the page."""

from __future__ import annotations

import math
from datetime import datetime, timezone

NOTHING = "\u2013"
"""Shown where nothing was measured."""


def number(value: float | None, digits: int = 3) -> str:
    """So many significant digits, with thin spaces between thousands; a dash for what was not measured."""
    if value is None or not math.isfinite(value):
        return NOTHING
    if value == 0.0:
        return "0"
    decimals = min(max(0, digits - 1 - math.floor(math.log10(abs(value)))), 4)
    text = f"{value:,.{decimals}f}".replace(",", "\u202f")
    return text.replace("-", "\u2212")


def whole(value: float) -> str:
    """A number of things, with thin spaces between thousands."""
    return f"{value:,.0f}".replace(",", "\u202f")


def milliseconds(seconds: float | None) -> str:
    """Seconds as milliseconds, e.g. "12.3 ms"."""
    shown = number(None if seconds is None else seconds * 1e3)
    return shown if shown == NOTHING else f"{shown} ms"


def lasting(seconds: float | None) -> str:
    """A duration, e.g. "0.42 s", "3 min 5 s", "1 h 2 min"."""
    if seconds is None or not math.isfinite(seconds):
        return NOTHING
    if seconds < 60.0:
        return f"{seconds:.2f} s" if seconds < 10.0 else f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    return f"{minutes // 60} h {minutes % 60} min"


def offset(seconds: float) -> str:
    """Time since the beginning of the record, e.g. "00:16.462" or "1:02:03.004"."""
    thousandths = max(0, round(seconds * 1e3))
    whole, fraction = divmod(thousandths, 1000)
    minutes, second = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes:02d}:{second:02d}.{fraction:03d}"
    return f"{minutes // 60}:{minutes % 60:02d}:{second:02d}.{fraction:03d}"


def date_and_time(utc_ns: int | None) -> str:
    """UTC to the second, e.g. "26 November 2026, 03:32:50 UTC"."""
    if utc_ns is None:
        return NOTHING
    try:
        moment = datetime.fromtimestamp(utc_ns / 1e9, tz=timezone.utc)
    except (OverflowError, OSError, ValueError):
        return NOTHING
    return f"{moment.day} {moment:%B %Y, %H:%M:%S} UTC"


def short_date(utc_ns: int) -> str:
    """UTC to the minute, e.g. "2026-11-26 03:32"."""
    return (
        NOTHING
        if date_and_time(utc_ns) == NOTHING
        else f"{datetime.fromtimestamp(utc_ns / 1e9, tz=timezone.utc):%Y-%m-%d %H:%M}"
    )


def count(number_of: int, one: str, many: str = "") -> str:
    """A number with its noun, e.g. "1 stop", "3 stops", "no stop"."""
    many = many or f"{one}s"
    return f"no {one}" if number_of == 0 else f"{whole(number_of)} {one if number_of == 1 else many}"
