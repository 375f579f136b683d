"""A client that names its joints is understood by name or refused, never by position."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from robot_driver.joint_order import in_order
from teleop_core.psm_kinematics import JOINT_NAMES

VALUES = (0.1, 0.2, 0.12, 0.4, 0.5, 0.6)


@given(st.permutations(range(6)))
def test_named_values_come_out_in_the_order_of_the_kinematics(order: list[int]) -> None:
    """For every order in which a client may name the joints."""
    names, values = [JOINT_NAMES[index] for index in order], [VALUES[index] for index in order]
    assert tuple(in_order(names, values, JOINT_NAMES)) == VALUES


def test_values_without_names_are_in_order() -> None:
    """As CRTK allows."""
    assert in_order([], VALUES, JOINT_NAMES) == VALUES


@pytest.mark.parametrize(
    ("names", "count"),
    [(("yaw", "pitch"), 6), (("yaw",) * 6, 6), ((*JOINT_NAMES[:5], "elbow"), 6), (tuple(reversed(JOINT_NAMES)), 5)],
)
def test_names_that_are_not_the_arms_are_refused(names: tuple[str, ...], count: int) -> None:
    """Missing, repeated or foreign names, or fewer values than names."""
    assert in_order(names, VALUES[:count], JOINT_NAMES) is None
