"""Who may command an arm now: the one rule for streams and for moves."""

from __future__ import annotations

from robot_driver.arbitration import Arbitration, Owner
from robot_driver.arm_server import ArmServer
from robot_driver.crtk.refusal import CommandRefusedError
from robot_driver.gate_limits import GateReason


def admit(now: float, arm: ArmServer, leases: Arbitration, who: Owner, barred: str, *, moves: bool) -> None:
    """Refuse whoever may not command the arm; it becomes nobody's by that.

    A move has the arm once it begins, a stream from the first command that passes the gate: none that is refused.

    Args:
        now: Monotonic time [s].
        arm: The arm.
        leases: Who has it.
        who: Who commands.
        barred: Why external clients may not command at all; empty where they may.
        moves: It is a move: one that could not begin is refused, and not begun later.

    Raises:
        CommandRefusedError: says why not.
    """
    if who is Owner.EXTERNAL and barred:
        raise CommandRefusedError(barred)
    operating = arm.operating
    if not operating.ready:
        homed = "" if operating.is_homed else ", not homed"
        raise CommandRefusedError(f"{arm.name} is {operating.state}{homed}: enable and home it first")
    if moves:
        reason = arm.gate.hold_reason(now)
        if reason not in (None, GateReason.SILENCE):
            raise CommandRefusedError(reason.value)
    if (refusal := leases.check(now, who)) is not None:
        raise CommandRefusedError(refusal.reason)
