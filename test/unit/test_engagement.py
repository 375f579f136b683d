"""The engagement gesture is made where it is wanted, long enough, patiently, and never in a fault."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from teleop_console.engagement import PATIENCE, PRESS, SETTLED, GesturePerformer
from teleop_core.signals import SafetyLevel, TeleopState

TICK = 0.005
WAITING = (TeleopState.FOLLOWING, TeleopState.ALIGNING)
FOLLOWING = (TeleopState.FOLLOWING, TeleopState.FOLLOWING)
World = Callable[[float], tuple[bool, tuple[TeleopState, ...], SafetyLevel | None]]


def presses(world: World, duration: float) -> list[tuple[float, float]]:
    """Begin and end of every press in a world that gives own clutch, arms and safety state at a time."""
    performer = GesturePerformer()
    found: list[tuple[float, float]] = []
    since: float | None = None
    for tick in range(round(duration / TICK)):
        now = tick * TICK
        pressed = performer.clutch(now, *world(now))
        if pressed and since is None:
            since = now
        elif not pressed and since is not None:
            found.append((since, now))
            since = None
    return found if since is None else [*found, (since, duration)]


@pytest.mark.parametrize("safety", [SafetyLevel.READY, SafetyLevel.OPERATING, SafetyLevel.PAUSED])
def test_an_arm_that_waits_gets_a_press_and_after_some_patience_another(safety: SafetyLevel) -> None:
    """It is pressed once the arm has settled, released, and pressed again where the arm still waits."""
    (first, released), (second, _), *_ = presses(lambda _now: (False, WAITING, safety), 5.0)
    assert first == pytest.approx(SETTLED, abs=2 * TICK)
    assert released - first == pytest.approx(PRESS, abs=2 * TICK)
    assert second - released == pytest.approx(PATIENCE, abs=2 * TICK)


def test_one_press_is_enough_for_an_arm_that_follows() -> None:
    """Once it follows nothing is pressed any more."""
    assert len(presses(lambda now: (False, WAITING if now < 0.9 else FOLLOWING, SafetyLevel.OPERATING), 5.0)) == 1


@pytest.mark.parametrize(
    "safety", [SafetyLevel.SELF_TEST, SafetyLevel.HOLD, SafetyLevel.FAULT, SafetyLevel.PROTECTIVE_STOP, None]
)
def test_no_press_where_something_is_wrong_or_unknown(safety: SafetyLevel | None) -> None:
    """Never out of a fault, a stop or a hold, and not without knowing."""
    assert presses(lambda _now: (False, WAITING, safety), 5.0) == []


@pytest.mark.parametrize("arms", [FOLLOWING, (TeleopState.DISABLED,), (TeleopState.CLUTCHED,), ()])
def test_no_press_where_no_arm_waits(arms: tuple[TeleopState, ...]) -> None:
    """Following, disabled, clutched or unknown arms need none."""
    assert presses(lambda _now: (False, arms, SafetyLevel.OPERATING), 5.0) == []


def test_a_press_ends_at_once_when_a_fault_comes() -> None:
    """And the next one waits until a good state has settled again."""
    found = presses(lambda now: (False, WAITING, SafetyLevel.FAULT if 0.6 <= now < 3.0 else SafetyLevel.OPERATING), 4.5)
    assert found[0][1] == pytest.approx(0.6, abs=2 * TICK)
    assert found[1][0] == pytest.approx(3.0 + SETTLED, abs=2 * TICK)


def test_the_press_of_the_device_counts_as_the_gesture() -> None:
    """It is passed on, and no press of our own follows before the arm had its time."""
    found = presses(lambda now: (0.2 <= now < 0.8, WAITING, SafetyLevel.OPERATING), 2.5)
    assert found[0] == pytest.approx((0.2, 0.8), abs=2 * TICK)
    assert found[1][0] == pytest.approx(0.8 + PATIENCE, abs=2 * TICK)


def test_a_flickering_state_is_no_reason_to_press() -> None:
    """An arm that never waits for long enough at a time is left alone."""
    shortly = 0.8 * SETTLED
    assert presses(lambda now: (False, WAITING if now % 0.4 < shortly else FOLLOWING, SafetyLevel.OPERATING), 5.0) == []


@given(st.lists(st.tuples(st.booleans(), st.sampled_from(TeleopState), st.sampled_from(SafetyLevel)), max_size=60))
def test_never_pressed_by_itself_in_a_fault(steps: list[tuple[bool, TeleopState, SafetyLevel]]) -> None:
    """Whatever came before: in FAULT and PROTECTIVE_STOP the clutch is the device's own."""
    performer = GesturePerformer()
    for index, (own, arm, safety) in enumerate(steps):
        pressed = performer.clutch(0.2 * index, own, (arm,), safety)
        assert pressed or not own
        if safety in (SafetyLevel.FAULT, SafetyLevel.PROTECTIVE_STOP):
            assert pressed == own


def test_the_deadman_is_released_after_a_fault_and_nowhere_else() -> None:
    """The local team can reset, and an ordinary hold does not make the operator leave."""
    let_go = {level for level in SafetyLevel if not GesturePerformer.present(level)}
    assert let_go == {SafetyLevel.FAULT, SafetyLevel.PROTECTIVE_STOP}
    assert GesturePerformer.present(None)
