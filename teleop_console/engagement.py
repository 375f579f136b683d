"""What a surgeon does besides moving the hands, done for devices without a person.

An instrument follows a hand only after the clutch was pressed and released on purpose. A recording cannot mean
anything, so whoever starts one has meant it, and the console presses the clutch in its place: where an arm waits for
the gesture and nothing is wrong, never to get out of a fault. After a fault or a protective stop it lets go, as the
local team can reset only with the deadman released.
"""

from __future__ import annotations

from collections.abc import Collection

from teleop_core.signals import SafetyLevel, TeleopState

SETTLED = 0.3
"""An arm has to wait for the gesture for this long before it is made [s]."""
PRESS = 0.3
"""How long the clutch is pressed [s]."""
PATIENCE = 1.0
"""How long after a press the arm may take to follow before the next try [s]."""

_LET_GO = (SafetyLevel.FAULT, SafetyLevel.PROTECTIVE_STOP)
_ALLOWED = (SafetyLevel.READY, SafetyLevel.OPERATING, SafetyLevel.PAUSED)


class GesturePerformer:
    """Presses the clutch for a device where no person can."""

    def __init__(self) -> None:
        """Nothing is pressed at first."""
        self._waiting_since: float | None = None
        self._pressed_at: float | None = None
        self._released_at = float("-inf")

    @staticmethod
    def present(safety: SafetyLevel | None) -> bool:
        """Whether the operator holds the deadman, by the state of the safety monitor; None while unknown."""
        return safety not in _LET_GO

    def clutch(self, now: float, own_clutch: bool, arms: Collection[TeleopState], safety: SafetyLevel | None) -> bool:
        """Clutch as it shall be sent.

        Args:
            now: Monotonic time [s].
            own_clutch: The device itself presses the clutch.
            arms: Teleoperation state of each arm; empty while unknown.
            safety: State of the safety monitor; None while unknown.
        """
        self._wait(now, TeleopState.ALIGNING in arms and safety in _ALLOWED)
        if own_clutch:
            # A press is a press, whoever makes it: the arm gets its time to follow.
            self._pressed_at = None
            self._released_at = now
            return True
        if self._pressed_at is not None and (self._waiting_since is None or now - self._pressed_at >= PRESS):
            self._pressed_at = None
            self._released_at = now
        if self._pressed_at is None and self._is_time(now):
            self._pressed_at = now
        return self._pressed_at is not None

    def _wait(self, now: float, waiting: bool) -> None:
        if not waiting:
            self._waiting_since = None
        elif self._waiting_since is None:
            self._waiting_since = now

    def _is_time(self, now: float) -> bool:
        return (
            self._waiting_since is not None
            and now - self._waiting_since >= SETTLED
            and now - self._released_at >= PATIENCE
        )
