"""What a soak counts, from the observer's rows and from the memory of the processes."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from typing import Any

from teleop_core.signals import SafetyLevel, TeleopState

ONE_EVENT = 1.0
"""What happens within this time is one event [s]."""
WARM_UP = 0.2
"""Share of the time in which memory may grow."""
AT_THE_ENDS = 0.1
"""Share of the samples that is averaged at each end."""


class SoakWatch:
    """Counts what should not happen in healthy operation, from the first time both arms follow.

    Attributes:
        began: When both arms followed first, monotonic [s]; None before.
        holds: Every time the arms were let go: time [s], what was seen, alarms.
        permits_late: Permits that came after the lease of the one before.
        permits_left_out: Numbers of permits that never came.
        observer_late: How often the observer itself was late; what it says of such an instant is no evidence.
    """

    def __init__(self) -> None:
        """Nothing seen."""
        self.began: float | None = None
        self.holds: list[dict[str, Any]] = []
        self.permits_late = 0
        self.permits_left_out = 0
        self.observer_late = 0
        self.alarms: dict[str, int] = {}
        self._state: int | None = None
        self._present: set[str] = set()
        self._pairs: list[int] = []
        self._holding: dict[str, str] = {}
        self._ended = False

    def end(self) -> None:
        """From now on the session is being stopped."""
        self._ended = True

    def add(self, row: list[Any]) -> None:
        """Take a row of the observer."""
        kind, at, *content = row
        if not self._ended:
            getattr(self, f"_add_{kind}", lambda *_: None)(at, *content)

    def _add_s(self, at: float, state: int, _permitted: bool, alarms: list[list[Any]]) -> None:
        names = {str(alarm[0]) for alarm in alarms}
        if self.began is not None:
            for name in names - self._present:
                self.alarms[name] = self.alarms.get(name, 0) + 1
            if self._state == SafetyLevel.OPERATING != state:
                self._held(at, f"{SafetyLevel(state).name}: {', '.join(sorted(names))}")
        self._state, self._present = state, names

    def _add_f(self, at: float, pairs: list[int], _reasons: list[str], _counters: dict[str, int]) -> None:
        engaged = [state >= TeleopState.FOLLOWING for state in pairs]
        if self.began is None and pairs and all(engaged):
            self.began = at
        if self.began is not None and any(
            old >= TeleopState.FOLLOWING > new for old, new in zip(self._pairs, pairs, strict=False)
        ):
            self._held(at, "kinematics let go")
        self._pairs = pairs

    def _add_g(self, at: float, arm: str, hold: str, *_more: Any) -> None:
        # Without an engaged hand the kinematics send nothing: that the gate then holds is as it should be.
        spurious = hold and not self._holding.get(arm) and all(pair == TeleopState.FOLLOWING for pair in self._pairs)
        if self.began is not None and spurious and at - self.began > ONE_EVENT:
            self._held(at, f"{arm}: {hold}")
        self._holding[arm] = hold

    def _add_m(self, _at: float, _gap: float, left_out: int) -> None:
        if self.began is not None:
            self.permits_left_out += left_out
            self.permits_late += not left_out

    def _add_l(self, _at: float, _seconds: float) -> None:
        if self.began is not None:
            self.observer_late += 1

    def _held(self, at: float, text: str) -> None:
        if not self.holds or at - self.holds[-1]["at"] > ONE_EVENT:
            self.holds.append({"at": at, "since_start_s": round(at - (self.began or at), 1), "seen": [text]})
        else:
            self.holds[-1]["seen"].append(text)


def growth(samples: Sequence[float]) -> float:
    """Growth of a process' memory from after its warm-up to the end, as a fraction; 0 for too few samples."""
    after = list(samples[round(WARM_UP * len(samples)) :])
    some = max(1, round(AT_THE_ENDS * len(after)))
    if len(after) < 2:
        return 0.0
    return statistics.median(after[-some:]) / statistics.median(after[:some]) - 1.0
