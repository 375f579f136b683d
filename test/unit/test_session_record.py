"""A record by itself, without ROS: what is fed comes out, what is missing is told, all of it is signed."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from audit.bag_file import Channel
from audit.bulk_queue import Sample
from audit.reading import records
from audit.session_record import CEILING, RecordLimits, SessionRecord
from audit.signing import Signer
from audit.verify import verify
from teleop_core.audit_writer import AuditWriter
from teleop_core.record_folder import RecordFolderError, open_session

QOS = {"history": "keep_last", "depth": 1}
CHANNELS = [
    Channel("/joints", "std_msgs/msg/String", "string data\n", "", QOS),
    Channel("/picture", "std_msgs/msg/String", "string data\n", "", QOS, is_video=True),
    Channel("/anybody", "std_msgs/msg/String", "string data\n", "", QOS, sole=False),
]
LIMITS = RecordLimits(10**9, 1e9, 10**7, video_rate=1000.0, disk_low=0, disk_reserve=0)


def record_in(folder: Path, signer: Signer) -> SessionRecord:
    session = open_session(folder, "robot")
    signer.leave_public_key(folder)
    return SessionRecord(folder, session, signer, CHANNELS, LIMITS, "test", {"security": "none"})


def sample(channel: int, sequence: int, size: int = 10) -> Sample:
    now = time.time_ns()
    return Sample(channel, now, now, sequence, bytes(size))


def until_writing(record: SessionRecord) -> Iterator[float]:
    end = time.monotonic() + 20.0
    while not record.health(time.monotonic()).writing:
        assert time.monotonic() < end, record.health(time.monotonic())
        time.sleep(0.01)
    yield time.monotonic()


def gaps(folder: Path) -> dict[str, Any]:
    return {r["payload"]["topic"]: r["payload"] for r in records(folder, "recorder") if r["type"] == "gap"}


def test_what_is_missing_is_told_and_everything_is_signed(tmp_path: Path) -> None:
    """Numbers that never came, pictures beyond the ceiling; not what several publishers count."""
    folder = tmp_path / "record"
    record = record_in(folder, Signer())
    (now,) = until_writing(record)
    for number in (1, 2, 5, 6):
        record.take(now, sample(0, number))
        record.take(now, sample(2, number))
    for number in range(1, 6):
        record.take(now, sample(1, number, size=400))
    (folder / "safety_monitor.decisions.jsonl").write_text("{}\n")
    record.event("clutch", {"pressed": True}, "operator")
    record.tick(now + 2.0)
    health = record.health(time.monotonic())
    assert (health.dropped, health.writing, health.reason) == (5, True, "")
    assert any(health.root)
    record.close()
    finding = verify(folder)
    assert not finding.problems, finding.problems
    joints = finding.messages["/joints"]
    assert (joints["recorded"], joints["lost"], joints["told"]) == (4, 2, 2)
    assert finding.messages["/picture"]["recorded"] == 2
    assert gaps(folder) == {
        "/joints": {**gaps(folder)["/joints"], "first": 3, "last": 4, "count": 2},
        "/picture": {**gaps(folder)["/picture"], "first": 3, "last": 5, "count": 3, "why": CEILING},
    }
    last = [r for r in records(folder, "recorder") if r["type"] == "checkpoint"][-1]["payload"]["files"]
    assert set(last) == {
        "bag/bag_0.mcap",
        "bag/metadata.yaml",
        "public_key.pem",
        "session.json",
        "safety_monitor.decisions.jsonl",
    }


def test_a_recorder_that_begins_again_goes_on_where_the_other_ended(tmp_path: Path) -> None:
    """A new segment with the same key, a new file; another key is refused before anything is written."""
    folder, signer = tmp_path / "record", Signer()
    monitor = AuditWriter(folder, "safety_monitor", open_session(folder, "robot").session)
    for number in (1, 2):
        record = record_in(folder, signer)
        (now,) = until_writing(record)
        record.take(now, sample(0, number))
        if number == 2:
            monitor.close()
        record.close()
    assert not verify(folder).problems
    assert sorted(path.name for path in (folder / "bag").glob("*.mcap")) == ["bag_0.mcap", "bag_1.mcap"]
    assert [path.name for path in sorted(folder.glob("recorder.*.audit.jsonl"))] == [
        "recorder.000.audit.jsonl",
        "recorder.001.audit.jsonl",
    ]
    with pytest.raises(ValueError, match="another key"):
        record_in(folder, Signer())


def test_nobody_signs_an_end_while_others_write_or_goes_on_behind_one(tmp_path: Path) -> None:
    """A signed end in the middle would let everything behind it be cut off unseen."""
    folder, signer = tmp_path / "record", Signer()
    monitor = AuditWriter(folder, "safety_monitor", open_session(folder, "robot").session)
    record_in(folder, signer).close()
    assert "end" not in [made["type"] for made in records(folder, "recorder")]
    assert not verify(folder).ok
    monitor.close()
    record_in(folder, signer).close()
    assert [made["type"] for made in records(folder, "recorder")].count("end") == 1
    assert verify(folder).ok
    with pytest.raises(RecordFolderError, match="has ended; record into a new folder"):
        record_in(folder, signer)


def test_others_that_write_the_record_are_seen(tmp_path: Path) -> None:
    """Until they end; then the last checkpoint covers what they wrote."""
    folder = tmp_path / "record"
    record = record_in(folder, Signer())
    assert not record.others_write()
    monitor = AuditWriter(folder, "safety_monitor", open_session(folder, "robot").session)
    assert record.others_write()
    monitor.append("state", {"to": "HOLD"})
    monitor.close()
    assert not record.others_write()
    record.close()
    finding = verify(folder)
    assert (finding.problems, finding.segments) == ([], 2)
