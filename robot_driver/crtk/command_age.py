"""How old a command of a client may be when it is carried out: one rule for all that have a stamp.

A command whose stamp is older than the link's profile allows (`command_age`), or as far in the future, is refused and
told. A stamp of zero means now: many clients set none. So it is for servo_*, servo_cv, move_*, and both of the jaw.

Two kinds are judged otherwise. Stamps of interpolate_* are of the client's clock, which need not be ours; its jitter
buffer leaves out what comes late by them. A move of the local team is never refused for a clock: they stand beside it.
"""

from __future__ import annotations

import math

from robot_driver.crtk.reach import told
from robot_driver.crtk.refusal import CommandRefusedError
from robot_driver.gate_limits import Excess, GateReason

JUDGED = frozenset(
    {
        "servo_jp",
        "servo_jr",
        "servo_cp",
        "servo_cr",
        "servo_cv",
        "local_servo_cp",
        "move_jp",
        "move_jr",
        "move_cp",
        "local_move_cp",
        "jaw_servo_jp",
        "jaw_move_jp",
    }
)
"""Streams whose stamps are judged."""


def check_age(now: float, sampled_at: float, highest: float) -> None:
    """Refuse a command that is not of now.

    Args:
        now: Monotonic time [s].
        sampled_at: Its stamp on the same clock [s].
        highest: Largest age, and largest lead [s].

    Raises:
        CommandRefusedError: tells by how much.
    """
    age = now - sampled_at
    if not -highest <= age <= highest:
        beyond = Excess(GateReason.STALE, abs(age) - highest) if math.isfinite(age) else Excess(GateReason.NOT_FINITE)
        raise CommandRefusedError(told((beyond,)))
