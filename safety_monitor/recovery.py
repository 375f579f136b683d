"""What is left to do until the arms move again: in order, each step with the one who has to take it."""

from __future__ import annotations

from collections.abc import Iterable

from safety_monitor.causes import CAUSES, Clears, Level, Role
from safety_monitor.inputs import Inputs
from teleop_core.signals import SafetyLevel

PRESS = f"{Role.OPERATOR.value}: press the clutch"
ENGAGE = f"{Role.OPERATOR.value}: press and release the clutch"
RELEASE_DEADMAN = f"{Role.OPERATOR.value}: leave the console (release the deadman)"
TAKE_CONSOLE = f"{Role.OPERATOR.value}: take the console"
RESET = f"{Role.LOCAL_TEAM.value}: reset (telesurgery reset)"
WAIT_FOR_SELF_TEST = "wait for the self-test"
COMMAND_AGAIN = "CRTK client: command again"


def recovery_steps(
    state: SafetyLevel, active: Iterable[tuple[str, str]], latched: Iterable[tuple[str, str]], inputs: Inputs
) -> tuple[str, ...]:
    """Steps to moving arms; empty while they may move and every arm follows or is clutched, or there is no console.

    Args:
        state: State of the monitor.
        active: (cause, source) of what is wrong now, worst first.
        latched: (cause, source) of what people have to clear.
        inputs: What the monitor sees.
    """
    stopped = state is not SafetyLevel.OPERATING
    ways = {CAUSES[cause].clears for cause, _source in latched}
    if Clears.OPERATOR in ways and not inputs.console_expected:
        ways = {*ways, Clears.LOCAL_RESET}
    # Before a reset the deadman has to be released: that nobody operates is then no fault to mend.
    mended_later = ("OPERATOR_ABSENT",) if Clears.LOCAL_RESET in ways else ()
    steps = [_remedy(*key) for key in active if stopped and _stops(key[0]) and key[0] not in mended_later]
    if Clears.NEVER in ways:
        steps.append(_remedy("INTERNAL_FAILURE", "safety_monitor"))
    elif Clears.LOCAL_RESET in ways:
        if inputs.operator_present:
            steps.append(RELEASE_DEADMAN)
        steps += [RESET, WAIT_FOR_SELF_TEST]
        if inputs.console_expected:
            steps.append(TAKE_CONSOLE)
    elif state is SafetyLevel.SELF_TEST:
        steps.append(WAIT_FOR_SELF_TEST)
    elif Clears.OPERATOR in ways:
        steps.append(PRESS)
    if stopped or any(arm.aligning for arm in inputs.arms.values()):
        steps.append(ENGAGE if inputs.console_expected else COMMAND_AGAIN)
    return tuple(dict.fromkeys(steps))


def _stops(cause: str) -> bool:
    return CAUSES[cause].level >= Level.HOLD or CAUSES[cause].blocks_arming


def _remedy(cause: str, source: str) -> str:
    row = CAUSES[cause]
    return f"{row.role.value}: {row.remedy} ({source})"
