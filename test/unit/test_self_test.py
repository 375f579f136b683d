"""The self-test before READY: what it looks at, what it names, and the trip test of every arm."""

from __future__ import annotations

import dataclasses

import pytest

from safety_monitor.inputs import ArmHealth, Inputs, StreamHealth
from safety_monitor.self_test import LOOP_LATE, LOOP_STEPS, SelfTest

CONSOLE = StreamHealth("console", "command", 0.004)
SERVO = StreamHealth("commands of PSM1", "sole speaker", None)
TRIPPED = ArmHealth(ready=False, permitted=False, holding=True, permit_sequence=8)


def run(test: SelfTest, steps: int = LOOP_STEPS, lag: float = 0.01, **changes: object) -> tuple[str, ...]:
    """The failing items after some steps of the same inputs."""
    inputs = Inputs(streams=(CONSOLE, SERVO), arms={"PSM1": TRIPPED}, loop_lag=lag)
    failing: tuple[str, ...] = ()
    for _ in range(steps):
        failing = test.step(dataclasses.replace(inputs, **changes))
    return failing


def test_it_passes_when_everything_is_in_order_and_measured() -> None:
    """Fifty steps in time, one speaker each, every arm tripped: nothing fails; one step fewer is not enough."""
    test = SelfTest(7)
    assert run(test, LOOP_STEPS - 1) == ("loop timing is still being measured",)
    assert run(test, 1) == ()


@pytest.mark.parametrize(
    ("stream", "item"),
    [
        (dataclasses.replace(CONSOLE, age=None), "console (command) has not been heard"),
        (dataclasses.replace(CONSOLE, publishers=0), "console (command) has 0 speakers instead of one"),
        (dataclasses.replace(CONSOLE, publishers=2), "console (command) has 2 speakers instead of one"),
        (dataclasses.replace(CONSOLE, qos_mismatch=True), "console (command) offers the wrong quality of service"),
        (dataclasses.replace(SERVO, publishers=0), "commands of PSM1 (sole speaker) has 0 speakers instead of one"),
        (dataclasses.replace(SERVO, qos_mismatch=True),
         "commands of PSM1 (sole speaker) offers the wrong quality of service"),
    ],
)  # fmt: skip
def test_a_stream_that_is_not_as_expected_is_named(stream: StreamHealth, item: str) -> None:
    """Never heard, not exactly one speaker, wrong quality of service."""
    assert run(SelfTest(7), streams=(stream,)) == (item,)


@pytest.mark.parametrize(
    ("arm", "item"),
    [
        ({"permit_sequence": 7}, "PSM1 does not report that it hears this monitor"),
        ({"permit_sequence": 0}, "PSM1 does not report that it hears this monitor"),
        ({"permitted": True}, "PSM1 does not report HOLD while the permit is withheld"),
        ({"permitted": None}, "PSM1 does not report HOLD while the permit is withheld"),
        ({"holding": False}, "PSM1 does not report HOLD while the permit is withheld"),
    ],
)
def test_an_arm_that_does_not_trip_is_named(arm: dict[str, object], item: str) -> None:
    """It has to answer a permit message numbered after the beginning, withheld and holding."""
    assert run(SelfTest(7), arms={"PSM1": dataclasses.replace(TRIPPED, **arm)}) == (item,)


def test_a_late_loop_fails_until_it_was_in_time_for_long_enough() -> None:
    """One late step is named, and forgotten fifty steps later; a lag at the bound is in time, NaN is not."""
    test = SelfTest(7)
    assert run(test, lag=LOOP_LATE) == ()
    assert run(test, 1, lag=0.031) == ("a loop of the monitor took 31 ms",)
    assert run(test, LOOP_STEPS - 1) == ("a loop of the monitor took 31 ms",)
    assert run(test, 1) == ()
    assert run(test, 1, lag=float("nan")) != ()


def test_all_items_are_named_at_once() -> None:
    """Nobody has to mend one thing to learn of the next."""
    failing = run(SelfTest(8), 1, streams=(dataclasses.replace(CONSOLE, age=None),))
    assert failing == (
        "console (command) has not been heard",
        "loop timing is still being measured",
        "PSM1 does not report that it hears this monitor",
    )
