"""What the operator's site decides: selection, scale, locks, and how it stands in the packets."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest

from teleop_console.arm_reports import ArmReport, alignment_offset
from teleop_console.console_state import ConsoleState
from teleop_console.devices.device import DeviceSample
from teleop_core.arm_model import arm_model
from teleop_core.cart import ready_configuration, rotation_display_in_base
from teleop_core.se3 import Pose, quaternion_angle, quaternion_from_matrix, quaternion_multiply
from teleop_core.signals import HandSignal, TeleopState

ARMS = ("PSM1", "PSM2", "PSM3")
UPRIGHT = np.array([0.0, 0.0, 0.0, 1.0])


def sample(aligns: bool = False) -> DeviceSample:
    hands = tuple(
        HandSignal(name, Pose(np.zeros(3), UPRIGHT), (0.0,) * 3, (0.0,) * 3, 0.4, aligns=aligns)
        for name in ("MTML", "MTMR")
    )
    return DeviceSample(hands, True, False, False)


def sent(state: ConsoleState, aligns: bool = False) -> dict[str, HandSignal]:
    return {hand.name: hand for hand in state.applied(0.0, sample(aligns)).hands}


def test_at_the_start_everything_is_as_configured() -> None:
    """The sample goes out as it is: hands ask for no arm, nothing is locked."""
    state = ConsoleState(ARMS, 0.2)
    assert list(state.pairs) == ["MTMR_PSM1", "MTML_PSM2", "MTMR_PSM3", "MTML_PSM3"]
    assert state.selected == {"MTMR": "MTMR_PSM1", "MTML": "MTML_PSM2"}
    given = sample()
    assert all(one is other for one, other in zip(state.applied(0.0, given).hands, given.hands, strict=True))
    assert (state.enabled, state.scale) == (True, 0.2)


def test_with_one_arm_the_left_hand_drives_nothing() -> None:
    """Its data is not sent, as nothing is selected for it."""
    state = ConsoleState(("PSM2",), 0.2)
    assert list(state.pairs) == ["MTMR_PSM2"]
    assert set(sent(state)) == {"MTMR"}


def test_selecting_the_spare_arm_asks_for_it_and_comes_back() -> None:
    """The hand asks for the arm by name; for the configured one by nothing, as the patient's side knows it."""
    state = ConsoleState(ARMS, 0.2)
    assert state.select("MTMR_PSM3") == ""
    assert [hand.arm for hand in sent(state).values()] == ["", "PSM3"]
    assert state.select("MTML_PSM3") == "PSM3 is selected for MTMR: unselect MTMR_PSM3 first"
    assert state.unselect("MTMR_PSM1") == "MTMR_PSM1 is not selected"
    assert state.unselect("MTMR_PSM3") == ""
    assert set(sent(state)) == {"MTML"}
    assert state.select("MTML_PSM3") == ""
    assert sent(state)["MTML"].arm == "PSM3"
    assert state.select("MTMR_PSM1") == ""
    assert sent(state)["MTMR"].arm == ""


@pytest.mark.parametrize("name", ["MTMR_PSM2", "PSM1", "", "MTMR_PSM4"])
def test_a_pair_that_does_not_exist_is_refused(name: str) -> None:
    """The refusal lists those that do."""
    state = ConsoleState(ARMS, 0.2)
    for ask in (state.select, state.unselect):
        assert ask(name) == f"{name!r} is not one of MTMR_PSM1, MTML_PSM2, MTMR_PSM3, MTML_PSM3"


@pytest.mark.parametrize("scale", [0.0, -0.1, 1.01, math.nan, math.inf])
def test_a_scale_out_of_range_is_refused(scale: float) -> None:
    """The scale stays as it was."""
    state = ConsoleState(ARMS, 0.2)
    assert state.set_scale(scale) == f"scale {scale} is not within 0 (excluded) to 1"
    assert state.scale == 0.2
    assert state.set_scale(1.0) == ""
    assert state.scale == 1.0


def test_a_console_that_is_not_enabled_says_that_nobody_operates() -> None:
    """Hands are still sent; the operator counts as absent, and an absent one is not made present."""
    state = ConsoleState(ARMS, 0.2)
    state.enabled = False
    assert not state.applied(0.0, sample()).operator_present
    state.enabled = True
    assert state.applied(0.0, sample()).operator_present
    assert not state.applied(0.0, DeviceSample((), False, False, False)).operator_present


def test_state_commands_of_a_pair() -> None:
    """Disable leaves the hand out, enable selects the pair and brings it back, align_MTM waits for enable."""
    state = ConsoleState(ARMS, 0.2)
    for command in ("disable", "align_MTM"):
        assert state.command("MTMR_PSM1", command) == ""
        assert set(sent(state)) == {"MTML"}
        assert state.command("MTMR_PSM1", "enable") == ""
        assert set(sent(state)) == {"MTML", "MTMR"}
    assert state.command("MTMR_PSM3", "enable") == ""
    assert sent(state)["MTMR"].arm == "PSM3"
    assert state.command("MTML_PSM3", "enable").startswith("PSM3 is selected for MTMR")
    assert state.pairs["MTML_PSM3"].desired == "ENABLED"
    assert state.command("MTMR_PSM1", "home") == ("unknown command 'home': use one of enable, disable, align_MTM")


def test_locks_and_alignment_are_those_of_the_pair_that_is_selected() -> None:
    """Alignment is what the device can, unless a client says otherwise."""
    state = ConsoleState(ARMS, 0.2)
    pair = state.pairs["MTMR_PSM1"]
    pair.lock_rotation, pair.lock_translation = True, True
    assert (sent(state)["MTMR"].lock_rotation, sent(state)["MTMR"].lock_translation) == (True, True)
    assert not sent(state)["MTML"].lock_rotation
    assert sent(state, aligns=True)["MTMR"].aligns
    pair.align = False
    assert not sent(state, aligns=True)["MTMR"].aligns
    pair.align = True
    assert sent(state)["MTMR"].aligns
    state.select("MTMR_PSM3")
    assert not sent(state)["MTMR"].lock_rotation


def test_quick_taps_go_through_the_arms() -> None:
    """The spare arm for the right hand, for the left one, for none; from anything else back to the configured ones."""
    state = ConsoleState(ARMS, 0.2)
    seen = []
    for _ in range(4):
        assert state.cycle()
        seen.append([hand.arm for hand in sent(state).values()])
    assert seen == [["", "PSM3"], ["PSM3", ""], ["", ""], ["", "PSM3"]]
    state.unselect("MTML_PSM2")
    assert state.cycle()
    assert state.selected == {"MTMR": "MTMR_PSM1", "MTML": "MTML_PSM2"}
    assert not ConsoleState(("PSM1", "PSM2"), 0.2).cycle()


@pytest.mark.parametrize(
    ("hand", "state", "current"),
    [
        ("MTMR", TeleopState.FOLLOWING, ("ENABLED", True)),
        ("MTMR", TeleopState.CLUTCHED, ("ENABLED", False)),
        ("MTMR", TeleopState.ALIGNING, ("ALIGNING_MTM", False)),
        ("MTMR", TeleopState.DISABLED, ("DISABLED", False)),
        ("MTML", TeleopState.FOLLOWING, ("DISABLED", False)),
        ("", TeleopState.DISABLED, ("DISABLED", False)),
    ],
)
def test_the_state_of_a_pair_is_that_of_the_arm_while_it_has_its_hand(
    hand: str, state: TeleopState, current: tuple[str, bool]
) -> None:
    """In the words of the da Vinci Research Kit; an arm that nothing is known of is not driven."""
    console = ConsoleState(ARMS, 0.2)
    pair = console.pairs["MTMR_PSM3"]
    assert console.current(pair, {"PSM3": (hand, state)}) == current
    assert console.current(pair, {}) == ("DISABLED", False)


@pytest.mark.parametrize("q_ecm", [None, (0.2, 0.4, 0.12, -0.5)])
def test_the_offset_of_alignment_is_that_of_the_mapping(q_ecm: tuple[float, ...] | None) -> None:
    """A hand that is turned by the offset stands like the tool in the picture, wherever the endoscope looks."""
    q = ready_configuration("PSM2")
    setpoint = arm_model("PSM2").forward(q)
    reports = {"PSM2": ArmReport("MTML", TeleopState.ALIGNING, setpoint)}
    if q_ecm is not None:
        reports["ECM"] = ArmReport("", TeleopState.CLUTCHED, arm_model("ECM").forward(q_ecm))
    hand = Pose(np.zeros(3), np.array([0.1, 0.7, -0.1, 0.7]) / math.hypot(0.1, 0.7, 0.1, 0.7))
    offset = alignment_offset("PSM2", reports, hand)
    assert offset is not None
    turn = quaternion_from_matrix(rotation_display_in_base("PSM2", q_ecm))
    aligned = quaternion_multiply(turn, quaternion_multiply(hand.quaternion, offset))
    assert quaternion_angle(aligned, setpoint.quaternion) < 1e-7
    assert alignment_offset("PSM1", reports, hand) is None


@pytest.mark.parametrize(("held", "arm"), [(0.1, "PSM3"), (0.3, "")])
def test_a_quick_tap_of_the_clutch_changes_the_arm_with_its_release(held: float, arm: str) -> None:
    """Not before, as the hand leads its arm until it is clutched; a longer press is a clutch and nothing else."""
    state = ConsoleState(ARMS, 0.2)
    arms = []
    for now, clutch in ((5.0, False), (6.0, True), (6.0 + 0.5 * held, True), (6.0 + held, False), (7.0, False)):
        sent_now = state.applied(now, dataclasses.replace(sample(), clutch=clutch))
        arms.append(next(hand.arm for hand in sent_now.hands if hand.name == "MTMR"))
    assert arms == ["", "", "", arm, arm]
