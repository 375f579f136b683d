"""Robot and console record one session, each with its own key: each record is the witness of the other.

Whoever owns the key of a site can cut its record short, or write it anew, so that it verifies; what the other site saw
betrays it.
"""

from __future__ import annotations

import io
import json
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import redirect_stdout, suppress
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("rclpy", reason="ROS is not installed here")

from audit import second_verifier
from audit.checkpoint import CHECKPOINT, END, RECORDER, end_payload, root_of
from audit.checkpoint_maker import CheckpointMaker
from audit.file_marks import FileMarks
from audit.reading import records
from audit.signing import KEY_FILE, Signer
from audit.verify import Anchors, verify
from audit.witness import witnessed_roots
from teleop_cli.domain import claim_free_domain
from teleop_cli.runner import Runner, session_environment
from teleop_core.audit_record import Stamp, canonical, make_record
from teleop_core.audit_segment import Head
from teleop_core.contract import SITES
from teleop_core.graph import SessionOptions, node_graph
from teleop_ros.new_record import new_record

pytestmark = [pytest.mark.dds, pytest.mark.slow, pytest.mark.timeout(400)]
START_LIMIT = 240.0
"""On a machine that is busy with other things [s]."""
ROOTS = 6
"""So many roots of each site are seen by the other before the session ends."""
OTHER = dict(zip(SITES, reversed(SITES), strict=True))


def operate(folder: Path, domain: int) -> dict[str, Path]:
    """Run what the launch file starts at the two sites, until each has seen enough of the other; their records."""
    told = {site: Path(new_record(site, str(folder / site))) for site in SITES}
    specs = [spec for site in SITES for spec in node_graph(SessionOptions(side=site, record_folder=str(told[site])))]
    for spec in specs:
        if spec.records:  # the test does not depend on how full this computer is
            spec.parameters.update(disk_low=1_000_000, disk_reserve=100_000)
    runner = Runner(specs, folder, session_environment(domain))
    try:
        runner.start()
        until(lambda: not runner.crashed() and operated(told), "operated, and seen by each other")
    finally:
        runner.stop()
    assert [child.process.returncode for child in runner.children] == [0] * len(specs)
    return told


def operated(told: dict[str, Path]) -> bool:
    """The arms were permitted to move, and each site has seen enough roots of the other."""
    moved = any(record["type"] == "permit" and record["payload"]["granted"] for record in records(told["robot"]))
    return moved and all(len(seen_of(told, site)) >= ROOTS for site in SITES)


def seen_of(told: dict[str, Path], site: str) -> list[Any]:
    """Roots of a site in the record of the other."""
    return witnessed_roots(told[OTHER[site]], session_of(told[site]))


def session_of(folder: Path) -> str:
    return str(json.loads((folder / "session.json").read_text())["session"])


def until(condition: Callable[[], bool], what: str) -> None:
    end = time.monotonic() + START_LIMIT
    while not condition():
        assert time.monotonic() < end, f"not within {START_LIMIT} s: {what}"
        time.sleep(0.3)


def second(folder: Path) -> dict[str, Any]:
    """What the second verifier says."""
    printed = io.StringIO()
    sys.argv = ["second_verifier.py", str(folder)]
    with redirect_stdout(printed), suppress(SystemExit):
        second_verifier.main()
    found: dict[str, Any] = json.loads(printed.getvalue())
    return found


class Forger:
    """Somebody who has the folder of one site's record, and its key.

    Args:
        genuine: Folder of the record.
        copy: Where the forgery goes.
    """

    def __init__(self, genuine: Path, copy: Path) -> None:
        shutil.copytree(genuine, copy)
        self.folder = copy
        self._signer = Signer.load(genuine.parent / KEY_FILE)
        self._path = copy / "recorder.000.audit.jsonl"
        self._log = list(records(copy, RECORDER))

    def checkpoint(self, number: int) -> dict[str, Any]:
        """Record of a checkpoint, by its place among them."""
        return [record for record in self._log if record["type"] == CHECKPOINT][number]

    def cut_behind(self, checkpoint: dict[str, Any]) -> None:
        """Cut everything off behind a checkpoint, then sign what is left, and an end."""
        covered = checkpoint["payload"]
        for name, file in covered["files"].items():
            os.truncate(self.folder / name, file["bytes"])
        for path in self.folder.rglob("*"):
            name = path.relative_to(self.folder).as_posix()
            if name in (*covered["files"], "session.json", "public_key.pem") or path.is_dir():
                continue
            if not name.endswith(".audit.jsonl"):
                path.unlink()
            else:
                last = checkpoint["n"] if name == self._path.name else covered["chains"]["safety_monitor"]["n"]
                path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[: last + 1]))
        self._log = self._log[: checkpoint["n"] + 1]
        marks = FileMarks(self.folder).all_but(())
        head = self._append(CHECKPOINT, CheckpointMaker(self.folder, self._signer).make(marks))
        self._append(END, end_payload(self._signer, head, {"bag_finished": True, "lost": {}, "unread": {}}))

    def write_anew(self, checkpoint: dict[str, Any]) -> int:
        """Tell something else behind a checkpoint and sign everything behind it again; number of the changed record."""
        rest, self._log = self._log[checkpoint["n"] + 1 :], self._log[: checkpoint["n"] + 1]
        self._path.write_bytes(b"".join(canonical(record) + b"\n" for record in self._log))
        changed = next(record["n"] for record in rest if record["type"] not in (CHECKPOINT, END))
        before = checkpoint["payload"]["chains"]
        monitor = [record["hash"] for record in records(self.folder, "safety_monitor")]
        head = Head(self._path.name, -1, "")
        for record in rest:
            payload = {key: value for key, value in record["payload"].items() if key != "salt"}
            if record["n"] == changed:
                payload["site"] = "nowhere"
            elif record["type"] == CHECKPOINT:
                payload, before = self._signed_again(payload, before, monitor), payload["chains"]
            elif record["type"] == END:
                payload = end_payload(self._signer, head, payload)
            head = self._append(record["type"], payload, record)
        return int(changed)

    def _signed_again(self, payload: dict[str, Any], before: dict[str, Any], monitor: list[str]) -> dict[str, Any]:
        chains = payload["chains"]
        own = [record["hash"] for record in self._log]
        chains[RECORDER]["hash"] = own[chains[RECORDER]["n"]]
        hashes = {}
        for name, told in chains.items():
            first = before[name]["n"] + 1 if name in before else 0
            hashes[name] = (own if name == RECORDER else monitor)[first : told["n"] + 1]
        return self._signer.signed({**payload, "root": root_of(hashes)})

    def _append(self, type: str, payload: dict[str, Any], like: dict[str, Any] | None = None) -> Head:
        last = self._log[-1]
        like = like or last
        stamp = Stamp(like["mono_ns"], like["utc_ns"], like["clock_error_ns"], like["boot"])
        whose = like["actor"] if like is not last else RECORDER
        record = make_record(last["n"] + 1, RECORDER, last["hash"], stamp, like["session"], whose, type, payload)
        self._log.append(record)
        with self._path.open("ab") as file:
            file.write(canonical(record) + b"\n")
        return Head(self._path.name, record["n"], record["hash"])


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Path]]:
    """Records of one session, by site; for reading only."""
    domain, holder, _ = claim_free_domain()
    with holder:
        yield operate(tmp_path_factory.mktemp("sites"), domain)


@pytest.mark.parametrize("site", SITES)
def test_each_site_vouches_for_the_record_of_the_other(told: dict[str, Path], site: str) -> None:
    """Up to what it saw, with a key that the other site has not; the second verifier finds nothing wrong."""
    assert (told[site] / "public_key.pem").read_bytes() != (told[OTHER[site]] / "public_key.pem").read_bytes()
    found = verify(told[site], Anchors(witness=told[OTHER[site]]))
    assert found.ok, found.lines()
    assert second(told[site]) == {"ok": True, "first_bad": None, "why": ""}
    seen = seen_of(told, site)
    assert {root.root for root in seen} <= set(roots_of(told[site]))
    assert f"up to record {seen[-1].n - 1} of" in found.vouched_by[0]


@pytest.mark.parametrize("site", SITES)
def test_a_record_that_was_cut_short_with_its_own_key_is_found(
    told: dict[str, Path], tmp_path: Path, site: str
) -> None:
    """At an earlier checkpoint, with a new one and an end behind it, all of it signed."""
    forger = Forger(told[site], tmp_path / "cut")
    checkpoint = forger.checkpoint(len(roots_of(told[site])) // 2)
    forger.cut_behind(checkpoint)
    found = passes_alone(forger.folder, told[OTHER[site]])
    missed = next(root.n for root in seen_of(told, site) if root.n > checkpoint["n"])
    # Behind the checkpoint there are two records of the forger's.
    assert found.truncated == (missed > checkpoint["n"] + 2)
    assert found.problems[0].file == "recorder.000.audit.jsonl"
    assert found.problems[0].n == min(missed, checkpoint["n"] + 3)


@pytest.mark.parametrize("site", SITES)
def test_a_record_whose_tail_was_written_anew_with_its_own_key_is_found(
    told: dict[str, Path], tmp_path: Path, site: str
) -> None:
    """One record says something else, and everything behind it is chained and signed again."""
    forger = Forger(told[site], tmp_path / "anew")
    changed = forger.write_anew(forger.checkpoint(len(roots_of(told[site])) // 2))
    found = passes_alone(forger.folder, told[OTHER[site]])
    betrayed = next(root.n for root in seen_of(told, site) if root.n > changed)
    assert (found.problems[0].file, found.problems[0].n) == ("recorder.000.audit.jsonl", betrayed)
    assert "the other site saw another checkpoint here" in found.problems[0].why


def roots_of(folder: Path) -> list[str]:
    return [record["payload"]["root"] for record in records(folder, RECORDER) if record["type"] == CHECKPOINT]


def passes_alone(forged: Path, witness: Path) -> Any:
    """What the verification finds with a witness; without one nothing is wrong, whoever verifies."""
    alone = verify(forged, Anchors(key=forged / "public_key.pem"))
    assert alone.ok, alone.lines()
    assert second(forged)["ok"], second(forged)
    found = verify(forged, Anchors(witness=witness))
    assert (found.ok, found.intact, found.vouched_by) == (False, False, [])
    return found
