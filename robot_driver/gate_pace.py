"""How much time and how much of its full speed an arm may use, on the gate's own clock.

Steps are as long as the time between two hand samples: commands arrive with jitter, hands are sampled without. But the
times of samples are claims of the sender. So, whatever it claims, steps use up real time:

- no step is longer than the time since the one before, and a servo period;
- in any time t the steps add up to no more than t and the time that counts as a jump;
- in any 250 ms no joint travels farther than at full speed in 250 ms and a servo period, nor than at the largest speed
  that was permitted in them in 250 ms and the time that counts as a jump.
"""

from __future__ import annotations

from collections import deque

WINDOW = 0.25
"""Real time over which travel adds up [s]."""
SHORTEST_STEP = 0.5
"""Shortest step, in servo periods."""


class Pace:
    """Time of the steps of one arm. `now` is finite and never less than before."""

    def __init__(self, servo_period: float, jump_time: float) -> None:
        """Standing still.

        Args:
            servo_period: Nominal time between commands [s].
            jump_time: Longest step, and most time that steps may make up for at once [s].
        """
        self.shortest = SHORTEST_STEP * servo_period
        self._period = servo_period
        self._longest = jump_time
        self._credit = jump_time
        self._stepped_at = float("-inf")
        self._standing = True
        self._arrivals: deque[float] = deque()
        self._travels: deque[float] = deque()
        self._ratios: deque[float] = deque()

    def stand(self) -> None:
        """The arm stands: time that passes from now on is no time in which it could have moved."""
        self._standing = True

    def step_time(self, now: float, between_samples: float) -> float:
        """Time that a step at `now` may take [s]; one that is less than `shortest` must not be made.

        Args:
            now: Monotonic time [s].
            between_samples: Time between the hand samples of the last step and of this one, as claimed [s].
        """
        passed = now - self._stepped_at
        wanted = self._period if self._standing else min(between_samples, passed + self._period, self._longest)
        return min(max(wanted, self.shortest), self._credit + passed)

    def share_left(self, now: float, step_time: float, velocity_ratio: float) -> float:
        """Share of full speed that a step may have, so that in 250 ms of real time no joint travels too far.

        What counts is the largest speed that was permitted in that time, or from which the arm was still slowing down:
        an arm that is told to slow down slows down, and does not stop. Once the fast steps are over 250 ms old, the
        slow ones may be found to have made up for lost time, by no more than the time of a jump.

        Args:
            now: Monotonic time [s].
            step_time: Time of the step [s].
            velocity_ratio: Share of full speed that is permitted now, 0..1.
        """
        while self._arrivals and self._arrivals[0] <= now - WINDOW:
            self._arrivals.popleft()
            self._travels.popleft()
            self._ratios.popleft()
        permitted = (WINDOW + self._period) * max((velocity_ratio, *self._ratios))
        return max(0.0, permitted - sum(self._travels)) / step_time

    def stepped(self, now: float, step_time: float, share: float, velocity_ratio: float) -> None:
        """A step was made.

        Args:
            now: Monotonic time [s].
            step_time: Time it took [s].
            share: Share of its full speed that the fastest joint used.
            velocity_ratio: Share of full speed that was permitted.
        """
        self._credit = min(self._credit + now - self._stepped_at, self._longest) - step_time
        self._stepped_at = now
        self._standing = False
        self._arrivals.append(now)
        self._travels.append(share * step_time)
        self._ratios.append(max(velocity_ratio, share))
