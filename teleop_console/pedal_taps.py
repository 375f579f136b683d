"""What CRTK clients are told of a pedal: 0 released, 1 pressed, 2 a quick tap."""

from __future__ import annotations

QUICK = 0.15
"""A press that is shorter than this is a quick tap [s]."""
RELEASED, PRESSED, TAPPED = 0, 1, 2


class PedalTaps:
    """One pedal."""

    def __init__(self) -> None:
        """Nothing is known of it at first."""
        self._pressed: bool | None = None
        self._pressed_at = 0.0

    def update(self, now: float, pressed: bool) -> tuple[int, ...]:
        """Values to tell, in order; a tap is told before the release, so that the last value is what the pedal does.

        Args:
            now: Monotonic time [s].
            pressed: The pedal is down.
        """
        before, self._pressed = self._pressed, pressed
        if pressed is before:
            return ()
        if pressed:
            self._pressed_at = now
            return (PRESSED,)
        tapped = before is not None and now - self._pressed_at < QUICK
        return (TAPPED, RELEASED) if tapped else (RELEASED,)
