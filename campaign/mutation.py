"""`python -m campaign.mutation`: does some test notice every small change of the safety core?

mutmut changes one thing at a time in the functions of the core (an operator, a number, an argument, a condition) and
runs the unit tests of the part that was changed, as listed in core_files.py. A change that no test notices is a
survivor: the run fails, unless equivalent_mutants.yaml says why nobody could notice. Property tests do not take part:
the unit tests have to do it by themselves. The figures go to out/mutation.json.

With --budget it tries one mutant of every function and then a random sample for as long as the time lasts, and says so.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from campaign.core_files import CORE_PARTS, ROOT, part_of, sources, unit_tests
from campaign.equivalent_mutants import Mutant, read_table, stale_rows
from campaign.mutation_run import KILLED, NOT_TRIED, TIMEOUT, MutationError, MutationRun, Verdict

REPORT = ROOT / "out" / "mutation.json"
SEED = 1
UNLIMITED = 6 * 3600.0
START_UP = 10.0
"""A batch has to be worth the start of mutmut [s]."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the mutation tests.

    Returns:
        0 if every mutant that was tried is killed or listed as equivalent, and every row of the list is needed; 1 if
        not; 2 if the run could not be made.
    """
    options = _parser().parse_args(arguments)
    try:
        return _mutation(options)
    except (ValueError, FileNotFoundError, MutationError) as error:
        sys.stderr.write(f"mutation: {error}\n")
        return 2


def _mutation(options: argparse.Namespace) -> int:
    parts = tuple({part_of(file): None for file in options.only}) if options.only else CORE_PARTS
    files, tests = tuple(options.only) or sources(parts), unit_tests(parts)
    begun = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="mutation-") as folder:
        run = MutationRun(Path(folder), files, tests)
        if options.budget is None:
            run.run((), UNLIMITED, _progress)
        else:
            _sample(run, begun + options.budget, options.seed)
        verdicts = run.verdicts()
        living = [run.mutant(verdict) for verdict in verdicts if verdict.status not in (KILLED, TIMEOUT, NOT_TRIED)]
    report = _report(verdicts, living, files)
    report["seconds"] = round(time.monotonic() - begun, 1)
    report["seed"] = options.seed if options.budget is not None else None
    options.output.parent.mkdir(parents=True, exist_ok=True)
    options.output.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    _say(report, options.output)
    return 1 if report["survived"] or report["stale"] else 0


def _sample(run: MutationRun, deadline: float, seed: int) -> None:
    """Try one mutant of every function, then random ones until the time is over."""
    run.run(("*__mutmut_1",), deadline - time.monotonic(), _progress)
    order = random.Random(seed)
    pace = 0.3  # [s] per mutant; only until it has been measured
    while True:
        left = [verdict.key for verdict in run.verdicts() if verdict.status == NOT_TRIED]
        time_left = deadline - time.monotonic()
        count = min(len(left), int((time_left - START_UP) / pace))
        if count <= 0:
            return
        begun = time.monotonic()
        run.run(order.sample(sorted(left), count), time_left, _progress)
        pace = max(0.02, (time.monotonic() - begun) / count)


def _report(verdicts: Sequence[Verdict], living: Sequence[Mutant], files: Sequence[str]) -> dict[str, object]:
    table = read_table()
    survivors = [mutant for mutant in living if not any(row.covers(mutant) for row in table)]
    complete = all(verdict.status != NOT_TRIED for verdict in verdicts)
    stale = stale_rows(table, living, files) if complete else ()
    return {
        **_counts([verdict.status for verdict in verdicts], len(survivors)),
        "complete": complete,
        "files": {
            file: _counts(
                [verdict.status for verdict in verdicts if verdict.file == file],
                sum(mutant.file == file for mutant in survivors),
            )
            for file in files
        },
        "survivors": [vars(mutant) for mutant in survivors],
        "stale": [vars(row) for row in stale],
    }


def _counts(statuses: Sequence[str], survived: int) -> dict[str, int]:
    """Figures of some mutants; one on which the tests hang is noticed too, and counts as killed."""
    by_status = Counter(statuses)
    tried = len(statuses) - by_status[NOT_TRIED]
    killed = by_status[KILLED] + by_status[TIMEOUT]
    return {
        "mutants": tried,
        "killed": killed,
        "survived": survived,
        "equivalent": tried - killed - survived,
        "timeouts": by_status[TIMEOUT],
        "not_tried": by_status[NOT_TRIED],
    }


def _say(report: dict[str, object], path: Path) -> None:
    files, survivors, stale = report["files"], report["survivors"], report["stale"]
    assert isinstance(files, dict)
    assert isinstance(survivors, list)
    assert isinstance(stale, list)
    for mutant in survivors:
        print(f"{mutant['file']}:{mutant['line']}: {mutant['function']}: no test notices")
        print(f"    - {mutant['before']}\n    + {mutant['after']}")
    for row in stale:
        print(f"equivalent_mutants.yaml: nothing survives that needs {row['file']} {row['function']}: {row['after']}")
    columns = ("mutants", "killed", "survived", "equivalent", "timeouts", "not_tried")
    print(f"{'':38}" + "".join(f"{column.replace('_', ' '):>12}" for column in columns))
    for file, counts in {**files, "all": report}.items():
        print(f"{file:38}" + "".join(f"{counts[column]:>12}" for column in columns))
    sampled = "" if report["complete"] else f", a random sample (seed {report['seed']})"
    print(f"{report['seconds']} s{sampled}; written to {path}")


def _progress(tried: int, total: int) -> None:
    print(f"  {tried} of {total} mutants", flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m campaign.mutation", description="Mutation tests of the safety core."
    )
    parser.add_argument("--budget", type=float, metavar="SECONDS", help="try a random sample for about this long")
    parser.add_argument("--seed", type=int, default=SEED, help="of the sample (default %(default)s)")
    parser.add_argument("--only", action="append", default=[], metavar="FILE", help="file of the core; may be repeated")
    parser.add_argument(
        "--output", type=Path, default=REPORT, metavar="FILE", help="report (default out/mutation.json)"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
