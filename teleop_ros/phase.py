"""Keeps what a node does by its timer out of the way of the commands that wake it.

A command that arrives while the node publishes its states waits for the end of that, some milliseconds. Commands come
at regular times, so the timer is moved, once, to soon after them: what it begins then is over before the next one. Its
period stays as it is: only the interval in which it is moved is shorter or longer, by less than one.
"""

from __future__ import annotations

from rclpy.timer import Timer

CHECK_EVERY = 1.0
"""A timer is moved once in this time at most, so that no commands, however they come, can put it off [s]."""
AFTER = 0.3
"""When the timer is due, as a share of the interval between commands: the command has been carried out by then."""
EARLIEST, LATEST = 0.15, 0.5
"""Where it may be due as well."""
_NANO = 1e9


class Phase:
    """The phase of one timer."""

    def __init__(self, timer: Timer) -> None:
        """The timer has its period, which is kept."""
        self._timer = timer
        self._heard_at = self._checked_at = float("-inf")

    def heard(self, now: float) -> None:
        """A command has come at the monotonic time `now` [s]; to be told of each."""
        interval, self._heard_at = now - self._heard_at, now
        if now - self._checked_at < CHECK_EVERY:
            return
        self._checked_at = now
        period = self._timer.timer_period_ns
        ahead = better_due(self._timer.time_until_next_call() / _NANO, interval, period / _NANO)
        if ahead is not None:
            self._timer.timer_period_ns = round(ahead * _NANO)
            self._timer.reset()
            self._timer.timer_period_ns = period


def better_due(due: float, interval: float, period: float) -> float | None:
    """When a timer should be due so as to be clear of commands.

    Args:
        due: In how long it is due [s].
        interval: Since the command before this one [s].
        period: Of the timer [s].

    Returns:
        In how long [s]; None where it is clear as it is, or commands are not regular.
    """
    if not 0.25 * period <= interval <= 1.25 * period:
        return None
    return None if EARLIEST <= due / interval % 1.0 <= LATEST else AFTER * interval
