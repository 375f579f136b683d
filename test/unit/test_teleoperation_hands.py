"""What a hand may ask for beside its motion: locks, another arm, alignment; and what the picture does to it."""

from __future__ import annotations

import math

import numpy as np
import pytest

from teleop_core.hand_mapping import HandMapping
from teleop_core.psm_kinematics import forward_pose
from teleop_core.se3 import Pose, quaternion_angle, quaternion_from_matrix
from teleop_core.signals import HandSignal, OperatorSignal, TeleopState
from teleop_core.teleoperation import ALIGNED, NOT_ALIGNED
from test.unit.test_teleoperation import PERIOD, Operated, about_z

STILL = 1e-9


def following(tremor_filter: bool = False, rotation: np.ndarray | None = None) -> Operated:
    made = Operated(rotation, tremor_filter=tremor_filter)
    made.step()
    made.press_and_release()
    assert made.pair.state is TeleopState.FOLLOWING
    return made


def tip(operated: Operated) -> Pose:
    return forward_pose(operated.setpoint)


def test_a_locked_rotation_stays_and_the_tip_goes_on() -> None:
    """With the rotation locked the tool keeps its orientation, and moves by the scaled motion of the hand."""
    made = following()
    made.hand_says = {"lock_rotation": True}
    made.step()
    before = tip(made)
    for step in range(100):
        made.quaternion = about_z(0.3 + 0.005 * step)
        made.move((0.0005, 0.0, 0.0), 1)
    after = tip(made)
    assert quaternion_angle(before.quaternion, after.quaternion) == pytest.approx(0.0, abs=1e-7)
    assert after.position - before.position == pytest.approx((0.01, 0.0, 0.0), abs=1e-8)


def test_a_locked_translation_stays_and_the_tool_turns() -> None:
    """With the translation locked the tip keeps its place, and turns as the hand turns."""
    made = following()
    made.hand_says = {"lock_translation": True}
    made.step()
    before = tip(made)
    for step in range(100):
        made.quaternion = about_z(0.3 + 0.002 * (step + 1))
        made.move((0.002, 0.001, 0.0), 1)
    after = tip(made)
    assert after.position == pytest.approx(before.position, abs=1e-8)
    assert quaternion_angle(before.quaternion, after.quaternion) == pytest.approx(0.2, abs=1e-6)


@pytest.mark.parametrize("lock", ["lock_rotation", "lock_translation"])
def test_locking_and_unlocking_move_nothing(lock: str) -> None:
    """However far the hand went while something was locked, unlocking makes no jump."""
    made = following()
    for locked in (True, False, True, False):
        made.hand_says = {lock: locked}
        before = tip(made)
        made.step()
        assert tip(made).position == pytest.approx(before.position, abs=STILL)
        assert quaternion_angle(tip(made).quaternion, before.quaternion) < 1e-7
        if locked:
            made.quaternion = about_z(1.0)
            made.position = made.position + 0.1
            for _ in range(200):
                made.step()


def test_another_view_moves_nothing_and_holds_from_then_on() -> None:
    """When the endoscope has turned, the tool stays, and then moves as the hand does in the new picture."""
    made = following()
    before = tip(made)
    made.pair.look(np.array([[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]))
    made.position = made.position + 0.05
    made.step()
    assert tip(made).position == pytest.approx(before.position, abs=STILL)
    made.move((0.05, 0.0, 0.0))
    assert tip(made).position - before.position == pytest.approx((0.0, 0.01, 0.0), abs=1e-8)


def test_each_look_another_way_asks_for_new_anchors() -> None:
    """The second one as the first, and the way back as the way there: an anchor never outlives its picture."""
    signal = OperatorSignal(1.0, 1, 1, 0, True, False, False, 0.2, 0.0, 0.0, ())
    hand = HandSignal("MTML", Pose(np.zeros(3), np.array([0.0, 0.0, 0.0, 1.0])), (0.0,) * 3, (0.0,) * 3, 0.3)
    mapping, keys = HandMapping(np.eye(3)), set()
    quarter = np.array([[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
    for view in (np.eye(3), quarter, np.eye(3), quarter @ quarter):
        mapping.look(view)
        keys.add(mapping.key(signal, hand))
    assert len(keys) == 4


def test_the_same_view_again_changes_no_anchor() -> None:
    """Hearing every 10 ms that the endoscope looks where it did loses nothing of the hand's motion."""
    made = following()
    before = tip(made)
    for _ in range(200):
        made.pair.look(np.eye(3))
        made.move((0.00025, 0.0, 0.0), 1)
    assert tip(made).position - before.position == pytest.approx((0.01, 0.0, 0.0), abs=1e-8)


def test_an_arm_without_a_hand_is_not_driven() -> None:
    """A spare arm is DISABLED, whatever the hands do; a hand that is given to it needs the gesture."""
    made = Operated()
    made.pair.assign("", True)
    made.press_and_release()
    assert made.step() is None
    assert (made.pair.state, made.pair.reasons, made.pair.hand) == (TeleopState.DISABLED, (), "")
    made.pair.assign("MTML", True)
    assert made.pair.state is TeleopState.ALIGNING
    assert made.step() is None
    made.press_and_release()
    assert made.pair.state is TeleopState.FOLLOWING


def test_a_hand_that_is_taken_away_lets_go() -> None:
    """The arm that loses its hand is no longer driven, and a press that was begun does not count for the next one."""
    made = following()
    made.pair.assign("", True)
    assert made.pair.command is None
    assert made.step() is None
    made.pair.assign("MTML", True)
    for _ in range(20):
        made.step(clutch=True)
    made.pair.assign("MTML", True)
    made.step()
    assert made.pair.state is TeleopState.ALIGNING
    made.pair.assign("MTML", False)
    assert made.pair.state is TeleopState.DISABLED


ROTATION = np.array([[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])


def aligned_hand(made: Operated, angle: float) -> np.ndarray:
    """Orientation of a hand that is off the tool's by an angle about the display's z axis."""
    tool = tip(made).rotation()
    turn = np.array([[math.cos(angle), -math.sin(angle), 0.0], [math.sin(angle), math.cos(angle), 0.0], [0, 0, 1.0]])
    return quaternion_from_matrix(ROTATION.T @ turn @ tool)


def test_a_device_that_aligns_is_followed_from_five_degrees_down() -> None:
    """Its hand is not followed while it is farther off the tool, and that is told; then it is."""
    made = Operated(ROTATION)
    made.hand_says = {"aligns": True}
    made.quaternion = aligned_hand(made, ALIGNED * 1.02)
    made.step()
    assert made.pair.reasons == (NOT_ALIGNED,)
    made.press_and_release()
    assert (made.pair.state, made.pair.reasons) == (TeleopState.ALIGNING, (NOT_ALIGNED,))
    made.quaternion = aligned_hand(made, ALIGNED * 0.98)
    made.step()
    assert made.pair.reasons == ()
    made.press_and_release()
    assert made.pair.state is TeleopState.FOLLOWING
    assert math.degrees(ALIGNED) == pytest.approx(5.0)


def test_after_the_clutch_it_is_followed_when_it_has_aligned_again() -> None:
    """Released askew, it stays clutched and says why; once its motors have turned it, it is followed without a jump."""
    made = Operated(ROTATION)
    made.hand_says = {"aligns": True}
    made.quaternion = aligned_hand(made, 0.0)
    made.step()
    made.press_and_release()
    before = tip(made)
    made.step(clutch=True)
    made.quaternion = aligned_hand(made, 0.5)
    for _ in range(50):
        made.step()
        assert (made.pair.state, made.pair.reasons) == (TeleopState.CLUTCHED, (NOT_ALIGNED,))
    made.quaternion = aligned_hand(made, 0.05)
    made.step()
    assert made.pair.state is TeleopState.FOLLOWING
    assert tip(made).position == pytest.approx(before.position, abs=STILL)
    made.quaternion = aligned_hand(made, 0.5)  # while following the hand may be anywhere: it leads
    made.step()
    assert made.pair.state is TeleopState.FOLLOWING


@pytest.mark.parametrize("change", [{"motion_scale": 0.4}, {"clutch_epoch": 9}])
def test_with_the_filter_new_anchors_make_no_jump(change: dict[str, object]) -> None:
    """A tool at rest stays at rest when scale or clutch epoch change, wherever the hand is."""
    made = following(tremor_filter=True)
    for _ in range(100):
        made.step()
    before = tip(made)
    made.position = made.position + 0.1
    made.step(**change)
    for _ in range(5):
        made.step(**change)
        assert tip(made).position == pytest.approx(before.position, abs=STILL)


def test_with_the_filter_a_tremor_hardly_reaches_the_tool() -> None:
    """A tremor of 0.5 mm at 10 Hz moves the tool by a tenth of what it does without the filter."""
    swing = {}
    for tremor_filter in (False, True):
        made = following(tremor_filter)
        rest, places = made.position.copy(), []
        for step in range(600):
            made.position = rest + np.array([5e-4 * math.sin(2.0 * math.pi * 10.0 * step * PERIOD), 0.0, 0.0])
            made.step()
            places.append(tip(made).position[0])
        swing[tremor_filter] = np.ptp(places[200:])
    assert swing[False] == pytest.approx(2e-4, rel=0.01)
    assert swing[True] < 0.12 * swing[False]


def test_with_the_filter_the_tool_ends_where_the_hand_leads() -> None:
    """The filter delays and calms; it does not change how far the tool goes, also when packets are lost."""
    made = following(tremor_filter=True)
    before = tip(made)
    for step in range(200):
        made.position = made.position + np.array([0.00025, 0.0, 0.0])
        if step % 10 in (3, 4, 5):
            made.now += PERIOD
        else:
            made.step()
    for _ in range(400):
        made.step()
    assert tip(made).position - before.position == pytest.approx((0.01, 0.0, 0.0), abs=1e-6)
