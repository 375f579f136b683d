#!/usr/bin/env python3
"""A second verifier of a session's record, written apart from the first: standard library, and Ed25519 signatures.

`python second_verifier.py DIR [--key FILE]` prints {"ok", "first_bad", "why"}; exit code 0 if ok, 1 if not. It compares
hashes of bags and does not look into them. `first_bad`: the first file that was altered, else whose end is missing.
"""

import argparse
import contextlib
import hashlib
import json
import os
import pathlib
import re
import sys

from cryptography.hazmat.primitives.serialization import load_pem_public_key

TEXTS = {"actor", "boot", "chain", "hash", "payload_sha256", "prev", "session", "type"}
FIELDS = TEXTS | {"clock_error_ns", "mono_ns", "n", "payload", "utc_ns"}
KEPT = {"segment", "redaction", "gap", "disk", "start", "checkpoint", "end", "bag_opened", "bag_closed", "witness"}
OPENING = {"broken", "chain", "clock_source", "format", "previous", "salt"}
TOLD = {"files", "n", "prev", "records", "salt", "session", "utc_ns", "who", "why"}
RECORD = {"chain": str, "hash": str, "n": int, "payload_sha256": str, "type": str}
FILE = {"bytes": int, "file": str, "sha256": str}
GROWS = re.compile(r"bag/[^/]+\.mcap|[^/]+\.decisions\.jsonl")
SEGMENT = re.compile(r"([a-z][a-z0-9_]*)\.([0-9]{3}|[1-9][0-9]{3,5})\.audit\.jsonl")


def _need(condition, file, why):
    if not condition:
        print(json.dumps({"ok": False, "first_bad": file, "why": why}))
        sys.exit(1)


def _form(value):
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()


def _hash(value):
    return hashlib.sha256(value if isinstance(value, bytes) else _form(value)).hexdigest()


def _types(value):
    return {key: type(content) for key, content in value.items()}


def _plain(value, deep):
    if isinstance(value, (dict, list)):
        inner = value.values() if isinstance(value, dict) else value
        return deep > 0 and all(_plain(content, deep - 1) for content in inner)
    return type(value) is not int or abs(value) < 1 << 64


def _regular(folder, file):
    path = folder / file
    _need(path.is_file() and not path.is_symlink() and os.access(path, os.R_OK), file, "is a link or cannot be read")
    return path


def _parse(line):
    with contextlib.suppress(Exception):
        record = json.loads(line[:-1] if len(line) < 1 << 24 else b"")
        good = set(record) == FIELDS and all(type(record[key]) is str for key in TEXTS) and type(record["n"]) is int
        good = good and _hash({key: record[key] for key in FIELDS - {"payload", "hash"}}) == record["hash"]
        good = good and (record["payload"] is None or _hash(record["payload"]) == record["payload_sha256"])
        return record if good and _plain(record, 18) and _form(record) + b"\n" == line else None


def _root(leaves):
    half = 1 << (len(leaves) - 1).bit_length() - 1 if len(leaves) > 1 else 0
    text = b"\x01" + _root(leaves[:half]) + _root(leaves[half:]) if half else b"\x00" + leaves[0]
    return hashlib.sha256(text).digest()


def _signed(key, payload):
    with contextlib.suppress(Exception):
        content = {name: payload[name] for name in payload if name != "signature"}
        return key.verify(bytes.fromhex(payload["signature"]), _form(content)) is None


def _redacts(record, told, first):
    """Nothing else may stand in the chain of redactions, and each only at its own place."""
    with contextlib.suppress(Exception):
        usual = (record["type"], record["actor"], told["chain"], told["format"]) if first else ()
        if usual == ("segment", "redactions", "redactions", 1):
            return set(told) == OPENING and re.fullmatch("[a-z0-9_-]{0,32}", told["clock_source"])
        place = (record["type"], told["who"], type(told["why"])) == ("redaction", record["actor"], str) and not first
        place = place and all(told[key] == record[key] for key in ("n", "prev", "session", "utc_ns"))
        what = [_types(item) == RECORD for item in told["records"]] + [_types(item) == FILE for item in told["files"]]
        return place and all(what) and set(told) in (TOLD, TOLD | {"public_key", "signature"})


def _chain(folder, name, files, session):
    """Records with their files, and the last file at whose end a line broke off."""
    found, prev, behind = [], "0" * 64, {}
    for file, before in zip(files, [None, *files], strict=False):
        rest, first, expected = b"", True, f"{name}.{files.index(file):03d}.audit.jsonl"
        _need(file == expected, expected, "is missing")
        for line in re.findall(rb"[^\n]*\n|[^\n]+", _regular(folder, file).read_bytes()):
            record, n = _parse(line), len(found)
            if record is None:
                rest += line
                continue
            payload, follows = record["payload"] or {}, (record["n"], record["prev"]) == (n, prev)
            told = payload.get("broken") if record["type"] == "gap" and not first else None
            told = not rest or told == {"bytes": len(rest) - 1, "sha256": _hash(rest[:-1])}
            _need(told, file, f"what stands before record {record['n']} is none")
            right = (record["chain"], record["session"]) == (name, session) and (
                not first or record["type"] == "segment"
            )
            right = right and (name != "redactions" or _redacts(record, payload, first))
            _need(right and (payload or record["type"] not in KEPT), file, f"record {n} is not of this place")
            if first and before and payload.get("previous") == before:
                same = payload.get("broken") == {name: lost for name, lost in behind.items() if lost["bytes"]}
                whole = record["n"] == n and (same or not follows)
                _need(whole, next(iter(behind), before), f"no record {n} at its end")
            opens = not first or (payload.get("previous") == before and (before or payload.get("broken") == {}))
            _need(follows and opens, file, f"here is not record {n}")
            found.append((file, record))
            rest, first, prev, behind = b"", False, record["hash"], {}
        behind.update({file: {"bytes": len(rest), "sha256": _hash(rest)}} if rest or first else {})
    return found, list(behind)[-1:]


def _files(folder, log, ended, gone, read):
    """Compares every file that is no chain; those with an end that nobody vouches for."""
    claims, late = {}, []
    for record in log:
        told, one = record["payload"] or {}, {}
        if record["type"] == "bag_closed" and _types({key: told.get(key) for key in FILE}) == FILE:
            one = {told["file"]: told}
        for name, file in (told["files"] if record["type"] == "checkpoint" else one).items():
            claims[name] = {**(claims.get(name, {}) if GROWS.fullmatch(name) else {}), file["bytes"]: file["sha256"]}
    paths = [path for path in folder.rglob("*") if path.is_symlink() or not path.is_dir()]
    there = {path.relative_to(folder).as_posix() for path in paths} - read
    for name in sorted(name for name in claims if name in there or (name, *max(claims[name].items())) not in gone):
        _need(name in there, name, "is missing")
        digest, done, same, anew = hashlib.sha256(), 0, True, name == "bag/metadata.yaml" and not ended
        with _regular(folder, name).open("rb") as file:
            for size in sorted(claims[name]):
                digest.update(file.read(size - done))
                same, done = same and digest.hexdigest() == claims[name][size], size
                _need(same or anew, name, f"is not what it was, up to byte {size}")
            late += [name] if not same or file.read(1) else []
        _need(not ended or name not in late, name, f"nobody vouches for the bytes from {done} on")
    for name in sorted(there - set(claims)):
        _need(_regular(folder, name) and not ended, name, "nothing tells of this file")
    return late + sorted(there - set(claims))


def main():
    """Verify a folder."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--key", type=pathlib.Path)
    folder, key = vars(parser.parse_args()).values()
    trusted = key and load_pem_public_key(key.read_bytes())
    names, chains, late, heads = {"recorder": [], "redactions": []}, {}, [], {}
    found = [match for path in folder.iterdir() if (match := SEGMENT.fullmatch(path.name))]
    for match in sorted(found, key=lambda match: int(match[2])):
        names.setdefault(match[1], []).append(match[0])
    voters = [names[name][0] for name in sorted(names) if names[name]]
    voters += ["session.json"] * (folder / "session.json").is_file()
    firsts = [_regular(folder, file).read_bytes().split(b"\n{")[0] for file in voters]
    votes = [found[-1].decode() for first in firsts if (found := re.findall(rb'"session": ?"(\w+)"', first))]
    for name in sorted(names):
        chains[name], broken = _chain(folder, name, names[name], max(votes, key=votes.count, default=""))
        late += broken
    redactions = [record["payload"] for _, record in chains["redactions"] if record["type"] == "redaction"]
    out = {(item["chain"], item["n"]): item["hash"] for payload in redactions for item in payload["records"]}
    for file, record in (place for name in sorted(names) for place in chains[name]):
        kept = record["payload"] is not None or out.get((record["chain"], record["n"])) == record["hash"]
        _need(kept, file, f"the payload of record {record['n']} was taken out")
    for file, record in chains["redactions"]:
        signed = not trusted or record["type"] == "segment" or _signed(trusted, record["payload"])
        _need(signed, file, "nobody who is trusted vouches for this redaction")
    log = [record for _, record in chains["recorder"]]
    _need(log, "recorder.000.audit.jsonl", "holds no record")
    pem = _regular(folder, "public_key.pem").read_bytes()
    start = next((record["payload"] for record in log if record["type"] == "start"), {})
    _need(start.get("public_key_sha256", _hash(pem)) == _hash(pem), "public_key.pem", "is not the one of the start")
    _need(pem.startswith(b"-----BEGIN PUBLIC KEY-----\n"), "public_key.pem", "is no key")
    key = load_pem_public_key(pem)
    _need(not trusted or trusted == key, "public_key.pem", "is not the trusted key")
    for file, record in chains["recorder"]:
        signs, leaves, before = record["type"] in ("checkpoint", "end"), [], heads
        _need(not signs or _signed(key, record["payload"]), file, f"record {record['n']} is not signed")
        heads = record["payload"]["chains"] if record["type"] == "checkpoint" else heads
        for name, head in sorted(heads.items()) if heads is not before else ():
            first, chain = before.get(name, {"n": -1})["n"] + 1, chains[name]
            last = names[name][-1] if chain and head["segment"] in names[name] else head["segment"]
            there = next((broken for broken in late if broken in names[name]), last)
            _need(head["n"] < len(chain), there, f"records up to {head['n']} are missing")
            same = chain[head["n"]][1]["hash"] == head["hash"]
            _need(same, chain[min(first, head["n"])][0], f"one of the records {first} to {head['n']} is another one")
            leaves += [bytes.fromhex(covered["hash"]) for _, covered in chain[first : head["n"] + 1]]
        _need(not leaves or _root(leaves).hex() == record["payload"]["root"], file, f"{record['n']} has another root")
    ended, after = log[-1]["type"] == "end", {"n": len(log) - 2, "hash": log[-1]["prev"]}
    good = not ended or (log[-1]["payload"]["after"], log[-2]["type"]) == (after, "checkpoint")
    _need(good, names["recorder"][-1], "its end was signed for another place")
    late += [] if ended else [names["recorder"][-1]]
    for name in names.keys() - {"redactions"}:
        covered = heads.get(name, {"n": -1})["n"] + (2 if ended and name == "recorder" else 0)
        late += [file for file, _ in chains[name][covered + 1 :][:1]]
    gone = {(item["file"], item["bytes"], item["sha256"]) for payload in redactions for item in payload["files"]}
    late += _files(folder, log, ended, gone, {file for files in names.values() for file in files})
    _need(not late, next(iter(late), None), "its end is missing: nobody vouches for what stands there")
    print(json.dumps({"ok": True, "first_bad": None, "why": ""}))


if __name__ == "__main__":
    try:
        main()
    except Exception as error:
        _need(False, "", f"cannot be understood: {error!r}")
