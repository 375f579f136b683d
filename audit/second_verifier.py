#!/usr/bin/env python3
"""A second verifier of a session's record, written apart from the first: standard library, and Ed25519 signatures.

`python second_verifier.py DIR [--key FILE]` prints {"ok", "first_bad", "why"}; exit code 0 if ok, 1 if not. It compares
hashes of bags and does not look into them. `first_bad`: the first file that was altered, else whose end is missing.
"""

import collections
import hashlib
import json
import pathlib
import re
import sys

from cryptography.hazmat.primitives.serialization import load_pem_public_key

TEXTS = {"actor", "boot", "chain", "hash", "payload_sha256", "prev", "session", "type"}
FIELDS = TEXTS | {"clock_error_ns", "mono_ns", "n", "payload", "utc_ns"}
LATER = {"segment", "redaction", "gap", "disk"}
NEEDED = LATER | {"start", "checkpoint", "end", "bag_opened", "bag_closed", "witness"}
GROWS = re.compile(r"bag/[^/]+\.mcap|[^/]+\.decisions\.jsonl")


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
    except Exception:
        return None


def _root(leaves):
    half = 1 << (len(leaves) - 1).bit_length() - 1 if len(leaves) > 1 else 0
    text = b"\x01" + _root(leaves[:half]) + _root(leaves[half:]) if half else b"\x00" + leaves[0]
    return hashlib.sha256(text).digest()


def _signed(key, payload):
    try:
        content = {name: payload[name] for name in payload if name != "signature"}
        return key.verify(bytes.fromhex(payload["signature"]), _form(content)) is None
    except Exception:
        return False


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
            told = payload.get("broken") if record["type"] == "gap" and not first else None
            told = not rest or told == {"bytes": len(rest) - 1, "sha256": _hash(rest[:-1])}
            _need(told, file, f"what stands before record {record['n']} is none")
            right = (record["chain"], record["session"]) == (name, session)
            right = (
                right
                and (record["type"] == "segment" or not first)
                and (name != "redactions" or record["type"] in LATER)
            )
            _need(right and (payload or record["type"] not in NEEDED), file, f"record {n} is not of this place")
            if first and before and payload["previous"] == before:
                same = payload["broken"] == {name: lost for name, lost in behind.items() if lost["bytes"]}
                whole = record["n"] == n and (same or not follows)
                _need(whole, next(iter(behind), before), f"no record {n} at its end")
            _need(follows, file, f"here is not record {n}")
            found.append((file, record))
            rest, first, prev, behind = b"", False, record["hash"], {}
        behind.update({file: {"bytes": len(rest), "sha256": _hash(rest)}} if rest or first else {})
    return found, list(behind)[-1:]


def _files(folder, log, ended, gone):
    """Compares every file that is no chain; those with an end that nobody vouches for."""
    claims, late = collections.defaultdict(dict), []
    for told in (record["payload"] for record in log if record["type"] in ("checkpoint", "bag_closed")):
        for name, file in told.get("files", {told.get("file"): told}).items():
            claims[name] = {**(claims[name] if GROWS.fullmatch(name) else {}), file["bytes"]: file["sha256"]}
    there = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*")}
    there = {name: p for name, p in there.items() if p.is_symlink() or (p.is_file() and ".audit.jsonl" not in name)}
    for name in sorted(set(claims) - (gone - set(there))):
        _need(name in there and there[name].is_file() and not there[name].is_symlink(), name, "is missing")
        digest, done, same, anew = hashlib.sha256(), 0, True, name == "bag/metadata.yaml" and not ended
        with there[name].open("rb") as file:
            for size in sorted(claims[name]):
                digest.update(file.read(size - done))
                same, done = same and digest.hexdigest() == claims[name][size], size
                _need(same or anew, name, f"is not what it was, up to byte {size}")
            late += [name] if not same or file.read(1) else []
        _need(not ended or name not in late, name, f"nobody vouches for the bytes from {done} on")
    for name in sorted(set(there) - set(claims)):
        _need(not ended and not there[name].is_symlink(), name, "nothing tells of this file")
    return late + sorted(set(there) - set(claims))


def main():
    """Verify a folder."""
    folder, trusted = pathlib.Path(sys.argv[1]), None
    if sys.argv[2:3] == ["--key"]:
        trusted = load_pem_public_key(pathlib.Path(sys.argv[3]).read_bytes())
    names, chains, late, heads = collections.defaultdict(list), collections.defaultdict(list), [], {}
    for path in sorted(folder.glob("*.audit.jsonl")):
        names[path.name.split(".")[0]].append(path.name)
    voters = [files[0] for files in names.values()] + ["session.json"] * (folder / "session.json").is_file()
    votes = [re.findall(rb'"session": ?"(\w+)"', (folder / file).read_bytes().split(b"\n{")[0]) for file in voters]
    session = collections.Counter(found[-1].decode() for found in votes if found).most_common(1)
    for name, files in names.items():
        chains[name], broken = _chain(folder, name, files, session and session[0][0])
        late += broken
    redactions = [record["payload"] for _, record in chains["redactions"] if record["type"] == "redaction"]
    out = {(item["chain"], item["n"]): item["hash"] for payload in redactions for item in payload["records"]}
    for file, record in (place for name in names for place in chains[name]):
        kept = record["payload"] is not None or out.get((record["chain"], record["n"])) == record["hash"]
        _need(kept, file, f"the payload of record {record['n']} was taken out")
    signed = not trusted or all(_signed(trusted, redaction) for redaction in redactions)
    _need(signed, next(iter(names["redactions"]), None), "nobody who is trusted vouches for a redaction")
    log = [record for _, record in chains["recorder"]]
    _need(log, "recorder.000.audit.jsonl", "holds no record")
    pem = (folder / "public_key.pem").read_bytes() if (folder / "public_key.pem").is_file() else b""
    start = next((record["payload"] for record in log if record["type"] == "start"), {})
    _need(start.get("public_key_sha256", _hash(pem)) == _hash(pem), "public_key.pem", "is not the one of the start")
    key = load_pem_public_key(pem)
    same = not trusted or trusted.public_bytes_raw() == key.public_bytes_raw()
    _need(same, "public_key.pem", "is not the trusted key")
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
    late += _files(folder, log, ended, {item["file"] for payload in redactions for item in payload["files"]})
    _need(not late, next(iter(late), None), "its end is missing: nobody vouches for what stands there")
    print(json.dumps({"ok": True, "first_bad": None, "why": ""}))


if __name__ == "__main__":
    try:
        main()
    except Exception as error:
        _need(False, "", f"cannot be understood: {error!r}")
