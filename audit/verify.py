"""Verifies the record of a session: that everything is there, and as it was recorded.

What is looked at, in this order; the first thing that was altered is the first bad place,
else the first at which the record ends too early:

1. each chain by itself, by name: canonical lines, numbers, hashes, segments, one session;
2. payloads that were taken out: every one is told of in the chain `redactions`, with an anchor by who is trusted;
3. public_key.pem: the one that the `start` record names, and that is trusted; session.json: the one that
   every `start` record names;
4. checkpoints in their order: signature, heads, Merkle root; then the signed end, and what stands behind it;
5. all other files by name: there, with the hashes that checkpoints and `bag_closed` records hold, no more than these;
6. bags: their own checksums, as many messages as the chain says;
7. what somebody outside saw: a root, the record of the other site; it has to tell of this session.
"""

from __future__ import annotations

import contextlib
import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from audit.bag_check import BagReading, in_order
from audit.chain_check import ChainCheck, check_chain
from audit.checkpoint import RECORDER, REDACTIONS, SESSION_FILE, START_KEY, START_SESSION
from audit.checkpoint_check import CheckpointCheck, check_checkpoints, root_in
from audit.file_check import check_files, claims_of, files_in
from audit.finding import ALTERED, Finding, Problem
from audit.progress import Progress, quietly
from audit.reading import chains, lines
from audit.redaction_check import check_redactions, unrecorded
from audit.regular import read_regular
from audit.signing import SESSION_KEY, fingerprint, key_bytes, load_public_key, public_key_of
from audit.witness import witnessed_roots
from teleop_core.audit_disk import segment_name
from teleop_core.authentication import KeyFileError

_ROOT = re.compile(r"[0-9a-fA-F]{16,64}")


@dataclass(frozen=True)
class Anchors:
    """What vouches for a record from outside its folder.

    Attributes:
        key: Public key that the record has to be signed with.
        redactors: Public keys of people who may redact.
        witness: Folder of the other site's record.
        root: Root of a checkpoint that was shown at the console, hexadecimal; its first 16 digits or more are enough.

    Raises:
        ValueError: the root is none.
    """

    key: Path | None = None
    redactors: Sequence[Path] = field(default_factory=tuple)
    witness: Path | None = None
    root: str = ""

    def __post_init__(self) -> None:
        """Refuse a root that could fit by chance."""
        if self.root and not _ROOT.fullmatch(self.root):
            raise ValueError(f"root: {self.root[:80]!r} is not 16 to 64 hexadecimal digits, the first ones of a root")

    @property
    def given(self) -> bool:
        """There is one."""
        return bool(self.key or self.redactors or self.witness or self.root)


def verify(folder: Path | str, anchors: Anchors | None = None, progress: Progress = quietly) -> Finding:
    """Verify the record in a folder.

    Args:
        folder: Of the record.
        anchors: What vouches for it from outside.
        progress: Is told how many bags have been read, of how many: what takes longest.

    Raises:
        KeyFileError: a trusted key cannot be read.
        OSError: the folder, or the witness, cannot be read.
    """
    return _Verification(Path(folder), anchors or Anchors(), progress).run()


class _Verification:
    def __init__(self, folder: Path, anchors: Anchors, progress: Progress) -> None:
        self._folder, self._anchors, self._progress = folder, anchors, progress
        self._trusted = load_public_key(anchors.key) if anchors.key is not None else None
        self._redactors = [load_public_key(path) for path in anchors.redactors]
        self._found = Finding()
        self._chains: dict[str, ChainCheck] = {}

    def run(self) -> Finding:
        found = self._found
        self._read_chains()
        redactions = check_redactions(
            self._chains.get(REDACTIONS),
            self._trusted or self._key_in_folder(),
            [*([self._trusted] if self._trusted else []), *self._redactors],
            self._anchors.given,
        )
        found.redacted = redactions.told
        found.problems += [*unrecorded(self._chains, redactions), *redactions.problems]
        if RECORDER not in self._chains:
            found.problems.append(Problem(ALTERED, segment_name(RECORDER, 0), "the file is missing"))
            found.truncated = True
            return found
        checked = check_checkpoints(self._chains, self._check_key())
        self._check_session_file()
        found.problems += checked.problems
        self._check_files(checked, redactions.files)
        self._check_outside(checked)
        self._tell_of_the_end(checked)
        found.problems.sort(key=lambda problem: problem.kind != ALTERED)  # what is missing at the end comes last
        return found

    # --- 1: chains

    def _read_chains(self) -> None:
        found, there = self._found, chains(self._folder)
        session = _session_of_most(self._folder, there)
        for name, paths in there.items():
            chain = check_chain(name, paths, session)
            self._chains[name] = chain
            found.segments += len(paths)
            found.records += len(chain.hashes)
            found.clock_steps += chain.clock_steps
            found.problems += [problem for problem in (chain.problem, chain.broken) if problem is not None]
            for entry in chain.of_type("gap"):
                told = {key: entry.record["payload"].get(key) for key in ("topic", "first", "count", "why")}
                found.gaps.append({"chain": name, "n": entry.n, **told})

    # --- 3: key

    def _key_in_folder(self) -> Ed25519PublicKey | None:
        try:
            return public_key_of(read_regular(self._folder / SESSION_KEY), self._folder / SESSION_KEY)
        except (KeyFileError, OSError):
            return None

    def _check_key(self) -> Ed25519PublicKey | None:
        """Key whose signatures are accepted; None if the one that is there is known to be bad."""
        path = self._folder / SESSION_KEY
        try:
            content = read_regular(path)
            self._found.key = fingerprint(content)
            other = self._told_otherwise(START_KEY, self._found.key)
            if other is not None:
                self._bad_key(f"is not the key that record {other} tells of")
                return self._trusted
            key = public_key_of(content, path)
        except OSError as error:
            self._bad_key(f"cannot be read: {error.strerror}")
            return self._trusted
        except KeyFileError as error:
            self._bad_key(str(error).removeprefix(f"{path}: "))
            return self._trusted
        if self._trusted is not None and key_bytes(key) != key_bytes(self._trusted):
            self._bad_key(f"is not the trusted key {self._anchors.key}")
            return None
        if self._trusted is not None:
            self._found.vouched_by.append(f"the key {self._anchors.key}")
        return key

    def _bad_key(self, why: str) -> None:
        self._found.problems.append(Problem(ALTERED, SESSION_KEY, why))

    def _told_otherwise(self, key: str, digest: str) -> int | None:
        """Number of the first `start` record that tells of a file with another hash."""
        starts = self._chains[RECORDER].of_type("start")
        return next((entry.n for entry in starts if entry.record["payload"].get(key, digest) != digest), None)

    def _check_session_file(self) -> None:
        """It is there from the beginning, and signed with the first checkpoint behind a `start`."""
        digest, why = "", "is not what record {} tells of"
        try:
            digest = fingerprint(read_regular(self._folder / SESSION_FILE))
        except FileNotFoundError:
            why = "the file is missing; record {} tells of it"
        except OSError as error:
            why = f"cannot be read: {error.strerror or error}; record {{}} tells of it"
        other = self._told_otherwise(START_SESSION, digest)
        if other is not None:
            self._found.problems.append(Problem(ALTERED, SESSION_FILE, why.format(other)))

    # --- 5 and 6: files

    def _check_files(self, checked: CheckpointCheck, taken_out: set[tuple[str, int, str]]) -> None:
        found = self._found
        files = files_in(self._folder)
        closed = self._chains[RECORDER].of_type("bag_closed")
        claims = claims_of(checked.good, closed)
        problems = list(check_files(files, claims, checked.ended, taken_out))
        # With a chain that is bad, or a checkpoint, nothing can be said of what it may have covered.
        if any(problem.kind == ALTERED for problem in found.problems):
            problems = [problem for problem in problems if problem.file in claims]
        found.problems += [problem for problem in problems if problem.file not in {p.file for p in found.problems}]
        bad = {problem.file for problem in problems if problem.kind == ALTERED}
        told = {name: entry for entry in closed if isinstance(name := entry.record["payload"].get("file"), str)}
        reading = BagReading()
        bags = in_order(name for name in files if name.endswith(".mcap"))
        for name in bags:
            self._progress(found.bags, len(bags))
            found.bags += 1
            try:
                counts, wrong = reading.read(files[name])
            except OSError as error:
                if name not in bad:
                    why = f"cannot be read: {error.strerror or error}"
                    found.problems.append(Problem(ALTERED, name, why))
                continue
            payload = told[name].record["payload"] if name in told else {}
            if name in bad:
                continue
            if wrong and payload.get("state") == "finished":
                found.problems.append(Problem(ALTERED, name, f"is damaged, and was when it was recorded: {wrong}"))
            elif wrong:
                found.notes.append(f"{name} breaks off: {wrong}")
            elif payload and payload.get("messages") != counts:
                why = f"holds other messages than record {told[name].n} tells of"
                found.problems.append(Problem(ALTERED, name, why))
        self._tell_messages(reading)

    def _tell_messages(self, reading: BagReading) -> None:
        told: Counter[str] = Counter()
        for gap in self._found.gaps:
            if isinstance(gap["topic"], str) and type(gap["count"]) is int:
                told[gap["topic"]] += gap["count"]
        for topic, recorded in sorted(reading.recorded.items()):
            numbers = reading.sequences[topic]
            counts = {"recorded": recorded, "lost": numbers.lost, "told": told[topic]}
            self._found.messages[topic] = {**counts, "publishers": numbers.publishers}

    # --- 7: outside

    def _check_outside(self, checked: CheckpointCheck) -> None:
        found, recorder = self._found, self._chains[RECORDER]
        there = {root_in(entry): entry.n for entry in checked.good}
        newest = len(recorder.hashes) - 1
        # A root is that of the records before its checkpoint; what else the checkpoint says the next root covers.
        if self._anchors.root:
            shown = self._anchors.root.lower()
            fitting = [n for root, n in there.items() if root.startswith(shown)]
            if len(fitting) == 1:
                found.vouched_by.append(f"the root that was shown, up to record {fitting[0] - 1} of {newest}")
            elif fitting:
                records = ", ".join(map(str, fitting))
                why = f"the root {shown} fits the checkpoints of records {records}: give more of its digits"
                found.problems.append(Problem(ALTERED, recorder.files[-1], why, n=fitting[0]))
            else:
                self._cut_off(f"no checkpoint has the root {shown}: cut off before it, or written anew")
        if self._anchors.witness is None:
            return
        seen = witnessed_roots(self._anchors.witness, _session_of(recorder))
        if not seen:
            why = f"{self._anchors.witness} tells nothing of this session: it saw another record, or none"
            found.problems.append(Problem(ALTERED, SESSION_FILE, why))
            return
        for root in seen:
            if root.root in there:
                continue
            if root.n >= len(recorder.hashes):
                self._cut_off(f"the other site saw the checkpoint of record {root.n}, which is missing")
            else:
                file, line = recorder.places[root.n]
                why = f"the other site saw another checkpoint here, with the root {root.root}"
                found.problems.append(Problem(ALTERED, file, why, line=line, n=root.n))
            return
        last = there[seen[-1].root]
        found.vouched_by.append(f"the record {self._anchors.witness}, up to record {last - 1} of {newest}")

    def _cut_off(self, why: str) -> None:
        recorder = self._chains[RECORDER]
        self._found.truncated = True
        self._found.problems.append(Problem(ALTERED, recorder.files[-1], why, n=len(recorder.hashes)))

    # --- the end

    def _tell_of_the_end(self, checked: CheckpointCheck) -> None:
        found, recorder = self._found, self._chains[RECORDER]
        found.truncated = found.truncated or not checked.ended
        if checked.ended or recorder.last is None:
            return
        newest = [chain.last for chain in self._chains.values() if chain.last is not None and chain.name != REDACTIONS]
        boot = recorder.last["boot"]
        end = max(record["mono_ns"] for record in newest if record["boot"] == boot)
        signed = checked.good[-1].record if checked.good else None
        if signed is not None and signed["boot"] == boot:
            found.unsigned_tail_s = max(0.0, (end - signed["mono_ns"]) / 1e9)


def _session_of(chain: ChainCheck) -> str:
    return str(chain.last["session"]) if chain.last is not None else ""


def _session_of_most(folder: Path, there: Mapping[str, Sequence[Path]]) -> str:
    """The session that most of session.json and the chains are of, so that the odd one out is the bad one."""
    votes: list[str] = []
    for paths in there.values():
        with contextlib.suppress(OSError):  # its chain tells of it
            first = next((line.record for line in lines(paths[0]) if line.record is not None), None)
            votes += [first["session"]] if first is not None else []
    try:
        content: Any = json.loads(read_regular(folder / SESSION_FILE))
        votes += [content["session"]] if isinstance(content["session"], str) else []
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        pass  # it is judged by its hash
    return Counter(votes).most_common(1)[0][0] if votes else ""
