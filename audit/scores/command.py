"""telesurgery audit scores: training scores over many sessions."""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

from audit.bag_scan import BagError
from audit.outcome import BAD_ARGUMENTS, DONE, EXIT_CODES, NOT_WRITTEN, misplaced, refuse, write_whole
from audit.progress import Told
from audit.report.head import read_head
from audit.report.words import number
from audit.scores.page import heading, render_scores
from audit.scores.score import SCORES, Score, as_json, by_operator, score
from audit.series.read import read_session


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the options."""
    parser.epilog = EXIT_CODES
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("folders", type=Path, nargs="+", metavar="DIR", help="folders of recorded sessions")
    parser.add_argument(
        "--out", type=Path, default=Path("scores"), metavar="DIR", help="write scores.json and scores.html there"
        " (default: ./scores)",
    )  # fmt: skip


def run(arguments: argparse.Namespace) -> int:
    """Score sessions; one that cannot be read is told and left out.

    Returns:
        Exit code, see EXIT_CODES.
    """
    out: Path = arguments.out
    if wrong := misplaced(out):
        return refuse(wrong, BAD_ARGUMENTS)
    scores: list[Score] = []
    problems: list[str] = []
    for folder in arguments.folders:
        try:
            scores.append(score(read_session(folder, progress=Told(f"reading {folder.name}")), read_head(folder)))
        except (BagError, OSError) as error:
            problems.append(str(error))
    if not scores:
        return refuse("; ".join(problems), BAD_ARGUMENTS)
    try:
        out.mkdir(parents=True, exist_ok=True)
        write_whole(out / "scores.json", json.dumps(as_json(scores), indent=2).encode())
        write_whole(out / "scores.html", render_scores(scores, problems, time.time_ns()).encode("utf-8", "replace"))
    except OSError as error:
        return refuse(f"{out}: cannot be written: {error.strerror or error}", NOT_WRITTEN)
    for line in _lines(scores):
        print(line)
    for problem in problems:
        print(f"not scored: {problem}")
    print(f"written: {out / 'scores.json'}, {out / 'scores.html'}")
    return DONE


def _lines(scores: list[Score]) -> list[str]:
    """One block an operator: a row for each score, a column for each session."""
    lines = []
    width = max(len(heading(definition)) for definition in SCORES)
    for operator, items in by_operator(scores).items():
        lines.append(f"{operator}: {', '.join(item.case or item.folder for item in items)}")
        for definition in SCORES:
            figures = (number(item.figures[definition.key] * definition.scale) for item in items)
            lines.append(f"  {heading(definition):{width}}  {'  '.join(f'{figure:>9}' for figure in figures)}")
    return lines
