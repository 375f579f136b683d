"""How long a step is planned for, and what is too short to be one."""

from __future__ import annotations

import math

import pytest

from teleop_core.step_time import NEXT_TO_NOTHING, is_a_step


@pytest.mark.parametrize(
    ("duration", "made"),
    [
        (NEXT_TO_NOTHING, True),
        (1.0, True),
        (math.nextafter(NEXT_TO_NOTHING, 0.0), False),
        (0.0, False),
        (math.nan, False),
    ],
)
def test_the_shortest_step(duration: float, made: bool) -> None:
    """A nanosecond; what is no number is none."""
    assert is_a_step(duration) == made
