"""An arm behind another driver, which may give it to somebody else, and give it back."""

from __future__ import annotations

from collections.abc import Callable

from robot_driver.arbitration import Arbitration, Owner
from robot_driver.arm_server import ArmServer
from teleop_core.teller import Teller


def look_elsewhere(
    now: float, arm: ArmServer, leases: Arbitration, teller: Teller, stop: Callable[[float, str], None]
) -> None:
    """Once every servo period: an arm that was taken belongs to nobody here; let go it is held where it is now.

    Args:
        now: Monotonic time [s].
        arm: The arm.
        leases: Who may move it.
        teller: Tells its clients.
        stop: Ends every motion at a time [s], for a reason.
    """
    who, known = arm.taken, leases.owner(now) is Owner.ELSEWHERE
    if who and not known:
        leases.ask(now, Owner.ELSEWHERE)
        teller.tell(now, "arm taken", who)
        stop(now, who)
        arm.taken_over()
    elif known and not who:
        leases.release(Owner.ELSEWHERE)
        owner = leases.owner(now)
        teller.tell(now, "arm given back", "the next engagement moves it" if owner is None else f"to {owner.value}")
        arm.given_back()
