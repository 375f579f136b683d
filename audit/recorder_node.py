"""recorder: writes down the session as evidence: every message of the stream table, and what they mean.

In:  every topic of the stream table, serialized, as it came
Out: record/<site>/status (10 Hz)
Silence: of this node counts as a record that is not being written; the safety monitor does not let a session arm
without one. Silence of an input is a gap in the record, and told there.

The node runs behind the control loop. The middleware gathers the messages and the node reads them 50 times a second.
"""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass
from pathlib import Path

from diagnostic_msgs.msg import DiagnosticStatus

from audit.bag_file import Channel
from audit.bulk_queue import Sample
from audit.decoded import Decoder
from audit.definitions import definition, type_hash
from audit.observed_events import Event
from audit.parameter_survey import ParameterSurvey
from audit.session_record import RecordLimits, SessionRecord
from audit.signing import Signer
from teleop_core.authentication import RECORD_KEY, KeyFileError
from teleop_core.contract import ARMS, DEFAULT_ARMS, SITES, STREAMS
from teleop_core.graph import SUITE
from teleop_core.record_folder import RecordedSession, RecordFolderError, new_folder_name, open_session, records_root
from teleop_ros.adapter import Health, TeleopNode, run
from teleop_ros.keys import KEY_FOLDER, authenticator
from teleop_ros.new_record import ROLES
from teleop_ros.parameters import ParameterError, check, declare, parameter
from teleop_ros.provenance import configuration_hashes, versions
from teleop_ros.qos import publisher_qos, rosbag2_qos
from teleop_ros.raw_reading import RawReader
from teleop_ros.scheduling import yield_to_others

READ_EVERY, TELL_EVERY, LOOK_AROUND_EVERY = 0.02, 0.1, 1.0
"""[s]"""
LONGEST_END = 1.5
"""At the end other processes that still write the record are waited for at most this long [s]."""
LIBRARY = "telesurgery recorder"


@dataclass(frozen=True)
class RecorderParameters:
    """Parameters of the recorder."""

    arms: list[str] = parameter(list(DEFAULT_ARMS), doc="arms that are recorded", choices=ARMS)
    site: str = parameter(SITES[0], doc="whose computer this is", choices=SITES)
    folder: str = parameter("", doc="folder of the session's record; empty: a new one")
    case: str = parameter("", doc="what the hospital calls the operation; never a name of a person")
    roles: list[str] = parameter(list(ROLES), doc="roles of the people in the record")
    profile: str = parameter("lan", doc="limits of the link: name of a profile, or a file; its hash is recorded")
    key_folder: str = parameter("", doc=KEY_FOLDER)
    split_size: int = parameter(256_000_000, unit="bytes", low=1_000_000, high=10**12, doc="a bag file is closed at")
    split_time: float = parameter(600.0, unit="s", low=1.0, high=86400.0, doc="a bag file is closed after")
    queue: int = parameter(
        32_000_000, unit="bytes", low=1_000_000, high=10**9, doc="messages that may wait for a slow disk"
    )
    video_ceiling: float = parameter(
        8e6, unit="bytes/s", low=0.0, high=1e9, doc="video recorded at most; further frames are skipped and counted"
    )
    disk_low: int = parameter(
        1_000_000_000, unit="bytes", low=0, high=10**15, doc="with less room a session does not arm"
    )
    disk_reserve: int = parameter(
        200_000_000, unit="bytes", low=0, high=10**15, doc="room that is left to the audit log when the bag ends"
    )

    def __post_init__(self) -> None:
        """Refuse unknown arms and sites, and numbers out of range."""
        check(self)


class RecorderNode(TeleopNode):
    """Messages -> SessionRecord -> RecordStatus."""

    def __init__(self) -> None:
        """Open the record, hear everything."""
        super().__init__("recorder")
        # The middleware's threads are there already and keep their place: they only take packets in.
        yield_to_others()
        self.parameters = parameters = declare(self, RecorderParameters)
        self._now = self.now()
        self._reader = RawReader(self, self.on_message)
        self._decoder = Decoder(parameters.site)
        self._channels: list[Channel] = []
        for name in STREAMS:
            self._hear(name)
        folder, session, signer = _open(parameters)
        facts = {
            "versions": versions(),
            "configuration_sha256": configuration_hashes(parameters.profile),
            "security": authenticator(parameters.key_folder, "permit").level,
            "site": parameters.site,
            "arms": parameters.arms,
        }
        try:
            self._record = SessionRecord(folder, session, signer, self._channels, _limits(parameters), LIBRARY, facts)
        except (OSError, RecordFolderError) as error:
            raise ParameterError(f"parameter folder: {error}") from error
        self.get_logger().info(f"recording into {folder}")
        self._status = self.publisher("record_status", site=parameters.site)
        self._message = self._status.msg_type(site=parameters.site, session=session.session)
        self._survey = ParameterSurvey(self, [name for name in SUITE if name != self.get_name()])
        self.timer(READ_EVERY, self.step)
        self.timer(TELL_EVERY, self.tell)
        self.timer(LOOK_AROUND_EVERY, self.look_around)

    def on_message(self, channel: int, data: bytes, info: dict[str, int]) -> None:
        """A message of any topic: into the bag as it is, and into the audit log what it means."""
        self._record.take(self._now, Sample.arrived(channel, data, info))
        self._write(self._decoder.take(self._now, channel, data))

    def step(self) -> None:
        """50 times a second: read what has arrived."""
        self._now = self.now()
        self._reader.read()
        self._write(self._decoder.end_turn(self._now))

    def tell(self) -> None:
        """Ten times a second: what was lost, a checkpoint when it is time, how the record does."""
        self._record.tick(self._now)
        self._say()

    def look_around(self) -> None:
        """Once a second: who is there, and with which parameters."""
        here = self.get_namespace()
        present = {name for name, space in self.get_node_names_and_namespaces() if space == here}
        self._write(self._decoder.observed.nodes(present))
        answers = self._survey.step(present)
        if answers:
            self._record.event("start", {"parameters": answers})

    def last_words(self) -> None:
        """Record what the others do at their end, as far as they are quick, then end the record."""
        until = self.now() + LONGEST_END
        self.step()
        while self._record.others_write() and self.now() < until:
            time.sleep(READ_EVERY)
            self.step()
        self._record.close()
        self._say()
        super().last_words()

    def health(self) -> Health:
        """What is recorded, and what is not."""
        health = self._record.health(self.now())
        level = DiagnosticStatus.OK if health.writing else DiagnosticStatus.ERROR
        values: dict[str, object] = {"records": health.records, "dropped": health.dropped, "bytes": health.size}
        return level, health.reason or "recording", values

    def _say(self) -> None:
        health, message = self._record.health(self.now()), self._message
        message.header = self.header()
        message.writing, message.reason = health.writing, health.reason
        message.records, message.dropped = health.records, health.dropped
        message.root, message.root_n = list(health.root), health.root_n
        message.disk_free, message.bytes = health.free, health.size
        self._status.publish(message)

    def _write(self, events: list[Event]) -> None:
        for event in events:
            self._record.event(event.type, event.payload, event.actor)

    def _hear(self, name: str) -> None:
        row = STREAMS[name]
        for topic in row.topics(self.parameters.arms):
            channel = len(self._channels)
            full_name = self._reader.subscribe(channel, row, topic)
            self._decoder.hear(channel, name, topic)
            self._channels.append(
                Channel(
                    topic=full_name,
                    type=row.type,
                    definition=definition(row.type),
                    type_hash=type_hash(row.type),
                    qos=rosbag2_qos(publisher_qos(row)),
                    is_video=name == "image",
                    sole=row.source not in ("any", "client"),
                )
            )


def _open(parameters: RecorderParameters) -> tuple[Path, RecordedSession, Signer]:
    """The folder, whose it is, and what signs it.

    Raises:
        ParameterError: the folder or the key cannot be used.
    """
    folder = Path(parameters.folder or records_root() / new_folder_name(parameters.site))
    try:
        session = open_session(
            folder, parameters.site, case=parameters.case, roles=parameters.roles, versions=versions()
        )
    except RecordFolderError as error:
        raise ParameterError(f"parameter folder: {error}") from error
    keys = Path(parameters.key_folder)
    try:
        # Without a key of its own a site signs with one that it keeps beside its records.
        signer = Signer.load(keys / RECORD_KEY) if parameters.key_folder else Signer.load_or_make(folder.parent)
        signer.leave_public_key(folder)
    except KeyFileError as error:
        raise ParameterError(f"parameter key_folder: {error}") from error
    return folder, session, signer


def _limits(parameters: RecorderParameters) -> RecordLimits:
    return RecordLimits(
        split_bytes=parameters.split_size,
        split_seconds=parameters.split_time,
        queue_bytes=parameters.queue,
        video_rate=parameters.video_ceiling,
        disk_low=parameters.disk_low,
        disk_reserve=parameters.disk_reserve,
    )


def main() -> int:
    """Run the recorder."""
    return run(RecorderNode)


if __name__ == "__main__":
    sys.exit(main())
