"""Attacks on teleoperated robots that are known from the literature, at the last hop before the actuator.

RAVEN II fell to one packet with a leading sequence number, to the replay of an old session, to increments that add up
when packets are lost or repeated, and to code that changed a command after it had been checked.
"""

from __future__ import annotations

import math
from itertools import pairwise

import pytest

from robot_driver.arm_limits import gate_limits
from robot_driver.command_gate import CommandGate
from robot_driver.gate_limits import GateReason

PERIOD = 0.005
LIMITS = gate_limits(PERIOD, 0.15, 0.06)
START = (0.0, 0.0, 0.12, 0.0, 0.0, 0.0)
MONITOR = 11
NOW = 100.0


class Arm:
    """A gate in operation: the genuine monitor permits, the genuine kinematics turn the yaw joint slowly."""

    def __init__(self) -> None:
        self.gate = CommandGate(LIMITS, START)
        self.now = NOW
        self.sequence = 0
        self.gate.enable(True)

    def permit(self, granted: bool = True) -> bool:
        self.sequence += 1
        return self.gate.permit(self.now, granted, MONITOR, self.sequence, 0.1, 1.0)

    def command(self, yaw: float, sampled_at: float | None = None) -> tuple[GateReason, ...]:
        decision = self.gate.command(self.now, (yaw, *START[1:]), self.now if sampled_at is None else sampled_at)
        return tuple(excess.reason for excess in decision.reasons)

    def run(self, periods: int) -> None:
        """Follow 0.1 rad/s."""
        for _ in range(periods):
            self.now += PERIOD
            assert self.permit()
            assert self.command(self.gate.setpoint[0] + 0.1 * PERIOD) == ()


@pytest.fixture
def arm() -> Arm:
    made = Arm()
    made.run(20)
    return made


def test_a_lost_command_costs_only_itself(arm: Arm) -> None:
    """Commands are places, not increments: with every third one lost the arm ends where it ends without loss."""
    begin = arm.gate.setpoint[0]
    for number in range(1, 61):
        arm.now += PERIOD
        arm.permit()
        if number % 3:
            assert arm.command(begin + 0.1 * PERIOD * number) == ()
    arm.now += PERIOD
    arm.permit()
    arm.command(begin + 0.1 * PERIOD * 61)
    assert arm.gate.setpoint[0] == begin + 0.1 * PERIOD * 61


def test_a_repeated_command_does_not_add_up(arm: Arm) -> None:
    """The same command a hundred times, with its own stamp or with new ones, leads to the same place."""
    arm.now += PERIOD
    place, sampled_at = arm.gate.setpoint[0] + 0.1 * PERIOD, arm.now
    assert arm.command(place) == ()
    for _ in range(100):
        arm.now += PERIOD
        arm.permit()
        assert arm.command(place, sampled_at) == (GateReason.STALE,)
        assert arm.gate.setpoint[0] == place
    for _ in range(100):
        arm.now += PERIOD
        arm.permit()
        arm.command(place)
    assert arm.gate.setpoint[0] == pytest.approx(place, abs=1e-12)


def test_commands_in_the_wrong_order_do_not_swing_the_arm(arm: Arm) -> None:
    """A command that was overtaken is dropped, and the one that overtook it stays."""
    arm.now += 2.0 * PERIOD
    place = arm.gate.setpoint[0]
    assert arm.command(place + 0.2 * PERIOD, arm.now) == ()
    assert arm.command(place + 0.1 * PERIOD, arm.now - PERIOD) == (GateReason.STALE,)
    assert arm.gate.setpoint[0] == place + 0.2 * PERIOD


@pytest.mark.parametrize("yaw", [0.5, -0.5, 1.5, 1e300, math.inf, math.nan])
def test_a_jump_published_after_all_checks_is_refused_at_the_last_hop(arm: Arm, yaw: float) -> None:
    """Who writes to teleop/servo past the kinematics gets no farther than the kinematics; genuine commands go on."""
    before = arm.gate.setpoint
    arm.now += PERIOD
    assert arm.command(yaw) in ((GateReason.JUMP,), (GateReason.NOT_FINITE,))
    assert arm.gate.setpoint == before
    arm.run(20)


def test_a_jump_in_small_steps_is_no_faster_than_a_motion(arm: Arm) -> None:
    """Ten thousand small steps in 50 ms, each within the limit of a jump, are worth 100 ms of full speed at most."""
    begin, arrived = arm.gate.setpoint[0], arm.now
    arm.permit()
    for number in range(1, 10_001):
        arm.now = arrived + number * 5e-6
        arm.command(arm.gate.setpoint[0] + LIMITS.velocity[0] * PERIOD)
    assert arm.gate.setpoint[0] - begin <= LIMITS.velocity[0] * (0.05 + LIMITS.jump_time) * (1.0 + 1e-9)


def test_dated_back_samples_do_not_make_time(arm: Arm) -> None:
    """All samples of the past at one instant, a period apart: worth the time of a jump at most."""
    arm.now += 0.15
    arm.permit()
    begin = arm.gate.setpoint[0]
    for number in range(1, 31):
        arm.command(arm.gate.setpoint[0] + LIMITS.velocity[0] * PERIOD, arm.now - 0.15 + number * PERIOD)
    assert arm.gate.setpoint[0] - begin <= LIMITS.velocity[0] * LIMITS.jump_time * (1.0 + 1e-9)


def test_a_second_speaker_cannot_make_the_arm_swing_faster_than_its_limits(arm: Arm) -> None:
    """Genuine and forged commands in turn, far apart: every step stays within speed and acceleration."""
    places = [arm.gate.setpoint[0]]
    for number in range(200):
        arm.now += PERIOD
        arm.permit()
        arm.command(places[0] + (0.03 if number % 2 else -0.03))
        places.append(arm.gate.setpoint[0])
    speeds = [(after - before) / PERIOD for before, after in pairwise(places)]
    assert max(abs(speed) for speed in speeds) <= LIMITS.velocity[0]
    changes = [abs(after - before) for before, after in pairwise(speeds)]
    assert max(changes) <= LIMITS.acceleration[0] * PERIOD * (1.0 + 1e-6)


@pytest.mark.parametrize("lead", [1_000, 2**32, 2**64 - 1])
def test_a_leading_sequence_does_not_make_the_gate_deaf(arm: Arm, lead: int) -> None:
    """A forged permit with a number far ahead is dropped; the genuine ones go on without a gap."""
    forged = min(arm.sequence + lead, 2**64 - 1)
    assert not arm.gate.permit(arm.now, True, MONITOR, forged, 0.1, 1.0)
    assert not arm.gate.permit(arm.now, False, MONITOR, forged, 0.1, 1.0)
    arm.run(20)


def test_a_leading_sequence_within_reason_deafens_for_a_moment_only(arm: Arm) -> None:
    """As far ahead as a number may be, it stops the arm at the end of its lease, and the monitor is heard again."""
    assert arm.gate.permit(arm.now, True, MONITOR, arm.sequence + 100, 0.1, 1.0)
    heard_after = 0
    while not arm.permit():
        arm.now += 0.01
        heard_after += 1
    assert heard_after == 100
    arm.run(20)


def test_permits_of_an_old_session_never_come_back(arm: Arm) -> None:
    """A recorded session moves nothing: not beside the present one, not after it, not with higher numbers."""
    recorded = [(MONITOR, number) for number in range(1, arm.sequence + 1)]
    arm.now += 1.0
    assert arm.gate.permit(arm.now, True, 12, 1, 0.1, 1.0)
    for session, number in [*recorded, (MONITOR, arm.sequence + 1), (MONITOR, 2**63)]:
        assert not arm.gate.permit(arm.now, True, session, number, 1.0, 1.0)
    arm.now += 1.0
    for session, number in [*recorded, (MONITOR, arm.sequence + 1), (MONITOR, 2**63)]:
        assert not arm.gate.permit(arm.now, True, session, number, 1.0, 1.0)
        assert arm.command(0.0) == (GateReason.LEASE_OVER,)


def test_permits_of_this_session_are_not_replayed(arm: Arm) -> None:
    """After the monitor died none of its recorded permits keeps the arm moving."""
    arm.now += 0.2
    for number in range(1, arm.sequence + 1):
        assert not arm.gate.permit(arm.now, True, MONITOR, number, 0.1, 1.0)
    assert arm.command(arm.gate.setpoint[0]) == (GateReason.LEASE_OVER,)


def test_a_foreign_session_can_neither_take_over_nor_withdraw(arm: Arm) -> None:
    """While the genuine monitor permits, nobody else is heard."""
    assert not arm.gate.permit(arm.now, True, 99, 1, 1.0, 1.0)
    assert not arm.gate.permit(arm.now, False, 99, 2, 0.1, 1.0)
    assert arm.gate.permit_session == MONITOR
    arm.run(20)


def test_a_withdrawal_is_not_undone_by_what_was_on_its_way(arm: Arm) -> None:
    """Permits older than the withdrawal arrive after it and are dropped."""
    late = arm.sequence + 1
    arm.sequence += 1
    assert arm.permit(granted=False)
    assert not arm.gate.permit(arm.now, True, MONITOR, late, 0.1, 1.0)
    assert arm.command(arm.gate.setpoint[0]) == (GateReason.NO_PERMIT,)


def test_a_flood_of_protective_stops_holds_and_nothing_else(arm: Arm) -> None:
    """Stops always hold, whoever asks; they leave nothing behind once the monitor has withdrawn and permits anew."""
    before = arm.gate.setpoint
    for _ in range(1000):
        arm.gate.protective_stop()
        arm.permit()
        assert arm.command(0.0) == (GateReason.PROTECTIVE_STOP,)
    assert arm.gate.setpoint == before
    arm.permit(granted=False)
    arm.run(20)
