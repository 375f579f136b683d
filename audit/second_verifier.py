#!/usr/bin/env python3
"""A second verifier of a session's record, written apart from the first: standard library, and Ed25519 signatures.

`python second_verifier.py DIR [--key FILE]` prints {"ok", "first_bad", "why"}; exit code 0 if ok, 1 if not. What is in
the bags it does not look at: it compares their hashes. `first_bad` is the first file that was altered, else the first
whose end is missing.
"""

import collections
import hashlib
import json
import pathlib
import re
import sys

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.serialization import load_pem_public_key

TEXTS = {"actor", "boot", "chain", "hash", "payload_sha256", "prev", "session", "type"}
FIELDS = TEXTS | {"clock_error_ns", "mono_ns", "n", "payload", "utc_ns"}
NEEDED = {"segment", "start", "checkpoint", "end", "gap", "disk", "bag_opened", "bag_closed", "witness", "redaction"}
GROWS = re.compile(r"bag/[^/]+\.mcap|[^/]+\.decisions\.jsonl")
WRONG = (ValueError, KeyError, IndexError, TypeError, AttributeError, RecursionError, InvalidSignature)


def _need(condition, file, why):
    if not condition:
        print(json.dumps({"ok": False, "first_bad": file, "why": why}))
        sys.exit(1)


def _form(value):
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()


def _hash(value):
    return hashlib.sha256(value if isinstance(value, bytes) else _form(value)).hexdigest()


def _parse(line):
    try:
        record = json.loads(line[:-1])
        good = set(record) == FIELDS and all(type(record[key]) is str for key in TEXTS) and type(record["n"]) is int
        good = good and _hash({key: record[key] for key in FIELDS - {"payload", "hash"}}) == record["hash"]
        good = good and (record["payload"] is None or _hash(record["payload"]) == record["payload_sha256"])
        return record if good and _form(record) + b"\n" == line else None
    except WRONG:
        return None


def _root(leaves):
    half = 1 << (len(leaves) - 1).bit_length() - 1 if len(leaves) > 1 else 0
    text = b"\x01" + _root(leaves[:half]) + _root(leaves[half:]) if half else b"\x00" + leaves[0]
    return hashlib.sha256(text).digest()


def _signed(key, payload):
    try:
        content = {name: payload[name] for name in payload if name != "signature"}
        return key.verify(bytes.fromhex(payload["signature"]), _form(content)) is None
    except WRONG:
        return False


def _chain(folder, name, files, session):
    """Records with their files, and the files at whose end lines broke off."""
    found, prev, behind, before = [], "0" * 64, {}, None
    for number, file in enumerate(files):
        _need(file == f"{name}.{number:03d}.audit.jsonl", f"{name}.{number:03d}.audit.jsonl", "is missing")
        rest, first = b"", True
        for line in re.findall(rb"[^\n]*\n|[^\n]+", (folder / file).read_bytes()):
            record, n = _parse(line), len(found)
            if record is None:
                rest += line
                continue
            payload, follows = record["payload"] or {}, (record["n"], record["prev"]) == (n, prev)
            told = payload.get("broken")
            filled = record["type"] == "gap" and told == {"bytes": len(rest) - 1, "sha256": _hash(rest[:-1])}
            _need(not rest or (filled and not first), file, f"what stands before record {record['n']} is none")
            _need((record["chain"], record["session"]) == (name, session), file, f"record {n} comes from elsewhere")
            right = (payload or record["type"] not in NEEDED) and (not first or record["type"] == "segment")
            _need(right, file, f"record {n} is not as it has to be")
            if first and before and payload.get("previous") == before:
                whole = told == {name: lost for name, lost in behind.items() if lost["bytes"]}
                _need(
                    record["n"] == n and (whole or not follows), next(iter(behind), before), f"no record {n} at its end"
                )
            _need(follows, file, f"here is not record {n}")
            found.append((file, record))
            rest, first, prev, behind = b"", False, record["hash"], {}
        behind.update({file: {"bytes": len(rest), "sha256": _hash(rest)}} if rest or first else {})
        before = file
    return found, list(behind)[-1:]


def _checkpoints(chains, names, late, key):
    """Compares signatures, heads and roots; the newest heads."""
    heads = {}
    for file, record in chains["recorder"]:
        signs = record["type"] in ("checkpoint", "end")
        _need(not signs or _signed(key, record["payload"]), file, f"record {record['n']} is not signed")
        leaves, before, heads = [], heads, record["payload"]["chains"] if record["type"] == "checkpoint" else heads
        for name, head in sorted(heads.items()) if heads is not before else ():
            first, chain = before.get(name, {"n": -1})["n"] + 1, chains[name]
            last = names[name][-1] if chain and head["segment"] in names[name] else head["segment"]
            there = next((broken for broken in late if broken in names[name]), last)
            _need(head["n"] < len(chain), there, f"records up to {head['n']} are missing")
            same = chain[head["n"]][1]["hash"] == head["hash"]
            _need(same, chain[min(first, head["n"])][0], f"one of the records {first} to {head['n']} is another one")
            leaves += [bytes.fromhex(record["hash"]) for _, record in chain[first : head["n"] + 1]]
        _need(not leaves or _root(leaves).hex() == record["payload"]["root"], file, f"{record['n']} has another root")
    return heads


def _files(folder, log, ended, gone):
    """Compares every file that is no chain; those with an end that nobody vouches for."""
    claims, late = collections.defaultdict(dict), []
    for told in (record["payload"] for record in log if record["type"] in ("checkpoint", "bag_closed")):
        for name, file in told.get("files", {told.get("file"): told}).items():
            claims[name] = {**(claims[name] if GROWS.fullmatch(name) else {}), file["bytes"]: file["sha256"]}
    there = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*")}
    there = {name: p for name, p in there.items() if p.is_symlink() or (p.is_file() and ".audit.jsonl" not in name)}
    for name in sorted(set(claims) - (gone - set(there))):
        _need(name in there and not there[name].is_symlink(), name, "is missing")
        data = there[name].read_bytes()
        same = all(_hash(data[:size]) == digest for size, digest in claims[name].items())
        _need(same or (name == "bag/metadata.yaml" and not ended), name, "is not what it was")
        _need(len(data) <= max(claims[name]) or not ended, name, f"nobody vouches for bytes {max(claims[name])} on")
        late += [] if same and len(data) == max(claims[name]) else [name]
    for name in sorted(set(there) - set(claims)):
        _need(not ended and not there[name].is_symlink(), name, "nothing tells of this file")
    return late + sorted(set(there) - set(claims))


def main():
    """Verify a folder."""
    folder, trusted = pathlib.Path(sys.argv[1]), sys.argv[2:3] == ["--key"] and pathlib.Path(sys.argv[3]).read_bytes()
    names, chains, late = collections.defaultdict(list), collections.defaultdict(list), []
    for path in sorted(folder.glob("*.audit.jsonl")):
        names[path.name.split(".")[0]].append(path.name)
    voters = [files[0] for files in names.values()] + ["session.json"] * (folder / "session.json").is_file()
    votes = [re.findall(rb'"session": ?"(\w+)"', (folder / file).read_bytes().split(b"\n{")[0]) for file in voters]
    session = collections.Counter(found[-1].decode() for found in votes if found).most_common(1)
    for name, files in names.items():
        chains[name], broken = _chain(folder, name, files, session and session[0][0])
        late += broken
    told = [record["payload"] for _, record in chains["redactions"] if record["type"] == "redaction"]
    out = {(item["chain"], item["n"]): item["hash"] for payload in told for item in payload["records"]}
    for name in names:
        for file, record in chains[name]:
            kept = record["payload"] is not None or out.get((name, record["n"])) == record["hash"]
            _need(kept, file, f"the payload of record {record['n']} was taken out")
    trusted = trusted and load_pem_public_key(trusted)
    signed = not trusted or all(_signed(trusted, redaction) for redaction in told)
    _need(signed, next(iter(names["redactions"]), None), "nobody who is trusted vouches for a redaction")
    log = [record for _, record in chains["recorder"]]
    _need(log, "recorder.000.audit.jsonl", "holds no record")
    try:
        pem = (folder / "public_key.pem").read_bytes()
        key, starts = load_pem_public_key(pem), [record["payload"] for record in log if record["type"] == "start"]
        good = not starts or starts[0].get("public_key_sha256") == _hash(pem)
        good = good and (not trusted or trusted.public_bytes_raw() == key.public_bytes_raw())
    except (OSError, *WRONG):
        good = False
    _need(good, "public_key.pem", "is not the key of this record")
    heads = _checkpoints(chains, names, late, key)
    ended, last = log[-1]["type"] == "end", names["recorder"][-1]
    after = {"n": len(log) - 2, "hash": log[-1]["prev"]}
    good = not ended or (log[-1]["payload"].get("after") == after and log[-2]["type"] == "checkpoint")
    _need(good, last, "the end was signed for another place")
    late += [] if ended else [last]
    for name in names.keys() - {"redactions"}:
        covered = heads.get(name, {"n": -1})["n"] + (2 if ended and name == "recorder" else 0)
        late += [chains[name][covered + 1][0]] if len(chains[name]) > covered + 1 else []
    late += _files(folder, log, ended, {item["file"] for payload in told for item in payload["files"]})
    _need(not late, next(iter(late), None), "its end is missing: nobody vouches for what stands there")
    print(json.dumps({"ok": True, "first_bad": None, "why": ""}))


if __name__ == "__main__":
    try:
        main()
    except WRONG as error:
        _need(False, "", f"cannot be understood: {error!r}")
