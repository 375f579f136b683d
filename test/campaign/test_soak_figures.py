"""What a soak counts: on constructed rows, as a healthy suite gives it nothing to count."""

from __future__ import annotations

import pytest

from campaign.soak_figures import SoakWatch, growth

OPERATING, HOLD = 2, 3
COUNTERS: dict[str, int] = {}


def following() -> SoakWatch:
    """A watch over a session in which both arms follow."""
    watch = SoakWatch()
    watch.add(["s", 1.0, OPERATING, True, []])
    watch.add(["f", 2.0, [2, 2], [], COUNTERS])
    return watch


def test_what_happens_before_the_arms_follow_does_not_count() -> None:
    """Start-up holds, misses and is late."""
    watch = SoakWatch()
    watch.add(["s", 1.0, OPERATING, True, []])
    watch.add(["s", 1.1, HOLD, False, [["VIDEO_STALE", "left eye", 2, False]]])
    watch.add(["m", 1.2, 0.3, 0])
    assert (watch.holds, watch.permits_late, watch.began) == ([], 0, None)


def test_a_hold_is_counted_once_with_everything_that_was_seen() -> None:
    """State, pairs and gates that let go together are one event; the next one a while later is another."""
    watch = following()
    watch.add(["s", 10.0, HOLD, False, [["VIDEO_STALE", "left eye", 2, False]]])
    watch.add(["f", 10.01, [1, 1], [], COUNTERS])
    watch.add(["s", 12.0, OPERATING, True, []])
    watch.add(["s", 20.0, HOLD, False, []])
    assert [hold["since_start_s"] for hold in watch.holds] == [8.0, 18.0]
    assert watch.holds[0]["seen"] == ["HOLD: VIDEO_STALE", "kinematics let go"]
    assert watch.alarms == {"VIDEO_STALE": 1}


def test_a_gate_that_holds_while_its_hand_follows_is_a_hold() -> None:
    """Told once for as long as it lasts; with a pressed clutch it is in order."""
    watch = following()
    watch.add(["g", 10.0, "PSM1", "permit not renewed", {}, {}])
    watch.add(["g", 10.1, "PSM1", "permit not renewed", {}, {}])
    assert len(watch.holds) == 1
    watch.add(["f", 20.0, [3, 3], [], COUNTERS])
    watch.add(["g", 20.0, "PSM2", "no commands", {}, {}])
    assert len(watch.holds) == 1


def test_the_clutch_is_no_hold() -> None:
    """FOLLOWING and CLUTCHED are both engaged."""
    watch = following()
    watch.add(["f", 3.0, [3, 3], [], COUNTERS])
    watch.add(["f", 4.0, [2, 2], [], COUNTERS])
    assert watch.holds == []


def test_missed_permits_are_counted() -> None:
    """Late ones, and numbers that never came."""
    watch = following()
    watch.add(["m", 3.0, 0.12, 0])
    watch.add(["m", 4.0, 0.03, 2])
    assert (watch.permits_late, watch.permits_left_out) == (1, 2)


def test_the_end_of_the_session_is_no_hold() -> None:
    """When the session is being stopped the arms are let go."""
    watch = following()
    watch.end()
    watch.add(["s", 10.0, HOLD, False, []])
    assert watch.holds == []


def test_growth_counts_from_the_warm_up() -> None:
    """What is taken at the start does not count; what goes on growing does; one peak does not."""
    assert growth([10.0] * 20 + [100.0] * 80) == 0.0
    assert growth([100.0 + number for number in range(100)]) == pytest.approx(0.588, abs=0.02)
    steady = [100.0] * 100
    steady[-1] = 500.0
    assert growth(steady) == 0.0
    assert growth([100.0]) == 0.0
