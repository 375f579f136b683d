"""How far one step may go, at every limit: exactly at it, just below, just above; and by how much beyond.

All figures are sums of powers of two, so nothing is rounded and every comparison is exact.
"""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from robot_driver.gate_limits import GateLimits, GateReason
from robot_driver.gate_motion import ArmGuard, Findings, JointGuard, Timing

DT = 2.0**-7
PLENTY = 1024.0
YAW, PITCH, INSERTION = 0, 1, 2
LIMITS = GateLimits(
    lower=(-1.0, -1.0, 0.0),
    upper=(1.0, 1.0, 0.5),
    velocity=(1.0, 2.0, 0.25),
    acceleration=(8.0, 16.0, 2.0),
    insertion_index=INSERTION,
    min_insertion=0.125,
    tilt_indices=(YAW, PITCH),
    max_tilt=1.5,
    servo_period=DT,
    max_command_age=0.125,
    jump_time=0.0625,
)

NIMBLE = replace(LIMITS, acceleration=(2.0**20, 2.0**20, 2.0**20))
"""Accelerates so fast that only its speed is limited."""


def above(value: float) -> float:
    return math.nextafter(value, math.inf)


def below(value: float) -> float:
    return math.nextafter(value, -math.inf)


def step(
    wanted: float,
    present: float = 0.0,
    before: float = 0.0,
    *,
    joint: int = YAW,
    limits: GateLimits = LIMITS,
    dt: float = DT,
    ratio: float = PLENTY,
    share: float = PLENTY,
    room: float = math.inf,
) -> tuple[float, float, dict[GateReason, float]]:
    """One step of one joint: position, speed, what was found. Speed is limited only where the test says so."""
    findings = Findings()
    guard = JointGuard(limits, joint)
    position, speed = guard.step(wanted, present, before, Timing(dt, ratio, share), room, findings)
    return position, speed, findings.amounts


def test_findings_keep_the_largest_amount() -> None:
    """For each reason, in the order in which the reasons were found."""
    findings = Findings()
    assert findings.amounts == {}
    for reason, amount in ((GateReason.JUMP, 0.25), (GateReason.VELOCITY, 1.0), (GateReason.JUMP, 0.5)):
        findings.add(reason, amount)
    findings.add(GateReason.JUMP, 0.125)
    assert list(findings.amounts.items()) == [(GateReason.JUMP, 0.5), (GateReason.VELOCITY, 1.0)]
    findings.add(GateReason.BRAKING, -1.0)
    assert findings.amounts[GateReason.BRAKING] == -1.0


@pytest.mark.parametrize("sign", [1.0, -1.0])
@pytest.mark.parametrize(
    ("joint", "limit", "reason"),
    [(YAW, 0.0625, GateReason.JUMP), (PITCH, 0.125, GateReason.JUMP), (INSERTION, 2.0**-6, GateReason.INSERTION_JUMP)],
)
def test_a_jump_is_more_than_full_speed_for_the_time_of_a_jump(
    joint: int, limit: float, reason: GateReason, sign: float
) -> None:
    """Exactly that far is none; the amount is what is beyond, from where the joint stands."""
    guard, findings = JointGuard(LIMITS, joint), Findings()
    guard.check_jump(0.25 + sign * limit, 0.25, findings)
    assert findings.amounts == {}
    guard.check_jump(0.25 + sign * 1.5 * limit, 0.25, findings)
    assert findings.amounts == {reason: 0.5 * limit}
    findings = Findings()
    guard.check_jump(above(limit), 0.0, findings)
    assert findings.amounts == {reason: above(limit) - limit}


@pytest.mark.parametrize("wanted", [1e308, -1e308, math.inf, -math.inf])
def test_a_huge_jump_is_a_jump(wanted: float) -> None:
    """The amount may be infinite, never lost."""
    findings = Findings()
    JointGuard(LIMITS, YAW).check_jump(wanted, -math.copysign(1e308, wanted), findings)
    assert findings.amounts == {GateReason.JUMP: math.inf}


@pytest.mark.parametrize(
    ("present", "velocity", "farthest"),
    [
        (0.25, 0.0, 0.25),
        (-0.25, 0.0, 0.25),
        (0.25, 1.0, 0.3125),
        (0.25, -1.0, 0.25),
        (-0.25, -1.0, 0.3125),
        (-0.25, 1.0, 0.25),
        (0.0625, -2.0, 0.1875),
        (0.0, -1.0, 0.0625),
    ],
)
def test_what_a_joint_needs_to_come_to_rest(present: float, velocity: float, farthest: float) -> None:
    """Where it stands, or v^2 / 2a farther in the direction of its speed, also through zero."""
    assert JointGuard(LIMITS, YAW).reserve(present, velocity) == farthest


def test_share_of_full_speed() -> None:
    """Of the joint's own, whatever the direction; of an arm, that of its fastest joint."""
    assert JointGuard(LIMITS, PITCH).share(-0.5) == 0.25
    assert ArmGuard(LIMITS).share((0.125, -0.5, 0.03125)) == 0.25
    assert ArmGuard(LIMITS).share((0.125, -0.5, -0.125)) == 0.5


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_a_step_within_all_limits_is_the_command(sign: float) -> None:
    """Exactly, with nothing found."""
    assert step(sign * 2.0**-12, 0.0) == (sign * 2.0**-12, sign * 2.0**-5, {})
    assert step(0.0) == (0.0, 0.0, {})


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_speed_at_its_limit_passes(sign: float) -> None:
    """Full speed is allowed, at whatever share is permitted and left."""
    distance = sign * DT
    assert step(distance, 0.0, sign * 1.0, ratio=1.0) == (distance, sign, {})
    assert step(0.25 * distance, 0.0, sign * 0.25, ratio=0.25) == (0.25 * distance, sign * 0.25, {})
    assert step(0.25 * distance, 0.0, sign * 0.25, share=0.25) == (0.25 * distance, sign * 0.25, {})
    assert step(sign * 2.0 * DT, 0.0, sign * 2.0, joint=PITCH, ratio=1.0) == (sign * 2.0 * DT, sign * 2.0, {})


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_more_than_full_speed_is_cut_to_it(sign: float) -> None:
    """The amount is what is beyond the permitted share of full speed."""
    fast = step(sign * 1.5 * DT, 0.0, sign, limits=NIMBLE, ratio=1.0)
    assert fast == (sign * DT, sign, {GateReason.VELOCITY: 0.5})
    slowly = step(sign * 0.75 * DT, 0.0, sign, limits=NIMBLE, ratio=0.25)
    assert slowly == (sign * 0.25 * DT, sign * 0.25, {GateReason.VELOCITY: 0.5})
    beyond = above(DT)
    smallest = step(sign * beyond, 0.0, sign, limits=NIMBLE, ratio=1.0)
    assert smallest == (sign * DT, sign, {GateReason.VELOCITY: (beyond - DT) / DT})
    inserted = step(0.25 + sign * 0.5 * DT, 0.25, joint=INSERTION, limits=NIMBLE, ratio=1.0)
    assert inserted == (0.25 + sign * 0.25 * DT, sign * 0.25, {GateReason.INSERTION_VELOCITY: 0.25})


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_more_than_real_time_leaves_is_cut_to_it(sign: float) -> None:
    """Told as travel where it is the tighter one of the two, as velocity where it is not."""
    wanted, before = sign * 0.5 * DT, sign * 0.5
    cut = step(wanted, 0.0, before, ratio=1.0, share=0.25)
    assert cut == (sign * 0.25 * DT, sign * 0.25, {GateReason.TRAVEL: 0.25})
    assert step(wanted, 0.0, before, ratio=0.25, share=0.25)[2] == {GateReason.VELOCITY: 0.25}
    assert step(wanted, 0.0, before, ratio=0.25, share=0.375)[2] == {GateReason.VELOCITY: 0.25}
    both = step(wanted, 0.0, before, ratio=0.25, share=0.125)[2]
    assert both == {GateReason.VELOCITY: 0.25, GateReason.TRAVEL: 0.375}
    assert step(0.5 * wanted, 0.0, 0.0, ratio=1.0, share=0.25)[2] == {GateReason.ACCELERATION: 24.0}
    inserted = step(0.25 + sign * 0.25 * DT, 0.25, sign * 0.25, joint=INSERTION, ratio=1.0, share=0.5)
    assert inserted == (0.25 + sign * 0.125 * DT, sign * 0.125, {GateReason.INSERTION_TRAVEL: 0.125})


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_real_time_is_firmer_than_the_acceleration_limit(sign: float) -> None:
    """An arm at full speed that has used up its time stands at once, in either direction."""
    assert step(sign * DT, 0.0, sign, ratio=1.0, share=0.0) == (0.0, 0.0, {GateReason.TRAVEL: 1.0})
    assert step(sign * DT, 0.0, sign, ratio=1.0, share=0.125)[:2] == (sign * 0.125 * DT, sign * 0.125)
    turned = step(-sign * DT, 0.0, sign, ratio=1.0, share=0.125)
    assert turned[:2] == (sign * 0.125 * DT, sign * 0.125)


@pytest.mark.parametrize("sign", [1.0, -1.0])
@pytest.mark.parametrize("before", [0.0, 0.25, -0.25])
def test_acceleration_at_its_limit_passes(sign: float, before: float) -> None:
    """8 rad/s^2 for 1/128 s is a change of 1/16 rad/s, up or down."""
    speed = before + sign * 0.0625
    assert step(speed * DT, 0.0, before) == (speed * DT, speed, {})


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_more_acceleration_is_cut_and_told(sign: float) -> None:
    """Change of speed by what is allowed; the amount is the acceleration beyond the limit."""
    assert step(sign * 0.375 * DT, 0.0, sign * 0.125) == (
        sign * 0.1875 * DT,
        sign * 0.1875,
        {GateReason.ACCELERATION: 24.0},
    )
    assert step(0.0, 0.0, sign * 0.125) == (sign * 0.0625 * DT, sign * 0.0625, {GateReason.ACCELERATION: 8.0})
    assert step(-sign * 0.25 * DT, 0.0, sign * 0.125)[:2] == (sign * 0.0625 * DT, sign * 0.0625)
    assert step(-sign * 0.125 * DT, 0.0, 0.0)[:2] == (-sign * 0.0625 * DT, -sign * 0.0625)


def test_just_beyond_the_acceleration_limit_is_told() -> None:
    """The smallest change beyond it counts."""
    assert step(above(0.0625) * DT, 0.0, 0.0)[2] == {GateReason.ACCELERATION: (above(0.0625) - 0.0625) / DT}


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_a_limited_step_brakes_in_time_for_its_target(sign: float) -> None:
    """3/2048 away with 8 rad/s^2 in steps of 1/128 s: no faster than 1/8 rad/s, though 5/32 could be reached."""
    position, speed, found = step(sign * 3.0 / 2048.0, 0.0, sign * 0.09375)
    assert (position, speed) == (sign * 0.125 * DT, sign * 0.125)
    assert found == {GateReason.ACCELERATION: 4.0}


def test_a_longer_step_may_go_farther() -> None:
    """Speed is distance in the time of the step; so is the change of speed."""
    assert step(0.25 * DT, 0.0, 0.0, dt=2.0 * DT) == (0.25 * DT, 0.125, {})
    assert step(2.0 * DT, 0.0, 1.0, dt=2.0 * DT, ratio=1.0) == (2.0 * DT, 1.0, {})


LEFT = 3.0 / 512.0
"""With 8 rad/s^2 and steps of 1/128 s, 1/4 rad/s is the largest speed that stops within this distance."""


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_the_speed_towards_a_limit_lets_the_joint_stop_before_it(sign: float) -> None:
    """v^2 / 2a + v T = d passes; what is faster is cut to that, and the amount is the speed beyond."""
    present = sign * (1.0 - LEFT)
    assert step(present + sign * 0.25 * DT, present, sign * 0.25) == (present + sign * 0.25 * DT, sign * 0.25, {})
    faster = step(present + sign * 0.28125 * DT, present, sign * 0.28125)
    assert faster == (present + sign * 0.25 * DT, sign * 0.25, {GateReason.BRAKING: 0.03125})


def test_just_too_fast_towards_a_limit_is_told() -> None:
    """The smallest speed beyond counts."""
    present = -1.0 + LEFT
    wanted = below(present - 0.25 * DT)
    position, speed, found = step(wanted, present, -0.28125)
    assert (position, speed) == (present - 0.25 * DT, -0.25)
    assert found == {GateReason.BRAKING: (present - wanted) / DT - 0.25}
    sliding = step(0.125 + 2.0**-14, 0.125 + 2.0**-12, -3.0 * 2.0**-7, joint=INSERTION)
    assert list(sliding[2]) == [GateReason.INSERTION_BRAKING]


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_away_from_a_limit_nothing_brakes(sign: float) -> None:
    """The other end counts then."""
    present = sign * (1.0 - LEFT)
    assert step(present - sign * DT, present, -sign, ratio=1.0) == (present - sign * DT, -sign, {})


def test_braking_respects_the_acceleration_limit() -> None:
    """From the largest speed that stops in time, a joint comes to rest at its limit, at 8 rad/s^2 at most."""
    place, speed = 1.0 - LEFT, 0.25 + 0.0625
    place -= speed * DT
    for _ in range(60):
        before = speed
        place, speed, _ = step(2.0, place, before)
        assert abs(speed - before) <= 0.0625 * (1.0 + 1e-12)
        assert 0.5 * speed * speed / 8.0 <= 1.0 - place + 1e-15
    assert place == pytest.approx(1.0, abs=1e-12)
    assert place <= 1.0


@pytest.mark.parametrize(
    ("joint", "end", "outwards", "reason"),
    [
        (YAW, 1.0, 1.0, GateReason.JOINT_RANGE),
        (YAW, -1.0, -1.0, GateReason.JOINT_RANGE),
        (INSERTION, 0.5, 1.0, GateReason.INSERTION_RANGE),
        (INSERTION, 0.125, -1.0, GateReason.RCM_DEPTH),
    ],
)
def test_the_ends_of_a_range(joint: int, end: float, outwards: float, reason: GateReason) -> None:
    """At the end is in range; beyond it the joint stays, and the amount is how far beyond."""
    assert step(end, end, joint=joint) == (end, 0.0, {})
    assert step(end + outwards * 2.0**-8, end, joint=joint) == (end, 0.0, {reason: 2.0**-8})
    smallest = math.nextafter(end, outwards * math.inf)
    assert step(smallest, end, joint=joint) == (end, 0.0, {reason: abs(smallest - end)})
    inwards = end - outwards * 2.0**-14
    assert step(inwards, end, joint=joint) == (inwards, -outwards * 2.0**-7, {})


def test_the_higher_of_both_floors_holds_the_insertion() -> None:
    """Whichever of mechanical range and depth past the remote centre ends first."""
    limits = replace(LIMITS, lower=(-1.0, -1.0, 0.25))
    assert step(0.125, 0.25, joint=INSERTION, limits=limits) == (0.25, 0.0, {GateReason.RCM_DEPTH: 0.125})
    assert step(0.0, 0.125, joint=INSERTION) == (0.125, 0.0, {GateReason.RCM_DEPTH: 0.125})


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_the_room_of_the_workspace_holds_like_an_end(sign: float) -> None:
    """Nearer than the range it is told as workspace; where both are equal, as range; braking counts for both."""
    end = sign * 0.5
    assert step(end, end, room=0.5) == (end, 0.0, {})
    assert step(end + sign * 0.125, end, room=0.5) == (end, 0.0, {GateReason.WORKSPACE: 0.125})
    assert step(sign * 1.125, sign, room=1.0) == (sign, 0.0, {GateReason.JOINT_RANGE: 0.125})
    assert step(sign * 1.125, sign, room=2.0) == (sign, 0.0, {GateReason.JOINT_RANGE: 0.125})
    present = sign * (0.5 - LEFT)
    assert step(present + sign * 0.28125 * DT, present, sign * 0.28125, room=0.5)[1:] == (
        sign * 0.25,
        {GateReason.BRAKING: 0.03125},
    )


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_a_joint_outside_its_range_stays_or_comes_back(sign: float) -> None:
    """Commanded to where it stands it stands, outwards it stays, inwards it moves; it is never thrown back."""
    present = sign * 1.25
    assert step(present, present) == (present, 0.0, {})
    assert step(sign * 1.5, present) == (present, 0.0, {GateReason.JOINT_RANGE: 0.5})
    inwards = present - sign * 2.0**-12
    assert step(inwards, present) == (inwards, -sign * 2.0**-5, {})
    assert step(sign * 1.5, present, room=0.75) == (present, 0.0, {GateReason.WORKSPACE: 0.75})


def test_rounding_never_carries_a_joint_past_its_end() -> None:
    """Whatever the figures are."""
    limits = replace(LIMITS, lower=(-0.7, -1.0, 0.0), upper=(0.7, 1.0, 0.5), acceleration=(7.3, 16.0, 2.0))
    for end in (0.7, -0.7):
        place, speed = end * 0.99, 0.0
        for _ in range(300):
            place, speed, _ = step(2.0 * end, place, speed, limits=limits, dt=0.0051)
            assert abs(place) <= 0.7
        assert place == pytest.approx(end, abs=1e-12)
