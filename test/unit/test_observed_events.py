"""What the messages of a session mean for its audit log."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

from audit.observed_events import LINK_EVERY, ObservedEvents
from audit.witness import witness_payload
from teleop_core.signals import SafetyLevel, TeleopState

SESSION = 2**63 + 12345


def command(**fields: Any) -> SimpleNamespace:
    usual = {"session": SESSION, "operator_present": True, "clutch": False, "camera": False}
    return SimpleNamespace(**{**usual, "clutch_epoch": 0, "motion_scale": 0.2, **fields})


def feedback(session: int, *states: TeleopState) -> SimpleNamespace:
    arms = [SimpleNamespace(name=f"PSM{n}", hand="MTMR", teleop_state=int(s)) for n, s in enumerate(states, start=1)]
    counters = dict.fromkeys(
        ("accepted", "stale", "duplicate", "reordered", "malformed", "foreign", "unauthenticated"), 7
    )
    return SimpleNamespace(session=session, arms=arms, **counters)


def report(**fields: Any) -> SimpleNamespace:
    usual = {"limit_reasons": [], "limit_seconds": [], "limit_amounts": [], "limit_units": []}
    return SimpleNamespace(**{"name": "PSM1", "holding": False, "hold_reason": "", **usual, **fields})


def told(events: Any) -> list[tuple[str, dict[str, Any]]]:
    return [(event.type, event.payload) for event in events]


def test_hands_and_feet_are_told_when_they_change() -> None:
    """Once for the first command, then only what changes; sessions are text, as they are long."""
    observed, session = ObservedEvents(), str(SESSION)
    assert told(observed.command(command())) == [
        ("engagement", {"operator_present": True, "session": session}),
        ("clutch", {"pedal": "clutch", "pressed": False, "epoch": 0, "session": session}),
        ("clutch", {"pedal": "camera", "pressed": False, "session": session}),
        ("scale", {"motion_scale": 0.2, "session": session}),
    ]
    assert observed.command(command()) == []
    pressed = {"pedal": "clutch", "pressed": True, "epoch": 1, "session": session}
    assert told(observed.command(command(clutch=True, clutch_epoch=1))) == [("clutch", pressed)]
    assert told(observed.command(command(clutch=True, clutch_epoch=1, motion_scale=0.5))) == [
        ("scale", {"motion_scale": 0.5, "session": session})
    ]


def test_a_press_between_two_messages_is_not_missed() -> None:
    """The pedal is up in both, the epoch has risen."""
    observed = ObservedEvents()
    observed.command(command())
    ((type, payload),) = told(observed.command(command(clutch_epoch=1)))
    assert (type, payload["epoch"], payload["pressed"]) == ("clutch", 1, False)


def test_who_is_in_control_and_who_follows() -> None:
    """A new session takes control; each pair of hand and arm with its states before and after."""
    observed = ObservedEvents()
    observed.feedback(0.0, feedback(0, TeleopState.DISABLED))
    events = told(observed.feedback(0.1, feedback(SESSION, TeleopState.FOLLOWING)))
    assert events == [
        ("control", {"session": str(SESSION), "before": "0"}),
        ("engagement", {"arm": "PSM1", "hand": "MTMR", "from": "DISABLED", "to": "FOLLOWING"}),
    ]
    assert observed.feedback(0.2, feedback(SESSION, TeleopState.FOLLOWING)) == []
    ((type, payload),) = told(observed.feedback(LINK_EVERY, feedback(SESSION, TeleopState.FOLLOWING)))
    assert (type, payload["of"], payload["stale"]) == ("link", "commands", 7)


def test_a_state_that_is_unknown_is_a_number() -> None:
    """A newer sender does not end the record."""
    observed = ObservedEvents()
    events = observed.feedback(0.0, SimpleNamespace(**{**vars(feedback(1)), "arms": [_arm(99)]}))
    assert events[-1].payload["to"] == "99"


def _arm(state: int) -> SimpleNamespace:
    return SimpleNamespace(name="PSM1", hand="MTML", teleop_state=state)


def test_transitions_are_told_with_their_alarms() -> None:
    """The state or the permit changes; that alarms change alone is the monitor's to tell."""
    alarm = SimpleNamespace(id="VIDEO_OLD", source="left eye", latched=False)

    def state(value: SafetyLevel, permitted: bool, *alarms: Any) -> SimpleNamespace:
        return SimpleNamespace(
            state=int(value), motion_permitted=permitted, permit_sequence=5, alarms=alarms, arming_denied=["why"]
        )

    observed = ObservedEvents()
    observed.safety_state(state(SafetyLevel.OPERATING, True))
    assert observed.safety_state(state(SafetyLevel.OPERATING, True, alarm)) == []
    ((type, payload),) = told(observed.safety_state(state(SafetyLevel.HOLD, False, alarm)))
    assert (type, payload["from"], payload["to"], payload["permitted"]) == ("state", "OPERATING", "HOLD", False)
    assert payload["alarms"] == [{"id": "VIDEO_OLD", "source": "left eye", "latched": False}]
    assert payload["observed"] is True


def test_a_limit_is_told_with_its_length_and_largest_amount_when_it_is_over() -> None:
    """Reports of one limit in a row are one; an amount that is none does not count."""
    observed = ObservedEvents()
    observed.servo_report(report())
    rows = {"limit_reasons": ["tool speed"], "limit_seconds": [0.1], "limit_units": ["m/s"]}
    for amount in (0.02, math.nan, 0.05):
        assert observed.servo_report(report(**rows, limit_amounts=[amount])) == []
    ((type, payload),) = told(observed.servo_report(report()))
    assert type == "limit"
    assert payload == {
        "arm": "PSM1",
        "reason": "tool speed",
        "seconds": 0.1 + 0.1 + 0.1,
        "amount": 0.05,
        "unit": "m/s",
    }
    assert observed.servo_report(report()) == []


def test_holds_and_states_of_an_arm() -> None:
    """What the gate does and what CRTK says, each when it changes."""
    observed = ObservedEvents()
    observed.servo_report(report())
    held = told(observed.servo_report(report(holding=True, hold_reason="no permit")))
    assert held == [("arm_state", {"arm": "PSM1", "holding": True, "hold_reason": "no permit"})]
    enabled = SimpleNamespace(state="ENABLED", is_homed=True, is_busy=False)
    assert told(observed.operating_state("PSM1", enabled)) == [
        ("arm_state", {"arm": "PSM1", "state": "ENABLED", "is_homed": True, "is_busy": False})
    ]
    assert observed.operating_state("PSM1", enabled) == []


def test_a_stop_that_is_repeated_is_one() -> None:
    """Until it has not been heard for a while; another reason is another stop."""
    observed = ObservedEvents()
    stop = SimpleNamespace(source="nurse", reason="smoke")
    assert [event.actor for event in observed.protective_stop(0.0, stop)] == ["nurse"]
    assert not any(observed.protective_stop(0.1 * turn, stop) for turn in range(1, 50))
    assert observed.protective_stop(5.0, SimpleNamespace(source="nurse", reason="fire"))
    assert observed.protective_stop(20.0, stop)


def test_the_link_is_told_when_its_level_changes_and_now_and_then() -> None:
    """Not ten times a second."""
    fields = dict.fromkeys(
        ("rtt", "jitter", "one_way_up", "one_way_down", "clock_error", "loss_up", "loss_down", "bitrate"), 0.1
    )
    observed = ObservedEvents()
    times = [now for now in range(40) if observed.link_status(float(now), SimpleNamespace(level=0, **fields))]
    assert times == [0, 10, 20, 30]
    assert observed.link_status(31.0, SimpleNamespace(level=2, **fields))[0].payload["level"] == 2


def test_the_root_of_the_other_site_is_witnessed_once() -> None:
    """Zeros say nothing; each new root is written down as the verification reads it."""
    observed = ObservedEvents()

    def status(root: bytes, n: int) -> SimpleNamespace:
        return SimpleNamespace(site="console", session="ab" * 16, root=list(root), root_n=n)

    assert observed.other_record(0.0, status(bytes(32), 0)) == []
    ((type, payload),) = told(observed.other_record(0.1, status(b"\1" * 32, 4)))
    assert (type, payload) == ("witness", {"site": "console", **witness_payload("ab" * 16, "01" * 32, 4)})
    assert observed.other_record(0.2, status(b"\1" * 32, 4)) == []


def test_nodes_that_leave_are_told() -> None:
    """Who comes shows by its parameters."""
    observed = ObservedEvents()
    assert observed.nodes({"driver", "kinematics"}) == []
    assert told(observed.nodes({"driver"})) == [("node_left", {"node": "kinematics"})]
    assert observed.nodes({"driver"}) == []
