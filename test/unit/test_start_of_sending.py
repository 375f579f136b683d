"""A console begins to send when it is heard, and never stops by itself."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from teleop_console.start_of_sending import UNHEARD, StartOfSending


def test_sending_begins_at_once_when_the_patient_side_is_heard_and_listens() -> None:
    """Neither a listener nor a voice alone is enough."""
    start = StartOfSending()
    assert not start.update(0.0, listeners=0, heard=True)
    assert not start.update(0.1, listeners=1, heard=False)
    assert start.update(0.2, listeners=1, heard=True)


def test_a_mere_listener_has_to_stay_for_a_while() -> None:
    """One that goes away and comes back waits anew."""
    start = StartOfSending()
    assert not start.update(0.0, listeners=1, heard=False)
    assert not start.update(0.9 * UNHEARD, listeners=0, heard=False)
    assert not start.update(1.0 * UNHEARD, listeners=1, heard=False)
    assert not start.update(1.9 * UNHEARD, listeners=1, heard=False)
    assert start.update(2.0 * UNHEARD, listeners=1, heard=False)


@given(st.lists(st.tuples(st.floats(0.0, 2.0), st.integers(0, 2), st.booleans()), max_size=50))
def test_what_has_begun_goes_on(steps: list[tuple[float, int, bool]]) -> None:
    """Whatever becomes of listeners and voices, the answer changes at most once, and only with a listener."""
    start, now, before = StartOfSending(), 0.0, False
    for pause, listeners, heard in steps:
        now += pause
        after = start.update(now, listeners, heard)
        assert after or not before
        assert before or not after or listeners > 0
        before = after
