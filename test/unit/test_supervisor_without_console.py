"""The safety monitor in a session that CRTK clients drive: no console is waited for, and none may speak."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

from safety_monitor.conditions import present_causes
from safety_monitor.inputs import ArmHealth, Inputs, StreamHealth
from safety_monitor.supervisor import Supervisor, Verdict
from teleop_core.profiles import read_profile
from teleop_core.signals import SafetyLevel

LAN = read_profile(Path(__file__).parents[2] / "config/profiles/lan.yaml")
CONSOLE = StreamHealth("console", "no speaker", None, 0)
STREAMS = (
    StreamHealth("PSM1", "driver", 0.008),
    StreamHealth("left eye", "video", 0.1),
    CONSOLE,
    StreamHealth("kinematics", "no speaker", None, 0),
)


class Session:
    """A supervisor without a console, and an arm whose gate takes every permit."""

    def __init__(self, **changes: Any) -> None:
        self.supervisor = Supervisor(LAN)
        self.now = 10.0
        self.arm = ArmHealth(ready=True, permitted=False, holding=True)
        self.usual = {"streams": STREAMS, "console_expected": False, "loop_lag": 0.01, **changes}

    def step(self, seconds: float = 0.01, **changes: Any) -> Verdict:
        """Steps of 10 ms with changed inputs; the verdict of the last one."""
        of_arm = changes.pop("arm", {})
        for _ in range(max(1, round(seconds / 0.01))):
            self.now += 0.01
            arms = {"PSM1": dataclasses.replace(self.arm, **of_arm)}
            verdict = self.supervisor.step(self.now, Inputs(**{**self.usual, "arms": arms, **changes}))
            self.arm = dataclasses.replace(
                self.arm,
                permitted=verdict.permitted,
                holding=not verdict.permitted,
                permit_sequence=verdict.permit_sequence,
            )
        return verdict


def permitted() -> Session:
    """A session in which clients may move the arm."""
    session = Session()
    assert session.step(1.0).permitted
    return session


def with_console_speaking() -> tuple[StreamHealth, ...]:
    return tuple(dataclasses.replace(stream, publishers=1) if stream is CONSOLE else stream for stream in STREAMS)


def test_motion_is_permitted_while_all_is_well() -> None:
    """No operator is waited for; everything else still stops."""
    assert not permitted().step(arm={"ready": False}).permitted
    assert not permitted().step(eyes_swapped=("left",)).permitted


def test_a_pause_needs_the_local_reset() -> None:
    """Nobody is there to press the clutch, and a pause does not end by itself."""
    session = permitted()
    assert session.step(eyes_unchanged={"left": 10.0}).state is SafetyLevel.PAUSED
    assert session.step(2.0).state is SafetyLevel.PAUSED
    assert session.step(0.5, clutch=True).state is SafetyLevel.PAUSED
    assert session.step(reset_requested=True).reset_refusal == ""
    assert session.step(1.0).permitted


def test_a_pause_with_a_console_is_not_the_local_teams() -> None:
    """There a reset changes nothing: the operator decides when to go on."""
    console = StreamHealth("console", "command", 0.004)
    session = Session(streams=(*STREAMS[:2], console), console_expected=True, operator_present=True)
    assert session.step(1.0).permitted
    session.step(eyes_unchanged={"left": 10.0})
    assert session.step(reset_requested=True).reset_refusal == "nothing to reset"


def test_a_console_that_speaks_holds_the_arms() -> None:
    """It would drive arms that a CRTK client drives; the hold ends with it."""
    session = permitted()
    assert session.step(0.1, streams=with_console_speaking()).permitted
    told = session.step(0.2, streams=with_console_speaking())
    assert [(alarm.id, alarm.source) for alarm in told.alarms] == [("UNEXPECTED_PUBLISHER", "console")]
    inputs = Inputs(streams=with_console_speaking(), console_expected=False)
    assert present_causes(inputs, LAN, True) == {("UNEXPECTED_PUBLISHER", "console"): ""}
    assert told.state is SafetyLevel.HOLD
    assert session.step(1.0).permitted


def test_a_console_that_speaks_fails_the_self_test() -> None:
    """The session does not begin while it does."""
    told = Session().step(1.0, streams=with_console_speaking())
    assert told.state is SafetyLevel.SELF_TEST
    assert "self-test: console speaks in a session without a console" in told.arming_denied
