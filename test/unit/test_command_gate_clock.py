"""What stops the gate, exactly: its own clock, silence, withdrawal, protective stop, and the way back from each.

All times and positions are sums of powers of two, so every boundary is met exactly.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import pytest

from robot_driver.command_gate import CommandGate, Decision
from robot_driver.gate_limits import Excess, GateLimits, GateReason

DT = 2.0**-7
LIMITS = GateLimits(
    lower=(-1.0, -1.0, 0.0),
    upper=(1.0, 1.0, 0.5),
    velocity=(1.0, 2.0, 0.25),
    acceleration=(8.0, 16.0, 2.0),
    insertion_index=2,
    min_insertion=0.125,
    tilt_indices=(0, 1),
    max_tilt=1.5,
    servo_period=DT,
    max_command_age=0.125,
    silence=0.0625,
    jump_time=0.0625,
)
NIMBLE = replace(LIMITS, acceleration=(2.0**20, 2.0**20, 2.0**20))
START = (0.0, 0.0, 0.25)
SESSION = 7
NOW = 64.0
LEASE = 1.0
REST = (0.0, 0.0, 0.0)
SMALL = (2.0**-12, 0.0, 0.25)


def opened(limits: GateLimits = LIMITS, ratio: float = 1.0) -> CommandGate:
    """An enabled gate with permit 1, taken at NOW."""
    gate = CommandGate(limits, START)
    gate.enable(True)
    assert gate.permit(NOW, True, SESSION, 1, LEASE, ratio)
    return gate


def refused(decision: Decision, reason: GateReason, amount: float = math.nan) -> bool:
    """The decision is this refusal and nothing else, and the arm is told to stand at the start."""
    (excess,) = decision.reasons
    same = excess.amount == amount or (math.isnan(excess.amount) and math.isnan(amount))
    standing = decision.setpoint == START and decision.velocity == REST and decision.moved is False
    return excess.reason is reason and same and standing


@pytest.mark.parametrize("backwards", [2.0**-20, 0.5, 1e9])
def test_a_clock_that_runs_backwards_opens_and_moves_nothing(backwards: float) -> None:
    """Neither a command nor a permit of the past counts; the present goes on as before."""
    gate = opened()
    gate.hold_reason(NOW + 0.5)
    past = NOW + 0.5 - backwards
    assert refused(gate.command(past, SMALL, past), GateReason.CLOCK, NOW + 0.5 - past)
    assert not gate.permit(past, True, SESSION, 2, LEASE, 1.0)
    assert not gate.permit(past, False, SESSION, 2, LEASE, 1.0)
    assert gate.hold_reason(past) is GateReason.CLOCK
    assert not gate.permitted(past)
    assert gate.permit_sequence == 1
    assert gate.permitted(NOW + 0.5)
    assert gate.command(NOW + 0.5, SMALL, NOW + 0.5).moved


@pytest.mark.parametrize("no_time", [math.nan, math.inf, -math.inf])
def test_what_is_no_time_opens_and_moves_nothing(no_time: float) -> None:
    """And does not stop the clock: real time goes on."""
    gate = opened()
    decision = gate.command(no_time, SMALL, NOW)
    assert [excess.reason for excess in decision.reasons] == [GateReason.CLOCK]
    assert not decision.moved
    assert not gate.permit(no_time, True, SESSION, 2, LEASE, 1.0)
    assert gate.hold_reason(no_time) is GateReason.CLOCK
    assert not gate.permitted(no_time)
    assert gate.command(NOW, SMALL, NOW).moved


@pytest.mark.parametrize("no_time", [math.nan, math.inf, -math.inf])
def test_a_first_time_that_is_none_gives_no_permit(no_time: float) -> None:
    """Also before the gate has seen any time at all."""
    gate = CommandGate(LIMITS, START)
    gate.enable(True)
    assert not gate.permit(no_time, True, SESSION, 1, LEASE, 1.0)
    assert not gate.permitted(no_time)
    assert gate.hold_reason(no_time) is GateReason.CLOCK


def test_a_permit_that_is_over_does_not_come_back_when_the_clock_does() -> None:
    """Seen over once, it is over."""
    gate = opened()
    assert gate.hold_reason(NOW + 2.0) is GateReason.LEASE_OVER
    assert not gate.permitted(NOW + 0.5)
    assert gate.hold_reason(NOW + 0.5) is GateReason.CLOCK
    assert not gate.command(NOW + 0.5, SMALL, NOW + 0.5).moved


@pytest.mark.parametrize(
    "see_time",
    [
        lambda gate: gate.hold_reason(NOW + 0.5),
        lambda gate: gate.command(NOW + 0.5, SMALL, NOW + 0.5),
        lambda gate: gate.permit(NOW + 0.5, True, SESSION, 2, LEASE, 1.0),
        lambda gate: gate.permit(NOW + 0.5, True, SESSION, 1, LEASE, 1.0),
    ],
)
def test_every_call_with_a_time_moves_the_clock(see_time: Callable[[CommandGate], object]) -> None:
    """But to look whether there is a permit does not."""
    gate = opened()
    gate.permitted(NOW + 0.25)
    assert gate.hold_reason(NOW + 0.125) is GateReason.SILENCE
    see_time(gate)
    assert gate.hold_reason(NOW + 0.375) is GateReason.CLOCK


def test_silence_holds_after_its_time() -> None:
    """Exactly as long as allowed is no silence; a gate that never heard a command is silent."""
    gate = opened()
    assert gate.hold_reason(NOW) is GateReason.SILENCE
    gate.command(NOW, SMALL, NOW)
    assert gate.hold_reason(NOW) is None
    assert gate.hold_reason(NOW + 0.0625) is None
    assert gate.hold_reason(math.nextafter(NOW + 0.0625, math.inf)) is GateReason.SILENCE
    assert gate.hold_reason(NOW + 0.07) is GateReason.SILENCE


def test_refused_commands_do_not_break_the_silence() -> None:
    """Only what moved the arm is a command."""
    gate = opened()
    gate.command(NOW, SMALL, NOW)
    assert not gate.command(NOW + 0.0625, (1.0, 0.0, 0.25), NOW + 0.0625).moved
    assert gate.hold_reason(NOW + 0.125) is GateReason.SILENCE


def test_while_it_may_move_asking_changes_nothing() -> None:
    """The speed stays."""
    gate = opened()
    gate.command(NOW, (0.0625 * DT, 0.0, 0.25), NOW)
    assert gate.hold_reason(NOW) is None
    assert gate.command(NOW + DT, (0.1875 * DT, 0.0, 0.25), NOW + DT).reasons == ()


@pytest.mark.parametrize(
    "stop",
    [
        lambda gate, now: gate.enable(True),
        lambda gate, now: gate.hold_reason(now + 0.125),
        lambda gate, now: gate.permit(now, False, SESSION, 2, LEASE, 1.0),
        lambda gate, now: gate.protective_stop(),
        lambda gate, now: gate.hold_reason(now - DT),
    ],
    ids=["enable", "silence", "withdrawal", "protective stop", "clock"],
)
def test_whatever_stops_the_arm_takes_its_speed(stop: Callable[[CommandGate, float], object]) -> None:
    """The setpoint stands; it starts again from rest, with a step of one period."""
    gate = opened()
    for number, place in ((1, 0.0625), (2, 0.1875), (3, 0.375)):
        assert gate.command(NOW + number * DT, (place * DT, 0.0, 0.25), NOW + number * DT).reasons == ()
    held = gate.setpoint
    stop(gate, NOW + 3.0 * DT)
    assert gate.setpoint == held
    now = NOW + 0.5
    gate.permit(now, False, SESSION, 3, LEASE, 1.0)
    gate.permit(now, True, SESSION, 4, LEASE, 1.0)
    assert gate.hold_reason(now) is GateReason.SILENCE
    decision = gate.command(now, (held[0] + 0.25 * DT, 0.0, 0.25), now)
    assert decision.velocity == (0.0625, 0.0, 0.0)
    assert decision.reasons == (Excess(GateReason.ACCELERATION, 24.0),)


def test_a_protective_stop_waits_for_withdrawal_and_new_permit() -> None:
    """Both, in this order, after the newest stop."""
    gate = opened()
    gate.protective_stop()
    assert gate.hold_reason(NOW) is GateReason.PROTECTIVE_STOP
    assert refused(gate.command(NOW, SMALL, NOW), GateReason.PROTECTIVE_STOP)
    gate.permit(NOW, True, SESSION, 2, LEASE, 1.0)
    assert gate.hold_reason(NOW) is GateReason.PROTECTIVE_STOP
    gate.permit(NOW, False, SESSION, 3, LEASE, 1.0)
    assert gate.hold_reason(NOW) is GateReason.PROTECTIVE_STOP
    gate.protective_stop()
    gate.permit(NOW, True, SESSION, 4, LEASE, 1.0)
    assert gate.hold_reason(NOW) is GateReason.PROTECTIVE_STOP
    gate.permit(NOW, False, SESSION, 5, LEASE, 1.0)
    gate.permit(NOW, True, SESSION, 5, LEASE, 1.0)
    assert gate.hold_reason(NOW) is GateReason.PROTECTIVE_STOP
    gate.permit(NOW, True, SESSION, 6, LEASE, 1.0)
    assert gate.hold_reason(NOW) is GateReason.SILENCE
    assert gate.command(NOW, SMALL, NOW).moved


def test_a_withdrawal_before_the_stop_does_not_count() -> None:
    """It has to come after the stop."""
    gate = opened()
    gate.permit(NOW, False, SESSION, 2, LEASE, 1.0)
    gate.protective_stop()
    gate.permit(NOW, True, SESSION, 3, LEASE, 1.0)
    assert gate.hold_reason(NOW) is GateReason.PROTECTIVE_STOP


def test_disabled_comes_before_stopped_and_both_before_the_permit() -> None:
    """The reason that is told is the one that has to go first."""
    gate = CommandGate(LIMITS, START)
    gate.protective_stop()
    assert gate.hold_reason(NOW) is GateReason.DISABLED
    gate.enable(True)
    assert gate.hold_reason(NOW) is GateReason.PROTECTIVE_STOP
