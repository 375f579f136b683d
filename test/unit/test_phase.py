"""When a timer is moved out of the way of commands, and when it is left alone."""

from __future__ import annotations

import math

import pytest

pytest.importorskip("rclpy", reason="ROS is not installed here")

from teleop_ros.phase import better_due

INTERVAL = 0.005


@pytest.mark.parametrize("period", [INTERVAL, 2.0 * INTERVAL])
@pytest.mark.parametrize("share", [0.0, 0.1, 0.2, 0.8, 0.9, 0.99])
def test_a_timer_near_a_command_is_moved_half_way(period: float, share: float) -> None:
    """Whether it is due just after a command or just before the next one, or the one after that."""
    assert better_due(share * INTERVAL, INTERVAL, period) == INTERVAL / 2.0
    assert better_due(share * INTERVAL + INTERVAL, INTERVAL, period) == INTERVAL / 2.0


@pytest.mark.parametrize("share", [0.25, 0.5, 0.75, 1.5])
def test_a_timer_that_is_clear_stays(share: float) -> None:
    """Half way between two commands, and up to a quarter of the interval around that."""
    assert better_due(share * INTERVAL, INTERVAL, 2.0 * INTERVAL) is None


@pytest.mark.parametrize("interval", [0.0, 0.001, 0.0063, 1.0, math.inf, math.nan, -INTERVAL])
def test_commands_that_are_not_regular_move_nothing(interval: float) -> None:
    """The first one, a flood, stragglers, and no time at all."""
    assert better_due(0.0, interval, INTERVAL) is None
