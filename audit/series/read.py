"""Reads a session folder into series."""

from __future__ import annotations

from pathlib import Path

from audit.bag_scan import BagError, BagScan, Entry, Place
from audit.progress import Progress, quietly
from audit.series.collect import Collector, stamp_seconds
from audit.series.count import TopicCounter
from audit.series.model import Frame, Session
from audit.series.topics import StreamTopic, stream_of

LARGEST_DISORDER = 0.05
"""Messages of several speakers on one topic may be written down so much out of order [s]."""


def read_session(folder: Path, namespace: str | None = None, progress: Progress = quietly) -> Session:
    """Read everything that is whole.

    Args:
        folder: A session folder.
        namespace: ROS namespace to read; None for the one with the most messages.
        progress: Is told how many bytes have been read, of how many.

    Raises:
        BagError: there is nothing of a session in the folder, or nothing in this namespace.
    """
    bag = BagScan(folder)
    collectors: dict[str, Collector] = {}
    counts: dict[str, TopicCounter] = {}
    zero: int | None = None
    last = 0.0
    place: Place | None = None
    for entry in bag.entries():
        if entry.place is not place:
            place = entry.place
            progress(bag.bytes_before(place), bag.bytes)
        zero = entry.time if zero is None else zero
        time = (entry.time - zero) * 1e-9
        last = max(last, time)
        if entry.topic not in counts:
            counts[entry.topic] = TopicCounter()
        counts[entry.topic].add(time, entry.sequence)
        found = stream_of(entry.topic)
        if found is not None:
            if found.namespace not in collectors:
                collectors[found.namespace] = Collector(zero)
            _collect(bag, entry, found, collectors[found.namespace], time)
    if zero is None:
        raise BagError(f"{folder}: no message in it can be read; {'; '.join(bag.damage) or 'the files are empty'}")
    backwards = max((counter.backwards for counter in counts.values()), default=0.0)
    if backwards > LARGEST_DISORDER:
        bag.damage.append(f"the recorder's clock went back by {backwards:.3f} s: times around that are not in order")
    chosen = _choose(folder, collectors, namespace, bag.damage)
    return _session(bag, chosen, collectors.get(chosen, Collector(zero)), counts, last)


def session_of_no_messages(folder: Path, zero_ns: int, why: list[str]) -> Session:
    """A session whose bags are not there.

    Args:
        folder: A session folder.
        zero_ns: Time 0 [ns since 1970].
        why: Why they are not, in words.
    """
    return _session(BagScan(folder, why, may_be_empty=True), "", Collector(zero_ns), {}, 0.0)


def _collect(bag: BagScan, entry: Entry, found: StreamTopic, collector: Collector, time: float) -> None:
    if not (found.stream == "image" or collector.wants(found.stream)):
        return
    message = bag.decode(entry)
    if message is None:
        return
    try:
        if found.stream == "image":
            age = time - stamp_seconds(message.header.stamp, collector.zero_ns)
            collector.frames.setdefault(found.part, []).append(Frame(time, age, entry.place))
        else:
            collector.take(time, found, message)
    except (AttributeError, TypeError, OverflowError) as error:
        bag.tell_once(f"{entry.topic}: messages that are not as this version knows them, left out: {error}")


def _choose(folder: Path, collectors: dict[str, Collector], wanted: str | None, damage: list[str]) -> str:
    if wanted is not None:
        chosen = f"/{wanted.strip('/')}" if wanted.strip("/") else ""
        if chosen not in collectors:
            known = ", ".join(sorted(name or "/" for name in collectors)) or "none"
            raise BagError(f"--namespace {wanted}: nothing was recorded there; {folder} has: {known}")
        return chosen
    chosen = max(collectors, key=lambda name: collectors[name].messages, default="")
    others = sorted(name or "/" for name in collectors if name != chosen and collectors[name].messages)
    if others:
        damage.append(f"namespace {chosen or '/'} was read; also recorded, and not read: {', '.join(others)}")
    return chosen


def _session(
    bag: BagScan, namespace: str, collector: Collector, counts: dict[str, TopicCounter], last: float
) -> Session:
    collector.end(last)
    state, permitted, ratio = collector.safety()
    return Session(
        bag=bag,
        namespace=namespace,
        zero_ns=collector.zero_ns,
        duration=last,
        state=state,
        permitted=permitted,
        ratio=ratio,
        alarms=tuple(collector.alarms),
        security=collector.security,
        arms={name: collector.arms[name].arm() for name in sorted(collector.arms)},
        hands=collector.hands(),
        commands=collector.commands(),
        control=collector.control(),
        link=collector.link(),
        frames={eye: tuple(frames) for eye, frames in sorted(collector.frames.items())},
        stops_asked=tuple(collector.stops_asked),
        topics={topic: counter.count() for topic, counter in sorted(counts.items())},
        damage=tuple(bag.damage),
    )
