"""Ways to alter the record of a session, and where a verification has to say so; for the tests of the verifiers."""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from audit.checkpoint import CHECKPOINT, END, START_KEY, root_of
from audit.signing import Signer, fingerprint
from teleop_core.audit_record import GENESIS, Stamp, canonical, check_record, make_record, record_hash

Files = dict[str, bytes]


class NoFile(bytes):
    """Stands for what is no file: b"pipe", b"link" (to nothing) or b"folder"."""

    def make(self, path: Path) -> None:
        """Make it."""
        if self == b"pipe":
            os.mkfifo(path)
        elif self == b"link":
            path.symlink_to("nothing/here")
        else:
            path.mkdir()


@dataclass
class Tampering:
    """What was done to a record, and where a verifier has to say so.

    Attributes:
        files: Of the record, as they are now.
        where: Files that may be named: the touched ones.
        offset: Byte that the named range of bytes has to hold; None where any will do.
        n: Smallest and largest record number that may be named.
        line: Lines that may be named.
        needs_anchor: Only found with a trusted key.
    """

    files: Files
    where: set[str]
    offset: int | None = None
    n: tuple[int, int] | None = None
    line: tuple[int, int] | None = None
    needs_anchor: bool = False


@dataclass
class Bench:
    """Two records by one key, and a folder in which the first is altered."""

    genuine: Files
    other: Files
    signer: Signer
    folder: Path
    key: Path
    written: Files = field(default_factory=dict)

    def lay(self, files: Files) -> Path:
        """Make the folder hold these files."""
        for name in self.written.keys() - files.keys():
            _remove(self.folder / name)
        for name, content in files.items():
            if self.written.get(name) != content:
                (self.folder / name).parent.mkdir(exist_ok=True)
                _remove(self.folder / name)
                if isinstance(content, NoFile):
                    content.make(self.folder / name)
                else:
                    (self.folder / name).write_bytes(content)
        self.written = dict(files)
        return self.folder


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        path.rmdir()
    else:
        path.unlink(missing_ok=True)


def flip_a_bit(bench: Bench, chance: random.Random) -> Tampering:
    """One bit of one file."""
    files, name = dict(bench.genuine), chance.choice(sorted(bench.genuine))
    content = bytearray(files[name])
    offset = chance.randrange(len(content))
    line = files[name][:offset].count(b"\n") + 1
    content[offset] ^= 1 << chance.randrange(8)
    files[name] = bytes(content)
    if _is_chain(name):
        return Tampering(files, {name}, offset=offset, line=(line, line))
    return Tampering(files, {name}, offset=offset)


def delete_a_line(bench: Bench, chance: random.Random) -> Tampering:
    """One record of a chain."""
    files, name, lines = _a_chain(bench, chance)
    at = chance.randrange(len(lines))
    n = check_record(lines[at].rstrip())["n"]
    _put(files, name, lines[:at] + lines[at + 1 :])
    return Tampering(files, {name}, n=(n, n))


def delete_a_file(bench: Bench, chance: random.Random) -> Tampering:
    """Any of them."""
    files, name = dict(bench.genuine), chance.choice(sorted(bench.genuine))
    del files[name]
    # Where the end of the log is gone the record ends, as far as anybody can tell, with the segment before.
    return Tampering(files, {name, "recorder.000.audit.jsonl"} if name == "recorder.001.audit.jsonl" else {name})


def reorder_lines(bench: Bench, chance: random.Random) -> Tampering:
    """Two records change places."""
    files, name, lines = _a_chain(bench, chance)
    one, two = sorted(chance.sample(range(len(lines)), 2))
    lines[one], lines[two] = lines[two], lines[one]
    _put(files, name, lines)
    return Tampering(files, {name}, line=(one + 1, one + 1))


def truncate(bench: Bench, chance: random.Random) -> Tampering:
    """Any file ends earlier."""
    files, name = dict(bench.genuine), chance.choice(sorted(bench.genuine))
    size = chance.randrange(len(files[name])) if chance.random() < 0.9 else 0
    files[name] = files[name][:size]
    lines = files[name].count(b"\n")
    if not _is_chain(name):
        return Tampering(files, {name}, offset=size)
    where = {name} if lines or name != "recorder.001.audit.jsonl" else {name, "recorder.000.audit.jsonl"}
    return Tampering(files, where, line=(lines, lines + 1))


def splice_two_sessions(bench: Bench, chance: random.Random) -> Tampering:
    """A file, or a whole chain, of another session that was signed with the same key."""
    files = dict(bench.genuine)
    names = [[name] for name in sorted(files) if bench.other[name] != files[name]]
    names += [[name for name in sorted(files) if name.startswith(chain)] for chain in ("recorder", "safety_monitor.0")]
    chosen = chance.choice(names)
    files.update({name: bench.other[name] for name in chosen})
    return Tampering(files, {chosen[0]})


def sign_again_with_another_key(bench: Bench, chance: random.Random) -> Tampering:
    """All of it, perfectly, and something else than what happened; only who keeps the key outside can tell."""
    return Tampering(signed_again(bench, Signer(), chance, leave_key=True), {"public_key.pem"}, needs_anchor=True)


def sign_again_and_keep_the_old_key_there(bench: Bench, chance: random.Random) -> Tampering:
    """Signed with another key than the one in the folder."""
    return Tampering(signed_again(bench, Signer(), chance, leave_key=False), {"recorder.000.audit.jsonl"})


def rename_a_file(bench: Bench, chance: random.Random) -> Tampering:
    """Any of them."""
    files, name = dict(bench.genuine), chance.choice(sorted(bench.genuine))
    new = chance.choice([f"{name}x", name.replace("0", "7").replace("1", "8"), f"bag/{Path(name).name}.bak"])
    new = new if new not in files else f"{name}.old"
    files[new] = files.pop(name)
    where = {name, "recorder.000.audit.jsonl"} if name == "recorder.001.audit.jsonl" else {name}
    return Tampering(files, where)


def swap_two_files(bench: Bench, chance: random.Random) -> Tampering:
    """Their names are exchanged."""
    files = dict(bench.genuine)
    one, two = chance.sample(sorted(files), 2)
    files[one], files[two] = files[two], files[one]
    return Tampering(files, {one, two})


def duplicate_a_line(bench: Bench, chance: random.Random) -> Tampering:
    """A record stands twice in a chain."""
    files, name, lines = _a_chain(bench, chance)
    one, to = chance.randrange(len(lines)), chance.randrange(len(lines) + 1)
    _put(files, name, [*lines[:to], lines[one], *lines[to:]])
    return Tampering(files, {name}, line=(to + 1, to + 2))


def insert_a_forged_record(bench: Bench, chance: random.Random) -> Tampering:
    """Valid by itself, with the number and the hash that fit its place."""
    files, name, lines = _a_chain(bench, chance)
    at = chance.randrange(1, len(lines) + 1)
    before = check_record(lines[at - 1].rstrip())
    forged = _again(before, n=before["n"] + 1, prev=before["hash"], type="state", payload={"to": "OPERATING"})
    _put(files, name, [*lines[:at], canonical(forged) + b"\n", *lines[at:]])
    return Tampering(files, {name}, n=(forged["n"], forged["n"] + 1))


def insert_rubbish(bench: Bench, chance: random.Random) -> Tampering:
    """Some bytes anywhere in a file."""
    files, name = dict(bench.genuine), chance.choice(sorted(bench.genuine))
    at = chance.randrange(len(files[name]) + 1)
    rubbish = bytes(chance.randrange(1, 256) for _ in range(chance.randrange(1, 40)))
    files[name] = files[name][:at] + rubbish + files[name][at:]
    return Tampering(files, {name})


def add_a_file(bench: Bench, chance: random.Random) -> Tampering:
    """Empty, rubbish, or a copy of one that is there."""
    files = dict(bench.genuine)
    new = ["bag/bag_3.mcap", "notes.txt", "evil.000.audit.jsonl", "recorder.002.audit.jsonl", "bag/.hidden"]
    name = chance.choice([*new, "other.decisions.jsonl"])
    files[name] = chance.choice([b"", b"rubbish\n", *(bench.genuine[key] for key in sorted(bench.genuine))])
    return Tampering(files, {name})


def write_a_chain_anew_from_a_record_on(bench: Bench, chance: random.Random) -> Tampering:
    """One record altered, and the hashes of all behind it made to fit; signatures cannot be."""
    files = dict(bench.genuine)
    chain = chance.choice(("recorder", "safety_monitor"))
    names = [f"{chain}.{number:03d}.audit.jsonl" for number in range(2)]
    records = [check_record(line) for name in names for line in files[name].split(b"\n")[:-1] if _is_record(line)]
    chosen = chance.choice([r["n"] for r in records if r["type"] in ("state", "engagement", "start", "gap", END)])
    prev, texts = records[0]["prev"], dict.fromkeys(names, b"")
    for name in names:
        for line in files[name].splitlines(keepends=True):
            if not _is_record(line.rstrip()):
                texts[name] += line
                continue
            record = check_record(line.rstrip())
            payload = {**record["payload"], "note": "nothing happened"} if record["n"] == chosen else record["payload"]
            made = _again(record, prev=prev, payload=payload)
            texts[name] += canonical(made) + b"\n"
            prev = made["hash"]
    files.update(texts)
    return Tampering(files, set(names), n=(0, chosen))


def take_out_a_payload_untold(bench: Bench, chance: random.Random) -> Tampering:
    """The hash still fits."""
    files, name, lines = _a_chain(bench, chance)
    at = chance.randrange(len(lines))
    record = {**check_record(lines[at].rstrip()), "payload": None}
    lines[at] = canonical(record) + b"\n"
    _put(files, name, lines)
    return Tampering(files, {name}, n=(record["n"], record["n"]), line=(at + 1, at + 1))


def forge_an_earlier_end(bench: Bench, chance: random.Random) -> Tampering:
    """The log cut off behind a checkpoint, and ended there by somebody who has not the key."""
    files = dict(bench.genuine)
    name = "recorder.001.audit.jsonl"
    lines = files[name].splitlines(keepends=True)
    checkpoints = [i for i, line in enumerate(lines) if check_record(line.rstrip())["type"] == CHECKPOINT]
    at = chance.choice(checkpoints)
    last, end = check_record(lines[at].rstrip()), check_record(lines[-1].rstrip())
    after = {"n": last["n"], "hash": last["hash"]}
    # Either the place is forged, or the genuine end, with its genuine signature, is moved there.
    payload = {**end["payload"], "after": after} if chance.random() < 0.5 else end["payload"]
    lines = [*lines[: at + 1], canonical(_again(end, n=last["n"] + 1, prev=last["hash"], payload=payload)) + b"\n"]
    if at == checkpoints[-1]:
        lines[-1] = canonical(_again(end, payload={**end["payload"], "reason": "another"})) + b"\n"
    files[name] = b"".join(lines)
    return Tampering(files, {name}, line=(at + 2, at + 2))


WAYS: tuple[Callable[[Bench, random.Random], Tampering], ...] = (
    flip_a_bit,
    delete_a_line,
    delete_a_file,
    reorder_lines,
    truncate,
    splice_two_sessions,
    sign_again_with_another_key,
    sign_again_and_keep_the_old_key_there,
    rename_a_file,
    swap_two_files,
    duplicate_a_line,
    insert_a_forged_record,
    insert_rubbish,
    add_a_file,
    write_a_chain_anew_from_a_record_on,
    take_out_a_payload_untold,
    forge_an_earlier_end,
)


WAYS_OF_ANY_RECORD = WAYS[:5] + WAYS[8:14]
"""Those that need no payload that may have been taken out."""


def _is_chain(name: str) -> bool:
    return name.endswith(".audit.jsonl")


def _is_record(line: bytes) -> bool:
    return line.endswith(b"}")


def _a_chain(bench: Bench, chance: random.Random) -> tuple[Files, str, list[bytes]]:
    """A copy of all files, one segment of a chain, and its whole lines."""
    name = chance.choice([name for name in sorted(bench.genuine) if _is_chain(name)])
    lines = bench.genuine[name].splitlines(keepends=True)
    return dict(bench.genuine), name, [line for line in lines if line.endswith(b"\n")]


def _put(files: Files, name: str, lines: list[bytes]) -> None:
    """Other whole lines; what broke off behind them stays."""
    files[name] = b"".join(lines) + files[name][files[name].rfind(b"\n") + 1 :]


def _again(record: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """The record with other content and hashes that fit."""
    changed = {**record, **changes}
    stamp = Stamp(record["mono_ns"], record["utc_ns"], record["clock_error_ns"], record["boot"])
    made = make_record(
        changed["n"], changed["chain"], changed["prev"], stamp, changed["session"], changed["actor"], changed["type"],
        changed["payload"],
    )  # fmt: skip
    assert made["hash"] == record_hash(made)
    return made


def _lines_of(files: Files, chain: str) -> Iterator[tuple[str, bytes]]:
    for name in sorted(name for name in files if name.startswith(f"{chain}.") and _is_chain(name)):
        for line in files[name].splitlines(keepends=True):
            yield name, line


def signed_again(bench: Bench, signer: Signer, chance: random.Random, *, leave_key: bool) -> Files:
    """The whole record made anew with another key, and one record of the recorder altered on the way."""
    files = dict(bench.genuine)
    if leave_key:
        files["public_key.pem"] = signer.public_pem
    monitor = [check_record(line.rstrip()) for _, line in _lines_of(files, "safety_monitor")]
    texts: Files = {}
    hashes: list[str] = []
    covered: dict[str, int] = {"recorder": -1, "safety_monitor": -1}
    lie = chance.randrange(2)
    for name, line in _lines_of(files, "recorder"):
        texts.setdefault(name, b"")
        if not line.endswith(b"\n"):
            texts[name] += line
            continue
        record = check_record(line.rstrip())
        payload = record["payload"]
        if record["type"] == "engagement" and payload["turn"] == lie:
            payload = {**payload, "hand": "MTML"}
        if record["type"] == "start" and leave_key:
            payload = {**payload, START_KEY: fingerprint(signer.public_pem)}
        if record["type"] == CHECKPOINT:
            heads = {key: dict(head) for key, head in payload["chains"].items()}
            heads["recorder"]["hash"] = hashes[heads["recorder"]["n"]]
            parts = {"recorder": hashes[covered["recorder"] + 1 : heads["recorder"]["n"] + 1]}
            seen = heads.get("safety_monitor", {"n": -1})["n"]
            parts["safety_monitor"] = [r["hash"] for r in monitor[covered["safety_monitor"] + 1 : seen + 1]]
            covered = {"recorder": heads["recorder"]["n"], "safety_monitor": seen}
            told = {**payload["files"]}
            if leave_key:
                size = len(signer.public_pem)
                told["public_key.pem"] = {"bytes": size, "sha256": fingerprint(signer.public_pem)}
            payload = signer.signed({**payload, "chains": heads, "root": root_of(parts), "files": told})
        if record["type"] == END:
            payload = signer.signed({**payload, "after": {"n": record["n"] - 1, "hash": hashes[-1]}})
        made = _again(record, prev=hashes[-1] if hashes else GENESIS, payload=payload)
        hashes.append(made["hash"])
        texts[name] += canonical(made) + b"\n"
    files.update(texts)
    return files
