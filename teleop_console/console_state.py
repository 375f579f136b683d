"""What the operator's site decides besides the motion of the hands: who drives which arm, how, and whether at all.

The patient's side hears of it only in the packets: an arm that a hand asks for, its locks, and the scale. A hand that
shall drive nothing is left out of the packet, and a console that is not enabled says that nobody operates.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from teleop_console.devices.device import DeviceSample
from teleop_console.pedal_taps import TAPPED, PedalTaps
from teleop_core.arm_swap import HANDS
from teleop_core.contract import pairs_of
from teleop_core.signals import HandSignal, TeleopState

ENABLED, DISABLED, ALIGNING = "ENABLED", "DISABLED", "ALIGNING_MTM"
"""States of a pair, in the words of the da Vinci Research Kit."""
_DESIRED = {"enable": ENABLED, "disable": DISABLED, "align_MTM": ALIGNING}


@dataclass
class Pair:
    """A hand and an arm that it may drive.

    Attributes:
        name: Of the pair, e.g. MTMR_PSM1.
        hand: Master arm.
        arm: Instrument arm.
        desired: State that somebody asked for.
        lock_rotation: The instrument keeps its orientation.
        lock_translation: The instrument keeps its place.
        align: Follow only a hand that is aligned with the instrument; None: as the device can.
    """

    name: str
    hand: str
    arm: str
    desired: str = ENABLED
    lock_rotation: bool = False
    lock_translation: bool = False
    align: bool | None = None


class ConsoleState:
    """Selection, scale, locks; every change that cannot be made is refused with words.

    Attributes:
        enabled: Teleoperation is wanted at all.
        scale: Instrument motion per hand motion, 0 < scale <= 1.
        pairs: Name -> pair.
        selected: Hand -> name of the pair that it is to drive; empty: none.
    """

    def __init__(self, arms: Sequence[str], scale: float) -> None:
        """Select what is configured.

        Args:
            arms: Instrument arms of the session, in the order of the hands; further ones are spare.
            scale: Instrument motion per hand motion, 0 < scale <= 1.
        """
        self.enabled = True
        self.scale = scale
        self.pairs = {f"{hand}_{arm}": Pair(f"{hand}_{arm}", hand, arm) for hand, arm in pairs_of(arms)}
        self._configured = {hand: f"{hand}_{arm}" for hand, arm in zip(HANDS, arms, strict=False)}
        self.selected = {hand: self._configured.get(hand, "") for hand in HANDS}
        self._spare = tuple(arms[len(HANDS) :])
        self._clutch = PedalTaps()

    def set_scale(self, scale: float) -> str:
        """Take another scale; returns why not, empty if it was taken."""
        if not 0.0 < scale <= 1.0:
            return f"scale {scale} is not within 0 (excluded) to 1"
        self.scale = scale
        return ""

    def select(self, name: str) -> str:
        """Let a hand drive the arm of a pair; returns why not, empty if it will as soon as the hand is free."""
        pair = self.pairs.get(name)
        if pair is None:
            return f"{name!r} is not one of {', '.join(self.pairs)}"
        for hand, other in self.selected.items():
            if hand != pair.hand and other and self.pairs[other].arm == pair.arm:
                return f"{pair.arm} is selected for {hand}: unselect {other} first"
        self.selected[pair.hand] = name
        return ""

    def unselect(self, name: str) -> str:
        """Let the hand of a pair drive nothing; returns why not, empty if it does not."""
        pair = self.pairs.get(name)
        if pair is None:
            return f"{name!r} is not one of {', '.join(self.pairs)}"
        if self.selected[pair.hand] != name:
            return f"{name} is not selected"
        self.selected[pair.hand] = ""
        return ""

    def command(self, name: str, command: str) -> str:
        """State command of a pair: enable, disable, align_MTM; returns why not, empty if it was taken."""
        desired = _DESIRED.get(command)
        if desired is None:
            return f"unknown command {command!r}: use one of {', '.join(_DESIRED)}"
        refusal = self.select(name) if desired != DISABLED else ""
        if not refusal:
            self.pairs[name].desired = desired
        return refusal

    def cycle(self) -> bool:
        """Next arms for the hands, as after a quick tap of the clutch: spare arm for the right, for the left, for none.

        Returns:
            False where there is no spare arm.
        """
        if not self._spare:
            return False
        choices = [self._configured]
        choices += [{**self._configured, hand: f"{hand}_{arm}"} for arm in self._spare for hand in HANDS]
        following = choices.index(self.selected) + 1 if self.selected in choices else 0
        self.selected = dict(choices[following % len(choices)])
        return True

    def applied(self, now: float, sample: DeviceSample) -> DeviceSample:
        """The sample of the monotonic time `now` [s] as it shall be sent; a quick tap of the clutch has its effect."""
        if TAPPED in self._clutch.update(now, sample.clutch):
            self.cycle()
        hands = tuple(
            self._as_asked(hand, pair) for hand in sample.hands if (pair := self._driving(hand.name)) is not None
        )
        return replace(sample, hands=hands, operator_present=sample.operator_present and self.enabled)

    def current(self, pair: Pair, states: dict[str, tuple[str, TeleopState]]) -> tuple[str, bool]:
        """State of a pair in words, and whether its instrument follows.

        Args:
            pair: The pair.
            states: Arm -> hand that drives it and state of its teleoperation, as the patient's side says.
        """
        hand, state = states.get(pair.arm, ("", TeleopState.DISABLED))
        if hand != pair.hand or state is TeleopState.DISABLED:
            return DISABLED, False
        if state is TeleopState.ALIGNING:
            return ALIGNING, False
        return ENABLED, state is TeleopState.FOLLOWING

    def _driving(self, hand: str) -> Pair | None:
        pair = self.pairs.get(self.selected.get(hand, ""))
        return pair if pair is not None and pair.desired == ENABLED else None

    def _as_asked(self, hand: HandSignal, pair: Pair) -> HandSignal:
        asked = (
            "" if self._configured.get(pair.hand) == pair.name else pair.arm,
            pair.lock_rotation,
            pair.lock_translation,
            hand.aligns if pair.align is None else pair.align,
        )
        if asked == (hand.arm, hand.lock_rotation, hand.lock_translation, hand.aligns):
            return hand
        arm, lock_rotation, lock_translation, aligns = asked
        return replace(hand, arm=arm, lock_rotation=lock_rotation, lock_translation=lock_translation, aligns=aligns)
