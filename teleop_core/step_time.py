"""For how long a step of motion is planned."""

from __future__ import annotations

ARRIVAL_JITTER = 0.005
SHORTEST_STEP = 0.001
LONGEST_STEP = 0.02
"""Motion is planned for at most this long after the previous command [s], however late the next one comes."""

NEXT_TO_NOTHING = 1e-9
"""Shortest step that is one [s]."""


def step_time(passed: float, between_samples: float) -> float:
    """Time for a step [s]: between the hand samples, as packets arrive with jitter, but bounded by real time.

    Args:
        passed: Real time since the previous command [s].
        between_samples: Time from the previous hand sample to this one, as their stamps say [s].
    """
    return max(SHORTEST_STEP, min(between_samples, passed + ARRIVAL_JITTER, LONGEST_STEP))


def is_a_step(duration: float) -> bool:
    """Whether a step of so long [s] is made: a shorter one, where next to no speed is permitted, moves nothing.

    Numbers overflow by it. What is no number is no step.
    """
    return duration >= NEXT_TO_NOTHING
