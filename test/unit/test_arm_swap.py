"""Which hand drives which arm: only a free hand changes, no arm has two hands, and every refusal is told."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from teleop_core.arm_swap import ArmSwap
from teleop_core.se3 import Pose
from teleop_core.signals import HandSignal, OperatorSignal, TeleopState

ARMS = ("PSM1", "PSM2", "PSM3")
FREE = dict.fromkeys(ARMS, TeleopState.CLUTCHED)


def asks(**arms: str) -> OperatorSignal:
    """A packet in which hands ask for arms; empty: as configured."""
    pose = Pose(np.zeros(3), np.array([0.0, 0.0, 0.0, 1.0]))
    hands = tuple(HandSignal(name, pose, (0.0,) * 3, (0.0,) * 3, 0.3, arm) for name, arm in arms.items())
    return OperatorSignal(1.0, 1, 1, 0, True, False, False, 0.2, 0.0, 0.0, hands)


def test_as_configured_right_then_left_and_the_rest_is_spare() -> None:
    """The right hand has the first arm, the left one the second."""
    swap = ArmSwap(ARMS)
    assert swap.arm_of == {"MTMR": "PSM1", "MTML": "PSM2"}
    assert swap.refusals == {}
    assert swap.update(asks(MTML="", MTMR="PSM1"), FREE) == ()
    assert swap.refusals == {}
    assert ArmSwap(("PSM2",)).arm_of == {"MTMR": "PSM2"}


def test_a_free_hand_takes_the_spare_arm_and_comes_back() -> None:
    """The old arm loses its hand first, then the new one gets it; asking for nothing means as configured."""
    swap = ArmSwap(ARMS)
    assert swap.update(asks(MTMR="PSM3", MTML=""), FREE) == (("PSM1", ""), ("PSM3", "MTMR"))
    assert swap.arm_of == {"MTMR": "PSM3", "MTML": "PSM2"}
    assert swap.update(asks(MTMR="PSM3"), FREE) == ()
    assert swap.update(asks(MTMR=""), FREE) == (("PSM3", ""), ("PSM1", "MTMR"))


def test_each_hand_is_heard() -> None:
    """Whichever of them is first in the packet: that one keeps its arm does not keep the other from changing."""
    for first, second in itertools.permutations((("MTML", ""), ("MTMR", "PSM3"))):
        assert ArmSwap(ARMS).update(asks(**dict((first, second))), FREE) == (("PSM1", ""), ("PSM3", "MTMR"))


def test_a_hand_that_leads_an_arm_keeps_it() -> None:
    """While FOLLOWING the change is refused and told; in every other state it is made."""
    for state in TeleopState:
        swap = ArmSwap(ARMS)
        changes = swap.update(asks(MTMR="PSM3"), {**FREE, "PSM1": state})
        refused = state is TeleopState.FOLLOWING
        assert (changes == ()) is refused
        assert swap.refusals == ({"MTMR": "press the clutch to change to PSM3"} if refused else {})


def test_two_hands_never_drive_one_arm() -> None:
    """The second one is refused, and told who has it; once it is free, it gets it."""
    swap = ArmSwap(ARMS)
    assert swap.update(asks(MTMR="PSM2"), FREE) == ()
    assert swap.refusals == {"MTMR": "PSM2 is driven by MTML"}
    swap.update(asks(MTML="PSM3", MTMR="PSM2"), FREE)
    assert swap.arm_of == {"MTMR": "PSM2", "MTML": "PSM3"}
    assert swap.refusals == {}


def test_an_arm_that_is_not_in_the_session_is_refused() -> None:
    """The hand keeps what it has."""
    swap = ArmSwap(("PSM1", "PSM2"))
    assert swap.update(asks(MTML="PSM3"), FREE) == ()
    assert swap.refusals == {"MTML": "PSM3 is not in this session"}


def test_a_hand_without_an_arm_may_take_one() -> None:
    """With one arm the left hand has none; it may take it over once the right hand has let it go, and not before."""
    swap = ArmSwap(("PSM1", "PSM3"))
    swap.update(asks(MTMR="", MTML="PSM3"), FREE)
    assert swap.refusals == {}
    swap = ArmSwap(("PSM1",))
    assert swap.update(asks(MTML=""), FREE) == ()
    assert (swap.arm_of, swap.refusals) == ({"MTMR": "PSM1"}, {})
    assert swap.update(asks(MTML="PSM1"), FREE) == ()
    assert swap.refusals == {"MTML": "PSM1 is driven by MTMR"}


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["", *ARMS]),
            st.sampled_from(["", *ARMS]),
            st.lists(st.sampled_from(TeleopState), min_size=3),
        ),
        max_size=20,
    )
)
def test_whatever_is_asked_no_arm_has_two_hands(packets: list[tuple[str, str, list[TeleopState]]]) -> None:
    """And no hand that leads an arm loses it; the changes told are the ones made."""
    swap = ArmSwap(ARMS)
    told = {"PSM1": "MTMR", "PSM2": "MTML", "PSM3": ""}
    for right, left, listed in packets:
        states = dict(zip(ARMS, listed, strict=False))
        before = dict(swap.arm_of)
        for arm, hand in swap.update(asks(MTMR=right, MTML=left), states):
            told[arm] = hand
        arms = list(swap.arm_of.values())
        assert len(set(arms)) == len(arms)
        for hand, arm in before.items():
            assert states[arm] is not TeleopState.FOLLOWING or swap.arm_of[hand] == arm
        assert {hand: arm for arm, hand in told.items() if hand} == swap.arm_of


@pytest.mark.parametrize("order", list(itertools.permutations(("MTML", "MTMR"))))
def test_hands_may_exchange_their_arms_over_the_spare_one(order: tuple[str, str]) -> None:
    """Asked for at once neither gets it, as each is in the way of the other: never for an instant two on one arm."""
    swap = ArmSwap(ARMS)
    wanted = {"MTML": "PSM1", "MTMR": "PSM2"}
    assert swap.update(asks(**{name: wanted[name] for name in order}), FREE) == ()
    assert swap.refusals.keys() == {"MTML", "MTMR"}
