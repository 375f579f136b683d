"""Checks what the checkpoints of a record say against the chains: signatures, heads, Merkle roots, the signed end."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from audit.chain_check import ChainCheck, Entry
from audit.checkpoint import CHECKPOINT, END, RECORDER, REDACTIONS, root_of
from audit.finding import ALTERED, UNFINISHED, Problem
from audit.signing import is_signed_by

Heads = dict[str, dict[str, Any]]


@dataclass
class CheckpointCheck:
    """What the checkpoints say.

    Attributes:
        good: Checkpoints that are signed and fit, in order.
        problems: What does not fit.
        ended: The record ends with its signed end.
    """

    good: list[Entry] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    ended: bool = False


def check_checkpoints(chains: Mapping[str, ChainCheck], key: Ed25519PublicKey | None) -> CheckpointCheck:
    """Compare; where a chain is bad itself, only what stands before that is compared.

    Args:
        chains: By name.
        key: Whose signatures are accepted; None: that is known to be bad, and signatures are not looked at.
    """
    found = CheckpointCheck()
    heads: Heads = {}
    for entry in chains[RECORDER].of_type(CHECKPOINT):
        problem = _signature(entry, key) or _shape(entry) or _heads(entry, heads, chains)
        if problem is not None:
            found.problems.append(problem)
            return found
        heads = entry.record["payload"]["chains"]
        found.good.append(entry)
    last = chains[RECORDER].last
    found.ended = last is not None and last["type"] == END
    found.problems += _end(chains, key, found, heads)
    return found


def root_in(entry: Entry) -> str:
    """Merkle root that a good checkpoint holds."""
    return str(entry.record["payload"]["root"])


def _signature(entry: Entry, key: Ed25519PublicKey | None) -> Problem | None:
    if key is None or is_signed_by(key, entry.record["payload"]):
        return None
    return entry.problem("the signature is not by the key of this record")


def _shape(entry: Entry) -> Problem | None:
    payload = entry.record["payload"]
    heads, files = payload.get("chains"), payload.get("files")
    if not isinstance(heads, dict) or RECORDER not in heads or not isinstance(files, dict):
        return entry.problem("is no checkpoint: it lacks chains or files")
    for head in heads.values():
        whole = isinstance(head, dict) and type(head.get("n")) is int and isinstance(head.get("segment"), str)
        if not whole or head["n"] < 0:
            return entry.problem("is no checkpoint: a head lacks its number or segment")
    for file in files.values():
        whole = isinstance(file, dict) and type(file.get("bytes")) is int and isinstance(file.get("sha256"), str)
        if not whole or file["bytes"] < 0:
            return entry.problem("is no checkpoint: a file lacks its bytes or hash")
    return None


def _heads(entry: Entry, before: Heads, chains: Mapping[str, ChainCheck]) -> Problem | None:
    hashes: dict[str, list[str]] = {}
    for name, head in sorted(entry.record["payload"]["chains"].items()):
        first = before[name]["n"] + 1 if name in before else 0
        chain = chains.get(name)
        if chain is None or len(chain.hashes) <= head["n"]:
            if chain is not None and chain.problem is not None:
                return None  # it is bad before that, and told
            there = len(chain.hashes) if chain is not None else 0
            missing = chain.broken if chain is not None and chain.broken is not None else None
            line, span = (missing.line, missing.bytes) if missing is not None else (None, None)
            file = missing.file if missing is not None else _file_of(chain, head)
            why = f"record {there} is missing: the checkpoint {entry.n} covers the chain up to {head['n']}"
            return Problem(ALTERED, file, why, line=line, n=there, bytes=span)
        if head["n"] < first - 1 or (name == RECORDER and head["n"] >= entry.n):
            return entry.problem(f"its head of {name} is record {head['n']}, out of order")
        if chain.hashes[head["n"]] != head.get("hash") or chain.places[head["n"]][0] != head["segment"]:
            file, line = chain.places[min(first, head["n"])]
            why = f"a record from {first} to {head['n']} is not the one that the checkpoint {entry.n} covers"
            return Problem(ALTERED, file, why, line=line, n=min(first, head["n"]))
        hashes[name] = chain.hashes[first : head["n"] + 1]
    if set(before) - set(hashes):
        return entry.problem(f"says nothing of {', '.join(sorted(set(before) - set(hashes)))}, the one before did")
    if root_of(hashes) != entry.record["payload"].get("root"):
        return entry.problem("its Merkle root is not that of the records since the one before")
    return None


def _file_of(chain: ChainCheck | None, head: Mapping[str, Any]) -> str:
    """File in which the first missing record should be: behind what is there, or the one that the head names."""
    if chain is None or head["segment"] not in chain.files or not chain.places:
        return str(head["segment"])
    return chain.files[-1]


def _end(
    chains: Mapping[str, ChainCheck], key: Ed25519PublicKey | None, found: CheckpointCheck, heads: Heads
) -> Iterator[Problem]:
    recorder = chains[RECORDER]
    if recorder.problem is not None:
        return
    next_n, file = len(recorder.hashes), recorder.files[-1]
    if not found.ended:
        why = "the record breaks off: there is no 'end' behind its last record"
        yield Problem(UNFINISHED, file, why, n=next_n)
    else:
        problem = _signed_end(recorder.of_type(END)[-1], recorder, key, found)
        if problem is not None:
            yield problem
    for name, chain in chains.items():
        covered = heads[name]["n"] if name in heads else -1
        covered += 2 if found.ended and name == RECORDER else 0  # the last checkpoint, and the end
        if name == REDACTIONS or chain.problem is not None or len(chain.hashes) - 1 <= covered:
            continue
        behind, line = chain.places[covered + 1]
        yield Problem(UNFINISHED, behind, "no checkpoint covers the records from here on", line=line, n=covered + 1)


def _signed_end(
    entry: Entry, recorder: ChainCheck, key: Ed25519PublicKey | None, found: CheckpointCheck
) -> Problem | None:
    payload = entry.record["payload"]
    if not found.good or found.good[-1].n != entry.n - 1:
        return entry.problem("the record before the end is no checkpoint")
    if key is not None and not is_signed_by(key, payload):
        return entry.problem("the end is not signed by the key of this record")
    if payload.get("after") != {"n": entry.n - 1, "hash": recorder.hashes[entry.n - 1]}:
        return entry.problem("the end was signed for another place")
    return None
