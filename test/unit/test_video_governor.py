"""Properties of the rate governor: rate, share, minimum rate, no bursts."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from video_relay.governor import RateGovernor

RATES = st.floats(1.0, 60.0)
SHARES = st.floats(0.05, 1.0)
WORK = st.lists(st.tuples(st.floats(0.0, 0.5), st.floats(0.0, 0.3), st.floats(0.0, 0.05)), min_size=2, max_size=60)


def run(governor: RateGovernor, work: list[tuple[float, float, float]]) -> list[tuple[float, float, float]]:
    """Start, end and busy time of each frame; work: duration [s], part of it busy as time [s], scheduling delay [s]."""
    now, frames = 100.0, []
    for duration, busy, lateness in work:
        now += governor.delay(now) + lateness
        started, now = now, now + duration
        governor.finished(started, now, busy)
        frames.append((started, now, busy))
    return frames


@given(RATES, SHARES, st.floats(1.0, 60.0), WORK)
def test_never_two_frames_in_a_burst(rate: float, share: float, minimum_rate: float, work: list) -> None:
    """Whatever a frame took and however late it was, the next starts at least 0.8 of the shortest period after it."""
    frames = run(RateGovernor(rate, share, minimum_rate), work)
    for before, after in pairwise(frames):
        assert after[0] - before[0] >= 0.8 / rate - 1e-9
        assert after[0] >= before[1]


@given(RATES, SHARES, WORK)
def test_share_holds_over_every_run(rate: float, share: float, work: list) -> None:
    """Without a minimum rate to keep, the busy time of all frames but the last fits the share of the time passed."""
    frames = run(RateGovernor(rate, share, 1e-3), [(max(d, b), b, late) for d, b, late in work])
    passed = frames[-1][0] - frames[0][0]
    slack = max(busy for _, _, busy in frames) / share + 0.1  # one frame's lateness, and its earlier successor
    assert sum(busy for _, _, busy in frames[:-1]) <= share * (passed + slack) + 1e-9


@given(SHARES, st.floats(2.0, 12.0), st.floats(0.001, 0.05))
def test_minimum_rate_is_kept_beyond_the_share(share: float, minimum_rate: float, duration: float) -> None:
    """However dear the frames are, as long as they can be made in time the rate stays at or above the minimum."""
    governor = RateGovernor(30.0, share, minimum_rate)
    frames = run(governor, [(duration, 10.0, 0.0)] * 40)
    rate = (len(frames) - 1) / (frames[-1][0] - frames[0][0])
    assert rate >= min(minimum_rate, 30.0) * (1.0 - 1e-6)


@given(RATES, st.lists(st.floats(0.0, 0.9), min_size=100, max_size=100))
def test_lateness_does_not_add_up(rate: float, lateness: list[float]) -> None:
    """Starts that the scheduler delays by less than a period do not lower the rate over a hundred cheap frames."""
    frames = run(RateGovernor(rate, 1.0, 1.0), [(0.0, 0.0, late * 0.2 / rate) for late in lateness])
    assert (frames[-1][0] - frames[0][0]) * rate == pytest.approx(99.0, abs=0.5)


@given(RATES, st.floats(1.0, 10.0))
def test_overlong_frame_is_followed_at_once(rate: float, periods: float) -> None:
    """A frame that took longer than its period leaves no wait, and counts the frames that were left out."""
    governor = RateGovernor(rate, 1.0, 1.0)
    governor.finished(0.0, periods / rate, 0.0)
    assert governor.delay(periods / rate) == pytest.approx(0.0, abs=1e-9)
    governor.finished(periods / rate, periods / rate, 0.0)
    assert abs(governor.missed - (periods - 1.0)) <= 0.5 + 1e-9


@given(RATES, st.floats(1.0, 20.0))
def test_nothing_is_caught_up(rate: float, periods: float) -> None:
    """After an overlong frame the next one comes at once and all others at the rate: none is made up for."""
    frames = run(RateGovernor(rate, 1.0, 1.0), [(periods / rate, 0.0, 0.0)] + [(0.0, 0.0, 0.0)] * 20)
    assert frames[-1][0] - frames[0][1] == pytest.approx(19.0 / rate)


def test_interruption_counts_no_missed_frames() -> None:
    """After a restart the first frame is due at once, and the time in between is not counted as dropped frames."""
    governor = RateGovernor(10.0, 1.0, 1.0)
    governor.finished(0.0, 0.01, 0.0)
    governor.restart()
    assert governor.delay(0.02) == 0.0
    governor.finished(60.0, 60.01, 0.0)
    assert governor.missed == 0


@pytest.mark.parametrize(
    ("field", "values"),
    [("rate", (math.nan, 0.4, 6.0)), ("share", (12.0, math.nan, 6.0)), ("share", (12.0, 1.1, 6.0)),
     ("share", (12.0, 0.0, 6.0)), ("minimum_rate", (12.0, 0.4, -1.0)), ("rate", (0.0, 0.4, 6.0))],
)  # fmt: skip
def test_refuses_unusable_limits(field: str, values: tuple[float, float, float]) -> None:
    """A limit that is not a number or out of range is refused by name."""
    with pytest.raises(ValueError, match=field):
        RateGovernor(*values)
