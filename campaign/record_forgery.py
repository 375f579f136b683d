"""More ways to alter a record: its chain of redactions, which no checkpoint covers, and what is no file at all."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from audit.checkpoint import REDACTIONS
from audit.redaction_form import REDACTION
from audit.signing import Signer
from campaign.record_tampering import Bench, Files, NoFile, Tampering
from teleop_core.audit_disk import segment_name
from teleop_core.audit_record import GENESIS, Stamp, canonical, check_record, make_record, salted

FILE = segment_name(REDACTIONS, 0)
_OPENING = {"broken": {}, "chain": REDACTIONS, "clock_source": "tsc", "format": 1, "previous": None}
_STAMP = Stamp(5, 1_795_668_180_000_000_000, None, "b007")


def replay_a_redaction(bench: Bench, chance: random.Random) -> Tampering:
    """A bag is taken away, with a redaction that was signed for the other session of the same key."""
    files, name = _without_a_bag(bench, chance)
    told = _redaction(bench, bench.other, name)
    files[FILE] = _chain(
        bench.genuine, (REDACTION, lambda n, prev: bench.signer.signed({**told, "n": n, "prev": prev}))
    )
    return Tampering(files, {FILE})


def redact_another_content(bench: Bench, chance: random.Random) -> Tampering:
    """Signed for this session and place, but for other bytes than the record tells of."""
    files, name = _without_a_bag(bench, chance)
    told = {**_redaction(bench, bench.other, name), "session": _session(bench.genuine)}
    files[FILE] = _chain(
        bench.genuine, (REDACTION, lambda n, prev: bench.signer.signed({**told, "n": n, "prev": prev}))
    )
    return Tampering(files, {name})


def move_a_redaction(bench: Bench, chance: random.Random) -> Tampering:
    """A signed one stands at another place, or at another time, than the one it was signed for."""
    files, name = _without_a_bag(bench, chance)
    told, wrong = _redaction(bench, bench.genuine, name), {"n": 2, "prev": GENESIS, "utc_ns": 5}
    key = chance.choice(sorted(wrong))
    files[FILE] = _chain(
        bench.genuine,
        (REDACTION, lambda n, prev: bench.signer.signed({**told, "n": n, "prev": prev, key: wrong[key]})),
    )
    return Tampering(files, {FILE})


def redact_with_another_key(bench: Bench, chance: random.Random) -> Tampering:
    """Everything about it is right but who signed it."""
    files, name = _without_a_bag(bench, chance)
    told, signer = _redaction(bench, bench.genuine, name), Signer()
    told["public_key"] = signer.public_pem.decode()
    files[FILE] = _chain(bench.genuine, (REDACTION, lambda n, prev: signer.signed({**told, "n": n, "prev": prev})))
    return Tampering(files, {FILE}, needs_anchor=True)


def forge_in_the_redactions(bench: Bench, chance: random.Random) -> Tampering:
    """Records that would be shown as words of the recorder."""
    gap = {"topic": "/safety/state", "first": 1, "count": 9, "why": "the surgeon did it"}
    disk = {"free_bytes": 0, "full": True, "reserve_bytes": 0, "why": "all was well"}
    forged = chance.choice([("gap", gap), ("disk", disk), ("state", {"to": "HOLD"}), ("segment", _OPENING)])
    opening = chance.choice([{}, {}, {"why": "nothing"}, {"clock_source": "The surgeon did it"}])
    return Tampering({**bench.genuine, FILE: _chain(bench.genuine, forged, opening=opening)}, {FILE})


def say_more_in_the_redactions(bench: Bench, chance: random.Random) -> Tampering:
    """A beginning of a segment behind which nothing stands, and which no signature covers."""
    boot = chance.choice(["The surgeon did it", "B007", "0" * 37])
    more = {"why": "The surgeon did it"}, {"clock_source": "The surgeon did it"}, {"chain": "x"}, {"format": 2}
    opening, stamp = chance.choice([({}, replace(_STAMP, boot=boot)), *((item, _STAMP) for item in more)])
    return Tampering({**bench.genuine, FILE: _chain(bench.genuine, opening=opening, stamp=stamp)}, {FILE})


def redact_what_is_needed(bench: Bench, chance: random.Random) -> Tampering:
    """A redactor takes out what says of which session the record is, or with which key it is signed."""
    files, name = dict(bench.genuine), chance.choice(["session.json", "public_key.pem"])
    del files[name]
    told = _redaction(bench, bench.genuine, name)
    files[FILE] = _chain(
        bench.genuine, (REDACTION, lambda n, prev: bench.signer.signed({**told, "n": n, "prev": prev}))
    )
    return Tampering(files, {name})


def insert_an_empty_line(bench: Bench, chance: random.Random) -> Tampering:
    """Before a gap record, which may tell of bytes that are no record."""
    name = chance.choice(["recorder.000.audit.jsonl", "recorder.001.audit.jsonl"])
    lines = bench.genuine[name].splitlines(keepends=True)
    place = next(number for number, line in enumerate(lines) if b'"type":"gap"' in line)
    lines.insert(place, b"\n")
    return Tampering({**bench.genuine, name: b"".join(lines)}, {name}, line=(place + 1, place + 1))


def lay_what_is_no_file(bench: Bench, chance: random.Random) -> Tampering:
    """A pipe, a link or a folder, in the place of a file or besides."""
    files = dict(bench.genuine)
    more = ["bag/bag_7.mcap", "bag/recorder.000.audit.jsonl", "recorder.002.audit.jsonl", "evil.000.audit.jsonl"]
    name = chance.choice([*sorted(files), *more])
    # A folder of its own is nothing that could be taken for a part of the record.
    kinds = [b"pipe", b"link"] if name in more[:2] else [b"pipe", b"link", b"folder"]
    files[name] = NoFile(chance.choice(kinds))
    return Tampering(files, {name})


FORGERIES: tuple[Callable[[Bench, random.Random], Tampering], ...] = (
    replay_a_redaction,
    redact_another_content,
    move_a_redaction,
    redact_with_another_key,
    forge_in_the_redactions,
    say_more_in_the_redactions,
    redact_what_is_needed,
    insert_an_empty_line,
    lay_what_is_no_file,
)

Payload = dict[str, Any] | Callable[[int, str], dict[str, Any]]


def _session(files: Files) -> str:
    return str(check_record(files["recorder.000.audit.jsonl"].split(b"\n")[0])["session"])


def _without_a_bag(bench: Bench, chance: random.Random) -> tuple[Files, str]:
    files, name = dict(bench.genuine), chance.choice([name for name in bench.genuine if name.endswith(".mcap")])
    del files[name]
    return files, name


def _redaction(bench: Bench, files: Files, name: str) -> dict[str, Any]:
    content = files[name]
    listed = {"file": name, "bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    told = {"who": "officer", "why": "law", "records": [], "files": [listed], "utc_ns": _STAMP.utc_ns}
    return salted({**told, "session": _session(files), "public_key": bench.signer.public_pem.decode()})


def _chain(
    files: Files, *records: tuple[str, Payload], opening: dict[str, Any] | None = None, stamp: Stamp = _STAMP
) -> bytes:
    """A segment of redactions of the session that the files are of, well-formed and chained."""
    prev, text = GENESIS, b""
    for n, (type, payload) in enumerate([("segment", {**_OPENING, **(opening or {})}), *records]):
        content = payload(n, prev) if callable(payload) else payload
        actor = str(content.get("who", REDACTIONS))
        record = make_record(n, REDACTIONS, prev, stamp, _session(files), actor, type, content)
        prev = record["hash"]
        text += canonical(record) + b"\n"
    return text
