"""The monitor's subscriptions to what has to be there, and its census of who speaks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rclpy.event_handler import SubscriptionEventCallbacks
from rclpy.qos import QoSCompatibility, qos_check_compatible

from safety_monitor.inputs import COMMAND, SOLE, StreamHealth
from safety_monitor.observations import StreamObservation
from teleop_core.contract import STREAMS, Stream
from teleop_ros.adapter import TeleopNode
from teleop_ros.qos import subscription_qos


class StreamWatch:
    """Observations by topic."""

    def __init__(self, node: TeleopNode) -> None:
        """Nothing is expected yet."""
        self._node = node
        self._observed: dict[str, StreamObservation] = {}
        self._rows: dict[str, Stream] = {}

    def __getitem__(self, topic: str) -> StreamObservation:
        """Observation of a topic."""
        return self._observed[topic]

    def expect(self, stream: str, kind: str, source: str, callback: Callable[..., Any], **parts: str) -> None:
        """Subscribe to a stream that has to be there, with the middleware's events as inputs.

        Args:
            stream: Row of the contract.
            kind: What it counts as for the conditions.
            source: Who speaks, as people know it.
            callback: Called with the observation and each message; it says when something counts as arrived.
            parts: Values of the parts of the topic.
        """
        observation = self.watch_speakers(stream, source, kind, **parts)

        def on_incompatible_qos(_event: Any) -> None:
            observation.qos_mismatch = True

        def on_liveliness(event: Any) -> None:
            observation.liveliness_lost = event.alive_count == 0

        events = SubscriptionEventCallbacks(
            incompatible_qos=on_incompatible_qos,
            liveliness=on_liveliness if kind == COMMAND else None,
            use_default_callbacks=False,
        )
        self._node.subscription(stream, lambda message: callback(observation, message), events=events, **parts)

    def watch_speakers(self, stream: str, source: str, kind: str = SOLE, **parts: str) -> StreamObservation:
        """Count the publishers of a topic."""
        topic = STREAMS[stream].topic_for(**parts)
        self._rows[topic] = STREAMS[stream]
        self._observed[topic] = StreamObservation(source, kind)
        return self._observed[topic]

    def count_speakers(self) -> None:
        """Take the census."""
        for topic, observation in self._observed.items():
            observation.publishers = self._node.count_publishers(topic)

    def forget_mended_mismatches(self) -> None:
        """The middleware tells when a wrong publisher comes, never when it goes: see who is there now."""
        for topic, observation in self._observed.items():
            if observation.qos_mismatch:
                asked = subscription_qos(self._rows[topic])
                offers = [info.qos_profile for info in self._node.get_publishers_info_by_topic(topic)]
                results = [qos_check_compatible(offer, asked)[0] for offer in offers]
                observation.qos_mismatch = any(result == QoSCompatibility.ERROR for result in results)

    def health(self, now: float) -> dict[str, StreamHealth]:
        """Every stream at `now` [s], by topic."""
        return {topic: observation.health(now) for topic, observation in self._observed.items()}
