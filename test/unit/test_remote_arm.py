"""An arm behind another CRTK driver: which state command it needs, when it may be driven, what is a fault."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pytest

from robot_driver.remote_arm import RETRY, SILENT, RemoteArm

NAMES = ("yaw", "pitch", "insertion")
ROW = (0.1, 0.2, 0.3)


def arm(jaw: bool = False) -> RemoteArm:
    return RemoteArm("PSM1", NAMES, jaw)


def joints(remote: RemoteArm, now: float, position: Sequence[float] = ROW, names: Sequence[str] = NAMES) -> None:
    remote.on_joints(now, names, (position, (), ()))


def enabled(now: float = 10.0) -> RemoteArm:
    """An arm that is wanted, enabled and homed."""
    remote = arm()
    joints(remote, now)
    remote.on_operating_state("ENABLED", True, False)
    remote.want(True)
    assert remote.ready(now)
    return remote


def test_what_is_missing_is_named_until_all_was_heard() -> None:
    """Joints, jaw, operating state."""
    remote = arm(jaw=True)
    assert remote.missing == "nothing on measured_js"
    joints(remote, 1.0)
    assert remote.missing == "nothing on jaw/measured_js"
    remote.on_jaw((0.5,), (), ())
    assert remote.missing == "nothing on operating_state"
    remote.on_operating_state("DISABLED", False, False)
    assert remote.missing == ""


def test_joints_are_sorted_by_name_and_carry_the_jaw() -> None:
    """Another driver may name them in another order; what it does not measure counts as rest."""
    remote = arm(jaw=True)
    remote.on_jaw((0.5,), (0.1,), (0.2,))
    remote.on_joints(1.0, NAMES[::-1], (ROW, ROW, ()))
    assert remote.measured is not None
    assert remote.measured.position == ROW[::-1]
    assert remote.measured.velocity == ROW[::-1]
    assert remote.measured.effort == (0.0,) * 3
    assert (remote.measured.jaw, remote.measured.jaw_velocity, remote.measured.jaw_effort) == (0.5, 0.1, 0.2)


@pytest.mark.parametrize(
    ("names", "position"),
    [
        (("outer_yaw", "pitch", "insertion"), ROW),
        (NAMES, ROW[:2]),
        (NAMES, (0.1, math.nan, 0.3)),
        ((), (0.1, 0.2)),
        ((), (0.1, 0.2, math.inf)),
        ((), (0.1, 1e300, 0.3)),
    ],
)
def test_joints_of_another_kind_of_arm_are_a_fault(names: Sequence[str], position: Sequence[float]) -> None:
    """Told with what came; the place that was known last is kept, and nothing is driven until joints come again."""
    remote = enabled()
    joints(remote, 10.1, position, names)
    assert remote.fault(10.1).startswith("measured_js is not of yaw, pitch, insertion")
    assert remote.missing == remote.fault(10.1)
    assert not remote.ready(10.1)
    assert remote.measured is not None
    assert remote.measured.position == ROW
    joints(remote, 10.2)
    assert remote.ready(10.2)
    assert not remote.fault(10.2)


def test_a_jaw_that_is_no_angle_is_not_taken() -> None:
    """Neither its absence nor a number that is not finite replaces the last one."""
    remote = arm(jaw=True)
    remote.on_jaw((0.5,), (), ())
    remote.on_jaw((math.nan,), (), ())
    remote.on_jaw((-1e300,), (), ())
    remote.on_jaw((), (), ())
    joints(remote, 1.0)
    assert remote.measured is not None
    assert remote.measured.jaw == 0.5


def test_the_way_up_is_taken_step_by_step_and_each_step_repeated() -> None:
    """Enable, home; resume where it is paused; nothing while it homes and once it is there."""
    remote = arm()
    remote.on_operating_state("DISABLED", False, False)
    assert remote.command(0.0) == ""
    remote.want(True)
    assert [remote.command(now) for now in (0.0, 0.9 * RETRY, RETRY)] == ["enable", "", "enable"]
    remote.on_operating_state("ENABLED", False, False)
    assert remote.command(10.0) == "home"
    remote.on_operating_state("ENABLED", False, True)
    assert remote.command(20.0) == ""
    remote.on_operating_state("PAUSED", True, False)
    assert remote.command(30.0) == "resume"
    remote.on_operating_state("ENABLED", True, False)
    assert remote.command(40.0) == ""


def test_it_is_disabled_with_our_own_and_left_alone_before() -> None:
    """Until somebody enables ours nothing is sent."""
    remote = arm()
    remote.on_operating_state("ENABLED", True, False)
    assert remote.command(0.0) == ""
    remote.want(False)
    assert remote.command(1.0) == "disable"
    remote.on_operating_state("DISABLED", True, False)
    assert remote.command(9.0) == ""


def test_on_its_way_up_it_is_no_fault_and_not_ready() -> None:
    """Homing takes its time."""
    remote = arm()
    joints(remote, 10.0)
    remote.on_operating_state("ENABLED", False, True)
    remote.want(True)
    assert not remote.ready(10.0)
    assert remote.fault(10.0) == ""


@pytest.mark.parametrize(
    ("state", "homed", "told"),
    [
        ("DISABLED", True, "the other driver took it to DISABLED"),
        ("PAUSED", True, "the other driver took it to PAUSED"),
        ("ENABLED", False, "the other driver took it to ENABLED, not homed"),
    ],
)
def test_an_arm_that_is_taken_away_is_a_fault(state: str, homed: bool, told: str) -> None:
    """Once it was ready, whatever ends that is told."""
    remote = enabled()
    remote.on_operating_state(state, homed, False)
    assert remote.fault(10.0) == told
    assert not remote.ready(10.0)


@pytest.mark.parametrize(
    ("owner", "taken"),
    [("", ""), ("an external client", ""), ("the local team", "the local team"), ("nobody we know", "nobody we know")],
)
def test_who_else_has_the_arm_is_told(owner: str, taken: str) -> None:
    """To the other driver we are an external client; it is no fault, and ends with what it says next."""
    remote = enabled()
    assert remote.taken == ""
    remote.on_owner(owner)
    assert remote.taken == taken
    assert remote.fault(10.0) == ""
    remote.on_owner("")
    assert remote.taken == ""


def test_silence_is_a_fault() -> None:
    """An arm whose place is not known is not driven; before it is wanted nobody minds."""
    remote = enabled(10.0)
    assert remote.ready(10.0 + SILENT)
    assert not remote.fault(10.0 + SILENT)
    assert not remote.ready(10.01 + SILENT)
    assert remote.fault(10.01 + SILENT) == "no measured_js for 0.26 s"
    assert not remote.ready(math.nan)
    remote.want(False)
    assert remote.fault(99.0) == ""


def test_a_fault_of_the_other_driver_is_left_once_when_asked_again() -> None:
    """Enabling anew tries; if it faults again nobody goes on trying by himself."""
    remote = enabled()
    remote.want(True)
    remote.on_operating_state("FAULT", True, False)
    assert remote.command(10.0) == "enable"
    joints(remote, 11.0)
    assert remote.fault(11.0) == "the other driver says FAULT"
    assert remote.command(11.0) == ""
    remote.want(True)
    assert remote.fault(11.0) == ""
    assert remote.command(11.0) == "enable"


@pytest.mark.parametrize(("state", "homed"), [("DISABLED", True), ("PAUSED", True), ("ENABLED", False)])
def test_an_arm_that_is_taken_away_is_not_taken_back(state: str, homed: bool) -> None:
    """Whoever disables it there has a reason: nothing is sent until people here enable theirs anew."""
    remote = enabled(10.0)
    remote.on_operating_state(state, homed, False)
    assert [remote.command(now) for now in (10.0, 10.6, 99.0)] == [""] * 3
    remote.want(True)
    assert remote.command(99.5) != ""


def test_an_arm_that_has_been_disabled_is_left_to_others() -> None:
    """Ours is done with it: who enables it there afterwards is not fought with."""
    remote = enabled(10.0)
    remote.want(False)
    assert remote.command(10.0) == "disable"
    remote.on_operating_state("DISABLED", True, False)
    assert remote.command(11.0) == ""
    remote.on_operating_state("ENABLED", True, False)
    assert remote.command(12.0) == ""
