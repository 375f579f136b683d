"""A client that servoes an arm and its jaw at once, as one that replays a recording does."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

PERIOD = 0.005


@pytest.mark.parametrize("every", [2, 3, 4])
def test_a_stream_carries_the_jaw_and_is_not_disturbed_by_it(serve: Any, every: int) -> None:
    """At 50 to 100 Hz each command of the arm is applied whole, and the jaw follows; nothing is refused or limited."""
    served = serve("PSM1")
    start, jaw, count = np.array(served.q), served.arm.jaw_setpoint, 200
    seconds = every * PERIOD
    step = np.array([0.1, 0.0, 0.0, 0.0, 0.2, 0.0])
    for index in range(1, count + 1):
        share = 0.5 - 0.5 * np.cos(np.pi * index / count)
        served.control.servo_jaw(served.now, jaw + 0.4 * share)
        served.control.servo_jp(served.now, start + share * step, served.now - 0.0005)
        assert served.q == pytest.approx(start + share * step, abs=1e-12)
        served.run(seconds)
    assert served.told == []
    assert served.arm.jaw_setpoint == pytest.approx(jaw + 0.4, abs=0.01)


def test_a_jaw_moves_on_when_the_stream_of_its_arm_ends(serve: Any) -> None:
    """An arm that stands lets its jaw move in every servo period."""
    served = serve("PSM1")
    served.control.servo_jp(served.now, served.q, served.now)
    served.control.move_jaw(served.now, 0.8)
    served.run(0.1)
    turned = [served.arm.jaw_setpoint]
    while served.arm.operating.is_busy:
        served.run(PERIOD)
        turned.append(served.arm.jaw_setpoint)
    assert turned[-1] == pytest.approx(0.8, abs=1e-6)
    assert len(turned) > 20
    assert min(np.diff(turned)[:-2]) > 0.0
