"""replay: plays a recorded session into ROS, where nobody can take it for a live one.

In:  services /replay/pause, /replay/resume, /replay/step (std_srvs/Trigger); keys of the terminal
Out: the recorded topics as serialized bytes, under names that no node of the suite listens to (audit.replay_names);
     /replay/status (diagnostic_msgs/DiagnosticStatus, 1 Hz), a line in /diagnostics
     Where the topics have another namespace than /replay, so have these services and the status: see
     audit.replay_names.node_namespace
Silence: means nothing: no node depends on a replay.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from diagnostic_msgs.msg import DiagnosticStatus
from rclpy.publisher import Publisher
from std_srvs.srv import Trigger

from audit.replay_clock import Player
from audit.replay_names import is_marked, node_namespace
from audit.replay_plan import PlayedTopic
from audit.replay_qos import offered_qos
from teleop_ros.adapter import Health, TeleopNode, message_type

NAME = "replay"
PLAY_EVERY = 0.002
"""[s]"""


class UnsafeNameError(RuntimeError):
    """The middleware would publish under a name that a running node may listen to."""


class ReplayNode(TeleopNode):
    """Player -> publishers."""

    def __init__(
        self, session: str, player: Player, topics: Sequence[PlayedTopic], step: float, namespace: str
    ) -> None:
        """Announce every topic; nothing is played before the clock runs.

        Args:
            session: What is replayed, for people.
            player: Says which messages are due.
            topics: What is played.
            step: A step moves by this much [s of the session].
            namespace: Of the replay, as replay_names.replay_namespace returns it.

        Raises:
            UnsafeNameError: a name was changed on its way into the middleware.
        """
        super().__init__(NAME, namespace=node_namespace(namespace))
        self.player = player
        self.published = 0
        self.left_out: dict[str, str] = {}
        self.error: Exception | None = None
        self.session = session
        self._step = round(step * 1e9)
        self._outputs: dict[str, Publisher] = {}
        for topic in topics:
            self._announce(topic)
        self._status = self.create_publisher(DiagnosticStatus, "~/status", 10)
        for name, act in (("pause", self.pause), ("resume", self.resume), ("step", self.step)):
            self.create_service(Trigger, f"~/{name}", lambda _, answer, act=act: self._answer(act, answer))
        self.timer(PLAY_EVERY, self.play)
        self.timer(1.0, self.tell)

    def play(self) -> None:
        """Publish what is due."""
        try:
            due = self.player.due(self.now())
        except Exception as error:  # a damaged file: there is nothing to go on with
            self.error = error
            return
        for item in due:
            publisher = self._outputs.get(item.topic)
            if publisher is not None:
                publisher.publish(item.data)
                self.published += 1

    def pause(self) -> None:
        """Stand still."""
        self.player.clock.pause(self.now())

    def resume(self) -> None:
        """Go on."""
        self.player.clock.run(self.now())

    def step(self) -> None:
        """Pause, and move on a little."""
        self.player.step(self.now(), self._step)

    @property
    def plays_something(self) -> bool:
        """At least one topic can be played here."""
        return bool(self._outputs)

    @property
    def ended(self) -> bool:
        """Everything has been played, or nothing more can be."""
        return self.error is not None or self.player.ended(self.now())

    def line(self) -> str:
        """Where it stands, in words."""
        clock, now = self.player.clock, self.now()
        at, length = (clock.position(now) - clock.start) * 1e-9, (clock.end - clock.start) * 1e-9
        return f"{at:.1f} of {length:.1f} s, {clock.rate:g} x, {'paused' if clock.paused else 'playing'}"

    def tell(self) -> None:
        """Say once a second that this is a replay."""
        level, text, values = self.health()
        self._status.publish(self._diagnostic(level, "status", text, values))

    def health(self) -> Health:
        """A replay is never a healthy session: it warns, always."""
        values: dict[str, object] = {
            "session": self.session,
            "position [unix ns]": self.player.clock.position(self.now()),
            "rate": self.player.clock.rate,
            "paused": self.player.clock.paused,
            "late [s]": f"{self.player.behind(self.now()):.3f}",
            "published": self.published,
            "topics": len(self._outputs),
            "left out": "; ".join(f"{topic}: {why}" for topic, why in self.left_out.items()),
        }
        return DiagnosticStatus.WARN, f"REPLAY of {self.session}, not live: {self.line()}", values

    def _announce(self, topic: PlayedTopic) -> None:
        try:
            kind = message_type(topic.type)
        except (ImportError, AttributeError, ValueError):
            self.left_out[topic.recorded] = f"type {topic.type} is not installed here"
            return
        publisher = self.create_publisher(kind, topic.name, offered_qos(topic.qos))
        # No option renames a topic of this node. Should one ever get here all the same, nothing is played.
        if not (publisher.topic_name == topic.name and is_marked(publisher.topic_name)):
            raise UnsafeNameError(
                f"{topic.recorded}: would be published as {publisher.topic_name} instead of {topic.name}; "
                "nothing is played: start without remapping rules"
            )
        here = _hash_of(self, topic.name)
        if topic.type_hash and here and topic.type_hash != here:
            self.left_out[topic.recorded] = f"{topic.type} was recorded with another definition than the one installed"
            self.destroy_publisher(publisher)
            return
        self._outputs[topic.recorded] = publisher

    def _answer(self, act: Callable[[], None], answer: Any) -> Any:
        act()
        answer.success, answer.message = True, self.line()
        return answer


def _hash_of(node: TeleopNode, topic: str) -> str:
    """Hash of the type as it is installed here; empty where the middleware does not say."""
    name = node.get_name()
    for found in node.get_publishers_info_by_topic(topic):
        if found.node_name == name and found.topic_type_hash is not None:
            return str(found.topic_type_hash)
    return ""
