"""Records of sessions to verify: written by the real writer, signer and MCAP library."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from mcap.writer import CompressionType, Writer

from audit.checkpoint import CHECKPOINT, END, RunningHash, end_payload, start_facts
from audit.checkpoint_maker import CheckpointMaker
from audit.signing import Signer
from teleop_core.audit_writer import AuditWriter
from teleop_core.record_folder import open_session

TOPICS = ("/PSM1/measured_js", "/safety/state")


@dataclass(frozen=True)
class MadeRecord:
    """A record that was written.

    Attributes:
        folder: Where it is.
        session: Its identity.
        roots: Merkle root and number of each of its checkpoints.
        signer: Signed it.
    """

    folder: Path
    session: str
    roots: tuple[tuple[str, int], ...]
    signer: Signer


MakeRecord = Callable[..., MadeRecord]


@pytest.fixture(scope="session")
def make_record_folder() -> MakeRecord:
    """Function of a folder (and a signer): writes the record of a short session with one restart of everything.

    With `ended=False` the last recorder was killed; with `spoiled=True` a bag was bad when it was closed.
    """
    return _make


def _make(folder: Path, signer: Signer | None = None, *, ended: bool = True, spoiled: bool = False) -> MadeRecord:
    signer = signer or Signer()
    session = open_session(folder, "robot", case="case 7").session
    signer.leave_public_key(folder)
    (folder / "bag").mkdir()
    decisions = folder / "safety_monitor.decisions.jsonl"
    files: dict[str, RunningHash] = {}
    roots: list[tuple[str, int]] = []
    bags = 0
    for segment in range(2):
        recorder = AuditWriter(folder, "recorder", session)
        monitor = AuditWriter(folder, "safety_monitor", session)
        maker = CheckpointMaker(folder, signer)

        def checkpoint(recorder: AuditWriter = recorder, maker: CheckpointMaker = maker) -> None:
            for path in [*folder.glob("bag/*"), *folder.glob("*.json"), *folder.glob("*.pem"), decisions]:
                name = path.relative_to(folder).as_posix()
                if name.endswith("metadata.yaml"):
                    files[name] = RunningHash(path)
                files.setdefault(name, RunningHash(path))
            payload = maker.make({name: running.follow() for name, running in files.items()})
            roots.append((payload["root"], recorder.append(CHECKPOINT, payload).n))

        recorder.append("start", {**start_facts(folder), "parameters": {"driver": {"rate": 200.0}}})
        for turn in range(2):
            monitor.append("state", {"from": "READY", "to": "OPERATING", "turn": turn}, "safety_monitor")
            with decisions.open("ab") as file:
                file.write(b'{"of":"supervisor","call":"step","with":[%d]}\n' % turn)
            recorder.append("engagement", {"hand": "MTMR", "turn": turn}, "operator")
            checkpoint()
        for _ in range(1 + segment):
            recorder.append("bag_opened", {"file": f"bag/bag_{bags}.mcap"})
            _write_bag(folder / "bag" / f"bag_{bags}.mcap", bags * 20, session, checkpoint)
            if spoiled and bags == 1:
                path = folder / "bag" / "bag_1.mcap"
                path.write_bytes(path.read_bytes()[:-30])
            size, digest = RunningHash(folder / "bag" / f"bag_{bags}.mcap").follow()
            counts = {TOPICS[0]: 19, TOPICS[1]: 20}
            told = {"file": f"bag/bag_{bags}.mcap", "bytes": size, "sha256": digest, "messages": counts}
            recorder.append("bag_closed", {**told, "state": "finished"})
            bags += 1
        recorder.append("gap", {"topic": TOPICS[0], "first": 5, "count": 1, "why": "the disk was too slow"})
        (folder / "bag" / "metadata.yaml").write_text(f"rosbag2_bagfile_information:\n  version: 9\n  files: {bags}\n")
        monitor.append("state", {"from": "OPERATING", "to": "HOLD"}, "safety_monitor")
        monitor.close()
        if segment == 0 or ended:
            checkpoint()
        if segment == 1 and ended:
            recorder.append(END, end_payload(signer, recorder.head, {"reason": "asked to"}), durable=True)
        recorder.close()
        if segment == 0:  # killed while it wrote
            with recorder.path.open("ab") as file:
                file.write(b'{"actor":"recorder","boot":"')
    return MadeRecord(folder, session, tuple(roots), signer)


def _write_bag(path: Path, first: int, session: str, half_way: Callable[[], None]) -> None:
    with path.open("wb") as file:
        writer = Writer(file, chunk_size=512, compression=CompressionType.NONE, enable_data_crcs=True)
        writer.start(profile="ros2")
        writer.add_metadata("session", {"session": session})
        schema = writer.register_schema("std_msgs/msg/UInt32", "ros2msg", b"uint32 data")
        channels = [writer.register_channel(topic, "cdr", schema) for topic in TOPICS]
        for i in range(first, first + 20):
            for channel, topic in zip(channels, TOPICS, strict=True):
                if topic == TOPICS[0] and i == first + 4:
                    continue  # lost on its way
                data = b"\x00\x01\x00\x00" + i.to_bytes(4, "little")
                writer.add_message(channel, log_time=i * 1000, publish_time=i * 1000, sequence=i + 1, data=data)
            if i == first + 10:
                file.flush()
                half_way()
        writer.finish()
