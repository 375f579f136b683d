"""The adaptive jitter buffer: targets that come at a low, irregular rate are played as one smooth curve, a bit later.

Delay. A target can be late but never early, so the smallest (arrival - stamp) of the last ten seconds is the offset of
the two clocks with the shortest transit in it; it forgets, so a clock that drifts does no harm. What each target needs
is its transit and one and a half times the gap to the target before it: with that much delay its part of the curve is
known when it is played. The delay is the 90 % quantile of the last hundred needs, so it covers jitter, loss and the
sender's rate alike. It grows fast, by half a second per second, and shrinks slowly, by a twentieth; 20 to 250 ms. To
change it the curve is played slower or faster: time never runs backwards or leaps.

Curve. From the middle between two targets to the middle between the next two, with the speed from target to target
there: for targets at a steady rate a quadratic B-spline, which has a continuous speed and never leaves the targets'
hull. Where the next target is not there in time the curve comes to rest at the newest one in 60 ms, and passes it
meanwhile by no more than it goes in 9 ms. When more comes it goes on from its present place and speed.

What is not played. A target that was there already (duplicate), one that was overtaken and whose part of the curve is
laid down, and one that was longer on its way than the longest delay (late). One that was overtaken and is still to come
is put in its place (reordered). After a gap of a quarter of a second all before is forgotten: the newest target is the
first of a new curve. A stamp of zero counts as one with the shortest transit. Stamps that leap ahead, or targets that
are late one after the other for a quarter of a second while their stamps go on, are another clock: a new curve, a new
offset.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from teleop_core.clock_alignment import SlidingMinimum

SHORTEST, LONGEST = 0.02, 0.25
"""Bounds of the delay [s]."""
FIRST = 0.06
"""Delay of a stream that nothing is known of [s]."""
QUANTILE = 0.9
REMEMBERED = 100
SPARE = 0.005
"""The curve is looked at once in a servo period [s]."""
GROWS, SHRINKS = 0.5, 0.05
"""How fast the delay changes [s/s]."""
OUTAGE = 0.25
"""A gap as long as this ends a curve [s]."""
MEMORY = 10.0
"""How long the shortest transit is remembered [s]."""
STOP_TIME = 0.06
"""A curve that runs dry comes to rest in this time at least [s]."""
LEAST_SPAN = 0.25
"""A curve does not bend towards a middle that is nearer than this share of its gap."""

Values = tuple[float, ...]


@dataclass
class PlayoutCounts:
    """What became of the targets since the start.

    Attributes:
        played: Put on the curve; those reordered too.
        duplicate: There already.
        reordered: Overtaken, and put in their place.
        late: Too long on their way, or overtaken and their part of the curve laid down.
        dry: How often a curve came to rest because the next target was not there.
        outages: How often a new curve began after a gap.
        clocks: How many clocks the stamps came from; the first counts.
    """

    played: int = 0
    duplicate: int = 0
    reordered: int = 0
    late: int = 0
    dry: int = 0
    outages: int = 0
    clocks: int = 0


@dataclass(frozen=True)
class _Span:
    """Part of the curve, on the sender's clock; `rest` where it ends at the newest target."""

    begin: float
    place: Values
    speed: Values
    end: float
    end_place: Values
    end_speed: Values
    rest: bool

    def at(self, time: float) -> tuple[Values, Values]:
        """Place and speed, by the cubic that both ends define."""
        length = self.end - self.begin
        if not 0.0 < length < math.inf or time >= self.end:
            return self.end_place, self.end_speed
        u = (time - self.begin) / length
        h01 = u * u * (3.0 - 2.0 * u)
        h10, h11 = u * (1.0 - u) * (1.0 - u), u * u * (u - 1.0)
        d01, d10, d11 = 6.0 * u * (1.0 - u), (1.0 - u) * (1.0 - 3.0 * u), u * (3.0 * u - 2.0)
        places, speeds = [], []
        for p, v, q, w in zip(self.place, self.speed, self.end_place, self.end_speed, strict=True):
            places.append(p + h01 * (q - p) + length * (h10 * v + h11 * w))
            speeds.append(d01 * (q - p) / length + d10 * v + d11 * w)
        return tuple(places), tuple(speeds)


class DelayEstimate:
    """How much later than its stamp a target is played, on the receiver's clock.

    Attributes:
        offset: Present difference between the receiver's clock and the curve's time [s].
    """

    def __init__(self, now: float, stamp: float) -> None:
        """Begin with the first target of a clock."""
        self._transit = SlidingMinimum(MEMORY)
        self._transit.add(now, now - stamp)
        self._needs: deque[float] = deque(maxlen=REMEMBERED)
        self._wanted = FIRST + now - stamp
        self.offset = self._wanted

    @property
    def shortest(self) -> float:
        """Offset of the clocks and shortest transit [s]."""
        return self._transit.value

    @property
    def delay(self) -> float:
        """Part of the offset that is not the shortest transit [s]."""
        return self.offset - self._transit.value

    def excess(self, now: float, stamp: float) -> float:
        """How much longer than the shortest a target was on its way [s]; negative for a new shortest."""
        return now - stamp - self._transit.value

    def learn(self, now: float, stamp: float, gap: float | None) -> None:
        """Take in a target and the gap between its stamp and the one before [s]; None after an outage."""
        self._transit.add(now, now - stamp)
        if gap is not None:
            self._needs.append(now - stamp + 1.5 * gap)
        if self._needs:
            need = SPARE + sorted(self._needs)[min(len(self._needs) - 1, int(QUANTILE * len(self._needs)))]
            base = self._transit.value
            self._wanted = base + min(LONGEST, max(SHORTEST, need - base))

    def pass_time(self, elapsed: float) -> None:
        """Move towards what is wanted."""
        change = self._wanted - self.offset
        self.offset += min(GROWS * elapsed, max(-SHRINKS * elapsed, change))


class Playout:
    """One stream of targets.

    Attributes:
        counts: What became of the targets.
        newest: The target with the newest stamp; empty before the first.
    """

    def __init__(self) -> None:
        """Nothing has come."""
        self.counts = PlayoutCounts()
        self.newest: Values = ()
        self._knots: list[tuple[float, Values]] = []
        self._estimate = DelayEstimate(0.0, 0.0)
        self._arrived_at = self._at = self._time = -math.inf
        self._span: _Span | None = None
        self._refused_since, self._refused_stamp = math.inf, -math.inf

    @property
    def curves(self) -> int:
        """How many curves have begun: a new one does not begin where the one before ended."""
        return self.counts.outages + self.counts.clocks

    @property
    def delay(self) -> float:
        """How much later than after the shortest transit targets are played [s]."""
        return self._estimate.delay

    def silent(self, now: float) -> float:
        """Time since a target was put on the curve [s]."""
        return now - self._arrived_at

    def take(self, now: float, stamp: float, target: Sequence[float]) -> bool:
        """Take a target.

        Args:
            now: Monotonic time of its arrival [s].
            stamp: Its stamp on the sender's clock [s]; 0 where it has none.
            target: Its finite values, as many as those before.

        Returns:
            False if it is not played.
        """
        values = tuple(target)
        if stamp == 0.0:
            stamp = now - (self._estimate.shortest if self._knots else 0.0)
        if not self._knots:
            return self._begin(now, stamp, values, DelayEstimate(now, stamp))
        newest = self._knots[-1][0]
        excess = self._estimate.excess(now, stamp)
        if excess < -OUTAGE:
            return self._begin(now, stamp, values, DelayEstimate(now, stamp))
        if any(stamp == known for known, _values in self._knots):
            self.counts.duplicate += 1
            return False
        overtaken = stamp < newest and stamp <= self._used()
        if overtaken or excess > LONGEST:
            return self._late(now, stamp, values)
        self._refused_since = math.inf
        if self.silent(now) > OUTAGE or stamp - newest > OUTAGE:
            self._estimate.learn(now, stamp, None)
            return self._begin(now, stamp, values, None)
        self._insert(now, stamp, values, newest)
        return True

    def at(self, now: float) -> Values:
        """Place on the curve at `now` [s]; where it was if the clock ran backwards. Needs a target."""
        elapsed = now - self._at
        if 0.0 <= elapsed < math.inf:
            self._estimate.pass_time(elapsed)
            self._time = max(self._time, now - self._estimate.offset)
            self._at = now
        span = self._present()
        return span.at(self._time)[0]

    def _present(self) -> _Span:
        """The span that is played."""
        span = self._span
        if span is None:
            raise ValueError("no target has come yet")
        while self._time >= span.end:
            span = self._next(span.end, span.end_place, span.end_speed)
        self._span = span
        return span

    def _next(self, begin: float, place: Values, speed: Values) -> _Span:
        """The span that follows a place of the curve."""
        for (first, here), (second, there) in zip(self._knots, self._knots[1:], strict=False):
            gap, middle = second - first, 0.5 * (first + second)
            if middle - begin >= LEAST_SPAN * gap:
                between = tuple(0.5 * (a + b) for a, b in zip(here, there, strict=True))
                along = tuple((b - a) / gap for a, b in zip(here, there, strict=True))
                return _Span(begin, place, speed, middle, between, along, False)
        newest, target = self._knots[-1]
        still = (0.0,) * len(target)
        if place == target and speed == still:
            return _Span(begin, target, still, math.inf, target, still, True)
        if any(speed):
            self.counts.dry += 1
        return _Span(begin, place, speed, max(newest, begin + STOP_TIME), target, still, True)

    def _insert(self, now: float, stamp: float, values: Values, newest: float) -> None:
        if stamp > newest:
            self._estimate.learn(now, stamp, stamp - newest)
            self._arrived_at = now
            self.newest = values
        else:
            self.counts.reordered += 1
        self.counts.played += 1
        self._knots.append((stamp, values))
        self._knots.sort(key=lambda knot: knot[0])
        used = self._used()
        while len(self._knots) > 2 and self._knots[1][0] < used:
            del self._knots[0]
        span = self._present()
        if span.rest:
            place, speed = span.at(self._time)
            self._span = self._next(self._time, place, speed)

    def _used(self) -> float:
        """Stamp up to which the curve is laid down."""
        if self._span is None or self._span.rest:
            return self._time
        return self._span.end

    def _late(self, now: float, stamp: float, values: Values) -> bool:
        """Not played; but what is late for long while its stamps go on comes from another clock."""
        self.counts.late += 1
        if not stamp > self._refused_stamp or self._refused_since == math.inf:
            self._refused_since = now
        self._refused_stamp = stamp
        if not now - self._refused_since >= OUTAGE:
            return False
        return self._begin(now, stamp, values, DelayEstimate(now, stamp))

    def _begin(self, now: float, stamp: float, values: Values, estimate: DelayEstimate | None) -> bool:
        """A new curve; with a new estimate of the delay where the clock is another one."""
        if estimate is None:
            self.counts.outages += 1
        else:
            self.counts.clocks += 1
            self._estimate = estimate
        self.counts.played += 1
        self.newest = values
        self._knots = [(stamp, values)]
        self._refused_since = math.inf
        self._arrived_at = self._at = now
        self._time = now - self._estimate.offset
        still = (0.0,) * len(values)
        self._span = _Span(self._time, values, still, math.inf, values, still, True)
        return True
