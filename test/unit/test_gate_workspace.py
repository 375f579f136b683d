"""Steps of a whole arm: every joint by its own limits, and the cone that two of them share."""

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


def arm_step(
    wanted: tuple[float, ...],
    present: tuple[float, ...],
    before: tuple[float, ...] = (0.0, 0.0, 0.0),
    limits: GateLimits = LIMITS,
) -> tuple[tuple[float, ...], tuple[float, ...], dict[GateReason, float]]:
    findings = Findings()
    reached, speed = ArmGuard(limits).step(wanted, present, before, Timing(DT, PLENTY, PLENTY), findings)
    return reached, speed, findings.amounts


def test_an_arm_steps_every_joint() -> None:
    """Each with its own limits, before and after."""
    wanted = (2.0**-12, -(2.0**-11), 0.25 + 2.0**-14)
    assert arm_step(wanted, (0.0, 0.0, 0.25)) == (wanted, (2.0**-5, -(2.0**-4), 2.0**-7), {})
    moving = arm_step((0.0, 0.0, 0.25), (0.0, 0.0, 0.25), (0.125, 0.25, 0.03125))
    assert moving[1] == (0.0625, 0.125, 0.015625)
    assert moving[2] == {GateReason.ACCELERATION: 16.0, GateReason.INSERTION_ACCELERATION: 2.0}


def test_an_arm_finds_the_joints_that_jump() -> None:
    """The farthest of those that turn, and the one that slides."""
    guard = ArmGuard(LIMITS)
    assert guard.jump((0.0625, 0.125, 0.265625), (0.0, 0.0, 0.25)).amounts == {}
    found = guard.jump((0.125, 0.25, 0.296875), (0.0, 0.0, 0.25)).amounts
    assert found == {GateReason.JUMP: 0.125, GateReason.INSERTION_JUMP: 0.03125}


CONE = replace(LIMITS, max_tilt=0.75)


def beside(other: float, max_tilt: float = 0.75) -> float:
    """The angle of one joint at which the shaft reaches the cone."""
    return math.acos(math.cos(max_tilt) / math.cos(other))


@pytest.mark.parametrize("sign", [1.0, -1.0])
@pytest.mark.parametrize("other_sign", [1.0, -1.0])
@pytest.mark.parametrize("outwards", [YAW, PITCH])
def test_the_cone_leaves_a_joint_the_room_beside_the_other(outwards: int, sign: float, other_sign: float) -> None:
    """arccos(cos(yaw) cos(pitch)) stays below the largest tilt; the amount is the angle of the joint beyond it."""
    room = beside(0.5)
    place = [other_sign * 0.5, other_sign * 0.5, 0.25]
    place[outwards] = sign * room
    wanted = list(place)
    wanted[outwards] = sign * (room + 0.03125)
    reached, speed, found = arm_step(tuple(wanted), tuple(place), limits=CONE)
    assert reached == tuple(place)
    assert speed == (0.0, 0.0, 0.0)
    assert found == {GateReason.WORKSPACE: (room + 0.03125) - room}
    assert arm_step(tuple(place), tuple(place), limits=CONE) == (tuple(place), (0.0, 0.0, 0.0), {})


@pytest.mark.parametrize("mover", [YAW, PITCH])
def test_the_cone_reckons_with_where_the_other_comes_to_rest(mover: int) -> None:
    """A joint that is still moving outwards takes the room that it needs to brake."""
    place, before, wanted = [0.0, 0.0, 0.25], [0.0, 0.0, 0.0], [0.0, 0.0, 0.25]
    other = PITCH if mover == YAW else YAW
    place[mover], before[mover], wanted[mover] = 0.5, 0.5, 0.5 + 0.5 * DT
    room = beside(JointGuard(CONE, mover).reserve(wanted[mover] if mover < other else 0.5, 0.5))
    place[other] = room
    wanted[other] = room + 0.015625
    reached, speed, found = arm_step(tuple(wanted), tuple(place), tuple(before), CONE)
    assert reached[other] == room
    assert speed[other] == 0.0
    assert found[GateReason.WORKSPACE] == pytest.approx(0.015625, abs=1e-15)


def test_the_cone_leaves_nothing_beside_a_joint_that_is_outside_it() -> None:
    """An arm that stands outside may come back on both joints, and leave farther on neither."""
    present = (0.0625, 0.875, 0.25)
    reached, _, found = arm_step((0.0625 + 2.0**-12, 0.875 + 2.0**-12, 0.25), present, limits=CONE)
    assert reached == present
    assert found == {GateReason.WORKSPACE: max(0.0625 + 2.0**-12, 0.875 + 2.0**-12 - beside(0.0625))}
    inwards = (0.0625 - 2.0**-12, 0.875 - 2.0**-12, 0.25)
    assert arm_step(inwards, present, limits=CONE)[0] == inwards
    assert arm_step((-(2.0**-12), 0.875, 0.25), (0.0, 0.875, 0.25), limits=CONE)[0] == (0.0, 0.875, 0.25)


@pytest.mark.parametrize("place", [math.nextafter(0.75, 0.0), 0.75, math.nextafter(0.75, 1.0), 2.0, 3.0, 6.25, 7.0])
def test_the_cone_is_defined_for_every_angle(place: float) -> None:
    """At its edge, behind, and beyond a whole turn, the other joint has no room to speak of."""
    wide = replace(CONE, lower=(-9.0, -1.0, 0.0), upper=(9.0, 1.0, 0.5))
    wanted, present = (place, 2.0**-12, 0.25), (place, 0.0, 0.25)
    reached, _, found = arm_step(wanted, present, limits=wide)
    assert reached[PITCH] <= 1e-7
    assert GateReason.WORKSPACE in found


def test_the_insertion_is_not_tilt() -> None:
    """The cone limits neither the insertion nor joints past it."""
    present = (0.5, 0.5, 0.25)
    wanted = (0.5, 0.5, 0.25 + 2.0**-14)
    assert arm_step(wanted, present, limits=CONE)[0] == wanted
