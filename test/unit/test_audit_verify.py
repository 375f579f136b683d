"""What a verification says of records that were cut off, that others saw, that have gaps, or whose clock jumped."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from audit import verify as verification
from audit.bag_check import BagReading, SequenceCount, in_order
from audit.chain_check import check_chain
from audit.checkpoint import CHECKPOINT, END, RunningHash, end_payload, start_facts
from audit.checkpoint_maker import CheckpointMaker
from audit.reading import ChainTail, records
from audit.signing import Signer
from audit.verify import Anchors, verify
from audit.witness import witness_payload, witnessed_roots
from teleop_core.audit_record import Stamp, canonical, check_record, make_record
from teleop_core.audit_writer import AuditWriter
from teleop_core.authentication import KeyFileError
from teleop_core.record_folder import open_session


@pytest.fixture
def made(make_record_folder: Callable[..., Any], tmp_path: Path) -> Any:
    return make_record_folder(tmp_path / "record")


def write_witness(folder: Path, made: Any, roots: list[tuple[str, int]]) -> Path:
    """A record of the other site that saw these roots."""
    folder.mkdir()
    writer = AuditWriter(folder, "recorder", "cd" * 16)
    for root, n in roots:
        writer.append("witness", witness_payload(made.session, root, n))
    writer.close()
    return folder


def cut_behind(made: Any, root: str) -> None:
    """Cut the record off behind the checkpoint with this root, as somebody would who hides what followed."""
    found = [r for r in records(made.folder, "recorder") if r["type"] == CHECKPOINT and r["payload"]["root"] == root]
    heads, files, n = found[0]["payload"]["chains"], found[0]["payload"]["files"], found[0]["n"]
    for path in made.folder.rglob("*"):
        name = path.relative_to(made.folder).as_posix()
        if name.endswith(".audit.jsonl"):
            last = n if name.startswith("recorder") else heads["safety_monitor"]["n"]
            lines = [line for line in path.read_bytes().splitlines(keepends=True) if line.endswith(b"\n")]
            kept = [line for line in lines if check_record(line[:-1])["n"] <= last]
            path.write_bytes(b"".join(kept))
            if not kept:
                path.unlink()
        elif path.is_file():
            if name in files:
                path.write_bytes(path.read_bytes()[: files[name]["bytes"]])
            else:
                path.unlink()


def test_the_json_has_what_others_read(made: Any) -> None:
    """By these names, and nothing that JSON cannot hold."""
    said = json.loads(json.dumps(verify(made.folder).as_json()))
    for key in ("ok", "records", "segments", "bags", "first_bad", "gaps", "truncated", "messages"):
        assert key in said
    assert (said["ok"], said["truncated"], said["first_bad"]) == (True, False, None)
    assert (said["segments"], said["bags"]) == (4, 3)
    assert said["records"] == len(list(records(made.folder)))
    assert said["messages"]["/PSM1/measured_js"] == {"recorded": 57, "lost": 3, "told": 2, "publishers": 1}
    assert said["messages"]["/safety/state"] == {"recorded": 60, "lost": 0, "told": 0, "publishers": 1}
    assert [(gap["chain"], gap["topic"], gap["count"]) for gap in said["gaps"]] == [
        ("recorder", "/PSM1/measured_js", 1)
    ] * 2


def test_a_record_whose_recorder_was_killed_is_intact_but_not_complete(
    make_record_folder: Callable[..., Any], tmp_path: Path
) -> None:
    """It verifies up to its tail, and says how long that is."""
    made = make_record_folder(tmp_path / "record", ended=False)
    found = verify(made.folder)
    assert (found.ok, found.intact, found.truncated) == (False, True, True)
    assert 0.0 <= found.unsigned_tail_s < 60.0
    assert found.problems[0].file == "recorder.001.audit.jsonl"
    assert "there is no 'end'" in found.problems[0].why
    assert found.lines()[0].startswith("not ok: what is there is as it was recorded")


def test_a_record_that_was_cut_off_at_a_checkpoint_is_only_betrayed_by_what_others_saw(
    made: Any, tmp_path: Path
) -> None:
    """By itself it looks like one whose recorder was killed; a root or the other site's record tells more."""
    roots = list(made.roots)
    witness = write_witness(tmp_path / "other", made, roots[1:])
    newest = roots[-1][0]
    for anchors in (Anchors(root=newest), Anchors(root=newest.upper()), Anchors(witness=witness)):
        found = verify(made.folder, anchors)
        assert found.ok, found.lines()
        assert len(found.vouched_by) == 1
    cut_behind(made, roots[3][0])
    found = verify(made.folder)
    assert (found.ok, found.intact, found.truncated) == (False, True, True)
    found = verify(made.folder, Anchors(root=newest))
    assert (found.ok, found.intact, found.truncated) == (False, False, True)
    assert found.problems[0].file.startswith("recorder.")
    assert verify(made.folder, Anchors(root=roots[3][0])).vouched_by
    found = verify(made.folder, Anchors(witness=witness))
    assert (found.intact, found.truncated) == (False, True)
    assert f"record {roots[4][1]}, which is missing" in found.problems[0].why


def test_the_first_digits_of_a_root_are_enough(made: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sixteen, of one checkpoint only; fewer, and what is no root, are refused."""
    (_, newest), roots = made.roots[-1], [root for root, _ in made.roots]
    for root in (roots[-1][:16], roots[-1][:40].upper()):
        found = verify(made.folder, Anchors(root=root))
        assert found.ok
        assert found.vouched_by == [f"the root that was shown, up to record {newest - 1} of {newest + 1}"]
    assert not verify(made.folder, Anchors(root=f"{roots[-1][:16]}{'0' * 48}")).ok
    for root in (roots[-1][:15], roots[-1] + "0", "the root of all", "g" * 16):
        with pytest.raises(ValueError, match="16 to 64 hexadecimal digits"):
            Anchors(root=root)
    monkeypatch.setattr(verification, "root_in", lambda entry: "ab" * 8 + f"{entry.n:048x}")
    found = verify(made.folder, Anchors(root="ab" * 8))
    assert (found.ok, found.vouched_by) == (False, [])
    assert "give more of its digits" in found.problems[0].why


def test_a_record_that_was_written_anew_is_betrayed_by_the_other_site(made: Any, tmp_path: Path) -> None:
    """At the first checkpoint that is another one than it saw."""
    (root, n), *more = made.roots
    witness = write_witness(tmp_path / "other", made, [(root, n), ("00" * 32, more[0][1])])
    found = verify(made.folder, Anchors(witness=witness))
    assert not found.ok
    assert (found.problems[0].file, found.problems[0].n) == ("recorder.000.audit.jsonl", more[0][1])


def test_a_witness_that_says_nothing_of_this_session_is_a_problem(made: Any, tmp_path: Path) -> None:
    """A wholly new record in the place of the one it saw would look like that; a folder without a record is none."""
    other = write_witness(tmp_path / "other", made, [])
    found = verify(made.folder, Anchors(witness=other))
    assert (found.ok, found.vouched_by, found.problems[0].file) == (False, [], "session.json")
    assert "tells nothing of this session" in found.problems[0].why
    (tmp_path / "none").mkdir()
    with pytest.raises(FileNotFoundError, match="holds no record"):
        verify(made.folder, Anchors(witness=tmp_path / "none"))
    assert witnessed_roots(other, made.session) == []


def test_a_trusted_key_that_is_none_is_told(made: Any, tmp_path: Path) -> None:
    """Not taken for no key."""
    with pytest.raises(KeyFileError, match="No such file"):
        verify(made.folder, Anchors(key=tmp_path / "none"))


def test_a_line_that_broke_off_on_a_full_disk_is_vouched_for(tmp_path: Path) -> None:
    """By the gap record behind it; the same bytes without one are bad."""
    signer, session = Signer(), open_session(tmp_path / "r", "robot").session
    folder = tmp_path / "r"
    signer.leave_public_key(folder)
    writer = AuditWriter(folder, "recorder", session)
    maker = CheckpointMaker(folder, signer)
    writer.append("start", start_facts(folder))
    with writer.path.open("ab") as file:
        file.write(b'{"actor":')
    writer._file.broken = b'{"actor":'
    assert writer.append("state", {"to": "HOLD"}).written
    files = {
        path.name: RunningHash(path).follow() for path in folder.glob("*.[jp][se][om]*") if "audit" not in path.name
    }
    writer.append(CHECKPOINT, maker.make(files))
    writer.append(END, end_payload(signer, writer.head, {}))
    writer.close()
    found = verify(folder)
    assert found.ok, found.lines()
    assert found.gaps[0]["topic"] == "audit/recorder"
    writer.path.write_bytes(writer.path.read_bytes().replace(b'{"actor":\n', b'{"actor";\n'))
    found = verify(folder)
    assert (found.problems[0].file, found.problems[0].line) == (writer.path.name, 3)


def test_a_clock_that_jumps_is_told_and_is_no_tampering(tmp_path: Path) -> None:
    """Against the monotonic clock, both ways; slewing is none."""
    stamps = iter([(0, 0), (1, 1.0), (2, 2.0005), (3, 13.0), (4, 4.0), (5, 5.0)])

    def clock() -> Stamp:
        mono, utc = next(stamps)
        return Stamp(int(mono * 1e9), int(utc * 1e9), None, "b")

    folder = tmp_path / "r"
    folder.mkdir()
    writer = AuditWriter(folder, "recorder", "ab" * 16, clock=clock)
    for _ in range(5):
        writer.append("state", {})
    writer.close()
    found = verify(folder)
    assert [(step["n"], round(step["step_s"], 2)) for step in found.clock_steps] == [(3, 10.0), (4, -10.0)]


@pytest.mark.parametrize("content", [None, "", "rubbish", "{}", "[]"])
def test_a_folder_that_is_no_record_is_not_ok(tmp_path: Path, content: str | None) -> None:
    """And crashes nothing."""
    if content is not None:
        (tmp_path / "recorder.000.audit.jsonl").write_text(content)
        (tmp_path / "session.json").write_text(content)
        (tmp_path / "public_key.pem").write_text(content)
    found = verify(tmp_path)
    assert not found.ok
    assert found.truncated
    json.dumps(found.as_json())


def test_a_link_in_the_folder_is_bad(made: Any) -> None:
    """What it shows can be exchanged without touching the record."""
    outside = made.folder.parent / "bag_1.mcap"
    shutil.move(made.folder / "bag" / "bag_1.mcap", outside)
    (made.folder / "bag" / "bag_1.mcap").symlink_to(outside)
    found = verify(made.folder)
    assert str(found.problems[0]) == "bag/bag_1.mcap: is a link or no file"


def test_numbers_that_are_missing_are_counted() -> None:
    """One publisher, a restart, two publishers, what comes late."""
    for numbers, lost in (
        ([1, 2, 3], 0),
        ([5, 6, 9], 2),
        ([1, 2, 1, 2, 3], 0),
        ([500, 1, 501, 2, 502], 0),
        ([1, 2, 4, 3, 5], 0),
        ([1, 2, 2_000_003], 0),
    ):
        count = SequenceCount()
        for number in numbers:
            count.see(number)
        assert count.lost == lost, numbers


def test_bags_are_read_in_the_order_of_their_numbers() -> None:
    """And not of their letters."""
    assert in_order(["bag/bag_10.mcap", "bag/bag_9.mcap", "bag/x.mcap"]) == [
        "bag/x.mcap", "bag/bag_9.mcap", "bag/bag_10.mcap"
    ]  # fmt: skip


def test_a_chain_is_followed_while_it_is_written(tmp_path: Path) -> None:
    """Each record once; a line that is not finished waits; a new segment is found."""
    writer = AuditWriter(tmp_path, "recorder", "ab" * 16)
    tail = ChainTail(tmp_path, "recorder")
    assert [record["n"] for _, record in tail.new()] == [0]
    assert tail.new() == []
    writer.append("state", {})
    with writer.path.open("ab") as file:
        file.write(b'{"actor":')
    assert [record["n"] for _, record in tail.new()] == [1]
    writer.close()
    again = AuditWriter(tmp_path, "recorder", "ab" * 16)
    assert [(file, record["n"]) for file, record in tail.new()] == [("recorder.001.audit.jsonl", 2)]
    again.close()


def test_a_long_chain_is_read_in_portions(tmp_path: Path) -> None:
    """Through all segments, each record once and in order; a line longer than the portion is no obstacle."""
    for _ in range(3):
        writer = AuditWriter(tmp_path, "recorder", "ab" * 16)
        for number in range(20):
            writer.append("state", {"text": "x" * (5000 if number == 7 else 0)})
        writer.close()
    tail = ChainTail(tmp_path, "recorder")
    portions = []
    while not tail.reached_end:
        portions.append([record["n"] for _, record in tail.new(2000)])
    assert [n for portion in portions for n in portion] == list(range(63))
    assert 1 <= max(map(len, portions)) <= 4
    assert tail.new(2000) == []
    assert tail.reached_end


def test_a_bag_that_was_bad_when_it_was_closed_is_told(make_record_folder: Callable[..., Any], tmp_path: Path) -> None:
    """Its hash fits, so only its own checksums and its end can tell."""
    found = verify(make_record_folder(tmp_path / "record", spoiled=True).folder)
    assert [problem.file for problem in found.problems] == ["bag/bag_1.mcap"]
    assert "was when it was recorded" in found.problems[0].why


def test_the_checksums_of_a_bag_are_compared(made: Any) -> None:
    """A bit in any chunk, the last one included; a reader that does not compare takes it for a message."""
    path = made.folder / "bag" / "bag_0.mcap"
    content = path.read_bytes()
    assert BagReading().read(path) == ({"/PSM1/measured_js": 19, "/safety/state": 20}, "")
    data = content.index(b"std_msgs/msg/UInt32")
    end = content.rindex(b"\x0f\x04\x00\x00\x00\x00\x00\x00\x00")  # the record DataEnd
    for offset in range(data, end, 37):
        path.write_bytes(content[:offset] + bytes([content[offset] ^ 4]) + content[offset + 1 :])
        assert BagReading().read(path)[1], offset


@pytest.mark.parametrize("end", [b"", b'{"actor":"recorder","boot"', b'{"actor":"recorder","boot":""', b"\n"])
def test_a_line_that_broke_off_cannot_be_exchanged(made: Any, end: bytes) -> None:
    """The next segment vouches for its bytes."""
    path = made.folder / "recorder.000.audit.jsonl"
    content = path.read_bytes()
    whole = content.rindex(b"\n") + 1
    assert content[whole:] == b'{"actor":"recorder","boot":"'
    path.write_bytes(content[:whole] + end)
    assert verify(made.folder).problems[0].file == path.name


def test_a_record_that_does_not_follow_the_one_before_is_bad_by_itself(tmp_path: Path) -> None:
    """Without any checkpoint: its number fits, its own hash too."""
    writer = AuditWriter(tmp_path, "recorder", "ab" * 16)
    for i in range(4):
        writer.append("state", {"i": i})
    writer.close()
    texts = writer.path.read_bytes().splitlines()
    old = check_record(texts[2])
    stamp = Stamp(old["mono_ns"], old["utc_ns"], old["clock_error_ns"], old["boot"])
    texts[2] = canonical(make_record(2, "recorder", old["prev"], stamp, old["session"], "x", "state", {}))
    writer.path.write_bytes(b"\n".join(texts) + b"\n")
    checked = check_chain("recorder", [writer.path], "ab" * 16)
    assert checked.problem is not None
    assert (checked.problem.line, checked.problem.n) == (4, 3)
    assert "prev is not its hash" in checked.problem.why


def test_a_root_that_is_not_that_of_the_records_is_bad_although_it_is_signed(tmp_path: Path) -> None:
    """What was shown at the console and sent to the other site has to be what it stands for."""
    signer, folder = Signer(), tmp_path / "r"
    writer = AuditWriter(folder, "recorder", open_session(folder, "robot").session)
    signer.leave_public_key(folder)
    writer.append("start", start_facts(folder))
    wrong = signer.signed({**CheckpointMaker(folder, signer).make({}), "root": "00" * 32})
    n = writer.append(CHECKPOINT, wrong).n
    writer.close()
    problem = verify(folder).problems[0]
    assert (problem.file, problem.n) == (writer.path.name, n)
    assert "Merkle root" in problem.why
