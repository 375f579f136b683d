"""The command gate: default deny, its own clock, and no way past it."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest

from robot_driver.arm_limits import gate_limits
from robot_driver.command_gate import CommandGate
from robot_driver.gate_limits import GateReason

START = (0.0, 0.0, 0.12, 0.0, 0.0, 0.0)
PERIOD = 0.005
SESSION = 7


class Driven:
    """A gate with a clock, a permit source and an arm to command."""

    def __init__(self) -> None:
        self.gate = CommandGate(gate_limits(PERIOD, 0.15, 0.06), START)
        self.now = 100.0
        self.sequence = 0

    def grant(self, granted: bool = True, lease: float = 0.1, ratio: float = 1.0) -> bool:
        self.sequence += 1
        return self.gate.permit(self.now, granted, SESSION, self.sequence, lease, ratio)

    def go(self, *offsets: float, age: float = 0.0) -> tuple[GateReason, ...]:
        """Wait a period and command the present setpoint plus the offsets; returns the reasons."""
        self.now += PERIOD
        wanted = [value + offset for value, offset in zip(self.gate.setpoint, (*offsets, *[0.0] * 6), strict=False)]
        decision = self.gate.command(self.now, wanted, self.now - age)
        return tuple(excess.reason for excess in decision.reasons)

    def settle(self) -> None:
        for _ in range(5):
            self.grant()
            assert self.go() == ()


@pytest.fixture
def driven() -> Driven:
    made = Driven()
    made.gate.enable(True)
    made.grant()
    made.settle()
    return made


def test_a_new_gate_is_closed() -> None:
    """Without enable and without a permit nothing moves."""
    made = Driven()
    assert made.go(0.001) == (GateReason.DISABLED,)
    made.gate.enable(True)
    assert made.go(0.001) == (GateReason.NO_PERMIT,)
    made.grant(granted=False)
    assert made.go(0.001) == (GateReason.NO_PERMIT,)
    assert made.gate.setpoint == START


def test_a_small_step_passes_unchanged(driven: Driven) -> None:
    """A step within all limits becomes the setpoint exactly."""
    assert driven.go(0.0005, -0.0004, 0.00005) == ()
    assert driven.gate.setpoint == pytest.approx((0.0005, -0.0004, 0.12005, 0.0, 0.0, 0.0), abs=1e-15)


def test_a_permit_ends_by_itself(driven: Driven) -> None:
    """When the monitor is dead the lease ends and the setpoint stands still; a fresh permit moves it again."""
    driven.now += 0.101
    assert driven.go(0.001) == (GateReason.LEASE_OVER,)
    assert driven.gate.hold_reason(driven.now) is GateReason.LEASE_OVER
    driven.grant()
    assert driven.go(0.0001) == ()


def test_a_replayed_permit_is_dropped(driven: Driven) -> None:
    """A permit whose number does not rise prolongs nothing."""
    driven.now += 0.2
    assert not driven.gate.permit(driven.now, True, SESSION, driven.sequence, 0.1, 1.0)
    assert driven.go(0.0001) == (GateReason.LEASE_OVER,)


@pytest.mark.parametrize(("lease", "ratio"), [(math.nan, 1.0), (5.0, 1.0), (0.0, 1.0), (0.1, math.nan), (0.1, 1.5)])
def test_a_permit_with_rubbish_in_it_is_dropped(lease: float, ratio: float) -> None:
    """A lease or ratio that is out of range grants nothing."""
    made = Driven()
    made.gate.enable(True)
    assert not made.grant(lease=lease, ratio=ratio)
    assert made.go(0.0001) == (GateReason.NO_PERMIT,)


def test_silence_holds_and_a_command_ends_it(driven: Driven) -> None:
    """After 60 ms without a command the arm holds, although the permit is fresh."""
    driven.now += 0.059
    driven.grant()
    assert driven.gate.hold_reason(driven.now) is None
    driven.now += 0.002
    assert driven.gate.hold_reason(driven.now) is GateReason.SILENCE
    assert driven.go(0.0001) == ()
    assert driven.gate.hold_reason(driven.now) is None


def test_old_and_reordered_samples_are_refused(driven: Driven) -> None:
    """A hand sample older than the limit, or not newer than the last one, never becomes a setpoint."""
    before = driven.gate.setpoint
    assert driven.go(0.0001, age=0.151) == (GateReason.STALE,)
    assert driven.go(0.0001, age=0.02) == (GateReason.STALE,)
    assert driven.gate.setpoint == before


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("joint", range(6))
def test_what_is_not_a_number_is_refused_in_every_joint(driven: Driven, joint: int, value: float) -> None:
    """NaN and infinity are refused wherever they stand; the next good command passes."""
    wanted = list(driven.gate.setpoint)
    wanted[joint] = value
    driven.now += PERIOD
    decision = driven.gate.command(driven.now, wanted, driven.now)
    assert [excess.reason for excess in decision.reasons] == [GateReason.NOT_FINITE]
    assert decision.setpoint == driven.gate.setpoint
    assert driven.go(0.0001) == ()


@pytest.mark.parametrize("count", [0, 5, 7])
def test_the_wrong_number_of_joints_is_refused(driven: Driven, count: int) -> None:
    """A command for another kind of arm is not for this one."""
    driven.now += PERIOD
    decision = driven.gate.command(driven.now, [0.0] * count, driven.now)
    assert [excess.reason for excess in decision.reasons] == [GateReason.WRONG_SIZE]


@pytest.mark.parametrize("joint", range(6))
def test_a_jump_is_refused_in_every_joint(driven: Driven, joint: int) -> None:
    """What the arm cannot reach within 50 ms at full speed is a jump, not a motion."""
    limit = gate_limits(PERIOD, 0.15, 0.06)
    offsets = [0.0] * 6
    offsets[joint] = limit.velocity[joint] * 0.051
    before = driven.gate.setpoint
    assert driven.go(*offsets) == (GateReason.INSERTION_JUMP if joint == 2 else GateReason.JUMP,)
    assert driven.gate.setpoint == before


def test_speed_is_limited_and_told(driven: Driven) -> None:
    """A command that is too fast is followed at the limit, and scaled down further while degraded."""
    limits = gate_limits(PERIOD, 0.15, 0.06)
    fast = limits.velocity[0] * 0.02
    for _ in range(20):
        driven.grant(ratio=0.5)
        before = driven.gate.setpoint[0]
        reasons = driven.go(fast)
        assert abs(driven.gate.setpoint[0] - before) <= 0.5 * limits.velocity[0] * PERIOD * (1.0 + 1e-9)
    assert GateReason.VELOCITY in reasons


def test_acceleration_is_limited_and_the_arm_still_arrives(driven: Driven) -> None:
    """A sudden step is taken with limited acceleration, without overshoot of note, and reached."""
    limits = gate_limits(PERIOD, 0.15, 0.06)
    target = driven.gate.setpoint[0] + 0.03
    speeds = [0.0]
    seen = set()
    for _ in range(100):
        driven.grant()
        before = driven.gate.setpoint[0]
        seen.update(driven.go(target - before))
        speeds.append((driven.gate.setpoint[0] - before) / PERIOD)
        assert driven.gate.setpoint[0] <= target + 0.002
    assert GateReason.ACCELERATION in seen
    changes = [abs(after - before) for before, after in pairwise(speeds)]
    assert max(changes) <= limits.acceleration[0] * PERIOD * (1.0 + 1e-6)
    assert driven.gate.setpoint[0] == pytest.approx(target, abs=1e-9)


def test_the_ends_of_the_range_are_never_passed(driven: Driven) -> None:
    """Driven hard into the end of a joint, the setpoint stops at it and the reason is told."""
    limits = gate_limits(PERIOD, 0.15, 0.06)
    seen = set()
    for _ in range(600):
        driven.grant()
        seen.update(driven.go(0.0, 0.0072))
        assert driven.gate.setpoint[1] <= limits.upper[1]
    assert driven.gate.setpoint[1] == limits.upper[1]
    assert GateReason.JOINT_RANGE in seen


def test_the_shaft_stays_past_the_remote_centre(driven: Driven) -> None:
    """Pulled out, the instrument stops where 45 mm of shaft are left past the remote centre of motion."""
    limits = gate_limits(PERIOD, 0.15, 0.06)
    seen = set()
    for _ in range(400):
        driven.grant()
        seen.update(driven.go(0.0, 0.0, -0.0009))
        assert driven.gate.setpoint[2] >= limits.min_insertion
    assert driven.gate.setpoint[2] == limits.min_insertion
    assert GateReason.RCM_DEPTH in seen


@pytest.mark.parametrize(
    ("joint", "place"),
    [(2, 0.02), (1, math.radians(54.0)), (3, math.radians(-265.0))],
    ids=["shallow", "pitch", "roll"],
)
def test_an_arm_outside_its_range_is_held_there_and_may_come_back(joint: int, place: float) -> None:
    """Commanded to where it stands it stands; commanded inwards it moves at limited speed; never farther out."""
    start = list(START)
    start[joint] = place
    made = Driven()
    made.gate = CommandGate(gate_limits(PERIOD, 0.15, 0.06), start)
    made.gate.enable(True)
    made.grant()
    made.go()
    assert made.gate.setpoint == tuple(start)
    inwards = math.copysign(1e-4, START[joint] - place)
    made.go(*[-inwards if index == joint else 0.0 for index in range(6)])
    assert made.gate.setpoint == tuple(start)
    for _ in range(10):
        made.grant()
        made.go(*[inwards if index == joint else 0.0 for index in range(6)])
    assert 0.0 < (made.gate.setpoint[joint] - place) / inwards < 11.0


def test_a_stamp_of_the_future_does_not_shut_out_what_follows(driven: Driven) -> None:
    """A little ahead is a clock that drifts and counts as now; far ahead is refused; the next command passes."""
    assert driven.go(0.0001, age=-0.1) == ()
    assert driven.go(0.0001, age=-10.0) == (GateReason.STALE,)
    assert driven.go(0.0001) == ()


def test_the_first_step_after_a_hold_is_no_longer_than_any_other(driven: Driven) -> None:
    """Time spent holding is no time in which the arm could have moved."""
    limits = gate_limits(PERIOD, 0.15, 0.06)
    driven.now += 1.0
    assert driven.gate.hold_reason(driven.now) is not None
    driven.grant()
    before = driven.gate.setpoint[0]
    driven.go(0.07)
    assert driven.gate.setpoint[0] - before <= limits.velocity[0] * PERIOD


def test_a_protective_stop_needs_the_monitor_to_withdraw_and_grant_again(driven: Driven) -> None:
    """Permits that were on their way do not end a stop; withdrawal and a new permit do."""
    driven.gate.protective_stop()
    driven.grant()
    assert driven.go(0.0001) == (GateReason.PROTECTIVE_STOP,)
    driven.grant(granted=False)
    assert driven.go(0.0001) == (GateReason.PROTECTIVE_STOP,)
    driven.grant()
    assert driven.go(0.0001) == ()


def test_disabling_closes_at_once(driven: Driven) -> None:
    """A disabled arm refuses, whatever the permit says; enabled again it moves from where it is."""
    driven.gate.enable(False)
    driven.grant()
    assert driven.go(0.0001) == (GateReason.DISABLED,)
    driven.gate.enable(True)
    assert driven.go(0.0001) == ()


def test_the_gate_says_what_sample_it_took_last(driven: Driven) -> None:
    """Of the newest command that moved it; one that is refused changes nothing."""
    assert CommandGate(gate_limits(PERIOD, 0.15, 0.06), START).sampled_at == -math.inf
    driven.go(age=0.004)
    assert driven.gate.sampled_at == driven.now - 0.004
    driven.go(age=0.2)
    assert driven.gate.sampled_at == driven.now - PERIOD - 0.004
