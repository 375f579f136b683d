"""What was observed of an arm, as plain values: messages with their time of arrival, endpoints of its topics."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TypeVar

from teleop_core.se3 import Pose


@dataclass(frozen=True)
class Sample:
    """A message that arrived.

    Attributes:
        arrived: Monotonic time of arrival [s].
        stamp: Time in its header [ns]; 0: the server says that the data is not valid, or there is no header.
        age: Time from the stamp to the arrival, by the ROS clock of this machine [s].
    """

    arrived: float
    stamp: int
    age: float


@dataclass(frozen=True)
class Joints(Sample):
    """A sensor_msgs/JointState: each array is empty or has an element for each joint [rad, m; per s; N m, N]."""

    frame: str
    names: tuple[str, ...]
    position: tuple[float, ...]
    velocity: tuple[float, ...]
    effort: tuple[float, ...]


@dataclass(frozen=True)
class CartesianPose(Sample):
    """A geometry_msgs/PoseStamped."""

    frame: str
    pose: Pose


@dataclass(frozen=True)
class Vectors(Sample):
    """A twist [m/s, rad/s] or a wrench [N, N m]: six numbers, the linear ones first."""

    frame: str
    values: tuple[float, ...]


@dataclass(frozen=True)
class Matrix(Sample):
    """A std_msgs/Float64MultiArray: sizes of its dimensions, and its numbers."""

    shape: tuple[int, ...]
    values: tuple[float, ...]


@dataclass(frozen=True)
class State(Sample):
    """A crtk_msgs/OperatingState."""

    state: str
    is_homed: bool
    is_busy: bool


@dataclass(frozen=True)
class Text(Sample):
    """Words of the server; `topic` is error, warning or status."""

    topic: str
    text: str


@dataclass(frozen=True)
class Number(Sample):
    """A std_msgs/Float64."""

    value: float


@dataclass(frozen=True)
class Endpoint:
    """A publisher or a subscription of somebody else.

    Attributes:
        topic: Relative to the arm, e.g. ``local/measured_cp``.
        type: ROS interface type.
        publishes: A publisher; else a subscription.
        reliable: Delivers every message.
        latched: Keeps messages for those who come later.
        reaches_client: It connects to the endpoint that a CRTK client makes on the topic (reliable, volatile).
        reaches_latched_client: The same for one that keeps its messages (transient local).
        node: Who has it.
    """

    topic: str
    type: str
    publishes: bool
    reliable: bool
    latched: bool
    reaches_client: bool
    reaches_latched_client: bool
    node: str


@dataclass(frozen=True)
class Graph:
    """What an arm offers: endpoints of its topics, and its services (relative name, ROS interface type)."""

    endpoints: tuple[Endpoint, ...]
    services: dict[str, str]

    def published(self, topic: str) -> bool:
        """Somebody publishes the topic."""
        return any(end.publishes and end.topic == topic for end in self.endpoints)

    def accepted(self, topic: str) -> bool:
        """Somebody subscribes to the topic."""
        return any(not end.publishes and end.topic == topic for end in self.endpoints)

    def offers(self, name: str) -> bool:
        """It is a topic or a service of the arm."""
        return name in self.services or self.published(name) or self.accepted(name)

    def type_of(self, topic: str) -> str:
        """Type of a topic; empty if there is none."""
        return next((end.type for end in self.endpoints if end.topic == topic), "")


_Kind = TypeVar("_Kind", bound=Sample)


@dataclass
class Recording:
    """All that arrived, by topic, in the order of arrival."""

    samples: dict[str, list[Sample]] = field(default_factory=lambda: defaultdict(list))

    def add(self, topic: str, sample: Sample) -> None:
        """A message arrived."""
        self.samples[topic].append(sample)

    def of(self, kind: type[_Kind], topic: str, since: float = float("-inf")) -> list[_Kind]:
        """Messages of a topic that arrived after `since` [s]."""
        found: list[_Kind] = []
        for sample in reversed(self.samples.get(topic, [])):
            if not sample.arrived > since:
                break
            if isinstance(sample, kind):
                found.append(sample)
        return found[::-1]

    def heard(self, topic: str) -> bool:
        """Whether anything arrived on a topic."""
        return bool(self.samples.get(topic))

    def topics(self, kind: type[Sample]) -> list[str]:
        """Topics on which messages of this kind arrived."""
        return sorted(topic for topic, found in self.samples.items() if found and isinstance(found[0], kind))

    def texts(self, since: float) -> list[Text]:
        """Words of the server after `since` [s]."""
        return [text for topic in ("error", "warning") for text in self.of(Text, topic, since)]
