"""What the messages of a session mean for its audit log: values in, records out.

Each method takes a message (or anything with its fields) and returns what has happened since the one before it. Numbers
that identify sessions are written as text: they are longer than what many readers of JSON can hold.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from audit.witness import witness_payload
from teleop_core.signals import SafetyLevel, TeleopState

OPERATOR, DRIVER, KINEMATICS, MONITOR = "operator", "driver", "kinematics", "safety_monitor"
LINK_EVERY = 10.0
"""Statistics of the link and of the commands are told after so long [s]."""
SAME_STOP = 2.0
"""A stop request is repeated until it is seen; within this time [s] it is one."""
COUNTERS = ("accepted", "stale", "duplicate", "reordered", "malformed", "foreign", "unauthenticated")
"""Of telesurgery/msg/TeleopFeedback."""
LINK_FIELDS = ("rtt", "jitter", "one_way_up", "one_way_down", "clock_error", "loss_up", "loss_down", "bitrate")
"""Of telesurgery/msg/LinkStatus."""


@dataclass(frozen=True)
class Event:
    """A record to be written.

    Attributes:
        type: What happened.
        payload: More about it.
        actor: Who did it.
    """

    type: str
    payload: dict[str, Any]
    actor: str


class ObservedEvents:
    """The newest values of everything that is told when it changes."""

    def __init__(self) -> None:
        """Nothing seen yet."""
        self._known: dict[Any, Any] = {}
        self._link_told_at: dict[str, float] = {}
        self._stops: dict[tuple[str, str], float] = {}
        self._limits: dict[tuple[str, str], dict[str, Any]] = {}

    def command(self, message: Any) -> list[Event]:
        """The operator's hands and feet (telesurgery/msg/OperatorCommand)."""
        session = str(message.session)
        found: list[Event] = []

        def told(type: str, key: str, value: Any, **more: Any) -> None:
            if self._changed((type, key), (session, value)):
                found.append(Event(type, {key: value, **more, "session": session}, OPERATOR))

        told("engagement", "operator_present", message.operator_present)
        # The epoch tells of a press that came and went between two messages.
        if self._changed("clutch", (session, message.clutch, message.clutch_epoch)):
            pedal = {"pedal": "clutch", "pressed": message.clutch, "epoch": message.clutch_epoch}
            found.append(Event("clutch", {**pedal, "session": session}, OPERATOR))
        if self._changed("camera", (session, message.camera)):
            pedal = {"pedal": "camera", "pressed": message.camera}
            found.append(Event("clutch", {**pedal, "session": session}, OPERATOR))
        told("scale", "motion_scale", message.motion_scale)
        return found

    def feedback(self, now: float, message: Any) -> list[Event]:
        """What became of the commands (telesurgery/msg/TeleopFeedback)."""
        found = []
        session = str(message.session)
        before = self._known.get("control")
        if self._changed("control", session):
            found.append(Event("control", {"session": session, "before": before}, KINEMATICS))
        for arm in message.arms:
            state = _name(TeleopState, arm.teleop_state)
            before = self._known.get(("pair", arm.name))
            if self._changed(("pair", arm.name), state):
                pair = {"arm": arm.name, "hand": arm.hand, "from": before, "to": state}
                found.append(Event("engagement", pair, OPERATOR))
        if self._due("commands", now):
            counts = {name: getattr(message, name) for name in COUNTERS}
            found.append(Event("link", {"of": "commands", "session": session, **counts}, KINEMATICS))
        return found

    def safety_state(self, message: Any) -> list[Event]:
        """The monitor's verdict (telesurgery/msg/SafetyState), as it was heard here."""
        before = self._known.get("safety", (None,))[0]
        state = _name(SafetyLevel, message.state)
        # The monitor's own chain tells of every alarm.
        if not self._changed("safety", (state, message.motion_permitted)):
            return []
        payload = {
            "observed": True,
            "from": before,
            "to": state,
            "permitted": message.motion_permitted,
            "permit_sequence": message.permit_sequence,
            "alarms": [{"id": alarm.id, "source": alarm.source, "latched": alarm.latched} for alarm in message.alarms],
            "reasons": list(message.arming_denied),
        }
        return [Event("state", payload, MONITOR)]

    def operating_state(self, arm: str, message: Any) -> list[Event]:
        """An arm's CRTK state (crtk_msgs/msg/OperatingState)."""
        state = {"state": message.state, "is_homed": message.is_homed, "is_busy": message.is_busy}
        if not self._changed(("arm", arm), state):
            return []
        return [Event("arm_state", {"arm": arm, **state}, DRIVER)]

    def servo_report(self, message: Any) -> list[Event]:
        """What an arm's gate did (telesurgery/msg/ServoReport): holds, and each limit when it no longer applies."""
        found = []
        arm = message.name
        holding = {"holding": message.holding, "hold_reason": message.hold_reason}
        if self._changed(("hold", arm), holding):
            found.append(Event("arm_state", {"arm": arm, **holding}, DRIVER))
        present = {}
        rows = zip(
            message.limit_reasons, message.limit_seconds, message.limit_amounts, message.limit_units, strict=False
        )
        for reason, seconds, amount, unit in rows:
            limit = self._limits.pop((arm, reason), {"seconds": 0.0, "amount": 0.0, "unit": unit})
            limit["seconds"] += float(seconds)
            limit["amount"] = max(limit["amount"], float(amount)) if amount == amount else limit["amount"]
            present[arm, reason] = limit
        over = [key for key in self._limits if key[0] == arm]
        for key in over:
            found.append(Event("limit", {"arm": arm, "reason": key[1], **self._limits.pop(key)}, DRIVER))
        self._limits.update(present)
        return found

    def protective_stop(self, now: float, message: Any) -> list[Event]:
        """Somebody asks for a stop (telesurgery/msg/StopRequest)."""
        key = (message.source, message.reason)
        last = self._stops.get(key)
        self._stops[key] = now
        if last is not None and now - last <= SAME_STOP:
            return []
        payload = {"observed": True, "source": message.source, "reason": message.reason}
        return [Event("stop_request", payload, message.source or "unknown")]

    def link_status(self, now: float, message: Any) -> list[Event]:
        """Quality of the link (telesurgery/msg/LinkStatus)."""
        if not self._changed("link level", message.level) and not self._due("link", now):
            return []
        self._link_told_at["link"] = now
        figures = {name: getattr(message, name) for name in LINK_FIELDS}
        return [Event("link", {"of": "link", "level": message.level, **figures}, "link")]

    def other_record(self, now: float, message: Any) -> list[Event]:
        """What the other site says of its record (telesurgery/msg/RecordStatus): its newest root is witnessed here."""
        root = bytes(message.root).hex()
        if not any(message.root) or not self._changed("witness", (message.session, root)):
            return []
        payload = {"site": message.site, **witness_payload(message.session, root, message.root_n)}
        return [Event("witness", payload, f"recorder of {message.site}")]

    def nodes(self, present: set[str]) -> list[Event]:
        """Nodes that are in the ROS graph now."""
        before: set[str] = self._known.get("nodes", set())
        self._known["nodes"] = present
        return [Event("node_left", {"node": node}, node) for node in sorted(before - present)]

    def _changed(self, key: Any, value: Any) -> bool:
        changed = key not in self._known or self._known[key] != value
        self._known[key] = value
        return changed

    def _due(self, key: str, now: float) -> bool:
        if now - self._link_told_at.setdefault(key, now) < LINK_EVERY:
            return False
        self._link_told_at[key] = now
        return True


def _name(kind: Any, value: int) -> str:
    try:
        return str(kind(value).name)
    except ValueError:
        return str(value)
