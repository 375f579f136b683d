"""From the hand to the wanted pose, beside the formula in rotation matrices, for views that lie askew to every axis."""

from __future__ import annotations

import numpy as np
import pytest

from teleop_core.hand_mapping import Anchor, AnchorKey, HandMapping
from teleop_core.se3 import FloatArray, Pose, matrix_from_quaternion

SCALE = 0.4
QUATERNIONS = ((0.1, 0.7, -0.5, 0.5), (-0.6, 0.2, 0.3, 0.7), (0.5, -0.4, 0.6, 0.1))


def rotation(number: int) -> FloatArray:
    quaternion = np.array(QUATERNIONS[number % 3]) + 0.05 * number
    return matrix_from_quaternion(quaternion / np.linalg.norm(quaternion))


def posed(number: int, position: tuple[float, float, float]) -> Pose:
    return Pose.from_rotation(position, rotation(number))


def anchor(lock_rotation: bool = False, lock_translation: bool = False) -> Anchor:
    key = AnchorKey(0, SCALE, lock_rotation, lock_translation, 0)
    return Anchor(key, posed(1, (0.01, -0.02, 0.03)), posed(2, (0.04, 0.05, -0.12)))


HAND = posed(3, (0.05, 0.03, -0.04))


@pytest.mark.parametrize("view", range(6))
def test_the_tool_moves_and_turns_as_the_hand_does_in_the_picture(view: int) -> None:
    """Each axis of the hand counts in each axis of the base, and turns are those of the hand since the anchor."""
    made, display_in_base = anchor(), rotation(view)
    wanted = HandMapping(display_in_base).wanted(made, HAND)
    motion = display_in_base @ (HAND.position - made.hand.position)
    assert wanted.position == pytest.approx(made.tool.position + SCALE * motion, abs=1e-12)
    turn = display_in_base @ HAND.rotation() @ made.hand.rotation().T @ display_in_base.T
    assert wanted.rotation() == pytest.approx(turn @ made.tool.rotation(), abs=1e-12)


def test_what_is_locked_stays_at_the_anchor() -> None:
    """And only that."""
    mapping = HandMapping(rotation(0))
    free = mapping.wanted(anchor(), HAND)
    kept, made = mapping.wanted(anchor(lock_rotation=True), HAND), anchor()
    assert kept.quaternion.tolist() == made.tool.quaternion.tolist()
    assert kept.position.tolist() == free.position.tolist()
    kept = mapping.wanted(anchor(lock_translation=True), HAND)
    assert kept.position.tolist() == made.tool.position.tolist()
    assert kept.quaternion.tolist() == free.quaternion.tolist()


def test_another_view_maps_the_hand_by_it() -> None:
    """The endoscope has turned: the same hand means another way from then on."""
    mapping = HandMapping(rotation(0))
    mapping.look(rotation(4))
    fresh = HandMapping(rotation(4)).wanted(anchor(), HAND)
    assert mapping.wanted(anchor(), HAND).position == pytest.approx(fresh.position)
    assert mapping.wanted(anchor(), HAND).quaternion == pytest.approx(fresh.quaternion)
