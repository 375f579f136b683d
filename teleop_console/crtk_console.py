"""The console as CRTK clients know it: masters, the console itself, and the pairs of a hand and an arm.

In:   <MASTER>/state_command and all that an arm may be asked (`teleop_console.crtk_master`);
      console/teleop/enable, set_scale, select, unselect;
      <PAIR>/state_command, set_scale, lock_rotation, lock_translation, set_align_MTM
Out:  <MASTER>/operating_state, warning; console/teleop/enabled, scale, selected, unselected, console/warning;
      <PAIR>/current_state, desired_state, scale, following, rotation_locked, translation_locked, align_MTM,
      alignment_offset

Names and types are those of the da Vinci Research Kit. There is one scale: that of a pair is that of the console. What
is asked is read twenty times a second, by hand, so that it costs the loop of the hands nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from rclpy.publisher import Publisher
from rclpy.subscription import Subscription

from teleop_console.arm_reports import ArmReport, alignment_offset
from teleop_console.console_state import ConsoleState, Pair
from teleop_console.crtk_master import CrtkMaster
from teleop_core.contract import MASTERS
from teleop_core.se3 import as_floats
from teleop_core.signals import HandSignal
from teleop_ros.adapter import TeleopNode
from teleop_ros.executor import take_waiting

OFFSET_EVERY = 2
"""The offset of alignment is told with every second turn: ten times a second."""
TOLD_TO_NEW_LISTENERS = (0, 6, 20)
"""Turns after which somebody new is told each name: at once, after 0.3 s, after a second."""

Ask = Callable[[Any], str]


class _Latched:
    """Topics with one value each, told when it changes; latched, so whoever comes later hears it too."""

    def __init__(self, node: TeleopNode) -> None:
        self._node = node
        self._publishers: dict[tuple[str, str], Publisher] = {}
        self._told: dict[tuple[str, str], Any] = {}
        self._listeners: dict[str, int] = {}
        self._due: dict[str, list[int]] = {}

    def open(self, stream: str, pair: str = "") -> None:
        self._publishers[stream, pair] = self._node.publisher(stream, **({"pair": pair} if pair else {}))

    def tell(self, stream: str, value: Any, pair: str = "") -> None:
        if self._told.get((stream, pair)) != value:
            self._told[stream, pair] = value
            publisher = self._publishers[stream, pair]
            publisher.publish(publisher.msg_type(data=value))

    def tell_again(self, stream: str, pair: str = "") -> None:
        """The value was set, maybe to what it was: clients wait to hear it."""
        self._told.pop((stream, pair), None)

    def tell_each(self, stream: str, names: Sequence[str]) -> None:
        """A message for each name: all of them when they change, and for somebody new three times.

        Only the last one is kept for those who come later, and the first ones may be gone before a new listener is
        connected at its own end.
        """
        publisher = self._publishers[stream, ""]
        listeners = publisher.get_subscription_count()
        due = self._due.setdefault(stream, [])
        if listeners > self._listeners.get(stream, 0):
            due[:] = TOLD_TO_NEW_LISTENERS
        self._listeners[stream] = listeners
        if self._told.get((stream, "")) != names or 0 in due:
            self._told[stream, ""] = names
            for name in names:
                publisher.publish(publisher.msg_type(data=name))
        due[:] = [turns - 1 for turns in due if turns]


class CrtkConsole:
    """Topics of the masters, the console and its pairs."""

    def __init__(self, node: TeleopNode, state: ConsoleState) -> None:
        """Open the topics on the node, and tell what is so at the start.

        Args:
            node: The node of the console.
            state: What clients may change.
        """
        self._node = node
        self._state = state
        self._latched = _Latched(node)
        self._asked: list[Subscription] = []
        self._warnings = node.publisher("console_warning")
        self._masters = {name: CrtkMaster(node, name) for name in MASTERS}
        for name, master in self._masters.items():
            for stream, ask in master.asks():
                self._hear(stream, ask, master=name)
        self._open_console()
        self._offsets = {name: node.publisher("pair_alignment_offset", pair=name) for name in state.pairs}
        for pair in state.pairs.values():
            self._open_pair(pair)
        self._turn = 0

    def ready(self, hand: str) -> bool:
        """Whether a master may lead an arm: enabled, as its state commands say."""
        return self._masters[hand].ready

    def turn(self, hands: Sequence[HandSignal], reports: dict[str, ArmReport]) -> None:
        """Twenty times a second: take what was asked, tell what has changed.

        Args:
            hands: Hands of the operator.
            reports: What the patient's side says of the arms; empty while it is not heard.
        """
        for subscription in self._asked:
            take_waiting(subscription)
        for master in self._masters.values():
            master.turn()
        self._tell(reports)
        self._turn = (self._turn + 1) % OFFSET_EVERY
        if self._turn == 0:
            for hand in hands:
                self._tell_offsets(hand, reports)

    def _open_console(self) -> None:
        state = self._state
        for stream in ("teleop_enabled", "teleop_scale", "teleop_selected", "teleop_unselected"):
            self._latched.open(stream)
        self._hear("teleop_enable", lambda message: setattr(state, "enabled", bool(message.data)))
        self._hear("teleop_set_scale", self._warned(self._set_scale))
        self._hear("teleop_select", self._warned(lambda message: state.select(message.data)))
        self._hear("teleop_unselect", self._warned(lambda message: state.unselect(message.data)))

    def _open_pair(self, pair: Pair) -> None:
        state, name = self._state, pair.name
        for stream in _OF_PAIR:
            self._latched.open(stream, name)
        self._hear("pair_state_command", self._warned(lambda m: state.command(name, m.string)), pair=name)
        self._hear("pair_set_scale", self._warned(self._set_scale), pair=name)
        self._hear("pair_lock_rotation", lambda m: setattr(pair, "lock_rotation", bool(m.data)), pair=name)
        self._hear("pair_lock_translation", lambda m: setattr(pair, "lock_translation", bool(m.data)), pair=name)
        self._hear("pair_set_align_mtm", lambda m: setattr(pair, "align", bool(m.data)), pair=name)

    def _set_scale(self, message: Any) -> str:
        self._latched.tell_again("teleop_scale")
        for name in self._state.pairs:
            self._latched.tell_again("pair_scale", name)
        return self._state.set_scale(message.data)

    def _hear(self, stream: str, callback: Callable[[Any], None], **parts: str) -> None:
        subscription = self._node.subscription(stream, callback, **parts)
        self._node.by_hand.add(subscription)
        self._asked.append(subscription)

    def _warned(self, ask: Ask) -> Callable[[Any], None]:
        def call(message: Any) -> None:
            refusal = ask(message)
            if refusal:
                self._warnings.publish(self._warnings.msg_type(data=refusal))

        return call

    def _tell(self, reports: dict[str, ArmReport]) -> None:
        state, tell = self._state, self._latched.tell
        tell("teleop_enabled", state.enabled)
        tell("teleop_scale", state.scale)
        selected = [name for name in state.selected.values() if name]
        self._latched.tell_each("teleop_unselected", [name for name in state.pairs if name not in selected])
        self._latched.tell_each("teleop_selected", selected)
        states = {arm: (report.hand, report.state) for arm, report in reports.items()}
        for pair in state.pairs.values():
            current, following = state.current(pair, states)
            tell("pair_current_state", current, pair.name)
            tell("pair_following", following, pair.name)
            tell("pair_desired_state", pair.desired, pair.name)
            tell("pair_scale", state.scale, pair.name)
            tell("pair_rotation_locked", pair.lock_rotation, pair.name)
            tell("pair_translation_locked", pair.lock_translation, pair.name)
            tell("pair_align_mtm", bool(pair.align), pair.name)

    def _tell_offsets(self, hand: HandSignal, reports: dict[str, ArmReport]) -> None:
        for pair in self._state.pairs.values():
            publisher = self._offsets[pair.name]
            if pair.hand != hand.name or not publisher.get_subscription_count():
                continue
            offset = alignment_offset(pair.arm, reports, hand.pose)
            if offset is not None:
                message = publisher.msg_type(header=self._node.header(hand.name))
                turn = message.quaternion
                turn.x, turn.y, turn.z, turn.w = as_floats(offset)
                publisher.publish(message)


_OF_PAIR: Sequence[str] = (
    "pair_current_state",
    "pair_following",
    "pair_desired_state",
    "pair_scale",
    "pair_rotation_locked",
    "pair_translation_locked",
    "pair_align_mtm",
)
