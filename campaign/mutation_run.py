"""One run of mutmut over a copy of the checkout in a temporary folder, and what became of each mutant."""

from __future__ import annotations

import json
import os
import re
import select
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from mutmut.mutation.diff_apply import get_diff_for_mutant
from mutmut.stats import status_by_exit_code
from mutmut.utils.file_utils import change_cwd
from mutmut.utils.format_utils import orig_function_and_class_names_from_key

from campaign.core_files import ROOT
from campaign.equivalent_mutants import Mutant

NOT_COPIED = (".*", "__pycache__", "build", "install", "log", "out", "docs", "*.egg-info")
KILLED, TIMEOUT, NOT_TRIED = "killed", "timeout", "not checked"
# Quick tests first, so that a mutant dies early; the same examples of the property tests in every run.
_CONFTEST = """\
import json
from pathlib import Path

from hypothesis import settings

settings.register_profile("mutation", derandomize=True, database=None, deadline=None, max_examples=20)
settings.load_profile("mutation")
_STATISTICS = Path(__file__).with_name("mutmut-stats.json")


def pytest_collection_modifyitems(items):
    if _STATISTICS.exists():
        durations = json.loads(_STATISTICS.read_text())["duration_by_test"]
        items.sort(key=lambda item: durations.get(item.nodeid, 0.0))
"""
_PYPROJECT = """\
[tool.mutmut]
source_paths = {packages}
also_copy = {others}
only_mutate = {sources}
pytest_add_cli_args_test_selection = {tests}
pytest_add_cli_args = ["-p", "no:cacheprovider"]
use_git_change_detection = false

[tool.pytest.ini_options]
addopts = "--import-mode=importlib"
markers = ["dds", "slow"]
"""


class MutationError(RuntimeError):
    """mutmut could not do its work."""


@dataclass(frozen=True)
class Verdict:
    """What became of one mutant: KILLED, TIMEOUT, NOT_TRIED or the word of mutmut for one that lives."""

    key: str
    file: str
    status: str


class MutationRun:
    """Mutants of some files, and the tests that shall kill them."""

    def __init__(self, folder: Path, sources: Sequence[str], tests: Sequence[str]) -> None:
        """Copy the checkout into an empty `folder` and configure mutmut there."""
        self._folder = folder / ROOT.name
        self._sources = tuple(sources)
        shutil.copytree(ROOT, self._folder, ignore=shutil.ignore_patterns(*NOT_COPIED))
        packages = sorted({source.split("/", 1)[0] for source in sources})
        others = sorted(
            path.name for path in self._folder.iterdir() if path.name not in {*packages, "test", "pyproject.toml"}
        )
        (self._folder / "conftest.py").write_text(_CONFTEST, encoding="utf-8")
        (self._folder / "pyproject.toml").write_text(
            _PYPROJECT.format(
                packages=json.dumps(packages),
                others=json.dumps([*others, "conftest.py"]),
                sources=json.dumps(list(sources)),
                tests=json.dumps(list(tests)),
            ),
            encoding="utf-8",
        )

    def run(self, names: Sequence[str], seconds: float, progress: Callable[[int, int], None]) -> None:
        """Try the mutants of these names or patterns; with no names all that have not been tried.

        Args:
            names: Names as in `Verdict.key`, or patterns.
            seconds: When this time is over it stops where it is [s].
            progress: Told every few seconds how many mutants have been tried, of how many.

        Raises:
            MutationError: mutmut could not do its work; the text ends with what it said last.
        """
        environment = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTHONHASHSEED": "0"}
        command = [str(Path(sys.executable).with_name("mutmut")), "run", "--max-children", str(os.cpu_count() or 1)]
        process = subprocess.Popen(
            [*command, *names],
            cwd=self._folder,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            stopped, said = _watch(process, time.monotonic() + seconds, progress)
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        if process.returncode != 0 and not stopped:
            raise MutationError(f"mutmut ended with {process.returncode}; do the tests pass? It said last:\n{said}")

    def verdicts(self) -> tuple[Verdict, ...]:
        """What became of every mutant."""
        found: list[Verdict] = []
        for source in self._sources:
            codes = json.loads((self._folder / "mutants" / f"{source}.meta").read_text())["exit_code_by_key"]
            found.extend(Verdict(key, source, status_by_exit_code[code]) for key, code in codes.items())
        return tuple(found)

    def mutant(self, verdict: Verdict) -> Mutant:
        """What a mutant changes."""
        with change_cwd(self._folder):
            diff = get_diff_for_mutant(verdict.key, path=verdict.file).splitlines()
        name, class_name = orig_function_and_class_names_from_key(verdict.key)
        changed = [line for line in diff if not line.startswith(("---", "+++"))]
        removed = [line[1:].strip() for line in changed if line.startswith("-")]
        added = [line[1:].strip() for line in changed if line.startswith("+")]
        return Mutant(
            verdict.file,
            f"{class_name}.{name}" if class_name else name,
            _line_of(self._folder / verdict.file, name, removed),
            " ".join(removed),
            " ".join(added),
        )


def _watch(process: subprocess.Popen[bytes], deadline: float, progress: Callable[[int, int], None]) -> tuple[bool, str]:
    """Tell the progress until the process ends or its time is over; returns if it was over, and what was said last."""
    assert process.stdout is not None
    said, told_at, stopped = "", 0.0, False
    while True:
        now = time.monotonic()
        if now >= deadline and not stopped:
            stopped = True
            os.killpg(process.pid, signal.SIGINT)
            deadline = now + 10.0
        elif now >= deadline:
            return stopped, said
        if not select.select([process.stdout], [], [], min(1.0, deadline - now))[0]:
            continue
        piece = os.read(process.stdout.fileno(), 65536)
        if not piece:
            process.wait()
            return stopped, said
        said = (said + piece.decode(errors="replace"))[-4000:]
        counts = re.findall(r"(\d+)/(\d+) ", said)
        if counts and now - told_at >= 5.0:
            told_at = now
            progress(int(counts[-1][0]), int(counts[-1][1]))


def _line_of(path: Path, function: str, removed: Sequence[str]) -> int:
    """Number of the first line after the head of the function that reads like the first one removed."""
    lines = [line.strip() for line in path.read_text(encoding="utf-8").splitlines()]
    head = next((index for index, line in enumerate(lines) if line.startswith(f"def {function}(")), 0)
    return next((index + 1 for index in range(head, len(lines)) if removed and lines[index] == removed[0]), head + 1)
