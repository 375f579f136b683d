"""What is told of a pedal: pressed, released, and a quick tap in between."""

from __future__ import annotations

import pytest

from teleop_console.pedal_taps import QUICK, PedalTaps


def test_the_state_at_the_start_is_told_once() -> None:
    """Whoever listens knows it from then on."""
    assert PedalTaps().update(5.0, False) == (0,)
    pedal = PedalTaps()
    assert pedal.update(5.0, True) == (1,)
    assert pedal.update(5.1, True) == ()


@pytest.mark.parametrize(("held", "told"), [(0.5 * QUICK, (2, 0)), (QUICK, (0,)), (1.0, (0,))])
def test_a_short_press_is_a_tap(held: float, told: tuple[int, ...]) -> None:
    """The tap is told before the release: what remains is that the pedal is up."""
    pedal = PedalTaps()
    pedal.update(0.0, False)
    assert pedal.update(8.0, True) == (1,)
    assert pedal.update(8.0 + 0.25 * held, True) == ()
    assert pedal.update(8.0 + held, False) == told
    assert pedal.update(9.5, False) == ()
