"""Decisions made again, against the bag and the audit log: what was changed in any of the three is found."""

from __future__ import annotations

import contextlib
import io
import json
import math
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from audit.definitions import DefinitionError, definition
from safety_monitor.inputs import ArmHealth, Inputs, StreamHealth
from safety_monitor.safety_log import CHAIN, SafetyLog
from safety_monitor.supervisor import Supervisor, Verdict
from teleop_cli.decision_check import UNWRITTEN, Run, Told, compare_chain, compare_messages
from teleop_cli.decisions_command import LOG
from teleop_cli.main import main
from teleop_core.audit_writer import AuditWriter
from teleop_core.decision_log import DecisionLog
from teleop_core.profiles import read_profile

LAN = read_profile(Path(__file__).parents[2] / "config/profiles/lan.yaml")
PERMITS = 4711
SAFETY_STATE = "telesurgery/msg/SafetyState"
MUTATIONS = 120


def inputs(step: int, permitted: bool, number: int) -> Inputs:
    """What a monitor sees: all well, then a silence, a stop, a refused and a granted reset."""
    age = 0.004 if not 80 <= step < 90 else 0.2
    streams = (
        StreamHealth("console", "command", age),
        StreamHealth("kinematics", "feedback", 0.008),
        StreamHealth("PSM1", "driver", 0.008 + 1e-5 * step),
        StreamHealth("left eye", "video", 0.1),
        StreamHealth("safety_monitor", "sole speaker", None),
    )
    arm = ArmHealth(True, False, 0.0002, permitted, not permitted, number)
    return Inputs(
        streams,
        {"PSM1": arm},
        operator_present=not 140 <= step < 150,
        stop_requests=(("nurse", "test"),) if step == 120 else (),
        reset_requested=step in (130, 145),
        loop_lag=0.01,
        disk_free=4e12,
    )


def steps(supervisor: Any, first: float, count: int) -> Iterator[tuple[Inputs, Verdict]]:
    permitted, number = False, 0
    for step in range(count):
        seen = inputs(step, permitted, number)
        verdict = supervisor.step(first + 0.01 * step, seen)
        permitted, number = verdict.permitted, verdict.permit_sequence
        yield seen, verdict


def message(session: int, verdict: Verdict) -> dict[str, Any]:
    """A SafetyState."""
    alarms = [
        {
            "id": alarm.id,
            "level": int(alarm.level),
            "priority": int(alarm.priority),
            "since": {"sec": 0, "nanosec": 0},
            "latched": alarm.latched,
            "source": alarm.source,
            "text": alarm.text,
            "remedy": alarm.remedy,
        }
        for alarm in verdict.alarms
    ]
    return {
        "header": {"stamp": {"sec": 0, "nanosec": 0}, "frame_id": ""},
        "state": int(verdict.state),
        "motion_permitted": verdict.permitted,
        "session": session,
        "permit_sequence": verdict.permit_sequence,
        "lease": 0.1,
        "velocity_ratio": verdict.velocity_ratio,
        "security": "none",
        "alarms": alarms,
        "arming_denied": list(verdict.arming_denied),
        "recovery": list(verdict.recovery),
        "mac": [],
    }


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A session of two starts of the monitor, by the parts that record one."""
    from mcap_ros2.writer import Writer

    try:
        text = definition(SAFETY_STATE)
    except DefinitionError as error:
        pytest.skip(str(error))
    folder = tmp_path_factory.mktemp("session")
    (folder / "bag").mkdir()
    with (folder / "bag" / "bag_0.mcap").open("wb") as file:
        writer = Writer(file)
        schema = writer.register_msgdef(SAFETY_STATE, text)
        for start, count in enumerate((200, 70)):
            log = DecisionLog(folder / LOG, {"permit_session": PERMITS + start, "profile": LAN})
            supervisor = log.watch("supervisor", Supervisor(LAN), "step")
            chain = AuditWriter(folder, CHAIN, "ab" * 16)
            safety = SafetyLog(chain)
            for index, (seen, verdict) in enumerate(steps(supervisor, 100.0 + 1000.0 * start, count)):
                for source, reason in seen.stop_requests:
                    safety.stop_requested(source, reason, True)
                if seen.reset_requested:
                    safety.reset(verdict)
                time = (1_000 * start + index) * 10_000_000 + 1
                told = message(PERMITS + start, safety.admit(verdict))
                writer.write_message("/safety/state", schema, told, log_time=time, publish_time=time)
            log.close()
            chain.close()
        writer.finish()
    return folder


def decisions(folder: Path) -> tuple[int, dict[str, Any]]:
    """Exit code and findings of the command."""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        code = main(["audit", "decisions", str(folder), "--json"])
    return code, json.loads(printed.getvalue())


def copied(session: Path, folder: Path) -> Path:
    """The session, with files that may be changed."""
    for path in session.rglob("*"):
        if path.is_file():
            target = folder / path.relative_to(session)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(path.read_bytes())
    return folder


def test_an_untouched_session_is_reproduced(session: Path) -> None:
    """Every decision, every published permit and every transition, over two starts."""
    code, found = decisions(session)
    assert (code, found["ok"], found["error"]) == (0, True, "")
    assert (found["decisions"]["compared"], found["decisions"]["starts"]) == (270, 2)
    assert (found["bag"]["compared"], found["bag"]["different"]) == (270, 0)
    assert found["audit_log"]["compared"] > 12
    assert found["audit_log"]["different"] == 0


def leaves(value: Any, place: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Places of everything in a JSON value that holds nothing itself."""
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    inner = [leaf for key, item in pairs for leaf in leaves(item, (*place, key))]
    yield from inner or [place]


def changed(value: Any, rng: random.Random) -> Any:
    """Another value of the same kind, as near as can be."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value + rng.choice((-1, 1))
    if isinstance(value, float):
        return math.nextafter(value, rng.choice((-1e9, 1e9)))
    if isinstance(value, str):
        place = rng.randrange(len(value) + 1)
        return (
            value[:place] + rng.choice("abcdef0123456789") + value[place + 1 :] + ("x" if place == len(value) else "")
        )
    return 0 if value is None else [*value, 0] if isinstance(value, list) else {**value, "x": 0}


def mutated(line: str, rng: random.Random) -> str:
    """The line with one field changed."""
    while True:
        record = json.loads(line)
        place = rng.choice(list(leaves(record)))
        holder = record
        for key in place[:-1]:
            holder = holder[key]
        holder[place[-1]] = changed(holder[place[-1]], rng)
        text = json.dumps(record, separators=(",", ":"))
        if text != line:
            return text


@pytest.mark.parametrize("seed", range(4))
def test_one_changed_field_of_one_line_is_found(session: Path, tmp_path: Path, seed: int) -> None:
    """Wherever it is: inputs that change no decision, verdicts, the profile, the sums themselves. The line is named."""
    folder, rng = copied(session, tmp_path), random.Random(seed)
    lines = (session / LOG).read_text().splitlines()
    for _ in range(MUTATIONS // 4):
        index = rng.randrange(len(lines))
        line = mutated(lines[index], rng)
        (folder / LOG).write_text("\n".join([*lines[:index], line, *lines[index + 1 :]]) + "\n")
        code, found = decisions(folder)
        assert (code, found["ok"]) == (1, False), (index + 1, line[:200])
        told = f"{found['error']} {found['decisions']['first_altered']}"
        assert f"line {index + 1}" in told.replace(":", " "), (index + 1, line[:200], told)


def test_a_permit_that_cannot_be_decoded_is_told(session: Path, tmp_path: Path) -> None:
    """Cut short, or with lengths beyond its end: each is a finding with its place, and the others are compared."""
    from mcap.reader import make_reader
    from mcap.writer import Writer

    folder, place = copied(session, tmp_path), Path("bag") / "bag_0.mcap"
    with (session / place).open("rb") as file, (folder / place).open("wb") as out:
        writer, ids = Writer(out), {}
        writer.start(profile="ros2")
        for index, (schema, channel, message) in enumerate(make_reader(file).iter_messages()):
            if not ids:
                number = writer.register_schema(schema.name, schema.encoding, schema.data)
                ids[channel.id] = writer.register_channel(channel.topic, channel.message_encoding, number)
            garbled = {3: message.data[:9], 7: b"", 11: message.data[:12] + b"\xff" * 40, 13: b"\x00" * 2}
            data = garbled.get(index, message.data)
            writer.add_message(ids[channel.id], message.log_time, data, message.publish_time)
        writer.finish()
    code, found = decisions(folder)
    assert (code, found["ok"], found["decisions"]["different"]) == (1, False, 0)
    assert (found["bag"]["compared"], found["bag"]["different"]) == (266, 4)
    assert f"/safety/state that arrived at {30_000_001} ns cannot be decoded" in found["bag"]["first_difference"]


def test_a_log_that_ends_early_is_found(session: Path, tmp_path: Path) -> None:
    """The bag knows of more decisions than those that a killed monitor takes along."""
    folder = copied(session, tmp_path)
    lines = (session / LOG).read_text().splitlines(keepends=True)
    (folder / LOG).write_text("".join(lines[:-5]))
    code, found = decisions(folder)
    assert found["decisions"]["identical"]
    assert (code, found["bag"]["different"]) == (0, 0)
    assert found["bag"]["notes"]["after the end of the decision log: the monitor was killed"] in (4, 5)
    (folder / LOG).write_text("".join(lines[:-30]))
    code, found = decisions(folder)
    assert code == 1
    assert found["bag"]["different"] >= 30 - UNWRITTEN - 1


BIG = "1" + "0" * 400


@pytest.mark.parametrize(
    ("number", "old", "new"),
    [
        (2, '"of":"supervisor"', '"of":[]'),
        (2, '"call":"step"', '"call":' + "[" * 700 + "]" * 700),
        (2, '"with":', '"with":{"f":' + BIG + '},"was":'),
        (2, '"with":', '"with":{"r":["b",[1000]]},"was":'),
        (2, '"with":', '"with":' + "[" * 600 + "]" * 600 + ',"was":'),
        (2, '"with":', '"with":' + '{"l":[' * 300 + "]}" * 300 + ',"was":'),
        (2, '"result":', '"result":NaN,"was":'),
        (2, '"result":', '"result":' + "[" * 900 + "]" * 900 + ',"was":'),
        (1, f'"permit_session",{PERMITS}', '"permit_session","x"'),
        (1, f'"permit_session",{PERMITS}', '"permit_session",{"f":' + BIG + "}"),
    ],
)
def test_a_line_that_cannot_be_used_is_told(session: Path, tmp_path: Path, number: int, old: str, new: str) -> None:
    """Whatever somebody wrote into the log: the line is named, and the exit code is that of a bad record."""
    folder = copied(session, tmp_path)
    lines = (session / LOG).read_text().splitlines()
    assert old in lines[number - 1]
    lines[number - 1] = lines[number - 1].replace(old, new, 1)
    (folder / LOG).write_text("\n".join(lines) + "\n")
    code, found = decisions(folder)
    assert (code, found["ok"]) == (1, False)
    assert f"line {number}" in f"{found['error']} {found['decisions']['first_altered']}"


def test_a_decision_with_named_arguments_is_told(session: Path, tmp_path: Path) -> None:
    """The supervisor would decide the same; the monitor never calls it so."""
    folder = copied(session, tmp_path)
    lines = (session / LOG).read_text().splitlines()
    record = json.loads(lines[1])
    (now, seen), _ = record["with"]
    record["with"] = [[], {"d": [["now", now], ["inputs", seen]]}]
    lines[1] = json.dumps(record, separators=(",", ":"))
    (folder / LOG).write_text("\n".join(lines) + "\n")
    code, found = decisions(folder)
    assert code == 1
    assert "line 2: supervisor.step takes the time and the inputs" in found["error"]


def test_a_record_at_an_impossible_time_is_no_crash() -> None:
    """10^400 ns is a whole number for JSON and for a record, and no float."""
    late = {**record(3, "state", {"to": "HOLD"}), "mono_ns": 10**400}
    found = compare_chain([RUN], [[*RECORDS, late]])
    assert (found.different, len(found.notes)) == (0, 1)


RUN = Run(
    7,
    [Told(1, False, 1.0, (), ("x",), ("y",)), Told(2, True, 1.0, (), (), ())],
    [("state", {"to": "READY"}), ("permit", {"granted": True})],
    10.0,
)
ALARM = ("STOP", 5, 2, True, "nurse", "stop", "wait")


@pytest.mark.parametrize(
    "wrong",
    [
        (7, 2, RUN.verdicts[1]._replace(state=1)),
        (7, 2, RUN.verdicts[1]._replace(velocity_ratio=0.5)),
        (7, 2, RUN.verdicts[1]._replace(alarms=(ALARM,))),
        (7, 2, RUN.verdicts[1]._replace(recovery=("z",))),
        (7, 1, RUN.verdicts[0]._replace(permitted=True)),
        (7, 1, RUN.verdicts[1]),
        (7, 0, RUN.verdicts[0]),
        (8, 1, RUN.verdicts[0]),
    ],
)
def test_a_permit_that_was_not_decided_is_found(wrong: tuple[int, int, Told]) -> None:
    """Another content, another number, another monitor."""
    right = [(7, number, told) for number, told in enumerate(RUN.verdicts, start=1)]
    assert compare_messages([RUN], right).different == 0
    found = compare_messages([RUN], [*right, wrong])
    assert found.different == 1
    assert f"permit {wrong[1]} " in found.first_difference


def record(n: int, type_: str, payload: Any, mono: float = 5.0) -> dict[str, Any]:
    return {"n": n, "type": type_, "payload": payload, "mono_ns": int(mono * 1e9)}


RECORDS = [
    record(0, "segment", {}),
    record(1, "state", {"to": "READY", "salt": "s"}),
    record(2, "permit", {"granted": True}),
]


@pytest.mark.parametrize(
    ("records", "told"),
    [
        (RECORDS[:2], "was decided and is not in the audit log"),
        ([RECORDS[0], RECORDS[2]], "audit record 2 is of type permit, decided was a state"),
        ([*RECORDS, record(3, "state", {"to": "HOLD"})], "audit record 3 (state) was not decided"),
        ([*RECORDS[:2], record(2, "permit", {"granted": False})], "audit record 2 (permit): granted is False"),
    ],
)
def test_a_transition_that_only_one_side_has_is_found(records: list[dict[str, Any]], told: str) -> None:
    """Missing, invented, changed."""
    assert compare_chain([RUN], [RECORDS]).different == 0
    found = compare_chain([RUN], [records])
    assert found.different == 1
    assert told in found.first_difference


def test_what_was_taken_out_or_came_after_a_kill_is_told() -> None:
    """A redacted payload is not compared; records later than the last decision are those of a killed monitor."""
    after = record(3, "state", {"to": "HOLD"}, 10.02)
    found = compare_chain([RUN], [[RECORDS[0], {**RECORDS[1], "payload": None}, RECORDS[2], after]])
    assert found.different == 0
    assert len(found.notes) == 2
    assert compare_chain([RUN], []).different == 1


def test_a_folder_without_a_session_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 2 and one line."""
    assert main(["audit", "decisions", str(tmp_path)]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1
