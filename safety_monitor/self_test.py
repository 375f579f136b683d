"""The self-test before READY: every stream heard from exactly one speaker, the loop in time, and a trip test.

The trip test: while the permit is withheld, every arm has to report that it took a permit message of this monitor,
numbered after the beginning of the test, that it is not permitted, and that it holds. So the way from this monitor's
decision through the middleware to each arm's gate, and back, is shown to work before the first permit is given.
"""

from __future__ import annotations

from collections import deque

from safety_monitor.inputs import NOBODY, SOLE, Inputs

LOOP_STEPS = 50
"""The loop has to be in time in this many steps in a row."""
LOOP_LATE = 0.03
"""A step of nominally 10 ms may take this long in the self-test [s]."""


class SelfTest:
    """One run of the self-test, from the first step in SELF_TEST on."""

    def __init__(self, permit_sequence: int) -> None:
        """Begin.

        Args:
            permit_sequence: Number of the newest permit message before the test.
        """
        self._begun_at_permit = permit_sequence
        self._lags: deque[float] = deque(maxlen=LOOP_STEPS)

    def step(self, inputs: Inputs) -> tuple[str, ...]:
        """Items that do not pass; empty when the test is passed."""
        self._lags.append(inputs.loop_lag)
        return (*self._speakers(inputs), *self._loop(), *self._trip(inputs))

    def _speakers(self, inputs: Inputs) -> list[str]:
        failing = []
        for stream in inputs.streams:
            if stream.kind == NOBODY:
                if stream.publishers:
                    failing.append(f"{stream.source} speaks in a session without a console")
            elif stream.kind != SOLE and stream.age is None:
                failing.append(f"{stream.source} ({stream.kind}) has not been heard")
            elif stream.publishers != 1:
                failing.append(f"{stream.source} ({stream.kind}) has {stream.publishers} speakers instead of one")
            elif stream.qos_mismatch:
                failing.append(f"{stream.source} ({stream.kind}) offers the wrong quality of service")
        return failing

    def _loop(self) -> list[str]:
        if len(self._lags) < LOOP_STEPS:
            return ["loop timing is still being measured"]
        worst = max(self._lags)
        in_time = all(lag <= LOOP_LATE for lag in self._lags)
        return [] if in_time else [f"a loop of the monitor took {worst * 1000.0:.0f} ms"]

    def _trip(self, inputs: Inputs) -> list[str]:
        failing = []
        for name, arm in inputs.arms.items():
            if not arm.permit_sequence > self._begun_at_permit:
                failing.append(f"{name} does not report that it hears this monitor")
            elif arm.permitted is not False or not arm.holding:
                failing.append(f"{name} does not report HOLD while the permit is withheld")
        return failing
