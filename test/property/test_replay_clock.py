"""Replay timing: nothing early, nothing twice, nothing lost, whatever is pressed while it plays."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from audit.replay_clock import FASTEST, MOST_AT_ONCE, SLOWEST, Item, Player, ReplayClock

BEGIN = 1_700_000_000_000_000_000
SPAN = 5_000_000_000
TIMES = st.lists(st.integers(BEGIN, BEGIN + SPAN), max_size=60).map(sorted)
RATES = st.sampled_from([SLOWEST, 0.25, 1.0, 3.0, 10.0, FASTEST])
SECONDS = st.floats(0.0, 2.0)


class Recorded:
    """A recording in memory; every fifth message is of a latched topic."""

    def __init__(self, times: list[int]) -> None:
        self.items = [
            Item(time, f"/latched{index % 2}" if index % 5 == 0 else "/plain", bytes([index]))
            for index, time in enumerate(times)
        ]

    def since(self, time: int) -> Iterator[Item]:
        return iter(self.items[bisect_left([item.time for item in self.items], time) :])

    def latched_before(self, time: int) -> Iterable[Item]:
        newest = {item.topic: item for item in self.items if item.time < time and item.topic != "/plain"}
        return newest.values()


def everything_due(player: Player, now: float) -> list[Item]:
    taken: list[Item] = []
    while part := player.due(now):
        assert len(part) <= MOST_AT_ONCE
        taken += part
    return taken


class Playing(RuleBasedStateMachine):
    """A person at the keys; the model knows only which part of the recording has been passed since the last seek."""

    @initialize(times=TIMES, rate=RATES)
    def begin(self, times: list[int], rate: float) -> None:
        self.recorded = Recorded(times)
        self.clock = ReplayClock(BEGIN, BEGIN + SPAN, rate)
        self.player = Player(self.recorded, self.clock)
        self.now = 100.0
        self.paused, self.rate = True, rate
        self.sought, self.at = BEGIN, float(BEGIN)
        self.got: list[Item] = []
        self.due_first: list[Item] = []

    @rule(seconds=SECONDS)
    def time_passes(self, seconds: float) -> None:
        self.now += seconds
        if not self.paused:
            self.at = min(self.at + seconds * self.rate * 1e9, BEGIN + SPAN)

    @rule()
    def run(self) -> None:
        self.clock.run(self.now)
        self.paused = False

    @rule()
    def pause(self) -> None:
        self.clock.pause(self.now)
        self.paused = True

    @rule(rate=RATES)
    def change_rate(self, rate: float) -> None:
        self.clock.set_rate(self.now, rate)
        self.rate = rate

    @rule(duration=st.integers(0, SPAN // 2))
    def step(self, duration: int) -> None:
        self.player.step(self.now, duration)
        self.paused = True
        self.at = min(self.at + duration, BEGIN + SPAN)

    @rule(position=st.integers(BEGIN - SPAN, BEGIN + 2 * SPAN))
    def seek(self, position: int) -> None:
        self.player.seek(self.now, position)
        self.sought = min(max(position, BEGIN), BEGIN + SPAN)
        self.at = float(self.sought)
        self.due_first = sorted(self.recorded.latched_before(self.sought), key=lambda item: item.time)
        self.got = []

    @invariant()
    def what_came_is_what_was_passed(self) -> None:
        if not hasattr(self, "player"):
            return
        self.got += everything_due(self.player, self.now)
        position = self.clock.position(self.now)
        assert abs(position - self.at) < 1e6, "the clock is where the model is, to a thousandth of a second"
        passed = [item for item in self.recorded.items if self.sought <= item.time <= position]
        assert self.got == [*self.due_first, *passed]
        assert self.player.behind(self.now) == 0.0
        if self.player.ended(self.now):
            assert position == BEGIN + SPAN


TestPlaying = Playing.TestCase


@given(st.floats())
def test_only_rates_within_the_limits_are_taken(rate: float) -> None:
    """What is not a number is refused like what is too slow or too fast; the rate stays what it was."""
    clock = ReplayClock(BEGIN, BEGIN + SPAN)
    if SLOWEST <= rate <= FASTEST:
        clock.set_rate(0.0, rate)
        assert clock.rate == rate
    else:
        with pytest.raises(ValueError, match="rate: "):
            clock.set_rate(0.0, rate)
        assert clock.rate == 1.0


def test_a_player_that_cannot_keep_up_says_how_late_it_is() -> None:
    """No more than a handful at once, and the delay is told; none is left out."""
    recorded = Recorded([BEGIN + 1_000_000 * index for index in range(3 * MOST_AT_ONCE)][:250])
    recorded.items *= 6
    recorded.items.sort(key=lambda item: item.time)
    clock = ReplayClock(BEGIN, BEGIN + SPAN)
    player = Player(recorded, clock)
    clock.run(10.0)
    first = player.due(14.0)
    assert len(first) == MOST_AT_ONCE
    assert player.behind(14.0) > 3.0
    assert len(first) + len(everything_due(player, 14.0)) == len(recorded.items)
    assert player.behind(14.0) == 0.0


def test_nothing_after_the_end_is_played() -> None:
    """What lies beyond the chosen duration stays out, and the replay ends when its time has come, not before."""
    clock = ReplayClock(BEGIN, BEGIN + 1_000_000_000)
    player = Player(Recorded([BEGIN + 500_000_000, BEGIN + 1_000_000_001]), clock)
    clock.run(10.0)
    assert len(everything_due(player, 10.9)) == 1
    assert not player.ended(10.9)
    assert everything_due(player, 20.0) == []
    assert player.ended(20.0)
