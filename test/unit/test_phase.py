"""When a timer is moved out of the way of commands, and when it is left alone."""

from __future__ import annotations

import math

import pytest

pytest.importorskip("rclpy", reason="ROS is not installed here")

from teleop_ros.phase import AFTER, better_due

INTERVAL = 0.005


@pytest.mark.parametrize("period", [INTERVAL, 2.0 * INTERVAL])
@pytest.mark.parametrize("share", [0.0, 0.1, 0.55, 0.8, 0.99])
def test_a_timer_in_the_way_of_a_command_is_moved_behind_it(period: float, share: float) -> None:
    """Whether it is due while a command is carried out or too late to be over before the next, or the one after."""
    assert better_due(share * INTERVAL, INTERVAL, period) == AFTER * INTERVAL
    assert better_due(share * INTERVAL + INTERVAL, INTERVAL, period) == AFTER * INTERVAL


@pytest.mark.parametrize("share", [0.16, AFTER, 0.49, 1.25])
def test_a_timer_that_is_clear_stays(share: float) -> None:
    """Soon after a command, with time left for its work."""
    assert better_due(share * INTERVAL, INTERVAL, 2.0 * INTERVAL) is None


@pytest.mark.parametrize("interval", [0.0, 0.001, 0.0063, 1.0, math.inf, math.nan, -INTERVAL])
def test_commands_that_are_not_regular_move_nothing(interval: float) -> None:
    """The first one, a flood, stragglers, and no time at all."""
    assert better_due(0.0, interval, INTERVAL) is None
