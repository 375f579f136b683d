"""Which hand drives which instrument arm: as configured, or another arm that the operator chose with the hand free.

A hand changes its arm only while it does not lead one (not FOLLOWING). The arm that it lets go holds; the new one needs
the engagement gesture like any other. No arm ever has two hands: the second one is refused, and told.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from teleop_core.contract import MASTERS
from teleop_core.signals import OperatorSignal, TeleopState

HANDS = tuple(reversed(MASTERS))
"""Hands in the order of the arms they drive: PSM1 comes in from the operator's right."""


class ArmSwap:
    """The arms of the hands.

    Attributes:
        arm_of: Hand -> instrument arm that it drives.
        refusals: Hand -> why it does not get the arm it asks for; only hands that do not.
    """

    def __init__(self, arms: Sequence[str]) -> None:
        """Give the arms to the hands in their order; arms beyond the hands are spare.

        Args:
            arms: Instrument arms of the session, each once.
        """
        self._arms = tuple(arms)
        self._configured = dict(zip(HANDS, arms, strict=False))
        self.arm_of = dict(self._configured)
        self.refusals: dict[str, str] = {}

    def update(self, signal: OperatorSignal, states: Mapping[str, TeleopState]) -> tuple[tuple[str, str], ...]:
        """Take an accepted packet.

        Args:
            signal: The packet.
            states: State of teleoperation of each instrument arm.

        Returns:
            Arm and hand that drives it from now on, of every arm that changes hands; the hand is empty where none does.
        """
        changes: list[tuple[str, str]] = []
        self.refusals = {}
        for hand in signal.hands:
            present = self.arm_of.get(hand.name, "")
            wanted = hand.arm or self._configured.get(hand.name, "")
            if wanted == present:
                continue
            refusal = self._refusal(present, wanted, states)
            if refusal:
                self.refusals[hand.name] = refusal
                continue
            changes += [(arm, name) for arm, name in ((present, ""), (wanted, hand.name)) if arm]
            self.arm_of[hand.name] = wanted
        return tuple(changes)

    def _refusal(self, present: str, wanted: str, states: Mapping[str, TeleopState]) -> str:
        if wanted and wanted not in self._arms:
            return f"{wanted} is not in this session"
        if states.get(present) is TeleopState.FOLLOWING:
            return f"press the clutch to change to {wanted}"
        for hand, arm in self.arm_of.items():
            if arm == wanted:
                return f"{wanted} is driven by {hand}"
        return ""
