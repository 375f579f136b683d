"""What of a recording is played, under which names, and how it was offered; and where the messages come from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

import yaml

from audit.bag_reading import Bag, Topic
from audit.replay_clock import Item, Player
from audit.replay_names import replay_topic

_TRANSIENT_LOCAL = ("transient_local", 1)
"""As rosbag2 writes it: a word, in older versions a number."""


class ReplayPlanError(ValueError):
    """Nothing can be played as asked; says why, and what there is."""


@dataclass(frozen=True)
class PlayedTopic:
    """A topic that is played.

    Attributes:
        recorded: Its name in the recording.
        name: Its name now.
        type: ``package/msg/Name``.
        type_hash: Of the type when it was recorded; empty where the recording does not say.
        qos: What its publisher offered, in the words of rosbag2; empty where the recording does not say.
    """

    recorded: str
    name: str
    type: str
    type_hash: str
    qos: dict[str, Any] = field(default_factory=dict)

    @property
    def latched(self) -> bool:
        """Its publisher keeps the newest message for late joiners."""
        return self.qos.get("durability") in _TRANSIENT_LOCAL


@dataclass(frozen=True)
class Replayed:
    """What is replayed, and when.

    Attributes:
        session: What people call it.
        topics: That are played.
        player: Says which messages are due.
        namespace: Of the topics now, as replay_names.replay_namespace returns it.
    """

    session: str
    topics: list[PlayedTopic]
    player: Player
    namespace: str


def plan(bag: Bag, namespace: str, wanted: Sequence[str] = (), unwanted: Sequence[str] = ()) -> list[PlayedTopic]:
    """Choose topics.

    Args:
        bag: The recording.
        namespace: As replay_names.replay_namespace returns it.
        wanted: Patterns as of a shell, with or without the first slash; empty for everything.
        unwanted: Patterns of what is left out.

    Raises:
        ReplayPlanError: nothing is left.
        ReplayNameError: the recording names a topic that cannot exist.
    """
    chosen = [
        topic
        for name, topic in sorted(bag.topics.items())
        if (not wanted or _matches(name, wanted)) and not _matches(name, unwanted)
    ]
    if not chosen:
        raise ReplayPlanError(f"no topic is chosen; the recording holds {', '.join(sorted(bag.topics))}")
    return [
        PlayedTopic(topic.name, replay_topic(topic.name, namespace), topic.type, topic.type_hash, _offered(topic))
        for topic in chosen
    ]


class BagSource:
    """The messages of the played topics."""

    def __init__(self, bag: Bag, topics: Sequence[PlayedTopic]) -> None:
        self._bag = bag
        self._all = {topic.recorded for topic in topics}
        self._latched = {topic.recorded for topic in topics if topic.latched}

    def since(self, time: int) -> Iterator[Item]:
        """Messages from `time` [ns] on."""
        return self._bag.since(time, self._all)

    def latched_before(self, time: int) -> list[Item]:
        """Newest message before `time` [ns] of each latched topic."""
        return self._bag.newest_before(time, self._latched)


def _matches(name: str, patterns: Sequence[str]) -> bool:
    return any(fnmatchcase(name, "/" + pattern.lstrip("/")) for pattern in patterns)


def _offered(topic: Topic) -> dict[str, Any]:
    """The first offered profile; nothing where the text is none."""
    try:
        profiles = yaml.safe_load(topic.qos)
    except (yaml.YAMLError, ValueError, RecursionError):
        return {}
    first = profiles[0] if isinstance(profiles, list) and profiles else None
    return first if isinstance(first, dict) else {}
