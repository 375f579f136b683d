#!/usr/bin/env python3
"""A second verifier of a session's record, written apart from the first: standard library, and Ed25519 signatures.

`python second_verifier.py DIR [--key FILE]` prints {"ok", "first_bad", "why"}; exit code 0 if ok, 1 if not. It compares
hashes of bags and does not look into them; what others saw (a root, the other site's record) is for the first verifier.
`first_bad`: the first file that was altered, else whose end is missing.
"""

import argparse
import collections
import contextlib
import hashlib
import json
import os
import pathlib
import re

from cryptography.hazmat.primitives.serialization import load_pem_public_key

TEXTS = {"actor", "boot", "chain", "hash", "payload_sha256", "prev", "session", "type"}
FIELDS = TEXTS | {"clock_error_ns", "mono_ns", "n", "payload", "utc_ns"}
KEPT = {"segment", "redaction", "gap", "disk", "start", "checkpoint", "end", "bag_opened", "bag_closed", "witness"}
OPENING = {"broken": 0, "chain": "redactions", "clock_source": 0, "format": 1, "previous": 0, "salt": 0}
GROWS = re.compile(r"bag/[^/]+\.mcap|[^/]+\.decisions\.jsonl")
SEGMENT = re.compile(r"([a-z][a-z0-9_]*)\.([0-9]{3}|[1-9][0-9]{3,5})\.audit\.jsonl")


def _need(condition, file, why):
    if not condition:
        print(json.dumps({"ok": False, "first_bad": file, "why": why}))
        raise SystemExit(1)


def _form(value):
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()


def _hash(value):
    return hashlib.sha256(value if isinstance(value, bytes) else _form(value)).hexdigest()


def _depth(value):
    inner = value.values() if isinstance(value, dict) else value
    return 1 + max(map(_depth, inner), default=0) if isinstance(value, (dict, list)) else 0


def _parse(line):
    with contextlib.suppress(Exception):
        # A number that is too large is read as another one, and so is not in canonical form.
        record = json.loads(line[:-1], parse_int=lambda digits: int(digits) if int(digits).bit_length() < 65 else 0)
        good = set(record) == FIELDS and all(type(record[key]) is str for key in TEXTS) and type(record["n"]) is int
        good = good and _hash({key: record[key] for key in FIELDS - {"payload", "hash"}}) == record["hash"]
        good = good and _depth(record) < 19 and _hash(record["payload"]) in (record["payload_sha256"], _hash(None))
        return record if good and len(line) < 1 << 24 and _form(record) + b"\n" == line else None


def _root(leaves):
    half = 1 << (len(leaves) - 1).bit_length() - 1 if len(leaves) > 1 else 0
    text = b"\x01" + _root(leaves[:half]) + _root(leaves[half:]) if half else b"\x00" + leaves[0]
    return hashlib.sha256(text).digest()


def _signed(key, payload):
    with contextlib.suppress(Exception):
        return key.verify(bytes.fromhex(payload.pop("signature")), _form(payload)) is None


def _redacts(record, told, name, first):
    """Nothing else may stand in the chain of redactions, and each only at its own place."""
    boot = re.fullmatch("[0-9a-f-]{0,36}", record["boot"])
    if first:
        usual = boot and {**told, "broken": 0, "clock_source": 0, "previous": 0, "salt": 0} == OPENING
        return usual and record["actor"] == name and re.fullmatch("[a-z0-9_-]{0,32}", str(told.get("clock_source")))
    same = boot and (record["type"], record["actor"]) == ("redaction", told.get("who"))
    return same and all(told.get(key) == record[key] for key in ("n", "prev", "session", "utc_ns"))


def _chain(folder, name, files, session):
    """Records with their files, and the last file at whose end a line broke off."""
    found, prev, behind = [], "0" * 64, {}
    for file, before in zip(files, [None, *files], strict=False):
        rest, first, expected = b"", True, f"{name}.{files.index(file):03d}.audit.jsonl"
        _need(file == expected, expected, "is missing")
        for line in re.findall(rb"[^\n]*\n|[^\n]+", (folder / file).read_bytes()):
            record, n = _parse(line), len(found)
            if record is None:
                rest += line
                continue
            payload, follows = record["payload"] or {}, (record["n"], record["prev"]) == (n, prev)
            told = [record["type"], first, payload.get("broken")]
            lost = {"bytes": len(rest) - 1, "sha256": _hash(rest[:-1])}
            _need(not rest or told == ["gap", False, lost], file, f"what stands before record {record['n']} is none")
            right = (record["chain"], record["session"]) == (name, session)
            right = right and (name != "redactions" or _redacts(record, payload, name, first))
            _need(right and (payload or record["type"] not in KEPT), file, f"record {n} is not of this place")
            if first and payload.get("previous") == before:
                same = payload.get("broken") == {name: lost for name, lost in behind.items() if lost["bytes"]}
                _need(record["n"] == n and (same or not follows), next(iter(behind), before or file), "is not whole")
            opens = not first or (record["type"], payload.get("previous")) == ("segment", before)
            _need(follows and opens, file, f"here is not record {n}")
            found.append((file, record))
            rest, first, prev, behind = b"", False, record["hash"], {}
        behind.update({file: {"bytes": len(rest), "sha256": _hash(rest)}} if rest or first else {})
    return found, list(behind)[-1:]


def _files(folder, log, ended, gone, there):
    """Compares every file that is no chain; those with an end that nobody vouches for."""
    claims, late = {}, []
    for kind, told in ((record["type"], record["payload"] or {}) for record in log):
        one = {told["file"]: told} if kind == "bag_closed" and GROWS.fullmatch(str(told.get("file"))) else {}
        for name, file in (told["files"] if kind == "checkpoint" else one).items():
            claims[name] = {**(claims.get(name, {}) if GROWS.fullmatch(name) else {}), file["bytes"]: file["sha256"]}
    for name in sorted(name for name in claims if name in there or (name, *max(claims[name].items())) not in gone):
        _need(name in there, name, "is missing")
        digest, done, same, anew = hashlib.sha256(), 0, True, name == "bag/metadata.yaml" and not ended
        with (folder / name).open("rb") as file:
            for size in sorted(claims[name]):
                digest.update(file.read(size - done))
                same, done = same and digest.hexdigest() == claims[name][size], size
                _need(same or anew, name, f"is not what it was, up to byte {size}")
            late += [name] if not same or file.read(1) else []
        _need(not ended or name not in late, name, f"nobody vouches for the bytes from {done} on")
    _need(not ended or there <= set(claims), min(there - set(claims), default=""), "nothing tells of this file")
    return late + sorted(there - set(claims))


def main():
    """Verify a folder."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--key", type=lambda file: load_pem_public_key(pathlib.Path(file).read_bytes()))
    folder, trusted = vars(parser.parse_args()).values()
    there = {path.relative_to(folder).as_posix(): path for path in sorted(folder.rglob("*"))}
    for name, path in there.items():
        kind = path.is_file() or (path.is_dir() and not SEGMENT.fullmatch(name))
        _need(kind and not path.is_symlink() and os.access(path, os.R_OK), name, "is a link, no file, or closed")
    names, chains, late, heads = collections.defaultdict(list), collections.defaultdict(list), [], {}
    for match in filter(None, map(SEGMENT.fullmatch, sorted(there, key=lambda name: (len(name), name)))):
        names[match[1]].append(match[0])
    voters = [names[name][0] for name in sorted(names)] + ["session.json"] * ("session.json" in there)
    votes = [found[1] for file in voters if (found := re.search(rb'"session": ?"(\w+)"', (folder / file).read_bytes()))]
    for name in sorted(names):
        chains[name], broken = _chain(folder, name, names[name], max(votes, key=votes.count, default=b"").decode())
        late += broken
    redactions = [record["payload"] for _, record in chains["redactions"] if record["type"] == "redaction"]
    out = {(item["chain"], item["n"]): item["hash"] for payload in redactions for item in payload["records"]}
    for file, one in (place for name in sorted(names) for place in chains[name]):
        _need(one["payload"] or out.get((one["chain"], one["n"])) == one["hash"], file, "its payload was taken out")
    for file, record in chains["redactions"] if trusted else ():
        _need(record["type"] == "segment" or _signed(trusted, {**record["payload"]}), file, "nobody vouches for this")
    _need(log := [record for _, record in chains["recorder"]], "recorder.000.audit.jsonl", "holds no record")
    pem, about = (there[name].read_bytes() if name in there else b"" for name in ("public_key.pem", "session.json"))
    for told in (record["payload"] for record in log if record["type"] == "start"):
        _need(told.get("public_key_sha256", _hash(pem)) == _hash(pem), "public_key.pem", "is not the one of the start")
        _need(told.get("session_json_sha256", _hash(about)) == _hash(about), "session.json", "is not that of the start")
    _need(pem.startswith(b"-----BEGIN PUBLIC KEY-----\n"), "public_key.pem", "is no key")
    _need(trusted in (None, key := load_pem_public_key(pem)), "public_key.pem", "is not the trusted key")
    for file, record in chains["recorder"]:
        signs, leaves, before = record["type"] in ("checkpoint", "end"), [], heads
        _need(not signs or _signed(key, {**record["payload"]}), file, f"record {record['n']} is not signed")
        heads = record["payload"]["chains"] if record["type"] == "checkpoint" else heads
        for name, head in sorted(heads.items()) if heads is not before else ():
            first, chain = before.get(name, {"n": -1})["n"] + 1, chains[name]
            last = names[name][-1] if chain and head["segment"] in names[name] else head["segment"]
            place = next((broken for broken in late if broken in names[name]), last)
            _need(head["n"] < len(chain), place, f"records up to {head['n']} are missing")
            _need(chain[head["n"]][1]["hash"] == head["hash"], chain[min(first, head["n"])][0], "holds another record")
            leaves += [bytes.fromhex(covered["hash"]) for _, covered in chain[first : head["n"] + 1]]
        _need(not leaves or _root(leaves).hex() == record["payload"]["root"], file, f"{record['n']} has another root")
    ended, after = log[-1]["type"] == "end", {"n": len(log) - 2, "hash": log[-1]["prev"]}
    good = not ended or (log[-1]["payload"]["after"], log[-2]["type"]) == (after, "checkpoint")
    _need(good, names["recorder"][-1], "its end was signed for another place")
    late += [] if ended else [names["recorder"][-1]]
    for name in sorted(names.keys() - {"redactions"}):
        covered = heads.get(name, {"n": -1})["n"] + (2 if ended and name == "recorder" else 0)
        late += [file for file, _ in chains[name][covered + 1 :][:1]]
    gone = {(item["file"], item["bytes"], item["sha256"]) for payload in redactions for item in payload["files"]}
    late += _files(folder, log, ended, gone, {n for n in there if there[n].is_file() and not SEGMENT.fullmatch(n)})
    _need(not late, next(iter(late), None), "its end is missing: nobody vouches for what stands there")
    print(json.dumps({"ok": True, "first_bad": None, "why": ""}))


if __name__ == "__main__":
    try:
        main()
    except Exception as error:
        _need(False, "", f"cannot be understood: {error!r}")
