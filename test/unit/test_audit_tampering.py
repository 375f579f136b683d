"""A thousand ways to alter a record: both verifiers find every one, and name the place."""

from __future__ import annotations

import ast
import contextlib
import json
import random
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from audit import second_verifier
from audit.finding import Finding
from audit.redact import Selection, redact
from audit.signing import Signer
from audit.verify import Anchors, verify
from campaign.record_forgery import FORGERIES
from campaign.record_tampering import WAYS, WAYS_OF_ANY_RECORD, Bench, Tampering, signed_again

MANY, FEWER, FORGED = 1000, 220, 135


@pytest.fixture(scope="module")
def bench(make_record_folder: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory) -> Bench:
    return make_bench(make_record_folder, tmp_path_factory.mktemp("tampering"))


def make_bench(make: Callable[..., Any], folder: Path, *, ended: bool = True, redacted: bool = False) -> Bench:
    signer, both = Signer(), []
    for name in ("genuine", "other"):
        made = make(folder / name, signer, ended=ended)
        if redacted:
            redact(made.folder, Selection(types=["state"], last=3, files=["bag/bag_1.mcap"]), "officer", "law", signer)
        paths = [path for path in made.folder.rglob("*") if path.is_file()]
        both.append({path.relative_to(made.folder).as_posix(): path.read_bytes() for path in paths})
    (folder / "altered").mkdir()
    (folder / "trusted.pem").write_bytes(signer.public_pem)
    return Bench(*both, signer, folder / "altered", folder / "trusted.pem")


def second(folder: Path, capsys: pytest.CaptureFixture[str], key: Path | None = None) -> dict[str, Any]:
    """What the second verifier says."""
    sys.argv = ["second_verifier.py", str(folder), *(["--key", str(key)] if key else [])]
    capsys.readouterr()
    with contextlib.suppress(SystemExit):
        second_verifier.main()
    said: dict[str, Any] = json.loads(capsys.readouterr().out)
    return said


def test_what_was_not_altered_is_ok(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    """With the trusted key and without."""
    folder = bench.lay(bench.genuine)
    for key in (None, bench.key):
        found = verify(folder, Anchors(key=key))
        assert found.ok, found.lines()
        assert second(folder, capsys, key)["ok"]
    assert verify(folder).vouched_by == []
    assert len(found.vouched_by) == 1


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_every_tampering_is_found_by_both_verifiers_at_its_place(
    bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    """Seeded, so that a failure can be repeated: the seed is in the message."""
    assert min(tampered(bench, capsys, WAYS, MANY).values()) >= MANY // len(WAYS)


@pytest.mark.timeout(300)  # nothing may wait for a pipe
def test_forged_redactions_and_what_is_no_file_are_found_by_both_verifiers(
    bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    """Seeded, too."""
    assert min(tampered(bench, capsys, FORGERIES, FORGED).values()) >= FORGED // len(FORGERIES)


def tampered(
    bench: Bench, capsys: pytest.CaptureFixture[str], ways: Sequence[Callable[..., Tampering]], many: int
) -> Counter[str]:
    """Do it so many times; how often each way was tried."""
    done: Counter[str] = Counter()
    wrong = []
    for seed in range(many):
        chance = random.Random(seed)
        way = ways[seed % len(ways)]
        tampering = way(bench, chance)
        done[way.__name__] += 1
        folder = bench.lay(tampering.files)
        key = bench.key if tampering.needs_anchor or chance.random() < 0.5 else None
        found, said = verify(folder, Anchors(key=key)), second(folder, capsys, key)
        missed = what_is_wrong(tampering, found, said)
        if missed:
            wrong.append(f"seed {seed}, {way.__name__} of {tampering.where}: {missed}; {found.lines()[:3]}; {said}")
    assert not wrong, "\n".join(wrong)
    return done


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["unfinished", "redacted"])
def test_other_records_are_not_easier_to_alter(
    make_record_folder: Callable[..., Any], tmp_path: Path, capsys: pytest.CaptureFixture[str], kind: str
) -> None:
    """One whose recorder was killed, one of which something was taken out: both verifiers find the same file."""
    bench = make_bench(make_record_folder, tmp_path, ended=kind != "unfinished", redacted=kind == "redacted")
    folder = bench.lay(bench.genuine)
    genuine = verify(folder)
    assert (genuine.ok, genuine.intact) == (kind == "redacted", True), genuine.lines()
    wrong = []
    for seed in range(FEWER):
        chance = random.Random(seed)
        way = WAYS_OF_ANY_RECORD[seed % len(WAYS_OF_ANY_RECORD)]
        folder = bench.lay(way(bench, chance).files)
        key = bench.key if chance.random() < 0.5 else None
        found, said = verify(folder, Anchors(key=key)), second(folder, capsys, key)
        if found.ok or said["ok"] or said["first_bad"] != found.problems[0].file:
            wrong.append(f"seed {seed}, {way.__name__}: {found.lines()[:3]}; {said}")
    assert not wrong, "\n".join(wrong)


def test_one_byte_more_at_the_end_of_any_file_is_found(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    """What was recorded is all there, and something else behind it."""
    for name, content in bench.genuine.items():
        folder = bench.lay({**bench.genuine, name: content + b" "})
        assert verify(folder).problems[0].file == name
        assert second(folder, capsys)["first_bad"] == name


def test_the_second_verifier_is_short_and_stands_alone() -> None:
    """Under 150 lines of code, nothing of the project, nothing but the standard library and the signature."""
    path = Path(second_verifier.__file__)
    tree = ast.parse(path.read_text(encoding="utf-8"))
    documented = [node for node in ast.walk(tree) if isinstance(node, (ast.Module, ast.FunctionDef))]
    texts = {
        line
        for node in documented
        if ast.get_docstring(node) is not None
        for line in range(node.body[0].lineno, (node.body[0].end_lineno or 0) + 1)
    }
    code = [
        number
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
        if line.strip() and not line.strip().startswith("#") and number not in texts
    ]
    assert len(code) < 150
    imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    imported |= {str(node.module).split(".")[0] for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert imported - set(sys.stdlib_module_names) == {"cryptography"}


def what_is_wrong(tampering: Tampering, found: Finding, said: dict[str, Any]) -> str:
    """What the verifiers missed; empty if nothing."""
    if found.ok or said["ok"]:
        return f"not found: first {found.ok}, second {said['ok']}"
    first = found.problems[0]
    if first.file not in tampering.where or said["first_bad"] != first.file:
        return f"file: first {first.file}, second {said['first_bad']}"
    if tampering.offset is not None and first.bytes and not first.bytes[0] <= tampering.offset < first.bytes[1]:
        return f"byte {tampering.offset}: {first.bytes}"
    if tampering.n is not None and first.n is not None and not tampering.n[0] <= first.n <= tampering.n[1]:
        return f"record {tampering.n}: {first.n}"
    if tampering.line is not None and first.line and not tampering.line[0] <= first.line <= tampering.line[1]:
        return f"line {tampering.line}: {first.line}"
    return ""


def test_a_record_signed_again_by_somebody_else_is_found_only_with_an_anchor(
    bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    """A folder cannot vouch for itself, and the verdict says that nobody does."""
    folder = bench.lay(signed_again(bench, Signer(), random.Random(1), leave_key=True))
    found = verify(folder)
    assert found.ok, found.lines()
    assert found.vouched_by == []
    assert "vouched for by nobody outside this folder" in found.lines()
    assert second(folder, capsys)["ok"]
    assert not verify(folder, Anchors(key=bench.key)).ok
