"""What the gate says to each command, exactly: reason, amount, and that a refused command changes nothing.

All times and positions are sums of powers of two, so every boundary is met exactly.
"""

from __future__ import annotations

import math
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


def test_a_new_gate_is_closed_and_stands() -> None:
    """No permit, no session, the setpoint it was given, as floats."""
    gate = CommandGate(LIMITS, (0, 0, 0.25))
    assert gate.setpoint == START
    assert all(type(value) is float for value in gate.setpoint)
    assert (gate.permit_session, gate.permit_sequence) == (0, 0)
    assert not gate.permitted(NOW)
    assert not gate.permitted(-math.inf)
    assert refused(gate.command(NOW, SMALL, NOW), GateReason.DISABLED)
    assert gate.hold_reason(NOW) is GateReason.DISABLED


def test_enabled_it_waits_for_a_permit() -> None:
    """Withheld is no permit; one that ran out says for how long it is over."""
    gate = CommandGate(LIMITS, START)
    gate.enable(True)
    assert refused(gate.command(NOW, SMALL, NOW), GateReason.NO_PERMIT)
    assert gate.hold_reason(NOW) is GateReason.NO_PERMIT
    gate.permit(NOW, False, SESSION, 1, LEASE, 1.0)
    assert refused(gate.command(NOW, SMALL, NOW), GateReason.NO_PERMIT)
    gate.permit(NOW, True, SESSION, 2, LEASE, 1.0)
    assert refused(gate.command(NOW + 1.125, SMALL, NOW + 1.125), GateReason.LEASE_OVER, 0.125)
    assert gate.hold_reason(NOW + 1.125) is GateReason.LEASE_OVER


def test_a_command_passes_to_the_last_instant_of_the_lease() -> None:
    """And not an instant longer."""
    gate = opened()
    assert gate.command(NOW + LEASE, SMALL, NOW + LEASE) == Decision(SMALL, (2.0**-5, 0.0, 0.0), True, ())
    assert gate.setpoint == SMALL
    late = math.nextafter(NOW + LEASE, math.inf)
    assert not gate.command(late, START, late).moved


def test_the_permit_is_shown() -> None:
    """Session, number, and whether it is fresh; of the newest that was taken, not of one that was dropped."""
    gate = opened()
    assert (gate.permit_session, gate.permit_sequence) == (SESSION, 1)
    assert gate.permitted(NOW)
    assert gate.permitted(NOW + LEASE)
    assert not gate.permitted(math.nextafter(NOW + LEASE, math.inf))
    assert not gate.permit(NOW, True, SESSION, 1, LEASE, 1.0)
    assert not gate.permit(NOW, False, 8, 2, LEASE, 1.0)
    assert gate.permit(NOW, True, SESSION, 2, LEASE, 1.0)
    assert (gate.permit_session, gate.permit_sequence) == (SESSION, 2)
    gate.enable(False)
    gate.protective_stop()
    assert gate.permitted(NOW)
    assert gate.permit(NOW, False, SESSION, 3, LEASE, 1.0)
    assert not gate.permitted(NOW)


@pytest.mark.parametrize("count", [0, 2, 4])
def test_a_command_of_the_wrong_size(count: int) -> None:
    """Refused before its values are looked at."""
    assert refused(opened().command(NOW, [math.nan] * count, math.nan), GateReason.WRONG_SIZE)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_no_number_is_refused(value: float) -> None:
    """In any joint, and in the time of the sample; no amount."""
    gate = opened()
    for joint in range(3):
        wanted = list(START)
        wanted[joint] = value
        assert refused(gate.command(NOW, wanted, NOW), GateReason.NOT_FINITE)
    assert refused(gate.command(NOW, START, value), GateReason.NOT_FINITE)
    assert gate.command(NOW, SMALL, NOW).moved


@pytest.mark.parametrize("value", [1e308, -1e308, 1e17])
def test_huge_numbers_are_jumps(value: float) -> None:
    """The amount says how huge."""
    wanted = (value, 0.0, 0.25)
    assert refused(opened().command(NOW, wanted, NOW), GateReason.JUMP, abs(value) - 0.0625)


@pytest.mark.parametrize("value", [5e-324, -5e-324, 2.0**-1040])
def test_denormal_numbers_are_small_steps(value: float) -> None:
    """They pass, and the speed they make is finite."""
    decision = opened().command(NOW, (value, 0.0, 0.25), NOW)
    assert decision.moved
    assert decision.setpoint == (value, 0.0, 0.25)
    assert all(map(math.isfinite, decision.velocity))


def test_the_age_of_a_sample_at_its_limit() -> None:
    """Exactly as old as allowed passes; the amount is what it is older."""
    gate = opened()
    old = math.nextafter(NOW - 0.125, -math.inf)
    assert refused(gate.command(NOW, SMALL, old), GateReason.STALE, NOW - 0.125 - old)
    assert refused(gate.command(NOW, SMALL, NOW - 0.25), GateReason.STALE, 0.125)
    assert refused(gate.command(NOW, SMALL, -1e300), GateReason.STALE, 1e300)
    assert gate.command(NOW, SMALL, NOW - 0.125).moved


def test_the_age_of_a_sample_of_the_future() -> None:
    """As far ahead as a sample may be old it counts as now; the amount is what it is farther ahead."""
    gate = opened()
    ahead = math.nextafter(NOW + 0.125, math.inf)
    assert refused(gate.command(NOW, SMALL, ahead), GateReason.STALE, ahead - NOW - 0.125)
    assert refused(gate.command(NOW, SMALL, NOW + 0.25), GateReason.STALE, 0.125)
    assert gate.command(NOW, SMALL, NOW + 0.125).moved
    decision = gate.command(NOW, SMALL, NOW + 0.125)
    assert decision.reasons == (Excess(GateReason.STALE, 0.0),)
    assert gate.command(NOW + DT, SMALL, math.nextafter(NOW, math.inf)).moved


def test_a_sample_that_is_not_newer_is_refused() -> None:
    """The amount is by how much the newest one is newer."""
    gate = opened()
    assert gate.command(NOW, SMALL, NOW - 0.0625).moved
    assert gate.command(NOW + DT, START, NOW - 0.0625).reasons == (Excess(GateReason.STALE, 0.0),)
    assert gate.command(NOW + DT, START, NOW - 0.09375).reasons == (Excess(GateReason.STALE, 0.03125),)
    assert gate.setpoint == SMALL
    assert gate.command(NOW + DT, SMALL, math.nextafter(NOW - 0.0625, NOW)).moved


def test_a_refused_sample_does_not_shut_out_an_older_one() -> None:
    """Only what moved the arm counts as the newest sample."""
    gate = opened()
    assert not gate.command(NOW, (1.0, 0.0, 0.25), NOW).moved
    assert gate.command(NOW, SMALL, NOW - 0.0625).moved


def test_a_jump_is_refused_with_what_is_beyond() -> None:
    """Of the joint that jumps farthest, and of the insertion."""
    gate = opened()
    decision = gate.command(NOW, (0.125, 0.25, 0.28125), NOW)
    assert decision == Decision(
        START, REST, False, (Excess(GateReason.JUMP, 0.125), Excess(GateReason.INSERTION_JUMP, 0.015625))
    )
    assert refused(gate.command(NOW, (0.09375, 0.0, 0.25), NOW), GateReason.JUMP, 0.03125)
    assert gate.command(NOW, (0.0625, 0.125, 0.265625), NOW).moved


def test_a_jump_counts_from_the_setpoint_of_now() -> None:
    """Not from where the arm was before."""
    gate = opened(NIMBLE)
    for number in range(1, 9):
        assert gate.command(NOW + number * DT, (number * DT, 0.0, 0.25), NOW + number * DT).reasons == ()
    assert gate.setpoint[0] == 0.0625
    decision = gate.command(NOW + 9 * DT, (0.1875, 0.0, 0.25), NOW + 9 * DT)
    assert decision.reasons == (Excess(GateReason.JUMP, 0.0625),)
    assert decision.setpoint == (0.0625, 0.0, 0.25)


def test_commands_faster_than_real_time_are_refused() -> None:
    """What may be made up for at once is made up; then the amount is the time that is missing to the shortest step."""
    gate = opened()
    for number in range(15):
        assert gate.command(NOW, START, NOW - 0.0625 + number * 2.0**-20).moved
        gate.permit(NOW, True, SESSION, 2 + number, LEASE, 1.0)
    sampled = NOW - 0.0625 + 2.0**-10
    amount = gate.command(NOW, SMALL, sampled).reasons
    assert [excess.reason for excess in amount] == [GateReason.TOO_OFTEN]
    assert 0.0 < amount[0].amount <= 0.5 * DT
    late = gate.command(NOW + 0.25 * DT, SMALL, sampled)
    assert late.reasons[0].amount == amount[0].amount - 0.25 * DT
    assert gate.setpoint == START
    assert gate.command(NOW + DT, SMALL, sampled).moved


def test_the_amount_of_time_that_is_missing() -> None:
    """Eight steps of a period at one instant leave nothing: half a period is missing."""
    gate = opened()
    for number in range(8):
        assert gate.command(NOW, START, NOW - 0.125 + number * DT).moved
    decision = gate.command(NOW, START, NOW)
    assert decision.reasons == (Excess(GateReason.TOO_OFTEN, 0.5 * DT),)
    assert gate.command(NOW + 0.5 * DT, START, NOW).moved


def test_no_joint_travels_farther_in_250_ms_than_real_time_allows() -> None:
    """Twice as many commands as samples can have been made: 250 ms and a period at the permitted speed, not more."""
    gate = opened(NIMBLE, ratio=0.5)
    for number in range(1, 63):
        now = NOW + number * 0.5 * DT
        step = DT if number <= 15 else 0.5 * DT
        decision = gate.command(now, (gate.setpoint[0] + 0.5 * step, 0.0, 0.25), NOW - 0.125 + number * DT)
        if number > 51:
            assert decision.reasons == (Excess(GateReason.TRAVEL, 0.5),)
            assert decision.velocity == REST
        else:
            assert decision.reasons == ()
        if number == 31:
            gate.permit(now, True, SESSION, 2, LEASE, 0.5)
    assert gate.setpoint[0] == 0.5 * (0.25 + DT)


def test_travel_of_the_fastest_joint_counts() -> None:
    """Each in its own share of full speed."""
    gate = opened(NIMBLE, ratio=1.0)
    for number in range(1, 63):
        now = NOW + number * 0.5 * DT
        step = DT if number <= 15 else 0.5 * DT
        wanted = (0.0, gate.setpoint[1] + 2.0 * step, 0.25)
        decision = gate.command(now, wanted, NOW - 0.125 + number * DT)
    assert decision.reasons == (Excess(GateReason.TRAVEL, 2.0),)
    assert gate.setpoint[1] == 2.0 * (0.25 + DT)


def test_speed_follows_the_permitted_share() -> None:
    """A command that is too fast for it is limited and told."""
    gate = opened(NIMBLE, ratio=0.25)
    decision = gate.command(NOW, (0.5 * DT, 0.0, 0.25), NOW)
    assert decision == Decision((0.25 * DT, 0.0, 0.25), (0.25, 0.0, 0.0), True, (Excess(GateReason.VELOCITY, 0.25),))


def test_the_setpoint_keeps_its_speed_from_step_to_step() -> None:
    """The next step may be faster by one change of speed."""
    gate = opened()
    place = 0.0
    for number in range(1, 5):
        place += number * 0.0625 * DT
        assert gate.command(NOW + number * DT, (place, 0.0, 0.25), NOW + number * DT).reasons == ()
    assert gate.setpoint == (place, 0.0, 0.25)


def test_the_setpoint_is_taken_up_where_the_arm_is() -> None:
    """While the gate is closed, and as floats."""
    gate = CommandGate(LIMITS, START)
    gate.stand_at([1, 0.5, 0.375])
    assert gate.setpoint == (1.0, 0.5, 0.375)
    assert all(type(value) is float for value in gate.setpoint)


@pytest.mark.parametrize("position", [(0.0, 0.0), (0.0,) * 4, (0.0, math.nan, 0.25), (math.inf, 0.0, 0.25)])
def test_no_position_is_no_place_to_stand(position: tuple[float, ...]) -> None:
    """The error names it; the setpoint stays."""
    gate = CommandGate(LIMITS, START)
    with pytest.raises(ValueError) as error:  # noqa: PT011 - the whole text is compared
        gate.stand_at(position)
    assert str(error.value) == f"{position} is no joint position"
    assert gate.setpoint == START


def test_an_enabled_arm_is_moved_by_commands_only() -> None:
    """Its setpoint cannot be put elsewhere."""
    gate = opened()
    with pytest.raises(ValueError) as error:  # noqa: PT011 - the whole text is compared
        gate.stand_at(SMALL)
    assert str(error.value) == "the setpoint of an enabled arm moves by commands only"
    assert gate.setpoint == START


def test_what_was_limited_is_told_with_each_amount() -> None:
    """Several limits at once, in the order in which they were met."""
    gate = opened(ratio=0.25)
    decision = gate.command(NOW, (0.5 * DT, 0.0, 0.25 + 0.125 * DT), NOW)
    assert decision.moved
    assert decision.reasons == (
        Excess(GateReason.VELOCITY, 0.25),
        Excess(GateReason.ACCELERATION, 56.0),
        Excess(GateReason.INSERTION_VELOCITY, 0.0625),
        Excess(GateReason.INSERTION_ACCELERATION, 14.0),
    )


def test_the_share_of_full_speed_that_is_permitted_is_shown() -> None:
    """That of the newest permit; motions pace themselves by it."""
    assert opened(ratio=0.5).velocity_ratio == 0.5
    gate = opened()
    assert gate.permit(NOW + DT, True, SESSION, 2, LEASE, 0.25)
    assert gate.velocity_ratio == 0.25
